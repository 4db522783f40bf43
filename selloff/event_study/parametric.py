"""Tests of a window's abnormal returns event by event; a single day is a window of one row.

One of the two headline tests of an event study stands here, `kolari_pynnonen`. All tests are
two-sided, negative when prices fell, and count the events that are valid in the window.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.dependence import mean_residual_correlation
from selloff.event_study.evidence import once
from selloff.event_study.results import TestResult, normal_result, student_result
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

# An event's SCAR has Student's t distribution; below this it has no variance to standardise by.
VARIANCE_EXISTS = 2
# What rounding leaves where values are equal, of a spread relative to the mean or of 1 - r.
NOISE = 1e-12


def cross_sectional(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean CAR against its spread over events: ``mean / (sd / sqrt(n))``.

    Allows for any variance on the event day; takes events for independent.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined with fewer than two events or without spread.

    References
    ----------
    Brown and Warner (1980), Measuring Security Price Performance, Journal of Financial Economics 8.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]])
    >>> round(cross_sectional(sample, 0, 0).statistic, 4)
    -3.5
    """
    n, mean, _ = found = once(sample, moments, first, last)
    statistic = _ratio(mean * sqrt(n), _spread(found))
    return student_result("cross_sectional", statistic, n, n - 1)


def patell(sample: Sample, first: int, last: int) -> TestResult:
    r"""Test the sum of the standardised CARs: ``sum SCAR_i / sqrt(sum df_i / (df_i - 2))``.

    df_i are the n - K degrees of freedom of the event's sigma. Assumes that the variance is the
    one before the event, and independent events.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row, a sigma or a third degree of freedom do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Standard normal.

    References
    ----------
    Patell (1976), Corporate Forecasts of Earnings Per Share and Stock Price Behavior, Journal of
    Accounting Research 14(2).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(patell(sample, 0, 0).statistic, 4)
    -2.3664
    """
    scar, variance = once(sample, null_variance, first, last)
    total = float(variance.sum())
    return normal_result("patell", _ratio(float(scar.sum()), sqrt(total)), len(scar))


def adjusted_patell(
    sample: Sample, first: int, last: int, correlation: float | None = None
) -> TestResult:
    """Test as Patell does, over what correlation adds to the variance: ``Z / sqrt(1 + (n-1) r)``.

    Allows for events that depend on one another, not for a variance that rises on the event.
    Without the factor 1 - r of `kolari_pynnonen`: Patell's variance is not taken over events.

    Parameters
    ----------
    sample : Sample
        Of N events; those that `patell` counts.
    first, last : int
        Relative rows, both included.
    correlation : float, optional
        Mean correlation r; by default the `mean_residual_correlation`.

    Returns
    -------
    TestResult
        Standard normal.

    References
    ----------
    Kolari and Pynnönen (2010), Event Study Testing with Cross-sectional Correlation of Abnormal
    Returns, Review of Financial Studies 23(11).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(adjusted_patell(sample, 0, 0, correlation=0.5).statistic, 4)
    -1.9322
    """
    plain = patell(sample, first, last)
    r = _correlation(sample, correlation)
    statistic = plain.statistic * _root(_ratio(1, 1 + (plain.n - 1) * r))
    return normal_result("adjusted_patell", statistic, plain.n)


def bmp(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean SCAR against its spread over events: ``mean / (sd / sqrt(n))``.

    Of Boehmer, Musumeci and Poulsen. Allows for a variance that rises on the event, as it does in
    every sell-off, in the same proportion for all; takes events for independent.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window or without a sigma do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined with fewer than two events or without spread.

    References
    ----------
    Boehmer, Musumeci and Poulsen (1991), Event-study Methodology under Conditions of Event-induced
    Variance, Journal of Financial Economics 30(2).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(bmp(sample, 0, 0).statistic, 4)
    -2.0
    """
    n, mean, _ = found = once(sample, moments, first, last, scaled=True)
    return student_result("bmp", _ratio(mean * sqrt(n), _spread(found)), n, n - 1)


def kolari_pynnonen(
    sample: Sample, first: int, last: int, correlation: float | None = None
) -> TestResult:
    """Test as BMP does, over what correlation does: ``t sqrt((1 - r) / (1 + (n-1) r))``.

    Allows for a variance that rises on the event and for events that depend on one another.

    Parameters
    ----------
    sample : Sample
        Of N events; those that `bmp` counts.
    first, last : int
        Relative rows, both included.
    correlation : float, optional
        Mean correlation r; by default the `mean_residual_correlation`.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined where that of `bmp` is, or r is 1 or at most -1 / (n - 1).

    References
    ----------
    Kolari and Pynnönen (2010), Event Study Testing with Cross-sectional Correlation of Abnormal
    Returns, Review of Financial Studies 23(11).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(kolari_pynnonen(sample, 0, 0, correlation=0.5).statistic, 4)
    -1.1547
    """
    plain = bmp(sample, first, last)
    r = _correlation(sample, correlation)
    statistic = plain.statistic * _root(_ratio(1 - r, 1 + (plain.n - 1) * r))
    return student_result("kolari_pynnonen", statistic, plain.n, plain.n - 1)


def mackinlay_j1(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean CAR against its exact standard error: ``sum CAR_i / sqrt(sum se_i^2)``.

    Weighs all events alike. Assumes that the variance is the one before the event, and independent
    events.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window or without a sigma do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Standard normal.

    References
    ----------
    MacKinlay (1997), Event Studies in Economics and Finance, Journal of Economic Literature 35;
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 4.4.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(mackinlay_j1(sample, 0, 0).statistic, 4)
    -2.1213
    """
    car, error, scar, _ = once(sample, window, first, last)
    some = np.isfinite(scar)
    total = float(np.square(error[some]).sum())
    statistic = _ratio(float(car[some].sum()), sqrt(total))
    return normal_result("mackinlay_j1", statistic, int(some.sum()))


def mackinlay_j2(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean of the SCARs at unit variance: ``sqrt(n) mean(SCAR_i sqrt((df_i - 2)/df_i))``.

    Equals `patell` where all events have the same n - K degrees of freedom df. Assumes what
    Patell's does.

    Parameters
    ----------
    sample : Sample
        Of N events; those that `patell` counts.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Standard normal.

    References
    ----------
    As `mackinlay_j1`, whose ``L1 - 4`` over ``L1 - 2`` are those of the market model.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(mackinlay_j2(sample, 0, 0).statistic, 4)
    -2.3664
    """
    scar, variance = once(sample, null_variance, first, last)
    n = len(scar)
    statistic = _ratio(float((scar / np.sqrt(variance)).sum()), sqrt(n))
    return normal_result("mackinlay_j2", statistic, n)


class Moments(NamedTuple):
    """How many values there are, where they lie and how far apart.

    Parameters
    ----------
    n : int
        Values.
    mean : float
        NaN without any.
    squares : float
        Sum of their squared distances from the mean.
    """

    n: int
    mean: float
    squares: float

    @property
    def spread(self) -> float:
        """Standard deviation (n - 1); NaN with fewer than two values."""
        return sqrt(self.squares / (self.n - 1)) if self.n > 1 else nan

    def plus(self, other: Moments) -> Moments:
        """Return the moments of the values of both.

        Examples
        --------
        >>> Moments(1, 2.0, 0.0).plus(Moments(2, 5.0, 2.0))
        Moments(n=3, mean=4.0, squares=8.0)
        """
        if not self.n or not other.n:
            return self if self.n else other
        n, away = self.n + other.n, other.mean - self.mean
        mean = self.mean + away * other.n / n
        return Moments(n, mean, self.squares + other.squares + away**2 * self.n * other.n / n)


def moments(sample: Sample, first: int, last: int, *, scaled: bool = False) -> Moments:
    """Return the moments of the CARs of a window over events, or of the SCARs.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a value do not count.
    first, last : int
        Relative rows, both included.
    scaled : bool
        Whether of the SCARs.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> n, mean, squares = moments(given([[-0.09], [-0.05]], [[0.01, -0.01]] * 2), 0, 0)
    >>> n, round(mean, 4), round(squares, 4)
    (2, -0.07, 0.0008)
    """
    found = once(sample, window, first, last)
    values = found.scar if scaled else found.car
    some = values[np.isfinite(values)]
    if not len(some):
        return Moments(0, nan, 0.0)
    mean = some.mean()
    return Moments(len(some), float(mean), float(np.square(some - mean).sum()))


class Standardised(NamedTuple):
    """SCARs and how far they vary when nothing happens.

    Parameters
    ----------
    scar : array of shape (n,)
        Of the events that have a variance.
    variance : array of shape (n,)
        Of each under the null hypothesis: that of Student's t, ``df / (df - 2)``.
    """

    scar: NDArray[np.float64]
    variance: NDArray[np.float64]


def null_variance(sample: Sample, first: int, last: int) -> Standardised:
    """Return the SCARs of a window and their variances under the null hypothesis.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row, a sigma or a third degree of freedom do not count.
    first, last : int
        Relative rows, both included.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> null_variance(sample, 0, 0).variance.round(4).tolist()
    [1.2857, 1.2857]
    """
    scar = once(sample, window, first, last).scar
    df = sample.degrees_of_freedom
    some = np.isfinite(scar) & (df > VARIANCE_EXISTS)
    return Standardised(scar[some], df[some] / (df[some] - 2.0))


def _spread(found: Moments) -> float:
    """Return the standard deviation (n - 1); 0 for what rounding leaves of equal values."""
    return 0.0 if found.spread <= NOISE * abs(found.mean) else found.spread


def _correlation(sample: Sample, correlation: float | None) -> float:
    return once(sample, mean_residual_correlation) if correlation is None else correlation


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator else nan


def _root(value: float) -> float:
    return sqrt(value) if value > NOISE else nan
