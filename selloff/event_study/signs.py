"""Sign tests: how many abnormal returns of a window are positive, and how many one would expect."""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.evidence import once
from selloff.event_study.rank_sums import EVENTS_AT_ONCE, of_rows
from selloff.event_study.results import TestResult, normal_result
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample


def sign(sample: Sample, first: int, last: int) -> TestResult:
    """Test whether half of the cumulative abnormal returns are positive.

    With P of the n CARs positive, ``z = (P - n/2) / sqrt(n/4)``. A CAR of exactly 0 is left out: it
    speaks for neither side.

    Parameters
    ----------
    sample : Sample
        Of N events on dates of their own: where dates cluster it over-rejects.
    first, last : int
        Relative rows of the window, both included.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when most prices fell.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8(3), on why it over-rejects where
    returns are skewed: `generalized_sign` does not.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05], [0.01], [-0.02]], [[0.01, -0.01]] * 4)
    >>> sign(sample, 0, 0).statistic
    -1.0
    """
    car = once(sample, window, first, last).car
    n = int((np.abs(car) > 0).sum())
    positive = int((car > 0).sum())
    return normal_result("sign", (positive - n / 2) / sqrt(n / 4) if n else nan, n)


def generalized_sign(sample: Sample, first: int, last: int) -> TestResult:
    """Test whether as many cumulative abnormal returns are positive as residuals were before.

    With p the mean over the n events of the share of positive residuals on their estimation rows
    and P the number of positive CARs, ``z = (P - n p) / sqrt(n p (1 - p))``.

    Parameters
    ----------
    sample : Sample
        Of N events on dates of their own: where dates cluster it over-rejects.
    first, last : int
        Relative rows of the window, both included.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when more prices fell than usual.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Cowan (1992), Review of Quantitative Finance and Accounting 2(4).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05], [0.01], [-0.02]], [[0.01, -0.01, 0.02]] * 4)
    >>> round(generalized_sign(sample, 0, 0).statistic, 4)
    -1.7678
    """
    car, shares = once(sample, window, first, last).car, once(sample, positive_shares)
    is_counted = np.isfinite(car) & np.isfinite(shares)
    n = int(is_counted.sum())
    share = shares[is_counted].mean() if n else nan
    variance = n * share * (1 - share)
    z = ((car[is_counted] > 0).sum() - n * share) / sqrt(variance) if variance > 0 else nan
    return normal_result("generalized_sign", z, n)


def positive_shares(sample: Sample) -> NDArray[np.float64]:
    """Return each event's share of positive residuals among its estimation rows.

    Parameters
    ----------
    sample : Sample
        Of N events.

    Returns
    -------
    array of shape (N,)
        Between 0 and 1; NaN for an event without residuals.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> positive_shares(given([[-0.09]], [[0.01, -0.01, 0.02, float("nan"), 0.02]]))
    array([0.75])
    """
    shares = np.full(sample.n_events, nan)
    for block in sample.blocks(EVENTS_AT_ONCE):
        n_valid = np.isfinite(block.residuals).sum(axis=1)
        positive = (block.residuals > 0).sum(axis=1)
        np.divide(positive, n_valid, out=shares[block.events], where=n_valid > 0)
    return shares


def corrado_sign(sample: Sample, first: int, last: int) -> TestResult:
    """Test signs of abnormal returns around each event's median (Corrado and Zivney).

    With G the sign of an abnormal return less the median of the event's estimation and event rows,
    ``g_t`` the sum of G over the n_t events valid in row t, divided by ``sqrt(n_t)``, and S the
    root of the mean square of g over all rows: ``z = sqrt(L) * mean of g in the window / S``.

    Parameters
    ----------
    sample : Sample
        Of N events, on one date or on many.
    first, last : int
        Relative rows of the window, both included. The median is over all event rows.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when returns lie low. A window row
        without a valid event does not count in L.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Corrado and Zivney (1992), Journal of Financial and Quantitative Analysis 27(3).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01, 0.03], [0.02, -0.02, 0.01]])
    >>> round(corrado_sign(sample, 0, 0).statistic, 4)
    -1.0
    """
    return of_rows("corrado_sign", sample, first, last, once(sample, median_signs))


def median_signs(sample: Sample) -> NDArray[np.float64]:
    """Sum in each row the signs of abnormal returns around each event's median, over sqrt(n_t).

    Parameters
    ----------
    sample : Sample
        Of N events.

    Returns
    -------
    array of shape (n_estimation_rows + n_rows,)
        Estimation rows, then event rows; NaN for a row without a valid event.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> median_signs(given([[-0.09]], [[0.01, -0.01, 0.03, 0.02]]))
    array([ 0., -1.,  1.,  1., -1.])
    """
    total, count = 0, 0
    for block in sample.blocks(EVENTS_AT_ONCE):
        rows = np.hstack([block.residuals, sample.abnormal[block.events]])
        is_valid = np.isfinite(rows)
        # A sort puts NaN last and, unlike a median, costs no more where there is any.
        ordered = np.sort(np.where(is_valid, rows, nan), axis=1)
        n_valid = is_valid.sum(axis=1)
        middle = np.stack([np.maximum(n_valid - 1, 0) // 2, n_valid // 2], axis=1)
        middle = np.minimum(middle, rows.shape[1] - 1)
        median = np.take_along_axis(ordered, middle, axis=1).mean(axis=1)[:, None]
        total = total + (rows > median).sum(axis=0) - (rows < median).sum(axis=0)
        count = count + is_valid.sum(axis=0)
    signs, number = np.asarray(total, float), np.asarray(count)
    means = np.full(signs.shape, nan)
    np.divide(signs, np.sqrt(number), out=means, where=number > 0)
    return means
