"""Ranks of abnormal returns within each event, and their sums over events, row by row."""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.results import TestResult, normal_result

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

# Events ranked at once: values, keys and ranks of 128 events over 261 rows, a quarter of a megabyte
# each, stay in the second-level cache and are no memory to speak of beside the returns.
EVENTS_AT_ONCE = 128
# Beyond it a number and the largest one may agree in all but the bits that carry a row's number.
_LARGEST = float(np.finfo(np.float64).max) / 2


def average_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank the values of each event among themselves, ties averaged.

    Parameters
    ----------
    values : array of shape (n_events, n_rows)
        One event a line; NaN where missing.

    Returns
    -------
    array of shape (n_events, n_rows)
        1 for the lowest of the n valid values of a line, n for the highest; NaN where missing.

    Examples
    --------
    >>> average_ranks(np.array([[0.3, -0.1, 0.2], [0.1, np.nan, 0.1]]))
    array([[3. , 1. , 2. ],
           [1.5, nan, 1.5]])
    """
    n_events, n_rows = values.shape
    # A row's number is written over the lowest bits of its value: sorting the values then carries
    # the order along, at a third of what an argsort costs. Bits are lost, so values that agree in
    # all others are ranked again below, exactly.
    low = (1 << max(n_rows - 1, 1).bit_length()) - 1
    is_valid = np.isfinite(values)
    is_complete = bool(is_valid.all())
    # The largest number, not infinity or NaN: a sort may rewrite the bits of those.
    known = values if is_complete else np.where(is_valid, values, np.finfo(np.float64).max)
    keys = (known + 0.0).view(np.int64)  # plus 0, for -0 is not below it
    keys &= ~low
    keys |= np.arange(n_rows)
    keys.view(np.float64).sort(axis=1)
    alike = (keys[:, 1:] ^ keys[:, :-1]).view(np.uint64) <= low
    if not is_complete:
        alike &= np.arange(1, n_rows) < is_valid.sum(axis=1)[:, None]
    has_ties = alike.any(axis=1)
    if not is_complete:  # a value so large that it lies among those that stand for missing ones
        has_ties |= (is_valid & (values > _LARGEST)).any(axis=1)
    keys &= low
    keys += (np.arange(n_events) * n_rows)[:, None]
    ranks = np.empty((n_events, n_rows))
    ranks.ravel()[keys.ravel()] = np.tile(np.arange(1.0, n_rows + 1), n_events)
    if has_ties.any():
        exact = values[has_ties]
        ranks[has_ties] = _with_ties(np.where(np.isfinite(exact), exact, np.inf))
    if not is_complete:
        np.copyto(ranks, nan, where=~is_valid)
    return ranks


def _with_ties(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rank each line, whatever it holds, missing values (infinite) last: ties share their mean."""
    order = values.argsort(axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    is_new = np.ones(values.shape, dtype=bool)
    is_new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    # Runs of equal values, over all lines in one: none goes on from one line into the next.
    starts = np.flatnonzero(is_new)
    lengths = np.diff(starts, append=values.size)
    middles = starts % values.shape[1] + (lengths + 1) / 2
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, np.repeat(middles, lengths).reshape(values.shape), axis=1)
    return ranks


class RankSums(NamedTuple):
    """Sums over events of where their values stand in their own ranking, row by row.

    With K the rank of a value among the T valid ones of its event.

    Parameters
    ----------
    centred : array of shape (n_rows,)
        Sum of ``K - (T + 1) / 2``.
    uniform : array of shape (n_rows,)
        Sum of ``K / (T + 1) - 1/2``; with `extra` values to come, of ``(K - (T + 1) / 2) / (T + 1 +
        extra)``.
    n_events : array of shape (n_rows,)
        Events with a value in the row.
    """

    centred: NDArray[np.float64]
    uniform: NDArray[np.float64]
    n_events: NDArray[np.int64]


def rank_sums(values: NDArray[np.float64], extra: int = 0) -> RankSums:
    """Rank each event's values and add up over the events.

    Parameters
    ----------
    values : array of shape (n_events, n_rows)
        NaN where missing.
    extra : int
        Values of each event that are ranked elsewhere but counted in its T.

    Returns
    -------
    RankSums
        Of n_rows values each; an event without a value adds nothing.

    Examples
    --------
    >>> sums = rank_sums(np.array([[0.3, -0.1, 0.2], [0.1, 0.4, np.nan]]))
    >>> sums.centred
    array([ 0.5, -0.5,  0. ])
    >>> sums.n_events
    array([2, 2, 1])
    """
    ranks = average_ranks(values)
    is_valid = np.isfinite(values)
    if is_valid.all():
        n_valid = np.full(len(values), values.shape[1])
        count = np.full(values.shape[1], len(values))
    else:
        n_valid, count = is_valid.sum(axis=1), is_valid.sum(axis=0)
    ranks -= (n_valid[:, None] + 1) / 2
    np.copyto(ranks, 0.0, where=~is_valid)
    return RankSums(ranks.sum(axis=0), 1.0 / (n_valid + 1 + extra) @ ranks, count)


def ranked(sample: Sample) -> RankSums:
    """Rank the abnormal returns of each event, going once through all rows.

    Where a day stands does not depend on the window in which one looks at it.

    Parameters
    ----------
    sample : Sample
        Of N events, one or more.

    Returns
    -------
    RankSums
        Of estimation rows, then all event rows, ranked together.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sums = ranked(given([[-0.09], [-0.05]], [[0.01, -0.01, 0.03], [0.02, -0.02, 0.01]]))
    >>> sums.centred
    array([ 2., -1.,  2., -3.])
    """
    every = None
    for block in sample.blocks(EVENTS_AT_ONCE):
        rows = np.hstack([block.residuals, sample.abnormal[block.events]])
        every = _plus(every, rank_sums(rows))
    return _some(every)


def estimation_ranked(sample: Sample) -> RankSums:
    """Rank the residuals of each event among themselves, one more value of each to come.

    Parameters
    ----------
    sample : Sample
        Of N events, one or more.

    Returns
    -------
    RankSums
        Of the estimation rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01, 0.03], [0.02, -0.02, 0.01]])
    >>> estimation_ranked(sample).centred
    array([ 1., -2.,  1.])
    """
    found = None
    for block in sample.blocks(EVENTS_AT_ONCE):
        found = _plus(found, rank_sums(block.residuals, extra=1))
    return _some(found)


def standardized_ranked(sample: Sample) -> RankSums:
    """Rank standardized abnormal returns, those of an event row in units of their own spread.

    Residuals are in units of the event's sigma; prediction errors in units of their own standard
    error, then of the standard deviation of these over the events of the row (ddof 1), so that a
    variance that the event itself has raised raises no rank.

    Parameters
    ----------
    sample : Sample
        Of N events, one or more. An event without a positive sigma counts in no row.

    Returns
    -------
    RankSums
        Of estimation rows, then all event rows. A row of one event has no spread, and no value.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01, 0.03], [0.02, -0.02, 0.01]])
    >>> standardized_ranked(sample).centred
    array([ 2., -1.,  2., -3.])
    """
    total = None
    width = np.sqrt(1 + (sample.loadings * sample.loadings).sum(axis=2))
    scaled = _divided(sample.abnormal, sample.sigma[:, None] * width)
    scaled = _divided(scaled, _spread(scaled))
    for block in sample.blocks(EVENTS_AT_ONCE):
        residuals = _divided(block.residuals, sample.sigma[block.events, None])
        total = _plus(total, rank_sums(np.hstack([residuals, scaled[block.events]])))
    return _some(total)


def of_rows(
    test: str, sample: Sample, first: int, last: int, rows: NDArray[np.float64]
) -> TestResult:
    """Judge the rows of a window by the spread of all rows around 0, their mean by design.

    ``z = (sum over the L rows of the window) / sqrt(L) / sqrt(mean square of all rows)``: the
    spread is that of rows on which events are as correlated as on the event's.

    Parameters
    ----------
    test : str
        Name of the test.
    sample : Sample
        Of N events.
    first, last : int
        Relative rows of the window, both included.
    rows : array of shape (n_estimation_rows + n_rows,)
        A mean over events, with mean 0 under the null; NaN for a row without a valid event.

    Returns
    -------
    TestResult
        z against the standard normal distribution; n counts the events with a value in the window.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]])
    >>> round(of_rows("rows", sample, 0, 0, np.array([1.0, 1.0, -2.0])).statistic, 4)
    -1.4142
    """
    columns = sample.columns(first, last)
    n = int(np.isfinite(sample.abnormal[:, columns]).any(axis=1).sum())
    inside = rows[len(rows) - len(sample.days) :][columns]
    inside, known = inside[np.isfinite(inside)], rows[np.isfinite(rows)]
    spread = sqrt(known @ known / len(known)) if len(known) else 0.0
    if not len(inside) or spread == 0:
        return normal_result(test, nan, n)
    return normal_result(test, inside.sum() / sqrt(len(inside)) / spread, n)


def _plus(total: RankSums | None, part: RankSums) -> RankSums:
    if total is None:
        return part
    return RankSums(
        total.centred + part.centred,
        total.uniform + part.uniform,
        total.n_events + part.n_events,
    )


def _some(total: RankSums | None) -> RankSums:
    if total is None:
        raise ValueError("a sample without events has no ranks")
    return total


def _divided(values: NDArray[np.float64], by: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where the divisor is not positive."""
    by = np.broadcast_to(by, values.shape)
    found = np.full(values.shape, nan)
    np.divide(values, by, out=found, where=by > 0)
    return found


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each column's standard deviation over its valid values; NaN for less than two."""
    is_valid = np.isfinite(values)
    n = is_valid.sum(axis=0)
    mean = np.where(is_valid, values, 0.0).sum(axis=0) / np.maximum(n, 1)
    squares = np.square(np.where(is_valid, values - mean, 0.0)).sum(axis=0)
    variance = np.full(len(n), nan)
    np.divide(squares, n - 1, out=variance, where=n > 1)
    return variance**0.5
