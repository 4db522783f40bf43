"""The lexer: its quick path takes no word for plain that begins something longer."""

from __future__ import annotations

import json

import pytest

from selloff.claims import words
from selloff.claims.tokens import tokens
from tests.selloff.claims.reading import LABELLED
from tests.selloff.claims.test_grammar import READ, SILENT

TEXTS = [
    *(
        json.loads(line)["text"]
        for line in (LABELLED / "development.jsonl").read_text(encoding="utf-8").splitlines()
    ),
    *READ,
    *SILENT,
]


def kinds(text):
    return [(token.kind, token.text) for token in tokens(text, 0, len(text), [])]


def test_the_quick_path_sees_what_the_slow_one_sees(monkeypatch):
    quick = [kinds(text) for text in TEXTS]
    every = frozenset(word for text in TEXTS for word in text.lower().replace("-", " ").split())
    plain = frozenset(word.strip(",.;:()'\"") for word in every) | words.OPENINGS
    monkeypatch.setattr(words, "OPENINGS", plain)
    slow = [kinds(text) for text in TEXTS]
    assert slow == quick


@pytest.mark.parametrize("table", [words.QUALIFIERS, [p[:2] for p in words.PHRASES]])
def test_every_phrase_is_found_where_it_stands(table):
    samples = {
        "as much as": "qualifier",
        "more than": "qualifier",
        "close to": "qualifier",
        "market capitalisation": "value",
        "share price": "market",
        "price target": "other",
        "gave up": "direction",
        "didn't": "not",
        "in the red": "direction",
        "failed to": "not",
    }
    for phrase, kind in samples.items():
        (found, *_) = tokens(f"{phrase} 5%", 0, len(phrase) + 3, [])
        assert (found.kind, found.text) == (kind, phrase)
    assert all(form for form, *_ in table)


def test_a_listed_number_has_the_unit_of_the_figure_behind_it():
    found = tokens("by 1.2 and 0.9 per cent", 0, 23, [])
    figures = [token.figure for token in found if token.kind == "figure"]
    assert [(figure.low, figure.unit) for figure in figures] == [
        (0.012, "fraction"),
        (0.009, "fraction"),
    ]


def test_tokens_lie_where_they_stand():
    text = "Shares fell nearly 17%, or $3.10."
    for token in tokens(text, 0, len(text), []):
        assert text[token.start : token.end].lower() == token.text


def test_the_words_of_direction_have_one_sense_each():
    assert set(words.DIRECTIONS) & set(words.OTHER) == set()
    assert words.DOWN == -words.UP
