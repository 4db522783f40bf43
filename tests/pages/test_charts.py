"""Whether pictures show what they are given, at the right place, to everybody."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.charts.bars import Bar, bars
from pages.charts.heat_map import heat_map, shade
from pages.charts.lines import Line, lines
from pages.charts.network import Link, Node, network
from pages.charts.spans import Span, spans
from pages.drawing import Drawing, Scale, shortened, spread_out

FRACTIONS = st.floats(-0.9, 3, allow_nan=False)


def drawn(markup):
    """Return the elements of a picture, which is well-formed or fails here."""
    return list(fromstring(str(markup)).iter())  # noqa: S314 - we made it


def of_class(elements, name):
    return [each for each in elements if name in (each.get("class") or "").split()]


def words(elements):
    return [each.text for each in elements if each.tag == "text"]


@given(st.lists(FRACTIONS, min_size=2, max_size=30))
def test_a_scale_keeps_the_order_and_stays_between_its_ends(values):
    scale = Scale(min(values), max(values), 50, 600)
    places = [scale(value) for value in sorted(values)]
    assert all(left <= right + 1e-9 for left, right in pairwise(places))
    assert min(places) >= 50 - 1e-6
    assert max(places) <= 600 + 1e-6 or min(values) == max(values)


@given(FRACTIONS, FRACTIONS)
def test_ticks_are_round_few_and_inside(one, other):
    low, high = sorted((one, other))
    ticks = Scale(low, high, 0, 1).ticks()
    assert len(ticks) <= 7
    assert all(low - 1e-6 <= tick <= high + 1e-6 for tick in ticks)


@given(st.lists(st.floats(0, 300), max_size=8))
def test_labels_keep_their_order_and_their_distance_where_there_is_room(places):
    found = spread_out(places, 16, 0, 300)
    order = sorted(range(len(places)), key=lambda index: places[index])
    assert all(found[b] - found[a] >= 16 - 1e-6 for a, b in pairwise(order))
    assert all(-1e-6 <= each <= 300 + 1e-6 for each in found)


def test_a_line_goes_through_its_points_and_is_named_where_it_ends():
    elements = drawn(lines("c", "T", "D", [Line("NVDA", [(-1, 0.0), (0, -0.17), (1, -0.1)])]))
    (series,) = of_class(elements, "series")
    points = [tuple(map(float, pair.split())) for pair in series.get("d")[1:].split(" L")]
    assert len(points) == 3
    assert points[1][1] > points[2][1] > points[0][1]  # down the page is down
    assert "NVDA \N{MINUS SIGN}10.0%" in words(elements)
    assert of_class(elements, "event")


def test_eight_lines_differ_in_colour_and_in_dashes():
    given_lines = [Line(f"L{n}", [(0, n / 100), (1, n / 50)]) for n in range(8)]
    series = of_class(drawn(lines("c", "T", "D", given_lines)), "series")
    assert {each.get("class") for each in series} == {f"series s{n}" for n in range(8)}


def test_bars_are_as_long_as_their_amounts_and_losses_lie_left_of_zero():
    elements = drawn(
        bars("c", "T", "D", [Bar("A", 200, "200"), Bar("B", 100, "100"), Bar("C", -50, "-50")])
    )
    widths = [float(each.get("width")) for each in elements if each.tag == "rect"]
    assert widths[0] == pytest.approx(2 * widths[1], abs=0.2)
    assert widths[0] == pytest.approx(4 * widths[2], abs=0.3)
    starts = [float(each.get("x")) for each in elements if each.tag == "rect"]
    assert starts[2] < starts[0] == starts[1]
    assert "\N{MINUS SIGN}50" in words(elements)


@pytest.mark.parametrize(
    ("value", "expected"), [(-0.2, -4), (-0.06, -4), (-0.03, -3), (0, 0), (0.004, 0), (0.05, 3)]
)
def test_a_shade_is_by_depth(value, expected):
    assert shade(value) == expected


def test_a_heat_map_has_a_field_with_its_figure_for_all_that_is_known():
    markup = heat_map("c", "T", "D", [-1, 0], [("IT", {-1: 0.0001, 0: -0.044}), ("Energy", {0: 1})])
    elements = drawn(markup)
    assert len(of_class(elements, "heat")) == 3
    assert {"0.0", "\N{MINUS SIGN}4.4", "100.0"} <= set(words(elements))
    assert of_class(elements, "n3")
    assert of_class(elements, "frame")


def test_a_span_shows_where_it_was_where_it_is_and_how_deep_it_went():
    elements = drawn(spans("c", "T", "D", [Span("NVDA", -0.17, -0.2, 0.05, "all back in 3")]))
    first, lowest, last = (
        of_class(elements, name)[-1] for name in ("first", "lowest", "last")
    )  # the key has one of each before
    assert float(lowest.get("x")) < float(first.get("cx")) < float(last.get("cx"))
    assert "all back in 3" in words(elements)


def test_what_was_not_observed_is_not_drawn():
    elements = drawn(spans("c", "T", "D", [Span("NVDA", -0.17, -0.2, None, "still down")]))
    assert len(of_class(elements, "last")) == 1  # the key's alone


def test_arrows_are_as_wide_as_the_links_and_end_before_the_discs():
    nodes = [Node("A", 0.1, "source"), Node("B", -0.1, "hit"), Node("C", 0.0, "spared")]
    links = [Link("A", "B", 0.04), Link("B", "C", 0.02)]
    elements = drawn(network("c", "T", "D", nodes, links))
    widths = sorted(float(each.get("stroke-width")) for each in of_class(elements, "link"))
    assert widths == [3.5, 6.0]
    assert len(of_class(elements, "head")) == 2
    assert len(of_class(elements, "sender")) == 1
    assert len(of_class(elements, "receiver")) == 2
    assert {"A", "B", "C"} <= set(words(elements))


def test_a_network_of_nobody_is_an_empty_picture():
    assert not of_class(drawn(network("c", "T", "D", [], [])), "node")


def test_every_picture_has_a_title_and_a_description_that_it_names():
    root, *_ = drawn(lines("price", "Prices", "NVDA ends low", [Line("N", [(0, 0.1)])]))
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "price-title price-text"
    told = {each.get("id"): each.text for each in root if each.tag in {"title", "desc"}}
    assert told == {"price-title": "Prices", "price-text": "NVDA ends low"}


@given(st.text(max_size=60))
def test_no_name_becomes_markup(name):
    drawing = Drawing(10, 10, "c", name, name)
    drawing.text(1, 1, name)
    drawing.add("rect", "loss", name, x=1, y=1)
    elements = drawn(drawing.markup())
    assert [each.tag for each in elements[:4]] == ["svg", "title", "desc", "text"]
    assert len(elements) <= 6


def test_colours_are_left_to_the_style_of_the_page():
    markup = str(bars("c", "T", "D", [Bar("A", 1, "1")]))
    assert not re.search(r'(style|fill|stroke)="', markup)


def test_long_names_are_cut_with_a_sign_that_they_were():
    assert shortened("Taiwan Semiconductor Manufacturing", 12) == "Taiwan Semi…"
    assert shortened("short", 12) == "short"
