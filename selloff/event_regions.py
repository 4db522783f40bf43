"""One region's listings around some events: who is observed in which, and in which windows.

Belongs here: what follows from returns laid out by session and listing. Does not belong here: how
they are read (`selloff.observations`), and any model or test.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff.event_study.events import Reason, Windows
from selloff.event_study.panels import MARKET, Panel
from selloff.event_study.studies import Estimated, estimated
from selloff.members import is_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from selloff.event_study._fits import Model

# As `core.abnormal_returns` is estimated: 200 valid pairs among rows [-260,-11].
WINDOWS = Windows(minimum=200)
DAYS = tuple((day, day) for day in range(WINDOWS.event_first, WINDOWS.event_last + 1))
TESTED = (*DAYS, (-5, -1), (-1, 1), (0, 1), (0, 5), (1, 5))
"""Windows in which an event is tested: every day, and what came before, with and after it."""

NEAR = 10
"""Sessions before or after an event in which a listing must have traded to be looked for in it."""


class Asked(NamedTuple):
    """Where to look for whom.

    Parameters
    ----------
    event, listing : array of shape (n_asked,)
        Number of an event, and column of a listing.
    day : array of shape (n_asked,)
        The listing's own session of the event.
    """

    event: NDArray[np.int64]
    listing: NDArray[np.int64]
    day: NDArray[Any]

    def of(self, some: NDArray[np.bool_]) -> Asked:
        """Return what is asked of some events, by number."""
        kept = some[self.event]
        return Asked(self.event[kept], self.listing[kept], self.day[kept])


class Observed(NamedTuple):
    """Observations of events.

    Parameters
    ----------
    event, listing, date : array of shape (n_observations,)
        Of each the number of its event, the column of its listing, and the place of its session
        among the dates; -1 for a day on which the region did not trade.
    """

    event: NDArray[np.int64]
    listing: NDArray[np.int64]
    date: NDArray[np.int64]

    def of(self, some: NDArray[np.bool_]) -> Observed:
        """Return those of some events, by number."""
        kept = some[self.event]
        return Observed(self.event[kept], self.listing[kept], self.date[kept])

    def places(self, n_events: int) -> dict[int, int]:
        """Place of each observed event's session among the dates, by the event's number."""
        last = np.full(n_events, -1, dtype=np.int64)
        np.maximum.at(last, self.event, self.date)
        return {int(number): int(last[number]) for number in np.unique(self.event)}


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region's listings over a stretch of time, and the events they are observed in then.

    Parameters
    ----------
    name : str
        The region.
    stretch : int
        Which events are judged here: those of the same number, of all regions.
    dates : array of shape (n_dates,)
        Its sessions, from the first estimation row of the first event on.
    listings : DataFrame
        `listing_id`, `ticker`, `sector`, `issuer_id`, `constituent_from`: a row per column of the
        panel.
    events : DataFrame
        `event_id`, `region`, `scope`: the events, numbered by position.
    event, listing, date : array of shape (n_observations,)
        As in `Observed`, of the events that are judged here.
    places : dict of int to int
        Place of the session of each of these events, and of others near them, by number.
    returns, market, log_volume : array of shape (n_dates, n_listings)
        Log returns, those of each listing's market, and `selloff.returns.log_volume`; NaN where
        missing.
    is_simulated, as_of : array of shape (n_dates,)
        Whether any row of the session rests on simulated bars, and its newest vintage (UTC).
    """

    name: str
    stretch: int
    dates: NDArray[Any]
    listings: pd.DataFrame
    events: pd.DataFrame
    event: NDArray[np.int64]
    listing: NDArray[np.int64]
    date: NDArray[np.int64]
    places: dict[int, int]
    returns: NDArray[np.float64]
    market: NDArray[np.float64]
    log_volume: NDArray[np.float64]
    is_simulated: NDArray[np.bool_]
    as_of: NDArray[Any]

    @cached_property
    def shared(self) -> dict[int, list[tuple[int, int]]]:
        """Windows of each event, by number, that hold the day of another one."""
        # One firm's own event says nothing of the others' windows.
        is_broad = (self.events["scope"] != "single_name").tolist()
        days = {place for number, place in self.places.items() if is_broad[number]}
        return {
            number: [
                (start, end)
                for start, end in TESTED
                if any(start <= day - own <= end for day in days if day != own)
            ]
            for number, own in self.places.items()
        }

    def estimated(self, model: Model, figures: NDArray[np.float64] | None = None) -> Estimated:
        """Judge every observation by a model, on returns or on other daily figures.

        Raises
        ------
        NothingLeftError
            If none can be judged.
        """
        panel = Panel(
            dates=_index(self.dates),
            listings=_index(self.listings["listing_id"]),
            returns=self.returns if figures is None else figures,
            series={MARKET: self.market},
            firms=_numbers(self.listings["issuer_id"].fillna(self.listings["listing_id"])),
        )
        # Which windows two events share is asked window by window (`shared`).
        tolerated = (Reason.OVERLAPPING_EVENTS,)
        return estimated(panel, self.listing, self.date, model, WINDOWS, tolerated)

    def windows(self, event: int) -> Iterator[tuple[int, int]]:
        """Yield the windows of an event that are over, and hold the day of no other event."""
        left = len(self.dates) - 1 - self.places[event]
        for start, end in TESTED:
            if end <= left and (start, end) not in self.shared[event]:
                yield start, end

    def seen(self, event: int, end: int) -> tuple[Any, bool, Any]:
        """Return the session that a window has seen, and what it rests on."""
        place = self.places[event]
        until = min(place + end, len(self.dates) - 1)
        rows = slice(max(place + WINDOWS.event_first, 0), until + 1)
        return self.dates[until], bool(self.is_simulated[rows].any()), self.as_of[rows].max()


def observed(
    returns: NDArray[np.float64],
    dates: NDArray[Any],
    listings: pd.DataFrame,
    asked: Asked,
    n_events: int,
) -> Observed:
    """Return the members of the market in each event, whether they traded or not.

    Parameters
    ----------
    returns : array of shape (n_dates, n_listings)
        Log returns; NaN where missing.
    dates : array of shape (n_dates,)
        Sessions, with ten (`NEAR`) around every event's, if there are so many.
    listings : DataFrame
        As in `Region`.
    asked : Asked
        Where to look for whom.
    n_events : int
        How many events there are to be numbered.

    Returns
    -------
    Observed
        In order of events and listings.
    """
    event, listing, day = asked
    place = np.searchsorted(dates, day)
    date = np.minimum(place, len(dates) - 1)
    date = np.where(dates[date] == day, date, np.where(day > dates[-1], len(dates), -1))
    entered = listings["constituent_from"].to_numpy().astype("datetime64[D]")[listing]
    is_constituent: NDArray[np.bool_] = np.asarray(entered <= day)  # NaT is no day
    inside = (date >= 0) & (date < len(dates))
    traded = inside & np.isfinite(returns[np.where(inside, date, 0), listing])
    index = np.bincount(event, is_constituent & traded, n_events)
    speaks = np.broadcast_to(is_index(index, np.bincount(event, traded, n_events)), n_events)
    kept = np.flatnonzero((is_constituent | ~speaks[event]) & _is_alive(returns, listing, place))
    order = kept[np.lexsort((listing[kept], event[kept]))]
    # An event after the last session of the region has nobody to observe yet.
    held = np.isin(event[order], np.unique(event[order][traded[order]]))
    order = order[held]
    return Observed(event[order], listing[order], date[order])


def _is_alive(
    returns: NDArray[np.float64], listing: NDArray[np.int64], place: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say of each observation whether its listing has a return in the sessions around its day.

    What was never delivered, has ceased to trade or is listed years later is nobody's observation.
    """
    before = np.vstack([np.zeros(returns.shape[1]), np.isfinite(returns).cumsum(axis=0)])
    last = len(returns)
    start = np.clip(place - NEAR, 0, last)
    end = np.clip(place + NEAR + 1, 0, last)
    found: NDArray[np.bool_] = before[end, listing] > before[start, listing]
    return found


def _index(values: Any) -> pd.Index:
    import pandas as pd

    found: pd.Index = pd.Index(values)
    return found


def _numbers(values: pd.Series) -> NDArray[np.int64]:
    """Return a number for each name, in the order of first appearance."""
    import pandas as pd

    return np.asarray(pd.factorize(values)[0], dtype=np.int64)
