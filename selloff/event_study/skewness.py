"""Cross-sectional t tests for skewed abnormal returns: losses are, and few events do not hide it.

All adjust ``S = mean / sd`` of the CARs over n events for their skewness g, are two-sided and
negative when prices fell; they take events for independent.
"""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.evidence import once
from selloff.event_study.results import TestResult, student_result
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from selloff.event_study.sample import Sample

# Two events are always symmetric.
LEAST_EVENTS = 3


def skewness_lyon_barber_tsai(sample: Sample, first: int, last: int) -> TestResult:
    """Test by Johnson's t, ``sqrt(n) (S + g S^2 / 3 + g / (6n))``, with ``g = m3 / sd^3``.

    m3 is the mean of the cubed deviations, sd the standard deviation on n - 1.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined with fewer than three events or without spread.

    References
    ----------
    Johnson (1978), Modified t Tests and Confidence Intervals for Asymmetrical Populations, JASA 73;
    Lyon, Barber and Tsai (1999), Improved Methods for Tests of Long-Run Abnormal Stock Returns,
    Journal of Finance 54(1).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.03], [-0.03]], [[0.01, -0.01]] * 3)
    >>> round(skewness_lyon_barber_tsai(sample, 0, 0).statistic, 4)
    -3.0
    """
    n, s, g = _shape(sample, first, last)
    return _johnson("skewness_lyon_barber_tsai", n, s, g)


def skewness_johnson(sample: Sample, first: int, last: int) -> TestResult:
    """Test by Johnson's t with the unbiased skewness, ``g = n^2 m3 / ((n - 1) (n - 2) sd^3)``.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined with fewer than three events or without spread.

    References
    ----------
    Johnson (1978), Modified t Tests and Confidence Intervals for Asymmetrical Populations, JASA 73.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.03], [-0.03]], [[0.01, -0.01]] * 3)
    >>> round(skewness_johnson(sample, 0, 0).statistic, 4)
    -4.75
    """
    n, s, g = _shape(sample, first, last)
    return _johnson("skewness_johnson", n, s, g * _unbiased(n))


def skewness_hall(sample: Sample, first: int, last: int) -> TestResult:
    """Test by Hall's t, Johnson's plus ``sqrt(n) g^2 S^3 / 27``, with the unbiased skewness.

    The cubic term makes it increase with S, so that every value has one p-value.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    TestResult
        Student's t on n - 1; undefined with fewer than three events or without spread.

    References
    ----------
    Hall (1992), On the Removal of Skewness by Transformation, Journal of the Royal Statistical
    Society B 54(1).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.03], [-0.03]], [[0.01, -0.01]] * 3)
    >>> round(skewness_hall(sample, 0, 0).statistic, 4)
    -5.3287
    """
    n, s, g = _shape(sample, first, last)
    g *= _unbiased(n)
    return _johnson("skewness_hall", n, s, g, g**2 * s**3 / 27)


class _Shape(NamedTuple):
    n: int
    location: float
    skewness: float


def _shape(sample: Sample, first: int, last: int) -> _Shape:
    """Return n, mean / sd and mean cube / sd^3 of the CARs."""
    car = once(sample, window, first, last).car
    car = car[np.isfinite(car)]
    n = len(car)
    if n < LEAST_EVENTS:
        return _Shape(n, nan, nan)
    mean = float(car.mean())
    away = car - mean
    spread = sqrt(float(away @ away) / (n - 1))
    if spread <= 1e-14 * abs(mean):  # what rounding leaves of equal values
        return _Shape(n, nan, nan)
    return _Shape(n, mean / spread, float((away**3).mean()) / spread**3)


def _johnson(test: str, n: int, s: float, g: float, more: float = 0.0) -> TestResult:
    adjusted = s + g * s**2 / 3 + g / (6 * max(n, 1)) + more
    return student_result(test, sqrt(n) * adjusted, n, n - 1)


def _unbiased(n: int) -> float:
    return n**2 / ((n - 1) * (n - 2)) if n >= LEAST_EVENTS else nan
