"""Rank tests: where the abnormal returns of a window stand among the events' ordinary ones.

They ask for no normal returns. Those of Corrado take no harm from a market-wide date, which widens
as well the spread of the mean rank over the estimation rows by which they judge; a variance that
the event raises makes them over-reject, except where abnormal returns are standardized first.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.event_study.evidence import once
from selloff.event_study.rank_sums import (
    average_ranks,
    of_rows,
    ranked,
    standardized_ranked,
)
from selloff.event_study.results import TestResult, normal_result
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.rank_sums import RankSums
    from selloff.event_study.sample import Sample

# Up to here the distribution of the signed-rank sum is counted out; beyond, the normal one is at
# most 0.0005 off. The same bound as in scipy.
COUNTED_UP_TO = 50


def corrado_rank(sample: Sample, first: int, last: int) -> TestResult:
    """Test the mean rank of abnormal returns (Corrado; over several rows in Cowan's form).

    With ``k_t`` the mean of ``K_it - (T_i + 1) / 2`` over the events valid in row t, K the rank
    among the T valid estimation and event rows, and S the root of the mean square of k over all
    rows: ``z = sqrt(L) * mean of k in the window / S``.

    Parameters
    ----------
    sample : Sample
        Of N events, on one date or on many.
    first, last : int
        Relative rows of the window, both included. Ranks are over all event rows, whatever these.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when returns rank low. A window row
        without a valid event does not count in L.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Corrado (1989), Journal of Financial Economics 23(2); Cowan (1992), Review of Quantitative
    Finance and Accounting 2(4).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01, 0.03], [0.02, -0.02, 0.01]])
    >>> round(corrado_rank(sample, 0, 0).statistic, 4)
    -1.4142
    """
    sums = once(sample, ranked)
    means = _over(sums.centred, sums.n_events)
    return of_rows("corrado_rank", sample, first, last, means)


def corrado_zivney_uniform(sample: Sample, first: int, last: int) -> TestResult:
    """Test ranks where events differ in their number of valid rows (Corrado and Zivney).

    As `corrado_rank`, on ``u_t``, the sum over the n_t events valid in row t of ``U = K / (T + 1) -
    1/2``, divided by ``sqrt(n_t)``. Without missing rows both are equal.

    Parameters
    ----------
    sample : Sample
        Of N events, on one date or on many.
    first, last : int
        Relative rows of the window, both included.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when returns rank low.

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
    >>> round(corrado_zivney_uniform(sample, 0, 0).statistic, 4)
    -1.4142
    """
    sums = once(sample, ranked)
    return of_rows("corrado_zivney_uniform", sample, first, last, _uniform(sums))


def corrado_zivney(sample: Sample, first: int, last: int) -> TestResult:
    """Test ranks of standardized abnormal returns, the variance that an event raises taken out.

    As `corrado_zivney_uniform`, on the ranks of `standardized_ranked`.

    Parameters
    ----------
    sample : Sample
        Of N events, on one date or on many; two at least.
    first, last : int
        Relative rows of the window, both included.

    Returns
    -------
    TestResult
        z against the standard normal distribution; negative when returns rank low.

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
    >>> round(corrado_zivney(sample, 0, 0).statistic, 4)
    -1.4142
    """
    sums = once(sample, standardized_ranked)
    return of_rows("corrado_zivney", sample, first, last, _uniform(sums))


def _uniform(sums: RankSums) -> NDArray[np.float64]:
    """Return the sum over a row's events divided by the root of their number; NaN without any."""
    return _over(sums.uniform, np.sqrt(sums.n_events))


def _over(values: NDArray[np.float64], by: NDArray[Any]) -> NDArray[np.float64]:
    found = np.full(len(values), nan)
    np.divide(values, by, out=found, where=by > 0)
    return found


def wilcoxon(sample: Sample, first: int, last: int) -> TestResult:
    """Test cumulative abnormal returns for symmetry around 0 (Wilcoxon's signed ranks).

    ``W+`` is the sum of the ranks of |CAR| over the events whose CAR is positive. A CAR of exactly
    0 is left out.

    Parameters
    ----------
    sample : Sample
        Of N events on dates of their own: where dates cluster it over-rejects.
    first, last : int
        Relative rows of the window, both included.

    Returns
    -------
    TestResult
        W+, between 0 and n (n + 1) / 2, small when prices fell; its p-value from the exact
        distribution for up to `COUNTED_UP_TO` events without ties, else from the normal one.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Wilcoxon (1945), Biometrics Bulletin 1(6).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05], [0.01], [-0.02]], [[0.01, -0.01]] * 4)
    >>> result = wilcoxon(sample, 0, 0)
    >>> result.statistic, result.p_value
    (1.0, 0.25)
    """
    car = once(sample, window, first, last).car
    car = car[np.isfinite(car) & (car != 0)]
    n = len(car)
    if not n:
        return normal_result("wilcoxon", nan, 0)
    ranks = average_ranks(np.abs(car)[None, :])[0]
    plus = float(ranks[car > 0].sum())
    if n <= COUNTED_UP_TO and len(np.unique(ranks)) == n:
        return TestResult("wilcoxon", plus, _signed_rank_p(plus, n), n, None)
    z = (plus - n * (n + 1) / 4) / sqrt(ranks @ ranks / 4)
    return TestResult("wilcoxon", plus, normal_result("wilcoxon", z, n).p_value, n, None)


def _signed_rank_p(plus: float, n: int) -> float:
    """Count the sign patterns whose sum of positive ranks is as far from the middle, or farther."""
    share = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(share) + rank)
        longer[: len(share)] += share / 2
        longer[rank:] += share / 2
        share = longer
    sums = np.arange(len(share))
    middle = n * (n + 1) / 4
    return float(min(share[np.abs(sums - middle) >= abs(plus - middle)].sum(), 1.0))
