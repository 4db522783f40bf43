"""Who is observed in which event, and who is left out and why.

Belongs here: the way from the core tables to what `selloff.event_study` judges. Does not belong
here: any model or test, and how results become rows (`selloff.event_tests`).
"""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._event_panels import Core, Panel, coded
from selloff._ibis import fetched
from selloff.event_regions import WINDOWS, Asked, Region, observed
from selloff.event_sessions import PATIENCE_DAYS, event_sessions
from selloff.event_study.events import Reason
from selloff.event_study.studies import NothingLeftError
from selloff.history import NEIGHBOUR_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from selloff.history import Days

STRETCH_DAYS = 180
"""Calendar days of events whose panels are read together: with the year before, and some weeks
after, 430 sessions; of ten thousand listings three grids are 100 MB, and each bar is read four
times."""
STRETCH_EVENTS = 10
"""Events whose rows are held at a time: with ten thousand listings 40,000 of each."""

_OBSERVATION = ("event_id", "listing_id", "ticker", "session_date")


def regions(
    selloff_events: ir.Table,
    core: Core,
    days: Days | None = None,
    *,
    at_home: bool = False,
    has_volume: bool = True,
) -> Iterator[Region]:
    """Yield every region that has members to observe in the events found, a stretch at a time.

    A member is observed in its own first session after the shock, whichever region that was in.

    Parameters
    ----------
    selloff_events : ibis Table
        Columns of the table of this name. Withdrawn events are left out.
    core : Core
        The tables.
    days : range of dates, optional
        Has `start`: only events that were not over before are judged; all without it.
    at_home : bool
        Whether to judge only what a region's listings did in its own events.
    has_volume : bool
        Whether volumes are wanted; they are NaN without.

    Yields
    ------
    Region
        All regions of an event before those of a later stretch. What is held of a panel does not
        grow with history, nor does what an event's windows share depend on the stretch.
    """
    standing = selloff_events.filter(selloff_events.status != "withdrawn")
    events = fetched(
        standing.select("event_id", "region", "scope", "session_date", "last_session_date")
    )
    events = events.sort_values("event_id", ignore_index=True)
    equities = core.instruments.filter(
        core.instruments.asset_class == "equity", core.instruments.region.notnull()
    )
    known = fetched(
        equities.select("listing_id", "ticker", "region", "sector", "issuer_id", "constituent_from")
    ).sort_values("listing_id")
    panels = {
        str(name): Panel(core, str(name), listings, has_volume=has_volume)
        for name, listings in known.groupby("region", sort=True)
    }
    stretches = list(_stretches(events, days))
    if not stretches:
        return
    targets = _targets(standing, events[np.any(stretches, axis=0)], core, equities).to_pyarrow()
    asked = {name: _asked(targets, events, panel) for name, panel in panels.items()}
    for number, own in enumerate(stretches):
        for name, panel in panels.items():
            judged = own & (events["region"] == name).to_numpy() if at_home else own
            near = asked[name].of(_near(events, own))
            found = _laid_out(panel, events, judged, near)
            if found is not None:
                yield Region(name=name, stretch=number, listings=panel.listings, **found)


def dropped_observations(
    selloff_events: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    days: Days | None = None,
) -> pd.DataFrame:
    """Say which listings an event study leaves out of which event, and why.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the tables of these names.
    days : range of dates, optional
        Has `start`: only events that were not over before are looked at; all without it.

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
    core = Core(abnormal_returns, daily_prices, instruments, sessions)
    judged = regions(selloff_events, core, days, has_volume=False)
    found = [_dropped(region) for region in judged]
    some = [frame for frame in found if len(frame)]
    if not some:
        return empty
    return _with_halts(pd.concat(some, ignore_index=True), abnormal_returns)[list(names)]


def _with_halts(dropped: pd.DataFrame, abnormal_returns: ir.Table) -> pd.DataFrame:
    """Tell from new listings, and from old ones, those that traded outside of a stretch."""
    is_new = (dropped["reason"] == Reason.BEFORE_LISTING.value).to_numpy()
    is_old = (dropped["reason"] == Reason.AFTER_THE_LAST_ROW.value).to_numpy()
    listings = sorted(set(dropped["listing_id"][is_new | is_old]))
    if not listings:
        return dropped
    rows = abnormal_returns.filter(
        abnormal_returns.listing_id.isin(listings), abnormal_returns.log_return.notnull()
    )
    ends = rows.group_by("listing_id").aggregate(
        first=rows.session_date.min(), last=rows.session_date.max()
    )
    known = fetched(ends).set_index("listing_id").reindex(dropped["listing_id"])
    day = dropped["session_date"].to_numpy()
    is_halted = is_new & (known["first"].to_numpy() < day)
    is_halted |= is_old & (known["last"].to_numpy() > day)
    reasons = np.where(is_halted, Reason.HALTED_ON_THE_EVENT_DAY.value, dropped["reason"])
    return dropped.assign(reason=reasons)


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
    seen = {number: region.seen(number, WINDOWS.event_last) for number in np.unique(events)}
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


def _asked(targets: pa.Table, events: pd.DataFrame, panel: Panel) -> Asked:
    """Return where to look for a region's listings, and find its sessions around those days."""
    import pandas as pd

    listing = coded(targets["listing_id"], pd.Index(panel.listings["listing_id"]))
    event = coded(targets["event_id"], pd.Index(events["event_id"]))
    day = np.asarray(targets["session_date"].to_numpy(), dtype="datetime64[D]")
    kept = listing >= 0
    found = Asked(event[kept], listing[kept], day[kept])
    if kept.any():
        panel.know(found.day.min().item(), found.day.max().item())
    return found


def _near(events: pd.DataFrame, own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which events may share days with some."""
    day = events["session_date"].to_numpy().astype("datetime64[D]")
    near = np.timedelta64(NEIGHBOUR_DAYS)
    found: NDArray[np.bool_] = (day >= day[own].min() - near) & (day <= day[own].max() + near)
    return found


def _laid_out(
    panel: Panel, events: pd.DataFrame, own: NDArray[np.bool_], asked: Asked
) -> dict[str, Any] | None:
    """Lay a region's rows out by session and listing, and find who is observed in which event."""
    of_own = asked.day[own[asked.event]]
    if not len(of_own):
        return None
    dates = panel.dates(of_own.min(), asked.day.max())
    if not len(dates):
        return None
    grids = panel.laid_out(dates)
    returns, market, log_volume = grids.figures.values()
    found = observed(returns, dates, panel.listings, asked, len(events))
    judged = found.of(own)
    if not len(judged.event):
        return None
    return {
        "dates": dates,
        "events": events,
        **judged._asdict(),
        "places": found.places(len(events)),
        "returns": returns,
        "market": market,
        "log_volume": log_volume,
        "is_simulated": grids.is_simulated,
        "as_of": grids.as_of,
    }


def _stretches(events: pd.DataFrame, days: Days | None) -> Iterator[NDArray[np.bool_]]:
    """Yield which events are judged together, in the order of their sessions."""
    wanted = np.ones(len(events), dtype=bool)
    if days is not None:
        last = events["last_session_date"].to_numpy().astype("datetime64[D]")
        wanted = last >= np.datetime64(days.start)
    day = events["session_date"].to_numpy().astype("datetime64[D]")
    left = np.flatnonzero(wanted)[np.argsort(day[wanted], kind="stable")]
    while len(left):
        near = day[left] < day[left[0]] + np.timedelta64(STRETCH_DAYS)
        some = left[near][:STRETCH_EVENTS]
        yield np.isin(np.arange(len(events)), some)
        left = left[len(some) :]


def _targets(standing: ir.Table, own: pd.DataFrame, core: Core, equities: ir.Table) -> ir.Table:
    """Return where to look for whom in some events, and in those that may share days with them."""
    near = timedelta(days=NEIGHBOUR_DAYS)
    first, last = own["session_date"].min().date() - near, own["session_date"].max().date() + near
    events = standing.filter(standing.session_date.between(first, last))
    asked = events.select("event_id", "region", "started_at", event_date="session_date")
    until = last + timedelta(days=PATIENCE_DAYS)
    bars = core.daily_prices.filter(core.daily_prices.session_date.between(first, until))
    return event_sessions(asked, bars, equities, core.sessions)
