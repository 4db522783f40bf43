"""Prices, corporate actions and share counts from Yahoo: what is asked, and what came of it."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from resources.batch import Answer, Batch, Days
from resources.prices.bars import complete, known, together, utc_now
from resources.prices.settling import unsettled
from resources.prices.yahoo import reading
from resources.prices.yahoo.gate import Gate
from resources.web import WebError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from pathlib import Path

    from resources.batch import Listing
    from resources.prices.yahoo.client import Exchange
    from resources.prices.yahoo.reading import Found
    from resources.web import Keeper

    Ask = Callable[[Listing, Exchange], Found]

SOURCE = "yahoo"
# How Yahoo spells what we spell otherwise.
SYMBOLS = {"EURUSD": "EURUSD=X", "USDJPY": "JPY=X"}

_DAY = timedelta(days=1)
# The count in force on the first day was stated before it; yfinance looks as far back by itself.
_COUNTS_BEFORE = timedelta(days=548)
# Neither adjusted nor repaired: a day of -50% is what we exist to measure.
_AS_DELIVERED = {
    "interval": "1d",
    "auto_adjust": False,
    "actions": True,
    "repair": False,
    "keepna": True,
}
_SAY_EVERY = 5.0  # s


@dataclass(frozen=True)
class Yahoo:
    """Daily bars: one request per listing, closes as Yahoo restates them at splits.

    Parameters
    ----------
    payloads : Keeper, optional
        Keeps every answer before anybody reads it.
    say : callable
        Is told how far it is every few seconds, by the thread that fetches.
    cache : Path, optional
        Where yfinance keeps its cookie; a temporary folder unless given.
    workers, tries : int
        Requests at a time; how often a transient failure is asked again, the first time included.
    breaker : int
        Rate limits in a row, without an answer in between, after which nobody asks any more.
    pause, cooldown, longest, timeout : float
        Seconds: at most before the second try (doubles each time, with full jitter), of quiet for
        everybody after a rate limit that states none, at most for either, and for one request.
        A rate limit that states more than `longest` ends the fetch.
    clock : callable
        The present instant in UTC, naive.
    """

    payloads: Keeper | None = None
    say: Callable[[str], None] = lambda _line: None
    cache: Path | None = None
    workers: int = 16
    tries: int = 3
    breaker: int = 3
    pause: float = 1.0
    cooldown: float = 30.0
    longest: float = 120.0
    timeout: float = 10.0
    clock: Callable[[], datetime] = utc_now

    @functools.cached_property
    def _gate(self) -> Gate:
        """The gate of all fetches: a vendor that is left alone stays so for the next one."""
        return Gate(self.tries, self.breaker, self.pause, self.cooldown, self.longest)

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of the range, one answer per listing, and the actions that came along.

        Values are those of the answer: null where it says null, a date twice where it has it
        twice. What is wrong with them is for the contract to say.
        """
        by_ticker = known(listings)
        # yfinance reads the dates in UTC: exchanges begin and end theirs up to 14 hours off.
        span = {"start": days.start - _DAY, "end": days.end + 2 * _DAY}
        asked = {**_AS_DELIVERED, **span, "timeout": self.timeout}

        def ask(listing: Listing, exchange: Exchange) -> Found:
            symbol = _symbol(listing)
            found = reading.bars(exchange.ask(symbol, "history", **asked), listing, symbol, days)
            dates = found.rows["session_date"].to_pylist()
            early = unsettled(listing.exchange_mic, dates, exchange.fetched_at or self.clock())
            rows = found.rows.append_column("is_provisional", [early])
            return found._replace(rows=complete(rows, by_ticker, SOURCE))

        answers, found = self._ask_all(list(by_ticker.values()), ask)
        actions = [action for each in found for action in each.actions]
        return Batch(
            together([each.rows for each in found]),
            answers,
            beside={"raw.corporate_actions": reading.table(actions, reading.ACTIONS)},
        )

    def shares(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the share counts of the days and of the year and a half before them.

        Rows are for ``raw.shares_outstanding``: all values where Yahoo states several for a date.
        """
        import pyarrow as pa

        since = Days(days.start - _COUNTS_BEFORE, days.end)

        def ask(listing: Listing, exchange: Exchange) -> Found:
            symbol = _symbol(listing)
            body = exchange.ask(symbol, "get_shares_full", start=since.start, end=since.end + _DAY)
            return reading.counts(body, listing, symbol, since)

        answers, found = self._ask_all(list(known(listings).values()), ask)
        nothing = reading.table([], reading.COUNTS)
        return Batch(pa.concat_tables([nothing, *(each.rows for each in found)]), answers)

    def coverage(self) -> None:
        """Return None: what Yahoo holds is only known by asking."""

    def _ask_all(self, listings: list[Listing], ask: Ask) -> tuple[list[Answer], list[Found]]:
        """Ask for all listings at a time; return the answers in their order, and what came."""
        from resources.prices.yahoo import client

        client.configure(str(self.cache) if self.cache else None)
        gate = self._gate
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix=SOURCE)
        try:
            asked = [pool.submit(self._answer, each, ask, gate) for each in listings]
            self._follow(asked, gate)
        finally:
            pool.shutdown(cancel_futures=True)
        results = [each.result() for each in asked]
        return [answer for answer, _ in results], [found for _, found in results if found]

    def _answer(self, listing: Listing, ask: Ask, gate: Gate) -> tuple[Answer, Found | None]:
        """Return what came of one listing; never raises `WebError`."""
        from resources.prices.yahoo.client import CLIENT, Exchange

        exchange, found = Exchange(self.payloads, self.clock), None
        try:
            found, tried = gate.ask(lambda: ask(listing, exchange))
            n_rows = found.rows.num_rows
            said = Answer(listing.ticker, "delivered", None, n_rows, self.clock(), n_tries=tried)
        except WebError as error:
            said = error.answer(listing.ticker, SOURCE, self.clock())
        return replace(
            said,
            fetched_at=exchange.fetched_at or said.fetched_at,
            request=exchange.request,
            client=CLIENT,
            payload_sha256=exchange.sha256,
            source=SOURCE,
        ), found

    def _follow(self, asked: list[Future[tuple[Answer, Found | None]]], gate: Gate) -> None:
        """Say how far it is until all have been asked."""
        waiting = set(asked)
        while waiting:
            waiting = wait(waiting, timeout=_SAY_EVERY).not_done
            came = [each for each in asked if each.done()]
            n_without = sum(each.result()[1] is None for each in came)
            self.say(
                f"yahoo: {len(came)} of {len(asked)} asked, {n_without} without data, "
                f"{gate.n_limits} rate limits"
            )


def _symbol(listing: Listing) -> str:
    return SYMBOLS.get(listing.ticker, listing.ticker)
