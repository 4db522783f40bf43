"""The real yfinance in this process against a Yahoo of our own: bars, actions, counts, progress."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, date, datetime

import pytest

from resources.batch import Days, Listing
from resources.payloads import Payloads
from resources.prices import yahoo as module
from resources.prices.bars import COLUMNS
from resources.prices.yahoo import Yahoo, client
from resources.prices.yahoo.client import Exchange, public
from resources.prices.yahoo.reading import ACTIONS, COUNTS
from resources.web import WebError
from tests import fake_yahoo as fake
from tests.fake_yahoo.plugin import fake_yahoo, real_yfinance

__all__ = ["fake_yahoo", "real_yfinance"]

DAYS = Days(date(2025, 1, 24), date(2025, 1, 27))
NOW = datetime.fromisoformat("2025-01-27T21:29")


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


# Open, high, low and volume are made up, the closes are real.
NVDA = [
    (at("2025-01-23T14:30"), 145.0, 147.5, 143.7, 147.22, 101),
    (at("2025-01-24T14:30"), 148.0, 149.0, 141.9, 142.62, 102),
    (at("2025-01-27T14:30"), 125.0, 128.5, 116.5, 118.42, 103),
    (at("2025-01-28T14:30"), 121.5, 129.0, 116.0, 128.99, 104),
]
TOKYO = [
    (at("2025-01-27T00:00"), 9100.0, 9400.0, 9000.0, 9185.0, 201),
    (at("2025-01-28T00:00"), 8500.0, 8600.0, 8100.0, 8162.0, 202),
]


@pytest.fixture
def yahoo(fake_yahoo, real_yfinance, tmp_path):
    """The provider, impatient, with Yahoo answering as told."""
    assert real_yfinance
    client._session.cache_clear()

    def make(charts=None, **config):
        fake_yahoo.charts.update(charts or {})
        given = {
            "cache": tmp_path / "cache",
            "payloads": Payloads(tmp_path / "payloads"),
            "pause": 0.01,
            "clock": lambda: NOW,
        }
        return Yahoo(**{**given, **config})

    yield make
    client._session.cache_clear()


def listing(ticker, mic="XNAS", currency="USD"):
    return Listing(f"ID:{ticker}", ticker, mic, currency)


def fetched(yahoo, *tickers, days=DAYS):
    batch = yahoo.fetch([t if isinstance(t, Listing) else listing(t) for t in tickers], days)
    return batch, {answer.requested: answer for answer in batch.answers}


def test_good_bars_arrive_as_yahoo_states_them(yahoo, fake_yahoo):
    batch, answers = fetched(yahoo({"NVDA": fake.chart("NVDA", NVDA)}), "NVDA")
    assert batch.rows.to_pylist()[0] == {
        "listing_id": "ID:NVDA",
        "ticker": "NVDA",
        "session_date": date(2025, 1, 24),
        "open": 148.0,
        "high": 149.0,
        "low": 141.9,
        "close": 142.62,
        "adj_close": 142.62,
        "volume": 102.0,
        "market_value": None,
        "currency": "USD",
        "exchange_mic": None,
        "basis": "split_adjusted",
        "source": "yahoo",
        "is_provisional": False,
        "is_simulated": False,
        "source_file": None,
        "source_row": None,
    }
    assert batch.rows["session_date"].to_pylist() == [DAYS.start, DAYS.end]
    assert (answers["NVDA"].outcome, answers["NVDA"].n_rows) == ("delivered", 2)
    assert (answers["NVDA"].cause, answers["NVDA"].n_tries) == (None, 1)
    assert answers["NVDA"].fetched_at == NOW
    assert answers["NVDA"].client.startswith("yfinance 1.")
    assert answers["NVDA"].source == "yahoo"
    # One request: none for the time zone, none with other cookies.
    assert fake_yahoo.n_asked("/chart/") == 1


def test_the_answer_is_kept_as_it_came_and_the_request_without_its_crumb(
    yahoo, fake_yahoo, tmp_path
):
    _, answers = fetched(yahoo({"NVDA": fake.chart("NVDA", NVDA)}), "NVDA")
    kept = Payloads(tmp_path / "payloads").read(answers["NVDA"].payload_sha256)
    assert hashlib.sha256(kept).hexdigest() == answers["NVDA"].payload_sha256
    result = json.loads(kept)["chart"]["result"][0]
    assert {142.62, 118.42} <= set(result["indicators"]["quote"][0]["close"])
    assert "/v8/finance/chart/NVDA?period1=" in answers["NVDA"].request
    assert "crumb" not in answers["NVDA"].request
    assert any("/chart/NVDA" in each and "crumb=crumb" in each for each in fake_yahoo.asked)


def test_without_a_keeper_nothing_is_kept(yahoo):
    _, answers = fetched(yahoo({"NVDA": fake.chart("NVDA", NVDA)}, payloads=None), "NVDA")
    assert (answers["NVDA"].outcome, answers["NVDA"].payload_sha256) == ("delivered", None)


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (json.dumps({"chart": {"result": [{"meta": {}}], "error": None}}), "malformed"),
        ("<html>Will be right back...</html>", "outage"),
        ('{"chart": {"result"', "truncated"),
    ],
)
def test_what_cannot_be_read_is_kept_before_it_is_tried(yahoo, tmp_path, body, cause):
    _, answers = fetched(yahoo({"ODD": fake.refusing(200, body)}), "ODD")
    assert answers["ODD"].cause == cause
    kept = Payloads(tmp_path / "payloads").read(answers["ODD"].payload_sha256)
    assert kept.decode() == body


def test_a_bar_within_30_minutes_of_its_close_is_provisional(yahoo):
    charts = {
        "NVDA": fake.chart("NVDA", NVDA),
        "6857.T": fake.chart("6857.T", TOKYO, currency="JPY", zone="Asia/Tokyo"),
    }
    batch, _ = fetched(yahoo(charts), "NVDA", listing("6857.T", "XTKS", None))
    flags = {
        (row["ticker"], row["session_date"]): row["is_provisional"]
        for row in batch.rows.to_pylist()
    }
    assert flags == {
        ("NVDA", DAYS.start): False,
        ("NVDA", DAYS.end): True,
        ("6857.T", DAYS.end): False,
    }
    assert set(batch.rows["currency"].to_pylist()) == {"USD", "JPY"}


@pytest.mark.parametrize(
    ("zone", "stamp"),
    [
        # The first and the last zones to reach a date, at midnight and at the end of the day.
        ("Pacific/Kiritimati", "2025-01-26T10:00"),
        ("Pacific/Kiritimati", "2025-01-27T09:59"),
        ("Asia/Tokyo", "2025-01-27T00:00"),
        ("America/Sao_Paulo", "2025-01-27T03:00"),
        ("Pacific/Pago_Pago", "2025-01-27T11:00"),
        ("Pacific/Pago_Pago", "2025-01-28T10:59"),
    ],
)
def test_a_session_of_any_zone_is_asked_for_by_its_date(yahoo, zone, stamp):
    day = Days(date(2025, 1, 27), date(2025, 1, 27))
    chart = fake.chart("X", [(at(stamp), 1.0, 1.0, 1.0, 1.0, 1)], zone=zone)
    batch, _ = fetched(yahoo({"X": chart}), listing("X", None, None), days=day)
    assert batch.rows["session_date"].to_pylist() == [day.start]


def test_the_currency_is_the_answers_own_word(yahoo):
    pence = fake.chart("VOD.L", NVDA, currency="GBp", zone="Europe/London")
    batch, _ = fetched(yahoo({"VOD.L": pence}), listing("VOD.L", "XLON", "GBP"))
    assert set(batch.rows["currency"].to_pylist()) == {"GBp"}


def test_a_zone_that_is_none_is_malformed(yahoo):
    somewhere = fake.chart("X", NVDA)

    def lost(query, n_asked):
        reply = somewhere(query, n_asked)
        return reply._replace(body=reply.body.replace("America/New_York", "Mars/Olympus"))

    _, answers = fetched(yahoo({"X": lost}), "X")
    assert (answers["X"].outcome, answers["X"].cause) == ("failed", "malformed")


def test_a_symbol_that_yahoo_spells_otherwise_keeps_our_ticker(yahoo, fake_yahoo):
    euro = fake.chart("EURUSD=X", [(at("2025-01-27T00:00"), 1.05, 1.06, 1.04, 1.0492, 0)])
    span = Days(date(2025, 1, 26), date(2025, 1, 27))
    batch, _ = fetched(yahoo({"EURUSD=X": euro}), listing("EURUSD", None), days=span)
    assert batch.rows["ticker"].to_pylist() == ["EURUSD"]
    assert fake_yahoo.n_asked("/chart/EURUSD=X")


def test_another_symbol_than_the_one_asked_for_is_refused(yahoo):
    _, answers = fetched(yahoo({"META": fake.chart("META", NVDA, said="FB")}), "META")
    assert answers["META"].reason == "wrong_symbol: asked for META, got FB"
    assert answers["META"].n_tries == 1


def test_an_unknown_symbol_is_permanent_and_no_bars_are_a_fact(yahoo, fake_yahoo):
    charts = {"NOPE": fake.not_found("NOPE"), "QUIET": fake.chart("QUIET", [])}
    batch, answers = fetched(yahoo(charts), "NOPE", "QUIET")
    assert (answers["NOPE"].outcome, answers["NOPE"].cause) == ("failed", "unknown_ticker")
    assert (answers["QUIET"].outcome, answers["QUIET"].cause) == ("no_data", "no_data")
    assert answers["QUIET"].reason == "no bar between 2025-01-24 and 2025-01-27"
    assert (batch.rows.num_rows, batch.rows.column_names) == (0, list(COLUMNS))
    assert fake_yahoo.n_asked("/chart/") == 2
    assert not fake_yahoo.n_asked("/quoteSummary/")


def test_splits_and_dividends_come_along(yahoo):
    days = fake.sessions("2025-01-02", "2025-01-31")
    series = fake.walk("NVDA", days).paying("2025-01-15", 0.25).splitting("2025-01-22", 10)
    batch, _ = fetched(yahoo({"NVDA": series}), "NVDA", days=Days(days[0], days[-1]))
    actions = batch.beside["raw.corporate_actions"]
    told = ("listing_id", "ex_date", "action", "split_ratio", "amount", "currency", "basis")
    assert [tuple(row[name] for name in told) for row in actions.to_pylist()] == [
        ("ID:NVDA", date(2025, 1, 22), "split", 10.0, None, "USD", "split_adjusted"),
        ("ID:NVDA", date(2025, 1, 15), "dividend", None, 0.25, "USD", "split_adjusted"),
    ]


def test_without_actions_there_is_an_empty_table_of_them(yahoo):
    batch, _ = fetched(yahoo({"NVDA": fake.chart("NVDA", NVDA)}), "NVDA")
    actions = batch.beside["raw.corporate_actions"]
    assert (actions.num_rows, actions.column_names) == (0, list(ACTIONS))


def test_share_counts_are_delivered_with_both_values_of_one_date(yahoo, fake_yahoo):
    before, day = at("2023-11-01T00:00"), at("2025-01-24T00:00")
    counts = [(before - 86_400 * 365, 1), (before, 7.42e9), (day, 7.43e9), (day, 7.7e9)]
    fake_yahoo.shares["MSFT"] = fake.shares("MSFT", counts)
    batch = yahoo().shares([listing("MSFT"), listing("QUIET")], DAYS)
    assert batch.rows.column_names == list(COUNTS)
    told = ("ticker", "measured_on", "shares_outstanding", "filed_on", "share_class")
    assert [tuple(row[name] for name in told) for row in batch.rows.to_pylist()] == [
        ("MSFT", date(2023, 11, 1), 7.42e9, None, "all"),
        ("MSFT", date(2025, 1, 24), 7.43e9, None, "all"),
        ("MSFT", date(2025, 1, 24), 7.7e9, None, "all"),
    ]
    assert [answer.outcome for answer in batch.answers] == ["delivered", "no_data"]
    assert batch.answers[0].payload_sha256
    assert "/timeseries/MSFT?symbol=MSFT&period1=" in batch.answers[0].request
    # Only the listings asked for, and each with one request.
    assert fake_yahoo.n_asked("/timeseries/") == 2
    assert not fake_yahoo.n_asked("/chart/")


def test_no_share_count_at_all_is_an_empty_table(yahoo):
    batch = yahoo().shares([listing("QUIET")], DAYS)
    assert (batch.rows.num_rows, batch.rows.column_names) == (0, list(COUNTS))


def test_progress_is_told_while_it_runs(yahoo, monkeypatch):
    monkeypatch.setattr(module, "_SAY_EVERY", 0.05)
    told, here, gone_on = [], threading.get_ident(), threading.Event()

    def say(line):
        told.append((line, threading.get_ident() == here))
        gone_on.set()

    def held(query, n_asked):
        assert gone_on.wait(10)
        return fake.chart("SLOW", NVDA)(query, n_asked)

    charts = {"NVDA": fake.chart("NVDA", NVDA), "NOPE": fake.not_found("NOPE"), "SLOW": held}
    fetched(yahoo(charts, say=say), *charts)
    assert len(told) >= 2
    assert told[-1][0] == "yahoo: 3 of 3 asked, 1 without data, 0 rate limits"
    assert told[0][0].startswith(("yahoo: 0 of 3", "yahoo: 1 of 3", "yahoo: 2 of 3"))
    assert all(is_here for _, is_here in told)


def test_answers_keep_the_order_of_the_listings_and_one_of_two_with_a_ticker(yahoo):
    tickers = [f"T{n}" for n in range(40)]
    charts = {ticker: fake.chart(ticker, NVDA) for ticker in tickers}
    batch, _ = fetched(yahoo(charts), *tickers, Listing("ID:OTHER", "T0", "XNAS", "USD"))
    assert [answer.requested for answer in batch.answers] == tickers
    assert "ID:OTHER" not in batch.rows["listing_id"].to_pylist()


def test_what_yahoo_holds_is_only_known_by_asking():
    assert Yahoo().coverage() is None


def test_a_crumb_that_has_expired_is_renewed(yahoo, fake_yahoo):
    good, seen = fake.chart("NVDA", NVDA), []

    def answer(query, n_asked):
        seen.append(query.get("crumb"))
        if n_asked > 1:
            return good(query, n_asked)
        error = {"code": "Unauthorized", "description": "Invalid Crumb"}
        return fake.Reply(401, json.dumps({"finance": {"result": None, "error": error}}))

    _, answers = fetched(yahoo({"NVDA": answer}), "NVDA")
    assert (answers["NVDA"].outcome, answers["NVDA"].n_tries) == ("delivered", 1)
    assert len(seen) == 2
    assert fake_yahoo.n_asked("/getcrumb") == 2


def test_a_crumb_that_stays_refused_is_told(yahoo):
    error = {"code": "Unauthorized", "description": "Invalid Crumb"}
    body = json.dumps({"finance": {"result": None, "error": error}})
    _, answers = fetched(yahoo({"NVDA": fake.refusing(401, body)}), "NVDA")
    assert answers["NVDA"].reason == "refused: Yahoo: Unauthorized: Invalid Crumb"


def test_a_failure_of_yfinance_itself_costs_one_ticker_only(yahoo):
    asked = Exchange(None, lambda: NOW)
    assert yahoo()
    with pytest.raises(WebError, match="malformed: TypeError"):
        asked.ask("NVDA", "history", no_such_argument=1)
    with pytest.raises(WebError, match="malformed: yfinance asked for nothing"):
        asked.ask("NVDA", "__str__")


@pytest.mark.parametrize(
    ("url", "params", "shown"),
    [
        ("https://a/b", None, "https://a/b"),
        ("https://a/b?symbol=X", {"crumb": "s"}, "https://a/b?symbol=X"),
        ("https://a/b?crumb=s&p=1", {"q": "x y", "crumb": "s"}, "https://a/b?p=1&q=x+y"),
    ],
)
def test_the_visitors_own_secrets_are_not_shown(url, params, shown):
    assert public(url, params) == shown
