"""Who is observed in which event, in which windows, and who is left out and why.

Belongs here: the way from the core tables to what `selloff.event_study` judges. Does not belong
here: any model or test, and how results become rows (`selloff.event_tests`).
"""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import fetched, looked_up
from selloff.event_sessions import event_sessions
from selloff.event_study.events import Reason, Windows
from selloff.event_study.panels import MARKET, Panel
from selloff.event_study.studies import Estimated, NothingLeftError, estimated
from selloff.members import is_index

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ibis.expr.types as ir
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

_OBSERVATION = ("event_id", "listing_id", "ticker", "session_date")


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region's listings, and the events that they are observed in.

    Parameters
    ----------
    name : str
        The region.
    dates : array of shape (n_dates,)
        Its sessions.
    listings : DataFrame
        `listing_id`, `ticker`, `sector`, `issuer_id`, `constituent_from`: a row per column of the
        panel.
    events : DataFrame
        `event_id`, `region`, `scope`: the events, numbered by position.
    event, listing, date : array of shape (n_observations,)
        Of each observation the number of its event, the column of its listing, and the place of
        its session among the dates; -1 for a day on which the region did not trade.
    returns, market, volume : array of shape (n_dates, n_listings)
        Log returns, those of each listing's market, and shares traded; NaN where missing.
    is_simulated, as_of : array of shape (n_dates,)
        Whether any row of the session rests on simulated bars, and its newest vintage (UTC).
    """

    name: str
    dates: NDArray[Any]
    listings: pd.DataFrame
    events: pd.DataFrame
    event: NDArray[np.int64]
    listing: NDArray[np.int64]
    date: NDArray[np.int64]
    returns: NDArray[np.float64]
    market: NDArray[np.float64]
    volume: NDArray[np.float64]
    is_simulated: NDArray[np.bool_]
    as_of: NDArray[Any]

    @cached_property
    def places(self) -> dict[int, int]:
        """Place of each observed event's session among the dates, by the event's number."""
        last = np.full(len(self.events), -1, dtype=np.int64)
        np.maximum.at(last, self.event, self.date)
        return {int(number): int(last[number]) for number in np.unique(self.event)}

    @cached_property
    def shared(self) -> dict[int, list[tuple[int, int]]]:
        """Windows of each observed event that hold the day of another one."""
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


def regions(
    selloff_events: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
) -> Iterator[Region]:
    """Yield every region that has members to observe in the events found.

    A member is observed in its own first session after the shock, whichever region that was in.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the tables of these names. Withdrawn events are left out.
    """
    standing = selloff_events.filter(selloff_events.status != "withdrawn")
    asked = standing.select("event_id", "region", "started_at", event_date="session_date")
    equities = instruments.filter(instruments.asset_class == "equity", instruments.region.notnull())
    targets = fetched(event_sessions(asked, daily_prices, equities, sessions))
    if targets.empty:
        return
    events = fetched(standing.select("event_id", "region", "scope")).sort_values("event_id")
    known = fetched(
        equities.select("listing_id", "ticker", "region", "sector", "issuer_id", "constituent_from")
    ).sort_values("listing_id")
    volumes = daily_prices.select("listing_id", "session_date", "volume")
    rows = looked_up(abnormal_returns, volumes, ("listing_id", "session_date"))
    for name, listings in known.groupby("region", sort=True):
        own = rows.semi_join(equities.filter(equities.region == name), "listing_id")
        region = _region(str(name), own, listings.reset_index(drop=True), events, targets)
        if region is not None:
            yield region


def dropped_observations(
    selloff_events: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
) -> pd.DataFrame:
    """Say which listings an event study leaves out of which event, and why.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    DataFrame
        Columns of ``mart.dropped_observations``: for every member of a region's market that the
        market model cannot judge the first `Reason` that applies, and ``overlapping_events`` for
        those left out of the windows that `detail` names, and of no other.
    """
    import pandas as pd

    names = (*_OBSERVATION, "reason", "detail", "has_simulated_inputs", "as_of")
    empty = pd.DataFrame(columns=list(names))
    found = [
        _dropped(region)
        for region in regions(selloff_events, abnormal_returns, daily_prices, instruments, sessions)
    ]
    some = [frame for frame in found if len(frame)]
    return pd.concat(some, ignore_index=True)[list(names)] if some else empty


def _dropped(region: Region) -> pd.DataFrame:
    """Return what one region's studies leave out."""
    from selloff.event_study.models import MARKET_MODEL

    try:
        study = region.estimated(MARKET_MODEL)
        kept, dropped = study.kept, study.dropped
    except NothingLeftError as error:
        kept, dropped = np.empty(0, dtype=np.int64), error.dropped
    reasons = {one.event: (one.reason.value, "") for one in dropped}
    shared = {
        number: "; ".join(f"[{start}, {end}]" for start, end in windows)
        for number, windows in region.shared.items()
    }
    for number in kept.tolist():
        if windows := shared[int(region.event[number])]:
            reasons[number] = (Reason.OVERLAPPING_EVENTS.value, windows)
    return _told(region, reasons)


def _told(region: Region, reasons: dict[int, tuple[str, str]]) -> pd.DataFrame:
    """Return one row per observation with a reason."""
    import pandas as pd

    numbers = np.array(sorted(reasons), dtype=np.int64)
    events, dates = region.event[numbers], region.date[numbers]
    is_session = (dates >= 0) & (dates < len(region.dates))
    days = pd.Series(region.dates[np.where(is_session, dates, 0)]).where(is_session)
    seen = {number: region.seen(number, WINDOWS.event_last) for number in region.places}
    listings = region.listings.iloc[region.listing[numbers]]
    return pd.DataFrame(
        {
            "event_id": region.events["event_id"].to_numpy()[events],
            "listing_id": listings["listing_id"].to_numpy(),
            "ticker": listings["ticker"].to_numpy(),
            "session_date": days,
            "reason": [reasons[number][0] for number in numbers.tolist()],
            "detail": [reasons[number][1] for number in numbers.tolist()],
            "has_simulated_inputs": [seen[event][1] for event in events.tolist()],
            "as_of": [seen[event][2] for event in events.tolist()],
        }
    )


def _region(
    name: str, rows: ir.Table, listings: pd.DataFrame, events: pd.DataFrame, targets: pd.DataFrame
) -> Region | None:
    """Lay a region's rows out by session and listing, and find who is observed in which event."""
    wanted = ("log_return", "market_log_return", "volume")
    panel = rows.select(
        "listing_id", "session_date", *wanted, "has_simulated_inputs", "as_of"
    ).to_pyarrow()
    asked = targets[targets["listing_id"].isin(listings["listing_id"])]
    if not panel.num_rows or asked.empty:
        return None
    coded = panel["listing_id"].combine_chunks().dictionary_encode()
    column = _index(listings["listing_id"]).get_indexer(coded.dictionary.to_pylist())
    column = column[coded.indices.to_numpy(zero_copy_only=False)]
    days = panel["session_date"].to_numpy().astype("datetime64[D]")
    dates, row = np.unique(days, return_inverse=True)
    grids = [np.full((len(dates), len(listings)), np.nan) for _ in wanted]
    for grid, figure in zip(grids, wanted, strict=True):
        grid[row, column] = panel[figure].to_numpy()
    event, listing, date = _observed(grids[0], dates, listings, events, asked)
    return Region(
        name=name,
        dates=dates,
        listings=listings,
        events=events.reset_index(drop=True),
        event=event,
        listing=listing,
        date=date,
        returns=grids[0],
        market=grids[1],
        volume=grids[2],
        is_simulated=np.bincount(row, panel["has_simulated_inputs"].to_numpy()) > 0,
        as_of=_latest(row, panel["as_of"].to_numpy()),
    )


def _observed(
    returns: NDArray[np.float64],
    dates: NDArray[Any],
    listings: pd.DataFrame,
    events: pd.DataFrame,
    asked: pd.DataFrame,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the observations: the members of the market in each event, whether they traded."""
    event = _index(events["event_id"]).get_indexer(_index(asked["event_id"]))
    listing = _index(listings["listing_id"]).get_indexer(_index(asked["listing_id"]))
    day = asked["session_date"].to_numpy().astype("datetime64[D]")
    date = np.minimum(np.searchsorted(dates, day), len(dates) - 1)
    date = np.where(dates[date] == day, date, np.where(day > dates[-1], len(dates), -1))
    entered = listings["constituent_from"].to_numpy().astype("datetime64[D]")[listing]
    is_constituent: NDArray[np.bool_] = np.asarray(entered <= day)  # NaT is no day
    inside = (date >= 0) & (date < len(dates))
    traded = inside & np.isfinite(returns[np.where(inside, date, 0), listing])
    n_events = len(events)
    index = np.bincount(event, is_constituent & traded, n_events)
    speaks = np.broadcast_to(is_index(index, np.bincount(event, traded, n_events)), n_events)
    kept = np.flatnonzero((is_constituent | ~speaks[event]) & _is_alive(returns, listing, date))
    order = kept[np.lexsort((listing[kept], event[kept]))]
    # An event after the last session of the region has nobody to observe yet.
    held = np.isin(event[order], np.unique(event[order][traded[order]]))
    order = order[held]
    return event[order], listing[order], date[order]


def _is_alive(
    returns: NDArray[np.float64], listing: NDArray[np.int64], date: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Say of each observation whether its listing has a return in the sessions around it.

    What was never delivered, has ceased to trade or is listed years later is nobody's observation.
    """
    before = np.vstack([np.zeros(returns.shape[1]), np.isfinite(returns).cumsum(axis=0)])
    last = len(returns)
    start = np.clip(date - NEAR, 0, last)
    end = np.clip(date + NEAR + 1, 0, last)
    found: NDArray[np.bool_] = before[end, listing] > before[start, listing]
    return found


def _latest(row: NDArray[np.int64], stamps: NDArray[Any]) -> NDArray[Any]:
    """Return the newest stamp of each row."""
    newest = np.zeros(row.max() + 1, dtype=np.int64)
    np.maximum.at(newest, row, stamps.astype("datetime64[us]").astype(np.int64))
    return newest.astype("datetime64[us]")


def _index(values: Any) -> pd.Index:
    import pandas as pd

    found: pd.Index = pd.Index(values)
    return found


def _numbers(values: pd.Series) -> NDArray[np.int64]:
    """Return a number for each name, in the order of first appearance."""
    import pandas as pd

    return np.asarray(pd.factorize(values)[0], dtype=np.int64)
