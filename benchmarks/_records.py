"""What a benchmark tells: figures, each beside peers and limits measured in the same run.

`python -m benchmarks` names a file in SELLOFF_BENCH_RECORDS; without it `tell` does nothing, and
the script prints what it always printed.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VARIABLE = "SELLOFF_BENCH_RECORDS"
HEAD = ("what", "ours", "goal", "peer: its figure, times ours", "limit: its figure, ours times it")


@dataclass(frozen=True)
class Beside:
    """What stands beside a figure of ours.

    Parameters
    ----------
    name : str
        Of the peer or of the limit.
    value : float
        In the unit of the figure.
    is_limit : bool
        Whether nothing could do better (a scan, a copy, an import), rather than a rival.
    goal : float, optional
        Of the ratio: at least that many times ours for a peer, at most so many times the limit.
    """

    name: str
    value: float
    is_limit: bool = False
    goal: float | None = None


@dataclass(frozen=True)
class Figure:
    """One figure of ours.

    Parameters
    ----------
    what : str
        What was done, with its size.
    ours : float
        The figure.
    unit : str
        Of it and of what stands beside it.
    goal : float, optional
        At most that much; at least, where more is better.
    is_rate : bool
        Whether more is better.
    beside : tuple of Beside
        Peers and limits of the same run.
    """

    what: str
    ours: float
    unit: str
    goal: float | None = None
    is_rate: bool = False
    beside: tuple[Beside, ...] = ()


def peer(name: str, value: float, goal: float | None = None) -> Beside:
    """Return a rival's figure."""
    return Beside(name, value, is_limit=False, goal=goal)


def limit(name: str, value: float, goal: float | None = None) -> Beside:
    """Return what nothing could do better."""
    return Beside(name, value, is_limit=True, goal=goal)


def tell(
    what: str,
    ours: float,
    unit: str,
    *beside: Beside,
    goal: float | None = None,
    is_rate: bool = False,
) -> None:
    """Add a figure to the file that SELLOFF_BENCH_RECORDS names; see `Figure`."""
    if path := os.environ.get(VARIABLE):
        figure = Figure(what, float(ours), unit, goal, is_rate, beside)
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(figure)) + "\n")


def read(path: Path) -> list[Figure]:
    """Return the figures of such a file; none where no script told any."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [of_record(json.loads(line)) for line in lines]


def of_record(record: dict[str, Any]) -> Figure:
    """Return the figure of a record of a result file."""
    beside = tuple(Beside(**each) for each in record["beside"])
    return Figure(**{**record, "beside": beside})


def ratio(figure: Figure, other: Beside) -> float:
    """Return how many times ours a peer costs, or how many times a limit ours costs.

    >>> ratio(Figure("fits", 2.0, "CPU s"), peer("theirs", 10.0))
    5.0
    >>> ratio(Figure("fits", 2.0, "CPU s"), limit("scan", 0.5))
    4.0
    >>> ratio(Figure("articles", 600.0, "a CPU s", is_rate=True), peer("theirs", 100.0))
    6.0
    """
    above, below = figure.ours, other.value
    if other.is_limit == figure.is_rate:
        above, below = below, above
    return above / below if below else float("inf")


def missed(figure: Figure) -> list[str]:
    """Return which goals a figure misses, in words; empty if none.

    >>> missed(Figure("fits", 2.0, "CPU s", goal=1.0))
    ['2 CPU s, goal 1']
    >>> missed(Figure("fits", 2.0, "CPU s", beside=(limit("scan", 1.0, goal=1.5),)))
    ['2 times scan, goal 1.5']
    """
    found = []
    if figure.goal is not None:
        is_met = figure.ours >= figure.goal if figure.is_rate else figure.ours <= figure.goal
        if not is_met:
            found.append(f"{number(figure.ours)} {figure.unit}, goal {number(figure.goal)}")
    for each in figure.beside:
        times = ratio(figure, each)
        is_met = each.goal is None or (times <= each.goal if each.is_limit else times >= each.goal)
        if not is_met and each.goal is not None:
            found.append(f"{number(times)} times {each.name}, goal {number(each.goal)}")
    return found


def cells(figure: Figure) -> tuple[str, ...]:
    """Return the cells of a figure's row, in the order of `HEAD`."""
    goal = ""
    if figure.goal is not None:
        sign = "at least" if figure.is_rate else "at most"
        is_met = figure.ours >= figure.goal if figure.is_rate else figure.ours <= figure.goal
        goal = f"{sign} {number(figure.goal)}{'' if is_met else ', missed'}"
    ours = f"{number(figure.ours)} {figure.unit}"
    columns: list[list[str]] = [[], []]
    for each in figure.beside:
        times = ratio(figure, each)
        words = f"{each.name}: {number(each.value)}, {number(times)}"
        if each.goal is not None:
            is_met = times <= each.goal if each.is_limit else times >= each.goal
            words += f" (goal {number(each.goal)}{'' if is_met else ', missed'})"
        columns[each.is_limit].append(words)
    return figure.what, ours, goal, "; ".join(columns[0]), "; ".join(columns[1])


def number(value: float) -> str:
    """Return a figure with three significant digits, thousands apart.

    >>> number(0.01234), number(1234.5), number(12.0), number(0.0)
    ('0.0123', '1,234', '12', '0')
    """
    if abs(value) >= 1000:  # noqa: PLR2004 - from here on digits after the point say nothing
        return f"{value:,.0f}"
    return f"{value:.3g}"
