"""The calendar-time portfolio: one return per date, of all firms whose event window includes it.

Events of one date enter as one number, so that their correlation is in the portfolio's variance.
Grouped by relative day instead, as one peer does, nothing would be left of that.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.dated_sums import dated_sums
from selloff.event_study.evidence import added_by_place, once
from selloff.event_study.results import TestResult, student_result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

# Newey and West's error is an approximation for many dates; a window of a common date has few.
FEW_DATES = 20


class CalendarPortfolio(NamedTuple):
    """Mean returns by calendar date.

    Parameters
    ----------
    positions : array of shape (n_dates,)
        Places on the shared calendar, increasing; dates without a firm are left out.
    n : array of shape (n_dates,)
        Firms in the portfolio on each.
    mean : array of shape (n_dates,)
        Their mean, in the unit of the returns.
    """

    positions: NDArray[np.int64]
    n: NDArray[np.int64]
    mean: NDArray[np.float64]

    def plus(self, other: CalendarPortfolio) -> CalendarPortfolio:
        """Return the portfolio of the firms of both."""
        totals = self.n * self.mean, other.n * other.mean
        places, n, total = added_by_place(
            self.positions, other.positions, (self.n, other.n), totals
        )
        return CalendarPortfolio(places, n.astype(np.int64), total / n)


def calendar_portfolio(
    sample: Sample, first: int, last: int, *, raw: bool = False
) -> CalendarPortfolio:
    """Hold each firm from `first` to `last` of its events, and average over firms by date.

    Parameters
    ----------
    sample : Sample
        Of N events. A firm whose events overlap is held once for each.
    first, last : int
        Relative rows, both included.
    raw : bool
        Whether to average returns instead of abnormal returns.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03, 0.01], [-0.02, 0.02]]
    >>> sample = given(falls, [[0.01, -0.01]] * 2, dates=[2, 3])
    >>> calendar_portfolio(sample, 0, 1).mean.round(4).tolist()
    [-0.03, -0.005, 0.02]
    """
    columns = sample.columns(first, last)
    values = (sample.returns if raw else sample.abnormal)[:, columns]
    places = sample.positions[:, columns]
    held = np.isfinite(values) & (places >= 0)
    n = np.bincount(places[held])
    total = np.bincount(places[held], values[held])
    positions = np.nonzero(n)[0]
    return CalendarPortfolio(positions, n[positions], total[positions] / n[positions])


class Alpha(NamedTuple):
    """Mean daily return of a calendar-time portfolio that factors do not explain.

    Parameters
    ----------
    alpha : float
        Per day, in the unit of the returns.
    standard_error : float
        Newey and West's; NaN where there are not enough dates.
    n_dates : int
        Dates in the regression T.
    degrees_of_freedom : int
        T less the coefficients, the intercept included.
    """

    alpha: float
    standard_error: float
    n_dates: int
    degrees_of_freedom: int


def calendar_alpha(
    portfolio: CalendarPortfolio,
    factors: NDArray[np.float64] | None = None,
    lags: int | None = None,
) -> Alpha:
    r"""Regress a calendar-time portfolio on factors, errors robust to autocorrelation.

    Newey and West's with Bartlett weights ``1 - k / (lags + 1)``. Dates are paired by their
    distance on the calendar: across a gap between event windows nothing is correlated.

    Parameters
    ----------
    portfolio : CalendarPortfolio
        Of T dates; of raw returns where factors are given.
    factors : array of shape (n_positions, k), optional
        Factor returns on the shared calendar, by place, in the unit of the portfolio's. Dates on
        which one is NaN are left out. Without them, alpha is the mean.
    lags : int, optional
        By default ``floor(4 (T / 100)^(2/9))``.

    Returns
    -------
    Alpha
        NaN with fewer dates than coefficients, its error with no more dates than these.

    References
    ----------
    Fama (1998), Market Efficiency, Long-term Returns, and Behavioral Finance, Journal of Financial
    Economics 49(3); Newey and West (1987), Econometrica 55(3); for gaps, Datta and Du (2012),
    Nonparametric HAC Estimation for Time Series Data with Missing Observations, Federal Reserve.

    Examples
    --------
    >>> import numpy as np
    >>> portfolio = CalendarPortfolio(np.arange(4), np.ones(4), np.array([-0.3, -0.1, -0.3, -0.1]))
    >>> alpha = calendar_alpha(portfolio, lags=0)
    >>> round(alpha.alpha, 4), round(alpha.standard_error, 4), alpha.degrees_of_freedom
    (-0.2, 0.05, 3)
    """
    positions, y = portfolio.positions, portfolio.mean
    x = np.ones((len(y), 1))
    if factors is not None:
        x = np.column_stack([x, np.asarray(factors)[positions]])
    known = np.isfinite(x).all(axis=1)
    positions, y, x = positions[known], y[known], x[known]
    count, width = x.shape
    if count < width or count == 0:
        return Alpha(nan, nan, count, count - width)
    coefficients = np.linalg.lstsq(x, y, rcond=None)[0]
    if count == width:
        return Alpha(float(coefficients[0]), nan, count, 0)
    lags = int(4 * (count / 100) ** (2 / 9)) if lags is None else lags
    scores = np.zeros((int(positions[-1] - positions[0]) + 1, width))
    scores[positions - positions[0]] = x * (y - x @ coefficients)[:, None]
    bread = np.linalg.pinv(x.T @ x)
    variance = float((bread @ _long_run(scores, lags) @ bread)[0, 0])
    error = sqrt(variance) if variance > 0 else nan
    return Alpha(float(coefficients[0]), error, count, count - width)


def _long_run(scores: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Return Newey and West's sum of the scores' autocovariances, of shape (k, k)."""
    total: NDArray[np.float64] = scores.T @ scores
    for lag in range(1, min(lags, len(scores) - 1) + 1):
        across = scores[lag:].T @ scores[:-lag]
        total = total + (1 - lag / (lags + 1)) * (across + across.T)
    return total


def calendar_time(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean abnormal return of the calendar-time portfolio, by Newey and West's error.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on T - 1 for T dates; undefined with a single one. A common date of all events
        leaves as many dates as the window has rows, and the note says that they are few: take
        `kolari_pynnonen` there.

    References
    ----------
    As `calendar_alpha`.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03, -0.01], [-0.02, -0.02]]
    >>> sample = given(falls, [[0.01, -0.01]] * 2, dates=[2, 3])
    >>> calendar_time(sample, 0, 1).degrees_of_freedom
    2.0
    """
    found = calendar_alpha(once(sample, calendar_portfolio, first, last))
    statistic = found.alpha / found.standard_error
    n = once(sample, n_held, first, last)
    return student_result(
        "calendar_time", statistic, n, found.degrees_of_freedom, _few(found.n_dates)
    )


def jaffe_mandelker(sample: Sample, first: int, last: int) -> TestResult:
    r"""Test the calendar-time portfolio with each date over its own standard deviation.

    A date's is that of the same firms together on the estimation rows, prediction errors included:
    ``sum_d (sum_i w_i e_id)^2 / (n^2 mean(df_i))`` with ``w_i^2 = 1 + x_t' (X'X)^-1 x_t``, d the
    calendar dates: the firms' correlation is in it, and few noisy firms do not dominate. The
    statistic is ``mean(z) / (sd(z) / sqrt(T))`` over the T dates.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a sigma do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on T - 1; undefined with a single date. With few dates the note says so.

    References
    ----------
    Jaffe (1974), Special Information and Insider Trading, Journal of Business 47(3); Mandelker
    (1974), Risk and Return: The Case of Merging Firms, Journal of Financial Economics 1(4).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03, -0.01], [-0.02, -0.02]]
    >>> sample = given(falls, [[0.01, -0.01, 0.01]] * 2, dates=[3, 4])
    >>> round(jaffe_mandelker(sample, 0, 1).statistic, 2)
    -5.95
    """
    found = once(sample, dated_sums, first, last)
    z = found.total / found.n / found.deviations
    z = z[np.isfinite(z)]
    if len(z) < 2:  # noqa: PLR2004 - a single date has no spread
        return student_result("jaffe_mandelker", nan, found.n_held, 0, _few(len(z)))
    spread = float(z.std(ddof=1))
    statistic = float(z.mean()) / spread * sqrt(len(z)) if spread > 0 else nan
    return student_result("jaffe_mandelker", statistic, found.n_held, len(z) - 1, _few(len(z)))


def n_held(sample: Sample, first: int, last: int) -> int:
    """Count the events with an abnormal return in a window.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> n_held(given([[-0.1], [float("nan")]], [[0.01, -0.01]] * 2), 0, 0)
    1
    """
    return int(np.isfinite(sample.abnormal[:, sample.columns(first, last)]).any(axis=1).sum())


def _few(dates: int) -> str:
    return f"calendar dates: only {dates}" if dates < FEW_DATES else ""
