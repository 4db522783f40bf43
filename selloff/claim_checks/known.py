"""What was known of the claimed listings: bars, sessions, share counts, exchange rates."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from selloff.claim_checks.readings import Bar

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A rate from longer ago than a long holiday is none.
_RATE_DAYS = 7
# Bars needed around a claimed day: five sessions and a long holiday, or a year and a month.
_SHORT, _LONG = timedelta(days=30), timedelta(days=400)
_DAILY = ("day", "intraday", "open", "unstated", "week")
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Market:
    """The tables that claims are held against, with the columns of the core tables of that name."""

    daily_prices: ir.Table
    quarantined_bars: ir.Table
    sessions: ir.Table
    instruments: ir.Table
    shares_outstanding: ir.Table
    fx_rates: ir.Table


@dataclass(frozen=True, slots=True)
class Past:
    """What was known of a listing: its bars and the sessions of its exchange, in order.

    `quarantined` has its bars that are kept out of the prices, by session: rows of
    ``core.quarantined_bars``.
    """

    bars: list[Bar]
    sessions: list[date]
    quarantined: dict[date, _Row]


@dataclass(frozen=True, slots=True)
class Known:
    """The rows of a `Market` that a set of claims needs, indexed."""

    bars: dict[str, list[Bar]]
    bar_days: dict[str, list[date]]
    calendars: dict[str, tuple[list[datetime], list[date]]]
    quarantined: dict[str, dict[date, _Row]]
    counts: dict[str, list[_Row]]
    rates: dict[str, tuple[list[date], list[_Row]]]
    siblings: dict[str, list[str]]

    def past(self, listing_id: str, published_at: datetime | None) -> Past:
        """Return what of a listing had closed at publication; nothing without a date.

        Parameters
        ----------
        listing_id : str
            The listing.
        published_at : datetime or None
            UTC, without a zone.

        Examples
        --------
        >>> calendar = {"A": ([datetime(2025, 1, 6, 21)], [date(2025, 1, 6)])}
        >>> facts = Known({}, {}, calendar, {}, {}, {}, {})
        >>> facts.past("A", datetime(2025, 1, 6, 22)).sessions
        [datetime.date(2025, 1, 6)]
        """
        closes, days = self.calendars.get(listing_id, ([], []))
        until = published_at
        if until is not None and is_date(until):
            until += timedelta(days=1)  # a date without a time of day: its sessions had closed
        n_closed = 0 if until is None else bisect_right(closes, until)
        if n_closed == 0:
            return Past([], [], {})
        bar_days = self.bar_days.get(listing_id, [])
        n_bars = bisect_right(bar_days, days[n_closed - 1])
        bars = self.bars.get(listing_id, [])[:n_bars]
        return Past(bars, days[:n_closed], self.quarantined.get(listing_id, {}))

    def rate(self, currency: str, day: date) -> _Row | None:
        """Return the newest rate of a currency on or in the week before a day; None without one.

        Parameters
        ----------
        currency : str
            As ``core.fx_rates`` has it.
        day : date
            The session.

        Examples
        --------
        >>> rates = {"EUR": ([date(2025, 1, 6)], [{"usd_per_currency": 1.04}])}
        >>> facts = Known({}, {}, {}, {}, {}, rates, {})
        >>> facts.rate("EUR", date(2025, 1, 7)), facts.rate("EUR", date(2025, 2, 7))
        ({'usd_per_currency': 1.04}, None)
        """
        if currency == "USD":
            return {"usd_per_currency": 1.0, "as_of": None}
        days, rows = self.rates.get(currency, ([], []))
        at = bisect_right(days, day) - 1
        return rows[at] if at >= 0 and (day - days[at]).days <= _RATE_DAYS else None


def is_date(published_at: datetime) -> bool:
    """Say whether an article has a date without a time of day: midnight UTC stands for it.

    Parameters
    ----------
    published_at : datetime
        UTC, without a zone.

    Examples
    --------
    >>> is_date(datetime(2025, 1, 28)), is_date(datetime(2025, 1, 28, 9))
    (True, False)
    """
    return published_at.time() == time.min


def known(claims: ir.Table, market: Market) -> Known:
    """Fetch what a set of claims needs: the bars near their days, of their listings and siblings.

    Parameters
    ----------
    claims : ibis Table
        Columns of ``core.claims``.
    market : Market
        The tables that they are held against.
    """
    named = _rows(claims.select("listing_id").distinct())
    listed = _rows(market.instruments)
    siblings = _siblings({row["listing_id"] for row in named}, listed)
    needed = sorted(set(siblings) | {other for found in siblings.values() for other in found})
    exchange = {row["listing_id"]: row["exchange_mic"] for row in listed}
    days: Any = market.sessions
    mics = sorted({exchange[name] for name in needed if exchange.get(name)})
    by_mic: dict[str, list[tuple[datetime, date]]] = defaultdict(list)
    for row in _rows(days.filter(days.exchange_mic.isin(mics))):
        by_mic[row["exchange_mic"]].append((row["closes_at"], row["session_date"]))
    ordered = {mic: sorted(found) for mic, found in by_mic.items()}
    split = {
        mic: ([at for at, _ in found], [on for _, on in found]) for mic, found in ordered.items()
    }
    calendars = {name: split[exchange[name]] for name in needed if exchange.get(name) in split}
    bars = _bars(market.daily_prices, _windows(_rows(claims), siblings), calendars)
    out: dict[str, dict[date, _Row]] = defaultdict(dict)
    for row in _of(market.quarantined_bars, needed):
        out[row["listing_id"]][row["session_date"]] = row
    counts: dict[str, list[_Row]] = defaultdict(list)
    for row in sorted(_of(market.shares_outstanding, needed), key=lambda row: row["known_on"]):
        counts[row["listing_id"]].append(row)
    bar_days = {name: [bar.session_date for bar in found] for name, found in bars.items()}
    return Known(bars, bar_days, calendars, out, counts, _rates(market.fx_rates), siblings)


def _siblings(named: set[str], listed: list[_Row]) -> dict[str, list[str]]:
    """Return the other listings of the issuer of each; an issuer that is not stated has none."""
    issuer = {row["listing_id"]: row.get("issuer_id") for row in listed}
    of_issuer: dict[str, list[str]] = defaultdict(list)
    for name in sorted(issuer):
        if issuer[name]:
            of_issuer[str(issuer[name])].append(name)
    return {
        name: [other for other in of_issuer.get(str(issuer.get(name)), []) if other != name]
        for name in sorted(named)
    }


def _windows(
    said: list[_Row], siblings: dict[str, list[str]]
) -> dict[str, list[tuple[date, date]]]:
    """Return the spans of days, without overlap, whose bars each listing needs."""
    spans: dict[str, list[tuple[date, date]]] = defaultdict(list)
    for claim in said:
        published = claim["published_at"]
        told = [] if published is None else [published.date()]
        told += [day for day in (claim["claimed_on"], claim.get("told_on")) if day]
        if not told:
            continue
        last = max(told)
        back = _SHORT if claim["period"] in _DAILY else _LONG
        first = min(claim["claimed_from"] or last, min(told) - back - _SHORT)
        first -= timedelta(days=2 * (claim["n_sessions"] or 0))
        for name in (claim["listing_id"], *siblings[claim["listing_id"]]):
            spans[name].append((first, last + _SHORT))
    return {name: _merged(sorted(found)) for name, found in spans.items()}


def _merged(spans: list[tuple[date, date]]) -> list[tuple[date, date]]:
    merged = spans[:1]
    for first, last in spans[1:]:
        if first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _bars(
    daily_prices: ir.Table,
    windows: dict[str, list[tuple[date, date]]],
    calendars: dict[str, tuple[list[datetime], list[date]]],
) -> dict[str, list[Bar]]:
    import ibis
    import pyarrow as pa

    spans = [(name, *span) for name, found in sorted(windows.items()) for span in found]
    kinds = {"wanted_id": pa.string(), "first_day": pa.date32(), "last_day": pa.date32()}
    columns = zip(kinds.items(), zip(*spans, strict=True) if spans else [()] * 3, strict=True)
    wanted: Any = ibis.memtable(pa.table({name: pa.array(c, kind) for (name, kind), c in columns}))
    prices: Any = daily_prices
    names = [field.name for field in fields(Bar)]
    near = prices.inner_join(
        wanted,
        [
            prices.listing_id == wanted.wanted_id,
            prices.session_date >= wanted.first_day,
            prices.session_date <= wanted.last_day,
        ],
    )
    rows = _rows(near.select("listing_id", *names).order_by("listing_id", "session_date"))
    on_calendar = {name: set(calendars[name][1]) for name in windows if name in calendars}
    bars: dict[str, list[Bar]] = defaultdict(list)
    for row in rows:
        name = row.pop("listing_id")
        if row["session_date"] in on_calendar.get(name, ()):
            bars[name].append(Bar(**row))
    return bars


def _rates(fx_rates: ir.Table) -> dict[str, tuple[list[date], list[_Row]]]:
    rates: dict[str, tuple[list[date], list[_Row]]] = defaultdict(lambda: ([], []))
    for row in sorted(_rows(fx_rates), key=lambda row: row["rate_date"]):
        days, rows = rates[row["currency"]]
        days.append(row["rate_date"])
        rows.append(row)
    return dict(rates)


def _of(table: Any, listings: list[str]) -> list[_Row]:
    return _rows(table.filter(table.listing_id.isin(listings)))


def _rows(table: ir.Table) -> list[_Row]:
    rows: list[_Row] = table.to_pyarrow().to_pylist()
    return rows
