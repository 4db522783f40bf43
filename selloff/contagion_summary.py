"""What the measures of contagion say of each sector of an event, in a few columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Column: measure and period, of the pair or of the sector alone.
_SUMMARY = {
    "correlation_shift": ("correlation_shift", "shift"),
    "delta_covar_of_source": ("delta_covar", "before"),
    "spillover_from_source_before": ("spillover_share", "before"),
    "spillover_from_source_after": ("spillover_share", "after"),
    "net_spillover_before": ("net", "before"),
    "net_spillover_after": ("net", "after"),
}


def summarized(selloff_events: ir.Table, contagion_measures: ir.Table) -> ir.Table:
    """Return what the measures of contagion say of each sector of each event, as an expression.

    Parameters
    ----------
    selloff_events, contagion_measures : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    ibis Table
        `event_id`, `sector` and the columns that ``mart.sector_contagion`` takes from the set of
        its region's sectors, equally weighted: of the pair from the source to the sector, or of
        the sector alone.
    """
    sets = selloff_events.select("event_id", series_set=selloff_events.region.concat(" sectors"))
    rows = contagion_measures.semi_join(sets, ("event_id", "series_set"))
    rows = rows.filter(rows.is_origin | (rows.source_name == rows.target_name))
    is_pair = rows.source_name != rows.target_name
    found = {}
    for name, (measure, period) in _SUMMARY.items():
        is_asked = (rows.measure == measure) & (rows.period == period)
        is_asked &= ~is_pair if measure == "net" else is_pair
        found[name] = rows.value.max(where=is_asked)
    is_shift = (rows.measure == "correlation_shift") & is_pair
    return rows.group_by("event_id", sector=rows.target_name).aggregate(
        **found,
        correlation_shift_p_value=rows.adjusted_p_value.max(where=is_shift),
        correlation_shift_detectable=rows.detectable.max(where=is_shift),
    )
