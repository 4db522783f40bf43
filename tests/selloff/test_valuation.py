"""Which rate a loss is converted at, and which of a firm's listings its value is counted on."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.valuation import counted_once, with_losses, with_shares, with_usd_rates
from warehouse.tables.instruments import INSTRUMENTS, SHARES_OUTSTANDING
from warehouse.tables.valuation import FX_RATES

NUMBERS = ["close", "previous_close", "simple_return", "abnormal_return", "value"]


@pytest.fixture(scope="module")
def rows(bench):
    """Put rows on the engine, numbers as numbers and dates as dates."""

    def put(*records):
        frame = pd.DataFrame(records)
        numbers = {name: float for name in NUMBERS if name in frame}
        frame = frame.astype(numbers)
        if "previous_session_date" in frame:
            frame["previous_session_date"] = pd.to_datetime(frame["previous_session_date"])
        bench.engine.con.register("rows", frame)
        return bench.engine.table("rows")

    return put


@pytest.fixture(scope="module")
def rate(bench, make, rows):
    """Return the rate and its vintage for a currency on a day, given the rates from a Monday."""

    def find(currency, day, *known):
        held = bench.put(FX_RATES, pd.concat(known) if known else make.rates("USD", []))
        asked = rows({"currency": currency, "previous_session_date": day})
        found = fetched(with_usd_rates(asked, held))
        assert len(found) == 1
        assert list(found.columns[-2:]) == ["usd_per_currency", "rate_as_of"]
        return found.iloc[0]["usd_per_currency"]

    return find


def test_the_last_rate_on_or_before_the_day_counts(rate, make):
    euro = make.rates("EUR", [1.1, 1.2, 1.3])
    assert rate("EUR", "2024-01-02", euro) == 1.2
    assert rate("EUR", "2024-01-05", euro) == 1.3
    assert pd.isna(rate("EUR", "2023-12-29", euro))


@pytest.mark.parametrize(("day", "is_known"), [("2024-01-10", True), ("2024-01-11", False)])
def test_a_rate_is_good_for_a_week_and_no_day_longer(rate, make, day, is_known):
    found = rate("EUR", day, make.rates("EUR", [1.1, 1.2, 1.3]))
    assert found == 1.3 if is_known else pd.isna(found)


def test_a_dollar_is_a_dollar_and_every_currency_has_its_own_rate(rate, make):
    known = make.rates("EUR", [1.1]), make.rates("JPY", [0.0064]), make.rates("GBp", [0.0125])
    assert rate("USD", "2024-01-01", *known) == 1
    assert rate("USD", "2024-01-01") == 1
    assert rate("JPY", "2024-01-01", *known) == 0.0064
    assert rate("GBp", "2024-01-01", *known) == 0.0125
    assert pd.isna(rate("CHF", "2024-01-01", *known))


def test_a_row_without_a_day_before_has_no_rate(rate, make):
    assert pd.isna(rate("EUR", None, make.rates("EUR", [1.1])))


def test_the_rates_vintage_goes_with_it(bench, make, rows):
    known = make.rates("EUR", [1.1, 1.2]).assign(as_of=["2025-01-01", "2025-06-01"])
    asked = rows({"currency": "EUR", "previous_session_date": "2024-01-02"})
    found = fetched(with_usd_rates(asked, bench.put(FX_RATES, known)))
    assert found["rate_as_of"].tolist() == [pd.Timestamp("2025-06-01")]


def test_the_share_count_is_the_newest_known_at_the_close_before(bench, make, rows):
    counts = pd.concat([make.shares(A=10), make.shares(A=20)])
    counts["known_on"] = pd.to_datetime(["2024-01-02", "2024-01-04"])
    days = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", None]
    asked = rows(*[{"listing_id": "X:A", "previous_session_date": day} for day in days])
    found = fetched(with_shares(asked, bench.put(SHARES_OUTSTANDING, counts)))
    found = found.sort_values("previous_session_date")["shares_outstanding"]
    assert found.fillna(0).tolist() == [0, 10, 10, 20, 0]


FALL = {
    "listing_id": "X:A",
    "currency": "EUR",
    "previous_session_date": "2024-01-01",
    "close": 9,
    "previous_close": 10,
    "simple_return": -0.1,
    "abnormal_return": -0.5,
}


def test_losses_are_shares_times_prices_times_rate(bench, make, rows):
    asked = rows(FALL)
    shares = bench.put(SHARES_OUTSTANDING, make.shares(A=100))
    found = fetched(with_losses(asked, shares, bench.put(FX_RATES, make.rates("EUR", [2]))))
    row = found.iloc[0]
    assert row["market_value_usd"] == 2_000
    assert row["market_value_lost_usd"] == 200
    # exp(-0.5) of 2,000 USD is 1,213.06 USD.
    assert row["abnormal_market_value_lost_usd"] == pytest.approx(786.9387, abs=1e-4)


def test_a_count_is_brought_to_the_basis_of_the_bars_by_the_splits_after_it(bench, make, rows):
    # Ten shares, stated before a 10:1 split that the bars contain: a hundred of today's.
    counted = make.shares(A=10).assign(split_ratio_after=10.0)
    shares = bench.put(SHARES_OUTSTANDING, counted)
    found = fetched(with_losses(rows(FALL), shares, bench.put(FX_RATES, make.rates("EUR", [2]))))
    row = found.iloc[0]
    assert row["shares_outstanding"] == 100
    assert row["market_value_lost_usd"] == 200


def test_without_a_return_nothing_is_lost_whatever_the_closes_say(bench, make, rows):
    # An unapplied split: the closes are of two bases, and the return is withheld.
    split = {**FALL, "close": 1, "simple_return": None, "abnormal_return": None}
    shares = bench.put(SHARES_OUTSTANDING, make.shares(A=100))
    found = fetched(with_losses(rows(split), shares, bench.put(FX_RATES, make.rates("EUR", [2]))))
    row = found.iloc[0]
    assert row["market_value_usd"] == 2_000
    assert row[["market_value_lost_usd", "abnormal_market_value_lost_usd"]].isna().all()


@pytest.fixture(scope="module")
def carriers(bench, rows):
    """Return the tickers that carry their firm's value, given (ticker, firm, primary, value)."""

    def choose(*listings, events=("e",)):
        named = pd.DataFrame(listings, columns=["ticker", "issuer_id", "is_primary", "value"])
        records = named.assign(listing_id="X:" + named["ticker"])[["listing_id", "value"]]
        records = records.merge(pd.DataFrame({"event_id": list(events)}), how="cross")
        listed = bench.put(INSTRUMENTS, named.drop(columns="value"))
        table = counted_once(rows(*records.to_dict("records")), listed, ("event_id",), "value")
        found = fetched(table)
        assert list(found.columns) == ["listing_id", "value", "event_id", "is_counted"]
        assert len(found) == len(records)
        kept = found[found["is_counted"]]
        return sorted(zip(kept["event_id"], kept["listing_id"].str[2:], strict=True))

    return choose


def test_the_primary_listing_carries_the_value_be_it_the_smaller(carriers):
    found = carriers(("GOOGL", "alphabet", True, 245), ("GOOG", "alphabet", False, 247))
    assert found == [("e", "GOOGL")]


def test_without_the_primary_listing_the_larger_value_counts(carriers):
    found = carriers(("B", "firm", False, 3), ("C", "firm", False, 4), ("A", "other", True, 1))
    assert found == [("e", "A"), ("e", "C")]


def test_a_primary_listing_without_a_value_leaves_it_to_another(carriers):
    found = carriers(("ASML.AS", "asml", True, None), ("ASML", "asml", False, 5))
    assert found == [("e", "ASML")]


def test_of_equal_values_the_first_name_counts(carriers):
    assert carriers(("B", "firm", False, 3), ("A", "firm", False, 3)) == [("e", "A")]
    assert carriers(("B", "firm", True, None), ("A", "firm", True, None)) == [("e", "A")]


def test_listings_without_an_issuer_are_firms_of_their_own(carriers):
    found = carriers(("A", None, True, 3), ("B", None, True, 3), ("C", None, True, None))
    assert found == [("e", "A"), ("e", "B"), ("e", "C")]


def test_each_event_counts_a_firm_for_itself(carriers):
    found = carriers(("A", "firm", True, 3), ("B", "firm", False, 4), events=("e", "f"))
    assert found == [("e", "A"), ("f", "A")]


def test_listings_that_no_instrument_describes_stand_for_themselves(bench, rows):
    table = rows(*[{"listing_id": name, "event_id": "e", "value": 1} for name in ("Y:A", "Y:B")])
    found = fetched(counted_once(table, bench.empty(INSTRUMENTS), ("event_id",), "value"))
    assert found["is_counted"].tolist() == [True, True]


LISTINGS = st.lists(
    st.tuples(
        st.sampled_from([None, "one", "two", "three"]),
        st.booleans(),
        st.sampled_from([None, 1.0, 2.0, 3.0]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(LISTINGS, st.randoms())
def test_every_firm_is_counted_exactly_once_whatever_the_order(carriers, listings, random):
    named = [(f"L{n:02d}", *listing) for n, listing in enumerate(listings)]
    found = carriers(*named)
    firm_of = {name: firm or name for name, firm, _, _ in named}
    assert sorted(firm_of[name] for _, name in found) == sorted(set(firm_of.values()))
    random.shuffle(named)
    assert carriers(*named) == found
