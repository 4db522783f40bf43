"""Sets of series before and after an event: which rows, which series, and where it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.common_clock import close_apart, on_one_clock
from selloff.contagion_sets import WINDOWS
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    import pandas as pd

    from selloff.contagion_sets import SeriesSet

BEFORE, RECENT = WINDOWS
"""Sessions before an event that measures rest on; fewer where fewer are known."""
AFTER = 21
"""Sessions from the event's first on: as far as its outcomes are followed, itself and 20 more."""
FEWEST_BEFORE, FEWEST_AFTER = 60, 5


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The complete series of a set around one event.

    Parameters
    ----------
    event_id : str
        The event.
    series : SeriesSet
        The set.
    as_traded : DataFrame
        Log returns on common sessions, those before the event and those from its first on.
    returns, before : DataFrame
        All of these rows of the series that are complete in them, and the rows before the event
        of those complete there, whatever became of them; on one clock where the series close at
        different hours: what is said of `before` is synchronized by what was known before.
    n_before : int
        How many rows lie before it.
    origin : str
        The series in which it began; empty where that is not known or not complete.
    hours : dict of str to float
        Hours (UTC) at which the series close; empty where that is not known.
    synchronization, synchronization_before : str
        ``vma1`` where `returns`, and `before`, were brought to one clock, else ``none``.
    """

    event_id: str
    series: SeriesSet
    as_traded: pd.DataFrame
    returns: pd.DataFrame
    before: pd.DataFrame
    n_before: int
    origin: str
    hours: dict[str, float]
    synchronization: str
    synchronization_before: str

    @property
    def after(self) -> pd.DataFrame:
        """The rows from the event's first session on."""
        return self.returns.iloc[self.n_before :]

    @property
    def is_turmoil(self) -> Any:
        """Which rows are not before the event."""
        return np.arange(len(self.returns)) >= self.n_before

    @property
    def has_after(self) -> bool:
        """Whether enough sessions have followed to say anything of them."""
        return len(self.after) >= FEWEST_AFTER

    @property
    def has_clocks(self) -> bool:
        """Whether the series close at different hours."""
        return close_apart(self.hours)


def around(
    series: SeriesSet, event_id: str, started_at: pd.Timestamp, origin: str
) -> Around | None:
    """Return what a set offers around an event, or None where it is too little.

    Parameters
    ----------
    series : SeriesSet
        The set.
    event_id : str
        The event.
    started_at : Timestamp
        The close before it, or the moment of its news (UTC): its first session is the first common
        one that closes later.
    origin : str
        The series in which it began.
    """
    is_later = (series.closes.max(axis=1) > started_at).to_numpy()
    place = int(is_later.argmax()) if is_later.any() else 0
    if place < FEWEST_BEFORE:
        return None
    n = min(BEFORE, place)
    rows = series.returns.iloc[place - n : place + AFTER]
    known = rows.iloc[:n]
    known = known.loc[:, (known.notna().all() & (known.abs().max() > 0)).to_numpy()]
    try:
        matrix(known, n_columns=2)
    except SeriesError:
        return None
    traded = rows[known.columns].dropna(axis="columns")
    after = traded.iloc[n:]
    # What stands still since has no correlation; of a single session nothing can be said yet.
    traded = traded.loc[:, ((after.max() > after.min()) | (len(after) < FEWEST_AFTER)).to_numpy()]
    hours = series.close_hours(known)
    of_traded = {name: hour for name, hour in hours.items() if name in traded.columns}
    whole, before = on_one_clock(traded, of_traded), on_one_clock(known, hours)
    return Around(
        event_id=event_id,
        series=series,
        as_traded=traded,
        returns=traded if whole is None else whole,
        before=known if before is None else before,
        n_before=n,
        origin=origin if origin in known.columns else "",
        hours=hours,
        synchronization="none" if whole is None else "vma1",
        synchronization_before="none" if before is None else "vma1",
    )
