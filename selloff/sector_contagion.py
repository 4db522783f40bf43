"""How a sell-off spread: which sectors were hit, when first, and how they moved with the origin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up
from selloff.markets import region_closes
from selloff.members import members
from selloff.valuation import counted_once

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A variance below this (log points squared, per session) is rounding noise, not movement.
NOISE_VARIANCE = 1e-20

_COLUMNS = (
    "event_id",
    "sector",
    "session_date",
    "n_members",
    "mean_abnormal_return",
    "median_abnormal_return",
    "share_falling",
    "abnormal_market_value_lost_usd",
    "correlation_before",
    "n_before",
    "correlation_after",
    "n_after",
    "first_falling_at",
    "first_falling_region",
    "first_falling_order",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_PAIR = ("event_id", "sector")


def sector_contagion(  # noqa: PLR0913, PLR0917 - five tables and four thresholds
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    window_before: int = 60,
    window_after: int = 20,
    minimum: int = 5,
    falling_z: float = -2.0,
) -> ir.Table:
    """Return, for each detected event and sector of its region, how hard and how early it was hit.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments, sessions : ibis Table
        Columns of the tables of these names.
    window_before, window_after : int
        Sessions of the region before and after the event's first session, itself excluded, over
        which a sector's mean log return is correlated with the origin sector's.
    minimum : int
        Pairs of sessions without which a correlation is NULL.
    falling_z : float
        Abnormal z at or below which a listing, or a sector's mean, is falling.

    Returns
    -------
    ibis Table
        Columns of ``mart.sector_contagion``. Members (`selloff.members`) have an abnormal
        return in the event's first session (log points, negative when the price falls). Losses are
        USD, positive when lost, each firm counted once, NULL where no member's share count was
        known. Correlations are NULL without an origin sector or movement, 1 for the origin itself.
        `first_falling_at` is the earliest close, in any region, after the event began and up to the
        region's next close after its last session, at which the sector's mean abnormal z there was
        falling. Outcomes have seen `observed_through`.
    """
    import ibis

    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", "region", "session_date", "last_session_date", "started_at", "origin_sector"
    )
    panel = members(abnormal_returns, instruments).filter(lambda t: t.sector.notnull())
    rows = _impact(events, panel, selloff_metrics, instruments, falling_z)
    window = _window(events, panel, window_before, window_after)
    for part in (
        _correlations(window, minimum),
        _first_falls(events, panel, region_closes(instruments, sessions), falling_z),
    ):
        rows = looked_up(rows, part, _PAIR)
    seen = window.group_by("event_id").aggregate(
        observed_through=window.session_date.max(where=window.offset > 0),
        window_as_of=window.as_of.max(),
    )
    rows = looked_up(rows, seen, "event_id")
    by_time = ibis.window(
        group_by="event_id", order_by=rows.first_falling_at.asc(nulls_first=False)
    )
    rank = (ibis.dense_rank().over(by_time) + 1).cast("int64")
    return rows.mutate(
        n_before=rows.n_before.fill_null(0),
        n_after=rows.n_after.fill_null(0),
        first_falling_order=rows.first_falling_at.isnull().ifelse(None, rank),
        as_of=ibis.greatest(rows.as_of, ibis.coalesce(rows.window_as_of, rows.as_of)),
    ).select(*_COLUMNS)


def _impact(
    events: ir.Table,
    panel: ir.Table,
    selloff_metrics: ir.Table,
    instruments: ir.Table,
    falling_z: float,
) -> ir.Table:
    """Return one row per event and sector with what its members suffered."""
    import ibis

    hit = panel.filter(panel.abnormal_return.notnull()).inner_join(
        events.select("event_id", "region", "session_date"), ("region", "session_date")
    )
    worth = selloff_metrics.shares_outstanding * selloff_metrics.usd_per_currency
    losses = selloff_metrics.select(
        "event_id",
        "listing_id",
        "abnormal_market_value_lost_usd",
        market_value_usd=worth * selloff_metrics.previous_close,
        metrics_as_of="as_of",
    )
    hit = looked_up(hit, losses, ("event_id", "listing_id"))
    hit = counted_once(hit, instruments, ("event_id",), "market_value_usd")
    n_measured = hit.abnormal_z.count().cast("float64").nullif(0)
    n_falling = (hit.abnormal_z <= falling_z).ifelse(1.0, 0.0).sum()
    return hit.group_by(*_PAIR, "session_date").aggregate(
        n_members=hit.count(),
        mean_abnormal_return=hit.abnormal_return.mean(),
        median_abnormal_return=hit.abnormal_return.median(),
        share_falling=n_falling / n_measured,
        abnormal_market_value_lost_usd=hit.abnormal_market_value_lost_usd.sum(where=hit.is_counted),
        n_flagged=hit.n_flagged.sum(),
        n_quarantined=hit.n_quarantined.sum(),
        has_simulated_inputs=hit.has_simulated_inputs.cast("int64").sum() > 0,
        as_of=ibis.greatest(hit.as_of, ibis.coalesce(hit.metrics_as_of, hit.as_of)).max(),
    )


def _window(events: ir.Table, panel: ir.Table, window_before: int, window_after: int) -> ir.Table:
    """Return each sector's mean log return on the region's sessions around each event."""
    import ibis

    series = (
        panel.filter(panel.log_return.notnull())
        .group_by("region", "sector", "session_date")
        .aggregate(
            mean_return=lambda t: t.log_return.mean(),
            as_of=lambda t: t.as_of.max(),
        )
    )
    days = series.select("region", "session_date").distinct()
    days = days.mutate(position=ibis.row_number().over(group_by="region", order_by="session_date"))
    starts = events.inner_join(days, ("region", "session_date")).select(
        "event_id", "region", "origin_sector", event_position="position"
    )
    around = starts.inner_join(days, "region")
    around = around.mutate(offset=around.position - around.event_position)
    around = around.filter(
        around.offset != 0, around.offset >= -window_before, around.offset <= window_after
    ).select("event_id", "region", "origin_sector", "offset", "session_date")
    return around.inner_join(series, ("region", "session_date"))


def _correlations(window: ir.Table, minimum: int) -> ir.Table:
    """Correlate each sector with the origin, before and after the event."""
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


def _first_falls(events: ir.Table, panel: ir.Table, closes: ir.Table, falling_z: float) -> ir.Table:
    """Return when, and in which region, each sector was first falling in each event."""
    import ibis

    means = panel.group_by("region", "sector", "session_date").aggregate(
        mean_z=panel.abnormal_z.mean()
    )
    falls = (
        means.filter(means.mean_z <= falling_z)
        .inner_join(closes, ("region", "session_date"))
        .select("sector", first_falling_at="first_close", first_falling_region="region")
    )
    ahead = events.inner_join(
        closes.select("region", "first_close", next_date="session_date"), "region"
    )
    ahead = ahead.filter(ahead.next_date > ahead.last_session_date)
    limits = ahead.group_by("event_id").aggregate(horizon=ahead.first_close.min())
    bounded = looked_up(events.select("event_id", "started_at"), limits, "event_id")
    met = bounded.inner_join(
        falls,
        (
            falls.first_falling_at > bounded.started_at,
            bounded.horizon.isnull() | (falls.first_falling_at <= bounded.horizon),
        ),
    )
    turn = ibis.row_number().over(
        group_by=_PAIR, order_by=("first_falling_at", "first_falling_region")
    )
    return (
        met.mutate(turn=turn)
        .filter(lambda t: t.turn == 0)
        .select(*_PAIR, "first_falling_at", "first_falling_region")
    )
