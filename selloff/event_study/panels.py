"""Returns of listings beside those of their markets and factors, on one calendar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

MARKET = "market"

Kind = Literal["log", "simple"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Returns on a calendar, and what may explain them.

    Arrays are not copied where that can be helped: leave them as they are for as long as a sample
    made of them is in use.

    Parameters
    ----------
    dates : Index of length n_dates
        The shared calendar, ascending and unique.
    listings : Index of length n_listings
        Names, unique.
    returns : array of shape (n_dates, n_listings)
        Log or simple returns (fractions), or any other daily figure to be judged, such as log
        turnover; NaN where missing.
    series : mapping of str to array of shape (n_dates,) or (n_dates, n_listings)
        What models speak of by name: `market`, factors, the riskless rate `rf`; one for all
        listings, or one for each. Same unit as the returns; NaN where missing.
    firms : array of shape (n_listings,)
        Number of the firm behind each listing.
    sessions : bool array of shape (n_dates, n_listings), optional
        Whether the listing's exchange was open. Rows are counted on a listing's own sessions;
        without it every date is a session of all, and a missing return a halt.
    spans_gaps : bool
        Whether a return after missing rows is the one since the last trade, rather than missing.
    """

    dates: pd.Index
    listings: pd.Index
    returns: NDArray[np.float64]
    series: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    firms: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    sessions: NDArray[np.bool_] | None = None
    spans_gaps: bool = False

    def __post_init__(self) -> None:
        if not (self.dates.is_monotonic_increasing and self.dates.is_unique):
            raise ValueError("the dates of a panel are ascending, each once")
        if not self.listings.is_unique:
            raise ValueError("a panel has each listing once")
        if not len(self.firms):
            object.__setattr__(self, "firms", np.arange(len(self.listings)))
        if len(self.firms) != len(self.listings):
            raise ValueError(f"{len(self.firms)} firms for {len(self.listings)} listings")
        self._refuse_misshapen()
        if any(np.isinf(values).any() for values in (self.returns, *self.series.values())):
            raise ValueError("figures must be finite, or NaN where missing")

    def _refuse_misshapen(self) -> None:
        """Raise if anything is not of the panel's dates and listings."""
        shape = (len(self.dates), len(self.listings))
        open_days = self.returns if self.sessions is None else self.sessions
        if self.returns.shape != shape or open_days.shape != shape:
            raise ValueError(f"returns or sessions are not of shape {shape}")
        for name, values in self.series.items():
            if values.shape not in {shape, shape[:1]}:
                raise ValueError(f"{name} has shape {values.shape}, the panel {shape}")


class Frame(NamedTuple):
    """Listings whose rows are the same sessions.

    Parameters
    ----------
    returns : array of shape (n_listings, n_rows)
        Listing by listing, so that a window is one stretch of memory.
    series : dict of str to array of shape (n_rows,) or (n_listings, n_rows)
        As in `Panel`.
    calendar : array of shape (n_rows,)
        Place of each row on the calendar of the panel.
    listings : array of shape (n_listings,)
        Columns of the panel.
    firms : array of shape (n_listings,)
        As in `Panel`.
    spans_gaps : bool
        As in `Panel`.
    """

    returns: NDArray[np.float64]
    series: dict[str, NDArray[np.float64]]
    calendar: NDArray[np.int64]
    listings: NDArray[np.int64]
    firms: NDArray[np.int64]
    spans_gaps: bool


def frames(panel: Panel) -> list[Frame]:
    """Return the panel as frames, one per set of listings with the same sessions.

    Parameters
    ----------
    panel : Panel
        Of any listings.

    Returns
    -------
    list of Frame
        In order of their first listings.

    Examples
    --------
    >>> returns = pd.DataFrame({"NVDA": [0.0, 0.1], "7203.T": [0.0, np.nan]})
    >>> sessions = pd.DataFrame({"NVDA": [True, True], "7203.T": [True, False]})
    >>> [frame.returns.tolist() for frame in frames(panel_of_returns(returns, sessions=sessions))]
    [[[0.0, 0.1]], [[0.0]]]
    """
    every_date = np.arange(len(panel.dates))
    if panel.sessions is None:
        return [_frame(panel, slice(None), every_date, np.arange(len(panel.listings)))]
    calendars, which = _calendars(panel.sessions)
    return [
        _frame(panel, np.flatnonzero(calendar), every_date, np.flatnonzero(which == number))
        for number, calendar in enumerate(calendars)
    ]


def _frame(
    panel: Panel, rows: Any, every_date: NDArray[np.int64], listings: NDArray[np.int64]
) -> Frame:
    """Cut out a frame; without a copy where all of a panel stored listing by listing is asked."""
    columns = slice(None) if len(listings) == len(panel.listings) else listings

    def cut(values: NDArray[np.float64]) -> NDArray[np.float64]:
        if values.ndim == 1:
            return np.asarray(values[rows], dtype=np.float64)
        return np.ascontiguousarray(values[rows][:, columns].T, dtype=np.float64)

    series = {name: cut(values) for name, values in panel.series.items()}
    return Frame(
        cut(panel.returns),
        series,
        every_date[rows],
        listings,
        panel.firms[listings],
        panel.spans_gaps,
    )


def _calendars(sessions: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return the distinct calendars, and which of them each listing follows."""
    keys = [column.tobytes() for column in np.packbits(sessions, axis=0).T]
    which = _numbered(keys)
    first = np.unique(which, return_index=True)[1]
    return sessions[:, first].T, which


def panel_of_returns(
    returns: pd.DataFrame,
    market: pd.Series | pd.DataFrame | None = None,
    factors: pd.DataFrame | None = None,
    *,
    firms: Mapping[Any, Any] | None = None,
    sessions: pd.DataFrame | None = None,
    spans_gaps: bool = False,
) -> Panel:
    """Put returns, or any other daily figures, beside those of the market and of factors.

    Parameters
    ----------
    returns : DataFrame
        Dates in the index, a column per listing; NaN where missing.
    market : Series or DataFrame, optional
        Return of the market by date; of each listing's own market with a column per listing.
    factors : DataFrame, optional
        A column per factor by date, as fractions; `rf` is the riskless rate per session.
    firms : mapping, optional
        The firm of each listing; a listing that is not in it is a firm of its own.
    sessions : DataFrame of bool, optional
        Whether each listing's exchange was open, shaped as `returns`.
    spans_gaps : bool
        As in `Panel`.

    Returns
    -------
    Panel
        On the dates of `returns`; NaN where market or factors lack one of them.

    Raises
    ------
    ValueError
        If dates are not ascending, or anything stands twice.

    Examples
    --------
    >>> days = pd.date_range("2025-01-06", periods=3)
    >>> returns = pd.DataFrame({"A": [0.01, -0.17, 0.09]}, index=days)
    >>> panel_of_returns(returns, pd.Series([0.0, -0.02, 0.01], index=days)).series["market"]
    array([ 0.  , -0.02,  0.01])
    """
    series = {} if factors is None else {str(name): _on(factors[name], returns) for name in factors}
    if market is not None:
        series[MARKET] = _on(market, returns)
    names = [(firms or {}).get(name, ("listing", name)) for name in returns.columns]
    return Panel(
        dates=returns.index,
        listings=returns.columns,
        returns=returns.to_numpy(dtype=np.float64),
        series=series,
        firms=_numbered(names),
        sessions=None if sessions is None else _open(sessions, returns),
        spans_gaps=spans_gaps,
    )


def _numbered(names: list[Any]) -> NDArray[np.int64]:
    """Give each name the number of its first appearance among the names."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _on(values: pd.Series | pd.DataFrame, returns: pd.DataFrame) -> NDArray[np.float64]:
    """Return values on the dates, and where they have columns on the listings, of returns."""
    if isinstance(values, pd.DataFrame):
        values = values.reindex(columns=returns.columns)
    found: NDArray[np.float64] = values.reindex(returns.index).to_numpy(dtype=np.float64)
    return found


def _open(sessions: pd.DataFrame, returns: pd.DataFrame) -> NDArray[np.bool_]:
    """Return sessions on the dates and listings of returns; what is not named was closed."""
    known = sessions.reindex(index=returns.index, columns=returns.columns)
    found: NDArray[np.bool_] = known.to_numpy() == True  # noqa: E712 - NaN is not True
    return found


def panel_of_prices(
    prices: pd.DataFrame,
    market: pd.Series | None = None,
    factors: pd.DataFrame | None = None,
    *,
    kind: Kind = "log",
    firms: Mapping[Any, Any] | None = None,
    sessions: pd.DataFrame | None = None,
    spans_gaps: bool = False,
) -> Panel:
    """Put the returns of closes beside those of the market over the same sessions.

    Parameters
    ----------
    prices : DataFrame
        Adjusted closes, dates in the index, a column per listing; NaN where there was no trade.
    market : Series, optional
        Closes of the market. Its return spans each listing's own sessions, as the listing's does.
    factors, firms, sessions
        As in `panel_of_returns`.
    kind : {"log", "simple"}
        Log returns add up over a window; simple ones are what `paths.bhar` compounds.
    spans_gaps : bool
        Whether the return after a gap is the one since the last trade, as `TradeToTrade` needs;
        else it is missing, as no market return of one session explains it.

    Returns
    -------
    Panel
        The first row of each listing has no return.

    Raises
    ------
    ValueError
        If a price is not positive, dates are not ascending, or anything stands twice.

    Examples
    --------
    >>> days = pd.date_range("2025-01-24", periods=3)
    >>> prices = pd.DataFrame({"NVDA": [142.62, 118.42, 128.99]}, index=days)
    >>> panel_of_prices(prices, kind="simple").returns.round(4).ravel().tolist()
    [nan, -0.1697, 0.0893]
    """
    if (prices <= 0).to_numpy().any():
        raise ValueError("prices must be positive; leave out the days without one")
    open_days = None if sessions is None else _open(sessions, prices)
    returns = _changes(prices, kind, open_days, spans_gaps=spans_gaps)
    moves = None
    if market is not None:
        closes = market.reindex(prices.index)
        beside = closes if open_days is None else pd.concat([closes] * prices.shape[1], axis=1)
        if isinstance(beside, pd.DataFrame):
            beside.columns = prices.columns
        moves = _changes(beside, kind, open_days, spans_gaps=False)
    return panel_of_returns(
        returns, moves, factors, firms=firms, sessions=sessions, spans_gaps=spans_gaps
    )


def last_known(levels: pd.Series, known_at: Any, at: Any) -> NDArray[np.float64]:
    """Return the last level of another market that was known at some instants.

    A listing in Tokyo closes before New York opens: its market of the day is the S&P 500 as it
    stood at the New York close before. Given to `panel_of_prices` as `market`, on the dates of the
    listing's own sessions, its returns span the same sessions as the listing's.

    Parameters
    ----------
    levels : Series of length n_levels
        Closes of the other market; a missing one is skipped.
    known_at : array-like of datetime64, shape (n_levels,)
        UTC instants of those closes, ascending.
    at : array-like of datetime64, shape (n_sessions,)
        UTC instants at which the listing's own sessions close.

    Returns
    -------
    array of shape (n_sessions,)
        NaN before the first known level.

    Raises
    ------
    ValueError
        If the instants of the levels are not ascending.

    Examples
    --------
    >>> new_york = pd.Series([6101.2, 6012.3])
    >>> closes = ["2025-01-24T21:00", "2025-01-27T21:00"]
    >>> last_known(new_york, closes, ["2025-01-27T06:00", "2025-01-28T06:00"]).tolist()
    [6101.2, 6012.3]
    """
    instants = np.asarray(known_at, dtype="datetime64[ns]")
    if (instants[1:] <= instants[:-1]).any() or np.isnat(instants).any():
        raise ValueError("instants must be known and ascending")
    values = np.asarray(levels, dtype=np.float64)
    is_known = np.isfinite(values)
    values, instants = np.append(np.nan, values[is_known]), instants[is_known]
    found = np.searchsorted(instants, np.asarray(at, dtype="datetime64[ns]"), side="right")
    return np.asarray(values[found])


def _changes(
    closes: Any, kind: Kind, open_days: NDArray[np.bool_] | None, *, spans_gaps: bool
) -> Any:
    """Return the changes from one own session to the next."""
    if open_days is not None:
        parts = {
            name: _changes(closes.iloc[open_days[:, at], at], kind, None, spans_gaps=spans_gaps)
            for at, name in enumerate(closes.columns)
        }
        return pd.DataFrame(parts, index=closes.index, columns=closes.columns)
    before = (closes.ffill() if spans_gaps else closes).shift()
    ratio = closes / before
    return np.log(ratio) if kind == "log" else ratio - 1
