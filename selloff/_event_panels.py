"""One region's panel around events, read a stretch of time after another."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff._ibis import looked_up
from selloff.event_regions import NEAR, WINDOWS
from selloff.history import CLOSED_DAYS, DAYS_PER_SESSION
from selloff.returns import log_volume

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

ROWS_AT_ONCE = 1_000_000

_FIGURES = ("log_return", "market_log_return", "log_volume")


class Core(NamedTuple):
    """What events are studied from: the tables of these names.

    Parameters
    ----------
    abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the core tables.
    """

    abnormal_returns: ir.Table
    daily_prices: ir.Table
    instruments: ir.Table
    sessions: ir.Table


class Panel:
    """One region's rows, and where they lie by session and listing in the newest stretch.

    Parameters
    ----------
    core : Core
        The tables.
    region : str
        Whose equities.
    listings : DataFrame
        Those, with `listing_id`.
    has_volume : bool
        Whether volumes are wanted.
    """

    def __init__(
        self, core: Core, region: str, listings: pd.DataFrame, *, has_volume: bool
    ) -> None:
        every = core.instruments
        members = every.filter(every.asset_class == "equity", every.region == region)
        moves = core.abnormal_returns.semi_join(members, "listing_id")
        names = ("listing_id", "session_date", "log_return", "market_log_return")
        self._moves = moves.select(*names, "has_simulated_inputs", "as_of")
        bars = core.daily_prices
        self._bars = bars.select(*names[:2], log_volume=log_volume(bars)) if has_volume else None
        self.listings = listings.reset_index(drop=True)
        self._sessions = np.empty(0, dtype="datetime64[D]")
        self._grids = Grids(self._sessions, self.listings)

    def know(self, first: date, last: date) -> None:
        """Find the sessions from the estimation rows of one day to what is near another."""
        day, before = self._moves.session_date, -WINDOWS.first
        start, end = first - _span(before), last + _span(NEAR)
        found = _days(self._moves.filter(day.between(start, end)))
        if (found < np.datetime64(first)).sum() < before:
            found = np.concatenate([_days(self._moves.filter(day < start)), found])
        if (found > np.datetime64(last)).sum() < NEAR:
            found = np.concatenate([found, _days(self._moves.filter(day > end))])
        self._sessions = found

    def dates(self, first: Any, last: Any) -> NDArray[Any]:
        """Return those around days in between."""
        begin = int(np.searchsorted(self._sessions, first)) + WINDOWS.first
        until = int(np.searchsorted(self._sessions, last, "right")) + NEAR
        return self._sessions[max(begin, 0) : until]

    def laid_out(self, dates: NDArray[Any]) -> Grids:
        """Return the rows of some sessions, of which the last stretch's are there already."""
        grids = Grids(dates, self.listings)
        grids.take(self._grids)
        missing = dates[~np.isin(dates, self._grids.dates)].astype(object)
        step = max(ROWS_AT_ONCE // len(self.listings), 1)
        for start in range(0, len(missing), step):
            some = missing[start : start + step]
            grids.put(self._read(some[0], some[-1]))
        self._grids = grids
        return grids

    def _read(self, first: date, last: date) -> pa.Table:
        rows = self._moves.filter(self._moves.session_date.between(first, last))
        if self._bars is not None:
            bars = self._bars.filter(self._bars.session_date.between(first, last))
            rows = looked_up(rows, bars, ("listing_id", "session_date"))
        return rows.to_pyarrow()


class Grids:
    """Rows laid out by session and listing."""

    def __init__(self, dates: NDArray[Any], listings: pd.DataFrame) -> None:
        import pandas as pd

        self.dates, self._listings = dates, pd.Index(listings["listing_id"])
        self.figures = {name: np.full((len(dates), len(listings)), np.nan) for name in _FIGURES}
        self.is_simulated = np.zeros(len(dates), dtype=bool)
        self._newest = np.zeros(len(dates), dtype=np.int64)

    def take(self, other: Grids) -> None:
        """Take over the sessions that lie in another."""
        _, own, others = np.intersect1d(self.dates, other.dates, return_indices=True)
        for name, grid in self.figures.items():
            grid[own] = other.figures[name][others]
        self.is_simulated[own] = other.is_simulated[others]
        self._newest[own] = other._newest[others]

    def put(self, rows: pa.Table) -> None:
        """Lay out some rows."""
        column = coded(rows["listing_id"], self._listings)
        days = rows["session_date"].to_numpy().astype("datetime64[D]")
        row = np.searchsorted(self.dates, days)
        for name in self.figures.keys() & set(rows.column_names):
            self.figures[name][row, column] = rows[name].to_numpy()
        self.is_simulated[row[rows["has_simulated_inputs"].to_numpy()]] = True
        stamps = rows["as_of"].to_numpy().astype("datetime64[us]").astype(np.int64)
        np.maximum.at(self._newest, row, stamps)

    @property
    def as_of(self) -> NDArray[Any]:
        """The newest stamp of each session."""
        return self._newest.astype("datetime64[us]")


def coded(names: pa.ChunkedArray, known: pd.Index) -> NDArray[np.int64]:
    """Return where each of some names stands among those known; -1 where it does not."""
    found = names.combine_chunks().dictionary_encode()
    places = known.get_indexer(found.dictionary.to_pylist())
    return np.asarray(places[found.indices.to_numpy(zero_copy_only=False)], dtype=np.int64)


def _days(rows: ir.Table) -> NDArray[Any]:
    """Return the sessions of some rows, in order."""
    days = rows.select("session_date").distinct().order_by("session_date").to_pyarrow()
    return np.asarray(days["session_date"].to_numpy(), dtype="datetime64[D]")


def _span(sessions: int) -> timedelta:
    """Return calendar days in which there are so many sessions, if not everything was closed."""
    return timedelta(days=round(sessions * DAYS_PER_SESSION) + CLOSED_DAYS)
