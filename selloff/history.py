"""How much of a panel a late slice needs: the rows before it that its windows look back on."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from selloff._ibis import fetched, stacked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date
    from typing import Protocol

    import ibis.expr.types as ir
    import pandas as pd

    class Days(Protocol):
        """A range of dates."""

        @property
        def start(self) -> date:
            """The first of them."""

        @property
        def end(self) -> date:
            """The last of them."""


# Calendar days in which a listing that trades has so many sessions: no exchange is closed on more
# than a third of the days of a year, and none was closed for more than these on end since 1990.
DAYS_PER_SESSION, CLOSED_DAYS = 1.5, 31
# A window of 260 sessions before an event, with room for sessions that count in no portfolio.
YEAR_OF_SESSIONS = 550
ESTIMATION_ROWS = 261
# Windows of an event begin and end ten sessions from it; two may share days.
NEIGHBOUR_DAYS = 45
# From the first session of an event to its last, with much room: of 114 events in twenty simulated
# years the longest took four days.
EVENT_DAYS = 60


def _all_of(part: ir.Table) -> ir.Table:
    return part


def since(
    panel: ir.Table,
    days: Days | None,
    rows: int,
    among: Callable[[ir.Table], ir.Table] = _all_of,
) -> ir.Table:
    """Return a panel from some days on, with the last sessions before of each listing there.

    Rows, not days, since a listing that was halted for a year looks back a year further. Only
    those are looked for in all of history: in a panel that lies in the order of its sessions an
    engine reads the others' rows without passing over the rest.

    Parameters
    ----------
    panel : ibis Table
        With `listing_id` and `session_date`; several rows per listing and session are kept
        together (versions of a bar).
    days : range of dates, optional
        Has `start`, the first session of the slice; all of the panel without it.
    rows : int
        Sessions before it to keep, per listing.
    among : callable, optional
        As in `from_day`.

    Returns
    -------
    ibis Table
        The columns of `panel`, in no order; nothing of a listing without a row from the start on,
        and everything where that lies before the first session.
    """
    if days is None:
        return among(panel)
    if not rows:
        return among(panel.filter(panel.session_date >= days.start))
    return from_day(panel, days.start, rows, among)


def until(table: ir.Table, days: Days | None) -> pd.DataFrame | None:
    """Return what a table holds of the sessions before some days; None without days."""
    return fetched(table.filter(table.session_date < days.start)) if days else None


def n_sessions(panel: ir.Table, days: Days) -> int:
    """Return of how many dates in some days a panel has any row.

    Parameters
    ----------
    panel : ibis Table
        With `session_date`.
    days : range of dates
        Has `start` and `end`.
    """
    dates = panel.filter(panel.session_date.between(days.start, days.end))
    n_dates: int = dates.session_date.nunique().to_pyarrow().as_py()
    return n_dates


def from_day(
    panel: ir.Table,
    start: date,
    rows: int,
    among: Callable[[ir.Table], ir.Table] = _all_of,
) -> ir.Table:
    """Return what `since` does, of the days from a date on.

    Parameters
    ----------
    panel : ibis Table
        As `since` takes it.
    start : date
        First day of the slice.
    rows : int
        Sessions before it to keep, per listing.
    among : callable, optional
        What of the panel is looked at, given some days of it. A panel of which a part was taken
        before is read from its first row on, in DuckDB 2.0: an engine computes once what is asked
        twice, for all the days that anybody asks for. Of 47.7 million bars that took 64 s.
    """
    first = days_before(start, rows)
    near = among(panel.filter(lambda t: t.session_date >= first))
    kept = near.filter(lambda t: t.session_date >= start)
    older = among(panel.filter(lambda t: t.session_date < first))
    return stacked(kept, _before(near, older, kept, start, rows).select(*panel.columns))


def behind(panel: ir.Table, rows_after: ir.Table, start: date, rows: int) -> ir.Table:
    """Return the last sessions before a date of every listing that has a row after it.

    Parameters
    ----------
    panel : ibis Table
        As `since` takes it.
    rows_after : ibis Table
        With `listing_id`: of those listings.
    start : date
        Before which.
    rows : int
        Sessions to keep, per listing.
    """
    first = days_before(start, rows)
    near = panel.filter(panel.session_date >= first)
    older = panel.filter(panel.session_date < first)
    return _before(near, older, rows_after, start, rows).select(*panel.columns)


def days_behind(
    panel: ir.Table, rows_after: ir.Table, start: date, rows: int
) -> tuple[ir.Table, ir.Table]:
    """Return the days before a date that most listings look back on, and what others do beside.

    Unlike `behind`, which keeps of each listing so many sessions and no more, nothing is put in
    order: the days can be read some at a time.

    Parameters
    ----------
    panel, rows_after, start, rows
        As `behind` takes them.

    Returns
    -------
    near, older : ibis Table
        All rows of the days that have so many sessions of a listing that trades, of every listing;
        and before these days the last `rows` sessions of the listings that have fewer there.
    """
    first = days_before(start, rows)
    near = panel.filter(panel.session_date >= first, panel.session_date < start)
    older = panel.filter(panel.session_date < first)
    wanted = rows_after.select("listing_id").distinct()
    return near, _last(_of_short(near, older, wanted, rows), rows).select(*panel.columns)


def _before(
    near: ir.Table, older: ir.Table, rows_after: ir.Table, start: date, rows: int
) -> ir.Table:
    """Return the last sessions before a date; `older` is read of listings that were halted."""
    wanted = rows_after.select("listing_id").distinct()
    before = near.filter(lambda t: t.session_date < start).semi_join(wanted, "listing_id")
    return _last(stacked(before, _of_short(before, older, wanted, rows)), rows)


def _of_short(before: ir.Table, older: ir.Table, wanted: ir.Table, rows: int) -> ir.Table:
    """Return what lies further back of the listings that have too few sessions before."""
    counts = before.group_by("listing_id").aggregate(n=before.session_date.nunique())
    short = wanted.anti_join(counts.filter(counts.n >= rows), "listing_id")
    return older.semi_join(short, "listing_id")


def rows_at(panel: ir.Table, places: ir.Table, start: date) -> ir.Table:
    """Return the rows of a panel at some listings and sessions, most of them just before a date.

    What lies further back is looked for on its own: an engine passes over most of a panel that lies
    in the order of its sessions, but over nothing where one listing of ten thousand was halted.

    Parameters
    ----------
    panel : ibis Table
        With `listing_id` and `session_date`.
    places : ibis Table
        `listing_id` and `session_date`, before `start`.
    start : date
        Where the sessions end.
    """
    keys = ("listing_id", "session_date")
    first = days_before(start, 1)
    near = panel.filter(panel.session_date.between(first, start))
    older = panel.filter(panel.session_date < first)
    far = places.filter(places.session_date < first)
    return stacked(near.semi_join(places, keys), older.semi_join(far, keys))


def with_whole(
    late: ir.Table,
    whole: Callable[..., ir.Table],
    tables: Sequence[ir.Table],
    listings: Sequence[str],
) -> ir.Table:
    """Return what is said of late days, and of some listings all there is to say.

    Parameters
    ----------
    late : ibis Table
        What `whole` says of late days, with `listing_id`.
    whole : callable
        What says everything of a listing, given the rows of that listing alone.
    tables : sequence of ibis Table
        What it takes.
    listings : sequence of str
        Those of which more than late days is another.
    """
    if not listings:
        return late
    own = [table.filter(table.listing_id.isin(listings)) for table in tables]
    return stacked(late.filter(~late.listing_id.isin(listings)), whole(*own))


def begun(selloff_events: ir.Table, days: Days | None) -> ir.Table:
    """Return the events that are not over before the days, and those of six weeks before.

    Neighbours are not made anew, but which days they share with one that is decides what of it can
    be tested.

    Parameters
    ----------
    selloff_events : ibis Table
        With `last_session_date`.
    days : range of dates, optional
        Has `start`; all events without it.
    """
    if days is None:
        return selloff_events
    first = _less(days.start, NEIGHBOUR_DAYS)
    return selloff_events.filter(selloff_events.last_session_date >= first)


def around(panel: ir.Table, days: Days | None) -> ir.Table:
    """Return what the measures around the events of some days look at: a year before, and after.

    A year of sessions of every market, and a year of each listing's own: of one that traded in
    fewer of them also what lies further back. Which those are is asked at once, since the panel is
    read several times.

    Parameters
    ----------
    panel : ibis Table
        With `listing_id` and `session_date`.
    days : range of dates, optional
        Has `start`; all of the panel without it.
    """
    if days is None:
        return panel
    earliest = _less(days.start, NEIGHBOUR_DAYS)
    first = _less(earliest, YEAR_OF_SESSIONS)
    kept = panel.filter(panel.session_date >= first)
    own = kept.session_date.nunique(where=kept.session_date < _less(earliest, EVENT_DAYS))
    counts = kept.group_by("listing_id").aggregate(n=own)
    short = counts.filter(counts.n < ESTIMATION_ROWS).listing_id.to_pyarrow().to_pylist()
    if not short:
        return kept
    older = panel.filter(panel.session_date < first, panel.listing_id.isin(short))
    return stacked(kept, _last(older, ESTIMATION_ROWS).select(*panel.columns))


def _less(day: date, number: int) -> date:
    """Return a date some days earlier; the first of all where there is none."""
    days = timedelta(days=number)
    return max(day, type(day).min + days) - days


def _last(behind: ir.Table, rows: int) -> ir.Table:
    """Keep the last sessions of each listing."""
    import ibis

    # Two columns are put in order, not all of them, and the others joined.
    ages = behind.select("listing_id", "session_date").distinct()
    age = ibis.row_number().over(group_by="listing_id", order_by=ibis.desc("session_date"))
    ages = ages.mutate(age=age).filter(lambda t: t.age < rows)
    firsts = ages.group_by("listing_id").aggregate(first_kept=ages.session_date.min())
    joined = behind.inner_join(firsts, "listing_id")
    return joined.filter(joined.session_date >= joined.first_kept)


def days_before(start: date, rows: int) -> date:
    """Return a date before which only a listing that was halted, or is new, has such rows.

    Parameters
    ----------
    start : datetime.date
        First session of a slice.
    rows : int
        Rows before it.

    Examples
    --------
    >>> from datetime import date
    >>> days_before(date(2025, 1, 27), 20)
    datetime.date(2024, 11, 27)
    """
    return _less(start, round(rows * DAYS_PER_SESSION) + CLOSED_DAYS)
