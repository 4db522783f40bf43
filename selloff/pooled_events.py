"""All events of each region together, before and after their falls.

Belongs here: which events are pooled, on what calendar, and whether that is still what it was. Does
not belong here: what is added up of them (`selloff.event_study.pooled`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff._ibis import fetched
from selloff.event_study._rows import is_one_row
from selloff.event_study.evidence import Evidence, held
from selloff.event_study.lazy import Lazy
from selloff.event_study.models import MARKET_MODEL
from selloff.event_study.pooled import Pool
from selloff.event_study.studies import NothingLeftError
from selloff.observations import regions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from selloff._event_panels import Core
    from selloff.event_regions import Region
    from selloff.event_study.sample import Sample
    from selloff.history import Days

POOLED = ((-5, -1), (1, 1), (1, 5))
"""Windows in which all events are tested together: none holds the fall they were found by."""
ALL_EVENTS = "all"
"""What stands for the event where all of a region's are tested together."""
MAIN = ("return", MARKET_MODEL.name)
"""Measure and model of what is tested together."""
MINIMUM_EVENTS = 2
# Sessions by which a stretch may begin before an earlier one.
MARGIN = 260
# Far below the 1e-12 within which tables are to agree, and above what the order of sums is worth.
SAME = 1e-13


class Together(NamedTuple):
    """Events of one region in one window.

    Parameters
    ----------
    evidence : Evidence
        Of all of them, for the tests of sums.
    seen : tuple
        The newest session seen, and what it rests on, as `Region.seen` says of the last event.
    """

    evidence: Evidence
    seen: tuple[Any, bool, Any]


@dataclass
class _Home:
    """One region's events in one window, as they come."""

    pool: Pool
    n_events: int = 0
    last: Any = None
    seen: Any = None

    def add(self, region: Region, event: int, evidence: Evidence) -> None:
        self.pool.add(evidence)
        self.n_events += 1
        day = region.dates[region.places[event]]
        if self.last is None or day > self.last:
            self.last, self.seen = day, region.seen(event, self.pool.window[1])


class _Calendar:
    """The sessions of a region's stretches, in which days have their places.

    Two stretches may have sessions between them that are in neither; they are a year before the
    next event, farther than anything looks.
    """

    def __init__(self) -> None:
        self._dates: dict[str, NDArray[Any]] = {}
        self._origins: dict[str, Any] = {}

    def places(self, region: Region) -> NDArray[np.int64]:
        """Return the places of a stretch's sessions, which later ones do not change."""
        origin = self._origins.setdefault(region.name, region.dates[0])
        dates = np.union1d(self._dates.get(region.name, region.dates), region.dates)
        self._dates[region.name] = dates
        places = np.searchsorted(dates, region.dates) - np.searchsorted(dates, origin)
        return np.asarray(places + MARGIN, dtype=np.int64)


def pooled(selloff_events: ir.Table, core: Core) -> dict[tuple[str, tuple[int, int]], Together]:
    """Return all events of each region in each window that two of them can be tested in.

    Every bar is read twice, since generalized ranks want the spread of all events first; of a
    region with few events (`selloff.event_study.dependence.PAIRED_EVENTS`) once.

    Parameters
    ----------
    selloff_events : ibis Table
        Columns of the table of this name.
    core : Core
        The tables that events are studied from.

    Returns
    -------
    dict
        By region and window.
    """
    homes: dict[tuple[str, tuple[int, int]], _Home] = {}
    calendar = _Calendar()
    for region, event, spans, evidence in _events(selloff_events, core, calendar):
        for span in spans:
            homes.setdefault((region.name, span), _Home(Pool(*span))).add(region, event, evidence)
    if any(home.pool.wants_ranks for home in homes.values()):
        for region, _, spans, evidence in _events(selloff_events, core, calendar):
            for span in spans:
                pool = homes[region.name, span].pool
                if pool.wants_ranks:
                    pool.rank(evidence)
    return {
        key: Together(home.pool.evidence(), home.seen)
        for key, home in homes.items()
        if home.n_events >= MINIMUM_EVENTS
    }


def _events(
    selloff_events: ir.Table, core: Core, calendar: _Calendar
) -> Iterator[tuple[Region, int, list[tuple[int, int]], Evidence]]:
    """Yield each event that can be tested with others, in which windows, and its observations."""
    for region in regions(selloff_events, core, at_home=True, has_volume=False):
        try:
            study = region.estimated(MARKET_MODEL)
        except NothingLeftError:
            continue
        sample = _placed(study.sample, calendar.places(region))
        observed = region.event[study.kept]
        for event in np.unique(observed).tolist():
            spans = [span for span in region.windows(event) if span in POOLED]
            if spans:
                yield region, event, spans, held(sample, np.flatnonzero(observed == event))


def _placed(sample: Sample, places: NDArray[np.int64]) -> Sample:
    """Return a sample with places on another calendar for those it has."""
    places = np.append(places, -1)
    before = sample.estimation_positions

    def moved(some: Any) -> NDArray[np.int64]:
        rows = before[some]
        if is_one_row(rows):
            return np.broadcast_to(places[rows[0]], rows.shape)
        return np.asarray(places[rows])

    found = Lazy(moved, before.shape)
    return replace(sample, positions=places[sample.positions], estimation_positions=found)


def is_unchanged(
    own: pd.DataFrame, previous: ir.Table, selloff_events: ir.Table, days: Days
) -> bool:
    """Say whether what every event adds to the others of its region is what it was.

    By all tests of its own region in the windows in question: what changes a return there, or on
    the rows before, changes some of twenty statistics, be it that of one listing in ten thousand.

    Parameters
    ----------
    own : DataFrame
        Rows of ``mart.event_study_tests``: the events of some days.
    previous : ibis Table
        That table as it stood.
    selloff_events : ibis Table
        Columns of the table of this name.
    days : range of dates
        Those of whose events something may have changed.
    """
    events = fetched(selloff_events.select("event_id", "region", "status", "last_session_date"))
    is_over = events["last_session_date"].dt.date < days.start
    standing = events["event_id"][is_over & (events["status"] != "withdrawn")]
    homes = events.set_index("event_id")["region"]
    then = fetched(
        previous.filter(
            previous.grouping == "region", previous.measure == MAIN[0], previous.model == MAIN[1]
        )
    )
    then = then[~then["event_id"].isin([*standing, ALL_EVENTS])]
    before, now = _pooled_rows(then, homes), _pooled_rows(own, homes)
    names = ["mean_abnormal", "statistic", "p_value", "mean_residual_correlation"]
    figures = [rows.pop(name).astype(float) for rows in (before, now) for name in names]
    alike = zip(figures[: len(names)], figures[len(names) :], strict=True)
    return before.astype(str).equals(now.astype(str)) and all(
        np.allclose(one, other, rtol=SAME, atol=0, equal_nan=True) for one, other in alike
    )


def _pooled_rows(rows: pd.DataFrame, homes: pd.Series) -> pd.DataFrame:
    """Return what rows say of events in their own regions, in the windows that are pooled."""
    span = ["window_start", "window_end"]
    spans = zip(*(rows[name].tolist() for name in span), strict=True)
    is_asked = np.array([each in POOLED for each in spans], dtype=bool)
    is_asked &= (rows["grouping"] == "region").to_numpy()
    is_asked &= (rows["group_name"] == rows["event_id"].map(homes)).to_numpy()
    for name, value in zip(("measure", "model"), MAIN, strict=True):
        is_asked &= (rows[name] == value).to_numpy()
    keys = ["event_id", *span, "test"]
    seen = ["n", "note", "observed_through", "has_simulated_inputs", "as_of"]
    figures = ["mean_abnormal", "statistic", "p_value", "mean_residual_correlation"]
    kept = rows[is_asked].sort_values(keys, ignore_index=True)[[*keys, *seen, *figures]]
    return kept.astype(dict.fromkeys(("observed_through", "as_of"), "datetime64[us]"))
