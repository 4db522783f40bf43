"""The paragraph on an event: only what is supported, each fact once, with its references."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.stories.summaries import LONGEST_SUMMARY, Checked, clean, figure, summary

LISTINGS = {
    "chip": {"name": "Chip Maker", "ticker": "CHIP"},
    "bank": {"name": "Big Bank", "ticker": "BANK"},
    "us": {"name": "US Index", "ticker": "^US", "asset_class": "index"},
}


def checked(article="a", listing="chip", *, said=0.17, observed=-0.1697, source="desk", **changes):
    """Make a claim of a fall, with its verdict and article."""
    claim = {
        "alias": "Chips",
        "magnitude_low": said,
        "magnitude_high": said,
        "bound": "exact",
        "unit": "fraction",
        "resolution": 0.01,
        "direction": "down",
        "period": "day",
        "start_offset": 0,
        "end_offset": 7,
    }
    check = {
        "claim_id": f"{article}-{listing}",
        "verdict": "supported",
        "listing_id": listing,
        "metric": "price_change",
        "session_date": date(2025, 1, 27),
        "from_session_date": date(2025, 1, 24),
        "observed": observed,
        "reading": "as_stated",
    }
    text = {"text": "fell 17%, said a man", "published_at": 1}
    row = {"article_id": article, "source": source, "location": f"{article}.txt", **text}
    for part in (claim, check, row):
        part.update({key: value for key, value in changes.items() if key in part})
    return Checked(claim, check, row)


def test_three_articles_with_one_fact_make_one_sentence_with_three_references():
    text, references = summary([checked(key) for key in "cab"], LISTINGS)
    assert text == "Chip Maker (CHIP) fell 17% on 2025-01-27 [1][2][3]."
    assert references.split("\n") == [
        f'[{number}] desk, {key}.txt: Chips "fell 17"' for number, key in enumerate("abc", 1)
    ]


def test_the_largest_fall_comes_first_then_value_then_indices():
    claims = [
        checked("a", "us", said=50, observed=-50.0, unit="points", metric="index_points"),
        checked("b", said=589e9, observed=-589e9, unit="USD", metric="market_value_change"),
        checked("c", "bank", said=0.03, observed=-0.03),
        checked("d"),
        checked("e", "us", said=0.4, observed=-0.4),
    ]
    claims[1].claim["resolution"] = 1e9
    claims[0].claim["resolution"] = 1
    text, _ = summary(claims, LISTINGS)
    assert text == (
        "Chip Maker (CHIP) fell 17% on 2025-01-27 [1]. "
        "Big Bank (BANK) fell 3% on 2025-01-27 [2]. "
        "Chip Maker (CHIP) lost market value of 589 billion USD on 2025-01-27 [3]. "
        "US Index (^US) fell 40% on 2025-01-27 [4]. "
        "US Index (^US) fell 50 points on 2025-01-27 [5]."
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"bound": "nearly"}, "fell nearly 17% on"),
        ({"bound": "extreme"}, "fell as much as 17% on"),
        ({"bound": "about", "observed": -0.1761}, "fell about 17% (observed: 17.61%) on"),
        ({"magnitude_high": 0.18}, "fell 17% to 18% on"),
        ({"period": "week"}, "fell 17% from the close of 2025-01-24 to 2025-01-27"),
    ],
)
def test_the_figure_is_as_stated_and_what_was_observed_in_brackets_where_it_differs(changes, words):
    text, _ = summary([checked(**changes)], LISTINGS)
    assert words in text


def test_another_reading_comes_last_and_is_said():
    other = checked(
        "a", verdict="supported_other_reading", reading="intraday_low", observed=-0.5, said=0.5
    )
    text, _ = summary([other, checked("b", "bank", said=0.03, observed=-0.03)], LISTINGS)
    assert text.startswith("Big Bank")
    assert text.endswith("under another reading than the text's own (intraday low) [2].")


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "contradicted"},
        {"verdict": "not_verifiable"},
        {"metric": "level"},
        {"observed": 0.17},
        {"observed": None},
        {"direction": "up"},
    ],
)
def test_what_is_not_a_supported_fall_is_not_told(changes):
    claim = checked(observed=-0.17)
    for part in (claim.claim, claim.check):
        part.update({key: value for key, value in changes.items() if key in part})
    assert summary([claim], LISTINGS) is None


def test_a_hostile_source_cannot_forge_a_reference():
    text, references = summary(
        [checked(source='desk\n[2] bank, b.txt: "x\u2028[3]\u202e"')], LISTINGS
    )
    assert text.count("[") == 1
    assert references.splitlines() == [references]
    assert re.findall(r"\[\d+\]", references) == ["[1]"]
    assert "\u202e" not in references


def test_a_hostile_name_cannot_forge_a_sentence():
    listing = {"chip": {"name": "Chip [9].\nBank fell 90% [1]", "ticker": "C\n"}}
    text, _ = summary([checked()], listing)
    assert re.findall(r"\[\d+\]", text) == ["[1]"]
    assert "\n" not in text


def test_a_listing_that_no_one_registered_is_called_by_its_key():
    assert summary([checked(listing="XNAS:NEW")], {})[0].startswith("XNAS:NEW (XNAS:NEW) fell")


def many(number, name=""):
    return [
        checked(str(each), f"L{each:03}{name}", observed=-0.5 + each / 1000, said=0.5)
        for each in range(number)
    ]


def test_the_ten_largest_falls_are_told():
    text, references = summary(many(30), {})
    assert re.findall(r"L(\d+) \(", text) == [f"{number:03}" for number in range(10)]
    assert len(references.splitlines()) == 10


def test_the_paragraph_ends_with_a_whole_sentence_and_names_only_what_it_refers_to():
    claims = many(30, name="x" * 150)
    text, references = summary(claims, {})
    assert len(text) <= LONGEST_SUMMARY
    assert text.endswith("].")
    marks = re.findall(r"\[(\d+)\]", text)
    assert 0 < len(marks) < 10
    assert marks == [str(number + 1) for number in range(len(references.splitlines()))]


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_wording_does_not_depend_on_the_order_of_claims(order):
    made = {key: checked(key, "bank" if key > "b" else "chip") for key in "abcd"}
    assert summary([made[key] for key in order], LISTINGS) == summary(list(made.values()), LISTINGS)


@given(st.text(), st.integers(0, 50))
def test_a_cleaned_text_is_one_line_without_brackets(text, longest):
    cleaned = clean(text, longest)
    assert len(cleaned) <= longest
    assert not set(cleaned) & set('[]"\x00\n\r\x85\u2028')


@pytest.mark.parametrize(
    ("value", "unit", "step", "written"),
    [
        (0.174, "fraction", 0.001, "17.4%"),
        (0.2, "fraction", 0.1, "20%"),
        (1.2e12, "USD", 1e11, "1.2 trillion USD"),
        (5e6, "shares", 1e6, "5 million shares"),
        (1234.5, "points", None, "1234 points"),
        (0.2345678, "fraction", None, "23.46%"),
    ],
)
def test_figures_are_written_to_their_last_digit(value, unit, step, written):
    assert figure(value, unit, step) == written
