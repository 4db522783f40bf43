"""Judgements on reference data and markets: firms, symbols, delistings, share counts, regions."""

from __future__ import annotations

from datetime import date

import pytest

from checks import reference, returns
from warehouse.tables import table

INSTRUMENTS = table("core.instruments")
SYMBOLS = table("core.listing_symbols")
DELISTINGS = table("core.delistings")
VINTAGES = table("raw.price_vintages")
SHARES = table("core.shares_outstanding")
COUNTS = table("raw.shares_outstanding")
SPLITS = table("core.splits")
PROPOSED = table("core.proposed_splits")
VALUES = table("core.quarantined_market_values")
BARS = table("core.daily_prices")
MARKETS = table("core.market_returns")


def test_a_ticker_known_from_prices_alone_is_a_warning(tables, verdict):
    tables.put(INSTRUMENTS, listing_id="XNAS:NVDA", ticker="NVDA", registered_from="repository")
    tables.put(INSTRUMENTS, listing_id="FILE:ZZZ", ticker="ZZZ", registered_from="prices")
    found = verdict("every_listing_is_classified", tables)
    assert (found.severity, found.rows_checked, found.rows_failed) == ("WARN", 2, 1)
    assert found.first_failing_rows == [{"ticker": "ZZZ", "listing_id": "FILE:ZZZ"}]


def test_a_sector_from_the_users_own_file_is_enough(tables, verdict):
    tables.put(INSTRUMENTS, listing_id="FILE:ZZZ", ticker="ZZZ", registered_from="instruments.csv")
    assert verdict("every_listing_is_classified", tables).passed


@pytest.mark.parametrize(
    ("primary", "is_caught"), [((True, False), False), ((True, True), True), ((False, False), True)]
)
def test_the_value_of_a_firm_is_carried_by_one_of_its_listings(tables, verdict, primary, is_caught):
    for ticker, carries in zip(("GOOGL", "GOOG"), primary, strict=True):
        tables.put(
            INSTRUMENTS,
            listing_id=f"XNAS:{ticker}",
            ticker=ticker,
            issuer_id="alphabet",
            is_primary=carries,
        )
    tables.put(INSTRUMENTS, listing_id="XNAS:NVDA", ticker="NVDA", is_primary=True)
    found = verdict("every_firm_has_one_primary_listing", tables)
    assert found.rows_checked == 1
    assert found.passed is not is_caught


@pytest.mark.parametrize(
    ("first", "second", "is_caught"),
    [
        ((None, date(2022, 6, 8)), (date(2022, 6, 9), None), False),
        ((None, date(2022, 6, 9)), (date(2022, 6, 9), None), True),
        ((None, None), (date(2022, 6, 9), None), True),
        ((date(2012, 5, 18), date(2022, 6, 8)), (date(2012, 5, 18), date(2022, 6, 8)), True),
    ],
)
def test_a_symbol_may_change_hands_but_not_be_shared(tables, verdict, first, second, is_caught):
    for listing, (valid_from, valid_to) in (("ARCX:METV", first), ("XNAS:META", second)):
        dates = {"valid_from": valid_from, "valid_to": valid_to}
        tables.put(SYMBOLS, listing_id=listing, symbol="META", **dates)
    tables.put(SYMBOLS, listing_id="XNAS:META", symbol="FB", valid_from=None, valid_to=None)
    found = verdict("every_symbol_has_one_listing", tables)
    assert found.rows_checked == 3
    assert found.rows_failed == (2 if is_caught else 0)


@pytest.mark.parametrize(
    ("n_sources", "n_sessions", "last_bar", "is_caught"),
    [
        (2, 1, date(2025, 1, 24), False),
        (1, 10, date(2025, 1, 24), False),
        (1, 9, date(2025, 1, 24), True),
        (2, 10, date(2025, 1, 27), True),
    ],
)
def test_a_listing_is_gone_on_evidence_and_while_no_bar_comes(
    tables, verdict, n_sources, n_sessions, last_bar, is_caught
):
    gone = {"listing_id": "XNYS:X", "ticker": "X", "delisted_on": date(2025, 1, 27)}
    tables.put(DELISTINGS, **gone, n_sources=n_sources, n_sessions=n_sessions)
    tables.put(VINTAGES, listing_id="XNYS:X", ticker="X", session_date=last_bar)
    assert verdict("delistings_rest_on_evidence", tables).passed is not is_caught


@pytest.mark.parametrize(
    ("counts", "split", "is_caught"),
    [
        ([24.49e9], None, False),
        ([1000.0], None, True),  # a placeholder
        ([2.46e9, 24.6e9], 10.0, False),  # Nvidia in June 2024
        ([2.46e9, 24.6e9], None, True),
        ([24.6e9, 24.6e6], None, True),  # in thousands
        ([2.46e9, 2.46e9], 10.0, True),  # the split was not applied
        ([5.8e9, 12.1e9], None, False),  # a class, then the firm: within a factor of three
    ],
)
def test_a_share_count_is_no_placeholder_and_follows_the_splits(
    tables, verdict, counts, split, is_caught
):
    for year, shares in enumerate(counts, 2024):
        known = {"known_on": date(year, 5, 29), "shares_outstanding": shares}
        tables.put(SHARES, listing_id="XNAS:NVDA", ticker="NVDA", **known)
    if split:
        tables.put(SPLITS, listing_id="XNAS:NVDA", ex_date=date(2024, 6, 10), split_ratio=split)
    for listing, year in (("XNAS:AMD", 2024), ("XNAS:NVDA", 2030)):
        tables.put(SPLITS, listing_id=listing, ex_date=date(year, 6, 10), split_ratio=50.0)
    assert verdict("shares_are_plausible", tables).passed is not is_caught


@pytest.mark.parametrize(("other", "is_caught"), [(7.43e9, False), (7.57e9, False), (7.70e9, True)])
def test_two_counts_of_one_date_agree(tables, verdict, other, is_caught):
    for source, shares in (("sec", 7.43e9), ("yahoo", other)):
        named = {"listing_id": "XNAS:MSFT", "share_class": "all", "source": source}
        tables.put(COUNTS, **named, measured_on=date(2024, 7, 25), shares_outstanding=shares)
    named = {"listing_id": "XNAS:MSFT", "share_class": "B", "source": "sec"}
    tables.put(COUNTS, **named, measured_on=date(2024, 7, 25), shares_outstanding=1e6)
    found = verdict("share_counts_of_one_date_agree", tables)
    assert found.rows_checked == 2
    assert found.passed is not is_caught


def test_a_region_without_a_market_is_named_with_its_listings(tables, verdict):
    for listing, region in (("XNAS:NVDA", "US"), ("XTKS:6857.T", "JP"), ("XTKS:8035.T", "JP")):
        tables.put(INSTRUMENTS, listing_id=listing, ticker=listing[5:], region=region)
        tables.put(BARS, listing_id=listing, ticker=listing[5:])
    tables.put(MARKETS, region="US")
    found = verdict("every_region_has_a_market", tables)
    assert (found.severity, found.rows_checked) == ("WARN", 2)
    assert found.first_failing_rows == [{"region": "JP", "n_listings": 2}]


@pytest.mark.parametrize("check", [*reference.JUDGEMENTS, *returns.JUDGEMENTS])
def test_a_judgement_that_has_nothing_to_look_at_passes(tables, verdict, check):
    assert verdict(check.name, tables).passed
    assert check.doc.endswith(".")


def test_a_market_value_left_out_is_named_with_its_day_and_ratio(tables, verdict):
    assert verdict("market_values_are_consistent", tables).passed
    day = {"first_session_date": date(2023, 12, 5), "last_session_date": date(2023, 12, 5)}
    named = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "reason": "returned"}
    tables.put(VALUES, **named, **day, source="files", market_value=1.38e13, count_ratio=12.0)
    found = verdict("market_values_are_consistent", tables)
    assert (found.severity, found.rows_failed) == ("WARN", 1)
    assert found.first_failing_rows == [
        {
            "ticker": "NVDA",
            "first_session_date": "2023-12-05",
            "source": "files",
            "market_value": 1.38e13,
            "count_ratio": 12.0,
            "reason": "returned",
        }
    ]


def test_a_proposed_split_explains_a_share_count_too(tables, verdict):
    for year, shares in enumerate((2.46e9, 24.6e9), 2023):
        known = {"known_on": date(year, 9, 1), "shares_outstanding": shares}
        tables.put(SHARES, listing_id="XNAS:NVDA", ticker="NVDA", **known)
    assert not verdict("shares_are_plausible", tables).passed
    row = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "ex_date": date(2024, 6, 10)}
    tables.put(PROPOSED, **row, split_ratio=10.0)
    assert verdict("shares_are_plausible", tables).passed


@pytest.mark.parametrize(("ticker", "is_caught"), [("NVDA", True), ("SPY", False)])
def test_a_configured_market_without_bars_is_named_with_what_stands_in(tables, ticker, is_caught):
    tables.put(INSTRUMENTS, listing_id=f"X:{ticker}", ticker=ticker, region="US")
    tables.put(INSTRUMENTS, listing_id="X:T", ticker="T", region="JP")
    for name in (ticker, "T"):
        tables.put(BARS, listing_id=f"X:{name}", ticker=name)
    tables.put(MARKETS, region="US", market="capitalisation-weighted")
    found = returns.missing_markets(tables.con, {"US": "SPY", "EU": "^STOXX"})
    assert (found.n_rows, found.n_violations) == (1, int(is_caught))
    said = "no bar of SPY: US is held against capitalisation-weighted"
    assert found.note == (said if is_caught else "")
