"""Events on the rows of their listings: finding them, and reading what surrounds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from selloff.event_study.events import AFTER, Reason, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from selloff.event_study.events import Windows
    from selloff.event_study.lazy import Some
    from selloff.event_study.panels import Frame

# Events worked on together: 256 windows of 250 rows are half a megabyte, so that a response and a
# few regressors stay in the second-level cache.
_BLOCK = 256


class Placed(NamedTuple):
    """Events on the rows of one frame.

    Parameters
    ----------
    frame : Frame
        Returns and series; every window asked for here reads NaN outside of it.
    windows : Windows
        Rows relative to the event.
    listing, row : array of shape (n_events,)
        Listing of the frame, and row of the event.
    """

    frame: Frame
    windows: Windows
    listing: NDArray[np.int64]
    row: NDArray[np.int64]

    def padded(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
        """Return values with NaN rows where windows reach over an end, and how many before."""
        n_rows = values.shape[-1]
        low, high = (self.row.min(), self.row.max()) if len(self.row) else (n_rows, 0)
        before = max(0, -int(low + self.windows.first))
        after = max(0, int(high + self.windows.event_last) - n_rows + 1)
        if before == after == 0:
            return values, 0
        edges = [(0, 0)] * (values.ndim - 1) + [(before, after)]
        return np.pad(values, edges, constant_values=np.nan), before


class Span:
    """The same rows around every event: of a series, a fresh array of (n_events, n_rows).

    Parameters
    ----------
    placed : Placed
        The events.
    values : array of shape (n_rows,) or (n_listings, n_rows)
        Of its frame.
    """

    __slots__ = ("_before", "_placed", "_values")

    def __init__(self, placed: Placed, values: NDArray[np.float64]) -> None:
        self._placed = placed
        self._values, self._before = placed.padded(values)

    def estimation(self, some: Some) -> NDArray[np.float64]:
        """Return the estimation rows of some events."""
        windows = self._placed.windows
        return self._cut(some, windows.first, windows.n_estimation)

    def event(self, some: Some = slice(None)) -> NDArray[np.float64]:
        """Return the event rows of some events."""
        windows = self._placed.windows
        return self._cut(some, windows.event_first, windows.n_rows)

    def _cut(self, some: Some, first: int, length: int) -> NDArray[np.float64]:
        start = self._placed.row[some] + (first + self._before)
        stretches = sliding_window_view(self._values, length, axis=-1)
        if self._values.ndim == 1:
            return stretches[start]
        return stretches[self._placed.listing[some], start]


def blocks(n_events: int) -> Iterator[slice]:
    """Yield the events that are worked on together.

    Examples
    --------
    >>> list(blocks(300))
    [slice(0, 256, None), slice(256, 300, None)]
    """
    for start in range(0, n_events, _BLOCK):
        yield slice(start, min(start + _BLOCK, n_events))


def positions(
    placed: Placed, first: int, length: int, some: Some = slice(None)
) -> NDArray[np.int64]:
    """Return the places on the shared calendar of a stretch of rows; -1 outside the frame.

    Not to be written to: where all rows are the same there is but one (`is_one_row`).
    """
    calendar, own = placed.frame.calendar, placed.row[some]
    # After one shock all listings look back on the same days: one row of them stands for all.
    is_one = len(own) > 1 and bool((own == own[0]).all())
    rows = (own[:1] if is_one else own)[:, None] + np.arange(first, first + length)
    inside = (rows >= 0) & (rows < len(calendar))
    found: NDArray[np.int64] = np.where(inside, calendar[np.where(inside, rows, 0)], -1)
    return np.broadcast_to(found, (len(own), length)) if is_one else found


def is_one_row(rows: NDArray[Any]) -> bool:
    """Say whether an array of several rows holds but one of them, over and over.

    Examples
    --------
    >>> row = np.array([1, 2, 3])
    >>> is_one_row(np.broadcast_to(row, (4, 3))), is_one_row(np.stack([row, row]))
    (True, False)
    """
    return len(rows) > 1 and rows.strides[0] == 0


def place(
    frame: Frame, listing: NDArray[np.int64], date: NDArray[np.int64], *, keep_halted: bool = False
) -> tuple[NDArray[np.int64], NDArray[np.int64], Rejected]:
    """Find the rows of events, and which events have none.

    Parameters
    ----------
    frame : Frame
        The one that has all the listings asked for.
    listing, date : array of shape (n_events,)
        Column and place on the calendar of the panel; -1 is a date between two of it, anything
        below a date before the first, and `AFTER` a date after the last.
    keep_halted : bool
        Whether an event without a return on its own day is to be kept.

    Returns
    -------
    tuple of array, array, Rejected
        Listing and row in the frame (0 where there is none), and the reasons.
    """
    own = np.searchsorted(frame.listings, listing)
    n_rows = len(frame.calendar)
    row = np.minimum(np.searchsorted(frame.calendar, np.maximum(date, 0)), max(n_rows - 1, 0))
    finite = np.isfinite(frame.returns)
    some = finite.any(axis=1)
    first = np.where(some, finite.argmax(axis=1), n_rows)[own]
    last = np.where(some, n_rows - 1 - finite[:, ::-1].argmax(axis=1), -1)[own]
    calendar = np.append(frame.calendar, AFTER)
    found = Rejected(len(listing))
    is_between = date == -1
    found.add(~is_between & (date < calendar[first]), Reason.BEFORE_LISTING)
    found.add(~is_between & (date > calendar[last]), Reason.AFTER_THE_LAST_ROW)
    found.add(calendar[row] != date, Reason.EVENT_ON_A_HOLIDAY)
    if not keep_halted:
        found.add(~finite[own, row], Reason.HALTED_ON_THE_EVENT_DAY)
    return own, row, found
