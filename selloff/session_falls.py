"""What lies before and after every fall, in the order of sessions: `selloff.losses` without a join.

Not here: what a fall is and what it cost (`selloff.losses`), how its way back is defined
(`selloff.recovery`), how its returns are ranked (`selloff._session_ranks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_lookups import NEVER, ascending, coded, days_of, floats, micros, places
from selloff._session_ranks import Ranks
from selloff._spans import ahead, spans
from selloff.proposed_splits import FLAG
from selloff.recovery import TROUGH_SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# Rows asked of the engine at once: eight columns of a million bars and four of their returns take
# 120 MB.
ROWS_AT_ONCE = 1_000_000

# What a fall is ranked by in its listing's history.
RANKED = ("simple_return", "abnormal_z")


def with_past_and_future(
    asked: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    trough_sessions: int = TROUGH_SESSIONS,
) -> pa.Table:
    """Add to falls what the listing's bars and returns say up to each, and what followed it.

    Parameters
    ----------
    asked : ibis Table
        `event_id`, `listing_id`, `session_date` (in which the listing traded), `close`,
        `simple_return` and `abnormal_z` (NULL where not known) among its columns; one row per event
        and listing.
    daily_prices, abnormal_returns : ibis Table
        Columns of the core tables of these names, in full history.
    trough_sessions : int
        How many sessions after the event the trough may lie.

    Returns
    -------
    pyarrow Table
        The rows with `previous_close`, `highest_close`, `known_so_far`, `n_flagged`,
        `n_quarantined` and `simulated` (1 or 0) of the bars up to the fall; `n_returns`,
        `n_no_lower`, `n_z` and `n_z_no_lower` of the returns up to it; what `recovery.followed`
        adds; and `known_then`, the newest vintage of the bars up to `observed_through`.

    Raises
    ------
    ValueError
        If a listing has two bars in a session.

    Notes
    -----
    Bars are read a million at a time. A fall is looked at again until a close has regained it: of
    a million falls among 48 million bars some ten thousands at a time.
    """
    rows = asked.to_pyarrow()
    listing, names = coded(rows["listing_id"])
    event, events = coded(rows["event_id"])
    falls = _Falls.of(rows, listing, trough_sessions)
    ranks = [
        Ranks.of(event, listing, falls.day, floats(rows[name]), (len(events), len(names)))
        for name in RANKED
    ]
    walk = _Walk(_Listings.none(len(names)), falls)
    found = spans(daily_prices, ROWS_AT_ONCE) if len(rows) else []
    reads = (partial(_bars_and_moves, daily_prices, abnormal_returns, *span) for span in found)
    for read, moves in ahead(reads):
        placed = places(moves["listing_id"], names), days_of(moves["session_date"])
        for rank, name in zip(ranks, RANKED, strict=True):
            rank.add(*placed, floats(moves[name]))
        for day, bars in _by_session(read, names):
            walk.go(day, bars)
    walk.end()
    return _added(rows, falls, ranks)


def _read(table: ir.Table, first: date, last: date, *names: str, **more: Any) -> pa.Table:
    chosen = table.filter(table.session_date.between(first, last))
    return chosen.select("listing_id", "session_date", *names, **more).to_pyarrow()


def _bars_and_moves(
    daily_prices: ir.Table, abnormal_returns: ir.Table, first: date, last: date
) -> tuple[pa.Table, pa.Table]:
    flags = daily_prices.quality_flags
    marks = {"is_flagged": flags != "", "is_rebased": flags.contains(FLAG)}
    names = ("close", "n_quarantined", "is_simulated", "as_of")
    bars = _read(daily_prices, first, last, *names, **marks)
    return bars, _read(abnormal_returns, first, last, *RANKED)


def _by_session(bars: pa.Table, names: pa.Array) -> Iterator[tuple[int, dict[str, Any]]]:
    """Return each session's day and the bars of the listings that are asked for."""
    listing, day = places(bars["listing_id"], names), days_of(bars["session_date"])
    columns: dict[str, Any] = {
        "close": floats(bars["close"]),
        "known": micros(bars["as_of"]),
        **{name: bars[name].to_numpy() for name in ("n_quarantined", "is_flagged", "is_rebased")},
        "is_simulated": bars["is_simulated"].to_numpy(),
        "listing": listing,
    }
    kept = np.flatnonzero(listing >= 0)
    key = day[kept] * len(names) + listing[kept]
    order = kept[ascending(key)]
    key = day[order] * len(names) + listing[order]
    if (key[1:] == key[:-1]).any():
        raise ValueError("a listing has two bars in one session")
    days, starts = np.unique(day[order], return_index=True)
    for number, start, end in zip(days.tolist(), starts, [*starts[1:], len(order)], strict=True):
        some = order[start:end]
        yield number, {name: values[some] for name, values in columns.items()}


@dataclass(slots=True)
class _Listings:
    """What the bars so far say of each listing."""

    n_bars: Ints
    close: Floats
    before: Floats
    highest: Floats
    day: Ints
    known: Ints
    n_flagged: Ints
    n_quarantined: Ints
    is_simulated: NDArray[np.bool_]

    @classmethod
    def none(cls, size: int) -> _Listings:
        """Return listings without bars."""
        missing, zero = np.full(size, np.nan), np.zeros(size, np.int64)
        never, no = np.full(size, NEVER), np.zeros(size, bool)
        return cls(zero, missing, missing.copy(), missing.copy(), never, never.copy(),
                   zero.copy(), zero.copy(), no)  # fmt: skip

    def advance(self, day: int, bars: dict[str, Any]) -> None:
        """Let the bars of a session be the newest."""
        some, close = bars["listing"], bars["close"]
        self.n_bars[some] += 1
        self.before[some] = self.close[some]
        self.close[some] = close
        highest = np.fmax(self.highest[some], close)
        self.highest[some] = np.where(bars["is_rebased"], close, highest)
        self.day[some] = day
        self.known[some] = np.maximum(self.known[some], bars["known"])
        self.n_flagged[some] += bars["is_flagged"]
        self.n_quarantined[some] += bars["n_quarantined"]
        self.is_simulated[some] |= bars["is_simulated"]


@dataclass(slots=True)
class _Falls:
    """The falls in the order asked for; what is not known is NaN, -1 or `NEVER`."""

    listing: Ints
    day: Ints
    close: Floats
    is_known: NDArray[np.bool_]
    trough_sessions: int
    by_day: Ints
    """Their places in order of day."""
    at: dict[str, NDArray[Any]]
    """What is found of each."""

    @classmethod
    def of(cls, rows: pa.Table, listing: Ints, trough_sessions: int) -> _Falls:
        """Return falls of which nothing has been found."""
        if trough_sessions < 0:
            raise ValueError(f"a trough cannot lie {-trough_sessions} sessions before the event")
        size, day = len(rows), days_of(rows["session_date"])
        missing = ("previous_close", "highest_close", "next_close", "trough_close")
        counts = ("n_flagged", "n_quarantined", "simulated", "row")
        days = ("days_to_recover_half", "days_to_recover")
        instants = ("known_so_far", "known_then", "trough_date", "observed_through")
        return cls(
            listing=listing,
            day=day,
            close=floats(rows["close"]),
            is_known=rows["simple_return"].is_valid().to_numpy(),
            trough_sessions=trough_sessions,
            by_day=np.argsort(day, kind="stable"),
            at={
                **{name: np.full(size, np.nan) for name in missing},
                **{name: np.zeros(size, np.int64) for name in counts},
                **{name: np.full(size, -1) for name in days},
                **{name: np.full(size, NEVER) for name in instants},
            },
        )


class _Walk:
    """Goes from session to session with the last bar of every listing and the falls still open.

    Parameters
    ----------
    listings : _Listings
        Without bars.
    falls : _Falls
        With nothing found.
    """

    def __init__(self, listings: _Listings, falls: _Falls) -> None:
        self._now, self._falls = listings, falls
        self._begun = 0
        none = np.empty(0, np.int64)
        # Young: the trough, or the next session, may be to come. Old: the way back alone is.
        self._young, self._old = none, none
        # The close that says more of a fall: half of the way back, then all of it.
        self._wanted = np.full(len(falls.day), np.inf)

    def go(self, day: int, bars: dict[str, Any]) -> None:
        """Look at a session."""
        if bars["is_rebased"].any():
            self._cut(bars["listing"][bars["is_rebased"]])
        self._now.advance(day, bars)
        close = np.full(len(self._now.close), np.nan)
        close[bars["listing"]] = bars["close"]
        self._follow_old(close)
        traded = np.zeros(len(close), bool)
        traded[bars["listing"]] = True
        self._follow_young(day, close, traded)
        self._begin(day)

    def end(self) -> None:
        """Say of the falls still open what they have seen."""
        self._close(np.concatenate([self._young, self._old]))

    def _begin(self, day: int) -> None:
        """Take up the falls of a session."""
        falls, now = self._falls, self._now
        start = self._begun
        order = falls.by_day
        while self._begun < len(order) and falls.day[order[self._begun]] == day:
            self._begun += 1
        new = order[start : self._begun]
        listing = falls.listing[new]
        at = falls.at
        for name, values in {
            "previous_close": now.before,
            "highest_close": now.highest,
            "known_so_far": now.known,
            "n_flagged": now.n_flagged,
            "n_quarantined": now.n_quarantined,
            "simulated": now.is_simulated,
            "row": now.n_bars,
        }.items():
            at[name][new] = values[listing]
        is_known = falls.is_known[new]
        known = new[is_known]
        close, before = falls.close[known], at["previous_close"][known]
        at["trough_close"][known] = close
        at["trough_date"][known] = np.where(np.isnan(close), NEVER, day)
        self._wanted[known] = (before + close) / 2
        self._regain(known, close, np.zeros(len(known), np.int64))
        self._young = np.concatenate([self._young, known])
        self._old = np.concatenate([self._old, new[~is_known]])

    def _follow_young(self, day: int, close: Floats, traded: NDArray[np.bool_]) -> None:
        """Look for next sessions, troughs and ways back."""
        falls = self._falls
        here = traded[falls.listing[self._young]]
        some = self._young[here]
        if not len(some):
            return
        listing, at = falls.listing[some], falls.at
        now, days = close[listing], self._now.n_bars[listing] - at["row"][some]
        first = days == 1
        at["next_close"][some[first]] = now[first]
        self._regain(some, now, days)
        is_back = at["days_to_recover"][some] >= 0
        lower = ~(now >= at["trough_close"][some]) & ~np.isnan(now)
        lower &= ~is_back & (days <= falls.trough_sessions)
        at["trough_close"][some[lower]] = now[lower]
        at["trough_date"][some[lower]] = day
        # One that never fell has only its next session to show.
        self._close(some[is_back])
        grown = ~is_back & (days >= max(falls.trough_sessions, 1))
        self._old = np.concatenate([self._old, some[grown]])
        stays = ~here
        stays[here] = ~is_back & ~grown
        self._young = self._young[stays]

    def _follow_old(self, close: Floats) -> None:
        """Look for the way back alone."""
        falls = self._falls
        reached = close[falls.listing[self._old]] >= self._wanted[self._old]
        if not reached.any():
            return
        some = self._old[reached]
        listing = falls.listing[some]
        self._regain(some, close[listing], self._now.n_bars[listing] - falls.at["row"][some])
        is_back = falls.at["days_to_recover"][some] >= 0
        self._close(some[is_back])
        reached[reached] = is_back
        self._old = self._old[~reached]

    def _regain(self, some: Ints, close: Floats, days: Ints) -> None:
        """Note which falls have regained half, and all, at these closes so many sessions later."""
        at = self._falls.at
        half = (close >= self._wanted[some]) & (at["days_to_recover_half"][some] < 0)
        at["days_to_recover_half"][some[half]] = days[half]
        before = at["previous_close"][some]
        self._wanted[some[half]] = before[half]
        back = (close >= before) & (at["days_to_recover"][some] < 0)
        at["days_to_recover"][some[back]] = days[back]

    def _cut(self, listings: Ints) -> None:
        """Let go of the falls of listings whose prices are on another basis from here on."""
        cut = np.zeros(len(self._now.close), bool)
        cut[listings] = True
        for name in ("_young", "_old"):
            held = getattr(self, name)
            is_cut = cut[self._falls.listing[held]]
            self._close(held[is_cut])
            setattr(self, name, held[~is_cut])

    def _close(self, some: Ints) -> None:
        """Note the last session that falls have seen, if any came after them."""
        falls, now = self._falls, self._now
        listing = falls.listing[some]
        later = now.day[listing] > falls.day[some]
        some, listing = some[later], listing[later]
        falls.at["observed_through"][some] = now.day[listing]
        falls.at["known_then"][some] = now.known[listing]


def _added(rows: pa.Table, falls: _Falls, ranks: list[Ranks]) -> pa.Table:
    """Return the rows with what was found, NULL where it was not."""
    import pyarrow as pa

    at, kinds = falls.at, {"trough_date": "date32", "observed_through": "date32"}
    kinds |= dict.fromkeys(("known_so_far", "known_then"), "timestamp[us]")
    for name, values in at.items():
        if name == "row":
            continue
        if name in kinds:
            missing = values == NEVER
            days = kinds[name] == "date32"
            column = pa.array(values.astype(np.int32) if days else values, mask=missing)
            column = column.cast(pa.date32() if days else pa.timestamp("us"))
        elif values.dtype == np.float64:
            column = pa.array(values, from_pandas=True)
        else:
            column = pa.array(values, mask=values < 0)
        rows = rows.append_column(name, column)
    for (all_, no_lower), rank in zip(
        (("n_returns", "n_no_lower"), ("n_z", "n_z_no_lower")), ranks, strict=True
    ):
        rows = rows.append_column(all_, pa.array(rank.n)).append_column(
            no_lower, pa.array(rank.n_no_lower)
        )
    return rows
