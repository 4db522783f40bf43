"""What the view of records says of losses, counted by hand from a few rows."""

from __future__ import annotations

from datetime import date

import pytest

from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

LOSSES = table("mart.market_value_losses")
MONDAY, TUESDAY, WEDNESDAY = date(2025, 1, 27), date(2025, 1, 28), date(2025, 1, 29)


@pytest.fixture
def put_loss(tables):
    """Return a way to write a loss: of whom, when, how much, in which region, counted or not."""
    for statement in views().values():
        tables.con.execute(statement)

    def put(ticker, day, lost, region="US", *, is_counted=True):
        tables.put(
            LOSSES,
            listing_id=f"XNAS:{ticker}",
            ticker=ticker,
            session_date=day,
            previous_session_date=date(2025, 1, 24),
            shares_known_on=date(2025, 1, 2),
            region=region,
            market_value_usd=3e12,
            market_value_lost_usd=lost,
            is_counted=is_counted,
        )

    return put


@pytest.fixture
def ranks(tables):
    """Return a way to ask for the ranks: by ticker and day, (listing, region, history)."""

    def ask():
        rows = fetch(tables.con, "FROM mart.loss_records")
        names = ("rank_in_listing", "rank_in_region", "rank_in_history")
        return {
            (row["ticker"], row["session_date"]): tuple(row[name] for name in names) for row in rows
        }

    return ask


def test_ranks_are_of_all_of_history_each_region_and_each_listing(put_loss, ranks):
    put_loss("NVDA", MONDAY, 593e9)
    put_loss("NVDA", WEDNESDAY, 128e9)
    put_loss("AVGO", MONDAY, 200e9)
    put_loss("8035", TUESDAY, 300e9, "JP")
    assert ranks() == {
        ("NVDA", MONDAY): (1, 1, 1),
        ("NVDA", WEDNESDAY): (2, 3, 4),
        ("AVGO", MONDAY): (1, 2, 3),
        ("8035", TUESDAY): (1, 1, 2),
    }


def test_equal_losses_share_a_rank_and_the_next_one_is_passed_over(put_loss, ranks):
    for ticker, lost in (("A", 5e9), ("B", 5e9), ("C", 4e9)):
        put_loss(ticker, MONDAY, lost)
    assert [ranks()[ticker, MONDAY][2] for ticker in "ABC"] == [1, 1, 3]


def test_a_row_that_is_not_counted_has_a_rank_in_its_listing_alone(put_loss, ranks):
    """The second class of a firm takes no place among the firms either."""
    put_loss("GOOG", MONDAY, 90e9, is_counted=False)
    put_loss("GOOGL", MONDAY, 90e9)
    put_loss("C", MONDAY, 4e9)
    found = ranks()
    assert found["GOOG", MONDAY] == (1, None, None)
    assert found["GOOGL", MONDAY] == (1, 1, 1)
    assert found["C", MONDAY] == (1, 2, 2)


def test_those_of_no_region_are_compared_with_each_other(put_loss, ranks):
    put_loss("A", MONDAY, 5e9, None)
    put_loss("B", MONDAY, 6e9, None)
    put_loss("C", MONDAY, 7e9)
    assert [ranks()[ticker, MONDAY][1] for ticker in "ABC"] == [2, 1, 1]


def test_hindsight_says_until_when_it_has_seen(tables, put_loss):
    put_loss("NVDA", MONDAY, 593e9)
    moved = table("core.abnormal_returns")
    for day in (MONDAY, WEDNESDAY):
        tables.put(moved, listing_id="XNAS:NVDA", ticker="NVDA", session_date=day)
    asked = "SELECT DISTINCT observed_through FROM mart.loss_records"
    assert fetch(tables.con, asked) == [{"observed_through": WEDNESDAY}]
