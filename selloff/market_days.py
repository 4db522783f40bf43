"""What every market did in every session: the measures from which sell-offs are detected."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.detection import Detection, detected
from selloff.markets import BORROWED
from selloff.severity import expanding_percentile

if TYPE_CHECKING:
    import pandas as pd

# A month against the year before it.
SHORT_WINDOW = 20
LONG_WINDOW = 250
MINIMUM_LONG = 120

_SESSION = ["region", "session_date"]
_MEASURES = (
    "n_listings",
    "n_falling",
    "breadth",
    "breadth_by_value",
    "share_down",
    "share_down_by_value",
    "market_value_usd",
    "market_value_lost_usd",
    "gross_value_lost_usd",
    "top_share_of_loss",
    "top_5_share_of_loss",
    "loss_herfindahl",
    "abnormal_market_value_lost_usd",
    "falling_value_lost_usd",
    "largest_falling_value_lost_usd",
    "worst_listing_id",
    "worst_abnormal_z",
    "volume_z",
    "pair_product",
    "mean_square",
)
_COLUMNS = (
    "region",
    "session_date",
    "market",
    "market_return",
    "market_z",
    "market_severity",
    "n_listings",
    "n_falling",
    "breadth",
    "breadth_by_value",
    "share_down",
    "share_down_by_value",
    "market_value_usd",
    "market_value_lost_usd",
    "gross_value_lost_usd",
    "top_share_of_loss",
    "top_5_share_of_loss",
    "loss_herfindahl",
    "abnormal_market_value_lost_usd",
    "falling_value_lost_usd",
    "abnormal_share_lost",
    "abnormal_share_lost_severity",
    "worst_listing_id",
    "worst_abnormal_z",
    "worst_share_of_loss",
    "worst_share_lost",
    "worst_share_lost_severity",
    "industry_share_of_loss",
    "correlation",
    "correlation_before",
    "correlation_jump",
    "volume_z",
    "grouping",
    "group_name",
    "group_z",
    "group_residual_z",
    "group_severity",
    "scope",
    "detected_by",
    "threshold_multiple",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "is_simulated",
    "as_of",
)


def market_days(
    market_returns: pd.DataFrame,
    groups: pd.DataFrame,
    thresholds: Detection | None = None,
) -> pd.DataFrame:
    """Return every session of every region's market: its measures, and what was detected in it.

    Parameters
    ----------
    market_returns, groups : DataFrame
        Columns of ``core.market_returns`` and ``core.group_returns``.
    thresholds : Detection, optional
        What counts; the defaults of `Detection` without it.

    Returns
    -------
    DataFrame
        Columns of ``mart.market_days`` in order of region and session; NaN and None are NULL.
        Returns are fractions, negative when prices fall; losses USD, positive when lost; severities
        the share of the region's sessions so far that were no worse. `correlation` is the mean
        pairwise correlation of the members' standardized returns over the last 20 sessions, this
        one included, `correlation_before` over the 250 before those, by the linear-time identity
        of `selloff.groups.group_returns`. Nothing from after a session enters its row.
    """
    of_market = groups[groups["grouping"] == "market"]
    bars = ["n_flagged", "n_quarantined", "has_simulated_inputs", "is_simulated", "as_of"]
    named = {name: f"members_{name}" for name in bars}
    members = of_market[[*_SESSION, *_MEASURES, *bars]].rename(columns=named)
    rows = market_returns.merge(members, on=_SESSION, how="left")
    rows = rows.merge(_of_industries(groups), on=_SESSION, how="left")
    rows = rows.sort_values(_SESSION, ignore_index=True)
    whole = rows["market_value_usd"].astype(float)
    lost = rows["falling_value_lost_usd"].astype(float)
    most = rows["largest_falling_value_lost_usd"].astype(float)
    counts = rows[["n_listings", "n_falling"]].fillna(0).astype("int64")
    rows = rows.assign(
        **counts,
        abnormal_share_lost=lost / whole,
        worst_share_of_loss=most / lost.where(lost > 0),
        worst_share_lost=most / whole,
        industry_share_of_loss=rows["industry_lost"].astype(float) / lost.where(lost > 0),
        is_simulated=rows["is_simulated"].astype(bool) | rows["members_is_simulated"].eq(True),  # noqa: FBT003 - missing counts as real
        has_simulated_inputs=rows["has_simulated_inputs"].astype(bool)
        | rows["members_has_simulated_inputs"].eq(True),  # noqa: FBT003 - as above
        as_of=rows[["as_of", "members_as_of"]].max(axis=1),
    )
    rows = _with_history(rows)
    return detected(rows, groups, thresholds or Detection())[list(_COLUMNS)]


def _of_industries(groups: pd.DataFrame) -> pd.DataFrame:
    """Return what the industry that lost most lost in each session, beyond the market (USD)."""
    rows = groups[groups["grouping"] == "industry"]
    lost = rows.assign(industry_lost=rows["falling_value_lost_usd"].astype(float))
    return lost[[*_SESSION, "industry_lost"]].groupby(_SESSION, as_index=False).max()


def _with_history(rows: pd.DataFrame) -> pd.DataFrame:
    """Add what each session is against its region's own past."""
    own = rows["market_return"].astype(float).where(~rows["market"].str.endswith(BORROWED))
    measures = {
        "market_severity": -own,
        "abnormal_share_lost_severity": rows["abnormal_share_lost"],
        "worst_share_lost_severity": rows["worst_share_lost"],
    }
    places = rows.groupby("region", sort=False).indices.values()
    for name, measure in measures.items():
        found = np.full(len(rows), np.nan)
        for place in places:
            found[place] = expanding_percentile(measure.to_numpy(float)[place])
        rows = rows.assign(**{name: found})
    return _with_correlations(rows)


def _with_correlations(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the mean pairwise correlation of the last sessions, and of the many before them."""
    regions = rows.groupby("region", sort=False)

    def windowed(name: str, window: int, minimum: int, lag: int) -> pd.Series:
        return regions[name].transform(
            lambda part: part.astype(float).shift(lag).rolling(window, min_periods=minimum).sum()
        )

    found = []
    for window, minimum, lag in (
        (SHORT_WINDOW, SHORT_WINDOW // 2, 0),
        (LONG_WINDOW, MINIMUM_LONG, SHORT_WINDOW),
    ):
        products = windowed("pair_product", window, minimum, lag)
        squares = windowed("mean_square", window, minimum, lag)
        found.append((products / squares.where(squares > 0)).clip(-1.0, 1.0))
    return rows.assign(
        correlation=found[0], correlation_before=found[1], correlation_jump=found[0] - found[1]
    )
