"""Which exchange rate counts on which day."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selloff.fx import MINOR_UNITS, fx_rates
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.valuation import FX_RATES, RAW_FX_RATES

# The bench has one schema: inputs must not have the name of the result.
RAW = replace(RAW_FX_RATES, name="raw_fx_rates")
FRIDAY, MONDAY = pd.Timestamp("2025-01-24"), pd.Timestamp("2025-01-27")
EARLY, LATE = pd.Timestamp("2025-02-01"), pd.Timestamp("2025-02-02")


def rate(currency, usd, day=FRIDAY, known=EARLY, source="ecb"):
    return {
        "currency": currency,
        "rate_date": day,
        "usd_per_currency": usd,
        "source": source,
        "row_hash": f"{usd}",
        "load_id": "load",
        "known_from": known,
    }


def close(ticker, price, day=FRIDAY):
    return {"ticker": ticker, "session_date": day, "close": price}


@pytest.fixture
def rates(bench):
    """Return a function that gives {(currency, day): row} for official rates and closes."""

    def find(official=(), closes=(), kinds=None):
        listed = pd.DataFrame({"ticker": sorted({bar["ticker"] for bar in closes} | {"EURUSD"})})
        listed["asset_class"] = [(kinds or {}).get(ticker, "fx") for ticker in listed.ticker]
        bars = pd.DataFrame(list(closes), columns=["ticker", "session_date", "close"])
        names = [column.name for column in RAW.columns]
        raw = bench.put(RAW, pd.DataFrame(list(official), columns=names))
        prices = bench.put(DAILY_PRICES, bars.assign(n_sources=1), strict=False)
        found = bench.hold(FX_RATES, fx_rates(raw, prices, bench.put(INSTRUMENTS, listed)))
        return {(row.currency, row.rate_date): row for row in found.itertuples()}

    return find


def test_an_official_rate_stands_where_the_prices_have_no_pair(rates):
    found = rates([rate("CHF", 1.1)])[("CHF", FRIDAY)]
    assert (found.usd_per_currency, found.source, found.as_of) == (1.1, "ecb", EARLY)


def test_a_pair_of_the_prices_counts_before_an_official_rate(rates):
    found = rates([rate("EUR", 1.0487), rate("EUR", 1.05, MONDAY)], [close("EURUSD", 1.0497)])
    assert found[("EUR", FRIDAY)].usd_per_currency == 1.0497
    assert found[("EUR", FRIDAY)].source == "EURUSD"
    assert found[("EUR", MONDAY)].source == "ecb"


def test_a_pair_quoted_per_dollar_is_inverted(rates):
    assert rates(closes=[close("USDJPY", 156.25)])[("JPY", FRIDAY)].usd_per_currency == 0.0064


def test_of_two_pairs_of_one_currency_the_first_by_name_counts(rates):
    found = rates(closes=[close("USDEUR", 0.5), close("EURUSD", 1.05)])
    assert found[("EUR", FRIDAY)].source == "EURUSD"


def test_a_pair_without_dollars_and_what_only_looks_like_one_give_no_rate(rates):
    closes = [close("EURJPY", 160.0), close("USDUSD", 1.0), close("GBPUSD", 1.2), close("XAU", 9)]
    assert rates(closes=closes, kinds={"GBPUSD": "equity"}) == {}


def test_the_newest_version_of_an_official_rate_counts(rates):
    found = rates([rate("CHF", 1.2, known=LATE), rate("CHF", 1.1)])
    assert found[("CHF", FRIDAY)].usd_per_currency == 1.2
    assert found[("CHF", FRIDAY)].as_of == LATE


def test_of_two_official_sources_the_first_by_name_counts(rates):
    found = rates([rate("CHF", 1.2, source="fed"), rate("CHF", 1.1, source="ecb")])
    assert found[("CHF", FRIDAY)].source == "ecb"


def test_dollars_are_not_listed(rates):
    assert rates([rate("USD", 1.0)]) == {}


@pytest.mark.parametrize(
    ("minor", "major"), [("GBp", "GBP"), ("GBX", "GBP"), ("ZAc", "ZAR"), ("ILA", "ILS")]
)
def test_a_minor_unit_is_a_hundredth_of_its_currency(rates, minor, major):
    found = rates([rate(major, 1.25)])
    assert found[(minor, FRIDAY)].usd_per_currency == 0.0125
    assert found[(major, FRIDAY)].usd_per_currency == 1.25


def test_a_minor_unit_follows_the_pair_of_the_prices(rates):
    found = rates([rate("GBP", 9.0)], [close("GBPUSD", 1.25)])
    assert found[("GBp", FRIDAY)].usd_per_currency == 0.0125
    assert found[("GBp", FRIDAY)].source == "GBPUSD"


def test_no_rate_is_carried_to_a_day_that_has_none(rates):
    assert set(rates([rate("CHF", 1.1)])) == {("CHF", FRIDAY)}


QUOTES = st.dictionaries(
    st.tuples(st.sampled_from(["EUR", "GBP", "CHF"]), st.sampled_from([FRIDAY, MONDAY])),
    st.floats(0.01, 100),
    max_size=6,
)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(official=QUOTES, market=QUOTES)
def test_every_day_that_anyone_quotes_has_exactly_the_first_rate(rates, official, market):
    found = rates(
        [rate(currency, usd, day) for (currency, day), usd in official.items()],
        [close(f"{currency}USD", usd, day) for (currency, day), usd in market.items()],
    )
    majors = {key: row.usd_per_currency for key, row in found.items() if key[0] not in MINOR_UNITS}
    assert majors == {**official, **market}
