"""A textbook's event study, one event and one regression at a time, to hold the tests against.

It shares nothing with the models under `selloff.event_study` but the `Sample` it returns.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selloff.event_study.sample import Sample

REFERENCE = Path(__file__).parents[4] / "shared/reference/event_study"

PANELS = ("clustered", "staggered", "missing")
# Regressors beside the intercept; None stands for an expectation that is not estimated.
MODELS = {
    "market": ("MKT",),
    "mean": (),
    "mktadj": None,
    "capm": ("mktrf",),
    "ff3": ("mktrf", "smb", "hml"),
    "carhart4": ("mktrf", "smb", "hml", "mom"),
    "ff5": ("mktrf", "smb", "hml", "rmw", "cma"),
}
EXCESS = {"capm", "ff3", "carhart4", "ff5"}
ESTIMATION = (-260, -11)
EVENT = (-5, 5)

needs_reference = pytest.mark.skipif(
    not REFERENCE.exists(), reason="needs ../shared/reference, not in the clone"
)


def expected(name):
    """Return one of the reference set's outputs."""
    return pd.read_csv(REFERENCE / f"expected/{name}.csv")


@cache
def inputs(panel):
    """Return log returns of names, regressors on the same days, and the events of a panel."""
    suffix = "_missing" if panel == "missing" else ""
    prices = pd.read_csv(REFERENCE / f"inputs/prices_wide{suffix}.csv", index_col="date")
    index = pd.read_csv(REFERENCE / "inputs/index.csv", index_col="date")
    factors = pd.read_csv(REFERENCE / "inputs/factors.csv", index_col="date")
    events = "staggered" if panel == "staggered" else "clustered"
    regressors = np.log(index).diff().join(factors)
    listed = pd.read_csv(REFERENCE / f"inputs/events_{events}.csv")
    return np.log(prices).diff(), regressors, listed


@cache
def sample(panel, model):
    """Return the reference inputs' events under a model."""
    returns, regressors, events = inputs(panel)
    firms = {ticker: number for number, ticker in enumerate(returns.columns)}
    days = regressors.index
    found = [
        one_event(
            returns[event.ticker].to_numpy(), regressors, days.get_loc(event.event_date), model
        )
        for event in events.itertuples()
    ]
    return gathered(found, [firms[ticker] for ticker in events.ticker])


def one_event(returns, regressors, at, model):
    """Regress one event's estimation rows and predict its event rows."""
    names = MODELS[model]
    expectation = regressors["rf"].to_numpy() if model in EXCESS else np.zeros(len(returns))
    if names is None:
        expectation = regressors["MKT"].to_numpy()
        names = ()
    y = returns - expectation
    x = np.column_stack([np.ones(len(y)), regressors[list(names)].to_numpy()])
    before = np.arange(at + ESTIMATION[0], at + ESTIMATION[1] + 1)
    around = np.arange(at + EVENT[0], at + EVENT[1] + 1)
    valid = before[np.isfinite(y[before])]
    count, width = len(valid), x.shape[1]
    if model == "mktadj":
        coefficients = np.zeros(1)
        sigma = np.std(y[valid], ddof=1)
        loadings = np.zeros((len(around), 0))
    else:
        coefficients = np.linalg.lstsq(x[valid], y[valid], rcond=None)[0]
        left = y[valid] - x[valid] @ coefficients
        sigma = np.sqrt(left @ left / (count - width))
        triangle = np.linalg.qr(x[valid], mode="r")
        loadings = np.linalg.solve(triangle.T, x[around].T).T
    abnormal = y - x @ coefficients
    return {
        "abnormal": abnormal[around],
        "returns": returns[around],
        "sigma": sigma,
        "n_estimation": count,
        "n_parameters": width,
        "loadings": loadings,
        "positions": around,
        "residuals": abnormal[before],
        "estimation_positions": before,
    }


def gathered(events, firms):
    """Stack events into a sample."""
    return Sample(
        days=np.arange(EVENT[0], EVENT[1] + 1),
        firms=np.asarray(firms),
        **{name: np.stack([event[name] for event in events]) for name in events[0]},
    )
