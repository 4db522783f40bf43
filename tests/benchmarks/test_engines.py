"""Where Spark would begin to pay: straight lines, and an honest never."""

from __future__ import annotations

import math

import duckdb
import pytest

from benchmarks import engines


def test_points_on_a_line_give_its_start_and_slope():
    assert engines.line([100, 1000, 5000], [12.0, 30.0, 110.0]) == pytest.approx((10.0, 0.02))


def test_a_start_below_nothing_is_none():
    start, slope = engines.line([1000, 2000], [1.0, 4.0])
    assert start == 0
    assert slope == pytest.approx(0.003)


def test_machines_pay_where_the_lines_meet():
    ours, theirs = (1.0, 1e-6), (10.0, 3e-6)
    bars = engines.pays_from(ours, theirs, 6)
    assert ours[0] + ours[1] * bars == pytest.approx(theirs[0] + theirs[1] * bars / 6)


def test_too_few_machines_never_pay():
    assert engines.pays_from((1.0, 1e-6), (10.0, 3e-6), 3) == math.inf


def test_what_is_measured_has_the_bars_that_were_asked_for(tmp_path):
    engines.make(tmp_path / "made", 2 * engines.SESSIONS)
    bars = str(tmp_path / "made" / "daily_prices.parquet")
    with duckdb.connect() as con:
        counts = con.execute(
            "SELECT count(*), count(DISTINCT listing_id) FROM read_parquet(?)", [bars]
        )
        assert counts.fetchall() == [(2 * engines.SESSIONS, 2)]
