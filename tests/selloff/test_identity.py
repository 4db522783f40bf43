"""Whose a symbol was on a day, and what counts as evidence that a listing trades no more."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff._ibis import fetched
from selloff.identity import delistings, with_listings
from warehouse.tables.instruments import DELISTINGS, INSTRUMENTS, LISTING_SYMBOLS, SESSIONS
from warehouse.tables.prices import FETCHES, PRICE_VINTAGES

TERMS = [
    ("XNAS:META", "FB", "2012-05-18", "2022-06-08"),
    ("XNAS:META", "META", "2022-06-09", None),
    ("ARCX:METV", "META", "2021-06-30", "2022-01-30"),
    ("ARCX:METV", "METV", "2022-01-31", None),
    ("XNYS:BK", "BK", None, "2026-05-20"),
    ("XNAS:NVDA", "NVDA", None, None),
]


@pytest.fixture(scope="module")
def owners(bench):
    """Return the listings of these symbols on these days."""

    def look(*pairs, used_on="session_date"):
        named = ["listing_id", "symbol", "valid_from", "valid_to"]
        terms = bench.put(LISTING_SYMBOLS, pd.DataFrame(TERMS, columns=named))
        rows = pd.DataFrame(pairs, columns=["symbol", used_on]).assign(row=range(len(pairs)))
        rows[used_on] = pd.to_datetime(rows[used_on])
        bench.engine.con.register("asked", rows)
        found = fetched(with_listings(bench.engine.table("asked"), terms, used_on))
        assert list(found.columns) == ["symbol", used_on, "row", "listing_id"]
        found = found.sort_values("row")["listing_id"]
        return [None if pd.isna(listing_id) else listing_id for listing_id in found]

    return look


def test_a_bar_of_a_reused_symbol_goes_to_the_listing_that_had_it_that_day(owners):
    found = owners(("META", "2021-12-01"), ("META", "2022-06-09"), ("FB", "2021-12-01"))
    assert found == ["ARCX:METV", "XNAS:META", "XNAS:META"]


def test_the_first_and_last_day_of_a_symbol_belong_to_it(owners):
    found = owners(
        ("FB", "2012-05-17"), ("FB", "2012-05-18"), ("FB", "2022-06-08"), ("FB", "2022-06-09")
    )
    assert found == [None, "XNAS:META", "XNAS:META", None]


def test_a_symbol_without_dates_is_its_listings_for_ever(owners):
    found = owners(("NVDA", "1999-01-22"), ("NVDA", "2030-01-02"), ("BK", "1990-01-02"))
    assert found == ["XNAS:NVDA", "XNAS:NVDA", "XNYS:BK"]


def test_a_symbol_that_nobody_had_keeps_its_row_without_a_listing(owners):
    assert owners(("META", "2022-03-01"), ("ENRON", "2001-12-03")) == [None, None]


def test_a_history_filed_under_its_newest_symbol_is_looked_up_by_the_day_it_came(owners):
    assert owners(("META", "2026-08-21"), used_on="delivered_on") == ["XNAS:META"]


@settings(max_examples=25, deadline=None)
@given(days=st.lists(st.dates(date(2012, 1, 1), date(2027, 1, 1)), min_size=1))
def test_rows_neither_vanish_nor_multiply(owners, days):
    asked = [(symbol, day) for day in days for symbol in ("META", "FB", "BK")]
    assert len(owners(*asked)) == len(asked)


class Exchange:
    """Five listings of one exchange with a bar in each of thirty sessions, until told otherwise."""

    names = ("A", "B", "C", "D", "E")

    def __init__(self, bench, make):
        self.bench, self.make = bench, make
        self.days = make.days(30)
        self.bars = pd.concat(
            [make.bars(name, [10.0] * 30, adj_close=10.0) for name in self.names], ignore_index=True
        )
        self.listed = make.listings(*self.names)
        self.answers = []

    def silence(self, *names, first, last=29):
        """Take away the bars of these listings in the sessions of these rows."""
        gone = self.bars["session_date"].between(self.days[first], self.days[last])
        self.bars = self.bars[~(gone & self.bars["ticker"].isin(names))]

    def answer(self, source, row, ticker="E", outcome="failed", cause="unknown_ticker", **other):
        """Note what a source said of a ticker, one hour after the close of that row's session."""
        self.answers.append(
            {
                "load_id": f"load {len(self.answers)}",
                "asset": "price_vintages",
                "requested": ticker,
                "outcome": outcome,
                "cause": cause,
                "source": source,
                "fetched_at": self.days[row] + pd.Timedelta("22h"),
                "n_rows": 0,
                "n_tries": 1,
                **other,
            }
        )

    def delisted(self, k=10):
        """Return the delistings by ticker, checked by contract."""
        put = self.bench.put
        answers = put(FETCHES, pd.DataFrame(self.answers)) if self.answers else None
        found = delistings(
            self.bench.empty(FETCHES) if answers is None else answers,
            put(PRICE_VINTAGES, self.bars),
            put(SESSIONS, self.make.sessions("XNYS", self.make.days(60))),
            put(INSTRUMENTS, self.listed),
            k,
        )
        return self.bench.hold(DELISTINGS, found).set_index("ticker")


@pytest.fixture
def exchange(bench, make):
    return Exchange(bench, make)


def test_while_every_listing_trades_none_is_delisted(exchange):
    assert exchange.delisted().empty


@pytest.mark.parametrize(("first", "count"), [(20, 1), (21, 0)])
def test_ten_sessions_without_a_bar_are_a_delisting_and_nine_are_not(exchange, first, count):
    exchange.silence("E", first=first)
    found = exchange.delisted()
    assert len(found) == count
    if count:
        row = found.loc["E"]
        assert (row["listing_id"], row["delisted_on"]) == ("X:E", exchange.days[20])
        assert (row["evidence"], row["n_sessions"], row["n_sources"]) == ("sessions", 10, 0)


@pytest.mark.parametrize("named", [None, "XNAS"])
def test_the_exchange_is_that_of_the_listing_whatever_a_delivery_names(exchange, named):
    exchange.silence("E", first=20)
    exchange.bars["exchange_mic"] = named
    assert list(exchange.delisted().index) == ["E"]


def test_a_gap_that_ended_is_no_delisting(exchange):
    exchange.silence("E", first=5, last=25)
    assert exchange.delisted(k=4).empty


@pytest.mark.parametrize(("others", "count"), [(("A", "B"), 1), (("A", "B", "C"), 0)])
def test_sessions_without_half_of_the_others_are_an_outage(exchange, others, count):
    exchange.silence("E", first=15)
    exchange.silence(*others, first=15, last=28)
    found = exchange.delisted()
    assert found.index.tolist() == ["E"] * count


def test_an_outage_neither_counts_nor_ends_the_count(exchange):
    exchange.silence("E", first=17)
    exchange.silence("A", "B", "C", "D", first=20, last=22)
    assert exchange.delisted().loc["E", "n_sessions"] == 10
    assert exchange.delisted(k=11).empty


def test_an_exchange_that_nobody_else_reports_says_nothing(exchange):
    exchange.silence(*exchange.names, first=10)
    exchange.answer("yahoo", 20)
    exchange.answer("sina", 20)
    assert exchange.delisted(k=1).empty


def test_listings_that_came_later_are_not_missed_before(exchange):
    exchange.silence("A", "B", "C", first=0, last=26)
    exchange.silence("E", first=10)
    # Until A, B and C came, D alone was the rest of the exchange.
    assert exchange.delisted().loc["E", "delisted_on"] == exchange.days[10]


def test_a_newcomer_is_one_of_the_others_from_its_first_bar_on(exchange):
    # From row 15 on A alone trades, from row 20 on A and F: two of six, never half of the others.
    exchange.silence("B", "C", "D", "E", first=15)
    newcomer = exchange.make.bars("F", [None] * 20 + [10.0] * 10, adj_close=10.0)
    exchange.bars = pd.concat([exchange.bars, newcomer], ignore_index=True)
    exchange.listed = exchange.make.listings(*exchange.names, "F")
    assert exchange.delisted(k=1).empty


def test_every_listing_is_missed_from_its_own_last_bar_on(exchange):
    exchange.silence("D", first=8)
    exchange.silence("E", first=20)
    found = exchange.delisted()
    assert found["n_sessions"].to_dict() == {"D": 22, "E": 10}
    assert found["delisted_on"].to_dict() == {"D": exchange.days[8], "E": exchange.days[20]}


def test_two_sources_are_enough_after_one_session_and_one_source_never_is(exchange):
    exchange.silence("E", first=28)
    exchange.answer("yahoo", 28)
    exchange.answer("yahoo", 29)
    assert exchange.delisted().empty
    exchange.answer("sina", 29, outcome="no_data", cause="no_data")
    row = exchange.delisted().loc["E"]
    assert (row["evidence"], row["n_sources"], row["n_sessions"]) == ("sources", 2, 2)
    assert row["delisted_on"] == exchange.days[28]


@pytest.mark.parametrize("outcome", ["failed", "no_data"])
def test_possibly_delisted_is_no_delisting_while_bars_come(exchange, outcome):
    exchange.answer("yahoo", 29, outcome=outcome)
    exchange.answer("sina", 29, outcome=outcome)
    assert exchange.delisted().empty


@pytest.mark.parametrize("cause", ["outage", "timeout", "rate_limited", None])
def test_a_request_that_failed_says_nothing_of_the_ticker(exchange, cause):
    exchange.silence("E", first=28)
    exchange.answer("yahoo", 29)
    exchange.answer("sina", 29, cause=cause)
    assert exchange.delisted().empty


def test_the_newest_answer_of_a_source_counts(exchange):
    exchange.silence("E", first=27)
    exchange.answer("yahoo", 28)
    exchange.answer("sina", 28)
    exchange.answer("sina", 29, outcome="delivered", cause=None)
    assert exchange.delisted().empty
    exchange.answer("sina", 29, cause="outage")
    assert exchange.delisted().empty


def test_a_failure_after_it_does_not_take_an_answer_back(exchange):
    exchange.silence("E", first=27)
    exchange.answer("yahoo", 28)
    exchange.answer("sina", 28)
    exchange.answer("sina", 29, cause="outage")
    assert exchange.delisted().loc["E", "n_sources"] == 2


@pytest.mark.parametrize(
    "other", [{"ticker": "A"}, {"asset": "articles"}, {"row": 27}], ids=["ticker", "asset", "early"]
)
def test_answers_of_another_thing_or_time_are_no_evidence(exchange, other):
    exchange.silence("E", first=28)
    exchange.answer("yahoo", 29)
    exchange.answer("sina", **{"row": 29, **other})
    assert exchange.delisted().empty


def test_a_listing_that_never_had_a_bar_was_never_listed(exchange):
    exchange.silence("E", first=0)
    exchange.answer("yahoo", 29)
    exchange.answer("sina", 29)
    assert exchange.delisted(k=1).empty


def test_without_an_exchange_nothing_is_missed(exchange):
    exchange.silence("E", first=5)
    exchange.listed.loc[exchange.listed["ticker"] == "E", "exchange_mic"] = None
    assert exchange.delisted().empty


def test_versions_of_a_bar_are_one_bar(exchange):
    exchange.silence("E", first=15)
    exchange.silence("A", "B", "C", first=15)
    versions = [exchange.bars.assign(row_hash=each, load_id=each) for each in "01"]
    exchange.bars = pd.concat(versions, ignore_index=True)
    assert exchange.delisted().empty


@pytest.mark.parametrize(("trading", "count"), [("ABCD", 1), ("AB", 1), ("A", 0)])
def test_listings_are_counted_over_the_loads_that_brought_them(exchange, trading, count):
    exchange.silence(*(set("ABCDE") - set(trading)), first=15)
    # Each listing in a load of its own: none of them makes a quorum alone.
    exchange.bars["load_id"] = exchange.bars["ticker"]
    found = exchange.delisted()
    assert ("E" in found.index) == bool(count)


def test_as_of_is_the_newest_of_bars_and_answers(exchange):
    exchange.silence("E", first=19)
    late = pd.to_timedelta(np.where(exchange.bars["ticker"] == "B", 30, 25), unit="h")
    exchange.bars["known_from"] = exchange.bars["session_date"] + late
    assert exchange.delisted().loc["E", "as_of"] == exchange.days[29] + pd.Timedelta("30h")
    exchange.answer("yahoo", 29, fetched_at=exchange.days[29] + pd.Timedelta("90h"))
    exchange.answer("sina", 29)
    assert exchange.delisted().loc["E", "as_of"] == exchange.days[29] + pd.Timedelta("90h")
