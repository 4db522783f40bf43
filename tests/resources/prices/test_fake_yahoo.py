"""The fake Yahoo as a server: the real yfinance by environment in a child, and in this process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
import requests

import tests.fake_yahoo as fake
from tests.fake_yahoo import faults

MONDAY, TUESDAY = 1737988200, 1738074600  # 2025-01-27 and 28, 09:30 in New York
BARS = [
    (MONDAY, 125.0, 128.5, 116.5, 118.42, 103),
    (TUESDAY, 121.5, 129.0, 116.0, 128.99, 104),
]
GOOD = fake.chart("GOOD", BARS)
ARTICLE = fake.Article("Good falls", "https://example.org/1", MONDAY, "By a fifth.", "The Paper")
AFTER_PROBE = {
    "LIMIT": faults.rate_limited(),
    "ERROR": faults.server_error(),
    "MAINTAINED": faults.maintenance(),
    "CUT": faults.truncated(GOOD),
    "SLOW": faults.slow(60, GOOD),
    "RESET": faults.reset(),
}
CHARTS = {
    "GOOD": GOOD,
    "^GSPC": fake.chart("^GSPC", BARS),
    "FUND": fake.chart("FUND", BARS, kind="ETF")
    .announcing("capitalGains", 0, amount=0.25)
    .announcing("dividends", 1, amount=0.5),
    "SPLIT": fake.chart("SPLIT", BARS).splitting("2025-01-28", 3, 2),
    "TOKYO": fake.chart("TOKYO", [(1737939600, *BARS[0][1:])], zone="Asia/Tokyo", currency="JPY"),
    "ALIAS": fake.chart("ALIAS", BARS, said="OTHER"),
    "TWICE": fake.at_first(2, faults.server_error(), GOOD),
    **{symbol: faults.once_its_zone_is_known(fault, GOOD) for symbol, fault in AFTER_PROBE.items()},
}
CHILD = """
import json, sys
import yfinance

yfinance.config.debug.hide_exceptions = False
said = {}
for symbol in json.loads(sys.argv[1]):
    try:
        ticker = yfinance.Ticker(symbol)
        bars = ticker.history(
            start="2025-01-27", end="2025-01-29", auto_adjust=False, keepna=True, timeout=0.5
        )
        index = [str(at) for at in bars.index]
        meta = ticker.history_metadata
        said[symbol] = {
            "rows": dict(zip(index, bars.to_dict("records"))),
            "meta": [meta["symbol"], meta["currency"], meta["exchangeTimezoneName"]],
        }
    except Exception as error:
        said[symbol] = {"error": type(error).__name__, "code": getattr(error, "code", None)}
counts = yfinance.Ticker("GOOD").get_shares_full(start="2025-01-27", end="2025-01-29")
said["shares"] = {str(at): int(count) for at, count in counts.items()}
said["no shares"] = yfinance.Ticker("FUND").get_shares_full(start="2025-01-27")
said["news"] = [each["content"] for each in yfinance.Ticker("GOOD").get_news()]
found = yfinance.Search("good")
said["search"] = [[each["symbol"] for each in found.quotes], found.news]
print(json.dumps(said))
"""


@pytest.fixture(scope="module")
def child():
    """What one child process with the real yfinance learnt, and what it asked for."""
    counts = fake.shares("GOOD", [(MONDAY, 24_490_000_000), (TUESDAY + 86_400, 1)])
    with fake.FakeYahoo(CHARTS, {"GOOD": counts}, {"GOOD": [ARTICLE]}) as server:
        done = subprocess.run(  # noqa: S603 - our own interpreter, our own lines
            [sys.executable, "-c", CHILD, json.dumps([*CHARTS, "NOBODY"])],
            env={**os.environ, **server.environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        n_cached = len(list(server.authority.parent.glob("py-yfinance/*.db")))
    return SimpleNamespace(said=json.loads(done.stdout), server=server, n_cached=n_cached)


def test_bars_arrive_as_they_were_given(child):
    assert child.said["GOOD"]["rows"] == {
        "2025-01-27 00:00:00-05:00": row(125.0, 128.5, 116.5, 118.42, 103),
        "2025-01-28 00:00:00-05:00": row(121.5, 129.0, 116.0, 128.99, 104),
    }
    assert child.said["GOOD"]["meta"] == ["GOOD", "USD", "America/New_York"]


def row(opened, high, low, close, volume, **more):
    prices = {"Open": opened, "High": high, "Low": low, "Close": close, "Adj Close": close}
    return {**prices, "Volume": volume, "Dividends": 0.0, "Stock Splits": 0.0, **more}


def test_the_exchange_of_a_symbol_is_its_own(child):
    assert list(child.said["TOKYO"]["rows"]) == ["2025-01-27 00:00:00+09:00"]
    assert child.said["TOKYO"]["meta"] == ["TOKYO", "JPY", "Asia/Tokyo"]


def test_a_symbol_with_a_sign_in_it_is_found(child):
    assert len(child.said["^GSPC"]["rows"]) == 2


def test_a_reply_can_name_another_symbol(child):
    assert child.said["ALIAS"]["meta"][0] == "OTHER"


def test_corporate_actions_arrive_on_their_day(child):
    monday, tuesday = child.said["FUND"]["rows"].values()
    assert (monday["Capital Gains"], monday["Dividends"]) == (0.25, 0.0)
    assert (tuesday["Capital Gains"], tuesday["Dividends"]) == (0.0, 0.5)
    splits = [each["Stock Splits"] for each in child.said["SPLIT"]["rows"].values()]
    assert splits == [0.0, 1.5]


def test_shares_outstanding_are_those_of_the_asked_period(child):
    assert child.said["shares"] == {"2025-01-27 14:30:00-05:00": 24_490_000_000}
    assert child.said["no shares"] is None


def test_news_arrive_without_their_text(child):
    (article,) = child.said["news"]
    assert article["title"] == "Good falls"
    assert article["summary"] == "By a fifth."
    assert article["pubDate"] == "2025-01-27T14:30:00Z"
    assert article["canonicalUrl"] == {"url": "https://example.org/1"}
    assert article["provider"] == {"displayName": "The Paper"}


def test_the_search_finds_symbols_and_headlines(child):
    symbols, headlines = child.said["search"]
    assert symbols == ["GOOD"]
    assert [each["title"] for each in headlines] == ["Good falls"]
    assert headlines[0]["providerPublishTime"] == MONDAY


@pytest.mark.parametrize(
    ("symbol", "error", "code", "n_asked"),
    [
        # One request more than the fault: the probe for the time zone, which goes well. From
        # status 400 on yfinance asks a second time by itself.
        ("LIMIT", "YFRateLimitError", None, 3),
        ("ERROR", "JSONDecodeError", None, 3),
        ("MAINTAINED", "YFDataException", None, 3),
        ("CUT", "ConnectionError", 56, 2),
        # libcurl asks again by itself where a kept connection breaks before the first byte.
        ("RESET", "ConnectionError", 56, 3),
        ("SLOW", "Timeout", 28, 2),
        ("NOBODY", "HTTPError", 0, None),
    ],
)
def test_what_goes_wrong_on_the_way_has_its_error(child, symbol, error, code, n_asked):
    assert child.said[symbol] == {"error": error, "code": code}
    if n_asked:
        assert child.server.n_asked(f"/chart/{symbol}?") == n_asked


def test_a_fault_can_pass_after_some_requests(child):
    assert child.said["TWICE"] == {"error": "JSONDecodeError", "code": None}
    reply = CHARTS["TWICE"]({}, 3)
    assert reply.status == 200
    assert CHARTS["TWICE"]({}, 2).status == 500


def test_cookie_crumb_and_zone_are_asked_for_once(child):
    asked = child.server.asked
    assert asked[0] == "fc.yahoo.com/"
    assert asked[1] == "query1.finance.yahoo.com/v1/test/getcrumb"
    probe, bars = (each for each in asked if "/chart/GOOD?" in each)
    assert "range=1d" in probe
    assert "period1=" in bars
    assert bars.endswith("crumb=crumb")
    assert all(each.partition("/")[0].endswith("yahoo.com") for each in asked)


def test_the_cache_of_yfinance_goes_to_the_servers_own_folder(child):
    assert child.n_cached >= 2
    assert not child.server.authority.exists()


def sessions(server):
    """Return both kinds of session that yfinance takes, each led to the server by its fields."""
    plain = requests.Session()
    plain.proxies, plain.verify, plain.trust_env = {"https": server.proxy}, server.authority, False
    return {"curl_cffi": server.session(), "requests": plain}


@pytest.mark.parametrize("kind", ["curl_cffi", "requests"])
def test_a_session_leads_yfinance_of_this_process_to_the_server(real_yfinance, kind, monkeypatch):
    monkeypatch.delenv("HTTPS_PROXY")
    monkeypatch.delenv("https_proxy")
    with fake.FakeYahoo({"GOOD": GOOD}) as server:
        session = sessions(server)[kind]
        bars = real_yfinance.Ticker("GOOD", session=session).history(start="2025-01-27")
        session.close()
    assert list(bars["Close"]) == [118.42, 128.99]
    assert server.n_asked("/chart/GOOD?") == 2


@pytest.mark.parametrize("close", [10.0, 20.0])
def test_the_environment_leads_there_too_and_nothing_is_left_of_the_last_test(
    real_yfinance, fake_yahoo, close
):
    fake_yahoo.charts["GOOD"] = fake.chart("GOOD", [(MONDAY, 1.0, 30.0, 1.0, close, 1)])
    bars = real_yfinance.Ticker("GOOD").history(start="2025-01-27", end="2025-01-28")
    assert list(bars["Close"]) == [close]
    assert fake_yahoo.asked[0] == "fc.yahoo.com/"


def test_a_limit_on_the_crumb_alone_costs_no_bar(real_yfinance, fake_yahoo):
    fake_yahoo.charts["GOOD"] = GOOD
    fake_yahoo.crumb = faults.rate_limited()
    bars = real_yfinance.Ticker("GOOD").history(start="2025-01-27", end="2025-01-29")
    assert len(bars) == 2
    assert fake_yahoo.n_asked("getcrumb") == 1
    # Later requests carry the refusal's text for a crumb.
    assert "crumb=" not in next(each for each in fake_yahoo.asked if "/chart/" in each)


@pytest.fixture
def get(fake_yahoo):
    """Ask for a chart as any client does."""
    session = fake_yahoo.session()
    yield lambda symbol, **query: session.get(address(symbol), params=query, timeout=5)
    session.close()


def address(symbol):
    return f"https://query2.finance.yahoo.com/v8/finance/chart/{symbol}"


def test_a_rate_limit_says_how_long_to_wait_if_it_is_to(fake_yahoo, get):
    fake_yahoo.charts.update(SHORT=faults.rate_limited(7), MUTE=faults.rate_limited())
    assert get("SHORT").headers["Retry-After"] == "7"
    assert "Retry-After" not in get("MUTE").headers
    assert get("MUTE").text.startswith("Too Many Requests")


def test_the_page_for_times_of_maintenance_is_html(fake_yahoo, get):
    fake_yahoo.charts["DOWN"] = faults.maintenance()
    reply = get("DOWN")
    assert (reply.status_code, reply.headers["Content-Type"]) == (503, "text/html")
    assert "Will be right back" in reply.text


def test_only_the_bars_inside_the_period_are_sent(fake_yahoo, get):
    fake_yahoo.charts["GOOD"] = GOOD
    first = get("GOOD", period1=MONDAY, period2=TUESDAY).json()["chart"]["result"][0]
    assert first["timestamp"] == [MONDAY]
    last = get("GOOD", range="1d").json()["chart"]["result"][0]
    assert last["timestamp"] == [TUESDAY]
    none = get("GOOD", period1=TUESDAY + 1).json()["chart"]["result"][0]
    assert "timestamp" not in none
    assert none["meta"]["symbol"] == "GOOD"


def test_a_host_that_is_not_yahoos_is_refused_and_noted(fake_yahoo):
    session = fake_yahoo.session()
    with pytest.raises(Exception, match="403"):
        session.get("https://example.org/")
    session.close()
    assert fake_yahoo.asked == ["example.org"]


def test_sixteen_clients_are_served_at_the_same_time_and_all_are_noted(fake_yahoo, get):
    together = threading.Barrier(16, timeout=20)

    def answer(_query, n_asked):
        together.wait()
        return 200, str(n_asked)

    fake_yahoo.charts["GOOD"] = answer
    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(lambda _: int(get("GOOD").text), range(48)))
    assert sorted(said) == list(range(1, 49))
    assert fake_yahoo.n_asked("/chart/GOOD") == 48


def test_the_latency_comes_before_every_reply(fake_yahoo, get, monkeypatch):
    waited = []
    monkeypatch.setattr(fake_yahoo._closing, "wait", waited.append)
    fake_yahoo.latency = 0.15
    fake_yahoo.charts.update(GOOD=GOOD, SLOW=faults.slow(2, GOOD))
    assert [get("GOOD").status_code, get("SLOW").status_code] == [200, 200]
    assert waited == [0.15, 2.15]


def test_leaving_ends_every_thread_though_a_client_holds_its_connection_or_waits():
    before = set(threading.enumerate())
    with fake.FakeYahoo({"GOOD": GOOD, "SLOW": faults.slow(3600, GOOD)}) as server:
        holding, waiting = server.session(), server.session()
        holding.get(address("GOOD"))
        client = threading.Thread(target=lambda: waiting.get(address("SLOW")))
        client.start()
        while not server.n_asked("SLOW"):
            client.join(0.01)
    client.join()
    assert set(threading.enumerate()) <= before
    for session in (holding, waiting):
        session.close()


def test_a_mistake_in_an_answer_is_printed(fake_yahoo, get, capsys):
    fake_yahoo.charts["WRONG"] = lambda _query, _n_asked: 1 / 0
    with pytest.raises(Exception, match="curl"):
        get("WRONG")
    fake_yahoo.__exit__()
    assert "ZeroDivisionError" in capsys.readouterr().err
