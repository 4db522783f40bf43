"""`make bench`: each benchmark is known, runs with what is here, and its results make the table."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks import __main__ as bench
from benchmarks import _peers, _registry

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from _records import limit, tell
tell("work of " + " ".join(sys.argv[1:]), 4.0, "s", limit("scan", 2.0, 3), goal=5)
"""
FOUND = {
    "name": "one",
    "claim": "It works.",
    "arguments": ["short"],
    "seconds": 1,
    "machine": {
        "cores": 2,
        "processor": "X",
        "memory_gb": 24,
        "python": "3.11.7",
        "versions": {"numpy": "2"},
        "load": 0.5,
        "measured_at": "2026-11-26 13:00",
    },
    "failed": "",
    "figures": [
        {
            "what": "work",
            "ours": 4.0,
            "unit": "s",
            "goal": 5.0,
            "is_rate": False,
            "beside": [{"name": "scan", "value": 2.0, "is_limit": True, "goal": 3.0}],
        }
    ],
}


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of one benchmark that tells, one that breaks and one that needs what is not here."""
    (tmp_path / "_records.py").write_text((ROOT / "benchmarks" / "_records.py").read_text())
    (tmp_path / "one.py").write_text(SCRIPT)
    (tmp_path / "broken.py").write_text("raise SystemExit('no bars in the folder')")
    (tmp_path / "stuck.py").write_text("import time; time.sleep(60)")
    readme = tmp_path / "README.md"
    readme.write_text(f"# Benchmarks\n{bench.BEGIN}\nold\n{bench.END}\nMore.\n")
    known = (
        _registry.Benchmark("one", "It works.", ("short",), ("whole", "really")),
        _registry.Benchmark("broken", "It breaks."),
        _registry.Benchmark("heavy", "It takes hours.", None),
        _registry.Benchmark("absent", "It wants data.", needs=("shared",)),
    )
    monkeypatch.setattr(_registry, "BENCHMARKS", known)
    monkeypatch.setattr(_registry, "present", lambda _: {"shared": lambda: False})
    for name, value in {
        "HERE": tmp_path,
        "RESULTS": tmp_path / "results",
        "README": readme,
    }.items():
        monkeypatch.setattr(bench, name, value)
    monkeypatch.setattr(bench.keep, "__defaults__", (tmp_path / "results",))
    monkeypatch.setattr(bench.kept, "__defaults__", (tmp_path / "results",))
    return tmp_path


def test_every_benchmark_has_a_file_and_every_file_is_a_benchmark_or_a_tool():
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    named = {each.name for each in _registry.BENCHMARKS} | set(_registry.TOOLS)
    assert {name for name in files if not name.startswith("_")} == named


def test_every_claim_is_one_sentence_and_every_need_has_words():
    for each in _registry.BENCHMARKS:
        assert each.claim.endswith(".")
        assert set(each.needs) <= set(_registry.NEEDS) == set(_registry.present(ROOT))


@pytest.mark.usefixtures("scripts")
def test_what_takes_long_runs_only_by_name():
    assert [each.name for each in _registry.chosen([])] == ["one", "broken", "absent"]
    assert [each.name for each in _registry.chosen(["heavy"])] == ["heavy"]


@pytest.mark.usefixtures("scripts")
def test_an_unknown_name_is_one_line_that_says_what_there_is():
    with pytest.raises(SystemExit, match=r"^no benchmark two; there are one, broken, heavy"):
        _registry.chosen(["one", "two"])


def test_all_run_in_short_and_the_table_is_written_between_its_marks(scripts, capsys):
    assert bench.main([]) == 1  # one of them broke
    said = capsys.readouterr()
    assert "-- absent: passed over, the folder ../shared" in said.out
    assert "no bars in the folder" in said.err
    text = (scripts / "README.md").read_text()
    assert text.startswith(f"# Benchmarks\n{bench.BEGIN}\n| what |")
    assert text.endswith(f"{bench.END}\nMore.\n")
    assert "| work of short | 4 s | at most 5 |  | scan: 2, 2 (goal 3) |" in text
    assert bench.main(["--check"]) == 0


@pytest.mark.usefixtures("scripts")
def test_a_name_runs_the_whole_and_a_word_makes_it_short():
    assert bench.main(["one"]) == 0
    (result,) = bench.kept()
    assert result["arguments"] == ["whole", "really"]
    assert bench.main(["--short", "one"]) == 0
    assert bench.kept()[0]["figures"][0]["what"] == "work of short"


@pytest.mark.usefixtures("scripts")
def test_a_table_that_is_not_of_the_results_is_noticed():
    bench.keep(FOUND)
    assert bench.main(["--check"]) == 1
    assert bench.main(["--table"]) == 0
    assert bench.main(["--check"]) == 0


def test_what_breaks_says_why_and_what_hangs_is_given_up(scripts):
    env = {"PYTHONPATH": str(ROOT)}
    broken = [sys.executable, str(scripts / "broken.py")]
    assert bench._outcome(broken, env, 60) == "no bars in the folder"
    assert bench._outcome([sys.executable, "-c", "raise SystemExit(1)"], env, 60) == ""
    stuck = [sys.executable, str(scripts / "stuck.py")]
    assert bench._outcome(stuck, env, 0.3).startswith("given up after")


def test_a_table_names_each_machine_once_and_says_what_failed():
    other = {**FOUND, "name": "two", "failed": "it broke"}
    text = bench.table([FOUND, other])
    assert "| **`one short`** It works. |" in text
    assert "Failed: it broke" in text
    assert text.count("2 cores of X") == 1
    assert "one (2026-11-26 13:00, load 0.5), two (2026-11-26 13:00, load 0.5)" in text


def test_the_table_in_the_readme_is_what_the_results_say():
    text = bench.README.read_text()
    assert bench.with_table(text, bench.table(bench.kept())) == text


def test_peers_are_installed_once_and_left_out_with_a_word_where_they_cannot_be(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SELLOFF_BENCH_ENV", str(tmp_path))
    ready = tmp_path / "made" / ".ready"
    ready.parent.mkdir()
    ready.write_text("polars==2.1\npandas<3")
    found = _peers.python_with("made", ("polars==2.1", "pandas<3"))
    assert found == str(tmp_path / "made" / "bin" / "python")
    monkeypatch.setattr(_peers.sys, "executable", "/bin/false")
    assert _peers.python_with("other", ("polars==2.1",)) is None
    assert "peers left out: polars==2.1: " in capsys.readouterr().err
