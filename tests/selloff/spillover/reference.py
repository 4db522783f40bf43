"""The reference set beside the repository: inputs of published packages, and their outputs."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

REFERENCE = Path(__file__).parents[4] / "shared/reference/contagion"

needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="needs ../shared/reference/contagion, not in the clone"
)


@cache
def given_series(name):
    """Return an input, one column per series, in its own unit."""
    return pd.read_csv(REFERENCE / f"inputs/{name}.csv", index_col=0, parse_dates=True)


@cache
def expected(name):
    """Return an output of a peer, in percent."""
    return pd.read_csv(REFERENCE / "expected" / name, index_col=0)
