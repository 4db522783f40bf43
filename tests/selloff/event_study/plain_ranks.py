"""Samples of the reference inputs, made one event at a time by least squares, and what is expected.

Written to be read, not to be fast: the rank and sign tests are held against the reference set
without any model of ours in between.
"""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selloff.event_study.sample import Sample

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "event_study"
ESTIMATION = range(-260, -10)
EVENT = range(-5, 6)
PANELS = ("clustered", "staggered", "missing")
MODELS = {
    "mean": [],
    "mktadj": ["m"],
    "market": ["m"],
    "capm": ["mktrf"],
    "ff3": ["mktrf", "smb", "hml"],
    "carhart4": ["mktrf", "smb", "hml", "mom"],
    "ff5": ["mktrf", "smb", "hml", "rmw", "cma"],
}
WINDOWS = ((0, 0), (0, 1), (-1, 1), (0, 5), (-5, 5))


def expected(name: str) -> pd.DataFrame:
    """Return a file of expected values."""
    return pd.read_csv(found(REFERENCE / "expected" / name))


def found(path: Path) -> Path:
    """Return the path, or skip where the reference set is not beside the repository."""
    if not path.exists():
        pytest.skip(f"the reference set is not here: no {path.name}")
    return path


@functools.cache
def prices(panel: str) -> pd.DataFrame:
    """Return the closes of a panel, dates by names."""
    name = "prices_wide_missing" if panel == "missing" else "prices_wide"
    path = found(REFERENCE / "inputs" / f"{name}.csv")
    return pd.read_csv(path, parse_dates=["date"], index_col="date")


@functools.cache
def events(panel: str) -> pd.DataFrame:
    """Return the events of a panel: ticker and date."""
    name = "staggered" if panel == "staggered" else "clustered"
    path = found(REFERENCE / "inputs" / f"events_{name}.csv")
    return pd.read_csv(path, parse_dates=["event_date"])


@functools.cache
def regressors() -> pd.DataFrame:
    """Return the log return of the index `m` and the factors."""
    inputs = REFERENCE / "inputs"
    index = pd.read_csv(found(inputs / "index.csv"), parse_dates=["date"], index_col="date")
    factors = pd.read_csv(found(inputs / "factors.csv"), parse_dates=["date"], index_col="date")
    return factors.assign(m=np.log(index["MKT"]).diff())


@functools.cache
def sample(panel: str, model: str) -> Sample:
    """Return the sample of a panel of the reference set under a model."""
    asked = events(panel)
    made = [event(panel, model, row.ticker, row.event_date) for row in asked.itertuples()]
    stacked = {key: np.array([one[key] for one in made]) for key in made[0]}
    names = list(prices(panel).columns)
    return Sample(
        days=np.array(EVENT),
        firms=np.array([names.index(ticker) for ticker in asked["ticker"]]),
        **stacked,
    )


def event(panel: str, model: str, ticker: str, date: pd.Timestamp) -> dict[str, np.ndarray]:
    """Return the parts of a sample for one event: rows are calendar rows around its date.

    A return is known where two closes in a row are; a row without is missing, not skipped.
    """
    calendar = prices(panel).index
    returns = np.log(prices(panel)[ticker]).diff()
    zero = calendar.get_loc(date)
    known = regressors().loc[calendar, MODELS[model]]
    if model != "mktadj":
        design = np.column_stack([np.ones(len(calendar)), known])
    y = returns.to_numpy()
    if model in {"capm", "ff3", "carhart4", "ff5"}:
        y = y - regressors().loc[calendar, "rf"].to_numpy()
    estimation = [zero + row for row in ESTIMATION]
    window = [zero + row for row in EVENT]
    if model == "mktadj":
        rest = y - known["m"].to_numpy()
        used = rest[estimation][np.isfinite(rest[estimation])]
        sigma, k, loadings = used.std(ddof=1), 0, np.zeros((len(window), 0))
    else:
        valid = np.isfinite(y[estimation]) & np.isfinite(design[estimation]).all(axis=1)
        x, target = design[estimation][valid], y[estimation][valid]
        beta, *_ = np.linalg.lstsq(x, target, rcond=None)
        rest = y - design @ beta
        k = x.shape[1]
        used = target - x @ beta
        sigma = np.sqrt(used @ used / (len(used) - k))
        # Rows of A with A A' = X* (X'X)^-1 X*'.
        root = np.linalg.inv(np.linalg.qr(x, mode="r"))
        loadings = design[window] @ root
    return {
        "abnormal": rest[window],
        "returns": y[window],
        "sigma": sigma,
        "n_estimation": np.int64(len(used)),
        "n_parameters": np.int64(k),
        "loadings": loadings,
        "positions": np.array(window),
        "residuals": rest[estimation],
        "estimation_positions": np.array(estimation),
    }
