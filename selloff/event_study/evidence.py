"""A sample with its shared parts: made elsewhere, cut to complete windows, computed only once."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

import numpy as np

from selloff.event_study._rows import is_one_row
from selloff.event_study.sample import Sample, taken

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Evidence(Sample):
    """A sample that remembers what tests have in common, so that it is computed only once.

    A test asks for its parts through `once`; given a plain `Sample`, they are computed anew.
    Arrays are shared with the sample it was made of and must not be written to.

    Examples
    --------
    >>> evidence = Evidence.of(given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]]))
    >>> once(evidence, estimation_sums) is once(evidence, estimation_sums)
    True
    """

    parts: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, sample: Sample) -> Evidence:
        """Return the sample as evidence: itself, if it is."""
        if isinstance(sample, Evidence):
            return sample
        return cls(**{each.name: getattr(sample, each.name) for each in fields(Sample)})

    def keep(self, value: Any, part: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Remember a part that was computed elsewhere."""
        self.parts[_key(part, args, kwargs)] = value


def once(
    sample: Sample, part: Callable[Concatenate[Sample, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return ``part(sample, ...)``, from memory where the sample is `Evidence` that has it.

    Parameters
    ----------
    sample : Sample
        Of N events.
    part : callable
        A pure function of a sample and of hashable arguments.
    *args, **kwargs
        Those arguments.

    Examples
    --------
    >>> calls = []
    >>> def n_asked(sample):
    ...     calls.append(sample)
    ...     return sample.n_events
    >>> evidence = Evidence.of(given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]]))
    >>> once(evidence, n_asked), once(evidence, n_asked), len(calls)
    (2, 2, 1)
    """
    if not isinstance(sample, Evidence):
        return part(sample, *args, **kwargs)
    key = _key(part, args, kwargs)
    if key not in sample.parts:
        sample.parts[key] = part(sample, *args, **kwargs)
    found: T = sample.parts[key]
    return found


def held(sample: Sample, events: NDArray[np.int64]) -> Evidence:
    """Return some events with their estimation rows in memory, since many windows ask for them.

    Parameters
    ----------
    sample : Sample
        Of N events.
    events : array of int
        Numbers of events, each below N.

    Examples
    --------
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]])
    >>> held(sample, np.array([1])).residuals.tolist()
    [[0.02, -0.02]]
    """
    some = taken(sample, events)
    rows = np.asarray(some.residuals), np.asarray(some.estimation_positions)
    return Evidence.of(replace(some, residuals=rows[0], estimation_positions=rows[1]))


def _key(part: Any, args: Any, kwargs: Any) -> Any:
    return part, args, tuple(sorted(kwargs.items()))


# Events summed at a time: with 128 the copies made on the way stay within a third of the input.
SUMMED_EVENTS = 128


class EstimationSums(NamedTuple):
    """What one pass over the estimation rows adds up.

    Parameters
    ----------
    mean : array of shape (n_estimation_rows,)
        Mean residual of the valid events in each row, which is the portfolio's; NaN without any.
    variance : array of shape (N,)
        Sample variance of each event's residuals (n - 1); NaN with fewer than two.
    n_with_residuals : int
        Events whose residuals vary.
    calendar_sum : array of shape (n_positions,)
        Over those events, the sum on each calendar date of residuals scaled to mean 0 and
        length 1; 0 where there are none.
    calendar_count : array of shape (n_positions,)
        Those events' valid residuals on each calendar date.
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    n_with_residuals: int
    calendar_sum: NDArray[np.float64]
    calendar_count: NDArray[np.float64]

    def plus(self, other: EstimationSums) -> EstimationSums:
        """Return what is on the calendar of the events of both; of rows and events nothing."""
        return EstimationSums(
            np.empty(0),
            np.empty(0),
            self.n_with_residuals + other.n_with_residuals,
            added(self.calendar_sum, other.calendar_sum),
            added(self.calendar_count, other.calendar_count),
        )


def estimation_sums(sample: Sample) -> EstimationSums:
    """Go once through all estimation rows, in blocks, and add up what tests need of them.

    Parameters
    ----------
    sample : Sample
        Of N events. A residual counts where it is finite, on the calendar where its position is
        known.

    Examples
    --------
    >>> sums = estimation_sums(given([[-0.09], [-0.05]], [[0.01, -0.03], [0.02, -0.04]]))
    >>> sums.mean.round(4).tolist(), sums.variance.round(4).tolist(), sums.n_with_residuals
    ([0.015, -0.035], [0.0008, 0.0018], 2)
    """
    rows = sample.residuals.shape[1]
    total, count = np.zeros(rows), np.zeros(rows)
    calendar, present = np.zeros(1), np.zeros(1)
    variance = np.full(sample.n_events, np.nan)
    for block in sample.blocks(SUMMED_EVENTS):
        valid = np.isfinite(block.residuals)
        held = np.where(valid, block.residuals, 0.0)
        total += held.sum(axis=0)
        count += valid.sum(axis=0)
        scaled, variance[block.events] = _scaled(held, valid)
        calendar = added(calendar, _by_place(block.positions, scaled))
        valid &= (variance[block.events] > 0)[:, None]
        present = added(present, _by_place(block.positions, valid))
    mean = np.divide(total, count, out=np.full(rows, np.nan), where=count > 0)
    return EstimationSums(mean, variance, int((variance > 0).sum()), calendar[1:], present[1:])


def added_by_place(
    one: NDArray[np.int64], other: NDArray[np.int64], *values: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[NDArray[Any], ...]:
    """Return the places of both sides in order, and each pair of values added up by place.

    Examples
    --------
    >>> found = added_by_place(np.array([2, 5]), np.array([5, 7]), ([1.0, 2.0], [3.0, 4.0]))
    >>> [each.tolist() for each in found]
    [[2, 5, 7], [1.0, 5.0, 4.0]]
    """
    places, at = np.unique(np.concatenate([one, other]), return_inverse=True)
    sums = (np.bincount(at, np.concatenate(pair)).astype(np.float64) for pair in values)
    return places, *sums


def added(total: NDArray[np.float64], part: NDArray[Any]) -> NDArray[np.float64]:
    """Return the sum of two counts by place, of which either may end earlier.

    Examples
    --------
    >>> added(np.array([1.0, 2.0]), np.array([1.0])).tolist()
    [2.0, 2.0]
    """
    found = np.zeros(max(len(total), len(part)))
    found[: len(total)] = total
    found[: len(part)] += part
    return found


def _by_place(positions: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.float64]:
    """Add up by place; position -1, which is none, falls into the first bin, and is cut off."""
    if is_one_row(positions):  # a tenth of the time
        positions, values = positions[0], values.sum(axis=0)
    return np.bincount(positions.ravel() + 1, values.ravel()).astype(np.float64)


def _scaled(
    held: NDArray[np.float64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return residuals at mean 0 and length 1, 0 where not valid, and their sample variance."""
    n = valid.sum(axis=1)
    middle = held.sum(axis=1) / np.maximum(n, 1)
    centred = (held - middle[:, None]) * valid
    square = np.einsum("ij,ij->i", centred, centred)
    # What rounding leaves of identical residuals is no movement.
    square[square <= n * (1e-15 * np.abs(middle)) ** 2] = 0.0
    length = np.sqrt(square)
    weight = np.divide(1.0, length, out=np.zeros_like(length), where=length > 0)
    variance = np.divide(square, n - 1, out=np.full_like(length, np.nan), where=n > 1)
    centred *= weight[:, None]
    return centred, variance


def complete(sample: Sample, first: int, last: int) -> Sample:
    """Leave out of a window the events that miss any of its rows.

    Without it a CAR is the sum over an event's valid rows, with the standard error of those. A
    sum over half a window is no estimate of the whole one's: where that is asked, leave it out.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included.

    Returns
    -------
    Sample
        The same N events; abnormal returns are NaN in all rows of an event that misses one.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    Examples
    --------
    >>> halted = given([[-0.09, 0.01], [float("nan"), -0.02]], [[0.01, -0.01], [0.02, -0.02]])
    >>> complete(halted, 0, 1).abnormal.tolist()
    [[-0.09, 0.01], [nan, nan]]
    """
    columns = sample.columns(first, last)
    whole = np.isfinite(sample.abnormal[:, columns].sum(axis=1))
    return replace(sample, abnormal=np.where(whole[:, None], sample.abnormal, np.nan))


def given(
    abnormal: ArrayLike,
    residuals: ArrayLike,
    first_day: int = 0,
    dates: ArrayLike | None = None,
) -> Sample:
    """Make a sample of abnormal returns that were computed elsewhere.

    Nothing is known of the regressors, so that standard errors carry no prediction error: as for
    market-adjusted returns, sigma is the residuals' standard deviation on n - 1.

    Parameters
    ----------
    abnormal : array of shape (N, n_rows)
        Abnormal returns on consecutive event rows; NaN where missing.
    residuals : array of shape (N, n_estimation_rows)
        Abnormal returns on the rows before; NaN where missing.
    first_day : int
        Relative row of the first event column.
    dates : array of shape (N,), optional
        Place of each event's row 0 on the shared calendar. By default all share one date.

    Returns
    -------
    Sample
        Of N events, each of a firm of its own; estimation rows end just before the event rows.

    Examples
    --------
    >>> sample = given([[-0.09], [-0.05]], [[0.01, -0.01], [0.02, -0.02]])
    >>> sample.n_events, sample.sigma.round(4).tolist(), sample.degrees_of_freedom.tolist()
    (2, [0.0141, 0.0283], [1, 1])
    """
    event, before = np.asarray(abnormal, float), np.asarray(residuals, float)
    number, rows = event.shape
    back = before.shape[1]
    at = np.full(number, back - min(first_day, 0)) if dates is None else np.asarray(dates)
    days = first_day + np.arange(rows)
    valid = np.isfinite(before)
    n = valid.sum(axis=1)
    middle = np.where(valid, before, 0.0).sum(axis=1) / np.maximum(n, 1)
    square = np.where(valid, np.square(before - middle[:, None]), 0.0).sum(axis=1)
    variance = np.divide(square, n - 1, out=np.full(number, np.nan), where=n > 1)
    earlier = at[:, None] + first_day + np.arange(-back, 0)
    return Sample(
        days=days,
        abnormal=event,
        returns=event,
        sigma=np.sqrt(variance),
        n_estimation=n,
        n_parameters=np.ones(number, int),
        loadings=np.zeros((number, rows, 0)),
        positions=at[:, None] + days,
        firms=np.arange(number),
        residuals=before,
        estimation_positions=np.maximum(earlier, -1),
    )
