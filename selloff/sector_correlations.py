"""How each sector moved with the one where a sell-off began, before it and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from selloff.sector_contagion import Contagion

# A variance below this (log points squared, per session) is rounding noise, not movement.
NOISE_VARIANCE = 1e-20

_PAIR = ("event_id", "sector")


def around_events(events: ir.Table, days: ir.Table, chosen: Contagion) -> ir.Table:
    """Return each sector's mean log return on the region's sessions around each event.

    Parameters
    ----------
    events : ibis Table
        `event_id`, `region`, `session_date` and `origin_sector`.
    days : ibis Table
        As `selloff.sector_days.sector_days` gives them.
    chosen : Contagion
        How many sessions.

    Returns
    -------
    ibis Table
        `event_id`, `sector`, `session_date`, `origin_sector`, `offset` (sessions from the event's,
        which is left out), `mean_return` and `as_of`.
    """
    import ibis

    series = days.filter(days.mean_return.notnull()).select(
        "region", "sector", "session_date", "mean_return", "as_of"
    )
    days = series.select("region", "session_date").distinct()
    days = days.mutate(position=ibis.row_number().over(group_by="region", order_by="session_date"))
    starts = events.inner_join(days, ("region", "session_date")).select(
        "event_id", "region", "origin_sector", event_position="position"
    )
    around = starts.inner_join(days, "region")
    around = around.mutate(offset=around.position - around.event_position)
    around = around.filter(
        around.offset != 0,
        around.offset >= -chosen.window_before,
        around.offset <= chosen.window_after,
    ).select("event_id", "region", "origin_sector", "offset", "session_date")
    return around.inner_join(series, ("region", "session_date"))


def correlations(window: ir.Table, minimum: int) -> ir.Table:
    """Correlate each sector with the origin, before and after the event.

    Parameters
    ----------
    window : ibis Table
        As `around_events` gives it.
    minimum : int
        Pairs of sessions without which a correlation is NULL.

    Returns
    -------
    ibis Table
        `event_id`, `sector`, `correlation_before` and `correlation_after` (NULL without an origin
        sector or movement, 1 for the origin itself), `n_before` and `n_after`.
    """
    import ibis

    origin = window.filter(window.sector == window.origin_sector).select(
        "event_id", "offset", x="mean_return"
    )
    pairs = window.inner_join(origin, ("event_id", "offset")).select(
        *_PAIR,
        "x",
        y="mean_return",
        is_after=window.offset > 0,
        is_origin=window.sector == window.origin_sector,
    )
    side = ibis.window(group_by=(*_PAIR, "is_after"))
    pairs = pairs.mutate(
        dx=pairs.x - pairs.x.mean().over(side), dy=pairs.y - pairs.y.mean().over(side)
    )
    sides = pairs.group_by(*_PAIR, "is_after", "is_origin").aggregate(
        n=pairs.count(),
        s_xx=(pairs.dx * pairs.dx).sum(),
        s_xy=(pairs.dx * pairs.dy).sum(),
        s_yy=(pairs.dy * pairs.dy).sum(),
    )
    floor = sides.n * NOISE_VARIANCE
    moves = (sides.n >= minimum) & (sides.s_xx > floor) & (sides.s_yy > floor)
    width = moves.ifelse(sides.s_xx.sqrt() * sides.s_yy.sqrt(), None)
    measured = sides.is_origin.ifelse(width / width.nullif(0), sides.s_xy / width.nullif(0))
    sides = sides.mutate(correlation=measured.clip(-1.0, 1.0))
    return sides.group_by(_PAIR).aggregate(
        correlation_before=sides.correlation.max(where=~sides.is_after),
        n_before=sides.n.max(where=~sides.is_after),
        correlation_after=sides.correlation.max(where=sides.is_after),
        n_after=sides.n.max(where=sides.is_after),
    )
