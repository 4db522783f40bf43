"""Small worlds of returns whose tails are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "contagion"
REASON = "needs ../shared/reference, not in the clone"


def frame(values, names=None):
    values = np.asarray(values)
    names = names or [f"S{place}" for place in range(values.shape[1])]
    return pd.DataFrame(values, pd.bdate_range("2020-01-01", periods=len(values)), names)


def noise(seed, n=200, k=4, ticks=None):
    """Fat-tailed returns with one common factor; with `ticks`, as coarse as cheap stocks'."""
    random = np.random.default_rng(seed)
    common = random.standard_t(4, (n, 1))
    values = 0.01 * (0.6 * common + random.standard_t(4, (n, k)))
    return frame(values if ticks is None else np.round(values, ticks))
