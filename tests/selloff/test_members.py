"""Who speaks for a region's market."""

from __future__ import annotations

import pandas as pd
import pytest

from selloff.members import members
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.returns import ABNORMAL_RETURNS

EARLY, LATE = pd.Timestamp("2025-01-24"), pd.Timestamp("2025-01-27")


@pytest.fixture
def counted(bench):
    """Return a function that gives the tickers counted per session, for listings as stated."""

    def count(listings, present=None):
        listed = pd.DataFrame(listings)
        days = pd.DataFrame({"session_date": [EARLY, LATE]})
        rows = listed[["ticker"]].merge(days, how="cross")
        if present is not None:
            rows = rows[
                [pair in present for pair in zip(rows.ticker, rows.session_date, strict=True)]
            ]
        table = bench.put(INSTRUMENTS, listed)
        found = members(bench.put(ABNORMAL_RETURNS, rows), table)
        kept = bench.sql(bench.engine.compile(found)).df()
        return {day: sorted(kept[kept.session_date == day].ticker) for day in (EARLY, LATE)}

    return count


def row(ticker, entered=None, **other):
    return {"ticker": ticker, "constituent_from": entered, "region": "US", **other}


def test_a_region_with_constituents_counts_no_other_equity(counted):
    found = counted([row("A", "2000-01-03"), row("ADR"), row("B", "2010-01-04")])
    assert found == {EARLY: ["A", "B"], LATE: ["A", "B"]}


def test_a_listing_counts_from_the_day_it_entered(counted):
    found = counted([row("A", "2000-01-03"), row("NEW", "2025-01-27")])
    assert found == {EARLY: ["A"], LATE: ["A", "NEW"]}


def test_a_region_without_constituents_counts_all_its_equities(counted):
    listings = [row("A", "2000-01-03"), row("X"), row("T", region="JP"), row("U", region="JP")]
    assert counted(listings)[LATE] == ["A", "T", "U"]


def test_all_equities_count_in_a_session_in_which_no_constituent_has_a_row(counted):
    present = {("A", LATE), ("X", EARLY), ("X", LATE)}
    found = counted([row("A", "2000-01-03"), row("X")], present)
    assert found == {EARLY: ["X"], LATE: ["A"]}


def test_funds_indices_and_listings_without_a_region_never_count(counted):
    listings = [
        row("A", "2000-01-03"),
        row("ETF", "2000-01-03", asset_class="etf"),
        row("NOWHERE", "2000-01-03", region=None),
    ]
    for listing in listings:
        listing.setdefault("asset_class", "equity")
    assert counted(listings)[LATE] == ["A"]


@pytest.mark.parametrize(("others", "count"), [(32, 1), (33, 34)])
def test_a_constituent_among_a_whole_market_is_no_index(counted, others, count):
    # One of 33 is above 3%, one of 34 below it.
    listings = [row("A", "2000-01-03"), *(row(f"X{number}") for number in range(others))]
    assert len(counted(listings)[LATE]) == count
