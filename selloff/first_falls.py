"""When, and where, each sector was first falling in an event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff.event_sessions import with_horizons
from selloff.returns import NOISE_SIGMA, MarketModel

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Below this many means of a sector their standard deviation is known to 16% at best.
MINIMUM_HISTORY = 20

_PAIR = ("event_id", "sector")


def first_falls(events: ir.Table, days: ir.Table, closes: ir.Table, falling_z: float) -> ir.Table:
    """Return when, and in which region, each sector was first falling in each event.

    A sector is falling at a close when its members' mean abnormal z, over the standard deviation of
    that mean on rows [-260,-11] (by itself where fewer than 20 are known), is at or below
    `falling_z`, and the sum of their mean abnormal returns since the event's start is negative: who
    only gives back what it had gained has not fallen in the event.

    Parameters
    ----------
    events : ibis Table
        `event_id`, `region`, `started_at` (UTC) and `last_session_date`.
    days : ibis Table
        As `selloff.sector_days.sector_days` gives them.
    closes : ibis Table
        As `selloff.markets.region_closes` gives them.
    falling_z : float
        Abnormal z at or below which a sector is falling.

    Returns
    -------
    ibis Table
        `event_id`, `sector`, `first_falling_at` (UTC; the earliest such close after `started_at`
        and up to the region's next close after its last session) and `first_falling_region`, where
        there was any; of equal closes the region that comes first by name.
    """
    import ibis

    means = days.mutate(z=_against_past(days)).inner_join(closes, ("region", "session_date"))
    moves = means.select(
        "sector",
        "z",
        "mean_abnormal_return",
        first_falling_at="first_close",
        first_falling_region="region",
    )
    bounded = with_horizons(events, closes).select("event_id", "started_at", "horizon")
    met = bounded.inner_join(
        moves,
        (
            moves.first_falling_at > bounded.started_at,
            bounded.horizon.isnull() | (moves.first_falling_at <= bounded.horizon),
        ),
    )
    so_far = ibis.window(
        group_by=(*_PAIR, "first_falling_region"),
        order_by="first_falling_at",
        preceding=None,
        following=0,
    )
    met = met.mutate(since_start=met.mean_abnormal_return.sum().over(so_far))
    met = met.filter(met.z <= falling_z, met.since_start < 0)
    turn = ibis.row_number().over(
        group_by=_PAIR, order_by=("first_falling_at", "first_falling_region")
    )
    return (
        met.mutate(turn=turn)
        .filter(lambda t: t.turn == 0)
        .select(*_PAIR, "first_falling_at", "first_falling_region")
    )


def _against_past(means: ir.Table) -> ir.FloatingColumn:
    """Hold each sector's mean z against how widely it usually strays, where that is known.

    One threshold for all would call a sector falling the later the more members it has: from
    2024-10 to 2025-01 the mean z of 22 technology firms strayed by 0.37, of single members by 0.67
    to 1.1.
    """
    import ibis

    model = MarketModel()
    past = ibis.window(
        group_by=("region", "sector"),
        order_by="session_date",
        preceding=(model.first, model.last),
    )
    spread = means.mean_z.std(how="sample").over(past)
    is_known = (means.mean_z.count().over(past) >= MINIMUM_HISTORY) & (spread > NOISE_SIGMA)
    return is_known.ifelse(means.mean_z / spread, means.mean_z)
