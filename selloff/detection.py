"""Which sessions are sell-offs, by what, and how far the fall reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.markets import BORROWED

if TYPE_CHECKING:
    import pandas as pd

SCOPES = ("single_name", "industry", "sector", "market", "global")
"""How far a sell-off reached, from the narrowest to the widest."""

_SESSION = ["region", "session_date"]


@dataclass(frozen=True, slots=True)
class Detection:
    """When a session is a sell-off, and when two of them are one.

    Parameters
    ----------
    market_z : float
        The market's log return over yesterday's sigma, at or below which the market sold off.
    breadth : float
        Share of the members with an abnormal z that must be falling (fraction) ...
    min_falling : int
        ... and their least number, for this and for `share_lost`.
    listing_z : float
        Abnormal z at or below which a listing is falling.
    share_lost : float
        Abnormal value lost by the falling members, as a share of the market's value (fraction), at
        or above which a fall is concentrated, on a day on which the market fell ...
    lost_severity : float
        ... and its least percentile in the region's own history (fraction).
    group_z : float
        A sector or industry sold off at or below this z of its return and of its residual return.
    group_members : int
        Least number of members of such a group.
    group_share_lost : float
        Least abnormal value lost by its falling members, as a share of the market's value.
    dominant_share : float
        Share of the abnormal value lost from which on one firm, or one industry, is the whole
        story: it names the scope.
    single_z : float
        A firm's abnormal z at or below which it may be an event of its own ...
    single_share_lost : float
        ... if it alone lost this share of the market's value beyond what the market explains ...
    single_severity : float
        ... which is at or above this percentile of the largest such losses so far.
    gap : int
        Sessions without a sell-off that may lie between two of one event.

    Raises
    ------
    ValueError
        If a threshold has the wrong sign, is in percent, or counts less than one.

    Examples
    --------
    >>> Detection(market_z=-3.0).market_z
    -3.0
    """

    market_z: float = -2.5
    breadth: float = 0.15
    min_falling: int = 5
    listing_z: float = -2.0
    share_lost: float = 0.01
    lost_severity: float = 0.98
    group_z: float = -3.5
    group_members: int = 5
    group_share_lost: float = 0.002
    dominant_share: float = 0.75
    single_z: float = -4.0
    single_share_lost: float = 0.001
    single_severity: float = 0.98
    gap: int = 1

    def __post_init__(self) -> None:
        if max(self.market_z, self.listing_z, self.group_z, self.single_z) >= 0:
            raise ValueError(f"thresholds of z must be negative: {self}")
        shares = (
            self.breadth,
            self.share_lost,
            self.lost_severity,
            self.group_share_lost,
            self.dominant_share,
            self.single_share_lost,
            self.single_severity,
        )
        if not all(0 < share <= 1 for share in shares):
            raise ValueError(f"thresholds of shares and percentiles must be in (0, 1]: {self}")
        if min(self.min_falling, self.group_members) < 1 or self.gap < 0:
            raise ValueError(f"thresholds of counts must be 1 at least, the gap 0: {self}")


def detected(days: pd.DataFrame, groups: pd.DataFrame, chosen: Detection) -> pd.DataFrame:
    """Say of every session of every region whether, by what and how far it was a sell-off.

    Parameters
    ----------
    days : DataFrame
        The measures of `selloff.market_days.market_days`.
    groups : DataFrame
        Columns of ``core.group_returns``.
    chosen : Detection
        What counts.

    Returns
    -------
    DataFrame
        The rows of `days` with `group_name`, `group_z`, `group_residual_z` and `group_severity` of
        the sector or industry that sold off worst (missing where none did), `scope` (narrowest
        true: `single_name`, `industry`, `sector`, `market`; missing where nothing was detected),
        `detected_by` (the rules met, separated by spaces) and `threshold_multiple`, the largest
        multiple of a threshold reached (0 where nothing is measured). No rule looks at a later
        session, at simulated bars, or at a market borrowed from elsewhere.

    Notes
    -----
    Thresholds and their false-alarm rates: docs/decisions/0018-detection.md.
    """
    rows = days.merge(_struck_groups(days, groups, chosen), on=_SESSION, how="left")
    own_z = rows["market_z"].where(~rows["market"].str.endswith(BORROWED)).astype(float)
    rules = _rules(rows, own_z, chosen)
    rows["threshold_multiple"] = _multiples(rows, rules, own_z, chosen)
    real = ~rows["is_simulated"].to_numpy(bool)
    hits = {name: hit & real for name, hit in rules.items()}
    rows["scope"] = _scopes(rows, hits, chosen)
    names = np.array([*hits])
    matrix = np.column_stack([*hits.values()])
    # A scope is there exactly where a rule is met.
    rows["detected_by"] = [" ".join(names[row]) or None for row in matrix]
    return rows


def _rules(rows: pd.DataFrame, own_z: Any, chosen: Detection) -> dict[str, Any]:
    """Return each rule's verdict on each session, simulated ones too."""
    enough = rows["n_falling"] >= chosen.min_falling
    concentrated = (
        enough
        & (rows["abnormal_share_lost"] >= chosen.share_lost)
        & (rows["abnormal_share_lost_severity"] >= chosen.lost_severity)
        & (rows["market_return"] < 0)
        & ~(rows["worst_share_of_loss"] >= chosen.dominant_share)
    )
    single = (
        (rows["worst_abnormal_z"] <= chosen.single_z)
        & (rows["worst_share_lost"] >= chosen.single_share_lost)
        & (rows["worst_share_lost_severity"] >= chosen.single_severity)
    )
    verdicts = {
        "market": own_z <= chosen.market_z,
        "breadth": enough & (rows["breadth"] >= chosen.breadth),
        "share_lost": concentrated,
        "sector": rows["grouping"] == "sector",
        "industry": rows["grouping"] == "industry",
        "single_name": single,
    }
    return {name: verdict.to_numpy(bool) for name, verdict in verdicts.items()}


def _multiples(rows: pd.DataFrame, rules: dict[str, Any], own_z: Any, chosen: Detection) -> Any:
    """Return the largest multiple of a threshold that each session reached."""
    broad = rows["breadth"].where(rows["n_falling"] >= chosen.min_falling) / chosen.breadth
    group = rows[["group_z", "group_residual_z"]].astype(float).max(axis=1) / chosen.group_z
    parts = [
        own_z / chosen.market_z,
        broad,
        (rows["abnormal_share_lost"] / chosen.share_lost).where(rules["share_lost"]),
        group,
        (rows["worst_abnormal_z"] / chosen.single_z).where(rules["single_name"]),
    ]
    return np.column_stack([part.fillna(0.0).to_numpy(float) for part in parts]).max(axis=1).clip(0)


def _scopes(rows: pd.DataFrame, hits: dict[str, Any], chosen: Detection) -> Any:
    """Return how far each detected session reached; a later rule here is a wider scope."""
    spread = hits["breadth"] | hits["share_lost"] | hits["sector"]
    in_industry = (rows["industry_share_of_loss"] >= chosen.dominant_share).to_numpy(bool)
    narrow = hits["industry"] | (spread & in_industry & ~hits["breadth"])
    scope = np.full(len(rows), None, dtype=object)
    scope[hits["single_name"]] = "single_name"
    scope[narrow] = "industry"
    scope[spread & (~in_industry | hits["breadth"])] = "sector"
    scope[hits["market"]] = "market"
    return scope


def _struck_groups(days: pd.DataFrame, groups: pd.DataFrame, chosen: Detection) -> pd.DataFrame:
    """Return, per session, the worst of the sectors and industries that sold off."""
    values = days[[*_SESSION, "market_value_usd"]].rename(columns={"market_value_usd": "whole"})
    rows = groups[groups["grouping"] != "market"].merge(values, on=_SESSION)
    lost = rows["falling_value_lost_usd"].astype(float)
    share = lost / rows["whole"].astype(float).where(rows["whole"] > 0)
    single = rows["largest_falling_value_lost_usd"].astype(float) / lost.where(lost > 0)
    hit = (
        (rows["n_members"] >= chosen.group_members)
        & (rows["group_z"] <= chosen.group_z)
        & (rows["residual_z"] <= chosen.group_z)
        & (share.isna() | (share >= chosen.group_share_lost))
        & ~(single >= chosen.dominant_share)
    )
    found = rows[hit].assign(
        is_industry=rows["grouping"] == "industry", group_residual_z=rows["residual_z"]
    )
    # A sector before its industries: the wider statement, where both are true.
    order = ["is_industry", "group_residual_z", "group_name"]
    worst = found.sort_values(order).drop_duplicates(_SESSION)
    names = ["grouping", "group_name", "group_z", "group_residual_z", "severity"]
    return worst[[*_SESSION, *names]].rename(columns={"severity": "group_severity"})
