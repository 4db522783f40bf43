"""Comoments: whether skewness, kurtosis and volatility began to be shared in turmoil."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from selloff.comovement.adjusted_correlations import adjusted_correlation
from selloff.comovement.periods import periods, place_of
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.series import SeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    from selloff.comovement.periods import Period

Linkage = Literal["observed", "adjusted"]


# Samples drawn at once: of 300 rows they are 5 MB.
AT_ONCE = 1000


class _Comoment(NamedTuple):
    """A comoment E[z_i^a z_j^b], and what it is under normality, as polynomials in rho."""

    powers: tuple[int, int]
    normal: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    variance: Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _none(rho: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.zeros_like(rho)


# i is the source, j the target. The variances are those of the bivariate Hermite polynomials.
COMOMENTS = {
    "CS12": _Comoment((1, 2), _none, lambda rho: 4 * rho**2 + 2),
    "CS21": _Comoment((2, 1), _none, lambda rho: 4 * rho**2 + 2),
    "CK13": _Comoment((1, 3), lambda rho: 3 * rho, lambda rho: 18 * rho**2 + 6),
    "CK31": _Comoment((3, 1), lambda rho: 3 * rho, lambda rho: 18 * rho**2 + 6),
    "CV22": _Comoment((2, 2), lambda rho: 1 + 2 * rho**2, lambda rho: 4 * rho**4 + 16 * rho**2 + 4),
}


def comoment_shifts(
    series: pd.DataFrame,
    source: Any,
    *,
    stable: Period,
    turmoil: Period,
    linkage: Linkage = "observed",
    filtered: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
    draws: int = 0,
) -> pd.DataFrame:
    r"""Test every series for a change of its higher comoments with a source.

    With z the returns less their mean over their standard deviation (divisor n) in their own
    period, i the source and j the target, and rho that period's linkage::

        CS12  m = mean(z_i z_j^2)                      v = 4 rho^2 + 2
        CS21  m = mean(z_i^2 z_j)                      v = 4 rho^2 + 2
        CK13  m = mean(z_i z_j^3) - 3 rho              v = 18 rho^2 + 6
        CK31  m = mean(z_i^3 z_j) - 3 rho              v = 18 rho^2 + 6
        CV22  m = mean(z_i^2 z_j^2) - (1 + 2 rho^2)    v = 4 rho^4 + 16 rho^2 + 4

        statistic = (m_turmoil - m_stable)^2 / (v_turmoil / n_turmoil + v_stable / n_stable)

    on one degree of freedom. CS12 says that the source's return goes with the target's volatility,
    CS21 that the source's volatility goes with the target's return, CV22 that volatilities go
    together. The v are exact to the order of 1 / n: with mean, variance and rho estimated, m is the
    mean of the bivariate Hermite polynomial of that order, of variance ``a! b!`` times a polynomial
    in rho (4 = 2! 2!; 6 = 3! 1!; 2 = 2! 1!).

    Parameters
    ----------
    series : DataFrame
        Returns as fractions; rows are dates in ascending order, columns are series.
    source : label
        The column in which the shock began.
    stable, turmoil : slice or boolean array
        The periods: a slice of labels, both ends included, or one boolean per row of `series`.
    linkage : {"observed", "adjusted"}
        The turmoil's rho. "observed" is that period's own correlation. "adjusted" is Forbes and
        Rigobon's, which the authors take; but the z of a period have its own correlation, whatever
        widened it: under constant linkage and a wider source CK13, CK31 and CV22 then reject nearly
        always (nine times the variance, a stable correlation of 0.4, 250 rows each: 97% and more of
        4,000 samples at 5%, and CS12 and CS21 10 to 12%).
    filtered : callable, optional
        Makes residuals of `series`, a frame on some of its dates.
    draws : int
        Samples of as many rows and of the same correlations, normal, that p-values are counted from
        (seeded, so that they are the same each time); 0 takes the chi-square distribution. For
        short turmoils; only with the observed linkage.

    Returns
    -------
    DataFrame
        A row per target and comoment: `target`, `comoment`, `stable` and `turmoil` (the m),
        `statistic`, `p_value`, `adjusted_p_value` (Benjamini and Hochberg's over all rows),
        `n_stable`, `n_turmoil`. Positive m_turmoil - m_stable is a rise.

    Raises
    ------
    SeriesError
        If there is no such source or no target, a value is missing, the periods share rows, or one
        has fewer than four.
    ValueError
        If `linkage` is something else, or "adjusted" with `draws`.

    Notes
    -----
    Both periods are taken for normal under the null: fat tails that were there before, on both
    sides, widen the statistics. In short turmoils chi-square rejects too rarely: at 22 rows of
    normal returns and a level of 5%, CS 2 to 7% and CK and CV 0 to 2%; `draws` mends this.

    References
    ----------
    Fry, Martin and Tang (2010), A New Class of Tests of Contagion with Applications, Journal of
    Business and Economic Statistics 28(3), 423-437 (co-skewness); Fry-McKibbin and Hsiao (2018),
    Extremal Dependence Tests for Contagion, Econometric Reviews 37(6), 626-649 (co-kurtosis and
    co-volatility; its abstract warns of short crises). Their full texts were not at hand: the
    variances were derived as above and confirmed by simulation.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(2)
    >>> days = pd.bdate_range("2024-01-02", periods=400)
    >>> crisis = np.arange(400) >= 300
    >>> us = rng.normal(0, 0.01, 400)
    >>> calm, restless = rng.normal(0, 0.01, (2, 400))
    >>> restless *= np.where(crisis & (us < 0), 3, 1)  # its volatility follows falls of the source
    >>> frame = pd.DataFrame({"US": us, "JP": calm, "DE": restless}, days)
    >>> found = comoment_shifts(frame, "US", stable=~crisis, turmoil=crisis)
    >>> is_new = found["adjusted_p_value"] < 0.05
    >>> found.loc[is_new, ["target", "comoment"]].to_numpy().tolist()
    [['DE', 'CS12'], ['DE', 'CK13']]
    """
    import pandas as pd
    from scipy.special import ndtr

    if linkage not in {"observed", "adjusted"}:
        raise ValueError(f"linkage is 'observed' or 'adjusted', not {linkage!r}")
    if linkage == "adjusted" and draws:
        raise ValueError("p-values are drawn with the observed linkage only")
    if len(series.columns) < 2:  # noqa: PLR2004 - a source and a target
        raise SeriesError(f"{len(series.columns)} series, a source and a target are needed")
    place = place_of(series, source)
    both = periods(series, stable, turmoil, filtered)
    before, after = (_standardised(values, place) for values in both)
    nu = after.rho
    if linkage == "adjusted":
        nu = adjusted_correlation(nu, (after.deviation / before.deviation) ** 2 - 1)
    others = [name for number, name in enumerate(series.columns) if number != place]
    null = _drawn(before, after, draws) if draws else {}
    parts = []
    for name, kind in COMOMENTS.items():
        m_stable, v_stable = _measured(before, kind, before.rho)
        m_turmoil, v_turmoil = _measured(after, kind, nu)
        statistic = (m_turmoil - m_stable) ** 2 / (v_turmoil + v_stable)
        if draws:
            p_value = (1 + (null[name] >= statistic).sum(axis=0)) / (1 + draws)
        else:
            p_value = 2 * ndtr(-np.sqrt(statistic))
        columns = {"target": others, "comoment": name, "stable": m_stable, "turmoil": m_turmoil}
        parts.append(pd.DataFrame({**columns, "statistic": statistic, "p_value": p_value}))
    found = pd.concat(parts, ignore_index=True)
    return found.assign(
        adjusted_p_value=benjamini_hochberg(found["p_value"]),
        n_stable=len(both.stable),
        n_turmoil=len(both.turmoil),
    )


class _Standardised(NamedTuple):
    """A period's standardised returns: the source's, the targets', and how they hang together.

    Rows are the last axis but one, series the last; before them may stand samples.
    """

    source: NDArray[np.float64]
    targets: NDArray[np.float64]
    rho: NDArray[np.float64]
    deviation: Any


def _drawn(
    before: _Standardised, after: _Standardised, draws: int
) -> dict[str, NDArray[np.float64]]:
    """Return the statistics of normal samples, shape (draws, targets), by comoment."""
    rng = np.random.default_rng(0)
    found = {name: np.empty((draws, len(before.rho))) for name in COMOMENTS}
    for target in range(len(before.rho)):
        for first in range(0, draws, AT_ONCE):
            some = slice(first, min(first + AT_ONCE, draws))
            parts = [
                _sample(rng, some.stop - first, len(each.source), each.rho[target])
                for each in (before, after)
            ]
            for name, kind in COMOMENTS.items():
                (low, v_low), (high, v_high) = (_measured(each, kind, each.rho) for each in parts)
                found[name][some, target] = ((high - low) ** 2 / (v_high + v_low))[:, 0]
    return found


def _sample(rng: np.random.Generator, count: int, n: int, rho: float) -> _Standardised:
    """Return samples of a pair of normal returns."""
    values = rng.normal(size=(count, n, 2))
    values[:, :, 1] = rho * values[:, :, 0] + np.sqrt(1 - rho**2) * values[:, :, 1]
    values -= values.mean(axis=1, keepdims=True)
    values /= np.sqrt((values**2).mean(axis=1, keepdims=True))
    product = (values[:, :, :1] * values[:, :, 1:]).mean(axis=1)
    return _Standardised(values[:, :, 0], values[:, :, 1:], product, None)


def _standardised(values: NDArray[np.float64], place: int) -> _Standardised:
    around = values - values.mean(axis=0)
    deviation = np.sqrt((around**2).mean(axis=0))
    around /= deviation
    source, targets = around[:, place], np.delete(around, place, axis=1)
    return _Standardised(source, targets, source @ targets / len(values), deviation[place])


def _measured(
    period: _Standardised, kind: _Comoment, rho: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a period's comoments less what normality explains, and their variances."""
    n, (first, second) = period.source.shape[-1], kind.powers
    comoment = (period.source[..., None, :] ** first @ period.targets**second)[..., 0, :] / n
    return comoment - kind.normal(rho), kind.variance(rho) / n
