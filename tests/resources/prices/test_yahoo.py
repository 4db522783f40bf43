"""The real yfinance in a child process against a Yahoo of our own: every outcome has its type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from resources.batch import Days, Listing
from resources.prices.yahoo import AnswerError, Gate, Yahoo, _Asking, _missing, _named, _settled_at
from tests.resources.prices import fake_yahoo as fake

ROOT = Path(__file__).parents[3]


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
CHARTS = {
    "NVDA": fake.chart("NVDA", NVDA),
    "6857.T": fake.chart("6857.T", TOKYO, currency="JPY", zone="Asia/Tokyo"),
    "EURUSD=X": fake.chart("EURUSD=X", [(at("2025-01-27T00:00"), 1.05, 1.06, 1.04, 1.0492, 0)]),
    "NOPE": fake.not_found("NOPE"),
    "LIMIT": fake.refusing(429, "Too Many Requests"),
    # Twice: yfinance itself asks again once after any status from 400 on.
    "FLAKY": fake.at_first(2, fake.refusing(500, "oops"), fake.chart("FLAKY", NVDA)),
    "DOWN": fake.refusing(500, "oops"),
    "QUIET": fake.chart("QUIET", []),
    "META": fake.chart("META", NVDA, said="FB"),
    "ODD": fake.refusing(200, json.dumps({"chart": {"result": [{"meta": {}}], "error": None}})),
}
CHILD = """
import json, sys
from datetime import date, datetime
from pathlib import Path
from resources.batch import Days, Listing
from resources.prices.yahoo import Yahoo

listings = [Listing(*given) for given in json.loads(sys.argv[1])]
yahoo = Yahoo(
    cache=Path(sys.argv[2]),
    pause=0.01,
    cooldown=0.05,
    clock=lambda: datetime(2025, 1, 27, 21, 29),
)
batch = yahoo.fetch(listings, Days(date(2025, 1, 24), date(2025, 1, 27)))
answers = [[a.requested, a.outcome, a.reason, a.n_rows] for a in batch.answers]
print(json.dumps({"answers": answers, "rows": batch.rows.to_pylist()}, default=str))
"""


@pytest.fixture(scope="module")
def server():
    with fake.FakeYahoo(CHARTS) as yahoo:
        yield yahoo


@pytest.fixture(scope="module")
def said(server, tmp_path_factory):
    """What one fetch of all symbols brought."""
    folder = tmp_path_factory.mktemp("yahoo")
    server.write_authority(folder / "ca.pem")
    mics = {"6857.T": ("XTKS", None), "EURUSD": (None, "USD")}
    tickers = ["EURUSD" if symbol == "EURUSD=X" else symbol for symbol in CHARTS]
    listings = [(f"ID:{t}", t, *mics.get(t, ("XNAS", "USD"))) for t in tickers]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder),
        "HTTPS_PROXY": server.proxy,
        "REQUESTS_CA_BUNDLE": str(folder / "ca.pem"),
    }
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own lines
        [sys.executable, "-c", CHILD, json.dumps(listings), str(folder / "cache")],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert any((folder / "cache").iterdir())
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def answers(said):
    return {requested: (outcome, reason) for requested, outcome, reason, _ in said["answers"]}


@pytest.fixture(scope="module")
def rows(said):
    return {(row["ticker"], row["session_date"]): row for row in said["rows"]}


def test_good_bars_arrive_as_yahoo_states_them(answers, rows):
    assert answers["NVDA"] == ("delivered", None)
    assert rows["NVDA", "2025-01-24"] == {
        "listing_id": "ID:NVDA",
        "ticker": "NVDA",
        "session_date": "2025-01-24",
        "open": 148.0,
        "high": 149.0,
        "low": 141.9,
        "close": 142.62,
        "adj_close": 142.62,
        "volume": 102.0,
        "currency": "USD",
        "source": "yahoo",
        "is_provisional": False,
        "is_simulated": False,
        "source_file": None,
        "source_row": None,
    }


def test_the_range_is_closed(said, rows):
    assert sorted(day for ticker, day in rows if ticker == "NVDA") == ["2025-01-24", "2025-01-27"]
    assert {requested: n for requested, *_, n in said["answers"]}["NVDA"] == 2


def test_a_bar_within_30_minutes_of_its_close_is_provisional(rows):
    assert rows["NVDA", "2025-01-27"]["is_provisional"]
    assert not rows["6857.T", "2025-01-27"]["is_provisional"]


def test_session_and_currency_are_those_of_the_exchange(rows):
    tokyo = rows["6857.T", "2025-01-27"]
    assert (tokyo["close"], tokyo["currency"]) == (9185.0, "JPY")


def test_a_symbol_that_yahoo_spells_otherwise_keeps_our_ticker(answers, rows, server):
    assert answers["EURUSD"] == ("delivered", None)
    euro = [row for (ticker, _), row in rows.items() if ticker == "EURUSD"]
    assert [(row["listing_id"], row["close"]) for row in euro] == [("ID:EURUSD", 1.0492)]
    assert any("/chart/EURUSD=X" in path for path in server.asked)


def test_a_server_error_is_asked_again_and_not_taken_from_a_cache(answers, rows):
    assert answers["FLAKY"] == ("delivered", None)
    assert rows["FLAKY", "2025-01-27"]["close"] == 118.42


@pytest.mark.parametrize(
    ("ticker", "outcome", "begins"),
    [
        ("NOPE", "failed", "unknown_ticker: Yahoo on NOPE: HTTP Error 404"),
        ("LIMIT", "failed", "rate_limited: YFRateLimitError"),
        ("DOWN", "failed", "outage: JSONDecodeError"),
        ("META", "failed", "wrong_symbol: asked for META, got FB"),
        ("ODD", "failed", "malformed: KeyError"),
        ("QUIET", "no_data", "no bar between 2025-01-24 and 2025-01-27"),
    ],
)
def test_every_failure_has_its_cause_first(said, answers, rows, ticker, outcome, begins):
    assert said["answers"]
    found, reason = answers[ticker]
    assert found == outcome
    assert reason.startswith(begins)
    assert "\n" not in reason
    assert not [key for key in rows if key[0] == ticker]


def test_a_lasting_failure_is_asked_three_times(said, server):
    assert said["answers"]
    # Each of our three tries costs two requests inside yfinance.
    assert sum("/chart/DOWN?" in path for path in server.asked) == 6
    assert sum("/chart/LIMIT?" in path for path in server.asked) == 6
    assert sum("/chart/META?" in path for path in server.asked) == 2


def asking(answers, **config):
    """Ask with yfinance replaced by a list of what each try brings."""
    tries = iter(answers)

    class Scripted(_Asking):
        def _bars(self, _listing):
            outcome = next(tries)
            if isinstance(outcome, AnswerError):
                raise outcome
            return outcome

    yahoo = Yahoo(pause=0.0, **config)
    listing = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")
    days = Days(date(2025, 1, 27), date(2025, 1, 27))
    return Scripted(yahoo, {"NVDA": listing}, days, Gate())


def test_one_rate_limit_holds_everybody_back():
    limited = AnswerError("rate_limited", "429")
    one = asking([limited, AnswerError("no_data", "nothing")], cooldown=0.2)
    started = time.monotonic()
    assert one.answer("NVDA")[0].outcome == "no_data"
    assert time.monotonic() - started >= 0.2
    # Another worker at the same gate has nothing left to wait for.
    one.gate.wait()
    assert time.monotonic() - started < 5


def test_a_ticker_that_is_no_instrument_is_not_asked_for():
    answer, bars = asking([]).answer("NOPE")
    assert (answer.outcome, bars) == ("failed", None)
    assert answer.reason == "unknown_ticker: NOPE is not among the instruments"


def test_a_permanent_failure_is_not_asked_again():
    answer, _ = asking([AnswerError("wrong_symbol", "other")]).answer("NVDA")
    assert answer.reason == "wrong_symbol: other"


@pytest.mark.parametrize(
    ("mic", "day", "settled"),
    [
        ("XNYS", date(2025, 1, 27), "2025-01-27T21:30"),
        ("XNYS", date(2024, 11, 29), "2024-11-29T18:30"),
        ("XTKS", date(2025, 1, 27), "2025-01-27T07:00"),
        ("XNYS", date(2025, 1, 26), "2025-01-27T00:30"),
        (None, date(2025, 1, 27), "2025-01-28T00:30"),
    ],
)
def test_a_bar_settles_half_an_hour_after_the_close(mic, day, settled):
    assert _settled_at(mic, day) == datetime.fromisoformat(settled)


class CurlError(Exception):
    """As curl_cffi raises it, with curl's own number."""

    def __init__(self, code):
        super().__init__(f"curl: ({code})")
        self.code = code


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (CurlError(56), "truncated"),
        (CurlError(18), "truncated"),
        (TimeoutError("read"), "timeout"),
        (KeyError("currency"), "malformed"),
    ],
)
def test_transport_errors_are_named(error, cause):
    days = Days(date(2025, 1, 27), date(2025, 1, 27))
    assert _named(error, "NVDA", days).cause == cause


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("No data found, symbol may be delisted", "unknown_ticker"),
        ("Data doesn't exist for startDate = 1, endDate = 2", "no_data"),
        (None, "no_data"),
    ],
)
def test_what_yahoo_says_of_missing_prices_is_kept(reason, cause):
    found = _missing(reason, "X", Days(date(2025, 1, 27), date(2025, 1, 28)))
    assert found.cause == cause
    assert (reason or "2025-01-27") in found.detail
