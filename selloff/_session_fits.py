"""Market models of many listings at once, session by session: arrays, with what lies behind them.

Every array has a listing's OWN bars along its first axis and listings along its second. What it
computes is defined by the expression in `selloff.returns`, which tests hold it to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_lookups import NEVER
from selloff.returns import (
    NOISE_SHARE,
    NOISE_SIGMA,
    USUAL_LOG_VOLUME,
    VOLUME_NOISE_SIGMA,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.returns import MarketModel

    Floats = NDArray[np.float64]

# What is kept of a listing's last bar, and what of each of the bars that an estimation rests on.
_LAST = ("close", "log_close", "log_level", "market", "session")
_KEPT = ("x", "y", "v")
_MARKS = ("flagged", "n_quarantined", "simulated")


@dataclass(slots=True)
class Past:
    """What later bars look back on: the last bars of every listing, the newest in the last row.

    Parameters
    ----------
    numbers : dict of str to array of shape (rows, n_listings)
        Log returns of market (x) and listing (y) and log volume (v), NaN where not known; marks.
    known : array of shape (rows, n_listings)
        When each bar was known, microseconds; `NEVER` where there is no bar.
    last : dict of str to array of shape (n_listings,)
        The last bar itself.
    """

    numbers: dict[str, Floats]
    known: NDArray[np.int64]
    last: dict[str, Any]

    @classmethod
    def none(cls, model: MarketModel, n_listings: int) -> Past:
        """Return the past of listings without one."""
        shape = (model.first + 1, n_listings)
        kept = {name: np.full(shape, np.nan) for name in _KEPT}
        marks = {name: np.zeros(shape) for name in _MARKS}
        floats = {name: np.full(n_listings, np.nan) for name in ("close", "log_close", "log_level")}
        market = np.full(n_listings, -1)
        session = np.full(n_listings, NEVER)
        last = {**floats, "market": market, "session": session}
        return cls({**kept, **marks}, np.full(shape, NEVER), last)

    def of(self, some: slice) -> Past:
        """Return the past of some of the listings, as views."""
        return Past(
            {name: values[:, some] for name, values in self.numbers.items()},
            self.known[:, some],
            {name: values[some] for name, values in self.last.items()},
        )

    def move(self, bars: dict[str, Any], known: NDArray[np.int64], counts: NDArray[Any]) -> None:
        """Let as many of these bars of each listing be past as it has; in place."""
        rows, columns = len(self.known), np.arange(len(counts))
        new = np.arange(rows)[:, None] + counts
        for name, held in self.numbers.items():
            held[:] = np.concatenate([held, bars[name]])[new, columns]
        self.known[:] = np.concatenate([self.known, known])[new, columns]
        for name, held in self.last.items():
            held[:] = np.concatenate([held[None], bars[name]])[counts, columns]


def measured(
    bars: dict[str, Any], past: Past, counts: NDArray[Any], model: MarketModel, *, is_wanted: bool
) -> dict[str, Any]:
    """Return the market model and its residuals of the next bars, and let them be past.

    Parameters
    ----------
    bars : dict of str to array of shape (n_rows, n_listings)
        `close`, `volume`, `one_share` (as traded, in shares of today), `log_level` (NaN where not
        known), `market` (a number, -1 for none), `session` (a number that ascends), `known`
        (microseconds), marks, and `is_rebased`. Rows beyond a listing's count are ignored. At most
        as many rows as an estimation has.
    past : Past
        What lies before them; moved on.
    counts : array of shape (n_listings,)
        Bars of each listing.
    model : MarketModel
        Which rows are estimated on.
    is_wanted : bool
        False to let the bars be past only.

    Returns
    -------
    dict of str to array of shape (n_rows, n_listings)
        By the names of the columns of ``core.abnormal_returns``; empty if not wanted.
    """
    row = _returns(bars, past)
    found: dict[str, Any] = {}
    if is_wanted:
        numbers = {
            name: np.concatenate([past.numbers[name], row[name]]) for name in (*_KEPT, *_MARKS)
        }
        sums = _window_sums(numbers, len(row["x"]), model)
        found = _judged(row, _fitted(sums, model))
        found |= _rests_on(row, numbers, sums, np.concatenate([past.known, bars["known"]]), model)
    past.move(row, bars["known"], counts)
    return found


def _returns(bars: dict[str, Any], past: Past) -> dict[str, Any]:
    """Form both log returns of each bar since the listing's own bar before."""
    close = bars["close"]
    log_close = np.log(np.where(close > 0, close, np.nan))
    log_volume = np.log(bars["volume"] + bars["one_share"])
    row = {**bars, "log_close": log_close, "v": log_volume - USUAL_LOG_VOLUME}
    before = {name: np.concatenate([past.last[name][None], row[name][:-1]]) for name in _LAST}
    base = np.where(before["close"] == 0, np.nan, before["close"])
    simple, log_return = close / base - 1, log_close - before["log_close"]
    if bars["is_rebased"].any():  # across an unapplied split two closes are of two bases
        simple[bars["is_rebased"]] = log_return[bars["is_rebased"]] = np.nan
    is_same = (row["market"] == before["market"]) & (row["market"] >= 0)
    market = np.where(is_same, row["log_level"] - before["log_level"], np.nan)
    # NaN where either is missing, through the sum of both.
    nothing = (log_return + market) * 0
    return {
        **row,
        "simple_return": simple,
        "log_return": log_return,
        "market_log_return": market,
        "previous_session": before["session"],
        "x": market + nothing,
        "y": log_return + nothing,
    }


def _window_sums(numbers: dict[str, Floats], n_rows: int, model: MarketModel) -> dict[str, Floats]:
    """Return the sums over each row's estimation rows.

    The windows overlap in one row or more, so each is the end of one block and the beginning of the
    next (`selloff._rolling.window_sums`): nothing is ever subtracted from a running sum.
    """
    width = model.first - model.last + 1
    rows = slice(1, width + n_rows)
    x, y, v = (numbers[name][rows] for name in _KEPT)
    names = ["n", "x", "y", "xx", "xy", "yy", "n_volume", "v", "vv"]
    marks = [name for name in _MARKS if numbers[name].any()]
    terms = np.empty((len(x), len(names) + len(marks), x.shape[1]))
    is_pair, is_volume = ~np.isnan(x), ~np.isnan(v)
    terms[:, 0], terms[:, 6] = is_pair, is_volume
    for place, values, is_known in ((1, x, is_pair), (2, y, is_pair), (7, v, is_volume)):
        np.copyto(terms[:, place], 0.0)
        np.copyto(terms[:, place], values, where=is_known)
    for place, left, right in ((3, 1, 1), (4, 1, 2), (5, 2, 2), (8, 7, 7)):
        np.multiply(terms[:, left], terms[:, right], out=terms[:, place])
    for place, name in enumerate(marks, len(names)):
        terms[:, place] = numbers[name][rows]
    sums = _two_blocks(terms, width, n_rows, np.add)
    return {name: sums[:, place] for place, name in enumerate((*names, *marks))}


def _two_blocks(terms: NDArray[Any], width: int, n_rows: int, add: np.ufunc) -> NDArray[Any]:
    """Reduce `width` rows from each of the first `n_rows` on, which are at most `width`."""
    found = np.empty((n_rows, *terms.shape[1:]), terms.dtype)
    add.reduce(terms[n_rows - 1 : width], axis=0, out=found[-1])
    for row in range(n_rows - 2, -1, -1):
        add(found[row + 1], terms[row], out=found[row])
    ahead = terms[width:]
    for row in range(1, n_rows):
        if row > 1:
            add(ahead[row - 1], ahead[row - 2], out=ahead[row - 1])
        add(found[row], ahead[row - 1], out=found[row])
    return found


def _spread(total: Floats, squares: Floats, n: Floats, noise: float = NOISE_SIGMA) -> Floats:
    """Return the sum of squared deviations, exactly 0 where only noise is left."""
    spread = squares - total * total / n
    spread[(spread <= squares * NOISE_SHARE) | (spread <= n * noise**2)] = 0.0
    return spread


def _above_zero(values: Floats) -> Floats:
    return np.where(values == 0, np.nan, values)


def _fitted(sums: dict[str, Floats], model: MarketModel) -> dict[str, Floats]:
    """Return the market model, and mean and spread of the volume, where there are rows enough."""
    n = np.where(sums["n"] >= model.minimum, sums["n"], np.nan)
    n_volume = np.where(sums["n_volume"] >= model.minimum, sums["n_volume"], np.nan)
    s_xx = _above_zero(_spread(sums["x"], sums["xx"], n))
    s_yy = _spread(sums["y"], sums["yy"], n)
    s_xy = sums["xy"] - sums["x"] * sums["y"] / n
    beta = s_xy / s_xx
    residual = (s_yy - beta * s_xy) / (n - 2)
    residual[(residual <= sums["yy"] / n * NOISE_SHARE) | (residual <= NOISE_SIGMA**2)] = 0.0
    mean_x = sums["x"] / n
    s_vv = _spread(sums["v"], sums["vv"], n_volume, VOLUME_NOISE_SIGMA)
    return {
        "n": n,
        "s_xx": s_xx,
        "mean_x": mean_x,
        "alpha": sums["y"] / n - beta * mean_x,
        "beta": beta,
        "residual_sigma": np.sqrt(residual),
        "n_estimation": sums["n"],
        "mean_v": sums["v"] / n_volume,
        "volume_width": np.sqrt(s_vv / (n_volume - 1)) * np.sqrt(1 / n_volume + 1),
    }


def _judged(row: dict[str, Any], fit: dict[str, Floats]) -> dict[str, Any]:
    """Hold each row against what was fitted before it."""
    x = row["market_log_return"]
    abnormal = row["log_return"] - fit["alpha"] - fit["beta"] * x
    away = x - fit["mean_x"]
    width = np.sqrt(1 / fit["n"] + 1 + away * away / fit["s_xx"])
    volume = (row["v"] - fit["mean_v"]) / _above_zero(fit["volume_width"])
    names = ("previous_session", "simple_return", "log_return", "market_log_return")
    return {
        **{name: row[name] for name in names},
        **{name: fit[name] for name in ("alpha", "beta", "residual_sigma", "n_estimation")},
        "abnormal_return": abnormal,
        "abnormal_z": abnormal / _above_zero(fit["residual_sigma"] * width),
        "abnormal_volume_z": volume,
    }


def _rests_on(
    row: dict[str, Any],
    numbers: dict[str, Floats],
    sums: dict[str, Floats],
    known: NDArray[np.int64],
    model: MarketModel,
) -> dict[str, Any]:
    """Count the marks of the row, the one before and those behind the estimation; and how new."""
    n_rows = len(row["x"])
    found: dict[str, Any] = {}
    for name in _MARKS:
        total = row[name]
        if name in sums:  # the first estimation row's return starts from the bar before it
            total = total + numbers[name][-n_rows - 1 : -1] + sums[name] + numbers[name][:n_rows]
        found[name] = total
    newest = known[-n_rows:]
    if (known[1:] < known[:-1]).any():
        width = model.first - model.last + 2
        behind = _two_blocks(known[: width + n_rows - 1].copy(), width, n_rows, np.maximum)
        newest = np.maximum(np.maximum(newest, known[-n_rows - 1 : -1]), behind)
    return {**found, "as_of": newest}
