"""Verdicts on claims, held against bars made by hand."""

from __future__ import annotations

from datetime import date, datetime

import ibis
import pyarrow as pa
import pytest

from selloff.claim_checks.known import Market
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


def _verdict(bars=None, *, source="desk", **claim):
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
        pa.table(
            {"article_id": ["1"], "source": pa.array([None], pa.string()), "location": ["desk"]}
        ),
        pa.Table.from_pylist(bars or _bars()),
        pa.table(
            {
                "listing_id": ["X:A"],
                "session_date": [date(2025, 1, 27)],
                "reason": ["sources disagree"],
                "as_of": [datetime.fromisoformat("2025-02-03")],
            }
        ),
        pa.table(
            {
                "exchange_mic": ["X"] * 5,
                "session_date": DAYS,
                "closes_at": [datetime.fromisoformat(f"{day}T21:00") for day in DAYS],
            }
        ),
        pa.table({"listing_id": ["X:A", "X:B"], "exchange_mic": ["X"] * 2, "issuer_id": ["A"] * 2}),
        pa.table(
            {
                "listing_id": ["X:A"] * 2,
                "known_on": [date(2025, 1, 24), date(2025, 2, 20)],
                "shares_outstanding": [1e9, 2e9],
                "split_ratio_after": [1.0] * 2,
            }
        ),
        pa.table(
            {
                "currency": ["EUR"],
                "rate_date": [date(2025, 1, 27)],
                "usd_per_currency": [1.1],
                "as_of": [datetime.fromisoformat("2025-02-02")],
            }
        ),
    ]
    said_of, articles, *market = [ibis.memtable(table) for table in tables]
    (row,) = claim_checks(said_of, articles, Market(*market))
    assert row["source"] == source
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
        (_bars(without=(date(2025, 1, 27),)), {}, "2025-01-27 is quarantined: sources disagree"),
        (None, {"claimed_on": date(2025, 1, 28)}, "no bar of 2025-01-28 had closed"),
        (None, {"period": "premarket"}, "outside the session"),
        (None, {"published_at": None}, "no date"),
        (None, {"period": "year"}, "no bar from before"),
        (None, {"magnitude_low": 0.5, "is_ambiguous": True}, "several ways"),
        (None, {"metric": "market_value_change", "unit": "JPY"}, "exchange rate"),
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


def test_a_market_value_is_converted_into_the_currency_of_the_claim():
    claim = {"metric": "market_value_change", "unit": "EUR", "resolution": 1e8}
    row = _verdict(**claim, magnitude_low=2e10)
    assert (row["verdict"], row["reading"]) == ("supported", "as_stated")
    assert row["usd_per_currency"] == pytest.approx(1.1)
    assert row["as_of"] == datetime.fromisoformat("2025-02-02")
    assert _verdict(**claim, magnitude_low=2.2e10)["reading"] == "other_currency"


def test_a_level_in_another_currency_is_another_reading():
    level = {"metric": "level", "direction": None, "resolution": 1.0}
    assert _verdict(**level, unit="USD", magnitude_low=88.0)["verdict"] == "supported"
    assert _verdict(**level, unit="EUR", magnitude_low=80.0)["reading"] == "other_currency"
    assert _verdict(**level, unit="EUR", magnitude_low=99.0)["verdict"] == "not_verifiable"


def test_another_listing_of_the_issuer_may_bear_it_out():
    other = [row | {"listing_id": "X:B"} for row in _bars(last={"close": 77.0, "low": 70.0})]
    row = _verdict(_bars() + other, magnitude_low=0.3)
    assert (row["verdict"], row["reading"]) == ("supported_other_reading", "other_listing")
    assert row["observed"] == pytest.approx(-0.3)


def test_an_unknown_bound_does_not_stop_the_run():
    row = _verdict(bound="roughly")
    assert row["verdict"] == "not_verifiable"
    assert "claim 1: unknown bound 'roughly'" in row["reason"]


@pytest.mark.parametrize(
    ("claim", "observed"),
    [
        ({"metric": "volume", "unit": "shares", "direction": None, "magnitude_low": 5.0}, 5.0),
        ({"metric": "index_points", "unit": "points", "magnitude_low": 22.0}, -22.0),
        ({"metric": "yield", "unit": "points", "direction": None, "magnitude_low": 88.0}, 88.0),
        ({"period": "sessions", "n_sessions": 3, "magnitude_low": 0.12}, -0.12),
    ],
)
def test_other_metrics_and_periods_are_held_against_the_bars(claim, observed):
    row = _verdict(**claim)
    assert row["verdict"] == "supported", row["reason"]
    assert row["observed"] == pytest.approx(observed)


def test_a_later_share_count_is_another_reading():
    lost = {"metric": "market_value_change", "unit": "USD", "resolution": 1e8}
    row = _verdict(**lost, magnitude_low=4.4e10)
    assert (row["verdict"], row["reading"]) == ("supported_other_reading", "other_share_count")
    assert row["shares_outstanding"] == pytest.approx(2e9)
    assert row["shares_known_on"] == date(2025, 2, 20)


def test_a_quarantined_session_names_its_vintage():
    row = _verdict(_bars(without=(date(2025, 1, 27),)))
    assert row["as_of"] == datetime.fromisoformat("2025-02-03")


def test_without_a_source_or_location_the_article_is_its_own_source():
    assert _verdict(article_id="unknown", source="unknown")["verdict"] == "supported"
