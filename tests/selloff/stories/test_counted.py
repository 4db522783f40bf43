"""Which article stands for a text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from selloff.stories.counted import by_event


def counted(published, texts, events=("e",)):
    """Count articles given as id and instant, all linked to every event."""
    articles = {key: {"article_id": key, "published_at": at} for key, at in published.items()}
    links = [{"event_id": event, "article_id": key} for event in events for key in published]
    found = by_event(links, articles, texts)
    return {event: [row["article_id"] for row in rows] for event, rows in found.items()}


def test_the_first_published_stands_for_a_text():
    assert counted({"a": 2, "b": 1}, {"a": "b"}) == {"e": ["b"]}


def test_of_equals_the_first_by_its_key_stands_for_a_text():
    assert counted({"b": 1, "a": 1}, {"a": "x", "b": "x"}) == {"e": ["a"]}


def test_an_article_that_is_no_document_is_its_own_text():
    assert counted({"a": 1, "b": 2}, {}) == {"e": ["a", "b"]}


def test_a_text_counts_once_in_each_event():
    found = counted({"a": 1, "b": 2}, {"b": "a"}, events=("e", "f"))
    assert found == {"e": ["a"], "f": ["a"]}


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 9)))
def test_every_text_is_counted_exactly_once(published):
    texts = {key: key[0] for key in published}
    found = counted(published, texts).get("e", [])
    assert sorted(key[0] for key in found) == sorted(set(texts.values()))
    assert [published[key] for key in found] == sorted(published[key] for key in found)
