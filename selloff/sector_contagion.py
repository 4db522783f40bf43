"""How a sell-off spread: which sectors were hit, when first, and how they moved with the origin."""

# ruff: noqa: PD003, PD004 - Ibis, not pandas: its columns know isnull and notnull only

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from selloff._ibis import fetched, looked_up
from selloff.contagion_summary import summarized
from selloff.first_falls import first_falls
from selloff.groups import VALUED_SHARE
from selloff.markets import region_closes
from selloff.portfolio_tests import member_series, portfolio_tests
from selloff.returns import MarketModel
from selloff.sector_correlations import around_events, correlations
from selloff.sector_days import sector_days, sector_panel
from selloff.session_sectors import days_and_series
from selloff.valuation import counted_once

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

_COLUMNS = (
    "event_id",
    "sector",
    "session_date",
    "role",
    "is_source",
    "is_hit",
    "hit_rank",
    "n_members",
    "mean_abnormal_return",
    "median_abnormal_return",
    "value_weighted_abnormal_return",
    "mean_abnormal_z",
    "share_falling",
    "hardest_hit_listing_id",
    "hardest_hit_abnormal_z",
    "abnormal_market_value_lost_usd",
    "statistic",
    "p_value",
    "adjusted_p_value",
    "n_estimation",
    "correlation_before",
    "n_before",
    "correlation_after",
    "n_after",
    "first_falling_at",
    "first_falling_region",
    "first_falling_order",
    "correlation_shift",
    "correlation_shift_p_value",
    "correlation_shift_detectable",
    "delta_covar_of_source",
    "spillover_from_source_before",
    "spillover_from_source_after",
    "net_spillover_before",
    "net_spillover_after",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_PAIR = ("event_id", "sector")


@dataclass(frozen=True, slots=True)
class Contagion:
    """What is looked at around an event, and from when on it counts.

    Parameters
    ----------
    window_before, window_after : int
        Sessions of the region before and after the event's first session, itself excluded, over
        which a sector's mean log return is correlated with the origin sector's.
    minimum : int
        Pairs of sessions without which a correlation is NULL.
    falling_z : float
        Abnormal z at or below which a listing, or a sector's mean, is falling.
    false_discovery_rate : float
        Share of the sectors called hit or raised that may be so by chance (fraction).
    model : MarketModel
        Estimation rows of the sectors' portfolios.
    """

    window_before: int = 60
    window_after: int = 20
    minimum: int = 5
    falling_z: float = -2.0
    false_discovery_rate: float = 0.05
    model: MarketModel = field(default_factory=MarketModel)

    def __post_init__(self) -> None:
        if min(self.window_before, self.window_after) < 0 or self.minimum <= 1:
            raise ValueError(f"sessions are counted, a correlation needs two at least: {self}")
        if not 0 < self.false_discovery_rate < 1:
            raise ValueError(f"a rate lies between 0 and 1, not {self.false_discovery_rate:g}")


def sector_contagion(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    contagion_measures: ir.Table,
    chosen: Contagion | None = None,
) -> pd.DataFrame:
    """Return, for each event and sector of its region, its role, and how hard and early it was hit.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments, sessions, \
    contagion_measures : ibis Table
        Columns of the tables of these names.
    chosen : Contagion, optional
        Windows and thresholds; the defaults of `Contagion` without it.

    Returns
    -------
    DataFrame
        Columns of ``mart.sector_contagion``. Members (`selloff.members`) have an abnormal
        return in the event's first session (log points, negative when the price falls). Losses are
        USD, positive when lost, each firm counted once, NULL where no member's share count was
        known. `is_source` is the event's origin sector; what is hit is tested by
        `selloff.portfolio_tests`, on the same members, among all sectors of the event. Correlations
        are NULL without an origin sector or movement, 1 for the origin itself. `first_falling_at`
        is the earliest close, in any region, after the event began and up to the region's next
        close after its last session, at which the sector was falling there: its members' mean
        abnormal z, over the standard deviation of that mean on rows [-260,-11] (by itself where
        fewer than 20 are known), at or below `falling_z`, and lost by then.
        Outcomes have seen `observed_through`.
    """
    asked = chosen or Contagion()
    series = sector_series(selloff_events, abnormal_returns, instruments, asked)
    tables = selloff_events, selloff_metrics, abnormal_returns, instruments, sessions
    rows = sector_rows(*tables, sector_days(abnormal_returns, instruments), asked)
    rows = looked_up(rows, summarized(selloff_events, contagion_measures), _PAIR)
    return with_roles(fetched(rows), portfolio_tests(fetched(series), asked.model), asked)


def by_sessions(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    contagion_measures: ir.Table,
    chosen: Contagion | None = None,
) -> pd.DataFrame:
    """Return what `sector_contagion` does, every return read once in the order of sessions.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments, sessions, \
    contagion_measures : ibis Table
        As in `sector_contagion`.
    chosen : Contagion, optional
        As in `sector_contagion`.

    Returns
    -------
    DataFrame
        The same rows.
    """
    import ibis

    asked = chosen or Contagion()
    hit = _hit(_events(selloff_events), abnormal_returns, instruments)
    days, series = days_and_series(hit, abnormal_returns, instruments, asked.model)
    tables = selloff_events, selloff_metrics, abnormal_returns, instruments, sessions
    rows = sector_rows(*tables, ibis.memtable(days), asked)
    rows = looked_up(rows, summarized(selloff_events, contagion_measures), _PAIR)
    return with_roles(fetched(rows), portfolio_tests(series, asked.model), asked)


def sector_series(
    selloff_events: ir.Table, abnormal_returns: ir.Table, instruments: ir.Table, chosen: Contagion
) -> ir.Table:
    """Return the series of each event's sectors, for `portfolio_tests`, as an expression.

    Parameters
    ----------
    selloff_events, abnormal_returns, instruments : ibis Table
        As for `sector_contagion`.
    chosen : Contagion
        How many rows before the event are asked for.

    Returns
    -------
    ibis Table
        As `selloff.portfolio_tests.member_series` gives it.
    """
    hit = _hit(_events(selloff_events), abnormal_returns, instruments)
    return member_series(hit, abnormal_returns, chosen.model)


def sector_rows(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    days: ir.Table,
    chosen: Contagion,
) -> ir.Table:
    """Return what is measured of each event's sectors, as an expression, before `with_roles`.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments, sessions : ibis Table
        As for `sector_contagion`.
    days : ibis Table
        As `selloff.sector_days.sector_days` gives them.
    chosen : Contagion
        Windows and thresholds.

    Returns
    -------
    ibis Table
        One row per event and sector, in no order; every column but those of `contagion_measures`,
        the test and the role.
    """
    events = _events(selloff_events)
    hit = _hit(events, abnormal_returns, instruments)
    rows = _impact(hit, selloff_metrics, instruments, chosen.falling_z)
    window = around_events(events, days, chosen)
    for part in (
        _hardest_hit(hit),
        correlations(window, chosen.minimum),
        first_falls(events, days, region_closes(instruments, sessions), chosen.falling_z),
    ):
        rows = looked_up(rows, part, _PAIR)
    return _with_outcomes(rows, window)


def with_roles(rows: pd.DataFrame, tests: pd.DataFrame, chosen: Contagion) -> pd.DataFrame:
    """Say of each sector whether it was the source, was hit, rose or was spared.

    Parameters
    ----------
    rows : DataFrame
        As `sector_rows` gives them, with what `selloff.contagion_summary` says of each.
    tests : DataFrame
        As `selloff.portfolio_tests.portfolio_tests` gives them.
    chosen : Contagion
        The false discovery rate.

    Returns
    -------
    DataFrame
        Columns of ``mart.sector_contagion``, ordered by event and sector. A sector without a test
        is ``untested`` unless it is the source, and whether it was hit is None.
    """
    found = rows.merge(tests, on=list(_PAIR), how="left").sort_values(list(_PAIR))
    is_known = found["adjusted_p_value"].notna()
    is_moved = found["adjusted_p_value"] <= chosen.false_discovery_rate
    is_hit = is_moved & (found["statistic"] < 0)
    role = np.select(
        [found["is_source"].astype(bool), ~is_known, is_hit, is_moved],
        ["source", "untested", "hit", "raised"],
        "spared",
    )
    told = found.assign(role=role, is_hit=is_hit.astype(object).where(is_known, None))
    return told.reset_index(drop=True)[list(_COLUMNS)]


def _events(selloff_events: ir.Table) -> ir.Table:
    """Return the events that stand, and what is asked of them."""
    return selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", "region", "session_date", "last_session_date", "started_at", "origin_sector"
    )


def _hit(events: ir.Table, abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the members measured in each event's first session."""
    # Who is a member is decided session by session: the others need not be read.
    asked = events.select("session_date").distinct()
    panel = sector_panel(abnormal_returns.semi_join(asked, "session_date"), instruments)
    return panel.filter(panel.abnormal_return.notnull()).inner_join(
        events.select("event_id", "region", "session_date", "origin_sector"),
        ("region", "session_date"),
    )


def _with_outcomes(rows: ir.Table, window: ir.Table) -> ir.Table:
    """Add the order of the falls, and what the rows have seen."""
    import ibis

    seen = window.group_by("event_id").aggregate(
        observed_through=window.session_date.max(where=window.offset > 0),
        window_as_of=window.as_of.max(),
    )
    rows = looked_up(rows, seen, "event_id")
    by_time = ibis.window(
        group_by="event_id", order_by=rows.first_falling_at.asc(nulls_first=False)
    )
    order = (ibis.dense_rank().over(by_time) + 1).cast("int64")
    by_return = ibis.window(group_by="event_id", order_by=rows.mean_abnormal_return)
    return rows.mutate(
        n_before=rows.n_before.fill_null(0),
        n_after=rows.n_after.fill_null(0),
        first_falling_order=rows.first_falling_at.isnull().ifelse(None, order),
        hit_rank=(ibis.rank().over(by_return) + 1).cast("int64"),
        as_of=ibis.greatest(rows.as_of, ibis.coalesce(rows.window_as_of, rows.as_of)),
    )


def _impact(
    hit: ir.Table, selloff_metrics: ir.Table, instruments: ir.Table, falling_z: float
) -> ir.Table:
    """Return one row per event and sector with what its members suffered."""
    import ibis

    worth = selloff_metrics.shares_outstanding * selloff_metrics.usd_per_currency
    losses = selloff_metrics.select(
        "event_id",
        "listing_id",
        "abnormal_market_value_lost_usd",
        market_value_usd=worth * selloff_metrics.previous_close,
        metrics_as_of="fall_as_of",
    )
    hit = looked_up(hit, losses, ("event_id", "listing_id"))
    hit = counted_once(hit, instruments, ("event_id",), "market_value_usd")
    n_measured = hit.abnormal_z.count().cast("float64").nullif(0)
    n_falling = (hit.abnormal_z <= falling_z).ifelse(1.0, 0.0).sum()
    value = hit.is_counted.ifelse(hit.market_value_usd, None)
    is_valued = value.count() >= hit.count() * VALUED_SHARE
    weighted = (value * hit.abnormal_return).sum() / value.sum().nullif(0)
    return hit.group_by(*_PAIR, "session_date").aggregate(
        is_source=(hit.sector == hit.origin_sector).cast("int64").fill_null(0).max() > 0,
        n_members=hit.count(),
        mean_abnormal_return=hit.abnormal_return.mean(),
        median_abnormal_return=hit.abnormal_return.median(),
        value_weighted_abnormal_return=is_valued.ifelse(weighted, None),
        mean_abnormal_z=hit.abnormal_z.mean(),
        share_falling=n_falling / n_measured,
        abnormal_market_value_lost_usd=hit.abnormal_market_value_lost_usd.sum(where=hit.is_counted),
        n_flagged=hit.n_flagged.sum(),
        n_quarantined=hit.n_quarantined.sum(),
        has_simulated_inputs=hit.has_simulated_inputs.cast("int64").sum() > 0,
        as_of=ibis.greatest(hit.as_of, ibis.coalesce(hit.metrics_as_of, hit.as_of)).max(),
    )


def _hardest_hit(hit: ir.Table) -> ir.Table:
    """Return each sector's member with the lowest abnormal z; ties go by its key."""
    import ibis

    measured = hit.filter(hit.abnormal_z.notnull())
    turn = ibis.row_number().over(group_by=_PAIR, order_by=("abnormal_z", "listing_id"))
    worst = measured.mutate(turn=turn).filter(lambda t: t.turn == 0)
    return worst.select(
        *_PAIR, hardest_hit_listing_id="listing_id", hardest_hit_abnormal_z="abnormal_z"
    )
