"""Eastmoney's prices through akshare: every outcome has its type.

The answers have the shape that akshare 1.19.5 reads (its source; Eastmoney publishes none): `data`
with `klines`, a line of text per day. Where akshare is installed these tests run over it, else over
a stand-in; its requests go to a server on loopback. Closes are Nvidia's of January 2025.
"""

from __future__ import annotations

import importlib
import json
import sys
from datetime import date, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from resources.batch import Days, Listing
from resources.prices import eastmoney
from resources.prices.eastmoney import Eastmoney
from resources.web import Pace, Patience
from tests.resources.fake_web import FAULTS, Reply, serving
from tests.resources.prices import fake_akshare

NVDA = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")
TSM = Listing("XNYS:TSM", "TSM", "XNYS", "USD")
SPY = Listing("ARCX:SPY", "SPY", "ARCX", "USD")
BRK = Listing("XNYS:BRK-B", "BRK-B", "XNYS", "USD")
TOKYO = Listing("XTKS:6857.T", "6857.T", "XTKS", "JPY")
DAYS = Days(date(2025, 1, 24), date(2025, 1, 27))
# Day, open, close, high, low, volume; then turnover, range, changes and turnover rate.
LINES = [
    "2025-01-23,145.05,147.22,147.23,143.72,155915680,2.2e10,2.4,0.1,0.15,0.6",
    "2025-01-24,148.37,142.62,148.97,141.88,234657576,3.4e10,4.8,-3.1,-4.6,1.0",
    "2025-01-27,124.80,118.42,128.40,116.70,818830912,9.9e10,8.2,-17.0,-24.2,3.3",
    "2025-01-28,121.81,128.99,129.00,116.25,579666368,7.1e10,10.8,8.9,10.6,2.4",
]


def chart(*lines, data=None):
    found = {"code": "NVDA", "market": 105, "klines": list(lines)} if data is None else data
    return Reply(json.dumps({"rc": 0, "data": found}).encode())


UNKNOWN = Reply(json.dumps({"rc": 100, "data": None}).encode())


@pytest.fixture
def fake(monkeypatch):
    """A server that gets the library's requests, one path per symbol."""
    try:
        importlib.import_module("akshare")
    except ImportError:
        monkeypatch.setitem(sys.modules, "akshare", fake_akshare)
    monkeypatch.setattr(eastmoney, "version", lambda name: f"of {name}")
    real_get = requests.get
    with serving() as running:

        def redirected(_url, *, params, timeout):
            assert timeout > 0
            path = f"{running.address}/{params['secid']}"
            return real_get(path, params=params, timeout=0.3)

        monkeypatch.setattr(requests, "get", redirected)
        yield running


def fetch(*listings, days=DAYS, now="2025-01-28T12:00", tickers=(), tries=3):
    return Eastmoney(
        tickers,
        patience=Patience(Pace(1000), tries=tries, pause=0.001),
        clock=lambda: datetime.fromisoformat(now),
    ).fetch(listings, days)


def test_bars_come_as_they_traded_in_our_columns(fake):
    fake.set("/105.NVDA", chart(*LINES))
    friday, monday = fetch(NVDA).rows.to_pylist()
    assert friday["session_date"] == date(2025, 1, 24)
    names = ("open", "high", "low", "close", "volume", "adj_close")
    assert [monday[name] for name in names] == [124.80, 128.40, 116.70, 118.42, 818830912, None]
    assert (monday["listing_id"], monday["ticker"]) == ("XNAS:NVDA", "NVDA")
    assert (monday["currency"], monday["source"]) == ("USD", "eastmoney")
    (asked,) = fake.asked
    assert parse_qs(urlsplit(asked).query)["fqt"] == ["0"]


def test_the_basis_is_stated_with_every_bar(fake):
    fake.set("/105.NVDA", chart(*LINES))
    assert fetch(NVDA).rows["basis"].to_pylist() == ["as_traded", "as_traded"]


def test_an_answer_says_what_came_from_whom(fake):
    fake.set("/105.NVDA", chart(*LINES))
    (said,) = fetch(NVDA).answers
    assert (said.requested, said.outcome, said.n_rows, said.n_tries) == ("NVDA", "delivered", 2, 1)
    assert (said.client, said.source, said.cause) == ("akshare of akshare", "eastmoney", None)
    assert said.fetched_at == datetime.fromisoformat("2025-01-28T12:00")


def test_the_market_goes_by_the_exchange_and_dashes_are_spelt_as_the_vendor_does(fake):
    fetch(NVDA, TSM, SPY, BRK)
    paths = {urlsplit(asked).path for asked in fake.asked}
    assert paths == {"/105.NVDA", "/106.TSM", "/107.SPY", "/106.BRK_B"}


def test_listings_elsewhere_are_not_asked_for_unless_by_name(fake):
    assert fetch(TOKYO).answers == []
    (said,) = fetch(TOKYO, tickers=("6857.T",)).answers
    assert (said.outcome, said.cause) == ("failed", "unknown_ticker")
    assert fake.asked == []


def test_a_ticker_that_is_no_instrument_is_not_asked_for(fake):
    (said,) = fetch(NVDA, tickers=("NOPE",)).answers
    assert (said.outcome, said.cause, said.n_tries) == ("failed", "unknown_ticker", 1)
    assert fake.asked == []


def test_only_what_is_asked_for_by_name_is_fetched(fake):
    fake.set("/105.NVDA", chart(*LINES))
    assert [said.requested for said in fetch(NVDA, TSM, tickers=("NVDA",)).answers] == ["NVDA"]


def test_a_symbol_the_vendor_does_not_know_is_asked_for_once(fake):
    fake.set("/105.NVDA", UNKNOWN)
    (said,) = fetch(NVDA).answers
    assert (said.outcome, said.cause, said.n_tries) == ("failed", "unknown_ticker", 1)
    assert said.reason == "unknown_ticker: Eastmoney knows no 105.NVDA"


@pytest.mark.parametrize("lines", [[], LINES[:1]])
def test_a_range_without_bars_is_a_fact(fake, lines):
    fake.set("/105.NVDA", chart(*lines))
    (said,) = fetch(NVDA).answers
    assert (said.outcome, said.cause) == ("no_data", "no_data")
    assert said.reason == "no bar between 2025-01-24 and 2025-01-27"


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        # The library looks at no status: both come as an answer that is no JSON.
        ("rate_limited", "outage"),
        ("outage", "outage"),
        ("truncated", "truncated"),
    ],
)
def test_a_fault_that_passes_is_asked_again(fake, fault, cause):
    fake.set("/105.NVDA", FAULTS[fault], FAULTS[fault], chart(*LINES))
    assert [(said.outcome, said.n_tries) for said in fetch(NVDA).answers] == [("delivered", 3)]
    fake.set("/106.TSM", FAULTS[fault])
    (said,) = fetch(TSM).answers
    assert (said.outcome, said.cause, said.n_tries) == ("failed", cause, 3)


def test_a_source_that_stays_silent_times_out(fake):
    fake.set("/105.NVDA", Reply(b"{}", delay=0.6))
    (said,) = fetch(NVDA, tries=1).answers
    assert (said.outcome, said.cause) == ("failed", "timeout")


def test_a_page_is_no_answer(fake):
    fake.set("/105.NVDA", Reply(b"<html>Access denied</html>"))
    assert [said.cause for said in fetch(NVDA).answers] == ["outage"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"{}"),
        Reply(b"7"),
        chart(data={"code": "NVDA"}),
        chart("2025-01-24,148.37"),
        chart(LINES[1].replace("2025-01-24", "24 Janvier")),
        chart(LINES[1].replace("2025-01-24", "2025-01-24 16:00")),
    ],
)
def test_an_answer_of_another_shape_brings_no_bars(fake, reply):
    fake.set("/105.NVDA", reply)
    batch = fetch(NVDA)
    assert [(said.outcome, said.cause, said.n_tries) for said in batch.answers] == [
        ("failed", "malformed", 1)
    ]
    assert batch.rows.num_rows == 0


def test_a_figure_that_is_none_is_handed_over_as_missing(fake):
    fake.set("/105.NVDA", chart(LINES[1].replace("142.62", "-")))
    (bar,) = fetch(NVDA).rows.to_pylist()
    assert bar["close"] is None


def test_a_fault_costs_one_ticker_not_the_others(fake):
    fake.set("/105.NVDA", FAULTS["outage"])
    fake.set("/106.TSM", chart(*LINES))
    batch = fetch(NVDA, TSM)
    assert {said.requested: said.outcome for said in batch.answers} == {
        "NVDA": "failed",
        "TSM": "delivered",
    }
    assert set(batch.rows["ticker"].to_pylist()) == {"TSM"}


@pytest.mark.parametrize(
    ("now", "provisional"),
    [("2025-01-27T21:29", [False, True]), ("2025-01-27T21:30", [False, False])],
)
def test_a_bar_is_provisional_until_its_session_has_settled(fake, now, provisional):
    fake.set("/105.NVDA", chart(*LINES))
    assert fetch(NVDA, now=now).rows["is_provisional"].to_pylist() == provisional


def test_a_bar_of_no_session_settles_after_its_day(fake):
    saturday = LINES[1].replace("2025-01-24", "2025-01-25")
    fake.set("/105.NVDA", chart(saturday))
    assert fetch(NVDA, now="2025-01-25T23:59").rows["is_provisional"].to_pylist() == [True]
    assert fetch(NVDA, now="2025-01-26T00:30").rows["is_provisional"].to_pylist() == [False]


def test_without_the_library_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "akshare", None)
    with pytest.raises(ValueError, match="'eastmoney' needs: pip install akshare"):
        fetch(NVDA)


def test_what_the_vendor_holds_is_not_known_beforehand():
    assert Eastmoney().coverage() is None
