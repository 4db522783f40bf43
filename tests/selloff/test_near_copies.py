from __future__ import annotations

import hashlib
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.near_copies import LEAST_SIMILAR, jaccard, near_copies, shingles, signature

WORDS = [f"word{number}" for number in range(2_000)]


def sequences(text):
    words = text.lower().split()
    return {tuple(words[start : start + 3]) for start in range(len(words) - 2)}


def by_definition(first, second):
    one, other = sequences(first), sequences(second)
    return len(one & other) / len(one | other)


def drawing(seed):
    return random.Random(seed)  # noqa: S311 - texts, not secrets


def a_text(draw, n_words=600):
    return draw.choices(WORDS, k=n_words)


def changed(draw, words, share):
    copy = list(words)
    for place in draw.sample(range(len(copy)), round(share * len(copy))):
        copy[place] = draw.choice(WORDS)
    return copy


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=3, max_size=30),
    st.lists(st.sampled_from("abcd"), min_size=3, max_size=30),
)
def test_similarity_is_the_share_of_common_three_word_sequences(one, other):
    one, other = " ".join(one), " ".join(other)
    assert jaccard(shingles(one), shingles(other)) == by_definition(one, other)


def test_case_and_punctuation_change_no_sequence():
    assert np.array_equal(shingles("Chips FELL, by a tenth!"), shingles("chips fell by a tenth"))


def test_the_order_of_words_is_part_of_a_sequence():
    assert jaccard(shingles("one two three"), shingles("three two one")) == 0


@pytest.mark.parametrize(("text", "n"), [("", 0), ("...", 0), ("one", 1), ("one two", 1)])
def test_a_short_text_is_one_sequence_or_none(text, n):
    assert len(shingles(text)) == n


def test_texts_without_words_are_the_same_and_like_no_other():
    assert [copy.first for copy in near_copies(["", "one", "..."])] == [0, 1, 0]
    assert jaccard(shingles(""), shingles("one")) == 0


def test_the_numbers_are_the_same_on_every_machine():
    # BLAKE2b of each word, stirred in by a step of SplitMix64, in Python's own integers.
    number = 0
    for word in ("chips", "fell", "by"):
        number ^= int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        number = (number + 0x9E3779B97F4A7C15) % 2**64
        number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        number = (number ^ (number >> 27)) * 0x94D049BB133111EB % 2**64
        number ^= number >> 31
    assert shingles("Chips fell by").tolist() == [number]


def test_the_least_elements_of_nothing_are_the_largest_number():
    assert signature(shingles("")).tolist() == [2**64 - 1] * 64


def test_as_many_least_elements_agree_as_elements_are_common():
    draw = drawing(1)
    errors = []
    for share in (0.02, 0.05, 0.1, 0.2) * 5:
        words = a_text(draw)
        one, other = (shingles(" ".join(text)) for text in (words, changed(draw, words, share)))
        errors.append((signature(one) == signature(other)).mean() - jaccard(one, other))
    # The mean of 20 estimates, each with a standard error of at most 1/16.
    assert abs(np.mean(errors)) < 3 / 16 / np.sqrt(20)


def test_near_copies_are_found_and_nothing_else():
    draw = drawing(2)
    originals = [a_text(draw) for _ in range(60)]
    copies = [changed(draw, words, 0.03) for words in originals[:20]]
    texts = [" ".join(words) for words in originals + copies]
    expected = list(range(60)) + [
        number if by_definition(texts[number], texts[60 + number]) >= LEAST_SIMILAR else 60 + number
        for number in range(20)
    ]
    assert [copy.first for copy in near_copies(texts)] == expected


def against_all(texts):
    leaders, first = [], []
    for index, text in enumerate(texts):
        met = (one for one in leaders if by_definition(texts[one], text) >= LEAST_SIMILAR)
        first.append(next(met, index))
        if first[-1] == index:
            leaders.append(index)
    return first


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_no_pair_is_wrong_and_hardly_one_is_missed(seed):
    draw = drawing(seed)
    words = a_text(draw, 120)
    texts = [" ".join(changed(draw, words, draw.choice((0, 0.01, 0.03, 0.2)))) for _ in range(8)]
    found = near_copies(texts)
    for index, copy in enumerate(found):
        assert copy.first <= index
        assert copy.similarity >= LEAST_SIMILAR
        assert copy.similarity == by_definition(texts[copy.first], texts[index])
    missed = sum(copy.first != first for copy, first in zip(found, against_all(texts), strict=True))
    assert missed <= 1


def test_a_chain_of_small_changes_joins_nothing_that_differs():
    words = WORDS[:100]
    texts = [" ".join([f"new{n}" for n in range(step)] + words[step:]) for step in range(0, 60, 6)]
    for copy, text in zip(near_copies(texts), texts, strict=True):
        assert by_definition(texts[copy.first], text) >= LEAST_SIMILAR


def test_a_later_text_changes_nothing_of_the_earlier_ones():
    draw = drawing(3)
    words = a_text(draw, 200)
    texts = [" ".join(changed(draw, words, 0.03)) for _ in range(12)]
    assert near_copies(texts)[:6] == near_copies(texts[:6])


def test_many_texts_from_one_template_stay_within_bounded_work(monkeypatch):
    draw = drawing(4)
    words = a_text(draw, 100)
    texts = [" ".join(changed(draw, words, 0.08)) for _ in range(600)]
    compared = []
    monkeypatch.setattr(
        "selloff.near_copies.jaccard", lambda *sets: compared.append(sets[0].size) or 0.0
    )
    near_copies(texts)
    assert len(compared) < 600 * 16 * 64
    assert len(compared) < 600 * 599 / 2
