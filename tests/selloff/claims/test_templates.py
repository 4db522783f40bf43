"""The sentences made from parts say what their claims say."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from selloff.claims.scoring import Counts, Passage, score
from tests.selloff.claims.templates import FRAMES, NOT_STATED, PARTS, SUBJECTS, Parts, lists

FALL = Parts("Nvidia", "down", 0, 1_700, qualifier="nearly", weekday=0)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ("plain", "Nvidia fell nearly 17% on Monday."),
        ("shares", "Shares of Nvidia fell nearly 17% on Monday."),
        ("was", "Nvidia was down nearly 17% on Monday."),
        ("closed", "Nvidia's stock closed nearly 17% lower on Monday."),
        ("nominal", "There was a drop of nearly 17% in Nvidia shares on Monday."),
        ("relative", "Nvidia, which reports next week, fell nearly 17% on Monday."),
    ],
)
def test_each_frame_is_a_sentence_of_the_same_claim(frame: str, text: str) -> None:
    passage = replace(FALL, frame=frame).passage()
    assert passage.text == text
    assert passage.claims == FALL.passage().claims


@pytest.mark.parametrize(
    ("hundredths", "figure"),
    [
        (1_700, "17%"),
        (1_740, "17.4%"),
        (214, "2.14%"),
        (5, "0.05%"),
        (9_900, "99%"),
        (1_000, "10%"),
    ],
)
def test_figures_have_no_trailing_zeros(hundredths: int, figure: str) -> None:
    assert replace(FALL, hundredths=hundredths).figure() == figure


def test_a_weekday_is_the_last_one_on_or_before_publication() -> None:
    tuesday = dt.date(2025, 1, 28)
    days = [replace(FALL, weekday=day, published=tuesday).when() for day in range(5)]
    assert days == ["2025-01-27", "2025-01-28", "2025-01-22", "2025-01-23", "2025-01-24"]


def test_every_subject_is_in_the_table_of_names() -> None:
    path = Path(__file__).parent / "labelled" / "names.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["needs_cue"] == "false"]
    named = {(row["alias"], row["ticker"], row["issuer_id"]) for row in rows}
    assert {(name, ticker, ticker) for name, ticker in SUBJECTS.items()} <= named


@given(PARTS)
def test_every_frame_names_the_subject_and_the_day(parts: Parts) -> None:
    texts = [replace(parts, frame=frame).text() for frame in FRAMES]
    assert len(set(texts)) == len(FRAMES)
    assert all(parts.name in text for text in texts)
    assert all((" on " in text) == (parts.weekday is not None) for text in texts)


@given(PARTS)
def test_a_flipped_sentence_differs_in_direction_alone(parts: Parts) -> None:
    (claim,), (flipped,) = parts.passage().claims, parts.flipped().passage().claims
    assert {claim.direction, flipped.direction} == {"down", "up"}
    assert replace(flipped, direction=claim.direction) == claim
    assert parts.flipped().flipped() == parts
    assert parts.flipped().text() != parts.text()


@given(PARTS)
def test_the_figure_in_the_text_is_that_of_the_claim(parts: Parts) -> None:
    (claim,) = parts.passage().claims
    written = float(parts.figure().removesuffix(parts.percent))
    assert written / 100 == pytest.approx(claim.low, rel=1e-12)
    assert parts.figure() in parts.text()
    assert parts.name in parts.text()


@given(PARTS)
def test_sentences_that_state_nothing_have_no_claim(parts: Parts) -> None:
    passages = parts.not_stated()
    assert len(passages) == len(NOT_STATED)
    assert all(not one.claims and parts.figure() in one.text for one in passages)


@given(lists())
def test_a_list_pairs_its_names_and_figures_in_order(passage: Passage) -> None:
    issuers = [claim.issuer for claim in passage.claims]
    tickers = {ticker: name for name, ticker in SUBJECTS.items()}
    places = [passage.text.index(tickers[issuer]) for issuer in issuers]
    assert places == sorted(places)
    assert len({(claim.direction, claim.when) for claim in passage.claims}) == 1
    assert score({passage.text: passage.claims}, [passage]).total == Counts(
        matched=len(issuers), qualifier=len(issuers), day=len(issuers)
    )
