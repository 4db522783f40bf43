"""The reference set of contagion, read where it lies beside the clone; and plain frames."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parents[4] / "shared/reference/contagion"

needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="needs ../shared/reference, not in the clone"
)


def expected(name, **options):
    """Return one of the reference set's outputs."""
    return pd.read_csv(REFERENCE / f"expected/{name}.csv", **options)


@cache
def sectors():
    """Return the returns of eleven simulated sectors over 5,040 days; the files are in percent."""
    path = REFERENCE / "inputs/sectors11_sim.csv"
    return pd.read_csv(path, index_col="date", parse_dates=True) / 100


def noise(n_rows, n_series, seed=0, scale=0.01):
    """Return independent normal returns."""
    values = np.random.default_rng(seed).normal(0.0, scale, (n_rows, n_series))
    return frame(values)


def frame(values):
    """Return columns of numbers as series on consecutive days."""
    days = pd.date_range("2020-01-01", periods=len(values), name="session_date")
    return pd.DataFrame(values, days, [f"S{number}" for number in range(values.shape[1])])
