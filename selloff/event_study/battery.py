"""Every test of a window at once, with a warning beside those that cannot be believed there.

The one list of tests. A test is a function of a sample and of the window's first and last row that
returns a `TestResult`; a new one is added to `TESTS`, and to `OVER_REJECTING` if it takes events
for independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from scipy.special import chdtri

from selloff.event_study.bootstrap import cluster_bootstrap, wild_bootstrap
from selloff.event_study.calendar_time import calendar_time, jaffe_mandelker
from selloff.event_study.dependence import CLUSTERED, dates_cluster, mean_residual_correlation
from selloff.event_study.evidence import Evidence, once
from selloff.event_study.generalized_ranks import grank_t, grank_z
from selloff.event_study.parametric import (
    NOISE,
    adjusted_patell,
    bmp,
    cross_sectional,
    kolari_pynnonen,
    mackinlay_j1,
    mackinlay_j2,
    null_variance,
    patell,
)
from selloff.event_study.portfolio import brown_warner_1980, brown_warner_1985, lamb
from selloff.event_study.ranks import (
    corrado_rank,
    corrado_zivney,
    corrado_zivney_uniform,
    wilcoxon,
)
from selloff.event_study.results import TestResult
from selloff.event_study.sample import Sample
from selloff.event_study.signs import corrado_sign, generalized_sign, sign
from selloff.event_study.skewness import (
    skewness_hall,
    skewness_johnson,
    skewness_lyon_barber_tsai,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Test: TypeAlias = Callable[[Sample, int, int], TestResult]

# What to read first: both allow for shared dates and for a variance that rises on the event.
HEADLINES = ("kolari_pynnonen", "grank_t")

PARAMETRIC: tuple[Test, ...] = (
    cross_sectional,
    patell,
    adjusted_patell,
    bmp,
    kolari_pynnonen,
    brown_warner_1980,
    brown_warner_1985,
    lamb,
    mackinlay_j1,
    mackinlay_j2,
    skewness_lyon_barber_tsai,
    skewness_johnson,
    skewness_hall,
)
NONPARAMETRIC: tuple[Test, ...] = (
    corrado_rank,
    corrado_zivney_uniform,
    corrado_zivney,
    grank_t,
    grank_z,
    wilcoxon,
    sign,
    generalized_sign,
    corrado_sign,
)
RESAMPLED: tuple[Test, ...] = (wild_bootstrap, cluster_bootstrap)
CALENDAR: tuple[Test, ...] = (calendar_time, jaffe_mandelker)
TESTS: tuple[Test, ...] = (*PARAMETRIC, *NONPARAMETRIC, *RESAMPLED, *CALENDAR)

# They take events for independent: on one date, with correlations of 0.05 among 30 events, they
# reject a true null hypothesis about 20% of the time at the 5% level.
OVER_REJECTING = frozenset(
    {
        "cross_sectional",
        "patell",
        "bmp",
        "brown_warner_1980",
        "mackinlay_j1",
        "mackinlay_j2",
        "skewness_lyon_barber_tsai",
        "skewness_johnson",
        "skewness_hall",
        "sign",
        "generalized_sign",
        "wilcoxon",
        "grank_z",
    }
)
WARNING = "events share dates: rejects too often, see kolari_pynnonen and grank_t"

# They take the variance for that before the event: where it doubles, they reject a true null
# hypothesis about 16% of the time at the 5% level.
FIXED_VARIANCE = frozenset(
    {
        "patell",
        "adjusted_patell",
        "brown_warner_1980",
        "brown_warner_1985",
        "lamb",
        "mackinlay_j1",
        "mackinlay_j2",
        "corrado_rank",
        "corrado_zivney_uniform",
    }
)
RISEN = "the variance rises on the event: rejects too often, see kolari_pynnonen and grank_t"


def run(sample: Sample, first: int, last: int, tests: Sequence[Test] = TESTS) -> list[TestResult]:
    """Run tests on one window; what they share is computed once.

    Parameters
    ----------
    sample : Sample
        Of N events. For many windows pass `Evidence`, which keeps what windows share.
    first, last : int
        Relative rows, both included; equal for a single day.
    tests : sequence of callables
        Functions ``(sample, first, last) -> TestResult``.

    Returns
    -------
    list of TestResult
        In the order of the tests. Where `dates_cluster`, those in `OVER_REJECTING` say so in
        their note, and where `variance_rises`, those in `FIXED_VARIANCE`.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03], [-0.02], [-0.04], [-0.01], [-0.03], [-0.05], [-0.02], [-0.03]]
    >>> sample = given(falls, [[0.01, -0.01] * 5] * 8)
    >>> [bool(result.note) for result in run(sample, 0, 0, (bmp, brown_warner_1985))]
    [True, False]
    """
    evidence = Evidence.of(sample)
    results = [test(evidence, first, last) for test in tests]
    named = {result.test for result in results}
    warnings: list[tuple[frozenset[str], str]] = []
    if not named.isdisjoint(OVER_REJECTING) and once(evidence, dates_cluster):
        warnings.append((OVER_REJECTING, WARNING))
    if not named.isdisjoint(FIXED_VARIANCE) and once(evidence, variance_rises, first, last):
        warnings.append((FIXED_VARIANCE, RISEN))
    return [_noted(result, warnings) for result in results]


def variance_rises(sample: Sample, first: int, last: int) -> bool:
    """Say whether abnormal returns are more spread out in a window than before the event.

    The variance of the SCARs over events, over ``1 - r`` for what they have in common, is set
    against ``mean(df / (df - 2))``, which it has when nothing changed. It counts as risen where it
    exceeds that by more than chance does at the 5% level, and by as much as makes a test at that
    level reject 8% of true nulls (`CLUSTERED`).

    Parameters
    ----------
    sample : Sample
        Of N events; those without a variance under the null hypothesis do not count.
    first, last : int
        Relative rows, both included.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> residuals = [[0.01, -0.01, 0.01, -0.01] * 4, [0.01, 0.01, -0.01, -0.01] * 4] * 3
    >>> variance_rises(given([[0.03], [-0.03]] * 3, residuals), 0, 0)
    True
    >>> variance_rises(given([[0.01], [-0.01]] * 3, residuals), 0, 0)
    False
    """
    scar, expected = once(sample, null_variance, first, last)
    n, r = len(scar), once(sample, mean_residual_correlation)
    # Without two events there is no spread, and none is left of events that are the same.
    if n < 2 or not 1 - r > NOISE:  # noqa: PLR2004
        return False
    ratio = float(scar.var(ddof=1) / expected.mean()) / (1 - r)
    return ratio > max(CLUSTERED, float(chdtri(n - 1, 0.05)) / (n - 1))


def by_day(test: Test, sample: Sample, first: int, last: int) -> list[TestResult]:
    """Run one test on each day of a window by itself.

    Parameters
    ----------
    test : callable
        Function ``(sample, first, last) -> TestResult``.
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    list of TestResult
        One per row, in order.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09, 0.02], [-0.05, 0.04]], [[0.01, -0.01], [0.02, -0.02]])
    >>> [round(result.statistic, 4) for result in by_day(cross_sectional, sample, 0, 1)]
    [-3.5, 3.0]
    """
    evidence = Evidence.of(sample)
    return [test(evidence, day, day) for day in range(first, last + 1)]


def _noted(result: TestResult, warnings: list[tuple[frozenset[str], str]]) -> TestResult:
    found = [result.note, *(warning for tests, warning in warnings if result.test in tests)]
    return replace(result, note="; ".join(filter(None, found)))
