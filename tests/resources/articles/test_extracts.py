"""What is stored of a body that may not be: an extract that says what the whole said."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.articles.article import made
from resources.articles.extracts import LONGEST, extract
from resources.articles.gathering import Delivery, gathered
from selloff.claims import claims_of
from selloff.mentions import Lexicon

FILLER = "Nobody on the floor remembered a morning like it, and few wanted to. "
TEXT = (
    "Chip stocks opened lower. " + FILLER * 12 + "Nvidia was hit hardest. Its shares fell 17%. "
    "The day was long. Micron lost 11.7%."
)
NAMES = pa.Table.from_pylist(
    [
        {"listing_id": f"XNAS:{ticker}", "ticker": ticker, "alias": alias, "needs_cue": False}
        | {"valid_from": None, "valid_to": None}
        for ticker, alias in (("NVDA", "Nvidia"), ("MU", "Micron"))
    ]
)


class Source:
    """One delivery of one article."""

    def __init__(self, *, is_kept, address="https://daily.example/chips"):
        self.delivery = Delivery("feed", [made(TEXT, address=address)], is_kept=is_kept)

    def deliveries(self):
        yield self.delivery


def stated(text):
    rows = claims_of(text, datetime.fromisoformat("2025-01-28"), Lexicon(NAMES)).to_pylist()
    return [(row["ticker"], row["direction"], row["magnitude_low"]) for row in rows]


def test_an_extract_claims_what_the_whole_claims():
    assert stated(extract(TEXT)) == stated(TEXT) == [("NVDA", "down", 0.17), ("MU", "down", 0.117)]


def test_an_extract_is_short_and_leaves_the_rest_out():
    found = extract(TEXT + FILLER * 60)
    assert len(found) <= LONGEST
    assert found.startswith("Chip stocks opened lower.")
    assert "The day was long." not in found


def test_a_sentence_that_refers_back_brings_the_one_before():
    assert "Nvidia was hit hardest. Its shares fell 17%." in extract(TEXT)


@given(st.lists(st.sampled_from([FILLER, "It fell 3%. ", "\n\n", "A rose $5. "]), max_size=80))
def test_every_sentence_of_an_extract_stands_in_the_text(pieces):
    text = "".join(pieces)
    found = extract(text)
    assert len(found) <= LONGEST + 500
    assert all(part.strip() in text for part in found.split("\n\n"))


@pytest.mark.parametrize(
    ("is_kept", "keeps", "is_whole"),
    [
        (True, (), True),
        (False, (), False),
        (False, ("daily.example",), True),
        (False, ("all",), True),
        (False, ("other.example",), False),
    ],
)
def test_a_body_is_stored_whole_only_where_that_is_allowed(is_kept, keeps, is_whole):
    (row,) = gathered([Source(is_kept=is_kept)], frozenset(keeps)).rows.to_pylist()
    assert (row["is_whole"], row["text"] == TEXT.strip()) == (is_whole, is_whole)
    assert row["article_id"] == made(TEXT).article_id


def test_entries_without_an_address_are_documents_of_their_own():
    delivery = Delivery("https://daily.example/feed", [made("One text."), made("Another text.")])
    source = Source(is_kept=True)
    source.delivery = delivery
    places = gathered([source]).rows["location"].to_pylist()
    assert len(set(places)) == 2
    assert all(place.startswith("https://daily.example/feed (") for place in places)


def test_what_had_to_be_refused_of_an_article_is_said_in_the_answer():
    source = Source(is_kept=True)
    article = made("Some text of an article.", published_at=datetime.fromisoformat("1812-01-01"))
    source.delivery = Delivery("old.txt", [article])
    (answer,) = gathered([source]).answers
    assert answer.outcome == "delivered"
    assert "1812" in (answer.reason or "")
