"""What a benchmark tells is kept, compared the right way round, and said when it misses a goal."""

from __future__ import annotations

import pytest

from benchmarks import _machine, _records
from benchmarks._records import Figure, limit, peer


def test_what_is_told_is_read_again(tmp_path, monkeypatch):
    path = tmp_path / "figures.jsonl"
    monkeypatch.setenv("SELLOFF_BENCH_RECORDS", str(path))
    _records.tell("fits", 2, "CPU s", peer("theirs", 10.0, 4), goal=3)
    _records.tell("articles", 600, "a CPU s", limit("words", 900.0), is_rate=True)
    first, second = _records.read(path)
    assert (first.what, first.ours, first.unit, first.goal) == ("fits", 2.0, "CPU s", 3)
    assert (first.beside[0].name, first.beside[0].goal) == ("theirs", 4)
    assert second.is_rate
    assert second.beside[0].is_limit


def test_nothing_is_told_where_nobody_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("SELLOFF_BENCH_RECORDS", raising=False)
    monkeypatch.chdir(tmp_path)
    _records.tell("fits", 2, "CPU s")
    assert not list(tmp_path.iterdir())
    assert _records.read(tmp_path / "absent") == []


@pytest.mark.parametrize(
    ("is_rate", "other", "expected"),
    [
        (False, peer("slower", 8.0), 2.0),  # it takes twice as long
        (False, limit("scan", 2.0), 2.0),  # ours takes twice as long
        (True, peer("slower", 2.0), 2.0),  # ours does twice as many
        (True, limit("words", 8.0), 2.0),  # the limit does twice as many
    ],
)
def test_a_ratio_of_two_means_twice_as_good_as_a_peer_and_half_as_good_as_a_limit(
    is_rate, other, expected
):
    assert _records.ratio(Figure("work", 4.0, "s", is_rate=is_rate), other) == expected


def test_a_peer_that_takes_no_time_at_all_is_no_error():
    assert _records.ratio(Figure("work", 4.0, "s"), limit("nothing", 0.0)) == float("inf")


@pytest.mark.parametrize(
    "figure",
    [
        Figure("work", 2.0, "s", goal=2.0),
        Figure("work", 2.0, "a s", goal=2.0, is_rate=True),
        Figure("work", 2.0, "s", beside=(peer("theirs", 8.0, 4.0),)),
        Figure("work", 3.0, "s", beside=(limit("scan", 2.0, 1.5),)),
    ],
)
def test_a_goal_that_is_just_met_is_not_missed(figure):
    assert _records.missed(figure) == []


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (Figure("work", 2.1, "s", goal=2.0), "2.1 s, goal 2"),
        (Figure("work", 1.9, "a s", goal=2.0, is_rate=True), "1.9 a s, goal 2"),
        (Figure("work", 2.0, "s", beside=(peer("theirs", 7.0, 4.0),)), "3.5 times theirs, goal 4"),
        (Figure("work", 4.0, "s", beside=(limit("scan", 2.0, 1.5),)), "2 times scan, goal 1.5"),
    ],
)
def test_a_goal_that_is_missed_says_by_how_much(figure, said):
    assert _records.missed(figure) == [said]


def test_a_row_says_figure_goal_peer_and_limit():
    figure = Figure(
        "work", 4.0, "s", goal=3.0, beside=(peer("theirs", 8.0, 3.0), limit("scan", 2.0))
    )
    cells = ("work", "4 s", "at most 3, missed", "theirs: 8, 2 (goal 3, missed)", "scan: 2, 2")
    assert _records.cells(figure) == cells


def test_a_machine_is_described_by_what_figures_depend_on():
    found = _machine.described()
    assert set(found) == {
        *("cores", "processor", "memory_gb", "python", "versions", "load", "measured_at"),
    }
    assert found["cores"] >= 1
    assert {"numpy", "duckdb", "ibis-framework"} <= set(found["versions"])
    assert _machine.in_words(found).startswith(f"{found['cores']} cores of ")


def test_a_system_without_proc_and_a_package_that_is_missing_are_no_error(tmp_path):
    assert _machine._of_file(str(tmp_path / "absent"), "model name") is None
    assert _machine._version("no-such-package-as-this") is None
