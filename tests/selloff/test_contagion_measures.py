"""The battery around events: its rows, what they were known from, and single values by hand."""

from __future__ import annotations

from itertools import permutations
from math import atanh, sqrt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from selloff import contagion_battery
from selloff.contagion_measures import contagion_measures
from selloff.series import SeriesError
from selloff.spillover.connectedness import connectedness as spilled
from selloff.tails.covar import delta_covar
from tests.selloff.contagion_rows import DAYS, moving, rows_of, same
from warehouse.tables.contagion import CONTAGION_MEASURES

KEYS = list(CONTAGION_MEASURES.grain)
CLOSE = pd.Timedelta(hours=21)
BEFORE, AFTER, N = 121, 21, 160
EVENT = {
    "event_id": "e",
    "status": "detected",
    "region": "US",
    "started_at": DAYS[BEFORE - 1] + CLOSE,
    "origin_sector": "Technology",
    "origin_industry": None,
}
SECTORS = {"XLK": "Technology", "XLF": "Financials", "XLU": "Utilities"}
NO_FIRMS = pd.DataFrame(columns=["event_id", "place", "series_name"])
ALWAYS_BEFORE = ["granger", "delta_covar", "spillover_share", "net_pairwise"]


def events(*changes):
    return pd.DataFrame([EVENT | change for change in changes or ({},)])


def funds(wide):
    return rows_of(wide, sector=SECTORS)


def of_set(found, name):
    return found[found["series_set"] == name]


@pytest.fixture(scope="module")
def wide():
    """Returns that double from the event on."""
    found = moving("XLF", "XLK", "XLU", n=N)
    found.iloc[BEFORE : BEFORE + AFTER] *= 2
    return found


@pytest.fixture(scope="module")
def measured(wide):
    return contagion_measures(events(), funds(wide), NO_FIRMS)


@pytest.fixture(scope="module")
def value(measured):
    """Look up what is said of a pair."""
    rows = measured.set_index(["measure", "period", "source_name", "target_name"])

    def of(measure, period, source, target, column="value"):
        return rows.loc[(measure, period, source, target), column]

    return of


def test_the_rows_are_those_of_the_contract(bench, measured):
    held = bench.hold(CONTAGION_MEASURES, measured)
    assert set(held["event_id"]) == {"e"}
    assert {"correlation", "correlation_shift", "covolatility_22", *ALWAYS_BEFORE} <= set(
        held["measure"]
    )


def test_every_pair_is_asked_both_ways(measured):
    pairs = set(permutations(SECTORS, 2))
    for measure in ("correlation_shift", "coskewness_12", "cokurtosis_31", *ALWAYS_BEFORE):
        rows = measured[measured["measure"] == measure]
        assert set(zip(rows["source_name"], rows["target_name"], strict=True)) == pairs, measure


def test_the_origin_is_the_fund_of_its_sector(measured):
    assert (measured["is_origin"] == (measured["source_name"] == "XLK")).all()


def test_correlations_are_pearsons_before_and_after(wide, value):
    periods = {"before": wide.iloc[:BEFORE], "after": wide.iloc[BEFORE : BEFORE + AFTER]}
    for period, rows in periods.items():
        rho = np.corrcoef(rows["XLK"], rows["XLU"])[0, 1]
        assert value("correlation", period, "XLK", "XLU") == pytest.approx(rho, abs=1e-13)
        assert value("correlation", period, "XLK", "XLU", "n_observations") == len(rows)


def test_the_rise_of_a_correlation_is_that_of_forbes_and_rigobon(wide, value):
    stable, turmoil = wide.iloc[:BEFORE], wide.iloc[BEFORE : BEFORE + AFTER]
    before = np.corrcoef(stable["XLK"], stable["XLU"])[0, 1]
    after = np.corrcoef(turmoil["XLK"], turmoil["XLU"])[0, 1]
    delta = turmoil["XLK"].var() / stable["XLK"].var() - 1
    adjusted = after / sqrt(1 + delta * (1 - after**2))
    found = value("correlation_shift", "shift", "XLK", "XLU")
    assert found == pytest.approx(adjusted - before, abs=1e-12)
    assert value("correlation_shift", "shift", "XLK", "XLU", "n_before") == BEFORE
    z = (atanh(adjusted) - atanh(before)) / sqrt(1 / (AFTER - 3) + 1 / (BEFORE - 3))
    p_value = value("correlation_shift", "shift", "XLK", "XLU", "p_value")
    # The error may allow for the adjustment: on the same side, and not far.
    assert (p_value < 0.5) == (norm.sf(z) < 0.5)


def test_a_covolatility_is_the_change_of_the_mean_of_the_squares(wide, value):
    def beyond_correlation(rows):
        x, y = ((each - each.mean()) / each.std(ddof=0) for each in (rows["XLK"], rows["XLU"]))
        return (x**2 * y**2).mean() - 1 - 2 * (x * y).mean() ** 2

    change = beyond_correlation(wide.iloc[BEFORE : BEFORE + AFTER]) - beyond_correlation(
        wide.iloc[:BEFORE]
    )
    found = value("covolatility_22", "shift", "XLK", "XLU")
    assert found == pytest.approx(change, abs=1e-12)


def test_prediction_is_the_coefficient_of_least_squares(wide, value):
    own = wide["XLU"].to_numpy()[:BEFORE]
    source = wide["XLK"].to_numpy()[:BEFORE]
    columns = np.column_stack([np.ones(BEFORE - 1), own[:-1], source[:-1]])
    slopes, *_ = np.linalg.lstsq(columns, own[1:], rcond=None)
    assert value("granger", "before", "XLK", "XLU") == pytest.approx(slopes[2], abs=1e-10)


def test_spillovers_are_the_kernels_on_the_hundred_sessions(wide, value):
    for period, end in (("before", BEFORE), ("after", BEFORE + AFTER)):
        links = spilled(wide.iloc[end - 100 : end], lags=1, horizon=10).links()
        for row in links.itertuples():
            found = value("spillover_share", period, row.source, row.target)
            assert found == pytest.approx(row.share, abs=1e-12)
            assert value("spillover_share", period, row.source, row.target, "window_rows") == 100


def test_tail_effects_are_the_kernels_on_the_sessions_before(wide, value):
    found = delta_covar(wide.iloc[:BEFORE], "XLK", "XLU", 0.05)
    for column, expected in (
        ("value", found.delta_covar),
        ("value_standard_error", found.standard_error),
        ("p_value", found.p_value),
    ):
        assert value("delta_covar", "before", "XLK", "XLU", column) == pytest.approx(expected)


def test_outcomes_say_how_far_they_have_seen_and_what_was_known_before_does_not(measured):
    seen = measured.groupby("period")["observed_through"].unique()
    assert pd.isna(seen["before"]).all()
    for period in ("after", "shift"):
        assert list(seen[period]) == [DAYS[BEFORE + AFTER - 1]]
    ends = measured.groupby("period")["window_to"].unique()
    assert list(ends["before"]) == [DAYS[BEFORE - 1]]


def adjusted_by_hand(p_values):
    """Benjamini and Hochberg's step-up values, the smallest p last."""
    ordered = np.sort(p_values)
    n = len(ordered)
    steps = [min(1.0, *(ordered[k:] * n / np.arange(k + 1, n + 1))) for k in range(n)]
    return [steps[int(np.searchsorted(ordered, p))] for p in p_values]


def test_p_values_are_adjusted_among_the_pairs_of_one_measure_and_period(wide, measured):
    both = contagion_measures(
        events(), pd.concat([funds(wide), rows_of(moving(*SECTORS, n=N, seed=8), "more")]), NO_FIRMS
    )
    same(of_set(both, "US sector funds"), measured, KEYS)
    for _, rows in both.dropna(subset="p_value").groupby(["series_set", "measure", "period"]):
        assert len(rows) == 6
        expected = adjusted_by_hand(rows["p_value"].to_numpy())
        assert rows["adjusted_p_value"].to_numpy() == pytest.approx(expected, abs=1e-15)


def test_only_sets_of_the_events_region_and_those_of_all_regions_are_measured(wide):
    rows = pd.concat(
        [
            funds(wide),
            rows_of(wide.add_prefix("J"), "JP sectors", region="JP"),
            rows_of(
                moving("JP", "US", n=N, seed=3), "regions", level="region", region=None, sector=None
            ),
        ]
    )
    found = contagion_measures(events(), rows, NO_FIRMS)
    assert set(found["series_set"]) == {"US sector funds", "regions"}
    regions = of_set(found, "regions")
    assert set(regions.loc[regions["is_origin"], "source_name"]) == {"US"}


def test_an_event_that_was_withdrawn_is_not_measured(bench, wide):
    found = contagion_measures(events({"status": "withdrawn"}), funds(wide), NO_FIRMS)
    assert bench.hold(CONTAGION_MEASURES, found).empty
    two = contagion_measures(
        events({"status": "withdrawn"}, {"event_id": "f"}), funds(wide), NO_FIRMS
    )
    assert set(two["event_id"]) == {"f"}


@pytest.mark.parametrize("origin", [None, "Energy", float("nan")])
def test_without_an_origin_every_pair_is_still_measured(wide, measured, origin):
    found = contagion_measures(events({"origin_sector": origin}), funds(wide), NO_FIRMS)
    assert len(found) == len(measured)
    assert not found["is_origin"].any()


def test_of_many_series_only_the_origins_pairs_are_measured(bench):
    names = [f"industry {place:02}" for place in range(20)]
    rows = rows_of(moving(*names, n=N), "US industries", level="industry", sector=None)
    found = contagion_measures(events({"origin_industry": names[4]}), rows, NO_FIRMS)
    held = bench.hold(CONTAGION_MEASURES, found)
    assert set(held["source_name"]) == {names[4]}
    assert held["target_name"].nunique() == 19
    assert held["is_origin"].all()
    assert not held["measure"].str.contains("spillover").any()
    nobody = contagion_measures(events(), rows, NO_FIRMS)
    assert bench.hold(CONTAGION_MEASURES, nobody).empty


def test_fewer_than_sixty_sessions_before_it_are_not_measured(wide):
    early = events({"started_at": DAYS[58] + CLOSE})
    assert contagion_measures(early, funds(wide), NO_FIRMS).empty


def test_firms_are_compared_where_the_one_that_lost_most_is_the_origin(bench, wide):
    names = {"XLF": "AVGO", "XLK": "NVDA", "XLU": "VST"}
    firms = rows_of(wide.rename(columns=names), "firms", level="listing")
    places = {"NVDA": 0, "AVGO": 1, "VST": 2}
    firms = firms.assign(event_id="e", place=firms["series_name"].map(places))
    found = contagion_measures(events(), funds(wide), firms)
    held = bench.hold(CONTAGION_MEASURES, found)
    own = of_set(held, "firms")
    assert set(own["level"]) == {"listing"}
    assert set(own.loc[own["is_origin"], "source_name"]) == {"NVDA"}
    others = of_set(held, "US sector funds")
    assert own["value"].sum() == pytest.approx(others["value"].sum())
    assert contagion_measures(events({"event_id": "f"}), funds(wide), firms)[
        "series_set"
    ].unique().tolist() == ["US sector funds"]


def known_before(found):
    return found[found["period"] == "before"]


@settings(max_examples=4, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(BEFORE, N))
def test_what_is_said_of_before_uses_nothing_from_the_event_on(seed, cut):
    wide = moving("XLF", "XLK", "XLU", n=N)
    other = wide.copy()
    later = wide.iloc[BEFORE:]
    other.iloc[BEFORE:] = np.random.default_rng(seed).normal(-0.01, 0.05, later.shape)
    whole, changed = (contagion_measures(events(), funds(each), NO_FIRMS) for each in (wide, other))
    same(known_before(changed), known_before(whole), KEYS)
    assert not changed["value"].equals(whole["value"])
    # With the first sessions alone the same is said, but for what compares.
    part = contagion_measures(events(), funds(wide.iloc[: cut + 1]), NO_FIRMS)
    is_early = whole["measure"].isin(part["measure"]) & (whole["period"] == "before")
    same(known_before(part), whole[is_early], KEYS)


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_nothing_after_the_twentieth_session_counts(seed):
    wide = moving("XLF", "XLK", "XLU", n=N)
    other = wide.copy()
    later = wide.iloc[BEFORE + AFTER :]
    other.iloc[BEFORE + AFTER :] = np.random.default_rng(seed).normal(-0.01, 0.05, later.shape)
    same(
        contagion_measures(events(), funds(other), NO_FIRMS),
        contagion_measures(events(), funds(wide), NO_FIRMS),
        KEYS,
    )


def test_what_is_said_of_regions_before_an_event_uses_nothing_from_it_on():
    wide = moving("EU", "JP", "US", n=N)
    hours = {"EU": pd.Timedelta("16h"), "JP": pd.Timedelta("6h"), "US": CLOSE}

    def regions(returns):
        rows = rows_of(returns, "regions", level="region", region=None)
        return rows.assign(closed_at=rows["session_date"] + rows["series_name"].map(hours))

    other = wide.copy()
    other.iloc[BEFORE:] = np.random.default_rng(5).normal(-0.01, 0.05, other.iloc[BEFORE:].shape)
    found, changed = (
        contagion_measures(events(), regions(each), NO_FIRMS) for each in (wide, other)
    )
    same(known_before(changed), known_before(found), KEYS)


def test_a_measure_that_cannot_be_taken_says_why(monkeypatch):
    def broken(_each):
        raise SeriesError("XLK is a linear combination of the other series")
        yield

    broken.__name__ = "tail_effects"
    monkeypatch.setattr(
        contagion_battery, "BATTERY", (broken, contagion_battery.correlation_before)
    )
    found = contagion_measures(events(), funds(moving("XLK", "XLU", n=N)), NO_FIRMS)
    told = found[found["measure"] == "tail_effects"].iloc[0]
    assert told["method"] == "not measured: XLK is a linear combination of the other series"
    assert np.isnan(told["value"])
    assert (found["measure"] == "correlation").sum() == 2
