"""Adjusted correlations: what is left of a rise when variances rose too, from moments alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from selloff.comovement.periods import FEWEST

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

Adjustment = Literal["source", "target", "none"]
# A shift is called detectable if a one-sided test of this size finds it with this power.
SIZE, POWER = 0.05, 0.80


class Moments(NamedTuple):
    """What a period says of a source and its targets.

    Parameters
    ----------
    correlation : array of shape (k,)
        Of each target with the source.
    deviation_source, deviation_target : array of shape (k,)
        Standard deviations, in one unit.
    n : array of shape (k,)
        Rows they rest on.
    """

    correlation: ArrayLike
    deviation_source: ArrayLike
    deviation_target: ArrayLike
    n: ArrayLike


@dataclass(frozen=True, slots=True)
class CorrelationShift:
    """Tests of whether correlations rose; every field is an array with one number per target.

    Parameters
    ----------
    correlation_stable, correlation_turmoil : array of shape (k,)
        Pearson's correlation with the source in either period.
    adjusted_correlation : array of shape (k,)
        The turmoil's, as it would be at the stable period's variance.
    delta : array of shape (k,)
        Relative rise of the variance of the market that is adjusted for; 0 without adjustment.
    statistic, p_value, standard_error : array of shape (k,)
        Forbes and Rigobon's: Fisher transforms, one-sided; positive when the correlation rose.
    chi_square, chi_square_p_value : array of shape (k,)
        Fry, Martin and Tang's form of it, two-sided, on one degree of freedom.
    linkage_statistic, linkage_p_value, linkage_standard_error : array of shape (k,)
        The same difference over the standard error it has when linkages are constant, one-sided.
    n_stable, n_turmoil : array of shape (k,)
        Rows of the periods.
    detectable_shift : array of shape (k,)
        Least rise of the adjusted correlation over the stable one that Forbes and Rigobon's test
        at 5% finds with a probability of 80%.
    detectable_correlation : array of shape (k,)
        The turmoil's correlation, unadjusted, at which that is so.
    """

    correlation_stable: NDArray[np.float64]
    correlation_turmoil: NDArray[np.float64]
    adjusted_correlation: NDArray[np.float64]
    delta: NDArray[np.float64]
    statistic: NDArray[np.float64]
    p_value: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    chi_square: NDArray[np.float64]
    chi_square_p_value: NDArray[np.float64]
    linkage_statistic: NDArray[np.float64]
    linkage_p_value: NDArray[np.float64]
    linkage_standard_error: NDArray[np.float64]
    n_stable: NDArray[np.float64]
    n_turmoil: NDArray[np.float64]
    detectable_shift: NDArray[np.float64]
    detectable_correlation: NDArray[np.float64]


def adjusted_correlation(correlation: ArrayLike, delta: ArrayLike) -> NDArray[np.float64]:
    r"""Return a correlation as it would be had one market's variance not risen.

    ``rho* = rho / sqrt(1 + delta (1 - rho^2))``, delta the relative rise of that variance. With
    ``t = rho / sqrt(1 - rho^2)`` it is ``t* = t / sqrt(1 + delta)``: the slope of the regression on
    that market over the deviation of its error, which a change of the regressor's variance leaves
    alone.

    Parameters
    ----------
    correlation : array
        Correlations while the variance was high, between -1 and 1.
    delta : array
        Variance then over variance before, minus 1; above -1.

    Returns
    -------
    array
        Of their common shape. NaN where an input is.

    Raises
    ------
    ValueError
        If a number is out of its range.

    References
    ----------
    Forbes and Rigobon (2002), No Contagion, Only Interdependence, Journal of Finance 57(5).

    Examples
    --------
    >>> adjusted_correlation(0.8, 3.0).round(4).item()
    0.5547
    """
    rho, rise = np.asarray(correlation, float), np.asarray(delta, float)
    if (np.abs(rho) > 1).any() or (rise <= -1).any():
        raise ValueError("a correlation lies between -1 and 1, a variance does not fall below 0")
    return np.asarray(rho / np.sqrt(1 + rise * (1 - rho**2)))


def shift_of_moments(
    stable: Moments, turmoil: Moments, *, adjusts: Adjustment = "source"
) -> CorrelationShift:
    r"""Test for a rise of correlations whose moments are known.

    With rho* the turmoil's correlation adjusted by ``delta = var_turmoil / var_stable - 1`` of the
    source (the paper's definition; "target" takes the other market's, as a replication did)::

        z = (atanh rho* - atanh rho_s) / sqrt(1 / (n_t - 3) + 1 / (n_s - 3))        one-sided
        chi2 = (rho* - rho_s)^2 / (1 / n_t + 1 / n_s)                               on 1 df

    The standard error of z is that of two unadjusted correlations. Adjusted ones vary less, so z
    finds too little: at 5%, with delta = 10, rho_s = 0.5 and 22 rows, in 0.5% of 20,000 samples
    without a shift. Under constant linkage and normal errors the delta method gives, n less 3::

        se^2 = ((1 - rho*^2) / (1 + delta) + rho*^2 / 2) / n_t
             + (1 - rho_s^2 / 2) / n_s + (rho* - rho_s)^2 / (2 n_s)

    and the linkage statistic is the same difference over it, less its bias to the order of 1 / n:
    4.0 to 5.7% of the samples (22 and 60 rows, delta 0 to 10, rho_s 0.2 to 0.8). Errors with fat
    tails vary more than this. The detectable shift is that of z: the rho* - rho_s at which
    ``atanh rho* - atanh rho_s`` is 1.645 of its standard errors and 0.842 of the deviation that it
    then has.

    Parameters
    ----------
    stable, turmoil : Moments
        Of the two periods.
    adjusts : {"source", "target", "none"}
        Whose rise of variance is taken out of the turmoil's correlation.

    Returns
    -------
    CorrelationShift
        NaN where an input is.

    Raises
    ------
    ValueError
        If `adjusts` is something else, a period has fewer than four rows, or a correlation is not
        between -1 and 1.

    Notes
    -----
    Not identified: with delta from the source, a shock that is common to both markets (or runs back
    from the target) also raises the source's variance, and is adjusted away as if it were
    interdependence. The test takes the periods for independent and dated without error.

    References
    ----------
    Forbes and Rigobon (2002), Journal of Finance 57(5); Fry, Martin and Tang (2010), A New Class of
    Tests of Contagion, Journal of Business and Economic Statistics 28(3).

    Examples
    --------
    >>> calm, crisis = Moments(0.3, 0.01, 0.01, 250), Moments(0.7, 0.03, 0.02, 22)
    >>> found = shift_of_moments(calm, crisis)
    >>> found.adjusted_correlation.round(3).item(), found.statistic.round(2).item()
    (0.311, 0.05)
    >>> found.detectable_shift.round(2).item(), found.detectable_correlation.round(2).item()
    (0.37, 0.94)
    """
    if adjusts not in {"source", "target", "none"}:
        raise ValueError(f"adjusts is 'source', 'target' or 'none', not {adjusts!r}")
    before, after = _arrays(stable), _arrays(turmoil)
    delta = _delta(before, after, adjusts)
    n_s, n_t = before.n - 3, after.n - 3
    adjusted = adjusted_correlation(after.correlation, delta)
    difference = np.arctanh(adjusted) - np.arctanh(before.correlation)
    usual = np.sqrt(1 / n_t + 1 / n_s)
    linkage = _deviation(before.correlation, adjusted, delta, (n_s, n_t), adjusts)
    less_bias = difference - _bias(before.correlation, adjusted, delta, (n_s, n_t), adjusts)
    chi_square = (adjusted - before.correlation) ** 2 / (1 / after.n + 1 / before.n)
    least = _detectable(before.correlation, delta, (n_s, n_t), adjusts)
    raw = least * np.sqrt((1 + delta) / (1 + delta * least**2))
    return CorrelationShift(
        correlation_stable=before.correlation,
        correlation_turmoil=after.correlation,
        adjusted_correlation=adjusted,
        delta=delta,
        statistic=difference / usual,
        p_value=_above(difference / usual),
        standard_error=usual,
        chi_square=chi_square,
        chi_square_p_value=2 * _above(np.sqrt(chi_square)),
        linkage_statistic=less_bias / linkage,
        linkage_p_value=_above(less_bias / linkage),
        linkage_standard_error=linkage,
        n_stable=before.n,
        n_turmoil=after.n,
        detectable_shift=least - before.correlation,
        detectable_correlation=raw,
    )


class _Arrays(NamedTuple):
    correlation: NDArray[np.float64]
    deviation_source: NDArray[np.float64]
    deviation_target: NDArray[np.float64]
    n: NDArray[np.float64]


def _arrays(given: Moments) -> _Arrays:
    found = _Arrays(*np.broadcast_arrays(*(np.asarray(each, float) for each in given)))
    if (found.n < FEWEST).any():
        raise ValueError(f"{found.n.min():.0f} rows, at least {FEWEST} are needed")
    return found


def _delta(before: _Arrays, after: _Arrays, adjusts: Adjustment) -> NDArray[np.float64]:
    if adjusts == "none":
        return np.zeros(after.n.shape)
    name = f"deviation_{adjusts}"
    delta: NDArray[np.float64] = (getattr(after, name) / getattr(before, name)) ** 2 - 1
    return delta


def _deviation(
    stable: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    delta: NDArray[np.float64],
    n: tuple[NDArray[np.float64], NDArray[np.float64]],
    adjusts: Adjustment,
) -> NDArray[np.float64]:
    """Return the deviation of ``atanh rho* - atanh rho_s``; delta is known only with error.

    ``sinh atanh rho* = b s / e``: the slope in turmoil, the regressor's deviation in the stable
    period and the error's in turmoil, independent of one another. s is part of both transforms.
    """
    n_s, n_t = n
    if adjusts == "none":
        return np.asarray(np.sqrt(1 / n_t + 1 / n_s))
    squares = adjusted**2
    turmoil = (1 - squares) / (1 + delta) + squares / 2
    calm = 1 - stable**2 / 2 + (adjusted - stable) ** 2 / 2
    return np.asarray(np.sqrt(turmoil / n_t + calm / n_s))


def _bias(
    stable: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    delta: NDArray[np.float64],
    n: tuple[NDArray[np.float64], NDArray[np.float64]],
    adjusts: Adjustment,
) -> NDArray[np.float64]:
    """Return the bias of ``atanh rho* - atanh rho_s`` to the order of 1 / n.

    One over the error's deviation, on n - 2 degrees of freedom with a divisor of n - 1, is
    5 / (4 n) too large; the rest is the curvature of atanh. Unadjusted it is Fisher's rho / (2 n).
    """
    n_s, n_t = n
    if adjusts == "none":
        return adjusted / (2 * n_t) - stable / (2 * n_s)
    squares = adjusted**2
    share = 5 / 4 - (1 - squares) / (2 * (1 + delta)) - squares / 4
    return adjusted * share / n_t - stable / (2 * n_s)


def _detectable(
    stable: NDArray[np.float64],
    delta: NDArray[np.float64],
    n: tuple[NDArray[np.float64], NDArray[np.float64]],
    adjusts: Adjustment,
) -> NDArray[np.float64]:
    from scipy.special import ndtri

    threshold = ndtri(1 - SIZE) * np.sqrt(1 / n[0] + 1 / n[1])
    least = np.asarray(stable)
    # A contraction: the deviation hardly depends on rho*. Twenty rounds leave less than 1e-12.
    for _ in range(20):
        spread = _deviation(stable, least, delta, n, adjusts)
        least = np.tanh(np.arctanh(stable) + threshold + ndtri(POWER) * spread)
    return least


def _above(statistic: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(-statistic))
