"""What a test says: one statistic, its p-value, and what to know before believing it."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan
from typing import ClassVar

from scipy.special import ndtr, stdtr

# A statistic is undefined where events do not differ or too few are left to say how they do.
UNDEFINED = "too few events, or no spread among them"


@dataclass(frozen=True, slots=True)
class TestResult:
    """One test of one window.

    Parameters
    ----------
    test : str
        Name of the test: the function's.
    statistic : float
        Its value, negative when prices fell; NaN where it is undefined.
    p_value : float
        Two-sided, between 0 and 1; NaN where the statistic is.
    n : int
        Events that were valid in the window.
    degrees_of_freedom : float or None
        Of Student's t, from which the p-value comes; None for the standard normal distribution
        and for resampled p-values.
    note : str
        What to know before believing it; empty when there is nothing.
    """

    __test__: ClassVar[bool] = False  # pytest would collect it for its name

    test: str
    statistic: float
    p_value: float
    n: int
    degrees_of_freedom: float | None = None
    note: str = ""


def normal_result(test: str, statistic: float, n: int, note: str = "") -> TestResult:
    """Judge a statistic by the standard normal distribution, two-sided.

    Parameters
    ----------
    test : str
        Name of the test.
    statistic : float
        Its value; anything that is not finite counts as undefined.
    n : int
        Valid events.
    note : str
        What to know; an undefined statistic says so by itself.

    Examples
    --------
    >>> round(normal_result("patell", -1.959964, 12).p_value, 4)
    0.05
    """
    if not isfinite(statistic):
        return TestResult(test, nan, nan, n, None, note or UNDEFINED)
    return TestResult(test, float(statistic), float(2 * ndtr(-abs(statistic))), n, None, note)


def student_result(
    test: str, statistic: float, n: int, degrees_of_freedom: float, note: str = ""
) -> TestResult:
    """Judge a statistic by Student's t distribution, two-sided.

    Parameters
    ----------
    test : str
        Name of the test.
    statistic : float
        Its value; anything that is not finite counts as undefined.
    n : int
        Valid events.
    degrees_of_freedom : float
        Of the distribution; without at least a positive one the statistic is undefined.
    note : str
        What to know; an undefined statistic says so by itself.

    Examples
    --------
    >>> round(student_result("cross_sectional", -2.200985, 12, 11).p_value, 4)
    0.05
    >>> student_result("cross_sectional", float("inf"), 1, 0).note
    'too few events, or no spread among them'
    """
    if not isfinite(statistic) or degrees_of_freedom <= 0:
        return TestResult(test, nan, nan, n, None, note or UNDEFINED)
    p_value = float(2 * stdtr(degrees_of_freedom, -abs(statistic)))
    return TestResult(test, float(statistic), p_value, n, float(degrees_of_freedom), note)
