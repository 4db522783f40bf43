"""Which rows an event is judged on, and why some events cannot be judged."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Reason(StrEnum):
    """Why an event is left out of a study."""

    UNKNOWN_LISTING = "unknown_listing"
    BEFORE_LISTING = "before_listing"
    AFTER_THE_LAST_ROW = "after_the_last_row"
    EVENT_ON_A_HOLIDAY = "event_on_a_holiday"
    HALTED_ON_THE_EVENT_DAY = "halted_on_the_event_day"
    TOO_FEW_ESTIMATION_ROWS = "too_few_estimation_rows"
    NO_BENCHMARK = "no_benchmark"
    CONSTANT_PRICES = "constant_prices"
    COLLINEAR_FACTORS = "collinear_factors"
    NO_RESIDUAL_VARIANCE = "no_residual_variance"
    NOT_CONVERGED = "not_converged"
    OVERLAPPING_EVENTS = "overlapping_events"


# A place on the calendar for dates that come after it.
AFTER = np.iinfo(np.int64).max

TOLERABLE = frozenset({Reason.HALTED_ON_THE_EVENT_DAY, Reason.OVERLAPPING_EVENTS})


class Dropped(NamedTuple):
    """An event that was left out.

    Parameters
    ----------
    event : int
        Its number among those asked for.
    reason : Reason
        The first that was found.
    """

    event: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of a listing's own sessions, counted from the event (0 is its own session).

    Parameters
    ----------
    first, last : int
        Estimation rows, both included.
    event_first, event_last : int
        Event rows, both included.
    minimum : int
        Valid pairs among the estimation rows without which nothing is estimated.

    Examples
    --------
    >>> Windows().n_estimation, Windows().n_rows
    (250, 11)
    """

    first: int = -260
    last: int = -11
    event_first: int = -5
    event_last: int = 5
    minimum: int = 120

    def __post_init__(self) -> None:
        if not (self.first <= self.last < self.event_first <= 0 <= self.event_last):
            raise ValueError(f"estimation rows come before event rows, which hold row 0: {self}")
        if not 0 < self.minimum <= self.n_estimation:
            raise ValueError(f"{self.minimum} pairs among {self.n_estimation} estimation rows")

    @property
    def n_estimation(self) -> int:
        """Number of estimation rows."""
        return self.last - self.first + 1

    @property
    def n_rows(self) -> int:
        """Number of event rows."""
        return self.event_last - self.event_first + 1


class Rejected:
    """The first reason, if any, why each of some events is left out.

    Examples
    --------
    >>> found = Rejected(2)
    >>> found.add(np.array([False, True]), Reason.NO_BENCHMARK)
    >>> found.add(np.array([False, True]), Reason.CONSTANT_PRICES)
    >>> found.kept, found.dropped
    (array([0]), [Dropped(event=1, reason=<Reason.NO_BENCHMARK: 'no_benchmark'>)])
    """

    __slots__ = ("_codes",)
    _REASONS = tuple(Reason)

    def __init__(self, n_events: int) -> None:
        self._codes = np.full(n_events, -1, dtype=np.int8)

    def add(self, where: NDArray[np.bool_], reason: Reason) -> None:
        """Give a reason to the events that have none yet."""
        self._codes[where & (self._codes < 0)] = self._REASONS.index(reason)

    def put(self, events: NDArray[np.int64], found: Rejected) -> None:
        """Take over what was found of some events."""
        self._codes[events] = found._codes

    @property
    def n_events(self) -> int:
        """Number of events."""
        return len(self._codes)

    @property
    def kept(self) -> NDArray[np.int64]:
        """Numbers of the events without a reason."""
        return np.flatnonzero(self._codes < 0)

    @property
    def dropped(self) -> list[Dropped]:
        """The events with a reason."""
        codes = self._codes
        return [Dropped(int(at), self._REASONS[codes[at]]) for at in np.flatnonzero(codes >= 0)]


def overlapping(
    firms: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say which events begin before an earlier event of the same firm is over.

    Parameters
    ----------
    firms, first, last : array of shape (n_events,)
        Firm, and places of the first and last event row on the shared calendar.

    Returns
    -------
    bool array of shape (n_events,)
        False for the first of a firm, and for each that begins after the last one kept has ended;
        of events that begin together the first asked for is kept.

    Examples
    --------
    >>> overlapping(np.array([1, 1, 1, 2]), np.array([0, 9, 12, 9]), np.array([10, 19, 22, 19]))
    array([False,  True, False, False])
    """
    order = np.lexsort((np.arange(len(firms)), first, firms))
    found = np.zeros(len(firms), dtype=bool)
    near = (firms[order][1:] == firms[order][:-1]) & (first[order][1:] <= last[order][:-1])
    if not near.any():
        return found
    kept_firm, kept_last = None, -1
    for at, firm, begin, end in zip(
        order.tolist(),
        firms[order].tolist(),
        first[order].tolist(),
        last[order].tolist(),
        strict=True,
    ):
        if firm == kept_firm and begin <= kept_last:
            found[at] = True
        else:
            kept_firm, kept_last = firm, end
    return found


def session_after(news_at: Any, closes_at: Any) -> NDArray[np.int64]:
    """Return the first session of a market that closes after the news.

    News that breaks while a market trades is in that day's close; news at the very instant of a
    close is not.

    Parameters
    ----------
    news_at : array-like of datetime64, shape (n_events,)
        UTC instants.
    closes_at : array-like of datetime64, shape (n_sessions,)
        UTC instants at which the market's sessions close, ascending.

    Returns
    -------
    array of shape (n_events,)
        Number of the session; -1 where none closes later, or the instant is NaT.

    Raises
    ------
    ValueError
        If the closes are not ascending.

    References
    ----------
    Campbell, Cowan and Salotti (2010), Multi-country event-study methods, JBF 34, on local
    sessions.

    Examples
    --------
    >>> tokyo = ["2025-01-27T06:00", "2025-01-28T06:00"]
    >>> session_after(["2025-01-27T05:59", "2025-01-27T06:00", "2025-01-28T07:00"], tokyo)
    array([ 0,  1, -1])
    """
    closes = np.asarray(closes_at, dtype="datetime64[ns]")
    news = np.asarray(news_at, dtype="datetime64[ns]")
    if (closes[1:] <= closes[:-1]).any() or np.isnat(closes).any():
        raise ValueError("closing instants must be known and ascending")
    at = np.searchsorted(closes, news, side="right")
    return np.where((at < len(closes)) & ~np.isnat(news), at, -1)
