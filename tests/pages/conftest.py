"""Rows of a small sell-off, in the contracts' tables with their views, and the page of them."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from pages.event_page import event_page
from pages.findings import findings
from warehouse.tables import table
from warehouse.views import views

DAY = date(2025, 1, 27)
BEFORE = date(2025, 1, 24)
KNOWN = datetime.fromisoformat("2025-02-01 06:00")
EVENT = {
    "event_id": "sector-us-2025-01-27",
    "session_date": DAY,
    "last_session_date": DAY,
    "worst_session_date": DAY,
    "n_sessions": 1,
    "started_at": datetime.fromisoformat("2025-01-24 21:00"),
    "scope": "sector",
    "region": "US",
    "market": "SPY",
    "market_return": -0.0141,
    "market_z": -1.6,
    "market_severity": 0.96,
    "breadth": 0.5,
    "n_falling": 1,
    "n_listings": 2,
    "origin_sector": "Information Technology",
    "hardest_hit_sector": "Utilities",
    "worst_listing_id": "XNAS:NVDA",
    "first_listing_id": "XTKS:6857.T",
    "first_region": "JP",
    "first_fell_at": datetime.fromisoformat("2025-01-27 06:30"),
    "market_value_lost_usd": 1.083e12,
    "abnormal_market_value_lost_usd": 605.1e9,
    "threshold_multiple": 1.5,
    "detected_by": "breadth sector",
    "status": "detected",
    "n_flagged": 3,
    "n_quarantined": 1,
    "has_simulated_inputs": False,
    "as_of": KNOWN,
}
CLOSES = {"XNAS:NVDA": (142.62, 118.42, 128.99), "ARCX:SPY": (607.97, 599.37, 604.52)}


@pytest.fixture
def market(tables):
    """The tables with two listings that fell, a market, and no event yet."""
    for statement in views().values():
        tables.con.execute(statement)
    listed = {"currency": "USD", "registered_from": "repository", "asset_class": "equity"}
    for listing_id, name in (
        ("XNAS:NVDA", "NVIDIA Corporation"),
        ("XTKS:6857.T", "Advantest Corporation"),
        ("ARCX:SPY", "SPDR S&P 500 ETF"),
    ):
        ticker = listing_id.partition(":")[2]
        tables.put(
            table("core.instruments"), listing_id=listing_id, ticker=ticker, name=name, **listed
        )
    for listing_id, closes in CLOSES.items():
        for day, close in zip((BEFORE, DAY, date(2025, 1, 28)), closes, strict=True):
            tables.put(
                table("core.daily_prices"),
                listing_id=listing_id,
                ticker=listing_id.partition(":")[2],
                session_date=day,
                close=close,
                quality_flags="",
                is_simulated=False,
            )
    return tables


@pytest.fixture
def fell(market):
    """Put a listing into the event."""

    def put(listing_id="XNAS:NVDA", **values):
        given = {
            "event_id": EVENT["event_id"],
            "listing_id": listing_id,
            "ticker": listing_id.partition(":")[2],
            "sector": "Information Technology",
            "region": "US",
            "session_date": DAY,
            "previous_session_date": BEFORE,
            "close": 118.42,
            "previous_close": 142.62,
            "currency": "USD",
            "simple_return": 118.42 / 142.62 - 1,
            "abnormal_z": -5.83,
            "market_value_lost_usd": 592.7e9,
            "abnormal_market_value_lost_usd": 500e9,
            "is_counted": True,
            "rebound_return": 0.0893,
            "trough_date": DAY,
            "trough_return": 118.42 / 142.62 - 1,
            "days_to_recover_half": 1,
            "days_to_recover": None,
            "observed_through": date(2025, 1, 28),
            "n_flagged": 0,
            "n_quarantined": 0,
            "has_simulated_inputs": False,
            "as_of": KNOWN,
        }
        market.put(table("mart.selloff_metrics"), **{**given, **values})

    return put


@pytest.fixture
def happened(market):
    """Put the event, with some of its values changed; return what is found of it."""

    def put(**values):
        event = {**EVENT, **values}
        market.put(table("mart.selloff_events"), **event)
        return findings(market.con, event["event_id"])

    return put


@pytest.fixture
def page(happened):
    """Return the page of the event, with some of its values changed."""
    return lambda **values: event_page(happened(**values))


@pytest.fixture
def article(market):
    """Put an article that tells of the event, and one claim in it."""

    def put(text="Nvidia fell 17% on Monday.", **values):
        given = {
            "article_id": "a1",
            "source": "wire",
            "location": "https://example.org/a1",
            "title": "Chips fall",
            "text": text,
            "published_at": datetime.fromisoformat("2025-01-27 22:00"),
        }
        market.put(table("raw.articles"), **{**given, **values})
        market.put(table("core.documents"), article_id="a1", first_article_id="a1")
        market.put(table("mart.event_articles"), article_id="a1", event_id=EVENT["event_id"])
        about = {
            "claim_id": "c1",
            "article_id": "a1",
            "listing_id": "XNAS:NVDA",
            "ticker": "NVDA",
            "metric": "price_change",
            "unit": "fraction",
            "period": "day",
        }
        market.put(
            table("core.claims"),
            **about,
            sentence_start=0,
            sentence_end=len(text),
            magnitude_low=0.17,
            magnitude_high=0.17,
            bound="exact",
            listing_from="only",
            is_ambiguous=False,
        )
        market.put(
            table("mart.claim_checks"),
            **about,
            source="wire",
            verdict="supported",
            reading="as_stated",
            claimed_low=-0.175,
            claimed_high=-0.165,
            observed=-0.16968,
            reason="142.62 to 118.42",
        )

    return put
