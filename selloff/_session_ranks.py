"""How many returns of a listing were no lower than that of a later fall, without keeping them.

Not here: which returns (`selloff.session_falls`), and what such a share is called
(`selloff.losses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff._session_lookups import NEVER

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# Listings compared at once: with a hundred events their thresholds stay in the cache of a core.
LISTINGS_AT_ONCE = 512
# As many marks as a byte can count.
SESSIONS_AT_ONCE = 255


@dataclass(slots=True)
class Ranks:
    """Counts of the values up to each fall, as they come session by session.

    A fall's own value is known from the start: each value that passes is held against those of all
    falls to come. Kept the other way round, 48 million values of two kinds are 760 MB.
    """

    cell: tuple[Ints, Ints]
    """Event and listing of each fall, in the order asked for."""
    first: Ints
    """The first day of each event's falls; ascending."""
    last: Ints
    until: Ints
    """The day of each fall: array (n_events, n_listings)."""
    value: Floats
    counts: Ints
    counts_no_lower: Ints

    @classmethod
    def of(
        cls, event: Ints, listing: Ints, day: Ints, value: Floats, shape: tuple[int, int]
    ) -> Ranks:
        """Return falls before which nothing has passed.

        Parameters
        ----------
        event, listing, day : int array of shape (n_falls,)
            Numbers of events and of listings, each combination once; days since 1970.
        value : array of shape (n_falls,)
            What is compared; NaN is NULL.
        shape : pair of int
            Events and listings.
        """
        first = np.full(shape[0], np.iinfo(np.int64).max)
        np.minimum.at(first, event, day)
        order = np.argsort(first, kind="stable")
        turn = np.argsort(order)[event]
        until, values = np.full(shape, NEVER), np.full(shape, np.nan)
        until[turn, listing], values[turn, listing] = day, value
        last = until.max(axis=1, initial=NEVER)
        zeros = np.zeros(shape, np.int64)
        return cls((turn, listing), first[order], last, until, values, zeros, zeros.copy())

    @property
    def n(self) -> Ints:
        """How many values passed up to each fall, its own included."""
        return self.counts[self.cell]

    @property
    def n_no_lower(self) -> Ints:
        """How many of them were no lower than the fall's own."""
        return self.counts_no_lower[self.cell]

    def add(self, listing: Ints, day: Ints, values: Floats) -> None:
        """Let the values of some sessions pass, later than all before.

        Parameters
        ----------
        listing, day, values : array of shape (n_rows,)
            A listing of -1 is not asked for; at most one row of each listing and day.

        Examples
        --------
        >>> falls = np.array([0, 0]), np.array([0, 1]), np.array([3, 2]), np.array([-0.1, -0.2])
        >>> ranks = Ranks.of(*falls, (1, 2))
        >>> rows = np.array([0, 1, 0, 1, 0, 1]), np.array([1, 1, 2, 2, 3, 3])
        >>> ranks.add(*rows, np.array([0.3, np.nan, -0.2, -0.2, -0.1, 0.5]))
        >>> ranks.n.tolist(), ranks.n_no_lower.tolist()
        ([3, 1], [2, 1])
        """
        kept = np.flatnonzero(listing >= 0)
        days, session = np.unique(day[kept], return_inverse=True)
        if not len(days):
            return
        laid = np.full((len(days), self.value.shape[1]), np.nan)
        laid[session, listing[kept]] = values[kept]
        begun = int(np.searchsorted(self.first, days[-1], side="right"))
        for event in np.flatnonzero(self.last[:begun] >= days[0]):
            passed = ~np.isnan(laid) & (days[:, None] <= self.until[event])
            self.counts[event] += passed.sum(axis=0)
            self.counts_no_lower[event] += (passed & (laid >= self.value[event])).sum(axis=0)
        self.counts[begun:] += (~np.isnan(laid)).sum(axis=0)
        for start in range(0, laid.shape[1], LISTINGS_AT_ONCE):
            some = slice(start, start + LISTINGS_AT_ONCE)
            self.counts_no_lower[begun:, some] += _no_lower(self.value[begun:, some], laid[:, some])


def _no_lower(thresholds: Floats, laid: Floats) -> Ints:
    """Return how many rows of `laid` are at or above each threshold of their column."""
    total = np.zeros(thresholds.shape, np.int64)
    marks = np.empty(thresholds.shape, bool)
    for start in range(0, len(laid), SESSIONS_AT_ONCE):
        count = np.zeros(thresholds.shape, np.uint8)
        for row in laid[start : start + SESSIONS_AT_ONCE]:
            np.less_equal(thresholds, row, out=marks)
            np.add(count, marks.view(np.uint8), out=count)
        total += count
    return total
