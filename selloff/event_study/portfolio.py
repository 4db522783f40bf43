"""Tests of the events' portfolio, the crude adjustment for dependence: its spread before the event.

All are two-sided, negative when prices fell. They assume that the variance of the portfolio is the
one before the event: in a sell-off, when it rises, they reject too often.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.averages import path
from selloff.event_study.evidence import estimation_sums, once
from selloff.event_study.results import TestResult, normal_result, student_result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

NO_EVENTS = "a day of the window has no event"


def brown_warner_1980(
    sample: Sample, first: int, last: int, *, valid_only: bool = True
) -> TestResult:
    """Test the sum of the AARs against the events' summed variances: crude, without dependence.

    ``sum_t AAR_t / sqrt(sum_t sum_i var_i / n_t^2)`` with var_i the sample variance (n - 1) of the
    event's residuals on the estimation rows and n_t the valid events of a day.

    Parameters
    ----------
    sample : Sample
        Of N events; those without residuals do not count.
    first, last : int
        Relative rows, both included.
    valid_only : bool
        Whether the variance of a day's mean is that of the events valid on it. False takes all
        events with residuals for every day, as R's estudy2 does: with one of 12 names halted its
        statistic is 7% away.

    Returns
    -------
    TestResult
        Standard normal; n is the events valid on any day.

    References
    ----------
    Brown and Warner (1980), Measuring Security Price Performance, Journal of Financial Economics 8.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(brown_warner_1980(sample, 0, 0).statistic, 4)
    -2.1213
    """
    variance = once(sample, estimation_sums).variance
    known = np.isfinite(variance)
    counted = np.isfinite(sample.abnormal[:, sample.columns(first, last)]) & known[:, None]
    n = int(counted.any(axis=1).sum())
    if not counted.any(axis=0).all():
        return normal_result("brown_warner_1980", nan, n, NO_EVENTS)
    daily = np.where(counted, sample.abnormal[:, sample.columns(first, last)], 0.0)
    number = counted.sum(axis=0)
    taken = counted if valid_only else np.repeat(known[:, None], len(number), axis=1)
    squares = np.where(taken, variance[:, None], 0.0).sum(axis=0) / taken.sum(axis=0) ** 2
    error = sqrt(float(squares.sum()))
    mean = float((daily.sum(axis=0) / number).sum())
    return normal_result("brown_warner_1980", mean / error if error > 0 else nan, n)


def brown_warner_1985(sample: Sample, first: int, last: int) -> TestResult:
    """Test the sum of the AARs against the portfolio's own spread: ``sum AAR_t / (sqrt(L) sd)``.

    The crude dependence adjustment: sd is the standard deviation (T - 1) of the mean residual over
    the T estimation rows, and holds whatever correlation the events have row by row.

    Parameters
    ----------
    sample : Sample
        Of N events; the mean of a row is that of the events valid on it.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on T - 1; undefined where a day has no event.

    References
    ----------
    Brown and Warner (1985), Using Daily Stock Returns, Journal of Financial Economics 14.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(brown_warner_1985(sample, 0, 0).statistic, 4)
    -1.5811
    """
    return _against_spread(sample, first, last, "brown_warner_1985")


def lamb(sample: Sample, first: int, last: int) -> TestResult:
    """Test as Brown and Warner (1985), each day with the portfolio's prediction error.

    ``sum_t Z_t / sqrt(L)`` with ``Z_t = AAR_t / (sd sqrt(1 + c_t))``, where c_t is the mean over
    the valid events of ``x_t' (X'X)^-1 x_t``; in the market model, on shared dates, that is
    ``1/L1 + (R_t - mean R)^2 / S_xx``.

    Parameters
    ----------
    sample : Sample
        Of N events; the mean of a row is that of the events valid on it.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on T - 1, T the estimation rows; undefined where a day has no event.

    References
    ----------
    Lamb (1995), An Exposure-Based Analysis of Property-Liability Insurer Stock Values around
    Hurricane Andrew, Journal of Risk and Insurance 62(1).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02]], [[0.01, -0.01] * 5, [0.02, -0.02] * 5])
    >>> round(lamb(sample, 0, 0).statistic, 4)
    -1.5811
    """
    columns = sample.columns(first, last)
    valid = np.isfinite(sample.abnormal[:, columns])
    square = np.square(sample.loadings[:, columns]).sum(axis=2)
    number = np.maximum(valid.sum(axis=0), 1)
    width = np.sqrt(1 + np.where(valid, square, 0.0).sum(axis=0) / number)
    return _against_spread(sample, first, last, "lamb", width)


def _against_spread(
    sample: Sample, first: int, last: int, test: str, width: NDArray[np.float64] | float = 1.0
) -> TestResult:
    """Test the AARs, each over `width`, against the spread of the mean residual."""
    days = path(sample, first, last)
    n = int(np.isfinite(sample.abnormal[:, sample.columns(first, last)]).any(axis=1).sum())
    before = once(sample, estimation_sums).mean
    before = before[np.isfinite(before)]
    if not days.n.all():
        return student_result(test, nan, n, 0, NO_EVENTS)
    spread = float(before.std(ddof=1)) if len(before) > 1 else 0.0
    total = float((days.aar / width).sum())
    statistic = total / (spread * sqrt(len(days.days))) if spread > 0 else nan
    return student_result(test, statistic, n, len(before) - 1)
