"""What figures are worth, as they are written in English around the world."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.claims.quantities import FIGURE, WORDED_FIGURE, quantity

SIGNED = re.compile(FIGURE, re.IGNORECASE)
WORDED = re.compile(WORDED_FIGURE, re.IGNORECASE)


@pytest.mark.parametrize(
    ("text", "low", "high", "unit", "resolution"),
    [
        ("17%", 0.17, 0.17, "fraction", 0.01),
        ("17.4 per cent", 0.174, 0.174, "fraction", 0.001),
        ("2.14 percent", 0.0214, 0.0214, "fraction", 0.0001),
        ("1.8pc", 0.018, 0.018, "fraction", 0.001),
        ("5.9 pct", 0.059, 0.059, "fraction", 0.001),
        ("3-4 per cent", 0.03, 0.04, "fraction", 0.01),
        ("1% to 4%", 0.01, 0.04, "fraction", 0.01),
        ("$589 billion", 5.89e11, 5.89e11, "USD", 1e9),
        ("US$3.5bn", 3.5e9, 3.5e9, "USD", 1e8),
        ("$110bn", 1.1e11, 1.1e11, "USD", 1e9),
        ("$1.2T", 1.2e12, 1.2e12, "USD", 1e11),
        ("$1 to $2 billion", 1e9, 2e9, "USD", 1e9),
        ("450 billion euros", 4.5e11, 4.5e11, "EUR", 1e9),
        ("\u00a31.5bn", 1.5e9, 1.5e9, "GBP", 1e8),
        ("Rs 1.67 lakh crore", 1.67e12, 1.67e12, "INR", 1e10),
        ("Rs 3,741", 3741, 3741, "INR", 1),
        ("$118.42", 118.42, 118.42, "USD", 0.01),
        ("612.4p", 612.4, 612.4, "GBp", 0.1),
        ("612 points", 612, 612, "points", 1),
        ("12 basis points", 12, 12, "basis_points", 1),
        ("5 percentage points", 5, 5, "percentage_points", 1),
        ("5 %-points", 5, 5, "percentage_points", 1),
        ("818 million shares", 8.18e8, 8.18e8, "shares", 1e6),
        ("6,012.28", 6012.28, 6012.28, "number", 0.01),
    ],
)
def test_a_figure_has_a_worth_a_unit_and_a_last_digit(text, low, high, unit, resolution):
    assert (SIGNED.fullmatch(text) or WORDED.fullmatch(text)) is not None
    found = quantity(text)
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-12)
    assert found.unit == unit
    assert found.resolution == pytest.approx(resolution, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "worth", "sign"),
    [
        ("a fifth", 0.2, 0),
        ("two-thirds", 2 / 3, 0),
        ("three quarters", 0.75, 0),
        ("half", 0.5, 0),
        ("halved", 0.5, -1),
        ("doubled", 1.0, 1),
        ("tripled", 2.0, 1),
        ("fifteen percent", 0.15, 0),
        ("twenty-two per cent", 0.22, 0),
        ("two and a half percent", 0.025, 0),
        ("three and a quarter percent", 0.0325, 0),
        ("one point five percent", 0.015, 0),
        ("half a percent", 0.005, 0),
        ("three quarters of a percent", 0.0075, 0),
        ("a percent", 0.01, 0),
    ],
)
def test_a_figure_in_words_is_worth_what_it_says(text, worth, sign):
    assert WORDED.fullmatch(text) is not None
    found = quantity(text)
    assert found.low == found.high == pytest.approx(worth, rel=1e-12)
    assert (found.unit, found.sign) == ("fraction", sign)


@pytest.mark.parametrize(("text", "sign"), [("-7.2%", -1), ("+1.4%", 1), ("\u20132%", -1)])
def test_a_sign_is_read(text, sign):
    assert quantity(SIGNED.fullmatch(text)[0]).sign == sign


def test_of_a_range_the_last_figure_is_remembered():
    assert quantity("$142.62 to $118.42").last == 118.42
    assert quantity("17%").last == 0.0


@given(st.decimals(min_value="0.01", max_value="99.99", places=2))
def test_every_percentage_is_its_hundredth_to_the_last_digit(value):
    found = quantity(f"{value}%")
    assert found.low == float(f"{float(value) / 100:.12g}")
    assert quantity(f"{value} per cent") == found


@given(
    st.integers(1, 999), st.sampled_from([("million", 1e6), ("billion", 1e9), ("trillion", 1e12)])
)
def test_a_change_of_unit_rescales(number, scale):
    word, worth = scale
    assert quantity(f"${number} {word}").low == number * worth
    assert quantity(f"${number},000 {word}").low == pytest.approx(number * 1000 * worth, rel=1e-12)
