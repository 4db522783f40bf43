"""What a series is expected to lose if the market falls far within a month: simulated, with error.

Nothing here is a capital shortfall: that needs debts, and stands where the closed form does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff.series import SeriesError
from selloff.tails.dcc import dcc_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from selloff.tails.dcc import Dcc, DccPath
    from selloff.tails.gjr import Gjr

    Values = NDArray[np.float64]

# Brownlees and Engle: the market's simple return over a month of 22 sessions, below -10%.
FALL, HORIZON = -0.10, 22
# Paths simulated at once: their draws are 2 megabytes at 22 sessions.
_CHUNK = 10_000
# Draws in the table that rows are drawn from; every row is in it at least once.
_TABLE = 1 << 17
# Of the way to the threshold. On five dates of 2006 to 2022 the error falls with it up to 0.5, by a
# third where the fall is likely and to a tenth where it is one in 2,000; from 0.6 on single paths
# explode in markets whose persistence is 1.
_SHARE = 0.4
# Where numbers of a path end: a price 5e21 times today's is the model's, not a market's.
_LARGEST_LOG = 50.0


@dataclass(frozen=True, slots=True)
class LongRunShortfall:
    """The expected loss of one series over paths on which the market fell far, and its error.

    Parameters
    ----------
    shortfall : float
        Mean of minus the simple return, a fraction; positive for a loss. NaN without a path.
    standard_error : float
        Of simulation alone: what the parameters' errors add is not in it. Where a variance has a
        rival (`selloff.tails.gjr.GjrFit`), simulate both: in frds's example they are 0.0115 apart,
        20 of these errors.
    n_events : int
        Paths on which the market fell below the threshold.
    n_effective : float
        As many equally likely ones would say as much: ``(sum w)^2 / sum w^2``.
    probability : float
        Of the market falling that far.
    probability_error : float
        Its standard error.
    n_paths : int
        Paths simulated.
    """

    shortfall: float
    standard_error: float
    n_events: int
    n_effective: float
    probability: float
    probability_error: float
    n_paths: int


def long_run_shortfalls(
    series: pd.DataFrame,
    parameters: Dcc,
    market: Any,
    *,
    fall: float = FALL,
    horizon: int = HORIZON,
    n_paths: int = 100_000,
    seed: int | np.random.Generator = 0,
) -> dict[Any, LongRunShortfall]:
    r"""Simulate what each series loses over the sessions to come, if the market falls far (LRMES).

    ``-E[R_i | R_m < fall]``, R the simple return over the horizon: ``exp(sum of log returns) - 1``
    of both. Paths go on from the last row's variances and correlations; their innovations are rows
    drawn with replacement, the market's standardized residual together with the part of each
    series' that is orthogonal to it. Rows on which the market fell are drawn more often than
    others on half the paths, and every path carries the weight that puts that right: the same
    expectation with a fraction of its error. The market's paths are the same for all series.

    Parameters
    ----------
    series : DataFrame
        **Log** returns, one row per session up to the one that is known last, none missing.
    parameters : Dcc
        Of the market and the series, from no later rows.
    market : column
        Which of them is the market.
    fall : float
        Simple return of the market over the horizon below which it has fallen far, a negative
        fraction.
    horizon : int
        Sessions.
    n_paths : int
        Paths.
    seed : int or numpy Generator
        From which rows are drawn: the same seed, the same numbers.

    Returns
    -------
    dict of LongRunShortfall
        By series, without the market.

    Raises
    ------
    SeriesError
        If the market has no parameters, or a series is missing or unfit.
    ValueError
        If `fall` is not between -1 and 0, or `horizon` or `n_paths` is below 1.

    References
    ----------
    Brownlees and Engle (2017), SRISK, Review of Financial Studies 30(1), 48-79, appendix A.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.tails.dcc import Dcc
    >>> from selloff.tails.gjr import Gjr
    >>> steady = Gjr(0.0, 4e-4, 0.0, 0.0, 0.0, 4e-4)
    >>> high = np.array([[1.0, 0.9], [0.9, 1.0]])
    >>> known = Dcc(("SPY", "XLF"), (steady, steady), 0.0, 0.0, high, high)
    >>> drawn = np.random.default_rng(1).normal(0, 0.02, (500, 2)) @ np.linalg.cholesky(high).T
    >>> frame = pd.DataFrame(drawn, columns=["SPY", "XLF"])
    >>> found = long_run_shortfalls(frame, known, "SPY", n_paths=20_000)["XLF"]
    >>> 0.1 < found.shortfall < 0.2, found.standard_error < 0.001
    (True, True)
    """
    _refuse(parameters, market, fall, horizon, n_paths)
    path = dcc_path(series, parameters)
    at = parameters.names.index(market)
    others = [place for place in range(len(parameters.names)) if place != at]
    pool = _pool(path, at, others, _tilt(parameters.margins[at], path, at, fall, horizon))
    start = _start(path, parameters, at, others)
    parts = []
    for rows, weights in _draws(pool, horizon, n_paths, np.random.default_rng(seed)):
        is_event = _market_returns(pool.market[rows], start) < fall
        parts.append((weights[is_event], -_returns(pool, rows[:, is_event], start)))
    weights = np.concatenate([part[0] for part in parts])
    losses = np.concatenate([part[1] for part in parts], axis=1)
    return {
        parameters.names[place]: _summary(weights, losses[row], n_paths)
        for row, place in enumerate(others)
    }


def _refuse(parameters: Dcc, market: Any, fall: float, horizon: int, n_paths: int) -> None:
    if market not in parameters.names:
        raise SeriesError(f"{market} is the market but has no parameters")
    if not -1 < fall < 0:
        raise ValueError(f"fall is a simple return between -1 and 0, not {fall}")
    if horizon < 1 or n_paths < 1:
        raise ValueError(f"a horizon of {horizon} sessions and {n_paths} paths show nothing")


class _Pool(NamedTuple):
    """What a day of a path is drawn from."""

    market: Values  # (n,) standardized residuals of the market
    own: Values  # (n_others, n) the others', as far as they are orthogonal to it
    table: NDArray[np.int64]  # rows, those on which the market fell more often
    log_weights: Values  # (n,) of a row's likelihood ratio


class _Start(NamedTuple):
    """What is known of the first session to come, and the rules from there."""

    market: Gjr
    others: list[Gjr]
    variances: Values  # (k,), the market's first
    quasi: tuple[Values, Values, Values]  # q_mm, (n_others,) q_im, (n_others,) q_ii
    targets: tuple[Values, Values, Values]
    news: float
    decay: float


def _pool(path: DccPath, at: int, others: list[int], tilt: float) -> _Pool:
    market = path.residuals[:, at]
    rho = path.correlations[:-1, at, others]
    own = (path.residuals[:, others] - rho * market[:, None]) / np.sqrt(1 - rho**2)
    wanted = np.exp(-tilt * (market - market.min()))
    counts = np.maximum(1, np.round(_TABLE * wanted / wanted.sum())).astype(np.int64)
    table = np.repeat(np.arange(len(market)), counts)
    log_weights = np.log(len(table) / (len(market) * counts))
    return _Pool(np.ascontiguousarray(market), np.ascontiguousarray(own.T), table, log_weights)


def _tilt(market: Gjr, path: DccPath, at: int, fall: float, horizon: int) -> float:
    """Return by how many sigmas a session the market is made to fall.

    Part of what would bring the mean of the sum to the threshold at today's variance, as falls
    raise the variance themselves.
    """
    sigma = float(np.sqrt(path.variances[-1, at]))
    needed = horizon * market.mean - float(np.log1p(fall))
    return _SHARE * max(0.0, needed) / (horizon * sigma)


def _start(path: DccPath, parameters: Dcc, at: int, others: list[int]) -> _Start:
    def parts(quasi: Values) -> tuple[Values, Values, Values]:
        return quasi[at, [at]], quasi[at, others], quasi[others, others]

    return _Start(
        parameters.margins[at],
        [parameters.margins[place] for place in others],
        path.variances[-1, [at, *others]],
        parts(path.quasi_correlations[-1]),
        parts(parameters.target),
        parameters.news,
        parameters.decay,
    )


def _draws(
    pool: _Pool, horizon: int, n_paths: int, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], Values]]:
    """Yield drawn rows, of shape (horizon, n_chunk), and the weights of the paths.

    Half the paths are drawn plainly. Weighed as what they are, draws from a mixture, no path
    weighs more than 2: with all drawn from the table, one in a thousand could outweigh the rest.
    """
    for first in range(0, n_paths, _CHUNK):
        size = min(_CHUNK, n_paths - first)
        n_plain = size // 2
        plain = random.integers(0, len(pool.market), (horizon, n_plain))
        tilted = pool.table[random.integers(0, len(pool.table), (horizon, size - n_plain))]
        rows = np.concatenate([plain, tilted], axis=1)
        share = n_plain / size
        ratio = np.exp(np.minimum(-pool.log_weights[rows].sum(axis=0), _LARGEST_LOG))
        yield rows, 1 / (share + (1 - share) * ratio)


def _market_returns(drawn: Values, start: _Start) -> Values:
    """Return the market's simple returns over the horizon, one for each path."""
    rules = start.market
    variance = np.full(drawn.shape[1], start.variances[0])
    total = np.full(drawn.shape[1], len(drawn) * rules.mean)
    for today in drawn:
        shocks = np.sqrt(variance) * today
        total += shocks
        weights = rules.alpha + rules.gamma * (today < 0)
        variance = rules.omega + weights * shocks**2 + rules.beta * variance
    found: Values = np.expm1(np.minimum(total, _LARGEST_LOG))
    return found


def _returns(pool: _Pool, rows: NDArray[np.int64], start: _Start) -> Values:
    """Return the others' simple returns over the horizon, of shape (n_others, n_paths)."""
    mean, omega, alpha, gamma, beta = (
        np.array([[getattr(rules, name)] for rules in start.others])
        for name in ("mean", "omega", "alpha", "gamma", "beta")
    )
    variance = np.repeat(start.variances[1:, None], rows.shape[1], axis=1)
    total = np.repeat(len(rows) * mean, rows.shape[1], axis=1)
    quasi = [each[:, None] for each in start.quasi]
    rest = [(1 - start.news - start.decay) * each[:, None] for each in start.targets]
    for today in rows:
        market = pool.market[today]
        rho = quasi[1] / np.sqrt(quasi[0] * quasi[2])
        drawn = rho * market + np.sqrt(1 - rho**2) * pool.own[:, today]
        shocks = np.sqrt(variance) * drawn
        total += shocks
        variance = omega + (alpha + gamma * (drawn < 0)) * shocks**2 + beta * variance
        products = (market**2, market * drawn, drawn**2)
        quasi = [
            back + start.news * product + start.decay * last
            for back, product, last in zip(rest, products, quasi, strict=True)
        ]
    found: Values = np.expm1(np.minimum(total, _LARGEST_LOG))
    return found


def _summary(weights: Values, losses: Values, n_paths: int) -> LongRunShortfall:
    """Return the weighted mean, with the error of a ratio of two sums.

    That half the paths are drawn one way and half the other is left out of it: the error is, if
    anything, too large.
    """
    total, squares = float(weights.sum()), float(weights @ weights)
    probability = total / n_paths
    spread = max(0.0, squares / n_paths - probability**2)
    nan = float("nan")
    shortfall = float(weights @ losses) / total if total else nan
    deviations = weights * (losses - shortfall)
    return LongRunShortfall(
        shortfall,
        float(np.sqrt(deviations @ deviations)) / total if len(losses) > 1 else nan,
        len(losses),
        total**2 / squares if total else 0.0,
        probability,
        float(np.sqrt(spread / n_paths)),
        n_paths,
    )
