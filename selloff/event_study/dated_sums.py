"""What the firms of each date's portfolio do on it, and did together before: sums that add up.

Not here: what they are held against (`selloff.event_study.calendar_time`).
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.event_study._rows import is_one_row
from selloff.event_study.evidence import added_by_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample

# More than there are places on any calendar.
_PLACES = 2**31


class DatedSums(NamedTuple):
    """What the firms of each date's portfolio do on it, and together before; adds up.

    Parameters
    ----------
    positions : array of shape (n_dates,)
        Places on the shared calendar, increasing.
    n, total, freedom : array of shape (n_dates,)
        Firms in the portfolio, sum of their abnormal returns, of their degrees of freedom.
    held, places, sums : array of shape (n_sums,)
        The sum of the firms' residuals, each times its width w, by the place of the date on which
        they are held and by that of the estimation row; each pair of places once.
    n_held : int
        Events in any portfolio.
    """

    positions: NDArray[np.int64]
    n: NDArray[np.int64]
    total: NDArray[np.float64]
    freedom: NDArray[np.float64]
    held: NDArray[np.int64]
    places: NDArray[np.int64]
    sums: NDArray[np.float64]
    n_held: int

    @property
    def deviations(self) -> NDArray[np.float64]:
        """Standard deviation of each date's portfolio, of shape (n_dates,); NaN where it is 0."""
        at = np.searchsorted(self.positions, self.held)
        squares = np.bincount(at, self.sums**2, len(self.positions))
        found = np.sqrt(squares / np.maximum(self.freedom / self.n, 1.0)) / self.n
        found[found == 0] = np.nan
        return found

    def plus(self, other: DatedSums) -> DatedSums:
        """Return the sums over the firms of both, dates by their places."""
        positions, n, total, freedom = added_by_place(
            self.positions,
            other.positions,
            (self.n, other.n),
            (self.total, other.total),
            (self.freedom, other.freedom),
        )
        held = np.concatenate([self.held, other.held])
        places = np.concatenate([self.places, other.places])
        sums = np.concatenate([self.sums, other.sums])
        is_shared = len(positions) < len(self.positions) + len(other.positions)
        if is_shared:  # seldom: to look for equal pairs costs a sort of all
            pairs, to = np.unique(held * _PLACES + places, return_inverse=True)
            held, places, sums = pairs // _PLACES, pairs % _PLACES, np.bincount(to, sums)
        return DatedSums(
            positions,
            n.astype(np.int64),
            total,
            freedom,
            held,
            places,
            sums,
            self.n_held + other.n_held,
        )


def dated_sums(sample: Sample, first: int, last: int) -> DatedSums:
    """Add up what `jaffe_mandelker` asks of each date's firms.

    Parameters
    ----------
    sample : Sample
        Of N events; those without a sigma do not count.
    first, last : int
        Relative rows, both included.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> falls = [[-0.03, -0.01], [-0.02, -0.02]]
    >>> found = dated_sums(given(falls, [[0.01, -0.01]] * 2, dates=[2, 3]), 0, 1)
    >>> found.n.tolist(), found.total.round(4).tolist(), len(found.sums)
    ([1, 2, 1], [-0.03, -0.03, -0.02], 7)
    """
    columns = sample.columns(first, last)
    known = (sample.sigma > 0)[:, None] & np.isfinite(sample.abnormal[:, columns])
    is_held = known & (sample.positions[:, columns] >= 0)
    places = sample.positions[:, columns][is_held]
    by_date = np.argsort(places, kind="stable")
    firms = np.nonzero(is_held)[0][by_date]
    width = np.sqrt(1 + np.square(sample.loadings[:, columns]).sum(axis=2))[is_held][by_date]
    positions, starts, n = np.unique(places[by_date], return_index=True, return_counts=True)
    number = np.repeat(np.arange(len(n)), n)
    found = _before(sample, firms, width, starts.tolist())
    rows, sums = (
        np.concatenate([each[side] for each in found] or [np.empty(0)]) for side in (0, 1)
    )
    return DatedSums(
        positions,
        n,
        np.bincount(number, sample.abnormal[:, columns][is_held][by_date], len(n)).astype(float),
        np.bincount(number, sample.degrees_of_freedom[firms], len(n)).astype(float),
        np.repeat(positions, [len(each[0]) for each in found]),
        rows.astype(np.int64),
        sums,
        int(known.any(axis=1).sum()),
    )


def _before(
    sample: Sample, firms: NDArray[np.int64], width: NDArray[np.float64], starts: list[int]
) -> list[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Return, for each date, places ascending and the firms' residuals times width on each."""
    residuals, places = (
        np.asarray(rows) for rows in (sample.residuals, sample.estimation_positions)
    )
    is_valid = np.isfinite(residuals)
    held = residuals if is_valid.all() else np.where(is_valid, residuals, 0.0)
    spans = [slice(start, end) for start, end in itertools.pairwise([*starts, len(firms)])]
    if is_one_row(places):  # one product of matrices for all dates
        weights = np.zeros((len(spans), len(held)))
        for row, span in enumerate(spans):
            weights[row, firms[span]] = width[span]
        known = places[0] >= 0
        return [(places[0][known], row[known]) for row in weights @ held]
    found = []
    for span in spans:
        some, rows = places[firms[span]], held[firms[span]] * width[span, None]
        sums = np.bincount((some + 1).ravel(), rows.ravel())[1:]
        on = np.unique(some[some >= 0])
        found.append((on, sums[on]))
    return found
