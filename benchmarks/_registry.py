"""Which benchmarks there are: the claim of each, what it needs, how it is run."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What a benchmark may need that a fresh clone has not, and how to get it.
NEEDS = {
    "shared": "the folder ../shared with the reference data is not here",
    "release": "there is no published release: `make demo` makes one",
    "spark": "pyspark and Java are not here: `make test-spark` builds .venv-spark",
}


@dataclass(frozen=True)
class Benchmark:
    """One file, one claim.

    Parameters
    ----------
    name : str
        Of the file in benchmarks/.
    claim : str
        What its figures are to show, in one sentence.
    short : tuple of str, optional
        Arguments in `make bench`; None keeps it out of there, since it takes long or much disk.
    whole : tuple of str
        Arguments where it is asked for by name; `{folder}` is one of its own that is removed.
    needs : tuple of str
        Keys of `NEEDS`: without them it is passed over with a word.
    minutes : int
        What it takes at most on two quiet cores; after six times as long it is given up.
    """

    name: str
    claim: str
    short: tuple[str, ...] | None = ()
    whole: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    minutes: int = 2


BENCHMARKS = (
    Benchmark("startup", "Loading the definitions costs little more than importing Dagster."),
    Benchmark("demo", "The whole graph on the replay stays within a few imports' time and 700 MB."),
    Benchmark(
        "orchestration",
        "Dagster adds at most 2 s to the daily job of the embedded default.",
        whole=("long",),
    ),
    Benchmark(
        "panels",
        "Abnormal returns, drawdowns and risk measures of every listing and session cost seconds.",
        short=("names",),
        whole=("names", "market"),
        minutes=4,
    ),
    Benchmark("event_study", "10,000 events with nine tests take a third of a second.", minutes=3),
    Benchmark("contagion", "Rolling connectedness is a hundred times faster than PyPI.", minutes=8),
    Benchmark("contagion_networks", "Networks, absorption and turbulence cost next to nothing."),
    Benchmark("contagion_tails", "A quantile line of a window costs microseconds.", minutes=4),
    Benchmark(
        "articles",
        "Articles are read, from text to claims, at 500 a second and core.",
        minutes=4,
    ),
    Benchmark("claims", "Claims are found as they were labelled by hand."),
    Benchmark("claim_checks", "10,000 claims are held against 3,000,000 bars in seconds."),
    Benchmark(
        "publish",
        "Readers never notice a publisher, a killed one loses nothing, a release is a copy.",
        short=("--seconds", "5", "--kills", "3", "--rows", "2000000"),
        minutes=10,
    ),
    Benchmark(
        "ingest",
        "Fetching, landing and checking cost little more than waiting and reading.",
        short=("vendor", "refetch"),
        minutes=10,
    ),
    Benchmark(
        "pages", "An event's page is written in 0.1 s and drawn in 0.2 s.", needs=("release",)
    ),
    Benchmark(
        "parity", "Our figures are those of the other systems.", needs=("shared",), minutes=3
    ),
    Benchmark(
        "size_and_power",
        "The headline tests reject a true null as often as they say.",
        short=("2000",),
        minutes=10,
    ),
    Benchmark(
        "new_day",
        "A new day costs the day and its windows, whatever the history.",
        short=None,
        whole=("{folder}", "1000x4", "1000x8"),
        minutes=30,
    ),
    Benchmark(
        "market_model",
        "The rolling market model is at or below Polars, and under 2 GB.",
        short=None,
        whole=("{folder}",),
        minutes=10,
    ),
    Benchmark(
        "whole_market",
        "A whole market is computed in minutes, and what was planted is found in it.",
        short=None,
        whole=("{folder}",),
        minutes=15,
    ),
    Benchmark(
        "engines",
        "On one machine Spark costs several times what DuckDB costs.",
        short=None,
        needs=("spark",),
        minutes=10,
    ),
    Benchmark(
        "curves", "No measure grows faster than its rows.", short=None, whole=("rows",), minutes=15
    ),
)
# What no command runs: what draws, what other scripts are made of.
TOOLS = {
    "plots": "draws the curves of results/growth.json",
    "simulated_market": "makes a market whose truth is known, and checks a warehouse against it",
    "growth": "measures the points that `curves` keeps",
}


def chosen(names: list[str]) -> list[Benchmark]:
    """Return the benchmarks of these names; without names those of `make bench`.

    Raises
    ------
    SystemExit
        With one line that names what there is, if a name is unknown.
    """
    known = {each.name: each for each in BENCHMARKS}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in names] or [x for x in BENCHMARKS if x.short is not None]


def lacking(benchmark: Benchmark, is_here: dict[str, Callable[[], bool]]) -> str:
    """Return in words what a benchmark needs and has not; empty if nothing."""
    return "; ".join(NEEDS[need] for need in benchmark.needs if not is_here[need]())


def present(root: Path) -> dict[str, Callable[[], bool]]:
    """Return how to see whether what a benchmark may need is here."""
    return {
        "shared": (root.parent / "shared" / "reference").is_dir,
        "release": (root / "warehouse" / "current" / "warehouse.duckdb").exists,
        "spark": lambda: (root / ".venv-spark" / ".ready").exists() and bool(shutil.which("java")),
    }
