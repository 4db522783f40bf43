"""How far events depend on one another: on shared dates n of them say less than n."""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff.event_study.evidence import EstimationSums, added, estimation_sums, once

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

# Up to here each pair of events is correlated on the dates that both have: 256 events on 1,512
# dates take 0.05 s. The work grows with the square of the events; beyond, sums by date are taken.
PAIRED_EVENTS = 256
# At this variance of the mean, relative to that of independent events, a test at the 5% level
# that assumes independence rejects 8% of true nulls: 2 Phi(-1.96 / sqrt(1.25)).
CLUSTERED = 1.25
# Correlations rise in a sell-off: a low one on quiet days before is no reason not to warn.
LEAST_CORRELATION = 0.05
# What rounding leaves, relative to the sum of squares, where residuals do not move.
NOISE = 1e-12


def mean_residual_correlation(sample: Sample) -> float:
    r"""Mean correlation of the estimation residuals of all pairs of events, on calendar dates.

    Correlated row by row relative to the event, as some do, staggered events meet at wrong dates
    and seem independent. Where all events share their dates, or are few (`PAIRED_EVENTS`), it is
    the mean of the pairs' correlations on the dates that both have, 0 for pairs without; beyond,
    the sum by date of `correlation_by_dates`, equal where the dates are shared.

    Parameters
    ----------
    sample : Sample
        Of N events; those whose residuals are missing or constant do not count.

    Returns
    -------
    float
        Between -1 / (N - 1) and 1; NaN with fewer than two events. A firm with two events in
        overlapping estimation rows correlates with itself, as its abnormal returns do.

    References
    ----------
    Kolari and Pynnönen (2010), Event Study Testing with Cross-sectional Correlation of Abnormal
    Returns, Review of Financial Studies 23(11).

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> residuals = [[0.01, -0.02, 0.01], [0.02, -0.04, 0.02], [0.01, 0.00, -0.01]]
    >>> round(mean_residual_correlation(given([[-0.1]] * 3, residuals)), 4)
    0.3333
    """
    sums = once(sample, estimation_sums)
    shared = (sums.calendar_count == 0) | (sums.calendar_count == sums.n_with_residuals)
    if shared.all() or sums.n_with_residuals > PAIRED_EVENTS:
        return _of_sums(sums)
    return once(sample, correlation_by_pairs)


def correlation_by_dates(sample: Sample) -> float:
    r"""Mean pairwise residual correlation in linear time, from sums by date.

    With z_i the residuals of event i less their mean, over their length, 0 where it has none:
    ``r = (|sum_i z_i|^2 - sum_i |z_i|^2) / (N (N - 1))``. Exact where all share their dates; a
    pair that shares a part of them counts in proportion.

    Parameters
    ----------
    sample : Sample
        Of N events; those whose residuals are missing or constant do not count.

    Returns
    -------
    float
        Between -1 / (N - 1) and 1; NaN with fewer than two events.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> residuals = [[0.01, -0.02, 0.01], [0.02, -0.04, 0.02], [0.01, 0.00, -0.01]]
    >>> round(correlation_by_dates(given([[-0.1]] * 3, residuals)), 4)
    0.3333
    """
    return _of_sums(once(sample, estimation_sums))


def _of_sums(sums: EstimationSums) -> float:
    n = sums.n_with_residuals
    if n < 2:  # noqa: PLR2004 - a pair
        return nan
    return float((sums.calendar_sum @ sums.calendar_sum - n) / (n * (n - 1)))


def correlation_by_pairs(sample: Sample) -> float:
    """Mean of the correlations of all pairs of events, each on the dates that both have.

    Parameters
    ----------
    sample : Sample
        Of N events; those whose residuals are missing or constant do not count. Time and memory
        grow with N squared.

    Returns
    -------
    float
        Between -1 and 1; a pair without two common dates or without movement on them counts 0;
        NaN with fewer than two events.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> early, late = [0.01, -0.02, 0.01, 0.03], [-0.02, 0.01, 0.03, -0.01]
    >>> round(correlation_by_pairs(given([[-0.1]] * 2, [early, late], dates=[4, 5])), 4)
    1.0
    """
    some = once(sample, estimation_sums).variance > 0
    number = int(some.sum())
    if number < 2:  # noqa: PLR2004 - a pair
        return nan
    residuals, places = sample.residuals[some], sample.estimation_positions[some]
    valid = np.isfinite(residuals) & (places >= 0)
    dates, column = np.unique(places[valid], return_inverse=True)
    held, has = np.zeros((2, number, len(dates)))
    row = np.nonzero(valid)[0]
    has[row, column] = 1.0
    held[row, column] = residuals[valid]
    common = np.maximum(has @ has.T, 1.0)
    total, square = held @ has.T, np.square(held) @ has.T
    spread = square - total**2 / common
    product = held @ held.T - total * total.T / common
    moving = spread > NOISE * square
    size = np.sqrt(np.maximum(spread * spread.T, 0.0))
    pairs = np.divide(product, size, out=np.zeros_like(product), where=moving & moving.T)
    return float((pairs.sum() - np.trace(pairs)) / (number * (number - 1)))


def effective_number(n: int, correlation: float) -> float:
    """Return how many independent events say as much as n correlated ones: ``n / (1 + (n-1) r)``.

    Parameters
    ----------
    n : int
        Events.
    correlation : float
        Mean correlation r of their pairs.

    Returns
    -------
    float
        n at most for a positive correlation, near 1/r for many events; NaN where ``1 + (n-1) r``
        is not positive.

    Examples
    --------
    >>> round(effective_number(500, 0.05), 2)
    19.27
    """
    width = 1 + (n - 1) * correlation
    return n / width if width > 0 else nan


def variance_inflation(sample: Sample) -> float:
    r"""Variance of the mean abnormal return relative to that of independent events.

    ``1 + (N - 1) r o``: o is the share of their event rows that two events have in common on the
    calendar, mean over pairs, and r the mean residual correlation on common dates, but at least
    `LEAST_CORRELATION`. In linear time, from counts by date.

    Parameters
    ----------
    sample : Sample
        Of N events, all its event rows.

    Returns
    -------
    float
        1 for events that never meet.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> residuals = [[0.01, -0.01, 0.01, -0.01], [0.01, 0.01, -0.01, -0.01]]
    >>> round(variance_inflation(given([[-0.1]] * 2, residuals)), 4)
    1.05
    >>> variance_inflation(given([[-0.1]] * 2, residuals, dates=[4, 9]))
    1.0
    """
    sums = once(sample, estimation_sums)
    number, present = once(sample, event_counts)
    meeting = _meetings(present)
    if number < 2 or meeting == 0:  # noqa: PLR2004 - a pair
        return 1.0
    partners = meeting / float(present.sum())
    crossing = float(sums.calendar_sum @ sums.calendar_sum - sums.n_with_residuals)
    together = _meetings(sums.calendar_count) / max(float(sums.calendar_count.sum()), 1.0)
    mean = crossing / (sums.n_with_residuals * together) if together > 0 else 0.0
    return 1 + partners * max(mean, LEAST_CORRELATION)


class EventCounts(NamedTuple):
    """On which dates events have event rows; adds up.

    Parameters
    ----------
    n_events : int
        Events with any.
    present : array of shape (n_positions,)
        Event rows on each calendar date.
    """

    n_events: int
    present: NDArray[np.float64]

    def plus(self, other: EventCounts) -> EventCounts:
        """Return the counts of the events of both."""
        return EventCounts(self.n_events + other.n_events, added(self.present, other.present))


def event_counts(sample: Sample) -> EventCounts:
    """Count event rows by date.

    Parameters
    ----------
    sample : Sample
        Of N events. A row counts where it has an abnormal return and its place is known.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> found = event_counts(given([[-0.1]] * 3, [[0.01, -0.01]] * 3, dates=[2, 4, 2]))
    >>> found.n_events, found.present.tolist()
    (3, [0.0, 0.0, 2.0, 0.0, 1.0])
    """
    event = np.isfinite(sample.abnormal) & (sample.positions >= 0)
    present = np.bincount(sample.positions[event]).astype(np.float64)
    return EventCounts(int(event.any(axis=1).sum()), present)


def _meetings(count: NDArray[Any]) -> float:
    """Count the ordered pairs that meet on a date, summed over the dates."""
    return float((count * (count - 1.0)).sum())


def dates_cluster(sample: Sample) -> bool:
    """Say whether events share dates so far that tests of independent events over-reject.

    They do where `variance_inflation` exceeds `CLUSTERED`: from there on, a test at the 5% level
    that takes events for independent rejects more than 8% of true nulls. Six events on one date
    are enough, whatever their residuals' correlation.

    Parameters
    ----------
    sample : Sample
        Of N events.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> residuals = [[0.01, -0.01, 0.01, -0.01]] * 7
    >>> dates_cluster(given([[-0.1]] * 7, residuals))
    True
    >>> dates_cluster(given([[-0.1]] * 7, residuals, dates=range(4, 18, 2)))
    False
    """
    return once(sample, variance_inflation) > CLUSTERED
