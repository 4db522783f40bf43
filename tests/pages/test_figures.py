"""Whether figures look alike everywhere, and what is not known looks like nothing."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pages import figures
from pages.exhibits import newest, table

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    "form",
    [
        *(figures.percent, figures.share, figures.billions, figures.number, figures.p_value),
        *(figures.day, figures.instant, figures.moment),
    ],
)
def test_what_is_not_known_is_empty(form):
    assert form(None) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-16.97%", f"{MINUS}16.97%"),
        ("592.7 (-17.0%)", f"592.7 ({MINUS}17.0%)"),
        ("2025-01-27", "2025-01-27"),
        ("BRK-2", "BRK-2"),
        ("1-2", "1-2"),
        ("-", "-"),
        ("half-in", "half-in"),
    ],
)
def test_minus_signs_stand_before_figures_alone(text, expected):
    assert figures.typeset(text) == expected


def test_a_small_probability_is_not_zero():
    assert figures.p_value(0.0004) == "<0.001"
    assert figures.p_value(0.0006) == "0.001"


def test_cells_say_what_they_are_sorted_by():
    at = datetime.fromisoformat("2025-01-27 21:00")
    row = {"a": None, "b": True, "c": at, "d": date(2025, 1, 27), "e": -0.5, "f": "x"}
    columns = [(name, name, None) for name in "abcdef"]
    (cells,) = table([row], columns)
    assert [cell.sort for cell in cells] == [
        None,
        "yes",
        "2025-01-27T21:00:00",
        "2025-01-27",
        -0.5,
        "x",
    ]
    assert [cell.is_figure for cell in cells] == [False, False, False, False, True, False]
    assert cells[2].words == "2025-01-27 21:00 UTC"


def test_the_newest_vintage_is_that_of_the_newest_row():
    early, late = datetime.fromisoformat("2025-01-27"), datetime.fromisoformat("2025-01-28")
    assert newest([{"as_of": late}, {"as_of": early}, {"as_of": None}, {}]) == late
