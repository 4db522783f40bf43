"""The known failures of daily bars as faults to put into a market, and what must catch each."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from warehouse.tables import table

CASES = []
SATURDAY = date(2025, 2, 8)


def mode(number, *caught_by, refused=()):
    """Note a fault, what must catch it, and why the landing must refuse it."""

    def note(inject):
        label = f"{number}-{inject.__name__.replace('_', ' ')}"
        CASES.append(pytest.param(number, inject, set(caught_by), set(refused), id=label))
        return inject

    return note


def again(market):
    """Deliver and compute."""
    market.deliver()
    market.compute()


# Each function puts one fault into a market in order, of which nothing has landed.


@mode(2, "no_row_was_quarantined", refused=["close is missing"])
def a_bar_has_a_volume_and_no_price(market):
    market.bars["NVDA", market.days[-1]] |= dict.fromkeys(("open", "high", "low", "close"))
    again(market)


@mode(3, "no_bar_is_lost")
def a_known_bar_is_deleted_since_a_later_answer_lacks_it(market):
    market.deliver()
    del market.bars["NVDA", market.days[30]]
    again(market)
    assert market.failed() == {}  # what is absent from an answer stays
    market.con.execute(
        "DELETE FROM core.daily_prices WHERE ticker = 'NVDA' AND session_date = $day",
        {"day": market.days[30]},
    )


@mode(4, "bars_are_settled")
def a_bar_in_progress_stays_as_the_close(market):
    late = ("AMD", market.days[-2])
    market.bars[late] |= {"is_provisional": True, "close": market.bars[late]["close"] + 0.3}
    again(market)


@mode(5, "settled_volumes_stand")
def a_volume_is_revised_overnight(market):
    market.deliver()
    market.bars["MU", market.days[-1]]["volume"] *= 0.73
    again(market)


@mode(5, "history_is_not_corrected")
def volumes_of_many_sessions_are_revised(market):
    market.deliver()
    for day in market.days[::7]:
        market.bars["MU", day]["volume"] *= 1.02
    again(market)


@mode(6, "no_row_was_quarantined", refused=["low is above open", "low is above close"])
def an_impossible_candle_comes(market):
    bar = market.bars["NVDA", market.days[-1]]
    bar["low"] = bar["high"]
    again(market)


@mode(6, "history_is_not_corrected")
def prices_are_revised_here_and_there(market):
    market.deliver()
    for day in market.days[::9]:
        market.scale("MU", 1.004 + day.day / 10_000, [day])
    again(market)


@mode(7, "split_is_in_the_prices", "jumps_are_corroborated")
def a_split_is_not_applied(market):
    market.act("NVDA", market.days[30], "split", split_ratio=10.0)
    market.scale("NVDA", 0.1, market.days[30:])
    again(market)


@mode(7, "split_is_in_the_prices")
def a_split_is_applied_twice(market):
    market.act("NVDA", market.days[30], "split", split_ratio=10.0)
    market.scale("NVDA", 0.1, market.days[:30])
    again(market)


@mode(7, "split_is_in_the_prices")
def a_split_is_applied_to_some_rows(market):
    market.act("NVDA", market.days[30], "split", split_ratio=4.0)
    market.scale("NVDA", 0.25, market.days[30:33])
    again(market)


@mode(7, "restatements_are_explained")
def a_split_is_taken_out_of_known_rows(market):
    market.deliver()
    market.act("NVDA", market.days[30], "split", split_ratio=10.0)
    market.scale("NVDA", 0.1, market.days[30:])
    again(market)


@mode(8, "split_is_in_the_prices")
def a_crash_is_told_as_a_split(market):
    market.act("AMD", market.days[-1], "split", split_ratio=2.0)
    market.scale("AMD", 0.5, market.days[-1:])
    again(market)


@mode(9, "unit_is_constant")
def pence_come_for_pounds_on_one_day(market):
    market.scale("MSFT", 100, market.days[-1:])
    again(market)


@mode(9, "unit_is_constant")
def the_unit_changes_in_mid_series(market):
    market.scale("MSFT", 0.001, market.days[20:])
    again(market)


@mode(9, "restatements_are_explained")
def the_whole_history_comes_in_another_unit(market):
    market.deliver()
    market.scale("MSFT", 100, market.days)
    again(market)


@mode(10, "currency_is_constant")
def the_currency_changes_silently(market):
    market.bars["ORCL", market.days[-1]]["currency"] = "EUR"
    again(market)


@mode(10, "currencies_stand")
def a_known_bar_comes_again_in_another_currency(market):
    market.deliver()
    market.bars["ORCL", market.days[-1]]["currency"] = "EUR"
    again(market)


@mode(11, "adjusted_close_agrees_with_our_factor")
def the_adjusted_close_lacks_a_dividend(market):
    market.act("AVGO", market.days[-3], "dividend", amount=1.5)
    again(market)


@mode(11, "adjusted_close_agrees_with_our_factor")
def the_adjusted_close_has_a_dividend_that_nobody_paid(market):
    for day in market.days[:-3]:
        market.bars["AVGO", day]["adj_close"] *= 0.95
    again(market)


@mode(12, "no_row_was_quarantined", refused=["adj_close is not finite"])
def the_adjusted_close_is_infinite(market):
    market.bars["NVDA", market.days[5]]["adj_close"] = math.inf
    again(market)


@mode(12, "no_row_was_quarantined", refused=["adj_close is not finite"])
def the_adjusted_close_is_no_number(market):
    market.bars["NVDA", market.days[5]]["adj_close"] = math.nan
    again(market)


@mode(12, "no_row_was_quarantined", refused=["adj_close is not positive"])
def the_adjusted_close_is_negative(market):
    market.bars["NVDA", market.days[5]]["adj_close"] = -3.0
    again(market)


@mode(13, "no_row_was_quarantined", refused=["duplicate of row 240, other values"])
def the_last_date_stands_twice(market):
    twin = {**market.bars["ORCL", market.days[-1]], "close": 150.11}
    market.deliver(more=[twin])
    market.compute()


@mode(14, "bars_are_in_the_calendar")
def dates_are_shifted_by_a_time_zone(market):
    for key in [key for key in market.bars if key[0] == "NVDA"]:
        market.bars[key]["session_date"] -= timedelta(days=1)
    again(market)


@mode(15, "bars_are_in_the_calendar")
def there_is_a_bar_on_a_saturday(market):
    bar = {**market.bars["NVDA", market.days[14]], "session_date": SATURDAY, "volume": 0.0}
    market.deliver(more=[bar])
    market.compute()


@mode(15, "no_row_was_quarantined", refused=["open is not positive", "low is not positive"])
def there_is_a_bar_of_zeros(market):
    bar = market.bars["NVDA", market.days[-1]]
    bar |= {"open": 0.0, "low": 0.0, "volume": 0.0}
    again(market)


@mode(16, "volume_is_plausible")
def a_volume_is_zero(market):
    market.bars["NVDA", market.days[-1]]["volume"] = 0.0
    again(market)


@mode(16, "bars_are_not_stale")
def a_bar_is_a_copy_of_the_one_before(market):
    close = market.bars["NVDA", market.days[-2]]["close"]
    market.bars["NVDA", market.days[-1]] |= {
        **dict.fromkeys(("open", "high", "low", "close", "adj_close"), close),
        "volume": 0.0,
    }
    again(market)


@mode(16, "volume_is_plausible")
def a_volume_is_missing(market):
    market.bars["NVDA", market.days[-1]]["volume"] = None
    again(market)


@mode(16, "volume_is_plausible")
def a_volume_is_in_lots_of_a_hundred(market):
    market.bars["NVDA", market.days[-1]]["volume"] /= 100
    again(market)


@mode(16, "no_row_was_quarantined", refused=["volume is not at least 0"])
def a_volume_is_negative(market):
    market.bars["NVDA", market.days[-1]]["volume"] = -5.0
    again(market)


@mode(17, "every_request_was_answered", "every_source_is_up")
def the_source_limits_the_rate_for_everybody(market):
    tickers = ("NVDA", "AMD", "AVGO", "MU")
    market.deliver(**dict.fromkeys(tickers, "rate_limited"))


@mode(17, "every_request_was_answered")
def one_request_times_out(market):
    market.deliver(NVDA="timeout")


@mode(18, "every_ticker_is_known")
def one_live_symbol_is_called_delisted(market):
    market.deliver(NVDA="unknown_ticker")


@mode(18, "every_ticker_is_known", "every_source_is_up")
def every_symbol_is_called_delisted(market):
    tickers = ("NVDA", "AMD", "AVGO", "MU", "MSFT")
    market.deliver(**dict.fromkeys(tickers, "unknown_ticker"))


@mode(18, "delistings_rest_on_evidence")
def a_live_listing_is_taken_as_gone(market):
    market.deliver()
    gone = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "delisted_on": market.days[20]}
    market.tables.put(
        table("core.delistings"), **gone, evidence="sources", n_sources=2, n_sessions=1
    )


@mode(18, "delistings_rest_on_evidence")
def one_source_alone_says_that_a_listing_is_gone(market):
    gone = {"listing_id": "XNAS:GONE", "ticker": "GONE", "delisted_on": market.days[20]}
    market.tables.put(
        table("core.delistings"), **gone, evidence="sources", n_sources=1, n_sessions=9
    )


@mode(19, "every_symbol_has_one_listing")
def a_symbol_is_used_again_before_it_was_free(market):
    symbols = table("core.listing_symbols")
    market.tables.put(
        symbols, listing_id="XNAS:META", symbol="META", valid_from=date(2022, 6, 9), valid_to=None
    )
    market.tables.put(
        symbols, listing_id="ARCX:METV", symbol="META", valid_from=None, valid_to=date(2022, 6, 9)
    )


@mode(19, "sources_agree")
def two_sources_mean_two_listings_by_one_symbol(market):
    other = {**market.bars["MU", market.days[-1]], "close": 91.11, "high": 92.0, "low": 90.0}
    market.deliver(more=[{**other, "open": 91.0, "source": "files"}])
    market.compute()


def count(market, shares, known_on):
    market.tables.put(
        table("core.shares_outstanding"),
        listing_id="XNAS:NVDA",
        ticker="NVDA",
        known_on=known_on,
        shares_outstanding=shares,
    )


@mode(20, "shares_are_plausible")
def a_placeholder_comes_for_a_share_count(market):
    count(market, 1000.0, market.days[0])


@mode(20, "shares_are_plausible")
def a_share_count_is_in_thousands(market):
    count(market, 24.49e9, market.days[0])
    count(market, 24.49e6, market.days[9])


@mode(20, "share_counts_of_one_date_agree")
def a_firm_has_two_share_counts_on_one_date(market):
    for source, shares in (("sec", 7.43e9), ("yahoo", 7.70e9)):
        market.tables.put(
            table("raw.shares_outstanding"),
            listing_id="XNAS:MSFT",
            share_class="all",
            measured_on=market.days[0],
            shares_outstanding=shares,
            source=source,
        )


@mode(20, "every_firm_has_one_primary_listing")
def two_classes_carry_the_value_of_one_firm(market):
    for ticker in ("GOOGL", "GOOG"):
        market.list(ticker, issuer_id="alphabet")


@mode(21, "no_row_was_quarantined", refused=["close is missing"])
def sessions_of_another_exchange_come_as_empty_rows(market):
    empty = dict.fromkeys(("open", "high", "low", "close", "adj_close", "volume"))
    row = {**market.bars["NVDA", market.days[0]], **empty, "session_date": SATURDAY}
    market.deliver(more=[row])
    market.compute()


@mode(22, "every_answer_is_of_its_ticker")
def another_symbol_answers(market):
    market.deliver(NVDA="wrong_symbol")


@mode(22, "bars_are_of_one_listing")
def two_threads_get_the_same_rows(market):
    day = market.days[-1]
    names = {"listing_id": "XNAS:AMD", "ticker": "AMD"}
    market.bars["AMD", day] = {**market.bars["NVDA", day], **names}
    again(market)
