"""What the views say of claims and stories, to someone who does not know the tables."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

# The dash and the apostrophe are one character each, and two and three bytes.
TEXT = "Chips fell \u2013 hard. Nvidia\u2019s stock fell 17% on Monday. Nobody knows why."
SENTENCE = "Nvidia\u2019s stock fell 17% on Monday."


@pytest.fixture
def ask(tables):
    """Return a way to ask the views of one article, its claim and the event it tells of."""
    for statement in views().values():
        tables.con.execute(statement)
    begins = TEXT.index(SENTENCE)
    tables.put(table("raw.articles"), article_id="a", text=TEXT, title="Chips", source="daily")
    tables.put(table("core.documents"), article_id="a", first_article_id="b", n_copies=2)
    tables.put(
        table("core.instruments"),
        listing_id="XNAS:NVDA",
        ticker="NVDA",
        name="Nvidia",
        asset_class="equity",
        registered_from="repository",
    )
    tables.put(
        table("core.claims"),
        claim_id="c",
        article_id="a",
        start_offset=begins,
        end_offset=begins + len(SENTENCE) - 1,
        sentence_start=begins,
        sentence_end=begins + len(SENTENCE),
        magnitude_low=0.17,
        magnitude_high=0.17,
        direction="down",
    )
    tables.put(
        table("mart.claim_checks"),
        claim_id="c",
        article_id="a",
        source="daily",
        listing_id="XNAS:NVDA",
        verdict="supported",
        reading="as_stated",
        observed=-0.1697,
    )
    tables.put(
        table("mart.selloff_events"),
        event_id="e",
        session_date=date(2025, 1, 27),
        last_session_date=date(2025, 1, 27),
        worst_session_date=date(2025, 1, 27),
        detected_by="breadth",
        region="US",
        scope="sector",
        status="detected",
    )
    at = datetime.fromisoformat("2025-01-28T07:00")
    tables.put(
        table("mart.event_coverage"), event_id="e", first_article_id="a", first_mentioned_at=at
    )
    return lambda sql: fetch(tables.con, sql)


def test_a_claim_stands_beside_its_sentence_its_verdict_and_its_source(ask):
    (row,) = ask("FROM mart.article_claims")
    assert row["sentence"] == SENTENCE
    assert (row["verdict"], row["observed"], row["magnitude_low"]) == ("supported", -0.1697, 0.17)
    assert (row["source"], row["title"], row["name"]) == ("daily", "Chips", "Nvidia")


def test_near_copies_can_be_told_apart_from_texts_of_their_own(ask):
    (row,) = ask("SELECT first_article_id, n_copies, article_id FROM mart.article_claims")
    assert row == {"first_article_id": "b", "n_copies": 2, "article_id": "a"}


def test_a_story_names_the_event_and_who_was_first(ask):
    (row,) = ask("FROM mart.event_stories")
    assert (row["session_date"], row["region"]) == (date(2025, 1, 27), "US")
    assert (row["first_source"], row["first_title"]) == ("daily", "Chips")
    assert row["summary"] is None
