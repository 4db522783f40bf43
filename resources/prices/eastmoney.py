"""Prices of listings in the United States from Eastmoney, through the akshare library."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING

from resources.batch import Answer, Batch
from resources.prices.bars import complete, known, together, utc_now
from resources.prices.settling import settled_at
from resources.web import Pace, Patience, WebError, named

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    import pyarrow as pa

    from resources.batch import Days, Listing

    History = Callable[..., pd.DataFrame]

SOURCE = "eastmoney"
# Eastmoney's numbers for markets: Nasdaq, New York, and NYSE American with Arca and Cboe.
MARKETS = {"XNAS": 105, "XNYS": 106, "ARCX": 107, "BATS": 107, "XASE": 107}

_DATE = "日期"
_FIELDS = {"open": "开盘", "high": "最高", "low": "最低", "close": "收盘", "volume": "成交量"}


@dataclass(frozen=True)
class Eastmoney:
    """Daily bars as they traded: one request per ticker.

    Of the library's two vendors this is the one whose answers are read; what Sina answers it runs
    as code. The library is an extra of this project, no dependency: it brings a JavaScript engine
    along (48 MB). It looks at no status: a rate limit and a maintenance page are an ``outage``.

    Parameters
    ----------
    tickers : tuple of str
        What is asked for, all of it known to us; empty: every listing in the United States.
    workers : int
        Requests at a time.
    patience : Patience
        How the vendor is asked again.
    clock : callable
        The present instant in UTC, naive.
    """

    tickers: tuple[str, ...] = ()
    workers: int = 4
    patience: Patience = field(default_factory=lambda: Patience(Pace(5.0), tries=3))
    clock: Callable[[], datetime] = utc_now

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of the range, one answer per ticker.

        Raises
        ------
        ValueError
            The library is not installed.
        """
        by_ticker = known(listings)
        local = [one.ticker for one in by_ticker.values() if one.exchange_mic in MARKETS]
        asking = _Asking(self, by_ticker, days, _history())
        with ThreadPoolExecutor(self.workers, thread_name_prefix=SOURCE) as pool:
            found = list(pool.map(asking.answer, self.tickers or local))
        bars = [table for _, table in found if table is not None]
        return Batch(together(bars), [answer for answer, _ in found])

    def coverage(self) -> None:
        """Return None: what the vendor holds is only known by asking."""


@dataclass(frozen=True)
class _Asking:
    """One fetch: everything its workers share."""

    eastmoney: Eastmoney
    by_ticker: dict[str, Listing]
    days: Days
    history: History

    def answer(self, ticker: str) -> tuple[Answer, pa.Table | None]:
        """Return what came of one ticker; never raises."""
        client = f"akshare {version('akshare')}"
        try:
            bars, tried = self.eastmoney.patience.ask(lambda: self._bars(ticker))
        except WebError as error:
            said = error.answer(ticker, SOURCE, self.eastmoney.clock())
            return replace(said, client=client), None
        return Answer(
            ticker,
            "delivered",
            None,
            bars.num_rows,
            self.eastmoney.clock(),
            n_tries=tried,
            client=client,
            source=SOURCE,
        ), bars

    def _bars(self, ticker: str) -> pa.Table:
        """Ask once."""
        listing = self.by_ticker.get(ticker)
        if listing is None:
            raise WebError("unknown_ticker", f"{ticker} is not among the instruments")
        if listing.exchange_mic not in MARKETS:
            raise WebError("unknown_ticker", f"{ticker} is not listed in the United States")
        frame = self._frame(f"{MARKETS[listing.exchange_mic]}.{_symbol(ticker)}")
        if frame.empty:
            raise WebError("no_data", f"no bar between {self.days.start} and {self.days.end}")
        return self._delivered(listing, frame)

    def _frame(self, symbol: str) -> pd.DataFrame:
        """Return the library's frame, or raise what its exceptions mean."""
        import requests

        try:
            return self.history(
                symbol=symbol,
                start_date=f"{self.days.start:%Y%m%d}",
                end_date=f"{self.days.end:%Y%m%d}",
                adjust="",
            )
        except requests.RequestException as error:
            raise named(error) from error
        except Exception as error:  # the library checks nothing: what is left is the answer's shape
            text = " ".join(str(error).split())[:200]
            if "NoneType" in text:
                # The vendor answers null to a symbol it does not know; the library looks into it.
                raise WebError("unknown_ticker", f"Eastmoney knows no {symbol}") from error
            raise WebError("malformed", f"{type(error).__name__}: {text}") from error

    def _delivered(self, listing: Listing, frame: pd.DataFrame) -> pa.Table:
        """Return the bars in our columns."""
        import pyarrow as pa

        try:
            dates = [date.fromisoformat(text) for text in frame[_DATE]]
            numbers = {ours: pa.array(frame[name].astype(float)) for ours, name in _FIELDS.items()}
        except (KeyError, TypeError, ValueError) as error:
            raise WebError("malformed", f"{type(error).__name__}: {error}") from error
        delivered = pa.table(
            {
                "ticker": pa.repeat(pa.scalar(listing.ticker), len(dates)),
                "session_date": pa.array(dates, pa.date32()),
                **numbers,
                # 不复权, "not adjusted": neither for splits nor for dividends.
                "basis": pa.repeat(pa.scalar("as_traded"), len(dates)),
                "is_provisional": self._unsettled(str(listing.exchange_mic), dates),
            }
        )
        return complete(delivered, self.by_ticker, SOURCE)

    def _unsettled(self, mic: str, dates: list[date]) -> list[bool]:
        """Return for each date whether its session had not settled when we asked."""
        now = self.eastmoney.clock()
        return [settled_at(mic, day) > now for day in dates]


def _symbol(ticker: str) -> str:
    """Return how Eastmoney spells a ticker: BRK_B."""
    return ticker.replace("-", "_").replace(".", "_")


def _history() -> History:
    """Return the library's function."""
    try:
        library = import_module("akshare")
    except ImportError as error:
        raise ValueError("the price provider 'eastmoney' needs: pip install akshare") from error
    return library.stock_us_hist
