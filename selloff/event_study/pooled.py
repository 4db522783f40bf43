"""Tests of events that come in parts, of which nothing is kept but sums.

What a test asks of its sample are parts that add up over events (`once`), so that ten thousand
listings in each of a hundred events take no more memory than those of one. One part does not: the
generalized ranks set every SCAR over the spread of all of them, and want a second look at each
event once that is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.event_study.bootstrap import by_date, cluster_bootstrap, wild_bootstrap
from selloff.event_study.calendar_time import (
    calendar_portfolio,
    calendar_time,
    jaffe_mandelker,
    n_held,
)
from selloff.event_study.dated_sums import dated_sums
from selloff.event_study.dependence import PAIRED_EVENTS, event_counts
from selloff.event_study.evidence import Evidence, estimation_sums, once
from selloff.event_study.generalized_ranks import generalized_ranks, grank_t, grank_z, lifted
from selloff.event_study.parametric import bmp, cross_sectional, kolari_pynnonen, moments
from selloff.event_study.sample import Sample, taken, together

if TYPE_CHECKING:
    from collections.abc import Callable

    from selloff.event_study.battery import Test
    from selloff.event_study.generalized_ranks import Lifted

OF_SUMS: frozenset[Test] = frozenset(
    {
        cross_sectional,
        bmp,
        kolari_pynnonen,
        grank_t,
        grank_z,
        wild_bootstrap,
        cluster_bootstrap,
        calendar_time,
        jaffe_mandelker,
    }
)
"""The tests that ask for nothing but parts which add up."""

_OF_WINDOWS: tuple[tuple[Callable[..., Any], dict[str, bool]], ...] = (
    (moments, {}),
    (moments, {"scaled": True}),
    (by_date, {"scaled": True}),
    (calendar_portfolio, {}),
    (dated_sums, {}),
    (n_held, {}),
)


class Pool:
    """All events of a window together, each seen and forgotten.

    First `add` every event, then, if it `wants_ranks`, `rank` every one, then ask for `evidence`.
    As long as there are so few events that they are correlated pair by pair (`PAIRED_EVENTS`),
    they are kept.

    Parameters
    ----------
    first, last : int
        Relative rows of the window, both included.

    Examples
    --------
    >>> from selloff.event_study.evidence import given
    >>> pool = Pool(0, 0)
    >>> for falls in ([[-0.09]], [[-0.05]]):
    ...     pool.add(given(falls, [[0.01, -0.01]]))
    >>> round(cross_sectional(pool.evidence(), 0, 0).statistic, 4)
    -3.5
    """

    def __init__(self, first: int, last: int) -> None:
        self.window = (first, last)
        self._parts: dict[Any, Any] = {}
        self._lifted: Lifted | None = None
        self._few: list[Sample] = []

    @property
    def wants_ranks(self) -> bool:
        """Whether the events are too many to be kept."""
        sums = self._parts.get((estimation_sums, ()))
        return sums is not None and sums.n_with_residuals > PAIRED_EVENTS

    def add(self, sample: Sample) -> None:
        """Add up what tests need of some events, on the calendar of all."""
        for part, how in _OF_WINDOWS:
            self._plus(part, once(sample, part, *self.window, **how), **how)
        for part in (event_counts, estimation_sums):
            self._plus(part, once(sample, part))
        self._few.append(sample)
        if self.wants_ranks:  # of the first a sample without events is kept, for its rows
            self._few = [taken(self._few[0], np.empty(0, dtype=np.int64))]

    def rank(self, sample: Sample) -> None:
        """Rank some events by the spread of all SCARs."""
        spread = self._parts[moments, (("scaled", True),)].spread
        found = lifted(sample, *self.window, spread)
        self._lifted = found if self._lifted is None else self._lifted.plus(found)

    def evidence(self) -> Evidence:
        """Return what the tests in `OF_SUMS` take for a sample of all events.

        Raises
        ------
        ValueError
            If events are still to be ranked.
        """
        if not self.wants_ranks:
            return Evidence.of(together(self._few))
        if self._lifted is None:
            raise ValueError("rank every event, now that the spread of all is known")
        found = Evidence.of(self._few[0])
        for part, how in _OF_WINDOWS:
            found.keep(self._parts[part, tuple(how.items())], part, *self.window, **how)
        for part in (event_counts, estimation_sums):
            found.keep(self._parts[part, ()], part)
        n_ranked = self._parts[moments, (("scaled", True),)].n
        found.keep(self._lifted.ranks(n_ranked), generalized_ranks, *self.window)
        return found

    def _plus(self, part: Callable[..., Any], value: Any, **how: bool) -> None:
        key = part, tuple(how.items())
        known = self._parts.get(key)
        if known is None or isinstance(value, int):
            self._parts[key] = (known or 0) + value if isinstance(value, int) else value
        else:
            self._parts[key] = known.plus(value)
