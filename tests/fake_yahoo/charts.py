"""Charts: what Yahoo holds of one symbol, given or generated, and how it tells it."""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from .answers import Reply, within

if TYPE_CHECKING:
    from collections.abc import Mapping

# Weekdays without a session in New York, among them days of mourning (2018-12-05, 2025-01-09).
HOLIDAYS = {
    2015: "01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25",
    2016: "01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26",
    2017: "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25",
    2018: "01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25",
    2019: "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25",
    2020: "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25",
    2021: "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24",
    2022: "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26",
    2023: "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25",
    2024: "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25",
    2025: "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25",
    2026: "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25",
}

# How many daily bars a range holds, about.
RANGES = {"1d": 1, "5d": 5, "1mo": 21, "3mo": 63, "6mo": 126, "1y": 252, "2y": 504, "5y": 1260}


class Bar(NamedTuple):
    """One row of a chart; `at` is Yahoo's stamp in unix time, None is a null."""

    at: int
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    volume: float | None
    adj_close: float | str | None

    @property
    def prices(self):
        """The four prices and the adjusted close, by name."""
        names = ("open", "high", "low", "close", "adj_close")
        return {name: getattr(self, name) for name in names}

    def times(self, factor):
        """Return the bar with all its prices multiplied."""
        return self._replace(**{name: price * factor for name, price in self.prices.items()})


class Event(NamedTuple):
    """A corporate action: `kind` is dividends, splits or capitalGains."""

    at: int
    kind: str
    values: dict[str, float | str]


@dataclass(frozen=True)
class Series:
    """All of a symbol's bars and events; as an answer, those inside the asked period.

    `said` is the symbol that the reply names, where it is not the one asked for; `kind` is Yahoo's
    instrument type: capital gains are read of an ETF only. `meta` holds what else the reply's meta
    data say otherwise, by Yahoo's own names.
    """

    symbol: str
    bars: tuple[Bar, ...]
    events: tuple[Event, ...] = ()
    currency: str = "USD"
    zone: str = "America/New_York"
    said: str | None = None
    kind: str = "EQUITY"
    meta: Mapping[str, object] = field(default_factory=dict)

    def __call__(self, query, _n_asked):
        return Reply(200, json.dumps({"chart": {"result": [self._result(query)], "error": None}}))

    def row(self, day: str) -> int:
        """Return the place of the first bar of a date in the exchange's zone."""
        return [self.date(bar).isoformat() for bar in self.bars].index(day)

    def date(self, bar: Bar) -> date:
        """Return a bar's date in the exchange's zone."""
        return datetime.fromtimestamp(bar.at, ZoneInfo(self.zone)).date()

    def having(self, fault, day: str) -> Series:
        """Return the series with a fault on one date."""
        return fault(self, self.row(day))

    def paying(self, day: str, amount: float) -> Series:
        """Return the series with a dividend, earlier adjusted closes lowered for it."""
        row = self.row(day)
        factor = 1 - amount / self.bars[row - 1].close
        before = [bar._replace(adj_close=bar.adj_close * factor) for bar in self.bars[:row]]
        return replace(self, bars=(*before, *self.bars[row:])).announcing(
            "dividends", row, amount=amount
        )

    def splitting(self, day: str, numerator: float, denominator: float = 1) -> Series:
        """Return the series with a split; its prices are restated for it already."""
        return self.announcing(
            "splits", self.row(day), numerator=numerator, denominator=denominator
        )

    def announcing(self, kind: str, row: int, **values) -> Series:
        """Return the series with one more event and the same prices."""
        event = Event(self.bars[row].at, kind, values)
        return replace(self, events=(*self.events, event))

    def _asked(self, query):
        rows = within(query, self.bars)
        return rows[-RANGES.get(query.get("range", ["max"])[0], len(rows)) :] if rows else []

    def _result(self, query):
        result = {"meta": self._meta(), "indicators": {"quote": [{}], "adjclose": [{}]}}
        rows = self._asked(query)
        if rows:
            columns = dict(zip(Bar._fields, zip(*rows, strict=True), strict=True))
            result["timestamp"] = columns.pop("at")
            adjusted = {"adjclose": columns.pop("adj_close")}
            result["indicators"] = {"quote": [columns], "adjclose": [adjusted]}
        events = within(query, self.events)
        if events:
            result["events"] = {
                kind: {str(at): {"date": at, **values} for at, its, values in events if its == kind}
                for kind in sorted({event.kind for event in events})
            }
        return result

    def _meta(self):
        last = self.bars[-1].at if self.bars else 0
        there = datetime.fromtimestamp(last, ZoneInfo(self.zone))
        return {
            "symbol": self.said or self.symbol,
            "currency": self.currency,
            "instrumentType": self.kind,
            "exchangeTimezoneName": self.zone,
            "timezone": there.tzname(),
            "gmtoffset": int(there.utcoffset().total_seconds()),
            "regularMarketTime": last,
            "firstTradeDate": self.bars[0].at if self.bars else None,
            "dataGranularity": "1d",
            "validRanges": [*RANGES, "10y", "ytd", "max"],
            **self.meta,
        }


def chart(symbol, bars, **given) -> Series:
    """Return a series of given bars: (unix time, open, high, low, close, volume[, adj_close]).

    Without its own, the adjusted close is the close. The rest is as in `Series`.
    """
    complete = tuple(
        Bar(*bar) if len(bar) == len(Bar._fields) else Bar(*bar, bar[4]) for bar in bars
    )
    return Series(symbol, complete, **given)


def sessions(first: str, last: str) -> list[date]:
    """Return the trading days of New York between two dates, both included, 2015 to 2026."""
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    if start.year not in HOLIDAYS or end.year not in HOLIDAYS:
        raise ValueError(f"sessions are known from {min(HOLIDAYS)} to {max(HOLIDAYS)} only")
    every = (start + timedelta(n) for n in range((end - start).days + 1))
    return [day for day in every if day.weekday() < 5 and f"{day:%m-%d}" not in HOLIDAYS[day.year]]


def walk(symbol, days, *, opens=time(9, 30), zone="America/New_York", start=100.0, **given):
    """Return a clean series: a random walk that is always the same for the same symbol.

    Parameters
    ----------
    symbol : str
        Seeds the walk.
    days : sequence of date
        One bar each, stamped at `opens` in the exchange's `zone` as Yahoo does.
    start : float
        The close before the first bar. Daily moves have a standard deviation of 1%.
    **given
        As in `Series`.
    """
    dice = random.Random(symbol)  # noqa: S311 - the same numbers each time are wanted
    stamps = [int(datetime.combine(day, opens, ZoneInfo(zone)).timestamp()) for day in days]
    moves = (1 + dice.gauss(0, 0.01) for _ in stamps)
    closes = list(
        itertools.accumulate(moves, lambda close, move: round(close * move, 4), initial=start)
    )
    bars = [
        _bar(stamp, before, close, dice)
        for stamp, (before, close) in zip(stamps, itertools.pairwise(closes), strict=True)
    ]
    return chart(symbol, bars, zone=zone, **given)


def _bar(stamp, before, close, dice):
    opened = round(before * (1 + dice.gauss(0, 0.002)), 4)
    high = round(max(opened, close) * (1 + dice.uniform(0, 0.005)), 4)
    low = round(min(opened, close) * (1 - dice.uniform(0, 0.005)), 4)
    return stamp, opened, high, low, close, dice.randrange(1_000_000, 9_000_000)
