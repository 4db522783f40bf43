"""A day that is added, or restated, gives what computing everything anew gives.

The environment's ``SELLOFF_SPLITS`` says at how many random places a market is split.
"""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.pipeline.late_runs import Late, Market, moment

pytestmark = pytest.mark.pipeline

N_SPLITS = int(os.environ.get("SELLOFF_SPLITS", "1"))
TOLERANCE = 1e-12


@pytest.fixture(scope="module")
def market(tmp_path_factory):
    return Market.made(tmp_path_factory.mktemp("market"), seed=3)


def difference(one, other):
    """Say where two tables differ, by more than rounding in figures."""
    if one.num_rows != other.num_rows:
        return f"{one.num_rows} and {other.num_rows} rows"
    for name in one.column_names:
        left, right = (np.asarray(each[name].to_numpy()) for each in (one, other))
        if left.dtype.kind == "f":
            both = np.isnan(left) & np.isnan(right)
            # Sums of gains and losses cancel: what is left of them is as exact as they were.
            size = np.nanmax(np.abs(left), initial=1.0)
            close = np.isclose(left, right, rtol=TOLERANCE, atol=TOLERANCE * size)
            same = both | close | (left == right)
        else:
            same = np.array(one[name].to_pylist(), object) == np.array(
                other[name].to_pylist(), object
            )
        if not np.all(same):
            at = int(np.flatnonzero(~np.asarray(same))[0])
            rows = [each.slice(at, 1).to_pylist()[0] for each in (one, other)]
            return f"{name}: {(~same).sum()} rows, {rows[0]} and {rows[1]}"
    return None


@settings(
    max_examples=N_SPLITS,
    deadline=None,
    phases=[Phase.generate],  # to shrink takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    first=st.integers(415, 425),
    step=st.integers(2, 50),
    back=st.integers(1, 150),
    length=st.integers(1, 12),
)
def test_what_comes_day_by_day_is_what_comes_at_once(
    market, tmp_path_factory, first, step, back, length
):
    late = Late(tmp_path_factory.mktemp("late") / "selloff.duckdb", market)
    late.run(late.land(market.between(0, first), moment(0)))
    # A history that is mended in places, together with new sessions.
    places = first - back, first - back + length
    mended = market.restated(market.lasting(), *places, [1.01, 0.98, 1.0, 1.02])
    late.land(mended, moment(2))
    late.run(late.land(market.between(first, first + step), moment(3)))
    with late.marked("mart.car_paths") as is_still_marked:
        late.run(late.land(market.between(first + step, first + step + 1), moment(4)))
        assert is_still_marked(), "an event that is over was made anew"
    by_day = late.tables()
    assert by_day["mart.selloff_events"].num_rows, "no event, nothing shown"
    assert_is_what_comes_at_once(by_day, late, market.sessions[first + step])


def test_a_split_that_becomes_known_makes_nothing_before_it_anew(market, tmp_path):
    first, ratio = 420, 3.0
    ticker, ex_date = market.lasting(), market.sessions[first + 1]
    traded = market.split(ticker, first + 1, ratio)
    late = Late(tmp_path / "selloff.duckdb", traded)
    late.run(late.land(traded.between(0, first), moment(0)))
    # Two sessions in new shares come before anybody tells of the split.
    late.run(late.land(traded.between(first, first + 2), moment(1)))
    unadjusted = late.tables()
    late.land(traded.between(first + 2, first + 3), moment(2), ((ticker, ex_date, ratio),))
    before = f"session_date = DATE '{market.sessions[first - 5]}'"
    with (
        late.marked("core.abnormal_returns", before) as is_marked,
        late.marked("mart.car_paths") as is_still_marked,
    ):
        late.run(market.sessions[first + 2])
        assert is_marked(), "what no split changes was made anew"
        assert is_still_marked(), "an event that is over was made anew"
    by_day = late.tables()
    assert_rebased(unadjusted, by_day, late.listed[ticker], ex_date, ratio)
    assert_is_what_comes_at_once(by_day, late, market.sessions[first + 2])


def assert_is_what_comes_at_once(by_day, late, day):
    """Compute everything anew, and hold every table against it."""
    late.forget()
    late.run(day)
    at_once = late.tables()
    found = {name: difference(by_day[name], at_once[name]) for name in by_day}
    assert not any(found.values()), "\n".join(f"{name} {why}" for name, why in found.items() if why)


def assert_rebased(before, after, listing_id, ex_date, ratio):
    """Show that the bars of a listing, and of it alone, are in other shares."""

    def closes(tables):
        bars = tables["core.daily_prices"].to_pylist()
        days = ("listing_id", "session_date")
        return {tuple(bar[day] for day in days): bar["close"] for bar in bars}

    held, now = closes(before), closes(after)
    assert held.keys() < now.keys()
    for (listing, day), close in held.items():
        factor = ratio if listing == listing_id and day < ex_date else 1
        assert now[listing, day] == pytest.approx(close / factor, rel=1e-14)
