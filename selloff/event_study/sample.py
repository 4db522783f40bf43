"""What a model leaves of a set of events: the one thing that every test takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study.lazy import chosen, one_after_another

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from selloff.event_study.lazy import Lazy

# Events in one block: the residuals of 512 events over 250 rows are one megabyte, which stays in
# the second-level cache while ranks and sums are taken of it.
BLOCK_EVENTS = 512


class Block(NamedTuple):
    """The estimation rows of some consecutive events.

    Parameters
    ----------
    events : slice
        Which events of the sample.
    residuals : array of shape (n_block_events, n_estimation_rows)
        Abnormal returns on the estimation rows (fractions or log points, as the returns were);
        NaN where the pair was not valid.
    positions : array of shape (n_block_events, n_estimation_rows)
        Each row's place on the calendar that all events share; -1 where there is none.
    """

    events: slice
    residuals: NDArray[np.float64]
    positions: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    r"""Abnormal returns of N events, with all that is needed to say how unusual they are.

    With X the estimation rows' regressors of an event (intercept included, K columns), x_t those
    of an event row and s its residual sigma, the prediction errors of its event rows have the exact
    covariance ``s^2 (I + A A')``, where the rows of A are ``x_t' (X'X)^(-1/2)``. So the variance of
    a CAR over L valid rows is ``s^2 (L + |sum of the rows of A|^2)``.

    Parameters
    ----------
    days : array of shape (n_rows,)
        Event rows relative to the event (0 is its own session), consecutive.
    abnormal : array of shape (N, n_rows)
        Abnormal returns; negative when the price fell more than expected; NaN where missing.
    returns : array of shape (N, n_rows)
        The returns themselves, in the same unit; NaN where missing. ``returns - abnormal`` is the
        expectation.
    sigma : array of shape (N,)
        Residual sigma s, on n - K degrees of freedom.
    n_estimation : array of shape (N,)
        Valid pairs n among the estimation rows.
    n_parameters : array of shape (N,)
        Parameters K of the model, the intercept included; 1 for a model that estimates nothing,
        since its sigma is about the mean.
    loadings : array of shape (N, n_rows, n_columns)
        A; NaN in rows whose regressors are missing. One column per parameter, none for a model
        that estimates nothing; models say where theirs differ.
    positions : array of shape (N, n_rows)
        Each event row's place on the shared calendar; -1 where there is none.
    firms : array of shape (N,)
        Number of the firm of each event; a firm may have several events.
    residuals : array or Lazy of shape (N, n_estimation_rows)
        Abnormal returns on the estimation rows; NaN where the pair was not valid. To be read
        through `blocks`: models do not hold them, but compute them as they are asked for.
    estimation_positions : array or Lazy of shape (N, n_estimation_rows)
        Their places on the shared calendar; -1 where there is none.
    """

    days: NDArray[np.int64]
    abnormal: NDArray[np.float64]
    returns: NDArray[np.float64]
    sigma: NDArray[np.float64]
    n_estimation: NDArray[np.int64]
    n_parameters: NDArray[np.int64]
    loadings: NDArray[np.float64]
    positions: NDArray[np.int64]
    firms: NDArray[np.int64]
    residuals: NDArray[np.float64] | Lazy[np.float64]
    estimation_positions: NDArray[np.int64] | Lazy[np.int64]

    @property
    def n_events(self) -> int:
        """Number of events N."""
        return len(self.sigma)

    @property
    def degrees_of_freedom(self) -> NDArray[np.int64]:
        """Degrees of freedom n - K of each event's sigma, of shape (N,)."""
        return self.n_estimation - self.n_parameters

    def blocks(self, size: int = BLOCK_EVENTS) -> Iterator[Block]:
        """Yield the estimation rows of all events, some events at a time.

        Tests that need them go through them once, adding up, so that no test holds a second copy.
        """
        for start in range(0, self.n_events, size):
            events = slice(start, min(start + size, self.n_events))
            yield Block(events, self.residuals[events], self.estimation_positions[events])

    def columns(self, first: int, last: int) -> slice:
        """Return the columns of the event window [first, last].

        Raises
        ------
        ValueError
            If the window is empty or not within the event rows.
        """
        low, high = int(self.days[0]), int(self.days[-1])
        if not low <= first <= last <= high:
            raise ValueError(f"window [{first}, {last}] is not within the rows [{low}, {high}]")
        return slice(first - low, last - low + 1)


def taken(sample: Sample, events: NDArray[np.int64]) -> Sample:
    """Return the sample of some events, in the order given.

    Parameters
    ----------
    sample : Sample
        Of N events.
    events : array of int
        Numbers of events, each below N.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> panel = panel_of_returns(pd.DataFrame({"A": [0.0, 0.01] * 9, "B": [0.02, 0.0] * 9}))
    >>> asked = pd.DataFrame({"listing_id": ["A", "B"], "session_date": [16, 16]})
    >>> days = Windows(first=-9, last=-1, event_first=0, event_last=1, minimum=9)
    >>> sample = study(panel, asked, RAW, days).sample
    >>> taken(sample, np.array([1])).abnormal.tolist()
    [[0.02, 0.0]]
    """
    if np.array_equal(events, np.arange(sample.n_events)):
        return sample
    return Sample(
        days=sample.days,
        abnormal=sample.abnormal[events],
        returns=sample.returns[events],
        sigma=sample.sigma[events],
        n_estimation=sample.n_estimation[events],
        n_parameters=sample.n_parameters[events],
        loadings=sample.loadings[events],
        positions=sample.positions[events],
        firms=sample.firms[events],
        residuals=chosen(sample.residuals, events),
        estimation_positions=chosen(sample.estimation_positions, events),
    )


def together(samples: Sequence[Sample]) -> Sample:
    """Return the events of all samples as one, those of the first sample first.

    Samples on different sessions, or of different models, may be joined as long as their rows
    agree: loadings are filled up with zeros, which change no variance.

    Parameters
    ----------
    samples : sequence of Sample
        At least one, with positions on the same calendar and firms by the same numbers.

    Raises
    ------
    ValueError
        If event or estimation rows differ.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> panel = panel_of_returns(pd.DataFrame({"A": [0.0, 0.01] * 9, "B": [0.02, 0.0] * 9}))
    >>> asked = pd.DataFrame({"listing_id": ["A", "B"], "session_date": [16, 16]})
    >>> days = Windows(first=-9, last=-1, event_first=0, event_last=1, minimum=9)
    >>> sample = study(panel, asked, RAW, days).sample
    >>> together([sample, sample]).firms.tolist()
    [0, 1, 0, 1]
    """
    first = samples[0]
    if len(samples) == 1:
        return first
    if any(not np.array_equal(first.days, other.days) for other in samples):
        raise ValueError("samples with different event rows cannot be put together")
    width = max(one.loadings.shape[2] for one in samples)
    loadings = [
        np.pad(one.loadings, [(0, 0), (0, 0), (0, width - one.loadings.shape[2])])
        for one in samples
    ]
    return Sample(
        days=first.days,
        abnormal=np.concatenate([one.abnormal for one in samples]),
        returns=np.concatenate([one.returns for one in samples]),
        sigma=np.concatenate([one.sigma for one in samples]),
        n_estimation=np.concatenate([one.n_estimation for one in samples]),
        n_parameters=np.concatenate([one.n_parameters for one in samples]),
        loadings=np.concatenate(loadings),
        positions=np.concatenate([one.positions for one in samples]),
        firms=np.concatenate([one.firms for one in samples]),
        residuals=one_after_another([one.residuals for one in samples]),
        estimation_positions=one_after_another([one.estimation_positions for one in samples]),
    )


class Window(NamedTuple):
    """Cumulative abnormal returns over one window, event by event.

    Parameters
    ----------
    car : array of shape (N,)
        Sum over the valid rows; NaN where there is none.
    standard_error : array of shape (N,)
        Its exact standard error, prediction error and its covariance over the rows included.
    scar : array of shape (N,)
        ``car / standard_error``; NaN where the sigma is 0 or missing.
    n_rows : array of shape (N,)
        Valid rows in the window.
    """

    car: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    scar: NDArray[np.float64]
    n_rows: NDArray[np.int64]


def window(sample: Sample, first: int, last: int) -> Window:
    """Cumulate abnormal returns over the event window [first, last], with exact errors.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included; equal for a single day.

    Returns
    -------
    Window
        Of N values each. A missing row is left out of the sum and of its variance.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 4.4.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> found = window(given([[-0.09, 0.03]], [[0.01, -0.01, 0.01, -0.01]]), 0, 1)
    >>> found.car.round(4).tolist(), found.n_rows.tolist()
    ([-0.06], [2])
    """
    columns = sample.columns(first, last)
    abnormal = sample.abnormal[:, columns]
    valid = np.isfinite(abnormal)
    n_rows = valid.sum(axis=1)
    some = n_rows > 0
    car = np.where(some, np.where(valid, abnormal, 0.0).sum(axis=1), np.nan)
    away = np.where(valid[:, :, None], sample.loadings[:, columns], 0.0).sum(axis=1)
    width = np.sqrt(n_rows + (away * away).sum(axis=1))
    error = np.where(some, sample.sigma * width, np.nan)
    scar = np.divide(car, error, out=np.full_like(car, np.nan), where=error > 0)
    return Window(car, error, scar, n_rows)
