"""Verdicts on claims, held against bars made by hand."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pyarrow as pa
import pytest

from selloff.claim_checks.verdicts import claim_checks

DAYS = [date(2025, 1, day) for day in (22, 23, 24, 27, 28)]
CLOSES = [100.0, 100.0, 110.0, 88.0, 92.4]


def _bars(**changes):
    rows = [
        {
            "listing_id": "X:A",
            "session_date": day,
            "open": close * 0.99,
            "high": close * 1.02,
            "low": close * 0.95,
            "close": close,
            "adj_close": close,
            "volume": 5.0,
            "currency": "USD",
            "quality_flags": "",
            "n_quarantined": 0,
            "is_simulated": False,
            "as_of": datetime.fromisoformat("2025-02-01"),
        }
        for day, close in zip(DAYS, CLOSES, strict=True)
    ]
    rows[3].update(changes.pop("last", {}))
    rows[2].update(changes.pop("before", {}))
    without = changes.pop("without", ())
    return [row for row in rows if row["session_date"] not in without]


def _verdict(bars=None, **claim):
    said = {
        "claim_id": "1",
        "article_id": "1",
        "listing_id": "X:A",
        "ticker": "A",
        "metric": "price_change",
        "direction": "down",
        "magnitude_low": 0.2,
        "magnitude_high": 0.2,
        "unit": "fraction",
        "resolution": 0.01,
        "bound": "exact",
        "period": "day",
        "n_sessions": None,
        "claimed_from": None,
        "is_ambiguous": False,
        "claimed_on": date(2025, 1, 27),
        "published_at": datetime.fromisoformat("2025-01-28T12:00"),
        "as_of": datetime.fromisoformat("2025-01-28"),
        **claim,
    }
    if "magnitude_low" in claim:
        said["magnitude_high"] = claim["magnitude_low"]
    kinds = {"n_sessions": pa.int64(), "claimed_from": pa.date32(), "claimed_on": pa.date32()}
    kinds |= {"published_at": pa.timestamp("us"), "direction": pa.string()}
    columns = {name: pa.array([value], kinds.get(name)) for name, value in said.items()}
    tables = [
        pa.table(columns),
        pa.table({"article_id": ["1"], "source": ["desk"]}),
        pa.Table.from_pylist(bars or _bars()),
        pa.table(
            {
                "exchange_mic": ["X"] * 5,
                "session_date": DAYS,
                "closes_at": [datetime.fromisoformat(f"{day}T21:00") for day in DAYS],
            }
        ),
        pa.table({"listing_id": ["X:A"], "exchange_mic": ["X"]}),
        pa.table(
            {
                "listing_id": ["X:A"],
                "known_on": [date(2025, 1, 24)],
                "shares_outstanding": [1e9],
                "split_ratio_after": [1.0],
            }
        ),
    ]
    (row,) = claim_checks(*[ibis.memtable(table) for table in tables])
    return row


@pytest.mark.parametrize(
    ("claim", "verdict", "reading", "observed"),
    [
        ({}, "supported", "as_stated", -0.2),
        ({"claimed_on": None}, "supported", "as_stated", -0.2),
        ({"magnitude_low": 0.24}, "supported_other_reading", "intraday_low", -0.24),
        ({"magnitude_low": 0.24, "bound": "extreme"}, "supported", "as_stated", -0.24),
        ({"direction": "up"}, "contradicted", "as_stated", -0.2),
        (
            {"direction": "up", "magnitude_low": 0.1},
            "supported_other_reading",
            "previous_session",
            0.1,
        ),
        ({"period": "open", "magnitude_low": 0.208}, "supported", "as_stated", -0.208),
        ({"period": "week"}, "supported", "as_stated", -0.2),
        (
            {"metric": "market_value_change", "unit": "USD", "magnitude_low": 2.19e10}
            | {"resolution": 1e8},
            "supported",
            "as_stated",
            -2.2e10,
        ),
    ],
)
def test_a_claim_gets_its_verdict_and_reading(claim, verdict, reading, observed):
    row = _verdict(**claim)
    assert (row["verdict"], row["reading"]) == (verdict, reading)
    assert row["observed"] == pytest.approx(observed)


@pytest.mark.parametrize(
    ("bars", "claim", "reason"),
    [
        (_bars(before={"quality_flags": "jump stale"}), {}, "2025-01-24 is flagged stale"),
        (_bars(before={"volume": 0.0, "close": 100.0}), {}, "2025-01-24 is a stale fill"),
        (_bars(last={"n_quarantined": 1}), {}, "quarantined"),
        (_bars(without=(date(2025, 1, 24),)), {}, "no bar of 2025-01-24"),
        (_bars(without=(date(2025, 1, 27),)), {}, "no bar of 2025-01-27"),
        (None, {"claimed_on": date(2025, 1, 28)}, "no bar of 2025-01-28 had closed"),
        (None, {"period": "premarket"}, "outside the session"),
        (None, {"published_at": None}, "no date"),
        (None, {"period": "year"}, "no bar from before"),
        (None, {"magnitude_low": 0.5, "is_ambiguous": True}, "several ways"),
        (None, {"metric": "market_value_change", "unit": "EUR"}, "unit"),
    ],
)
def test_what_cannot_be_checked_says_why(bars, claim, reason):
    row = _verdict(bars, **claim)
    assert row["verdict"] == "not_verifiable"
    assert reason in row["reason"]


def test_a_new_vintage_of_the_bar_changes_the_verdict():
    assert (
        _verdict(_bars(last={"close": 99.0, "low": 98.0, "adj_close": 99.0}))["verdict"]
        == "contradicted"
    )


def test_bars_after_publication_change_nothing():
    assert _verdict(_bars()[:4]) == _verdict()
