"""Where each table is computed: none is forgotten."""

from __future__ import annotations

import definitions
from resources.engine.places import STAYS

# Panel expressions, and matrix methods over rows that Spark finds; all others have a reason.
GOES = {
    "core.abnormal_returns",
    "core.contagion_series",
    "core.daily_prices",
    "core.delistings",
    "core.dividends",
    "core.fx_rates",
    "core.group_returns",
    "core.implied_shares",
    "core.market_returns",
    "core.proposed_splits",
    "core.quarantined_market_values",
    "core.restatements",
    "core.risk_measures",
    "core.shares_outstanding",
    "core.splits",
    "mart.car_paths",
    "mart.connectedness",
    "mart.connectedness_links",
    "mart.contagion_measures",
    "mart.contagion_paths",
    "mart.drawdown_episodes",
    "mart.dropped_observations",
    "mart.event_study_tests",
    "mart.loss_totals",
    "mart.market_value_losses",
    "mart.sector_contagion",
    "mart.selloff_events",
    "mart.selloff_metrics",
    "mart.systemic_risk",
}


def computed():
    """Return the tables that are made from tables."""
    return {
        ".".join(key.path)
        for asset in definitions.defs.assets
        for key in getattr(asset, "keys", ())
        if key.path[0] in {"core", "mart"} and asset.asset_deps[key]
    }


def test_a_table_made_from_tables_goes_to_spark_or_stays_for_a_reason():
    assert computed() == GOES | set(STAYS)
    assert not GOES & set(STAYS)
