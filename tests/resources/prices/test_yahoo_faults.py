"""Every fault on the way ends under its name; every fault in the data is delivered, not repaired.

The faults in the data are for the contract and the checks to judge: what a client repairs or drops
on its own account nobody can see any more.
"""

from __future__ import annotations

import math
import time
from datetime import date, datetime

import pytest

from resources.batch import Days, Listing
from resources.payloads import Payloads
from resources.prices.yahoo import Yahoo, client
from tests import fake_yahoo as fake
from tests.fake_yahoo.plugin import fake_yahoo, real_yfinance

__all__ = ["fake_yahoo", "real_yfinance"]

SESSIONS = fake.sessions("2024-12-02", "2025-01-31")
SPAN = Days(SESSIONS[0], SESSIONS[-1])
DAY = "2025-01-15"  # a Wednesday
FAULTS = fake.faults
TIMEOUT = 0.7  # s


def listing(ticker):
    return Listing(f"XNAS:{ticker}", ticker, "XNAS", "USD")


@pytest.fixture
def ask(fake_yahoo, real_yfinance, tmp_path):
    """Ask for tickers whose charts answer as told."""
    assert real_yfinance
    client._session.cache_clear()

    def run(charts, **config):
        fake_yahoo.charts.update(charts)
        given = {
            "cache": tmp_path / "cache",
            "payloads": Payloads(tmp_path / "payloads"),
            "pause": 0.01,
            "cooldown": 0.01,
            "breaker": 99,
            "timeout": TIMEOUT,
            "clock": lambda: datetime.fromisoformat("2025-02-10T12:00"),
        }
        batch = Yahoo(**{**given, **config}).fetch([listing(each) for each in charts], SPAN)
        return batch, {answer.requested: answer for answer in batch.answers}

    yield run
    client._session.cache_clear()


def clean(ticker="GOOD"):
    return fake.walk(ticker, SESSIONS)


ON_THE_WAY = {
    "rate_limited": (FAULTS.rate_limited(), "rate_limited"),
    "rate_limited_for": (FAULTS.rate_limited(1), "rate_limited"),
    "server_error": (FAULTS.server_error(), "outage"),
    "maintenance": (FAULTS.maintenance(), "outage"),
    "truncated": (FAULTS.truncated(clean("BAD")), "truncated"),
    "slow": (FAULTS.slow(3.0, clean("BAD")), "timeout"),
    "reset": (FAULTS.reset(), "truncated"),
}
# What never arrived whole cannot be kept.
UNHEARD = {"truncated", "slow", "reset"}


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_a_lasting_fault_fails_under_its_name_after_three_tries(ask, fake_yahoo, name):
    fault, cause = ON_THE_WAY[name]
    batch, answers = ask({"BAD": fault, "GOOD": clean()})
    bad = answers["BAD"]
    assert (bad.outcome, bad.cause, bad.n_tries) == ("failed", cause, 3)
    assert bad.reason.startswith(f"{cause}: ")
    assert "\n" not in bad.reason
    assert "delisted" not in bad.reason
    assert "/chart/BAD?period1=" in bad.request
    assert bool(bad.payload_sha256) == (name not in UNHEARD)
    # What came of the others has landed all the same.
    assert answers["GOOD"].outcome == "delivered"
    assert set(batch.rows["ticker"].to_pylist()) == {"GOOD"}
    # One request for each try; curl itself repeats one on a connection that was reset.
    repeats = 1 if name == "reset" else 0
    assert 3 <= fake_yahoo.n_asked("/chart/BAD") <= 3 + repeats


@pytest.mark.parametrize("name", ON_THE_WAY)
def test_a_passing_fault_is_asked_again_until_it_has_passed(ask, fake_yahoo, name):
    fault, _ = ON_THE_WAY[name]
    _, answers = ask({"BAD": fake.at_first(2, fault, clean("BAD"))})
    assert (answers["BAD"].outcome, answers["BAD"].n_rows) == ("delivered", len(SESSIONS))
    if name != "reset":
        assert (answers["BAD"].n_tries, fake_yahoo.n_asked("/chart/BAD")) == (3, 3)


def test_a_failure_that_yfinance_remembers_is_asked_again(ask, fake_yahoo, real_yfinance):
    fake_yahoo.charts["BAD"] = fake.refusing(200, "<html>Will be right back...</html>")
    ticker = real_yfinance.Ticker("BAD")
    ticker._tz = "UTC"
    for _ in range(2):
        # What the provider asks, so that the memory has it.
        ticker.history(start=date(2024, 12, 1), end=date(2025, 2, 2), timeout=TIMEOUT)
    assert fake_yahoo.n_asked("/chart/BAD") == 1
    _, answers = ask({"BAD": clean("BAD")})
    assert answers["BAD"].outcome == "delivered"
    assert fake_yahoo.n_asked("/chart/BAD") == 2


def test_a_limit_on_the_crumb_alone_does_no_harm(ask, fake_yahoo):
    fake_yahoo.crumb = FAULTS.rate_limited()
    _, answers = ask({"GOOD": clean()})
    assert (answers["GOOD"].outcome, answers["GOOD"].n_tries) == ("delivered", 1)


def test_one_rate_limit_holds_all_workers_back_as_long_as_yahoo_says(ask):
    moments = {}

    def noting(ticker):
        def answer(query, n_asked):
            moments.setdefault(ticker, time.monotonic())
            return clean(ticker)(query, n_asked)

        return answer

    def limited(query, n_asked):
        moments.setdefault("limit", time.monotonic())
        return FAULTS.rate_limited(1)(query, n_asked)

    charts = {"BAD": fake.at_first(1, limited, clean("BAD"))}
    charts |= {f"T{n}": noting(f"T{n}") for n in range(6)}
    _, answers = ask(charts, workers=1)
    assert {answer.outcome for answer in answers.values()} == {"delivered"}
    since = {name: moment - moments["limit"] for name, moment in moments.items() if name != "limit"}
    assert len(since) == 6
    assert min(since.values()) >= 0.99


def test_the_circuit_breaker_stops_all_requests(ask, fake_yahoo):
    charts = {f"T{n:02}": FAULTS.rate_limited() for n in range(40)}
    batch, answers = ask(charts, breaker=2, workers=4)
    causes = [answer.cause for answer in answers.values()]
    assert batch.rows.num_rows == 0
    assert set(causes) == {"rate_limited", "circuit_open"}
    # Two limits in a row, each heard by the four workers at the most.
    assert fake_yahoo.n_asked("/chart/") <= 8
    never = [ticker for ticker, answer in answers.items() if answer.cause == "circuit_open"]
    assert len(never) >= 32
    assert {answers[ticker].n_tries for ticker in never} == {0}
    assert {answers[ticker].request for ticker in never} == {None}
    assert not any(fake_yahoo.n_asked(f"/chart/{ticker}") for ticker in never)
    assert answers[never[0]].reason.startswith("circuit_open: not asked after 2 rate limits")


def test_what_came_before_the_circuit_opened_is_delivered(ask):
    charts = {"GOOD": clean(), **{f"T{n}": FAULTS.rate_limited(3600) for n in range(5)}}
    told = []
    batch, answers = ask(charts, workers=1, say=told.append)
    assert set(batch.rows["ticker"].to_pylist()) == {"GOOD"}
    causes = [answer.cause for answer in answers.values()]
    assert causes == [None, "rate_limited", *["circuit_open"] * 4]
    assert told[-1] == "yahoo: 6 of 6 asked, 5 without data, 1 rate limits"


def test_a_vendor_that_is_left_alone_stays_so_for_the_next_fetch(fake_yahoo, ask):
    assert ask
    fake_yahoo.charts["BAD"] = FAULTS.rate_limited(3600)
    provider = Yahoo()
    found = [provider.fetch([listing("BAD")], SPAN).answers[0].cause for _ in range(2)]
    assert found == ["rate_limited", "circuit_open"]
    assert fake_yahoo.n_asked("/chart/BAD") == 1


def test_the_calendar_of_one_listing_does_not_shape_another(ask):
    short = fake.walk("SHORT", SESSIONS[10:20])
    batch, answers = ask({"GOOD": clean(), "SHORT": short})
    assert {ticker: answer.n_rows for ticker, answer in answers.items()} == {
        "GOOD": len(SESSIONS),
        "SHORT": 10,
    }
    assert batch.rows["close"].null_count == 0


# -- faults in the data ----------------------------------------------------------------------------


def bars(batch):
    return {row["session_date"]: row for row in batch.rows.to_pylist()}


@pytest.fixture
def delivered(ask):
    """The bars of a series with a fault on one day, beside those of the clean one."""

    def run(fault):
        batch, answers = ask({"GOOD": clean().having(fault, DAY)})
        assert answers["GOOD"].outcome == "delivered"
        whole, _ = ask({"GOOD": clean()})
        return batch, bars(batch), bars(whole)

    return run


THE_DAY, NEXT = date(2025, 1, 15), date(2025, 1, 16)


def test_an_absent_session_is_absent_and_the_others_stay(delivered):
    _, found, whole = delivered(FAULTS.absent_row)
    assert whole.keys() - found.keys() == {THE_DAY}
    assert all(found[day] == whole[day] for day in found)


PRICES = ("open", "high", "low", "close", "adj_close")


def test_a_session_without_prices_comes_as_a_row_without_prices(delivered):
    _, found, whole = delivered(FAULTS.null_prices)
    assert found[THE_DAY] == {**whole[THE_DAY], **dict.fromkeys(PRICES)}


def test_a_volume_that_is_missing_is_not_a_volume_of_nought(delivered):
    _, found, whole = delivered(FAULTS.null_row)
    assert found[THE_DAY] == {**whole[THE_DAY], **dict.fromkeys((*PRICES, "volume"))}


def test_a_weekend_row_is_kept(delivered):
    _, found, whole = delivered(FAULTS.weekend_row)
    assert found.keys() - whole.keys() == {date(2025, 1, 18)}


@pytest.mark.parametrize(
    ("fault", "factors"),
    [
        (FAULTS.hundredfold, (100.0, 1.0)),
        (FAULTS.unit_switch, (0.01, 0.01)),
        (FAULTS.unapplied_split, (0.1, 0.1)),
    ],
)
def test_a_price_in_another_unit_is_not_repaired(delivered, fault, factors):
    _, found, whole = delivered(fault)
    before = date(2025, 1, 14)
    assert found[before]["close"] == whole[before]["close"]
    for day, factor in zip((THE_DAY, NEXT), factors, strict=True):
        assert found[day]["close"] == pytest.approx(factor * whole[day]["close"], rel=1e-9)


@pytest.mark.parametrize("fault", [FAULTS.unapplied_split, FAULTS.phantom_split])
def test_a_split_that_the_prices_do_not_show_is_told(delivered, fault):
    batch, _, _ = delivered(fault)
    (split,) = batch.beside["raw.corporate_actions"].to_pylist()
    assert (split["ex_date"], split["action"], split["split_ratio"]) == (THE_DAY, "split", 10.0)


def test_a_dividend_that_the_adjusted_closes_ignore_is_told(delivered):
    batch, found, whole = delivered(FAULTS.unadjusted_dividend)
    (paid,) = batch.beside["raw.corporate_actions"].to_pylist()
    assert (paid["action"], paid["ex_date"]) == ("dividend", THE_DAY)
    before = date(2025, 1, 14)
    assert found[before]["adj_close"] == whole[before]["close"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (FAULTS.infinite_adj_close, {"adj_close": math.inf}),
        (FAULTS.zero_open_and_low, {"open": 0.0, "low": 0.0}),
        (FAULTS.negative_volume, {"volume": -5.0}),
        (FAULTS.zero_volume, {"volume": 0.0}),
    ],
)
def test_an_impossible_value_is_delivered_as_it_is(delivered, fault, expected):
    _, found, whole = delivered(fault)
    assert found[THE_DAY] == {**whole[THE_DAY], **expected}


def test_an_impossible_candle_is_delivered_as_it_is(delivered):
    _, found, _ = delivered(FAULTS.low_above_close)
    assert found[THE_DAY]["low"] > found[THE_DAY]["close"]


def test_a_stale_copy_is_delivered_as_it_is(delivered):
    _, found, whole = delivered(FAULTS.stale_bar)
    before = whole[date(2025, 1, 14)]
    names = ("open", "high", "low", "close", "volume")
    assert [found[THE_DAY][name] for name in names] == [before[name] for name in names]


def test_a_session_that_stands_twice_comes_twice(ask):
    batch, answers = ask({"GOOD": clean().having(FAULTS.duplicated_date, DAY)})
    assert answers["GOOD"].n_rows == len(SESSIONS) + 1
    assert batch.rows["session_date"].to_pylist().count(THE_DAY) == 2


def test_a_dividend_on_a_session_that_is_absent_makes_no_row(ask):
    series = clean().paying(DAY, 0.5).having(FAULTS.absent_row, DAY)
    batch, answers = ask({"GOOD": series})
    assert answers["GOOD"].n_rows == len(SESSIONS) - 1
    assert batch.rows["close"].null_count == 0
    (paid,) = batch.beside["raw.corporate_actions"].to_pylist()
    assert (paid["ex_date"], paid["amount"]) == (THE_DAY, 0.5)


def test_every_fault_of_the_data_is_among_those_above():
    assert len(FAULTS.IN_DATA) == 16
