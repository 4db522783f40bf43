"""Documents from public sources: asked at their pace, again where that helps, kept as they came."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from resources.batch import Answer, Reject, naive_utc

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

T = TypeVar("T")
Row = dict[str, Any]

_TRANSIENT = frozenset({"rate_limited", "outage", "timeout", "truncated"})
_CAUSES: dict[int, str] = {404: "not_found", 429: "rate_limited"}
_STEP = 65_536


class WebError(Exception):
    """Why something could not be had, or is of no use.

    Parameters
    ----------
    cause : str
        ``rate_limited``, ``outage``, ``timeout``, ``truncated`` (another try may help),
        ``not_found``, ``refused``, ``malformed``, ``unknown_ticker``, ``wrong_symbol`` (it will
        not) or ``no_data`` (a fact about what was asked for).
    detail : str
        One line.
    retry_after : float
        Seconds for which the source wants quiet.
    """

    def __init__(self, cause: str, detail: str, retry_after: float = 0.0) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail
        self.retry_after = retry_after
        self.n_tries = 1

    def answer(self, requested: str, source: str, at: datetime) -> Answer:
        """Return the answer that tells it."""
        is_fact = self.cause == "no_data"
        return Answer(
            requested,
            "no_data" if is_fact else "failed",
            self.detail if is_fact else str(self),
            0,
            at,
            cause=self.cause,
            n_tries=self.n_tries,
            source=source,
        )


class Keeper(Protocol):
    """What keeps answers as they came."""

    def keep(self, body: bytes, *, request: str, client: str, fetched_at: datetime) -> str | None:
        """Keep the bytes and return their SHA-256."""
        ...


@dataclass
class Pace:
    """Lets callers pass one by one, never more than so many within a second."""

    per_second: float
    _next: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Return when it is this caller's turn."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + 1 / self.per_second
        time.sleep(max(0.0, turn - time.monotonic()))

    def hold(self, seconds: float) -> None:
        """Let nobody pass for so many seconds from now."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


@dataclass(frozen=True)
class Patience:
    """How a source is asked again; shared by all threads that ask it.

    Parameters
    ----------
    pace : Pace
        Passed before every try.
    tries : int
        How often a transient failure is asked again, the first time included.
    pause, longest : float
        Seconds: before the second try (doubles each time, with jitter), and the longest quiet
        after a rate limit; a source that wants more is left alone.
    """

    pace: Pace
    tries: int = 4
    pause: float = 1.0
    longest: float = 60.0

    def ask(self, question: Callable[[], T]) -> tuple[T, int]:
        """Return what a question brings and the tries it took, or raise its last `WebError`."""
        tried = 0
        while True:
            self.pace.wait()
            tried += 1
            try:
                return question(), tried
            except WebError as error:
                error.n_tries = tried
                is_final = error.cause not in _TRANSIENT or error.retry_after > self.longest
                if is_final or tried == self.tries:
                    raise
                self._rest(error, tried)

    def _rest(self, error: WebError, tried: int) -> None:
        """Wait before the next try; after a rate limit everybody does."""
        jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads requests, hides nothing
        seconds = max(self.pause * 2 ** (tried - 1) * jitter, error.retry_after)
        if error.cause == "rate_limited":
            self.pace.hold(seconds)
        else:
            time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class Found:
    """What one document brought: rows, input that is no row, and the answer that says so."""

    answer: Answer
    rows: list[Row] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


@dataclass(frozen=True)
class Web:
    """One source of documents.

    Parameters
    ----------
    source : str
        The name that answers and rows give to it.
    agent : str
        The User-Agent that every request states.
    payloads : Keeper, optional
        Keeps every body before anybody reads it.
    patience : Patience
        How it is asked again.
    seconds, max_bytes : float, int
        What one answer may take, to its last byte.
    clock : callable
        The present instant in UTC, naive.
    """

    source: str
    agent: str = "selloff"
    payloads: Keeper | None = None
    patience: Patience = field(default_factory=lambda: Patience(Pace(5.0)))
    seconds: float = 60.0
    max_bytes: int = 100_000_000
    clock: Callable[[], datetime] = lambda: naive_utc(datetime.now(UTC))

    def ask(
        self,
        requested: str,
        address: str,
        read: Callable[[bytes], tuple[list[Row], list[Reject]]],
    ) -> Found:
        """Return what the document at an address brought; never raises `WebError`.

        Parameters
        ----------
        requested : str
            What is asked for, as the answer names it.
        address : str
            Where it is.
        read : callable
            Makes rows and rejects of the document's bytes, or raises `WebError`.
        """
        client, tried, kept = f"requests {version('requests')}", 1, None
        rows, rejects = list[Row](), list[Reject]()
        try:
            body, tried = self.patience.ask(lambda: self._body(address))
            at = self.clock()
            if self.payloads:
                kept = self.payloads.keep(body, request=address, client=client, fetched_at=at)
            rows, rejects = read(body)
            said = _brought(requested, rows, rejects, self.source, at)
        except WebError as error:
            tried = max(tried, error.n_tries)
            said = error.answer(requested, self.source, self.clock())
        said = replace(said, n_tries=tried, request=address, client=client, payload_sha256=kept)
        return Found(said, rows, rejects)

    def _body(self, address: str) -> bytes:
        """Ask once."""
        import requests

        until = time.monotonic() + self.seconds
        try:
            with requests.get(
                address,
                headers={"User-Agent": self.agent},
                timeout=self.seconds,
                # A redirect would lead to a place that nobody chose.
                allow_redirects=False,
                stream=True,
            ) as response:
                _check(response)
                return self._read(response, until)
        except requests.RequestException as error:
            raise named(error) from error

    def _read(self, response: requests.Response, until: float) -> bytes:
        """Read piece by piece as it comes: a source that drips must not outlast the deadline."""
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        body = bytearray()
        try:
            while piece := response.raw.read1(_STEP, decode_content=True):
                body += piece
                if time.monotonic() > until:
                    raise WebError("timeout", f"no whole answer within {self.seconds:g} s")
                if len(body) > self.max_bytes:
                    raise WebError("refused", f"more than {self.max_bytes:,} bytes")
        except ReadTimeoutError as error:
            raise WebError("timeout", f"nothing within {self.seconds:g} s") from error
        except HTTPError as error:
            raise WebError("truncated", _line(error)) from error
        return bytes(body)


def _brought(
    requested: str, rows: list[Row], rejects: list[Reject], source: str, at: datetime
) -> Answer:
    """Return the answer that tells what a document brought."""
    if rows:
        return Answer(requested, "delivered", None, len(rows), at, source=source)
    nothing = WebError("no_data", f"no rows, and {len(rejects)} that were refused")
    return nothing.answer(requested, source, at)


def named(error: requests.RequestException) -> WebError:
    """Return the cause behind what the transport raises."""
    import requests

    text = _line(error)
    # A time-out within the body comes as a ConnectionError.
    if isinstance(error, requests.Timeout) or "Read timed out" in text:
        return WebError("timeout", text)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return WebError("truncated", text)
    return WebError("outage", text)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _check(response: requests.Response) -> None:
    """Raise what a status says."""
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    usual = "outage" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"
    stated = response.headers.get("Retry-After", "")
    # The other form, a date, would trust the source's clock.
    quiet = float(stated) if stated.isdecimal() else 0.0
    raise WebError(_CAUSES.get(status, usual), f"http {status}", quiet)
