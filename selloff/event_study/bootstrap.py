"""Tests by resampling event dates: events of one date come and go together.

Flipping the sign of each event by itself would take events of one date for independent, which is
what a sell-off's are least. The price: a single date cannot be resampled at all, and dates are
taken for independent, also where windows of neighbouring ones overlap.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.evidence import added_by_place, once
from selloff.event_study.results import TestResult
from selloff.event_study.sample import window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

DRAWS = 999
# Draws made at once: 100 of 10,000 dates are 8 megabytes.
CHUNK = 100
ONE_DATE = "events of a single date cannot be resampled by date"
# With fewer dates there are fewer than 32 different ways to flip their signs.
FEW_DATES = 6


def event_dates(sample: Sample) -> NDArray[np.int64]:
    """Give each date of events a number: events of one date have the same.

    Parameters
    ----------
    sample : Sample
        Of N events.

    Returns
    -------
    array of shape (N,)
        0, 1, ... by the place of the row nearest to row 0 on the calendar. An event whose place
        is not known has a date of its own.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> event_dates(given([[-0.1]] * 3, [[0.01, -0.01]] * 3, dates=[9, 4, 9])).tolist()
    [1, 0, 1]
    """
    return np.unique(event_places(sample), return_inverse=True)[1]


def event_places(sample: Sample) -> NDArray[np.int64]:
    """Return each event's place on the calendar, of the row nearest to row 0.

    Parameters
    ----------
    sample : Sample
        Of N events. One whose place is not known gets one of its own behind all others.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> event_places(given([[-0.1]] * 3, [[0.01, -0.01]] * 3, dates=[9, 4, 9])).tolist()
    [9, 4, 9]
    """
    at = sample.positions[:, np.abs(sample.days).argmin()].copy()
    unknown = at < 0
    at[unknown] = at.max(initial=0) + 1 + np.arange(unknown.sum())
    return at


def wild_bootstrap(
    sample: Sample,
    first: int,
    last: int,
    *,
    scaled: bool = True,
    draws: int = DRAWS,
    seed: int | np.random.Generator = 0,
) -> TestResult:
    """Test the mean CAR by flipping signs, one sign for all events of a date.

    Under the null hypothesis a date's abnormal returns might as well have had the other sign. The
    statistic is ``mean / se`` with ``se^2 = sum_g S_g^2 / n^2``, S_g the sum of date g. This error
    is the same in every draw, so that studentized draws and plain ones give the same p-value.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.
    scaled : bool
        Whether to take SCARs, over which noisy events do not dominate, or CARs.
    draws : int
        Number of draws B; ``p = (1 + draws at least as far from 0) / (B + 1)``.
    seed : int or numpy Generator
        From which the signs are drawn: the same seed, the same p-value.

    Returns
    -------
    TestResult
        Undefined with a single date. With few dates the note says how small p can be at best.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Bootstrap-based Improvements for Inference with Clustered
    Errors, Review of Economics and Statistics 90(3).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03], [-0.02], [-0.04], [-0.01], [-0.03], [-0.05], [-0.02], [-0.03]]
    >>> sample = given(falls, [[0.01, -0.01] * 5] * 8, dates=range(10, 90, 10))
    >>> result = wild_bootstrap(sample, 0, 0, seed=1)
    >>> round(result.statistic, 2), result.p_value < 0.05
    (-2.62, True)
    """
    _, sums, counts = once(sample, by_date, first, last, scaled=scaled)
    n = int(counts.sum())
    length = float(np.sqrt(sums @ sums))
    if len(sums) < 2 or length == 0:  # noqa: PLR2004 - nothing to flip against
        return TestResult("wild_bootstrap", nan, nan, n, None, ONE_DATE)
    observed = float(sums.sum()) / length
    # Flipping all signs together gives the same distance: rounding must not make it a smaller one.
    reached = abs(observed) * (1 - 1e-12)
    extreme = sum(
        int((np.abs(signs @ sums) / length >= reached).sum())
        for signs in date_signs(len(sums), draws, seed)
    )
    p_value = (extreme + 1) / (draws + 1)
    note = _few(len(sums), f": the least p-value is {2.0 ** (1 - len(sums)):g}")
    return TestResult("wild_bootstrap", observed, p_value, n, None, note)


def cluster_bootstrap(
    sample: Sample,
    first: int,
    last: int,
    *,
    scaled: bool = True,
    draws: int = DRAWS,
    seed: int | np.random.Generator = 0,
) -> TestResult:
    """Test the mean CAR by drawing dates with replacement, each with all its events.

    The statistic is ``mean / se`` with ``se^2 = sum_g (S_g - n_g mean)^2 / n^2``, S_g and n_g the
    sum and the number of date g; each draw's is taken about the observed mean, with its own error.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a valid row in the window do not count.
    first, last : int
        Relative rows, both included.
    scaled : bool
        Whether to take SCARs, over which noisy events do not dominate, or CARs.
    draws : int
        Number of draws B; ``p = (1 + draws at least as far from 0) / (B + 1)``.
    seed : int or numpy Generator
        From which the dates are drawn: the same seed, the same p-value.

    Returns
    -------
    TestResult
        Undefined with a single date or without spread. With few dates the note says so.

    References
    ----------
    Cameron, Gelbach and Miller (2008), Bootstrap-based Improvements for Inference with Clustered
    Errors, Review of Economics and Statistics 90(3).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03], [-0.02], [-0.04], [-0.01], [-0.03], [-0.05], [-0.02], [-0.03]]
    >>> sample = given(falls, [[0.01, -0.01] * 5] * 8, dates=range(10, 90, 10))
    >>> cluster_bootstrap(sample, 0, 0, seed=1).p_value < 0.05
    True
    """
    _, sums, counts = once(sample, by_date, first, last, scaled=scaled)
    n = int(counts.sum())
    mean = float(sums.sum()) / n if n else nan
    about = sums - counts * mean
    spread = float(np.sqrt(about @ about))
    if len(sums) < 2 or spread <= 1e-14 * n * abs(mean):  # noqa: PLR2004 - nothing to draw from
        return TestResult("cluster_bootstrap", nan, nan, n, None, ONE_DATE)
    observed = mean * n / spread
    extreme = 0
    for drawn in _draws(len(sums), draws, seed):
        number = drawn @ counts
        shift = drawn @ about / number
        squares = drawn @ about**2 - 2 * shift * (drawn @ (about * counts))
        squares += shift**2 * (drawn @ counts**2)
        far = np.abs(shift) * number >= abs(observed) * np.sqrt(np.maximum(squares, 0.0))
        extreme += int(far.sum())
    p_value = (extreme + 1) / (draws + 1)
    return TestResult("cluster_bootstrap", observed, p_value, n, None, _few(len(sums)))


def date_signs(
    dates: int, draws: int, seed: int | np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield random signs of dates, a chunk of draws at a time.

    Parameters
    ----------
    dates : int
        Number of dates G.
    draws : int
        Number of draws B.
    seed : int or numpy Generator
        From which the signs are drawn.

    Yields
    ------
    array of shape (n_chunk, G)
        1.0 or -1.0, each as likely.

    Examples
    --------
    >>> [chunk.shape for chunk in date_signs(3, 150, seed=1)]
    [(100, 3), (50, 3)]
    """
    random = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        heads = random.integers(0, 2, (min(CHUNK, draws - start), dates))
        yield np.where(heads == 1, 1.0, -1.0)


def _draws(
    dates: int, draws: int, seed: int | np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield how often each date is drawn with replacement, of shape (n_chunk, dates)."""
    random = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        size = min(CHUNK, draws - start)
        drawn = random.integers(0, dates, (size, dates)) + dates * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * dates).reshape(size, dates).astype(float)


class ClusterSums(NamedTuple):
    """Sums of abnormal returns over the events of each date; adds up.

    Parameters
    ----------
    places : array of shape (n_dates,)
        Of the dates on the calendar, ascending.
    sums, counts : array of shape (n_dates,)
        Sum of the date's values, and how many they are.
    """

    places: NDArray[np.int64]
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]

    def plus(self, other: ClusterSums) -> ClusterSums:
        """Return the sums over the events of both, dates by their places."""
        values = (self.sums, other.sums), (self.counts, other.counts)
        return ClusterSums(*added_by_place(self.places, other.places, *values))


def by_date(sample: Sample, first: int, last: int, *, scaled: bool) -> ClusterSums:
    """Add up the SCARs of a window, or the CARs, of each date.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a value do not count.
    first, last : int
        Relative rows, both included.
    scaled : bool
        Whether to add up SCARs.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.1], [-0.2], [-0.3]], [[0.01, -0.01]] * 3, dates=[9, 4, 9])
    >>> by_date(sample, 0, 0, scaled=False).sums.round(4).tolist()
    [-0.2, -0.4]
    """
    cut = once(sample, window, first, last)
    values = cut.scar if scaled else cut.car
    some = np.isfinite(values)
    places, number = np.unique(once(sample, event_places)[some], return_inverse=True)
    sums = np.bincount(number, values[some], len(places)).astype(np.float64)
    return ClusterSums(places, sums, np.bincount(number, minlength=len(places)).astype(np.float64))


def _few(dates: int, consequence: str = "") -> str:
    return f"only {dates} event dates{consequence}" if dates < FEW_DATES else ""
