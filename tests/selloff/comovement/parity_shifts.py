"""What shifts of correlation are held against: a published replication of Forbes and Rigobon.

QARM/NOCONTAGION (MATLAB, read at bc15047): Hong Kong, October 1997, against 28 markets; results as
published in its results_contagion_HK_CRISIS.xls and results_contagion_uncond_HK_CRISIS.xls, in
percent. Columns that it does not publish (`delta_source` on) were computed from these by others.
The replication departs from the paper, and the pairs follow it to show how: its base is the *full*
period, that contains the turmoil, with the stable period's number of rows; its delta is the
target's. `adj_source` and `z_adj_source` mix bases: delta against the full period, the correlation
against the stable one.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selloff.comovement.adjusted_correlations import Moments, adjusted_correlation, shift_of_moments

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parents[4] / "shared/reference/contagion"
REASON = "needs ../shared/reference/contagion, not in the clone"
PEER = "QARM NOCONTAGION"
PERCENT = 100
LIMIT = 1e-12


@cache
def published():
    """Return the published table, one row per market."""
    return pd.read_csv(REFERENCE / "expected/qarm_hk1997_fr.csv", index_col="Country")


def moments(period, rows=None):
    """Return a period's moments as published, with the number of rows of another if asked."""
    table = published()
    deviations = [table[f"StdDev{side}{period}"] / PERCENT for side in ("Main", "Other")]
    return Moments(table[f"Correl{period}"], *deviations, table[f"NObs{rows or period}"])


def mixed_source():
    """Return z with delta of the source against the full period, and the stable correlation."""
    full, turmoil = moments("Full"), moments("Turmoil")
    delta = (turmoil.deviation_source / full.deviation_source) ** 2 - 1
    adjusted = adjusted_correlation(turmoil.correlation, delta)
    return shift_of_moments(
        moments("Stable"), turmoil._replace(correlation=adjusted), adjusts="none"
    )


def as_published(adjusts):
    """Return the tests as the replication makes them: against the full period."""
    return shift_of_moments(moments("Full", "Stable"), moments("Turmoil"), adjusts=adjusts)


def pairs() -> Iterator[tuple[str, str, str, object, object, float]]:
    """Yield quantity, peer, panel, ours, theirs and the largest difference allowed."""
    table = published()
    for period in ("Stable", "Turmoil", "Full"):
        # A negative covariance has no root: it was published as 0.
        known = table[f"StdDevCross{period}"] > 0
        part = table[known]
        product = part[f"StdDevMain{period}"] * part[f"StdDevOther{period}"]
        ours = part[f"StdDevCross{period}"] ** 2 / product
        yield "correlation", PEER, period, ours, part[f"Correl{period}"], 1e-14
    raw = shift_of_moments(moments("Stable"), moments("Turmoil"), adjusts="none")
    source, target = as_published("source"), as_published("target")
    yield "delta of the source", PEER, "HK 1997", source.delta, table["delta_source"], LIMIT
    yield "delta of the target", PEER, "HK 1997", target.delta, table["delta_target"], LIMIT
    for name, found in (("source", source), ("target", target)):
        ours, theirs = found.adjusted_correlation, table[f"adj_{name}"]
        yield f"correlation adjusted for the {name}", PEER, "HK 1997", ours, theirs, LIMIT
    unadjusted = as_published("none").statistic
    yield "z, unadjusted, full period", PEER, "HK 1997", unadjusted, table["Z_stat"], LIMIT
    recomputed = table["z_pub_recomputed"]
    yield "z, unadjusted, full period", PEER, "recomputed", unadjusted, recomputed, LIMIT
    theirs = table["z_raw_turmoil_vs_stable"]
    yield "z, unadjusted", PEER, "HK 1997", raw.statistic, theirs, LIMIT
    theirs = table["z_adj_source"]
    yield "z, adjusted for the source", PEER, "HK 1997", mixed_source().statistic, theirs, LIMIT
    found = np.where(as_published("none").p_value < 0.05, "C", "N")
    yield "contagion", PEER, "HK 1997", found == "C", table["Contagion"] == "C", 0.0
