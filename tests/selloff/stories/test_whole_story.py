"""A story from its texts on: names, claims and links as the real code finds them.

The articles are invented. The moves are those of 2025-01-27 (Nvidia 142.62 to 118.42, Broadcom
244.70 to 202.13 USD), by hand: -0.1697 and -0.1740.
"""

from __future__ import annotations

from datetime import date, datetime

import pyarrow as pa
import pytest

from selloff.claims import claims
from selloff.mentions import mentions
from selloff.stories import event_articles, event_coverage

pytest.importorskip("ahocorasick")

START = datetime.fromisoformat("2025-01-24T21:00")
MONDAY = date(2025, 1, 27)
OBSERVED = {"XNAS:NVDA": -0.1697, "XNAS:AVGO": -0.1740}
INSTRUMENTS = [
    {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "name": "Nvidia", "asset_class": "equity"},
    {"listing_id": "XNAS:AVGO", "ticker": "AVGO", "name": "Broadcom", "asset_class": "equity"},
]
TEXTS = {
    "early": ("2025-01-25T09:00", "A start-up in China trains models without Nvidia chips."),
    "first": ("2025-01-27T22:00", "Nvidia shares fell nearly 17% on Monday. Broadcom lost 17.4%."),
    "wire": ("2025-01-27T23:00", "Nvidia shares fell nearly 17% on Monday. Broadcom lost 17.4%."),
    "other": ("2025-01-28T02:00", "Shares of Nvidia tumbled 17% on Monday in a broad sell-off."),
    "later": ("2025-03-03T12:00", "Nvidia shares fell 2% on Monday."),
}


@pytest.fixture(scope="module")
def story():
    articles = [
        {
            "article_id": key,
            "title": None,
            "text": text,
            "source": key,
            "location": f"{key}.txt",
            "published_at": datetime.fromisoformat(at),
        }
        for key, (at, text) in TEXTS.items()
    ]
    aliases = pa.Table.from_pylist(
        [
            {
                "listing_id": row["listing_id"],
                "ticker": row["ticker"],
                "alias": row["name"],
                "needs_cue": False,
                "valid_from": None,
                "valid_to": None,
            }
            for row in INSTRUMENTS
        ]
    )
    table = pa.Table.from_pylist(articles)
    documents = [
        {
            "article_id": key,
            "first_article_id": "first" if key == "wire" else key,
            "is_newest": True,
            "as_of": START,
        }
        for key in TEXTS
    ]
    event = {
        "event_id": "e",
        "session_date": MONDAY,
        "last_session_date": MONDAY,
        "started_at": START,
        "scope": "sector",
        "region": "US",
        "status": "detected",
        "as_of": START,
    }
    metrics = [{"event_id": "e", "listing_id": key, "abnormal_z": -6.0} for key in OBSERVED]
    named = mentions(table, aliases).to_pylist()
    links = event_articles([event], metrics, INSTRUMENTS, articles, documents, named)
    stated = claims(table, aliases).to_pylist()
    checks = [
        {
            **{name: row[name] for name in ("claim_id", "article_id", "listing_id", "metric")},
            "verdict": "supported",
            "reading": "as_stated",
            "session_date": MONDAY,
            "from_session_date": date(2025, 1, 24),
            "observed": OBSERVED[row["listing_id"]],
            "as_of": START,
        }
        for row in stated
        if row["claimed_on"] in {None, MONDAY}
    ]
    rows = event_coverage([event], links, INSTRUMENTS, articles, documents, [], stated, checks)
    return links, rows[0]


def test_the_articles_of_the_event_are_linked_and_no_other(story):
    links, _ = story
    assert [row["article_id"] for row in links] == ["early", "first", "other", "wire"]


def test_who_wrote_before_anything_fell_is_the_first(story):
    _, row = story
    assert row["first_article_id"] == "early"
    assert row["hours_before_start"] == -12
    assert row["n_articles"] == 4
    assert row["n_independent_sources"] == 3


def test_the_paragraph_tells_each_fact_once_with_its_references(story):
    _, row = story
    assert row["summary"] == (
        "Broadcom (AVGO) fell 17.4% on 2025-01-27 [1]. Nvidia (NVDA) fell 17% on 2025-01-27 [2]."
    )
    assert [line.split(":")[0] for line in row["summary_references"].split("\n")] == [
        "[1] first, first.txt",
        "[2] other, other.txt",
    ]
