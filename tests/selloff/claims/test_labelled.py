"""The labelled sentences are well formed, varied, and held apart."""

from __future__ import annotations

import csv
import datetime as dt
import json
import re
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from selloff.claims.scoring import passages

HERE = Path(__file__).parent / "labelled"
REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "claims" / "sentences.jsonl"
FILES = ("development", "test")
DIALECTS = {"us", "uk", "india", "wire", "headline", "blog", "broadcast"}
PATTERNS = {
    *("plain", "list", "respectively", "apposition", "relative", "passive", "nominal", "range"),
    *("word_number", "negation", "modality", "other_metric", "reference", "intraday", "premarket"),
    *("after_hours", "level", "index_points", "market_value", "volume", "yield", "listing"),
    *("brackets", "quote", "counterfactual", "futures"),
}
METRICS = {
    *("price_change", "index_points", "market_value_change", "market_value", "level", "volume"),
    "yield",
}
PERIODS = {
    *("day", "intraday", "open", "premarket", "after_hours", "sessions", "week", "month"),
    *("quarter", "year", "year_to_date", "since", "unstated"),
}
WORDS_OF_TIME = {"ytd", "1w", "1m", "premarket", "after_hours"}
UNIT = re.compile(r"percent|points|shares|basis_points|[A-Z]{3}")
WORDED = re.compile(
    r"half|halved|third|quarter|tenth|fifth|eighth|doubl|tripl|quadrupl|percent|per cent|point"
    r"|seven",
)


@cache
def items(name: str) -> list[dict[str, Any]]:
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


@cache
def tickers() -> frozenset[str]:
    with (HERE / "names.csv").open(encoding="utf-8", newline="") as file:
        return frozenset(row["ticker"] for row in csv.DictReader(file))


def claims(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    return [(item, claim) for item in items(name) for claim in item["claims"]]


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z]+|\d[\d.,]*", text.lower()))


@pytest.mark.parametrize("name", FILES)
def test_every_item_has_its_fields(name: str) -> None:
    for item in items(name):
        assert set(item) == {"text", "published", "dialect", "pattern", "claims"}, item
        assert dt.date.fromisoformat(item["published"]).weekday() < 5, item
        assert item["dialect"] in DIALECTS, item
        assert item["pattern"] in PATTERNS | {"open", "period"}, item
        assert item["text"] == item["text"].strip(), item


@pytest.mark.parametrize("name", FILES)
def test_every_claim_has_its_fields(name: str) -> None:
    needed = {"entity", "metric", "direction", "unit", "qualifier", "when", "period"}
    for item, claim in claims(name):
        figure = {"magnitude"} if "magnitude" in claim else {"low", "high"}
        assert needed | figure == set(claim) - {"is_ambiguous"}, item
        assert claim["metric"] in METRICS, item
        assert claim["period"] in PERIODS, item
        assert UNIT.fullmatch(claim["unit"]), item
        assert claim.get("low", 0) < claim.get("high", 1), item


@pytest.mark.parametrize("name", FILES)
def test_changes_have_a_direction_and_states_have_none(name: str) -> None:
    for item, claim in claims(name):
        if claim["metric"] in {"price_change", "index_points", "market_value_change"}:
            assert claim["direction"] in {"down", "up"}, item
        elif claim["metric"] != "yield":
            assert claim["direction"] is None, item


@pytest.mark.parametrize("name", FILES)
def test_every_date_is_a_weekday_not_after_publication(name: str) -> None:
    for item, claim in claims(name):
        when = claim["when"]
        if when is None or when in WORDS_OF_TIME:
            continue
        assert when[: len(when)] <= item["published"][: len(when)], item
        if len(when) == 10:
            assert dt.date.fromisoformat(when).weekday() < 5, item


@pytest.mark.parametrize("name", FILES)
def test_every_figure_and_qualifier_stands_in_its_text(name: str) -> None:
    for item, claim in claims(name):
        text = item["text"].lower()
        assert claim["qualifier"] is None or claim["qualifier"] in text, item
        figures = re.findall(r"\d[\d,]*(?:\.\d+)?", item["text"])
        found = {float(figure.replace(",", "")) for figure in figures}
        for magnitude in {
            claim.get("magnitude", claim.get("low")),
            claim.get("magnitude", claim.get("high")),
        }:
            scales = (1, 1e6, 1e9, 1e12, 0.01)
            is_written = any(
                abs(figure * scale - magnitude) <= 1e-9 * magnitude
                for figure, scale in product(found, scales)
            )
            assert is_written or WORDED.search(text), item


@pytest.mark.parametrize("name", FILES)
def test_every_entity_has_a_name(name: str) -> None:
    assert {claim["entity"] for _, claim in claims(name)} <= tickers()


@pytest.mark.parametrize("name", FILES)
def test_the_scorer_reads_every_line(name: str) -> None:
    lines = (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(passages(lines, {})) == len(lines)


def test_at_least_400_sentences_are_labelled() -> None:
    assert sum(len(items(name)) for name in FILES) >= 400


@pytest.mark.parametrize("name", FILES)
def test_at_least_35_percent_have_no_claim(name: str) -> None:
    assert sum(not item["claims"] for item in items(name)) >= 0.35 * len(items(name))


@pytest.mark.parametrize("name", FILES)
def test_every_pattern_and_dialect_is_there(name: str) -> None:
    assert {item["pattern"] for item in items(name)} >= PATTERNS
    assert {item["dialect"] for item in items(name)} == DIALECTS


def test_no_text_is_there_twice() -> None:
    texts = [item["text"] for name in FILES for item in items(name)]
    assert len(texts) == len(set(texts))


def test_no_sentence_of_the_test_rewords_one_of_the_development() -> None:
    for one, other in product(items("development"), items("test")):
        left, right = words(one["text"]), words(other["text"])
        assert len(left & right) < 0.7 * len(left | right), (one["text"], other["text"])


def test_no_sentence_is_that_of_the_reference() -> None:
    if not REFERENCE.exists():
        pytest.skip(f"the reference sentences are not here: {REFERENCE}")
    reference = [
        words(json.loads(line)["text"])
        for line in REFERENCE.read_text(encoding="utf-8").splitlines()
    ]
    for name in FILES:
        for item in items(name):
            own = words(item["text"])
            assert all(len(own & other) < 0.7 * len(own | other) for other in reference), item


def test_every_alias_has_one_listing_of_its_issuer_that_comes_first() -> None:
    with (HERE / "names.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    first: dict[str, set[str]] = {}
    for row in rows:
        assert row["needs_cue"] in {"true", "false"}, row
        if row["is_primary"] == "true":
            first.setdefault(row["issuer_id"], set()).add(row["listing_id"])
    assert {row["issuer_id"] for row in rows} == set(first)
    assert all(len(listings) == 1 for listings in first.values())
