"""Mean abnormal returns over events: of days, of windows, and their path."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.evidence import once
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample


class Average(NamedTuple):
    """Mean cumulative abnormal return of a window.

    Parameters
    ----------
    n : int
        Events with a valid row in it.
    mean : float
        Equally weighted, in the unit of the returns; NaN without events.
    weighted : float
        Weighted by precision, the inverse of each event's exact standard error; NaN without one.
    standard_error : float
        Of the equally weighted mean, were the events independent and their variances those before
        the event: ``sqrt(sum of squared errors) / n``.
    """

    n: int
    mean: float
    weighted: float
    standard_error: float


def average(sample: Sample, first: int, last: int) -> Average:
    """Average abnormal returns over events: AAR of one day, CAAR of a longer window.

    Parameters
    ----------
    sample : Sample
        Of N events. Those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    MacKinlay (1997), Event Studies in Economics and Finance, Journal of Economic Literature 35.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]])
    >>> n, mean, weighted, error = average(sample, 0, 0)
    >>> n, round(mean, 4), round(weighted, 4), round(error, 4)
    (2, -0.07, -0.0767, 0.0158)
    """
    car, error, _, _ = once(sample, window, first, last)
    some = np.isfinite(car)
    precise = some & (error > 0)
    weight = np.divide(1.0, error, out=np.zeros_like(error), where=precise)
    n = int(some.sum())
    if n == 0:
        return Average(0, np.nan, np.nan, np.nan)
    whole = float(weight.sum())
    weighted = float(weight @ np.where(precise, car, 0.0)) / whole if whole > 0 else np.nan
    spread = float(np.sqrt(np.square(error[some]).sum())) / n
    return Average(n, float(car[some].mean()), weighted, spread)


class Path(NamedTuple):
    """Mean abnormal returns day by day.

    Parameters
    ----------
    days : array of shape (n_days,)
        Relative rows.
    n : array of shape (n_days,)
        Valid events on each.
    aar : array of shape (n_days,)
        Mean abnormal return of those; NaN without any.
    caar : array of shape (n_days,)
        Running sum of the means; a day without events adds nothing.
    """

    days: NDArray[np.int64]
    n: NDArray[np.int64]
    aar: NDArray[np.float64]
    caar: NDArray[np.float64]


def path(sample: Sample, first: int, last: int) -> Path:
    """Return the mean abnormal return of each day and its running sum from `first` on.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09, 0.01], [-0.05, 0.03]], [[0.01, -0.01], [0.02, -0.02]])
    >>> path(sample, 0, 1).caar.round(4).tolist()
    [-0.07, -0.05]
    """
    columns = sample.columns(first, last)
    abnormal = sample.abnormal[:, columns]
    valid = np.isfinite(abnormal)
    n = valid.sum(axis=0)
    total = np.where(valid, abnormal, 0.0).sum(axis=0)
    aar = np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)
    return Path(sample.days[columns], n, aar, np.nancumsum(aar))
