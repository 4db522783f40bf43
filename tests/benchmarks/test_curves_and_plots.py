"""Points of growth are kept by curve and shape, and drawn with labels, units and slopes."""

from __future__ import annotations

import json
from itertools import pairwise
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks import curves, orchestration, plots

STEPS = (
    "raw__price_vintages",
    "core__daily_prices",
    "core__abnormal_returns",
    "core__risk_measures",
)


def point(series, listings, bars, cpu):
    steps = {name: [2 * cpu, cpu, 100.0 + place] for place, name in enumerate(STEPS)}
    machine = {"load": 1.0}
    shape = {"series": series, "listings": listings, "years": 4, "bars": bars}
    return {**shape, "steps": steps, "machine": machine}


@pytest.fixture
def points():
    by_rows = [point("rows", n // 1000, n, n / 1e5) for n in (100_000, 1_000_000, 10_000_000)]
    return [*by_rows, point("listings", 10, 100_000, 3.0), point("listings", 100, 100_000, 3.0)]


def test_points_are_kept_the_smallest_first_and_a_new_one_replaces_its_like(tmp_path, points):
    kept = tmp_path / "results" / "growth.json"
    for each in reversed(points):
        curves.keep(each, kept)
    curves.keep(point("rows", 100, 100_000, 9.0), kept)
    found = curves.points(kept)
    assert [each["bars"] for each in found] == sorted(each["bars"] for each in points)
    assert [
        each["steps"]["core__daily_prices"][1] for each in found if each["series"] == "rows"
    ] == [
        *(9.0, 10.0, 100.0),
    ]


def test_no_file_is_no_points(tmp_path):
    assert curves.points(tmp_path / "absent.json") == []


def test_a_whole_is_the_sum_of_times_and_the_highest_peak_also_where_one_was_not_kept():
    steps = {"a": [1.0, 2.0, 300.0], "b": [None, 0.5, None]}
    assert curves.whole({"steps": steps}) == (1.0, 2.5, 300.0)


def test_points_of_growth_are_taken_with_the_shape_of_their_market(tmp_path):
    prices = tmp_path / "20x3" / "prices"
    prices.mkdir(parents=True)
    pq.write_table(pa.table({"close": [1.0] * 7}), prices / "bars_00.parquet")
    (tmp_path / "growth.json").write_text(json.dumps({"7": {"core__daily_prices": [1, 2, 3]}}))
    (found,) = curves.taken(tmp_path / "growth.json")
    assert (found["series"], found["listings"], found["years"], found["bars"]) == ("rows", 20, 3, 7)


def texts(picture):
    return [each.text for each in ET.fromstring(picture).iter() if each.text]  # noqa: S314 - our own


def test_each_curve_is_drawn_with_its_slope_and_axes_with_units(points):
    found = plots.pictures(points)
    assert set(found) == {
        *("time_by_rows.svg", "memory_by_rows.svg", "time_by_listings.svg"),
        "memory_by_listings.svg",
    }
    said = texts(found["time_by_rows.svg"])
    assert "all steps, slope 1.00" in said
    assert "CPU seconds (logarithmic)" in said
    assert "bars (logarithmic)" in said
    assert {"100 k", "1 M", "10 M"} <= set(said)
    assert "all steps, slope 0.00" in texts(found["time_by_listings.svg"])
    assert "MB of the process (logarithmic)" in texts(found["memory_by_rows.svg"])


def test_a_picture_alone_has_its_style_for_light_and_dark_and_words_for_who_cannot_see(points):
    root = ET.fromstring(plots.pictures(points)["time_by_rows.svg"])  # noqa: S314 - our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    style = next(each.text for each in root.iter() if each.tag.endswith("style"))
    assert "prefers-color-scheme: dark" in style
    assert any(each.tag.endswith("desc") and each.text for each in root.iter())


def test_no_label_stands_outside_the_picture_or_on_another(points):
    for picture in plots.pictures(points).values():
        labels = [
            (float(each.get("x")), float(each.get("y")), each.text)
            for each in ET.fromstring(picture).iter()  # noqa: S314 - our own
            if each.get("class") == "label"
        ]
        heights = sorted(y for _, y, _ in labels)
        assert all(b - a >= 17 for a, b in pairwise(heights))
        # A letter of 13 units is at most 7.2 wide in the fonts that are asked for.
        assert all(x + 7.2 * len(words) <= plots.WIDTH for x, _, words in labels)


def test_a_curve_of_one_point_is_left_out(points):
    assert plots.pictures(points[:1]) == {}


def test_what_is_drawn_is_what_the_kept_points_say():
    for name, picture in plots.pictures(curves.points()).items():
        assert (plots.PLOTS / name).read_text(encoding="utf-8") == picture


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (9, 60, [10, 20, 50]),
        (0.9, 900, [1, 3, 10, 30, 100, 300]),
        (1, 1e5, [1, 10, 100, 1e3, 1e4, 1e5]),
    ],
)
def test_ticks_are_round_and_few(low, high, ticks):
    assert plots.Axis(low, high, 0, 1).ticks() == pytest.approx(ticks)


def test_a_clock_counts_what_a_function_and_its_generator_take_and_nothing_between(monkeypatch):
    clock, now = orchestration.Clock(), [0.0]

    def work():
        now[0] += 1
        yield "done"
        now[0] += 2

    with monkeypatch.context() as patch:
        patch.setattr(orchestration.time, "perf_counter", lambda: now[0])
        for _ in orchestration.timed(work, clock)():
            now[0] += 10
        assert clock.wall == 3
    assert orchestration.timed(lambda: 7, clock)() == 7


def test_a_chain_of_empty_steps_runs_and_nearly_all_of_it_is_the_orchestrators(
    tmp_path, monkeypatch
):
    from datetime import date

    from resources.batch import Days

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    found = orchestration.empty(2, Days(date(2025, 1, 27), date(2025, 1, 28)), daily=True)
    assert found["is_well"]
    assert found["steps"] == 2
    assert 0 < found["own_cpu"] < found["cpu"]
