"""Sets of series before and after an event: which rows, which series, and where it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    returns : DataFrame
        Log returns on common sessions, those before the event and those from its first on.
    n_before : int
        How many rows lie before it.
    origin : str
        The series in which it began; empty where that is not known or not complete.
    """

    event_id: str
    series: SeriesSet
    returns: pd.DataFrame
    n_before: int
    origin: str

    @property
    def before(self) -> pd.DataFrame:
        """The rows up to the last session before the event."""
        return self.returns.iloc[: self.n_before]

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
    n_before = min(BEFORE, place)
    rows = series.returns.iloc[place - n_before : place + AFTER]
    moving = rows.loc[:, (rows.notna().all() & (rows.iloc[:n_before].abs().max() > 0)).to_numpy()]
    try:
        matrix(moving.iloc[:n_before], n_columns=2)
    except SeriesError:
        return None
    return Around(event_id, series, moving, n_before, origin if origin in moving.columns else "")
