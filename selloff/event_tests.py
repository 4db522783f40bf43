"""Every test of every event, group and window, as rows."""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff._event_panels import Core
from selloff._ibis import fetched
from selloff.event_regions import TESTED, WINDOWS
from selloff.event_study.activity import volatility
from selloff.event_study.battery import (
    CALENDAR,
    HEADLINES,
    NONPARAMETRIC,
    PARAMETRIC,
    RESAMPLED,
    run,
)
from selloff.event_study.dependence import mean_residual_correlation
from selloff.event_study.evidence import held, once
from selloff.event_study.generalized_ranks import grank_t
from selloff.event_study.models import CONSTANT_MEAN, MARKET_ADJUSTED, MARKET_MODEL
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.event_study.parametric import cross_sectional, kolari_pynnonen, moments
from selloff.event_study.sample import window
from selloff.event_study.studies import NothingLeftError
from selloff.observations import regions
from selloff.pooled_events import ALL_EVENTS, MAIN, is_unchanged, pooled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from selloff.event_regions import Region
    from selloff.event_study.battery import Test
    from selloff.event_study.evidence import Evidence
    from selloff.event_study.sample import Sample
    from selloff.history import Days

RANKED_AMONG_EVENT_ROWS = frozenset(
    {"corrado_rank", "corrado_zivney_uniform", "corrado_zivney", "corrado_sign"}
)
"""Tests that hold a day against the estimation rows and all event rows, so also later ones."""
MINIMUM_GROUP = 2
"""Listings without which a group has no spread to be tested."""
OF_LISTINGS = ((0, 0), (0, 1), (0, 5))
"""Windows in which single listings are tested, since there are thousands of them."""
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
) -> pa.RecordBatchReader:
    """Test every event in every group and window, by every test that can say something there.

    Parameters
    ----------
    selloff_events, abnormal_returns, daily_prices, instruments, sessions : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    pyarrow RecordBatchReader
        Columns of ``mart.event_study_tests``, computed some events at a time while it is read.
        Returns by the market model, volume and volatility
        take every test, returns by the other models the headline tests and the cross-sectional t,
        and so do the volume and volatility of a sector; every day is tested by the market model,
        the longer windows by all.
        Groups are the members of each region's market in their own first session after the shock,
        the sectors of the event's own region, single listings, and all of a region's events
        together (`event_id` ``all``) before and after their falls. A window is tested once its last
        session is known, and only if it holds no other event's day (`Region.windows`).
    """
    import pyarrow as pa

    core = Core(abnormal_returns, daily_prices, instruments, sessions)
    frames = chain(_of_events(regions(selloff_events, core)), _of_all(selloff_events, core))
    found = (batch for frame in frames for batch in _batches(frame))
    return pa.RecordBatchReader.from_batches(_schema(), found)


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
        ``mart.event_study_tests`` as it stood: what it says of all events together stands, if what
        it says of each of them does.
    days : range of dates
        Those of whose events something may have changed.

    Returns
    -------
    DataFrame
        Rows of `event_study_tests`: those of the events of the days, and of all events together.
    """
    import pandas as pd

    core = Core(abnormal_returns, daily_prices, instruments, sessions)
    found = [*_of_events(regions(selloff_events, core, days))]
    own = pd.concat([_ordered([]), *found], ignore_index=True)
    if is_unchanged(own, previous, selloff_events, days):
        pooled = [fetched(previous.filter(previous.event_id == ALL_EVENTS))]
    else:
        pooled = [*_of_all(selloff_events, core)]
    return pd.concat([own, *pooled], ignore_index=True)


def _of_events(found: Iterable[Region]) -> Iterator[pd.DataFrame]:
    """Yield the tests of events by themselves, some events at a time."""
    for _, some in groupby(found, lambda region: region.stretch):
        parts = [
            part
            for region in some
            for judged in _judged(region)
            for part in (*_framed(_of_groups(region, judged)), *_of_listings(region, judged))
        ]
        yield _ordered(parts)


def _of_all(selloff_events: ir.Table, core: Core) -> Iterator[pd.DataFrame]:
    """Yield the tests of all events of each region together."""
    rows = [
        row
        for (region, span), together in pooled(selloff_events, core).items()
        for row in _results(
            (ALL_EVENTS, MAIN, ("region", region), span),
            together.evidence,
            OF_ALL_EVENTS,
            (together.seen, together.seen),
        )
    ]
    yield _ordered(_framed(rows))


def _ordered(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Adjust the p-values within their families, and put the rows in order."""
    import pandas as pd

    some = [part for part in parts if len(part)]
    rows = pd.concat(some, ignore_index=True) if some else pd.DataFrame(columns=list(_COLUMNS))
    rows["degrees_of_freedom"] = rows["degrees_of_freedom"].astype(float)
    families = rows.groupby(_FAMILY, sort=False)["p_value"]
    rows["adjusted_p_value"] = families.transform(lambda p: benjamini_hochberg(p.to_numpy(float)))
    ordered: pd.DataFrame = rows.sort_values(list(_KEYS), ignore_index=True)
    return ordered[list(_schema().names)]


def _schema() -> pa.Schema:
    """Return columns and types of the rows."""
    import pyarrow as pa

    kinds = {
        **dict.fromkeys(_COLUMNS, pa.float64()),
        **dict.fromkeys((*_KEYS, "note"), pa.string()),
        **dict.fromkeys(("window_start", "window_end", "n"), pa.int64()),
        **dict.fromkeys(("is_headline", "has_simulated_inputs"), pa.bool_()),
        "observed_through": pa.date32(),
        "as_of": pa.timestamp("us"),
    }
    names = list(_COLUMNS)
    names.insert(names.index("p_value") + 1, "adjusted_p_value")
    return pa.schema([(name, kinds.get(name, pa.float64())) for name in names])


def _batches(frame: pd.DataFrame) -> list[pa.RecordBatch]:
    import pyarrow as pa

    table = pa.Table.from_pandas(frame, schema=_schema(), preserve_index=False)
    found: list[pa.RecordBatch] = table.to_batches()
    return found


def _framed(rows: Iterable[tuple[Any, ...]]) -> list[pd.DataFrame]:
    """Return rows as a frame, if there are any."""
    import pandas as pd

    given = list(rows)
    return [pd.DataFrame(given, columns=list(_COLUMNS))] if given else []


def _judged(region: Region) -> Iterator[Judged]:
    """Yield each measure by each model; nothing where no observation can be judged."""
    models = (
        ("return", MARKET_MODEL, None, OF_ONE_DATE, TESTED),
        ("return", CONSTANT_MEAN, None, BRIEF, SUMMED),
        ("return", MARKET_ADJUSTED, None, BRIEF, SUMMED),
        ("volume", CONSTANT_MEAN, region.log_volume, OF_ONE_DATE, SUMMED),
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
        event_id = str(region.events["event_id"].iloc[event])
        for grouping, name, some in _groups(region, event, judged.kept[members]):
            if len(some) < MINIMUM_GROUP:
                continue
            evidence = held(judged.sample, members[some])
            # Of the few names of a sector the side measures are asked for their headlines alone.
            tests = judged.tests if grouping == "region" or _is_main(judged) else BRIEF
            for span in region.windows(event):
                if span not in judged.spans:
                    continue
                head = (event_id, judged[:2], (grouping, name), span)
                seen = [region.seen(event, end) for end in (span[1], WINDOWS.event_last)]
                yield from _results(head, evidence, tests, seen)


def _is_main(judged: Judged) -> bool:
    return judged[:2] == MAIN


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
    head: tuple[str, tuple[str, str], tuple[str, str], tuple[int, int]],
    evidence: Evidence,
    tests: Sequence[Test],
    seen: Sequence[tuple[Any, bool, Any]],
) -> Iterator[tuple[Any, ...]]:
    """Yield one row per test of one window, with what it has seen, and what ranks have."""
    event_id, (measure, model), group, span = head
    correlation = once(evidence, mean_residual_correlation)
    mean = once(evidence, moments, *span).mean
    for result in run(evidence, *span, tests):
        yield (
            event_id,
            measure,
            *group,
            *span,
            model,
            result.test,
            result.test in HEADLINES,
            mean,
            result.statistic,
            result.p_value,
            result.n,
            result.degrees_of_freedom,
            correlation,
            result.note,
            *seen[result.test in RANKED_AMONG_EVENT_ROWS],
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
