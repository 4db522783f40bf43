"""Tests of sectors beside statsmodels, on the closes of the real file: every sector and session.

statsmodels 0.15.0: OLS with `get_prediction` (t of a single prediction), `multipletests`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.portfolio_tests import portfolio_tests

if TYPE_CHECKING:
    from collections.abc import Iterator

PRICES = Path(__file__).parents[3] / "shared/data/prices/ai_selloff_2025.parquet"
PANEL = "ai_selloff_2025, 11 sectors"
FIRST = pd.Timestamp("2025-01-21")
KEYS = ["event_id", "sector"]


class Pair(NamedTuple):
    """A quantity as a peer found it and as we do, value by value, and how far they may be apart."""

    quantity: str
    peer: str
    panel: str
    ours: np.ndarray
    theirs: np.ndarray
    limit: float


def pairs() -> Iterator[Pair]:
    """Yield every figure of a sector's test that statsmodels has found too."""
    series = _series()
    theirs = _theirs(series)
    asked = [
        series[series["session_date"] <= day].assign(event_id=str(day.date()), event_date=day)
        for day in sorted(set(theirs["event_date"]))
    ]
    ours = portfolio_tests(pd.concat(asked)).set_index(KEYS).loc[theirs.set_index(KEYS).index]
    for name, limit in (("statistic", 1e-10), ("p_value", 1e-9), ("adjusted_p_value", 1e-9)):
        found, expected = ours[name].to_numpy(), theirs[name].to_numpy()
        yield Pair(f"sector's portfolio, {name}", "statsmodels", PANEL, found, expected, limit)


def _series() -> pd.DataFrame:
    """Return the mean log return of each sector's US equities, and SPY's, session by session."""
    from resources.reference import Reference

    listed = Reference().instruments().to_pandas()
    equities = listed[(listed["asset_class"] == "equity") & (listed["region"] == "US")]
    bars = pd.read_parquet(PRICES, columns=["ticker", "date", "close"])
    closes = bars.pivot_table("close", pd.to_datetime(bars["date"]), "ticker")
    moves = np.log(closes[closes["SPY"].notna()]).diff().iloc[1:]
    parts = []
    for sector, names in equities.groupby("sector")["ticker"]:
        own = moves[moves.columns.intersection(names)]
        part = {"y": own.mean(axis=1), "x": moves["SPY"], "n_listings": own.notna().sum(axis=1)}
        parts.append(pd.DataFrame(part).assign(sector=sector, session_date=moves.index))
    return pd.concat(parts, ignore_index=True)


def _theirs(series: pd.DataFrame) -> pd.DataFrame:
    """Return what statsmodels finds of every sector in every session from `FIRST` on."""
    import statsmodels.api as sm
    from statsmodels.stats.multitest import multipletests

    rows = []
    for sector, part in series.groupby("sector"):
        y, x = part["y"].to_numpy(), part["x"].to_numpy()
        for at in np.flatnonzero(part["session_date"] >= FIRST):
            past = slice(max(at - 260, 0), at - 10)
            fit = sm.OLS(y[past], sm.add_constant(x[past])).fit()
            found = fit.get_prediction([[1.0, x[at]]])
            t = (y[at] - found.predicted_mean[0]) / found.se_obs[0]
            day = part["session_date"].iloc[at]
            p_value = 2 * found.dist.sf(abs(t), fit.df_resid)
            rows.append((str(day.date()), sector, day, t, p_value))
    tests = pd.DataFrame(rows, columns=[*KEYS, "event_date", "statistic", "p_value"])
    by_event = tests.groupby("event_id")["p_value"]
    adjusted = by_event.transform(lambda p: multipletests(p, method="fdr_bh")[1])
    return tests.assign(adjusted_p_value=adjusted)
