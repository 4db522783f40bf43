"""Falls that are still open, carried on by the sessions that are new.

Not here: falls of the new sessions themselves, and what a restatement reaches (`selloff.losses`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import stacked
from selloff._open_falls import Falls, Walk
from selloff._session_lookups import (
    NEVER,
    as_dates,
    as_instants,
    coded,
    days_of,
    floats,
    micros,
    places,
    rows_with,
)
from selloff._spans import spans
from selloff.history import from_day
from selloff.proposed_splits import FLAG
from selloff.recovery import TROUGH_SESSIONS
from selloff.session_falls import ROWS_AT_ONCE, bars_between, by_session

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# Sessions of a listing since a fall that are not counted, since they are too many to matter: how
# many they were is asked of the few falls that a new session regains.
_UNCOUNTED = 1_000_000
# Twice as many days as any date lies from 1970.
_DAY_RANGE = 10_000_000

_FALL = ("event_id", "listing_id")
_WAYS_BACK = ("days_to_recover_half", "days_to_recover")


def is_new(selloff_metrics: ir.Table, start: date) -> bool:
    """Say whether no fall has seen a session from `start` on: else something was restated."""
    t = selloff_metrics
    seen = t.filter((t.session_date >= start) | (t.observed_through >= start))
    return int(seen.count().to_pyarrow().as_py()) == 0


def carried_on(selloff_metrics: ir.Table, daily_prices: ir.Table, start: date) -> pa.Table:
    """Return the falls to which new sessions add something, with what they add.

    Parameters
    ----------
    selloff_metrics : ibis Table
        ``mart.selloff_metrics`` as it stood before `start` (`is_new`).
    daily_prices : ibis Table
        Columns of ``core.daily_prices``, in full history. Read are the new sessions, the last
        `TROUGH_SESSIONS` bars of each listing before them, and of falls that are regained the days
        on which their listings traded since.
    start : datetime.date
        The first new session.

    Returns
    -------
    pyarrow Table
        The rows of falls that no close had regained, of the listings with a bar since; and of all
        that had no session after their own, those before an unapplied split as they stood.
    """
    import pyarrow as pa

    fresh = daily_prices.filter(daily_prices.session_date >= start)
    followed, over = _open(selloff_metrics, daily_prices, fresh, start)
    rows = followed.to_pyarrow()
    listing, names = coded(rows["listing_id"])
    seeds = _Seeds(rows, listing, _recent(daily_prices, start, names))
    walk = seeds.walk(len(names))
    for span in spans(fresh, ROWS_AT_ONCE) if len(rows) else []:
        for day, bars in by_session(bars_between(daily_prices, *span), names):
            walk.go(day, bars)
    walk.end()
    seeds.count_sessions(daily_prices, start)
    told = seeds.told()
    return pa.concat_tables([told, over.to_pyarrow().cast(told.schema)])


def _open(
    falls: ir.Table, daily_prices: ir.Table, fresh: ir.Table, start: date
) -> tuple[ir.Table, ir.Table]:
    """Return the falls that are followed on, and those that wait for a session that cannot come.

    Nothing leads across an unapplied split: one in the session after a fall leaves it unobserved.
    """
    is_open = falls.days_to_recover.isnull() & falls.observed_through.notnull()
    waiting = falls.filter(falls.observed_through.isnull())
    rows = stacked(falls.filter(is_open).semi_join(fresh, "listing_id"), waiting)
    flags = daily_prices.quality_flags
    cuts = daily_prices.filter(flags.contains(FLAG), daily_prices.session_date < start)
    pairs = rows.inner_join(cuts.select("listing_id", cut_on="session_date"), "listing_id")
    cut = pairs.filter(pairs.cut_on > pairs.session_date)
    return rows.anti_join(cut, _FALL), waiting.semi_join(cut, _FALL)


def _recent(daily_prices: ir.Table, start: date, names: pa.Array) -> tuple[Ints, Floats]:
    """Return the last bars of each listing before the new sessions: keys, ascending, and closes."""
    recent = from_day(daily_prices, start, TROUGH_SESSIONS + 1)
    bars = recent.filter(recent.session_date < start)
    found = bars.select("listing_id", "session_date", "close").to_pyarrow()
    keys = _keys(places(found["listing_id"], names), days_of(found["session_date"]))
    order = np.argsort(keys, kind="stable")
    return keys[order], floats(found["close"])[order]


def _keys(listing: Ints, day: Ints) -> Ints:
    """Return numbers that order by listing, then by day."""
    return listing * _DAY_RANGE + day


class _Seeds:
    """Falls as they stood, laid out for `selloff._open_falls`."""

    def __init__(self, rows: pa.Table, listing: Ints, recent: tuple[Ints, Floats]) -> None:
        self.rows, self.falls = rows, Falls.of(rows, listing, TROUGH_SESSIONS)
        keys, closes = recent
        day, at = self.falls.day, self.falls.at
        n_since = np.searchsorted(
            keys, _keys(listing, np.full_like(day, _DAY_RANGE // 2)), side="right"
        )
        n_since -= np.searchsorted(keys, _keys(listing, day), side="right")
        self.is_young = self.falls.is_known & (n_since < TROUGH_SESSIONS)
        self.falls.row[:] = np.where(self.is_young, -n_since, -_UNCOUNTED)
        at["previous_close"][:] = floats(rows["previous_close"])
        for name in _WAYS_BACK:
            at[name][:] = rows[name].fill_null(-1).to_numpy()
        trough = days_of(rows["trough_date"])
        place = rows_with(keys, _keys(listing, trough))
        lowest = np.append(closes, np.nan)[place]
        at["trough_close"][:] = np.where(trough == NEVER, self.falls.close, lowest)
        at["trough_date"][:] = np.where(trough == NEVER, day, trough)

    def walk(self, n_listings: int) -> Walk:
        """Return the walk that goes on with them."""
        before, close = self.falls.at["previous_close"], self.falls.close
        is_half = self.falls.at["days_to_recover_half"] >= 0
        wanted = np.where(is_half, before, (before + close) / 2)
        wanted[~self.falls.is_known] = np.inf
        young = np.flatnonzero(self.is_young)
        return Walk(n_listings, self.falls, wanted, young, np.flatnonzero(~self.is_young))

    def count_sessions(self, daily_prices: ir.Table, start: date) -> None:
        """Count the sessions since older falls that a new one regained."""
        at = self.falls.at
        late = np.flatnonzero((at[_WAYS_BACK[0]] >= _UNCOUNTED) | (at[_WAYS_BACK[1]] >= _UNCOUNTED))
        if not len(late):
            return
        n_before = _n_sessions(daily_prices, self.rows.take(late), start)
        for name in _WAYS_BACK:
            days = at[name][late]
            at[name][late] = np.where(days >= _UNCOUNTED, days - _UNCOUNTED + n_before, days)

    def told(self) -> pa.Table:
        """Return the rows with what was seen."""
        at, rows = self.falls.at, self.rows
        never_fell = at["days_to_recover"] == 0
        lowest = np.where(never_fell | ~self.is_young, np.nan, at["trough_close"])
        before = np.where(at["previous_close"] == 0, np.nan, at["previous_close"])
        usd = floats(rows["shares_outstanding"]) * floats(rows["usd_per_currency"])
        own = np.where(self.falls.close == 0, np.nan, self.falls.close)
        seen = at["observed_through"] != NEVER
        found: dict[str, tuple[Any, Any]] = {
            "rebound_return": (at["next_close"] / own - 1, ~np.isnan(at["next_close"])),
            "trough_date": (as_dates(at["trough_date"]), ~np.isnan(lowest)),
            "trough_return": (
                np.fmin(lowest / before - 1, floats(rows["simple_return"])),
                ~np.isnan(lowest),
            ),
            "peak_to_trough_market_value_lost_usd": (
                usd * (at["previous_close"] - lowest),
                ~np.isnan(lowest),
            ),
            "observed_through": (as_dates(at["observed_through"]), seen),
            "as_of": (as_instants(np.maximum(micros(rows["as_of"]), at["known_then"])), seen),
            **{name: (at[name], at[name] >= 0) for name in _WAYS_BACK},
        }
        for name, (values, is_found) in found.items():
            place = rows.column_names.index(name)
            rows = rows.set_column(place, name, _where(is_found, values, rows[name]))
        return rows


def _where(is_found: NDArray[np.bool_], values: Any, held: pa.ChunkedArray) -> pa.Array:
    """Return values where they were found, NULL for NaN, else what was held."""
    import pyarrow as pa
    import pyarrow.compute as pc

    new = pa.array(values, from_pandas=True).cast(held.type)
    return pc.if_else(pa.array(is_found), new, held.combine_chunks())


def _n_sessions(daily_prices: ir.Table, falls: pa.Table, start: date) -> Ints:
    """Count the bars of each fall's listing after the fall and before the new sessions."""
    import ibis

    asked = ibis.memtable(falls.select(["event_id", "listing_id", "session_date"]))
    bars = daily_prices.filter(
        daily_prices.session_date < start, daily_prices.session_date > asked.session_date.min()
    ).select("listing_id", traded_on="session_date")
    pairs = asked.left_join(
        bars, (asked.listing_id == bars.listing_id, asked.session_date < bars.traded_on)
    )
    counts = pairs.group_by("event_id", "listing_id").aggregate(n=pairs.traded_on.count())
    known = counts.to_pyarrow().to_pydict()
    of = dict(
        zip(zip(known["event_id"], known["listing_id"], strict=True), known["n"], strict=True)
    )
    keys = zip(falls["event_id"].to_pylist(), falls["listing_id"].to_pylist(), strict=True)
    return np.array([of[key] for key in keys], dtype=np.int64)
