"""The figures of the sample article, held against public bars of January 2025."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from selloff.claim_checks.known import Known
from selloff.claim_checks.readings import Bar
from selloff.claim_checks.verdicts import check_claim, claimed_interval

ROOT = Path(__file__).resolve().parents[3]
PRICES = ROOT.parent / "shared/data/prices/ai_selloff_2025.parquet"
pytestmark = pytest.mark.skipif(not PRICES.exists(), reason=f"{PRICES} is not there")
# As resources/data/shares_outstanding.csv states it for NVDA on 2025-01-24.
SHARES = {"known_on": date(2025, 1, 24), "shares_outstanding": 24.49e9, "split_ratio_after": 1.0}


def _check(ticker, direction, figure, resolution, bound, **other):
    table = pq.read_table(PRICES)
    rows = table.filter(pc.equal(table["ticker"], ticker)).sort_by("date").to_pylist()
    names = ("open", "high", "low", "close", "adj_close", "volume", "currency")
    known = {"quality_flags": "", "n_quarantined": 0, "is_simulated": False}
    bars = [
        Bar(
            session_date=row["date"],
            as_of=datetime.fromisoformat("2025-02-01"),
            **{name: row[name] for name in names},
            **known,
        )
        for row in rows
        if row["date"] <= date(2025, 1, 27)
    ]
    claim = {
        "listing_id": ticker,
        "metric": "price_change",
        "direction": direction,
        "unit": "fraction",
        "magnitude_low": figure,
        "magnitude_high": figure,
        "resolution": resolution,
        "bound": bound,
        "period": "day",
        "n_sessions": None,
        "claimed_from": None,
        "claimed_on": date(2025, 1, 27),
        "is_ambiguous": False,
        "published_at": datetime.fromisoformat("2025-01-28"),
        **other,
    }
    days = [bar.session_date for bar in bars]
    closes = [datetime.fromisoformat(f"{day}T21:00") for day in days]
    calendar = {ticker: (closes, days)}
    facts = Known({ticker: bars}, {ticker: days}, calendar, {}, {ticker: [SHARES]}, {}, {})
    return check_claim(claim, claimed_interval(claim), facts)


@pytest.mark.parametrize(
    ("ticker", "direction", "figure", "resolution", "bound"),
    [
        ("NVDA", "down", 0.17, 0.01, "nearly"),
        ("AVGO", "down", 0.174, 0.001, "exact"),
        ("MU", "down", 0.12, 0.01, "exact"),
        ("AMD", "down", 0.06, 0.01, "above"),
        ("MSFT", "down", 0.0214, 0.0001, "exact"),
        ("GOOGL", "down", 0.04, 0.01, "above"),
        ("ASML.AS", "down", 0.07, 0.01, "exact"),
    ],
)
def test_the_falls_are_supported_as_stated(ticker, direction, figure, resolution, bound):
    check = _check(ticker, direction, figure, resolution, bound)
    assert (check.verdict, check.reading) == ("supported", "as_stated"), check.reason


def test_the_market_value_is_supported_on_the_share_count_of_the_data():
    lost = {"metric": "market_value_change", "unit": "USD"}
    check = _check("NVDA", "down", 589e9, 1e9, "exact", **lost)
    assert check.verdict == "supported", check.reason
    assert check.observed == pytest.approx(-592.66e9, rel=1e-3)
    assert check.shares == SHARES


def test_a_fall_from_a_stale_fill_is_not_verifiable():
    check = _check("ENR.DE", "down", 0.2, 0.01, "exact")
    assert check.verdict == "not_verifiable"
    assert "stale fill" in check.reason
