"""What is counted of an event's articles, and once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from selloff.stories.event_coverage import event_coverage

START = datetime.fromisoformat("2025-01-24T21:00")
DAY = date(2025, 1, 27)
EVENT = {"event_id": "e", "session_date": DAY, "last_session_date": DAY, "as_of": START}


def coverage(hours, *, sources=None, texts=None, tones=None, checks=()):
    """Sum up an event whose articles were published `hours` after its start."""
    articles = [
        {
            "article_id": key,
            "published_at": START + timedelta(hours=after),
            "source": (sources or {}).get(key, key),
            "location": f"{key}.txt",
            "text": "fell 17%",
        }
        for key, after in hours.items()
    ]
    links = [
        {"event_id": "e", "article_id": key, "hours_after_start": after, "as_of": START}
        for key, after in hours.items()
    ]
    documents = [
        {"article_id": key, "first_article_id": (texts or {}).get(key, key)} for key in hours
    ]
    toned = [{"article_id": key, "tone": tone} for key, tone in (tones or {}).items()]
    listing = {"listing_id": "chip", "name": "Chip Maker", "ticker": "CHIP"}
    claims = [claim for claim, _ in checks]
    checked = [check for _, check in checks]
    rows = event_coverage([EVENT], links, [listing], articles, documents, toned, claims, checked)
    return rows[0] if rows else None


def claim(article, *, session=DAY, verdict="supported", as_of=START):
    key = f"{article}-{session}-{verdict}"
    stated = {
        "claim_id": key,
        "alias": "Chips",
        "magnitude_low": 0.17,
        "magnitude_high": 0.17,
        "bound": "exact",
        "unit": "fraction",
        "resolution": 0.01,
        "direction": "down",
        "period": "day",
        "start_offset": 0,
        "end_offset": 8,
    }
    check = {
        "claim_id": key,
        "article_id": article,
        "verdict": verdict,
        "listing_id": "chip",
        "metric": "price_change",
        "session_date": session,
        "from_session_date": None,
        "observed": -0.17,
        "reading": "as_stated",
        "as_of": as_of,
    }
    return stated, check


def test_an_event_without_articles_has_no_row():
    assert coverage({}) is None


def test_copies_of_one_text_are_one_source_whoever_prints_them():
    row = coverage({"a": 1, "b": 2, "c": 3}, texts={"b": "a"})
    assert row["n_articles"] == 3
    assert row["n_independent_sources"] == 2


def test_two_texts_of_one_source_are_one_source():
    assert coverage({"a": 1, "b": 2}, sources={"b": "a"})["n_independent_sources"] == 1


def test_copies_of_a_text_that_is_not_linked_itself_count_once():
    row = coverage({"b": 1, "c": 2}, texts={"b": "a", "c": "a"})
    assert row["n_independent_sources"] == 1


def test_the_first_mention_before_the_fall_counts_hours_to_the_start():
    row = coverage({"b": 70, "a": -6.5})
    assert row["first_article_id"] == "a"
    assert row["hours_before_start"] == 6.5
    assert row["first_mentioned_at"] == START - timedelta(hours=6.5)


def test_a_first_mention_after_the_start_has_negative_hours_before_it():
    assert coverage({"b": 70})["hours_before_start"] == -70


def test_the_tone_is_the_mean_over_texts_where_it_is_known():
    tones = {"a": -0.5, "b": 1.0, "c": -1.0, "d": None}
    row = coverage(dict.fromkeys("abcd", 1), texts={"b": "a"}, tones=tones)
    assert row["mean_tone"] == pytest.approx(-0.75)
    assert coverage({"a": 1})["mean_tone"] is None


def test_claims_of_a_copy_are_not_counted_again():
    checks = [claim("a"), claim("b"), claim("a", verdict="contradicted")]
    row = coverage({"a": 1, "b": 2}, texts={"b": "a"}, checks=checks)
    assert (row["n_claims"], row["n_supported"]) == (2, 1)
    assert row["summary"] == "Chip Maker (CHIP) fell 17% on 2025-01-27 [1]."
    assert row["summary_references"] == '[1] a, a.txt: Chips "fell 17%"'


@pytest.mark.parametrize(("days", "is_told"), [(-1, False), (0, True), (1, True), (2, False)])
def test_only_falls_of_the_event_s_own_sessions_are_told(days, is_told):
    row = coverage({"a": 1}, checks=[claim("a", session=DAY + timedelta(days=days))])
    assert (row["summary"] is not None) is is_told
    assert row["n_claims"] == 1


def test_a_claim_that_no_session_was_held_against_is_counted_but_not_told():
    row = coverage({"a": 1}, checks=[claim("a", session=None, verdict="not_verifiable")])
    assert row["n_claims"] == 1
    assert row["summary"] is None
    assert row["summary_references"] is None


def test_the_row_is_as_new_as_the_newest_thing_in_it():
    later = START + timedelta(days=9)
    assert coverage({"a": 1}, checks=[claim("a", as_of=later)])["as_of"] == later
    assert coverage({"a": 1})["as_of"] == START
