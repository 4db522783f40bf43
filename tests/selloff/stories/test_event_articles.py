"""Which articles are linked to which sell-off."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.stories.event_articles import event_articles
from selloff.stories.vocabulary import FALL_WORDS, word_score

START = datetime.fromisoformat("2025-01-24T21:00")
DURING = datetime.fromisoformat("2025-01-27T18:00")
AS_OF = datetime.fromisoformat("2025-02-01T00:00")


def event(event_id="e", **changes):
    row = {
        "event_id": event_id,
        "started_at": START,
        "session_date": date(2025, 1, 27),
        "last_session_date": date(2025, 1, 27),
        "scope": "sector",
        "region": "US",
        "status": "detected",
        "as_of": AS_OF,
    }
    return row | changes


def linked(articles, events=None, names=("chip",), *, is_newest=True, metrics=None):
    """Link articles given as (id, published_at, text), which all name `names`."""
    return event_articles(
        events or [event()],
        metrics or [{"event_id": "e", "listing_id": "chip", "abnormal_z": -5.0}],
        [
            {"listing_id": "us", "asset_class": "index", "region": "US"},
            {"listing_id": "jp", "asset_class": "index", "region": "JP"},
        ],
        [
            {"article_id": key, "published_at": at, "title": None, "text": text}
            for key, at, text in articles
        ],
        [{"article_id": key, "is_newest": is_newest, "as_of": AS_OF} for key, *_ in articles],
        [{"article_id": key, "listing_id": name} for key, *_ in articles for name in names],
    )


def test_the_score_is_time_times_the_mean_of_names_and_words():
    row = linked([("a", DURING, "It fell and plunged.")], names=("chip", "bank"))[0]
    assert row["name_score"] == 0.5
    assert row["word_score"] == 0.4
    assert row["score"] == pytest.approx(0.45)
    assert row["hours_after_start"] == 69


@pytest.mark.parametrize(
    ("published", "score"),
    [
        (START - timedelta(days=1.5), 0.25),
        (START, 1),
        (datetime.fromisoformat("2025-01-28T00:00"), 1),
        (datetime.fromisoformat("2025-01-30T12:00"), 0.5),
    ],
)
def test_time_counts_less_before_and_after_the_event(published, score):
    text = "It fell, plunged, crashed, tumbled and sank."
    assert linked([("a", published, text)])[0]["time_score"] == pytest.approx(score)


@pytest.mark.parametrize(
    "published",
    [
        None,
        START - timedelta(days=3),
        datetime.fromisoformat("2025-02-02T00:00"),
        datetime.fromisoformat("2024-01-01T00:00"),
    ],
)
def test_an_article_without_a_date_or_far_from_the_event_is_not_linked(published):
    assert linked([("a", published, "It fell, plunged, crashed, tumbled, sank.")]) == []


def test_an_article_that_names_none_of_the_fallen_is_not_linked():
    assert linked([("a", DURING, "It fell.")], names=("bank",)) == []


def test_a_listing_that_fell_as_usual_is_not_of_the_event():
    metrics = [
        {"event_id": "e", "listing_id": "chip", "abnormal_z": -1.9},
        {"event_id": "e", "listing_id": "bank", "abnormal_z": None},
    ]
    assert linked([("a", DURING, "It fell.")], names=("chip", "bank"), metrics=metrics) == []


def test_a_text_without_a_word_for_a_fall_is_linked_before_anything_fell_only():
    before, weekend = START - timedelta(hours=2), START + timedelta(hours=40)
    monday = datetime.fromisoformat("2025-01-27T00:00")
    texts = [("a", before, "A rival."), ("b", weekend, "A rival."), ("c", monday, "A rival.")]
    rows = linked(texts)
    assert [row["article_id"] for row in rows] == ["a", "b"]
    assert rows[0]["score"] < 0.25
    assert rows[1]["score"] == 0.5


def test_an_older_version_is_not_linked():
    assert linked([("a", DURING, "It fell.")], is_newest=False) == []


def test_a_withdrawn_event_has_no_articles():
    assert linked([("a", DURING, "It fell.")], [event(status="withdrawn")]) == []


@pytest.mark.parametrize(
    ("scope", "names", "is_linked"),
    [
        ("sector", ("us",), False),
        ("market", ("us",), True),
        ("market", ("jp",), False),
        ("global", ("jp",), True),
    ],
)
def test_the_index_stands_for_an_event_of_the_market(scope, names, is_linked):
    rows = linked([("a", DURING, "It fell.")], [event(scope=scope)], names=names)
    assert bool(rows) is is_linked


def test_an_article_can_tell_of_two_events():
    metrics = [{"event_id": key, "listing_id": "chip", "abnormal_z": -3.0} for key in "ef"]
    rows = linked([("a", DURING, "It fell.")], [event("f"), event("e")], metrics=metrics)
    assert [row["event_id"] for row in rows] == ["e", "f"]


_TIMES = st.integers(-100, 300).map(lambda hours: START + timedelta(hours=hours))
_TEXTS = st.sampled_from(["It fell.", "It rose.", "It crashed, tumbled and sank."])


@given(st.lists(st.tuples(_TIMES, _TEXTS), max_size=8), st.integers(0, 300))
def test_a_link_does_not_depend_on_later_articles(drawn, hours):
    articles = [(str(number), *each) for number, each in enumerate(drawn)]
    cut = START + timedelta(hours=hours)
    early = [each for each in articles if each[1] <= cut]
    kept = {each[0] for each in early}
    assert linked(early) == [row for row in linked(articles) if row["article_id"] in kept]


def test_forms_of_one_word_count_once():
    assert word_score("falls fell falling FALLEN") == word_score("fell") == 0.2
    assert word_score("A quiet day.") == 0


def test_every_form_belongs_to_one_word():
    assert len(set(FALL_WORDS.values())) == max(FALL_WORDS.values()) + 1
