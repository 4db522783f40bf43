"""Prices from Yahoo through the real yfinance, with a typed outcome for every ticker."""

from __future__ import annotations

import atexit
import functools
import random
import shutil
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from resources.batch import Answer, Batch, Days, Listing
from resources.calendars import is_known, sessions
from resources.prices.bars import complete, known, together, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

# How Yahoo spells what we spell otherwise.
SYMBOLS = {"EURUSD": "EURUSD=X", "USDJPY": "JPY=X"}

# Yahoo goes on correcting a bar for some minutes after the close.
SETTLING = timedelta(minutes=30)

_FIELDS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "adj_close": "Adj Close",
    "volume": "Volume",
}


# Exception classes of yfinance, curl_cffi and requests, by what they mean.
_CAUSES = {
    "rate_limited": {"YFRateLimitError"},
    "unknown_ticker": {"YFTickerMissingError"},
    "timeout": {"Timeout", "TimeoutError"},
    "truncated": {"IncompleteRead", "ChunkedEncodingError"},
    "outage": {"JSONDecodeError", "YFDataException", "RequestException"},
}
# curl: the body ended early, the connection broke while receiving.
_BROKEN_OFF = {18, 56}


class AnswerError(Exception):
    """Why a ticker got no bars.

    Parameters
    ----------
    cause : str
        ``rate_limited``, ``outage``, ``timeout``, ``truncated`` (another try may help),
        ``unknown_ticker``, ``wrong_symbol``, ``malformed`` (it will not) or ``no_data``.
    detail : str
        One line.
    """

    def __init__(self, cause: str, detail: str) -> None:
        super().__init__(f"{cause}: {detail}")
        self.cause = cause
        self.detail = detail

    @property
    def is_transient(self) -> bool:
        """Whether asking again may help."""
        return self.cause in {"rate_limited", "outage", "timeout", "truncated"}


@dataclass
class Gate:
    """Holds every worker back while the vendor wants quiet."""

    _opens_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def shut(self, seconds: float) -> None:
        """Let nobody pass for so many seconds from now."""
        with self._lock:
            self._opens_at = max(self._opens_at, time.monotonic() + seconds)

    def wait(self) -> None:
        """Return when the gate is open."""
        while (left := self._opens_at - time.monotonic()) > 0:
            time.sleep(left)


@dataclass(frozen=True)
class Yahoo:
    """Daily bars from Yahoo: one request per ticker, closes as Yahoo restates them at splits.

    Parameters
    ----------
    tickers : tuple of str
        What is asked for, all of it known to us; empty: every listing.
    cache : Path, optional
        Where yfinance keeps cookie and time zones; a temporary folder unless given.
    workers, tries : int
        Requests at a time; how often a transient failure is asked again, the first time included.
    pause, cooldown, timeout : float
        Seconds: before the second try (doubles each time, with jitter), for everybody after a
        rate limit, and for one request.
    clock : callable
        The present instant in UTC, naive.
    """

    tickers: tuple[str, ...] = ()
    cache: Path | None = None
    workers: int = 16
    tries: int = 3
    pause: float = 1.0
    cooldown: float = 30.0
    timeout: float = 10.0
    clock: Callable[[], datetime] = utc_now

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of the range, one answer per ticker."""
        _configure(str(self.cache) if self.cache else _scratch())
        by_ticker = known(listings)
        asking = _Asking(self, by_ticker, days, Gate())
        with ThreadPoolExecutor(self.workers, thread_name_prefix="yahoo") as pool:
            found = list(pool.map(asking.answer, self.tickers or tuple(by_ticker)))
        bars = [table for _, table in found if table is not None]
        return Batch(together(bars), [answer for answer, _ in found])

    def coverage(self) -> None:
        """Return None: what Yahoo holds is only known by asking."""


@dataclass(frozen=True)
class _Asking:
    """One fetch: everything its workers share."""

    yahoo: Yahoo
    by_ticker: dict[str, Listing]
    days: Days
    gate: Gate

    def answer(self, ticker: str) -> tuple[Answer, pa.Table | None]:
        """Return what came of one ticker; never raises."""
        try:
            bars = self._patiently(ticker)
        except AnswerError as error:
            outcome = "no_data" if error.cause == "no_data" else "failed"
            reason = error.detail if outcome == "no_data" else str(error)
            return Answer(ticker, outcome, reason, 0, self.yahoo.clock()), None
        return Answer(ticker, "delivered", None, bars.num_rows, self.yahoo.clock()), bars

    def _patiently(self, ticker: str) -> pa.Table:
        """Ask until there is an answer, it cannot change any more, or the tries are used up."""
        if ticker not in self.by_ticker:
            raise AnswerError("unknown_ticker", f"{ticker} is not among the instruments")
        tried = 0
        while True:
            self.gate.wait()
            try:
                return self._bars(self.by_ticker[ticker])
            except AnswerError as error:
                tried += 1
                if not error.is_transient or tried == self.yahoo.tries:
                    raise
                if error.cause == "rate_limited":
                    self.gate.shut(self.yahoo.cooldown)
            jitter = random.uniform(0.5, 1.5)  # noqa: S311 - spreads requests, hides nothing
            time.sleep(self.yahoo.pause * 2 ** (tried - 1) * jitter)

    def _bars(self, listing: Listing) -> pa.Table:
        """Ask once."""
        import pyarrow as pa

        symbol = SYMBOLS.get(listing.ticker, listing.ticker)
        frame, meta = _history(symbol, self.days, self.yahoo.timeout)
        if meta.get("symbol") != symbol:
            raise AnswerError("wrong_symbol", f"asked for {symbol}, got {meta.get('symbol')}")
        if frame.empty:
            raise AnswerError("no_data", f"no bar between {self.days.start} and {self.days.end}")
        dates = [stamp.date() for stamp in frame.index]
        numbers = {ours: pa.array(frame[name].astype(float)) for ours, name in _FIELDS.items()}
        delivered = pa.table(
            {
                "ticker": pa.repeat(pa.scalar(listing.ticker), len(dates)),
                "session_date": pa.array(dates, pa.date32()),
                **numbers,
                "currency": pa.repeat(pa.scalar(meta.get("currency"), pa.string()), len(dates)),
                "is_provisional": self._unsettled(listing.exchange_mic, dates),
            }
        )
        return complete(delivered, self.by_ticker, "yahoo")

    def _unsettled(self, mic: str | None, dates: list[date]) -> list[bool]:
        """Return for each date whether its session had not settled when we asked."""
        now = self.yahoo.clock()
        return [_settled_at(mic, day) > now for day in dates]


def _settled_at(mic: str | None, day: date) -> datetime:
    """Return when a session's bar is final: some time after the close, else after the UTC day."""
    end_of_day = datetime.combine(day + timedelta(days=1), datetime.min.time())
    return _closes(mic, day.year).get(day, end_of_day) + SETTLING


@functools.lru_cache(maxsize=256)
def _closes(mic: str | None, year: int) -> dict[date, datetime]:
    """Return the closing times of a year's sessions, UTC; nothing for an unknown exchange."""
    if mic is None or not is_known(mic):
        return {}
    table = sessions(mic, date(year, 1, 1), date(year, 12, 31))
    return dict(zip(table["session_date"].to_pylist(), table["closes_at"].to_pylist(), strict=True))


def _history(symbol: str, days: Days, timeout: float) -> tuple[Any, dict[str, Any]]:
    """Return yfinance's frame and the answer's metadata, or raise `AnswerError`."""
    import yfinance as yf
    from yfinance.data import YfData

    # yfinance keeps failed answers to past ranges: without this every retry gets them again.
    YfData.cache_get.cache_clear()  # pyright: ignore[reportFunctionMemberAccess]
    ticker = yf.Ticker(symbol)
    try:
        frame = ticker.history(
            start=days.start.isoformat(),
            end=(days.end + timedelta(days=1)).isoformat(),
            auto_adjust=False,
            actions=True,
            repair=False,
            keepna=True,
            timeout=timeout,
        )
    except Exception as error:  # yfinance lets anything out; every cause gets its name
        raise _named(error, symbol, days) from error
    meta = ticker.history_metadata
    # One by one: reading all of it makes yfinance ask for intraday bars.
    return frame, {name: meta.get(name) for name in ("symbol", "currency")}


def _named(error: Exception, symbol: str, days: Days) -> AnswerError:
    """Return the cause behind what yfinance and its transport raise."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    text = " ".join(str(error).split())[:200] or type(error).__name__
    if "YFPricesMissingError" in kinds:
        return _missing(getattr(error, "yahoo_reason", None), symbol, days)
    if "HTTPError" in kinds and "404" in text:
        return AnswerError("unknown_ticker", f"Yahoo on {symbol}: {text}")
    if getattr(error, "code", None) in _BROKEN_OFF:
        return AnswerError("truncated", text)
    cause = next((cause for cause, names in _CAUSES.items() if kinds & names), "malformed")
    return AnswerError(cause, f"{type(error).__name__}: {text}")


def _missing(reason: str | None, symbol: str, days: Days) -> AnswerError:
    """Return the cause of an answer without prices; `reason` is Yahoo's own, if it gave one."""
    if reason is None:
        return AnswerError("no_data", f"no bar between {days.start} and {days.end}")
    if "delisted" in reason or "Not Found" in reason:
        return AnswerError("unknown_ticker", f"Yahoo on {symbol}: {reason}")
    return AnswerError("no_data", f"Yahoo: {reason}")


def _configure(cache: str) -> None:
    """Make yfinance raise what happens, and keep its files where we say."""
    import yfinance as yf

    yf.config.debug.hide_exceptions = False
    yf.set_tz_cache_location(cache)


@functools.cache
def _scratch() -> str:
    """Return a folder of this process, gone when it ends."""
    folder = tempfile.mkdtemp(prefix="selloff-yahoo-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
