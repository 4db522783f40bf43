"""Bursts of mentions: what is counted when, and against what."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.stories.mention_bursts import mention_bursts, unusual

FIRST = datetime.fromisoformat("2025-01-01T21:00")
CLOSES = [FIRST + timedelta(days=number) for number in range(40)]
SESSIONS = [
    {"exchange_mic": "XNAS", "session_date": close.date(), "closes_at": close} for close in CLOSES
]
INSTRUMENTS = [
    {"listing_id": "chip", "ticker": "CHIP", "exchange_mic": "XNAS"},
    {"listing_id": "coin", "ticker": "COIN", "exchange_mic": None},
]


def bursts(articles, *, listing="chip", texts=None, pages=None):
    """Find bursts among articles given as (id, published_at), which all name `listing`."""
    keys = [key for key, _ in articles]
    documents = [
        {
            "article_id": key,
            "first_article_id": (texts or {}).get(key, key),
            "document_id": (pages or {}).get(key, key),
            "as_of": number,
        }
        for number, key in enumerate(keys)
    ]
    return mention_bursts(
        [{"article_id": key, "listing_id": listing} for key in keys],
        [{"article_id": key, "published_at": at} for key, at in articles],
        documents,
        SESSIONS,
        INSTRUMENTS,
    )


def daily(n_days, start=1):
    return [
        (f"d{number}", CLOSES[number] - timedelta(hours=2))
        for number in range(start, start + n_days)
    ]


def planted(number, n_articles):
    return [(f"p{each}", CLOSES[number] - timedelta(minutes=each)) for each in range(n_articles)]


def test_a_planted_burst_is_found_and_the_calm_days_are_not():
    rows = bursts([*daily(30), *planted(31, 12)])
    assert [row["session_date"] for row in rows if row["is_burst"]] == [CLOSES[31].date()]
    assert rows[-1]["n_articles"] == 12
    assert rows[-1]["expected_articles"] == pytest.approx(30.5 / 30)


def test_an_article_at_the_close_is_of_that_session_and_one_after_it_of_the_next():
    rows = bursts([("a", CLOSES[4]), ("b", CLOSES[4] + timedelta(microseconds=1))])
    assert [row["session_date"] for row in rows] == [CLOSES[4].date(), CLOSES[5].date()]


def test_before_ten_sessions_nothing_is_known_and_nothing_is_a_burst():
    rows = bursts([*daily(1), *planted(10, 9)])
    assert rows[-1]["expected_articles"] is None
    assert rows[-1]["p_value"] is None
    assert rows[-1]["is_burst"] is False
    assert bursts([*daily(1), *planted(11, 9)])[-1]["is_burst"] is True


def test_two_articles_are_never_a_burst():
    row = bursts([*daily(1), *planted(35, 2)])[-1]
    assert row["p_value"] < 0.01
    assert row["is_burst"] is False
    assert bursts([*daily(1), *planted(35, 3)])[-1]["is_burst"] is True


def test_near_copies_and_versions_count_once_in_the_day_of_the_first():
    late = [("copy", CLOSES[9]), ("version", CLOSES[9])]
    rows = bursts(
        [("a", CLOSES[3]), *late], texts={"copy": "a"}, pages={"version": "page", "a": "page"}
    )
    assert [(row["session_date"], row["n_articles"]) for row in rows] == [(CLOSES[3].date(), 1)]


@pytest.mark.parametrize("at", [None, CLOSES[0], CLOSES[-1] + timedelta(seconds=1)])
def test_an_article_in_no_session_s_day_is_not_counted(at):
    assert bursts([("a", at)]) == []


@pytest.mark.parametrize("listing", ["coin", "unknown"])
def test_a_listing_without_a_calendar_has_no_rows(listing):
    assert bursts(daily(3), listing=listing) == []


def test_the_row_is_as_new_as_the_newest_article_in_it():
    assert bursts(planted(5, 4))[0]["as_of"] == 3


@settings(max_examples=60)
@given(
    st.lists(st.integers(1, 900), min_size=1, max_size=60, unique=True),
    st.integers(1, 39),
    st.lists(st.integers(0, 59), max_size=60),
)
def test_what_comes_later_changes_no_day_that_is_over(hours, day, copied):
    articles = [
        (str(number), FIRST + timedelta(hours=each)) for number, each in enumerate(sorted(hours))
    ]
    # A near copy is a copy of something published before it.
    texts = {
        str(number): str(first)
        for number, first in enumerate(copied)
        if first < number < len(hours)
    }
    early = [each for each in articles if each[1] <= CLOSES[day]]
    assert bursts(early, texts=texts) == [
        row for row in bursts(articles, texts=texts) if row["session_date"] <= CLOSES[day].date()
    ]


def tail(count, mean, variance):
    """Sum the negative binomial's probabilities up to `count`, by its recurrence."""
    size = mean**2 / (variance - mean)
    share = mean / (mean + size)
    probability, below = (1 - share) ** size, 0.0
    for number in range(count):
        below += probability
        probability *= share * (number + size) / (number + 1)
    return 1 - below


@given(st.lists(st.integers(0, 6), min_size=11, max_size=75), st.integers(1, 9))
def test_the_tail_is_that_of_the_predictive_distribution(past, count):
    counts = np.array([*past, count])
    expected, p_value = unusual(counts, np.array([len(past)]))
    used = past[-60:]
    mean = (sum(used) + 0.5) / len(used)
    variance = max(float(np.var(used, ddof=1)), mean) + mean / len(used)
    assert expected[0] == pytest.approx(mean)
    assert p_value[0] == pytest.approx(tail(count, mean, variance), rel=1e-6, abs=1e-9)


def test_sixty_sessions_count_and_the_session_itself_does_not():
    counts = np.array([50] * 5 + [1] * 60 + [7])
    expected, _ = unusual(counts, np.array([65]))
    assert expected[0] == pytest.approx(60.5 / 60)


def test_the_past_begins_where_it_is_said_to():
    counts = np.array([0] * 30 + [1] * 12)
    assert unusual(counts, np.array([41]), begin=31)[0][0] == pytest.approx(10.5 / 10)
    assert math.isnan(unusual(counts, np.array([41]), begin=32)[0][0])


@pytest.mark.parametrize(
    ("mean", "clustering", "most"), [(0.5, 1, 0.001), (3, 1, 0.001), (1, 3, 0.005)]
)
def test_calm_days_are_rarely_bursts(mean, clustering, most):
    draw = np.random.default_rng(20250127)
    if clustering == 1:
        counts = draw.poisson(mean, 50_000)
    else:
        counts = draw.negative_binomial(mean / (clustering - 1), 1 / clustering, 50_000)
    at = np.flatnonzero(counts)
    _, p_values = unusual(counts, at)
    assert np.sum((p_values < 0.001) & (counts[at] >= 3)) / len(counts) <= most
