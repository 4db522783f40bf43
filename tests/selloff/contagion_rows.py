"""Rows of `core.contagion_series` for tests, in as few words as they need."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from warehouse.tables.contagion import CONTAGION_SERIES

DAYS = pd.bdate_range("2024-01-01", periods=400)


def moving(*names: str, n: int = 90, seed: int = 7) -> pd.DataFrame:
    """Return random returns that share a common part: rows dates, columns series."""
    random = np.random.default_rng(seed)
    common = random.normal(0, 0.008, (n, 1))
    own = random.normal(0, 0.006, (n, len(names)))
    return pd.DataFrame(common + own, DAYS[:n], list(names))


def rows_of(wide: pd.DataFrame, name: str = "US sector funds", **columns: Any) -> pd.DataFrame:
    """Return a set's rows from a frame of one column per series; NaN is no row.

    A column may be given as one value, by session (a Series) or by series (a dict).
    """
    frame = wide.rename_axis("session_date").reset_index()
    frame = frame.melt("session_date", var_name="series_name", value_name="log_return").dropna()
    usual = {
        "series_set": name,
        "level": "sector_fund",
        "region": "US",
        "sector": None,
        "weighting": "none",
        "closed_at": frame["session_date"] + pd.Timedelta(hours=21),
        "market_log_return": frame["session_date"].map(wide.mean(axis=1) + 0.002 * swing(wide)),
        "market_value_usd": 1e9,
        "n_members": 1,
        "n_flagged": 0,
        "n_quarantined": 0,
        "has_simulated_inputs": False,
        "as_of": pd.Timestamp("2025-03-01"),
    }
    for column, given in columns.items():
        if isinstance(given, pd.Series):
            usual[column] = frame["session_date"].map(given)
        else:
            by_series = isinstance(given, dict)
            usual[column] = frame["series_name"].map(given) if by_series else given
    return frame.assign(**usual)[list(CONTAGION_SERIES.column_names)]


def swing(wide: pd.DataFrame) -> pd.Series[float]:
    """Return what the market does beside its series, so that it is no combination of them."""
    return pd.Series(np.sin(np.arange(len(wide)) ** 2.0), wide.index)


def same(found: pd.DataFrame, expected: pd.DataFrame, keys: list[str]) -> None:
    """Assert that two tables hold the same rows, every number to the last bit."""
    ordered = [
        each.sort_values(keys).reset_index(drop=True).astype(object) for each in (found, expected)
    ]
    pd.testing.assert_frame_equal(*ordered, check_exact=True)
