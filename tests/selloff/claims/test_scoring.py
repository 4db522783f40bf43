"""Scores against counts made by hand."""

from __future__ import annotations

import datetime as dt
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.claims.score_report import report, wilson
from selloff.claims.scoring import Counts, Passage, Stated, passages, score, stated

FALL = Stated("MU", "price_change", "down", 0.12, 0.12, "fraction", None, "2025-01-27", "day")
RISE = Stated("AAPL", "price_change", "up", 0.033, 0.033, "fraction")
RANGE = Stated("MSFT", "price_change", "down", 0.01, 0.04, "fraction")
HALVED = Stated("TSLA", "price_change", "down", 0.5, 0.5, "fraction", is_worded=True)


def passage(*claims: Stated, text: str = "a", **more: object) -> Passage:
    return replace(Passage(text, "2025-01-28", claims), **more)


def test_what_is_found_and_in_the_gold_counts_as_matched() -> None:
    scores = score({"a": [FALL, RISE]}, [passage(FALL, RISE)])
    assert scores.total == Counts(matched=2, qualifier=2, day=2)
    assert (scores.total.precision, scores.total.recall, scores.total.f1) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    "other",
    [
        replace(FALL, issuer="INTC"),
        replace(FALL, metric="market_value_change"),
        replace(FALL, direction="up"),
        replace(FALL, unit="USD"),
        replace(FALL, low=0.1199),
        replace(FALL, high=0.1201),
    ],
)
def test_a_claim_that_differs_in_substance_is_false_and_the_gold_missed(other: Stated) -> None:
    scores = score({"a": [other]}, [passage(FALL)])
    assert scores.total == Counts(false=1, missed=1)
    assert scores.false == (("a", other),)
    assert scores.missed == (("a", FALL),)


def test_each_claim_of_the_gold_is_matched_once() -> None:
    assert score({"a": [FALL, FALL]}, [passage(FALL)]).total == Counts(1, 1, 0, 1, 1)


def test_of_two_claims_with_one_figure_each_finds_that_of_its_own_day() -> None:
    tuesday = replace(FALL, when="2025-01-28")
    assert score({"a": [tuesday, FALL]}, [passage(FALL, tuesday)]).total.day == 2


def test_a_claim_of_another_text_does_not_match() -> None:
    gold = [passage(FALL), passage(RISE, text="b")]
    assert score({"a": [RISE], "b": [FALL]}, gold).total == Counts(false=2, missed=2)


def test_a_text_without_claims_makes_whatever_is_found_false() -> None:
    assert score({"a": [FALL]}, [passage()]).total == Counts(false=1)


def test_qualifiers_agree_by_their_words() -> None:
    gold = replace(FALL, qualifier="more than")
    found = [replace(FALL, qualifier=words) for words in ("More  than", "nearly", None)]
    agreed = [score({"a": [claim]}, [passage(gold)]).total.qualifier for claim in found]
    assert agreed == [1, 0, 0]


@pytest.mark.parametrize(
    ("gold", "when", "period", "agrees"),
    [
        ("2025-01-27", "2025-01-27", "day", 1),
        ("2025-01-27", "2025-01-28", "day", 0),
        ("2025-01-27", None, "unstated", 0),
        (None, None, "unstated", 1),
        (None, "2025-01-27", "day", 0),
        ("2024", "2024-12-31", "year", 1),
        ("2024", "2025-01-27", "year", 0),
        ("2025-05", "2025-05-30", "month", 1),
        ("ytd", "2025-01-28", "year_to_date", 1),
        ("ytd", "2025-01-28", "day", 0),
        ("1m", None, "month", 1),
        ("1w", None, "week", 1),
        ("premarket", None, "premarket", 1),
        ("after_hours", None, "after_hours", 1),
    ],
)
def test_days_agree_by_date_or_by_the_period_named(
    gold: str | None, when: str | None, period: str, agrees: int
) -> None:
    found = replace(FALL, when=when, period=period)
    assert score({"a": [found]}, [passage(replace(FALL, when=gold))]).total.day == agrees


def test_ambiguous_claims_are_neither_right_nor_wrong() -> None:
    doubtful = replace(FALL, is_ambiguous=True)
    with_it = score({"a": [FALL]}, [passage(doubtful)])
    without = score({}, [passage(doubtful)])
    assert with_it.total == without.total == Counts()
    assert (with_it.n_ambiguous, with_it.n_ambiguous_found) == (1, 1)
    assert (without.n_ambiguous, without.n_ambiguous_found) == (1, 0)


@pytest.mark.parametrize("claim", [RANGE, HALVED])
def test_ranges_and_figures_in_words_stand_apart_where_the_gold_leaves_them_out(
    claim: Stated,
) -> None:
    apart = score({"a": [claim]}, [passage(omits=True)])
    assert (apart.total, apart.n_apart) == (Counts(), 1)
    assert score({"a": [claim]}, [passage()]).total == Counts(false=1)


def test_counts_are_kept_by_pattern_and_dialect_in_order_of_name() -> None:
    gold = [
        passage(FALL, pattern="plain", dialect="us"),
        passage(RISE, text="b", pattern="list", dialect="uk"),
        passage(text="c", pattern="negation", dialect="uk"),
    ]
    scores = score({"a": [FALL], "c": [FALL]}, gold)
    assert list(scores.by_pattern) == ["list", "negation", "plain"]
    assert scores.by_pattern["list"] == Counts(missed=1)
    assert scores.by_dialect == {"uk": Counts(false=1, missed=1), "us": Counts(1, 0, 0, 1, 1)}


def test_percent_and_basis_points_are_the_same_figures_as_fractions() -> None:
    line = {
        "text": "a",
        "published": "2025-01-28",
        "claims": [
            {
                "entity": "^TNX",
                "metric": "yield",
                "direction": direction,
                "when": None,
                "magnitude": magnitude,
                "unit": unit,
                "qualifier": None,
            }
            for direction, magnitude, unit in ((None, 4.39, "percent"), ("up", 13, "basis_points"))
        ],
    }
    (read,) = passages([json.dumps(line), ""], {})
    assert [claim.low for claim in read.claims] == pytest.approx([0.0439, 0.0013])
    assert {claim.unit for claim in read.claims} == {"fraction"}


def test_the_points_of_an_index_are_their_own_metric() -> None:
    line = (
        '{"text": "a", "published": "2025-01-28", "claims": [{"entity": "^IXIC", "metric": '
        '"price_change", "direction": "down", "magnitude": 612, "unit": "points", '
        '"qualifier": null, "when": null}]}'
    )
    assert passages([line], {})[0].claims[0].metric == "index_points"


@pytest.mark.parametrize("line", ["{", "[]", '{"text": "a"}', "3"])
def test_a_broken_line_is_named_by_its_number(line: str) -> None:
    with pytest.raises(ValueError, match="line 2 is no labelled passage"):
        passages(["", line], {})


def test_a_found_row_takes_its_issuer_and_day() -> None:
    row = {
        "ticker": "ASML.AS",
        "metric": "price_change",
        "direction": "down",
        "magnitude_low": 0.07,
        "magnitude_high": 0.07,
        "unit": "fraction",
        "qualifier": None,
        "claimed_on": dt.date(2025, 1, 27),
        "period": "day",
        "is_ambiguous": False,
        "start_offset": 0,
        "end_offset": 12,
    }
    found = stated(row, "ASML fell 7%", {"ASML.AS": "ASML"})
    assert (found.issuer, found.when, found.is_worded) == ("ASML", "2025-01-27", False)


def test_shares_without_a_claim_are_not_numbers() -> None:
    none = Counts()
    assert all(math.isnan(share) for share in (none.precision, none.recall, none.f1))
    assert all(math.isnan(end) for end in wilson(0, 0))


# Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3: Wilson without continuity.
@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_intervals_are_those_of_newcombe(
    right: int, n: int, low: float, high: float
) -> None:
    assert wilson(right, n) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_the_share(of: tuple[int, int]) -> None:
    low, high = wilson(*of)
    assert 0 <= low <= of[0] / of[1] + 1e-12
    assert of[0] / of[1] - 1e-12 <= high <= 1


@given(
    st.lists(st.sampled_from([FALL, RISE, RANGE, HALVED])), st.lists(st.sampled_from([FALL, RISE]))
)
def test_every_claim_is_counted_once(found: list[Stated], gold: list[Stated]) -> None:
    total = score({"a": found}, [passage(*gold)]).total
    assert total.matched + total.false == len(found)
    assert total.matched + total.missed == len(gold)
    assert max(total.qualifier, total.day) <= total.matched


def test_the_report_lists_every_error_with_its_text() -> None:
    text = report(score({"a": [RANGE]}, [passage(FALL)]))
    assert "Missed: 1\n\n- MU price_change down 0.12 fraction 2025-01-27: a" in text
    assert "False: 1\n\n- MSFT price_change down 0.01 to 0.04 fraction: a" in text
    assert "| pattern plain | 0 | 1 | 1 | 0.000 [0.000, 0.793] |" in text
