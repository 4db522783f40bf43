"""Counts of words on lists; every word on these lists is invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.article_tones import ToneWords, article_tones, tone_of

WORDS = ToneWords(frozenset(["BLIF"]), frozenset(["GROK", "GROKS"]), frozenset(["ZAR"]))


def tones(*texts, is_parsed=True, title=None, words=WORDS):
    articles = [
        {"article_id": str(number), "title": title, "text": text}
        for number, text in enumerate(texts)
    ]
    documents = [
        {"article_id": row["article_id"], "is_parsed": is_parsed, "as_of": 7} for row in articles
    ]
    return article_tones(articles, documents, words)


def test_words_are_counted_in_whatever_case():
    row = tones("Blif grok GROKS, zar; plain a")[0]
    counts = {name: row[name] for name in ("n_words", "n_positive", "n_negative", "n_uncertain")}
    assert counts == {"n_words": 5, "n_positive": 1, "n_negative": 2, "n_uncertain": 1}
    assert row["tone"] == pytest.approx(-1 / 3)
    assert row["as_of"] == 7


def test_nothing_is_stemmed():
    assert tone_of("blifs grokking", WORDS).tone is None


@pytest.mark.parametrize(
    ("text", "n_positive"),
    [
        ("not blif", 0),
        ("never one two blif", 0),
        ("never one two three blif", 1),
        ("blif, not", 1),
        ("neither blif", 0),
    ],
)
def test_a_negation_within_three_words_takes_a_positive_word_out(text, n_positive):
    assert tone_of(text, WORDS).n_positive == n_positive


def test_a_negated_negative_word_stays():
    assert tone_of("not grok", WORDS).n_negative == 1


def test_the_headline_counts():
    assert tones("plain", title="Grok")[0]["tone"] == -1


def test_without_a_listed_word_there_is_no_tone():
    assert tones("plain")[0]["tone"] is None
    assert tones("")[0]["n_words"] == 0


def test_without_lists_there_are_no_rows():
    assert tones("grok", words=ToneWords()) == []


def test_an_article_that_is_not_parsed_has_no_row():
    assert tones("grok", is_parsed=False) == []
    assert article_tones([{"article_id": "a", "title": None, "text": "grok"}], [], WORDS) == []


def test_a_hostile_text_of_one_megabyte_is_read_once():
    for letter in (" ", "9", "(", "%", "a", "not "):
        assert tone_of(letter * 1_000_000, WORDS).tone is None


@given(st.lists(st.sampled_from(["blif", "grok", "plain", "not"]), max_size=30))
def test_the_tone_is_a_ratio_of_what_was_counted(drawn):
    found = tone_of(" ".join(drawn), WORDS)
    negated = sum(
        word == "blif" and "not" in drawn[max(0, place - 3) : place]
        for place, word in enumerate(drawn)
    )
    assert found.n_words == len(drawn)
    assert found.n_negative == drawn.count("grok")
    assert found.n_positive == drawn.count("blif") - negated
    assert found.tone is None or -1 <= found.tone <= 1
