"""Rolling connectedness from rows of `core.contagion_series`, in windows of few sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selloff import connectedness as subject
from selloff.connectedness import connectedness, connectedness_links
from selloff.contagion_sets import series_sets
from selloff.spillover.connectedness import connectedness as spilled
from tests.selloff.contagion_rows import DAYS, moving, rows_of, same
from warehouse.tables.connectedness import CONNECTEDNESS, CONNECTEDNESS_LINKS

LONG, SHORT = 30, 20
FIRST, LAST = DAYS[0], DAYS[89]
ROWS, LINKS = list(CONNECTEDNESS.grain), list(CONNECTEDNESS_LINKS.grain)


@pytest.fixture(autouse=True, scope="module")
def _small_windows():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "WINDOWS", (LONG, SHORT))
        yield


@pytest.fixture(scope="module")
def wide():
    """Four funds: one is listed late, one ends, and one session is a holiday of one of them."""
    found = moving("XLC", "XLF", "XLK", "XLU")
    found.loc[: DAYS[24], "XLC"] = np.nan
    found.loc[DAYS[60] :, "XLU"] = np.nan
    found.loc[DAYS[12], "XLF"] = np.nan
    return found


@pytest.fixture(scope="module")
def measured(wide):
    return of_regressions(connectedness(rows_of(wide), FIRST, LAST))


def of_regressions(rows):
    """Return the rows of vector autoregressions."""
    return rows[rows["model"] == "var"]


@pytest.fixture(scope="module")
def linked(wide):
    return connectedness_links(rows_of(wide), FIRST, LAST)


@pytest.fixture(scope="module")
def windows(wide):
    """Return the returns of a window, by its last session and its rows, from the set itself."""
    (held,) = series_sets(rows_of(wide))

    def of(day, window):
        end = held.returns.index.get_loc(day) + 1
        return held.returns.iloc[end - window : end].dropna(axis=1)

    return of


def test_the_rows_are_those_of_their_contracts(bench, measured, linked):
    held = bench.hold(CONNECTEDNESS, measured)
    assert set(held["window_rows"]) == {LONG, SHORT}
    assert len(bench.hold(CONNECTEDNESS_LINKS, linked)) == len(linked) > 0


def test_every_value_is_the_kernels_on_the_rows_of_its_window_alone(measured, windows):
    some = measured.groupby(["session_date", "window_rows"])
    assert len(some) > 100
    for (day, window), rows in list(some)[::7]:
        alone = windows(day, window)
        found = spilled(alone, lags=1, horizon=10)
        expected = found.measures().set_index(["measure", "name"])["value"]
        for row in rows.itertuples():
            name = row.series_name or None
            other = expected[row.measure]
            value = other[name] if name else other.iloc[0]
            assert row.value == pytest.approx(value, abs=1e-12), row
        assert rows["window_from"].unique() == alone.index[0]
        assert rows["n_series"].unique() == len(alone.columns)


def test_the_measures_are_sums_of_the_links(measured, linked):
    of_window = ["session_date", "window_rows"]
    values = measured.set_index([*of_window, "measure", "series_name"])["value"].sort_index()
    share = linked.groupby([*of_window, "target_name"])["share"].sum()
    sent = linked.groupby([*of_window, "source_name"])["share"].sum()
    assert values.xs("from_others", level="measure").to_numpy() == pytest.approx(share, abs=1e-13)
    assert values.xs("to_others", level="measure").to_numpy() == pytest.approx(sent, abs=1e-13)
    net = values.xs("net", level="measure")
    assert net.to_numpy() == pytest.approx((sent - share).to_numpy(), abs=1e-13)
    total = values.xs(("total", ""), level=("measure", "series_name"))
    assert total.to_numpy() == pytest.approx(share.groupby(of_window).mean(), abs=1e-13)
    to_whom = (linked["net_pairwise"] > 0).groupby(
        [linked[name] for name in (*of_window, "source_name")]
    )
    receivers = values.xs("n_net_receivers", level="measure")
    assert (receivers.to_numpy() == to_whom.sum().to_numpy()).all()


def test_every_ordered_pair_of_a_window_is_there_once(linked):
    counted = linked.groupby(["session_date", "window_rows"]).agg(
        n=("share", "size"), k=("n_series", "first")
    )
    assert (counted["n"] == counted["k"] * (counted["k"] - 1)).all()
    assert (linked["source_name"] != linked["target_name"]).all()


def test_a_late_series_joins_when_a_whole_window_of_it_is_there(measured, wide):
    has = measured[measured["series_name"] == "XLC"]
    first = has.groupby("window_rows")["session_date"].min()
    assert first.to_dict() == {LONG: DAYS[25 + LONG - 1], SHORT: DAYS[25 + SHORT - 1]}
    assert (has["window_from"] >= wide["XLC"].first_valid_index()).all()


def test_a_series_that_has_ended_leaves_and_the_others_go_on(measured):
    last = measured.groupby("series_name")["session_date"].max()
    assert last["XLU"] < DAYS[60]
    assert last["XLF"] == last[""] == LAST


def test_a_holiday_of_one_series_is_no_session_of_the_set(measured):
    assert DAYS[12] not in set(measured["window_from"])
    early = measured[measured["window_from"] == DAYS[11]]
    assert set(early["session_date"]) == {DAYS[11 + SHORT], DAYS[11 + LONG]}


def test_regressions_lose_the_rows_of_their_lags(measured):
    assert (measured["n_regressed"] == measured["window_rows"] - measured["lags"]).all()


def test_an_explosive_window_is_flagged_and_kept():
    wide = moving("XLF", "XLK", n=40)
    wide["XLK"] = 0.001 * 1.15 ** np.arange(40) + wide["XLK"] * 0.001
    found = connectedness(rows_of(wide), FIRST, LAST)
    unstable = found[found["is_stable"].eq(False)]  # noqa: FBT003 - it may be neither
    assert len(unstable)
    assert unstable["value"].notna().all()
    assert (unstable["spectral_radius"] >= 1).all()
    assert set(found["session_date"]) == set(DAYS[SHORT - 1 : 40])


def test_a_series_that_stands_still_is_left_out_of_the_windows_in_which_it_does():
    wide = moving("XLF", "XLK", "XLU")
    wide.loc[DAYS[10] : DAYS[60], "XLU"] = 0.0
    found = connectedness(rows_of(wide), FIRST, LAST)
    n_series = found.groupby(["window_rows", "session_date"])["n_series"].first()
    for window in (LONG, SHORT):
        within = n_series[window]
        still = DAYS[10 + window - 1 : 61]
        assert (within[still] == 2).all()
        assert (within.drop(still) == 3).all()


def test_a_series_that_copies_another_leaves_no_row_until_it_does_no_longer():
    wide = moving("XLF", "XLK", "XLU")
    wide.loc[: DAYS[44], "XLU"] = wide["XLF"]
    found = of_regressions(connectedness(rows_of(wide), FIRST, LAST))
    assert found["session_date"].min() == DAYS[45]
    # The first row in which they differ must also be one whose lag is regressed on.
    known = found[found["value"].notna()]
    assert set(known["session_date"]) == set(DAYS[46:90])
    assert not len(connectedness(rows_of(wide.iloc[:45]), FIRST, LAST))


def test_sets_and_their_levels_are_held_apart():
    both = pd.concat(
        [
            rows_of(moving("XLF", "XLK", n=40)),
            rows_of(moving("US", "JP", n=40, seed=8), "regions", level="region", region=None),
            rows_of(moving("Oil", "Chips", n=40), "US industries", level="industry"),
            rows_of(moving("XLK", n=40), "JP sector funds", region="JP"),
        ]
    )
    found = connectedness(both, FIRST, LAST)
    levels = found.groupby("series_set")["level"].first()
    assert levels.to_dict() == {"US sector funds": "sector_fund", "regions": "region"}
    alone = found[found["series_set"] == "regions"]
    same(alone, connectedness(both[both["series_set"] == "regions"], FIRST, LAST), ROWS)


def test_what_a_window_rests_on_is_carried_along():
    wide = moving("XLF", "XLK", n=50)
    simulated = pd.Series(DAYS[:50] == DAYS[25], DAYS[:50])
    vintage = pd.Series(pd.Timestamp("2025-03-01"), DAYS[:50])
    vintage[DAYS[25]] = pd.Timestamp("2025-04-01")
    rows = rows_of(wide, has_simulated_inputs=simulated, as_of=vintage)
    found = connectedness(rows, FIRST, LAST)
    holds = (found["window_from"] <= DAYS[25]) & (found["session_date"] >= DAYS[25])
    assert (found["has_simulated_inputs"] == holds).all()
    assert ((found["as_of"] == pd.Timestamp("2025-04-01")) == holds).all()


@pytest.mark.parametrize("function", [connectedness, connectedness_links])
def test_without_a_window_there_is_an_empty_table(bench, function):
    contract = CONNECTEDNESS if function is connectedness else CONNECTEDNESS_LINKS
    short = rows_of(moving("XLF", "XLK", n=SHORT - 1))
    assert bench.hold(contract, function(short, FIRST, LAST)).empty
    assert bench.hold(contract, function(short.iloc[:0], FIRST, LAST)).empty
    enough = rows_of(moving("XLF", "XLK", n=LONG))
    assert bench.hold(contract, function(enough, DAYS[LONG], LAST)).empty


def twist(wide, gaps, begins, ends, copies):
    """Put holes into a frame, list one series late, end another, let one copy another a while."""
    for row, column in gaps:
        wide.iloc[row, column] = np.nan
    wide.iloc[:begins, 0] = np.nan
    wide.iloc[ends:, 1] = np.nan
    first, length = copies
    part = slice(first, first + length)
    wide.iloc[part, 3] = wide.iloc[part, 2]
    return wide


WORLDS = st.builds(
    lambda *how: rows_of(twist(moving("a", "b", "c", "d"), *how)),
    st.lists(st.tuples(st.integers(0, 89), st.integers(0, 3)), max_size=8, unique=True),
    st.integers(0, 60),
    st.integers(30, 90),
    st.tuples(st.integers(0, 60), st.sampled_from([0, 0, 5, 25, 60])),
)


@settings(max_examples=12, deadline=None)
@given(WORLDS, st.integers(15, 89), st.integers(0, 40))
@example(rows_of(twist(moving("a", "b", "c", "d"), [], 0, 90, (0, 60))), 50, 10)
def test_any_days_equal_those_of_the_whole_and_nothing_later_counts(rows, last, n_days):
    start, end = DAYS[max(last - n_days, 0)], DAYS[last]
    for function, keys in ((connectedness, ROWS), (connectedness_links, LINKS)):
        whole = function(rows, FIRST, LAST)
        asked = whole[whole["session_date"].between(start, end)]
        same(function(rows, start, end), asked, keys)
        known = rows[rows["session_date"] <= end]
        same(function(known, FIRST, LAST), whole[whole["session_date"] <= end], keys)
        same(function(known, end, end), whole[whole["session_date"] == end], keys)
