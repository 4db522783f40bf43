"""Time-varying connectedness beside R ConnectednessApproach 1.0.4, its look-ahead handed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.spillover.forgetting_filter import follow, initial_state
from selloff.spillover.priors import Prior, minnesota, uninformative
from selloff.spillover.time_varying import path_connectedness
from tests.selloff.spillover.parity_connectedness import Pair, expected, panel

if TYPE_CHECKING:
    from collections.abc import Iterator

PEER = "ConnectednessApproach"
LIMIT = 1e-11
# File, lags, forgetting, horizon. The README's 200 rows of the Bayes prior are 199 of them.
RUNS = {
    "minn01_k99_96": (1, (0.99, 0.96), 12),
    "bayes200_k99_96": (1, (0.99, 0.96), 12),
    "minn01_p2_k99_99": (2, (0.99, 0.99), 10),
    "uninf_k99_99": (1, (0.99, 0.99), 10),
}
TOTALS = {
    "minn01_k99_96": {
        "mean": 0.51457410057983893,
        "first": 0.51896845751972521,
        "last": 0.38208384983164947,
    },
    "bayes200_k99_96": {"mean": 0.520637308667471},
}


def all_rows(name, lags, series):
    """Return the prior as the peer makes it: of all rows, those of the future too."""
    values = series.to_numpy()
    if name.startswith("minn"):
        return minnesota(values, lags, scaled=False)
    if name.startswith("uninf"):
        return uninformative(values, lags)
    coefficients, big, errors = (
        expected(f"ca_acg2020_bayesprior199_{part}.csv.gz").to_numpy() for part in "bVQ"
    )
    return Prior(values.mean(axis=0), coefficients.reshape(4, 4), big, errors)


def peers_way(name, series):
    lags, forgetting, horizon = RUNS[name]
    prior = all_rows(name, lags, series)
    state = initial_state(series, training=0, lags=lags, forgetting=forgetting, prior=prior)
    return path_connectedness(follow(series, state), horizon)


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a peer has found too."""
    for name, (_, _, horizon) in RUNS.items():
        ours = peers_way(name, panel("ca_acg2020"))
        theirs = expected(f"ca_acg2020_tvp_{name}_H{horizon}.csv.gz").to_numpy() / 100
        yield Pair(f"total, {name}", PEER, "acg2020", ours.total, theirs[:, 0], LIMIT)
        for start, quantity in ((1, "net"), (5, "to_others"), (9, "from_others")):
            columns = theirs[:, start : start + 4]
            found = getattr(ours, quantity)
            yield Pair(f"{quantity}, {name}", PEER, "acg2020", found, columns, LIMIT)
        for place, value in TOTALS.get(name, {}).items():
            mean, first, last = ours.total.mean(), ours.total[0], ours.total[-1]
            number = np.array([{"mean": mean, "first": first, "last": last}[place]])
            quantity = f"{place} total, {name}"
            yield Pair(quantity, PEER, "acg2020", number, np.array([value]), LIMIT)
