"""What lies before and after every fall, in the order of sessions: `selloff.losses` without a join.

Not here: what a fall is and what it cost (`selloff.losses`), how it is followed
(`selloff._open_falls`), how its returns are ranked (`selloff._session_ranks`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._open_falls import Falls, Walk
from selloff._session_lookups import (
    as_dates,
    as_instants,
    ascending,
    coded,
    days_of,
    floats,
    micros,
    places,
)
from selloff._session_ranks import Ranks
from selloff._spans import ahead, sessions_of, spans
from selloff.proposed_splits import FLAG
from selloff.recovery import TROUGH_SESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

# Rows asked of the engine at once: eight columns of a million bars and four of their returns take
# 120 MB, twice, since the next are read meanwhile.
ROWS_AT_ONCE = 1_000_000

# What a fall is ranked by in its listing's history.
RANKED = ("simple_return", "abnormal_z")

_KEY = ("listing_id", "session_date")


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
    falls = Falls.of(rows, listing, trough_sessions)
    ranks = [
        Ranks.of(event, listing, falls.day, floats(rows[name]), (len(events), len(names)))
        for name in RANKED
    ]
    walk = Walk(len(names), falls)
    found = spans(daily_prices, ROWS_AT_ONCE) if len(rows) else []
    reads = (partial(_bars_and_moves, daily_prices, abnormal_returns, *span) for span in found)
    for read, moves in ahead(reads):
        placed = places(moves["listing_id"], names), days_of(moves["session_date"])
        for rank, name in zip(ranks, RANKED, strict=True):
            rank.add(*placed, floats(moves[name]))
        for day, bars in by_session(read, names):
            walk.go(day, bars)
    walk.end()
    return _added(rows, falls, ranks)


def _bars_and_moves(
    daily_prices: ir.Table, abnormal_returns: ir.Table, first: date, last: date
) -> tuple[pa.Table, pa.Table]:
    moves = sessions_of(abnormal_returns, first, last, *_KEY, *RANKED)
    return bars_between(daily_prices, first, last), moves


def bars_between(daily_prices: ir.Table, first: date, last: date) -> pa.Table:
    """Read what falls ask of the bars of some sessions."""
    flags = daily_prices.quality_flags
    marks = {"is_flagged": flags != "", "is_rebased": flags.contains(FLAG)}
    names = (*_KEY, "close", "n_quarantined", "is_simulated", "as_of")
    return sessions_of(daily_prices, first, last, *names, **marks)


def by_session(bars: pa.Table, names: pa.Array) -> Iterator[tuple[int, dict[str, Any]]]:
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


def _added(rows: pa.Table, falls: Falls, ranks: list[Ranks]) -> pa.Table:
    """Return the rows with what was found, NULL where it was not."""
    found = {**falls.at, "n_returns": ranks[0].n, "n_no_lower": ranks[0].n_no_lower}
    found |= {"n_z": ranks[1].n, "n_z_no_lower": ranks[1].n_no_lower}
    of_kind: dict[str, Any] = dict.fromkeys(("trough_date", "observed_through"), as_dates)
    of_kind |= dict.fromkeys(("known_so_far", "known_then"), as_instants)
    of_kind |= dict.fromkeys(("days_to_recover_half", "days_to_recover"), _counted)
    for name, values in found.items():
        rows = rows.append_column(name, of_kind.get(name, _plain)(values))
    return rows


def _counted(numbers: Ints) -> pa.Array:
    import pyarrow as pa

    return pa.array(numbers, mask=numbers < 0)


def _plain(numbers: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(numbers, from_pandas=True)
