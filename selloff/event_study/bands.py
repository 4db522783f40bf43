"""Confidence bands about the path of the mean cumulative abnormal return."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import stdtrit

from selloff.event_study.bootstrap import DRAWS, date_signs, event_dates
from selloff.event_study.dependence import mean_residual_correlation
from selloff.event_study.evidence import once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample


class Band(NamedTuple):
    """A path of mean CARs between its pointwise limits.

    Parameters
    ----------
    days : array of shape (n_days,)
        Relative rows.
    caar : array of shape (n_days,)
        Mean CAR from the first day up to each; NaN while no event has a valid row.
    lower, upper : array of shape (n_days,)
        Limits within which the true mean lies at the level asked, day by day; NaN where there are
        none.
    """

    days: NDArray[np.int64]
    caar: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]


def bootstrap_band(
    sample: Sample,
    first: int,
    last: int,
    *,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int | np.random.Generator = 0,
) -> Band:
    """Draw confidence limits about the path of the mean CAR, by flipping signs of dates.

    A date's deviations from the mean path change sign together, on all days in the same draw; the
    limits are quantiles of the draws, widened by sqrt(G / (G - 1)) for the G dates' own mean.

    Parameters
    ----------
    sample : Sample
        Of N events. From an event's first valid row on, a missing one leaves its CAR as it was.
    first, last : int
        Relative rows, both included.
    level : float
        Confidence, between 0 and 1.
    draws : int
        Number of draws.
    seed : int or numpy Generator
        From which the signs are drawn.

    Returns
    -------
    Band
        Without limits with a single date: take `dependence_band`.

    Raises
    ------
    ValueError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03, 0.01], [-0.02, 0.01], [-0.04, 0.02], [-0.01, 0.00]]
    >>> sample = given(falls, [[0.01, -0.01] * 5] * 4, dates=range(10, 50, 10))
    >>> band = bootstrap_band(sample, 0, 1, seed=1)
    >>> band.caar.round(4).tolist(), bool((band.lower < band.caar).all())
    ([-0.025, -0.015], True)
    """
    tail = _tail(level)
    cars, days = _cars(sample, first, last), sample.days[sample.columns(first, last)]
    some = np.isfinite(cars)
    number, caar = _mean(cars)
    away = np.where(some, cars - caar, 0.0)
    dates = event_dates(sample)
    sums = np.zeros((int(dates.max(initial=-1)) + 1, len(days)))
    np.add.at(sums, dates, away)
    filled = np.bincount(dates[some.any(axis=1)], minlength=len(sums)) > 0
    sums = sums[filled]
    groups = len(sums)
    if groups < 2:  # noqa: PLR2004 - a single date has no spread of its own
        return Band(days, caar, np.full(len(days), nan), np.full(len(days), nan))
    size = np.sqrt(groups / (groups - 1)) / np.maximum(number, 1)
    drawn = np.concatenate([signs @ sums for signs in date_signs(groups, draws, seed)]) * size
    below, above = np.quantile(drawn, [tail, 1 - tail], axis=0)
    return Band(days, caar, caar + below, caar + above)


def dependence_band(
    sample: Sample, first: int, last: int, *, level: float = 0.95, correlation: float | None = None
) -> Band:
    """Set confidence limits about the path of the mean CAR that hold for events of one date.

    ``mean +- t sd sqrt((1 + (n-1) r) / (1 - r)) / sqrt(n)``: the cross-sectional spread over what
    correlation does to it, as in `kolari_pynnonen`, with Student's t on n - 1.

    Parameters
    ----------
    sample : Sample
        Of N events. From an event's first valid row on, a missing one leaves its CAR as it was.
    first, last : int
        Relative rows, both included.
    level : float
        Confidence, between 0 and 1.
    correlation : float, optional
        Mean correlation r; by default the `mean_residual_correlation`.

    Returns
    -------
    Band
        Without limits with fewer than two events.

    Raises
    ------
    ValueError
        If `level` is not between 0 and 1.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.03], [-0.02], [-0.04]], [[0.01, -0.01]] * 3)
    >>> band = dependence_band(sample, 0, 0, correlation=0.0)
    >>> band.lower.round(4).tolist(), band.upper.round(4).tolist()
    ([-0.0548], [-0.0052])
    """
    tail = _tail(level)
    r = once(sample, mean_residual_correlation) if correlation is None else correlation
    cars, days = _cars(sample, first, last), sample.days[sample.columns(first, last)]
    number, caar = _mean(cars)
    away = np.where(np.isfinite(cars), cars - caar, 0.0)
    known = (number > 1) & (r < 1) & (1 + (number - 1) * r > 0)
    n = np.where(known, number, np.nan)
    variance = np.square(away).sum(axis=0) / (n - 1) * (1 + (n - 1) * r) / n
    width = stdtrit(n - 1, 1 - tail) * np.sqrt(variance / (1 - r if r < 1 else nan))
    return Band(days, caar, caar - width, caar + width)


def _tail(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies between 0 and 1, not {level}")
    return (1 - level) / 2


def _cars(sample: Sample, first: int, last: int) -> NDArray[np.float64]:
    """Return each event's CAR from `first` up to each day; NaN before its first valid row."""
    abnormal = sample.abnormal[:, sample.columns(first, last)]
    begun = np.logical_or.accumulate(np.isfinite(abnormal), axis=1)
    return np.where(begun, np.nancumsum(abnormal, axis=1), np.nan)


def _mean(cars: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how many CARs there are on each day, and their mean."""
    some = np.isfinite(cars)
    number = some.sum(axis=0)
    total = np.where(some, cars, 0.0).sum(axis=0)
    return number, np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0)
