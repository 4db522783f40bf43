"""The seam to yfinance: it talks to Yahoo, and what Yahoo answers is heard here as it comes.

Cookie, crumb, consent and the fingerprint of a browser are yfinance's business, the answer is not:
its frame has 0 where Yahoo has no volume, one row where Yahoo has two of a date, and rows without
prices where an action has no bar; it asks everything that Yahoo refuses a second time, with other
cookies; it forgets Retry-After, and it keeps failed answers. So its session hands each answer over
and ends yfinance's work on it.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from contextvars import ContextVar
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import curl_cffi.requests as curl
import yfinance as yf
from yfinance.data import YfData

from resources.web import WebError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from resources.web import Keeper

CLIENT = f"yfinance {version('yfinance')}"

# Of all that yfinance asks, these answers are data.
_DATA = ("/v8/finance/chart/", "/ws/fundamentals-timeseries/", "/xhr/ncp")
# What belongs to the visitor, not to the question.
_SECRET = frozenset({"crumb"})
# yfinance finds a new crumb where the old one is refused.
_CRUMB_REFUSED = frozenset({401, 403})
_RATE_LIMITED, _SERVER_ERROR = 429, 500
# curl's own numbers: the body ended early, the connection broke while receiving; nothing in time.
_CURL = {18: "truncated", 56: "truncated", 28: "timeout"}


@dataclass
class Exchange:
    """One question, and what came of it last.

    Parameters
    ----------
    payloads : Keeper, optional
        Keeps the body before anybody reads it.
    clock : callable
        The present instant in UTC, naive.
    request, body, sha256, fetched_at
        The address that was asked, without secrets; its answer, the name under which that is
        kept, and when it came. None where there is none.
    """

    payloads: Keeper | None
    clock: Callable[[], datetime]
    request: str | None = None
    body: bytes | None = None
    sha256: str | None = None
    fetched_at: datetime | None = None

    def ask(self, symbol: str, method: str, **given: Any) -> bytes:
        """Have yfinance ask for a symbol by one of its methods; return the answer's body.

        Raises
        ------
        WebError
            ``rate_limited``, ``outage``, ``timeout``, ``truncated``, or ``malformed`` where
            yfinance asked nothing.
        """
        self.request = self.body = self.sha256 = self.fetched_at = None
        YfData.cache_get.cache_clear()  # pyright: ignore[reportFunctionMemberAccess]
        ticker = yf.Ticker(symbol, session=_session())
        # yfinance would ask Yahoo for the time zone in which it reads `start` and `end`.
        ticker._tz = "UTC"  # noqa: SLF001
        token = _CURRENT.set(self)
        try:
            getattr(ticker, method)(**given)
        except _HeardError:
            pass
        except WebError:
            raise
        except Exception as error:  # yfinance lets anything out, and reads a refused crumb as data
            if self.body is None:
                raise WebError("malformed", f"{type(error).__name__}: {_line(error)}") from error
        finally:
            _CURRENT.reset(token)
        if self.body is None:
            raise WebError("malformed", "yfinance asked for nothing")
        return self.body

    def hear(self, response: Any) -> None:
        """Take an answer and end yfinance's work on it."""
        body = bytes(response.content)
        self.fetched_at = self.clock()
        if self.payloads and body:
            self.sha256 = self.payloads.keep(
                body, request=self.request or "", client=CLIENT, fetched_at=self.fetched_at
            )
        status = response.status_code
        if status == _RATE_LIMITED:
            stated = response.headers.get("Retry-After") or ""
            # The other form, a date, would trust the source's clock.
            quiet = float(stated) if stated.isdecimal() else 0.0
            raise WebError("rate_limited", f"http {status}", quiet)
        if status >= _SERVER_ERROR:
            raise WebError("outage", f"http {status}")
        self.body = body
        if status not in _CRUMB_REFUSED:
            raise _HeardError


class _HeardError(Exception):
    """The answer is there: yfinance need not go on."""


_CURRENT: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


class _Session(curl.Session[curl.Response]):
    """A browser, as yfinance's own; answers with data go to the exchange of the thread."""

    def request(self, method: Any, url: str, *args: Any, **given: Any) -> Any:
        exchange = _CURRENT.get()
        if exchange is None:
            return super().request(method, url, *args, **given)
        if _is_data(url):
            exchange.request = public(url, given.get("params"))
        try:
            response = super().request(method, url, *args, **given)
        except curl.RequestsError as error:
            if not _is_data(url):
                raise
            cause = _CURL.get(int(error.code), "outage")
            raise WebError(cause, _line(error)) from error
        # After a detour over Yahoo's page of consent, the answer to a form is the chart.
        if _is_data(response.url):
            exchange.hear(response)
        return response


def configure(cache: str | None) -> None:
    """Make yfinance raise what happens, and keep its files where we say."""
    yf.config.debug.hide_exceptions = False
    yf.set_tz_cache_location(cache or _scratch())


def public(url: str, params: dict[str, Any] | None) -> str:
    """Return an address with all its parameters but the visitor's own."""
    parts = urlsplit(url)
    given = [*parse_qsl(parts.query), *(params or {}).items()]
    query = urlencode([(name, value) for name, value in given if name not in _SECRET])
    return urlunsplit(parts._replace(query=query))


def _is_data(url: str) -> bool:
    return urlsplit(url).path.startswith(_DATA)


def _line(error: Exception) -> str:
    # curl points to its manual.
    said, _, _ = str(error).partition(". See https://")
    return " ".join(said.split())[:200] or type(error).__name__


@functools.cache
def _session() -> _Session:
    """Return the session of this process."""
    return _Session(impersonate="chrome")


@functools.cache
def _scratch() -> str:
    """Return a folder of this process, gone when it ends."""
    folder = tempfile.mkdtemp(prefix="selloff-yahoo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
