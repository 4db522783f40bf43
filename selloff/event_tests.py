"""Every test of every event, group and window, as rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff._ibis import fetched
from selloff.event_study.activity import log_turnover, volatility
from selloff.event_study.averages import average
from selloff.event_study.battery import (
    CALENDAR,
    HEADLINES,
    NONPARAMETRIC,
    PARAMETRIC,
    RESAMPLED,
    run,
)
from selloff.event_study.dependence import mean_residual_correlation
from selloff.event_study.evidence import Evidence, once
from selloff.event_study.generalized_ranks import grank_t
from selloff.event_study.models import CONSTANT_MEAN, MARKET_ADJUSTED, MARKET_MODEL
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.event_study.parametric import cross_sectional, kolari_pynnonen
from selloff.event_study.sample import Sample, taken, window
from selloff.event_study.studies import NothingLeftError
from selloff.history import around, begun
from selloff.observations import TESTED, Region, regions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

    from selloff.event_study.battery import Test
    from selloff.history import Days

    Question = Callable[[Region, "Judged"], Iterable[tuple[Any, ...] | pd.DataFrame]]

RANKED_AMONG_EVENT_ROWS = frozenset(
    {"corrado_rank", "corrado_zivney_uniform", "corrado_zivney", "corrado_sign"}
)
"""Tests that hold a day against the estimation rows and all event rows, so also later ones."""
MINIMUM_GROUP = 2
"""Listings without which a group has no spread to be tested."""
OF_LISTINGS = ((0, 0), (0, 1), (0, 5))
"""Windows in which single listings are tested, since there are thousands of them."""
POOLED = ((-5, -1), (1, 1), (1, 5))
"""Windows in which all events are tested together: none holds the fall they were found by."""
ALL_EVENTS = "all"
"""What stands for the event where all of a region's are tested together."""
OF_ONE_DATE: tuple[Test, ...] = (*PARAMETRIC, *NONPARAMETRIC)
"""Tests of one event: dates cannot be resampled, nor be a portfolio's history, if there is one."""
BRIEF: tuple[Test, ...] = (cross_sectional, kolari_pynnonen, grank_t)
"""What is shown of the models beside the market model: the headlines, and the plain mean."""
OF_ALL_EVENTS: tuple[Test, ...] = (*BRIEF, *RESAMPLED, *CALENDAR)
"""Tests of all events together, whose dates can be resampled and make a portfolio's history."""
SUMMED = (*((0, 0),), *(span for span in TESTED if span[0] < span[1]))
"""Windows of what stands beside the returns by the market model, which have every day."""

_FAMILY = ["event_id", "measure", "grouping", "model", "test"]
_KEYS = (*_FAMILY, "group_name", "window_start", "window_end")
_COLUMNS = (
    "event_id",
    "measure",
    "grouping",
    "group_name",
    "window_start",
    "window_end",
    "model",
    "test",
    "is_headline",
    "mean_abnormal",
    "statistic",
    "p_value",
    "n",
    "degrees_of_freedom",
    "mean_residual_correlation",
    "note",
    "observed_through",
    "has_simulated_inputs",
    "as_of",
)


class Judged(NamedTuple):
    """One measure of a region's observations, judged by one model.

    Parameters
    ----------
    measure, model : str
        As tables carry them.
    sample : Sample
        Of the observations kept.
    kept : array of shape (N,)
        Their numbers in the region.
    tests : sequence of callables
        What is asked of it.
    spans : sequence of (int, int)
        In which windows.
    """

    measure: str
    model: str
    sample: Sample
    kept: NDArray[np.int64]
    tests: Sequence[Test]
    spans: Sequence[tuple[int, int]]


def event_study_tests(
    selloff_events: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
) -> pd.DataFrame:
    """Test every event in every group and window, by every test that can say something there.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    DataFrame
        Columns of ``mart.event_study_tests``. Returns by the market model, volume and volatility
        take every test, returns by the other models the headline tests and the cross-sectional t,
        and so do the volume and volatility of a sector; every day is tested by the market model,
        the longer windows by all.
        Groups are the members of each region's market in their own first session after the shock,
        the sectors of the event's own region, single listings, and all of a region's events
        together (`event_id` ``all``) before and after their falls. A window is tested once its last
        session is known, and only if it holds no other event's day (`Region.windows`). NaN is NULL.
    """
    found = regions(selloff_events, abnormal_returns, daily_prices, instruments, sessions)
    return _tested(found, (_of_groups, _of_all_events, _of_listings))


def late_event_study_tests(
    selloff_events: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    previous: ir.Table,
    days: Days,
) -> pd.DataFrame:
    """Test the events of some days, and beside them all events together.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        As for `event_study_tests`.
    previous : ibis Table
        ``mart.event_study_tests`` as it stood: what it says of all events together stands, if none
        of them is of these days.
    days : range of dates
        Those of whose events something may have changed.

    Returns
    -------
    DataFrame
        Rows of `event_study_tests`: those of the events of the days, of their neighbours (which
        may be wrong, since neighbours of theirs are missing), and of all events together.
    """
    import pandas as pd

    tables = around(abnormal_returns, days), around(daily_prices, days), instruments, sessions
    own = _tested(regions(begun(selloff_events, days), *tables), (_of_groups, _of_listings))
    if fetched(selloff_events.filter(selloff_events.last_session_date >= days.start)).empty:
        pooled = fetched(previous.filter(previous.event_id == ALL_EVENTS))
    else:
        everything = abnormal_returns, daily_prices, instruments, sessions
        pooled = _tested(regions(selloff_events, *everything), (_of_all_events,))
    some = [part for part in (own, pooled) if len(part)]
    return pd.concat(some, ignore_index=True) if some else own


def _tested(found: Iterable[Region], questions: Sequence[Question]) -> pd.DataFrame:
    """Ask of every region what is asked, and adjust the p-values within their families."""
    import pandas as pd

    parts = [
        part
        for region in found
        for judged in _judged(region)
        for question in questions
        for part in _frames(question(region, judged))
    ]
    some = [part for part in parts if len(part)]
    rows = pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=list(_COLUMNS))
    rows["degrees_of_freedom"] = rows["degrees_of_freedom"].astype(float)
    families = rows.groupby(_FAMILY, sort=False)["p_value"]
    rows["adjusted_p_value"] = families.transform(lambda p: benjamini_hochberg(p.to_numpy(float)))
    ordered = list(_COLUMNS)
    ordered.insert(ordered.index("p_value") + 1, "adjusted_p_value")
    return rows.sort_values(list(_KEYS), ignore_index=True)[ordered]


def _frames(answers: Iterable[tuple[Any, ...] | pd.DataFrame]) -> list[pd.DataFrame]:
    """Return answers as frames: single rows together, frames as they are."""
    import pandas as pd

    given = list(answers)
    rows = [each for each in given if isinstance(each, tuple)]
    frames = [each for each in given if not isinstance(each, tuple)]
    return [pd.DataFrame(rows, columns=list(_COLUMNS)), *frames] if rows else frames


def _judged(region: Region) -> Iterator[Judged]:
    """Yield each measure by each model; nothing where no observation can be judged."""
    volume = log_turnover(region.volume)
    models = (
        ("return", MARKET_MODEL, None, OF_ONE_DATE, TESTED),
        ("return", CONSTANT_MEAN, None, BRIEF, SUMMED),
        ("return", MARKET_ADJUSTED, None, BRIEF, SUMMED),
        ("volume", CONSTANT_MEAN, volume, OF_ONE_DATE, SUMMED),
    )
    for measure, model, figures, tests, spans in models:
        try:
            study = region.estimated(model, figures)
        except NothingLeftError:
            continue
        yield Judged(measure, model.name, study.sample, study.kept, tests, spans)
        if model is MARKET_MODEL:
            wild = volatility(study.sample)
            yield Judged("volatility", model.name, wild, study.kept, OF_ONE_DATE, SUMMED)


def _of_groups(region: Region, judged: Judged) -> Iterator[tuple[Any, ...]]:
    """Yield the results of every group of every event."""
    observed = region.event[judged.kept]
    for event in np.unique(observed).tolist():
        members = np.flatnonzero(observed == event)
        for grouping, name, some in _groups(region, event, judged.kept[members]):
            if len(some) < MINIMUM_GROUP:
                continue
            evidence = _held(judged.sample, members[some])
            # Of the few names of a sector the side measures are asked for their headlines alone.
            tests = judged.tests if grouping == "region" or _is_main(judged) else BRIEF
            for span in region.windows(event):
                if span not in judged.spans:
                    continue
                head = (str(region.events["event_id"].iloc[event]), judged, (grouping, name), span)
                yield from _results(head, evidence, tests, region, event)


def _of_all_events(region: Region, judged: Judged) -> Iterator[tuple[Any, ...]]:
    """Yield what the region's own events have in common before and after their falls."""
    if not _is_main(judged):
        return
    observed = region.event[judged.kept]
    is_own = (region.events["region"] == region.name).to_numpy()
    for span in POOLED:
        events = [
            event
            for event in np.unique(observed[is_own[observed]]).tolist()
            if span in set(region.windows(event))
        ]
        members = np.flatnonzero(np.isin(observed, events))
        if len(events) < MINIMUM_GROUP or not len(members):
            continue
        last = max(events, key=lambda event: region.places[event])
        head = (ALL_EVENTS, judged, ("region", region.name), span)
        evidence = _held(judged.sample, members)
        yield from _results(head, evidence, OF_ALL_EVENTS, region, last)


def _held(sample: Sample, events: NDArray[np.int64]) -> Evidence:
    """Return some events with their estimation rows in memory, since many windows ask for them."""
    some = taken(sample, events)
    rows = np.asarray(some.residuals), np.asarray(some.estimation_positions)
    return Evidence.of(replace(some, residuals=rows[0], estimation_positions=rows[1]))


def _is_main(judged: Judged) -> bool:
    return (judged.measure, judged.model) == ("return", MARKET_MODEL.name)


def _groups(
    region: Region, event: int, kept: NDArray[np.int64]
) -> Iterator[tuple[str, str, NDArray[np.int64]]]:
    """Yield the groups of the observations of one event: all, and in its own region by sector."""
    yield "region", region.name, np.arange(len(kept))
    if region.events["region"].iloc[event] != region.name:
        return
    sectors = region.listings["sector"].iloc[region.listing[kept]].reset_index(drop=True)
    for name, rows in sectors.groupby(sectors, sort=True):
        yield "sector", str(name), rows.index.to_numpy()


def _results(
    head: tuple[str, Judged, tuple[str, str], tuple[int, int]],
    evidence: Evidence,
    tests: Sequence[Test],
    region: Region,
    event: int,
) -> Iterator[tuple[Any, ...]]:
    """Yield one row per test of one window."""
    event_id, judged, group, span = head
    correlation = once(evidence, mean_residual_correlation)
    mean = average(evidence, *span).mean
    seen = region.seen(event, span[1])
    seen_by_ranks = region.seen(event, int(evidence.days[-1]))
    for result in run(evidence, *span, tests):
        yield (
            event_id,
            judged.measure,
            *group,
            *span,
            judged.model,
            result.test,
            result.test in HEADLINES,
            mean,
            result.statistic,
            result.p_value,
            result.n,
            result.degrees_of_freedom,
            correlation,
            result.note,
            *(seen_by_ranks if result.test in RANKED_AMONG_EVENT_ROWS else seen),
        )


def _of_listings(region: Region, judged: Judged) -> Iterator[pd.DataFrame]:
    """Yield what each listing's own cumulated abnormal return says, over its exact error."""
    import pandas as pd
    from scipy.special import stdtr

    if not _is_main(judged):
        return
    observed = region.event[judged.kept]
    names = region.listings["listing_id"].to_numpy()[region.listing[judged.kept]]
    freedom = judged.sample.degrees_of_freedom.astype(float)
    for span in OF_LISTINGS:
        car, _, scar, _ = window(judged.sample, *span)
        p_value = 2 * stdtr(freedom, -np.abs(scar))
        for event in np.unique(observed).tolist():
            if span not in set(region.windows(event)):
                continue
            at = np.flatnonzero((observed == event) & np.isfinite(scar))
            seen, is_simulated, as_of = region.seen(event, span[1])
            yield pd.DataFrame(
                {
                    "event_id": region.events["event_id"].iloc[event],
                    "measure": judged.measure,
                    "grouping": "listing",
                    "group_name": names[at],
                    "window_start": span[0],
                    "window_end": span[1],
                    "model": judged.model,
                    "test": "scar",
                    "is_headline": True,
                    "mean_abnormal": car[at],
                    "statistic": scar[at],
                    "p_value": p_value[at],
                    "n": 1,
                    "degrees_of_freedom": freedom[at],
                    "mean_residual_correlation": np.nan,
                    "note": "",
                    "observed_through": seen,
                    "has_simulated_inputs": is_simulated,
                    "as_of": as_of,
                }
            )
