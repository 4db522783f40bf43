"""What other systems made of the same inputs, beside ours: read by the tests and by benchmarks.

`COMPARISONS` is the one list of what agrees with whom. Each entry computes its two sides when it is
asked to, since the reference set lies beside the repository and may be absent.
"""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from selloff.event_study import models
from selloff.event_study.activity import volatility
from selloff.event_study.events import TOLERABLE, Windows
from selloff.event_study.garch import Garch
from selloff.event_study.panels import Panel, panel_of_prices
from selloff.event_study.paths import bhar_path, car_path
from selloff.event_study.sample import window
from selloff.event_study.studies import Study, study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

REFERENCE = Path(__file__).parents[3] / "../shared/reference/event_study"
REASON = "needs ../shared/reference/event_study, not in the clone"

# The reference names a model by a word of its own, EventStudy and estudy2 by theirs.
MODELS = {
    "mean": models.CONSTANT_MEAN,
    "mktadj": models.MARKET_ADJUSTED,
    "market": models.MARKET_MODEL,
    "capm": models.CAPM,
    "ff3": models.FAMA_FRENCH_3,
    "carhart4": models.CARHART,
    "ff5": models.FAMA_FRENCH_5,
    "raw": models.RAW,
    "garch": Garch(),
}
TEXTBOOK = ("mean", "mktadj", "market", "capm", "ff3", "carhart4", "ff5")
EVENT_STUDY_R = ("mean", "mktadj", "market", "ff3", "carhart4", "ff5")
ESTUDY2 = {"sim": "market", "mean_adj": "mean", "mrkt_adj": "mktadj"}

Pair = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


class Comparison(NamedTuple):
    """One quantity of ours beside a peer's.

    `pair` returns both, of the same shape; `limit` is the largest relative difference allowed.
    """

    quantity: str
    peer: str
    panel: str
    pair: Callable[[], Pair]
    limit: float = 1e-9

    def difference(self) -> float:
        """Return the largest relative difference; infinite where only one side has a value."""
        ours, theirs = (np.asarray(side, dtype=np.float64) for side in self.pair())
        assert ours.shape == theirs.shape
        assert np.isfinite(theirs).any()
        if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
            return np.inf
        is_known = np.isfinite(theirs)
        away = np.abs(ours - theirs)[is_known]
        size = np.abs(theirs)[is_known]
        return float(np.max(np.where(size > 0, away / np.where(size > 0, size, 1), away)))


def read(name: str) -> pd.DataFrame:
    """Read a file of the reference set."""
    return pd.read_csv(REFERENCE / f"{name}.csv")


def _dated(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / f"{name}.csv", index_col=0, parse_dates=True)


@cache
def panel(name: str) -> Panel:
    """Return the returns of a panel: clustered, staggered or missing."""
    prices = _dated("inputs/prices_wide" + "_missing" * (name == "missing"))
    return panel_of_prices(prices, _dated("inputs/index")["MKT"], _dated("inputs/factors"))


def events(name: str) -> pd.DataFrame:
    """Return the events of a panel, numbered by `event_id` from 1."""
    found = read("inputs/events_" + ("staggered" if name == "staggered" else "clustered"))
    return found.rename(columns={"ticker": "listing_id", "event_date": "session_date"})


@cache
def studied(name: str, model: str, windows: Windows | None = None) -> Study:
    """Return the study of a panel by a model, nothing dropped."""
    found = study(
        panel(name), events(name), MODELS[model], windows or Windows(minimum=60), TOLERABLE
    )
    assert found.dropped.empty
    return found


def wide(frame: pd.DataFrame, value: str, row: str = "event_id", column: str = "rel") -> NDArray:
    """Return a long table as an array of events by rows."""
    table = frame.pivot(index=row, columns=column, values=value)  # noqa: PD010 - refuses doubles
    return table.to_numpy(dtype=np.float64)


def standard_errors(found: Study) -> NDArray[np.float64]:
    """Return the prediction errors of single days, where regressors are known."""
    loads = found.sample.loadings
    return found.sample.sigma[:, None] * np.sqrt(1 + (loads * loads).sum(axis=2))


def _singles(name: str, model: str, quantity: str) -> Pair:
    found, theirs = studied(name, model), read(f"expected/textbook/single_{name}_{model}")
    path = car_path(found.sample, -5, 5)
    if quantity == "se_car":
        # The textbook counts rows without a return as part of the window; here they are left out.
        whole = np.isfinite(found.sample.abnormal).cumprod(axis=1).astype(bool)
        return tuple(np.where(whole, one, np.nan) for one in (path[1], wide(theirs, "se_car")))
    ours = {"ar": found.sample.abnormal, "se_ar": standard_errors(found), "car": path.car}
    return ours[quantity], wide(theirs, quantity)


def _coefficients(name: str, model: str) -> Pair:
    found, theirs = studied(name, model), read(f"expected/textbook/model_{name}_{model}")
    columns = ["event_id", "ticker"]
    if model == "mean":  # of its R2 rounding is left
        columns.append("r2")
    theirs = theirs.drop(columns=columns)
    named = {"r_squared": "r2", "alpha": "c", "market": "m"}
    return found.fits.rename(columns=named)[theirs.columns].to_numpy(), theirs.to_numpy()


def _r_singles(name: str, model: str, ours: str, theirs: str) -> Pair:
    found = studied(name, model).sample
    made = {
        "ar": found.abnormal,
        "car": car_path(found, -5, 5).car,
        "bhar": bhar_path(found, -5, 5),
    }
    file = read(f"expected/EventStudyR/single_{name}_{model}")
    return made[ours], wide(file, theirs, column="relative_index")


def _r_models(name: str, model: str) -> Pair:
    fits = studied(name, model).fits
    theirs = read(f"expected/EventStudyR/model_{name}_{model}").sort_values("event_id")
    columns = ["sigma"] if model in {"mean", "mktadj"} else ["alpha", "beta", "sigma", "r2"]
    ours = fits.rename(columns={"market": "beta", "mktrf": "beta", "r_squared": "r2"})
    return ours[columns].to_numpy(), theirs[columns].to_numpy()


def _r_volatility(name: str) -> Pair:
    found = volatility(studied(name, "raw").sample)
    theirs = read(f"expected/EventStudyR/single_{name}_volatility")
    sigma = read(f"expected/EventStudyR/model_{name}_volatility").sort_values("event_id")["sigma"]
    values = wide(theirs, "abnormal_returns", column="relative_index")
    return np.c_[found.abnormal, found.sigma], np.c_[values, sigma]


def _exact(name: str, ours: str, theirs: str) -> Pair:
    found = studied(name, "market")
    path = car_path(found.sample, -5, 5)
    made = {
        "ar": found.sample.abnormal,
        "var_ar": standard_errors(found) ** 2,
        "car": path.car,
        "var_car": path.standard_error**2,
    }
    return made[ours], wide(read(f"expected/easyeventstudies/single_{name}_market"), theirs)


def _windows(name: str) -> Pair:
    sample = studied(name, "market").sample
    ours, theirs = [], []
    for (first, last), file in read(f"expected/event_studies_pypi/single_{name}").groupby(
        ["a", "b"]
    ):
        found = window(sample, first, last)
        ours.append(np.c_[found.car, found.scar, found.standard_error**2])
        theirs.append(file.sort_values("event_id")[["car", "scar", "var_car"]].to_numpy())
    return np.concatenate(ours), np.concatenate(theirs)


def _estudy2(file: str, word: str, quantity: str) -> Pair:
    name = "missing" if file == "missing" else "clustered"
    sample = studied(name, ESTUDY2[word]).sample
    theirs = read(f"expected/estudy2/ar_{file}_{word}")
    number = events(name).set_index("listing_id")["event_id"]
    theirs["event_id"] = theirs["ticker"].map(number)
    table = wide(theirs, quantity, column="date")
    if quantity == "ar":
        return sample.abnormal, table
    fits, market = studied(name, ESTUDY2[word]).fits, panel(name).series["market"]
    slope = fits["market"].to_numpy()[:, None] if word == "sim" else float(word == "mrkt_adj")
    return fits["alpha"].to_numpy()[:, None] + slope * market[sample.positions], table


def _estudy2_coefficients(file: str) -> Pair:
    name = "missing" if file == "missing" else "clustered"
    fits, theirs = studied(name, "market").fits, read(f"expected/estudy2/coef_{file}")
    order = theirs.set_index("ticker").loc[events(name)["listing_id"]]
    return fits[["alpha", "market", "n"]].to_numpy(), order.to_numpy(dtype=np.float64)


def _nipfp(name: str) -> Pair:
    # It estimates on every row up to and including the first event row, and starts after it.
    rows = Windows(first=-400, last=-5, event_first=-4, event_last=5)
    path = car_path(studied(name, "market", rows).sample, -3, 5)
    theirs = read(f"expected/nipfp/car_{name}_wilcoxon").query("rel > -4").drop(columns="rel")
    return path.car, theirs.to_numpy().T


def _garch() -> Pair:
    theirs = read("expected/drawdown_vol/arch_garch_market_model")
    columns = [f"ar_{day}" for day in range(-5, 6)]
    # Optima differ in the seventh decimal: abnormal returns are compared, to 1e-6 of 100%.
    return 1 + studied("clustered", "garch").sample.abnormal, 1 + theirs[columns].to_numpy()


def _of_textbook() -> Iterator[Comparison]:
    quantities = {
        "ar": "abnormal return",
        "se_ar": "its standard error",
        "car": "CAR",
        "se_car": "standard error of CAR",
    }
    for name in ("clustered", "staggered", "missing"):
        for model in TEXTBOOK:
            pair = partial(_coefficients, name, model)
            yield Comparison("n, K, sigma, R2, coefficients", "textbook", name, pair)
            for column, quantity in quantities.items():
                yield Comparison(quantity, "textbook", name, partial(_singles, name, model, column))


def _of_event_study_r() -> Iterator[Comparison]:
    peer = "EventStudy (R)"
    for name in ("clustered", "staggered"):
        for model in EVENT_STUDY_R:
            pair = partial(_r_singles, name, model, "ar", "abnormal_returns")
            yield Comparison("abnormal return", peer, name, pair)
            yield Comparison("CAR", peer, name, partial(_r_singles, name, model, "car", "car"))
            pair = partial(_r_models, name, model)
            yield Comparison("alpha, beta, sigma, R2", peer, name, pair)
        pair = partial(_r_singles, name, "mktadj", "bhar", "bhar")
        yield Comparison("BHAR", peer, name, pair)
        yield Comparison(
            "abnormal volatility and its sigma", peer, name, partial(_r_volatility, name)
        )


def _of_python_peers() -> Iterator[Comparison]:
    columns = {
        "ar": "abnormal return",
        "var_ar": "its variance",
        "car": "CAR",
        "var_car": "variance of CAR",
    }
    for name in ("clustered", "staggered"):
        for column, quantity in columns.items():
            pair = partial(_exact, name, column, f"ees_{column}")
            yield Comparison(quantity, "EasyEventStudies", name, pair)
        pair = partial(_exact, name, "ar", "lemaire_ar")
        yield Comparison("abnormal return", "event_study (Lemaire)", name, pair)
        pair = partial(_windows, name)
        yield Comparison("CAR, SCAR, variance of CAR", "event-studies (PyPI)", name, pair)
    # Where a numerical search stops depends on the processor: 8e-8 apart on one, 1.9e-6 on another.
    yield Comparison("1 + abnormal return, GARCH", "arch", "clustered", _garch, 1e-5)


def _of_r_peers() -> Iterator[Comparison]:
    for file, name in (("full", "clustered"), ("missing", "missing")):
        yield Comparison("alpha, beta, n", "estudy2", name, partial(_estudy2_coefficients, file))
        for word in ESTUDY2:
            pair = partial(_estudy2, file, word, "ar")
            yield Comparison("abnormal return", "estudy2", name, pair)
            # One expectation of 1.8e-7 is what rounding leaves of sums of 1e-3.
            pair = partial(_estudy2, file, word, "predicted")
            yield Comparison("expected return", "estudy2", name, pair, 1e-8)
    for name in ("clustered", "staggered"):
        yield Comparison("CAR", "eventstudies (NIPFP)", name, partial(_nipfp, name))


COMPARISONS = [*_of_textbook(), *_of_event_study_r(), *_of_python_peers(), *_of_r_peers()]
