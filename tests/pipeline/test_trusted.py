"""Two sources that disagree, a history that changes, and decisions by hand: from command to SQL.

The real yfinance talks to a Yahoo of our own whose answers change between the runs; a file says
the same of one ticker, until it does not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import fake_yahoo as fake

pytestmark = pytest.mark.pipeline

ROOT = Path(__file__).parents[2]
COMMAND = "import sys; from cli import main; main()"
SESSIONS = fake.sessions("2024-12-02", "2025-01-28")
FIRST, FRIDAY, MONDAY = SESSIONS[0], date(2025, 1, 24), date(2025, 1, 27)
TICKERS = ("NVDA", "MU", "SPY")


def tenth(series):
    """The same series after all of its prices were divided by ten: a split that nobody tells."""
    from dataclasses import replace

    return replace(series, bars=tuple(bar.times(0.1) for bar in series.bars))


def closes(series):
    return {series.date(bar): bar.close for bar in series.bars}


def write_file(path, charts, changed=None):
    """Write what the second source says: NVDA as Yahoo has it, but for what changed."""
    told = {**closes(charts["NVDA"]), **(changed or {})}
    lines = ["ticker,date,close,currency", *(f"NVDA,{day},{told[day]},USD" for day in told)]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """Three runs and a decision in between; after each, what core and the quarantine said."""
    home = tmp_path_factory.mktemp("trusted")
    clean = {ticker: fake.walk(ticker, SESSIONS) for ticker in TICKERS}
    prices = home / "prices.csv"
    given = {
        "SELLOFF_WAREHOUSE": str(home / "selloff.duckdb"),
        "SELLOFF_PRICES": "yahoo files",
        "SELLOFF_PRICES_PATH": str(prices),
        "SELLOFF_TICKERS": " ".join(TICKERS),
        "DAGSTER_HOME": str(home / "dagster"),
    }
    with fake.FakeYahoo(charts=dict(clean)) as server:
        environment = {**os.environ, **given, **server.environment}

        def command(*arguments):
            return subprocess.run(  # noqa: S603 - our own command
                [sys.executable, "-c", COMMAND, *map(str, arguments)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )

        def run(first, last):
            done = command("backfill", "--from", first, "--to", last)
            cases = command("quarantine", "list", "--all", "--format", "json").stdout
            held = json.loads(cases) if cases.startswith("[") else []
            return SimpleNamespace(done=done, cases=held, core=core(home))

        write_file(prices, clean)
        agreed = run(FIRST, FRIDAY)
        server.charts["MU"] = tenth(clean["MU"])
        monday = closes(clean["NVDA"])[MONDAY]
        write_file(prices, clean, {MONDAY: round(monday * 1.02, 2)})
        disputed = run(MONDAY, MONDAY)
        (conflict,) = [each for each in disputed.cases if each["kind"] == "conflict"]
        released = command(
            "quarantine", "release", conflict["quarantine_id"][:12], "--note", "seen on the tape"
        )
        server.charts["MU"] = clean["MU"]
        mended = run(SESSIONS[-1], SESSIONS[-1])
    return SimpleNamespace(
        clean=clean, agreed=agreed, disputed=disputed, released=released, mended=mended, home=home
    )


def core(home):
    """Return close and number of sources of every bar in core."""
    from resources.warehouse import Warehouse

    with Warehouse(path=str(home / "selloff.duckdb")).reading() as con:
        rows = con.execute(
            "SELECT ticker, session_date, close, n_sources FROM core.daily_prices"
        ).fetchall()
    return {(ticker, day): (close, n_sources) for ticker, day, close, n_sources in rows}


def test_sources_that_agree_are_counted(story):
    assert story.agreed.done.returncode == 0, story.agreed.done.stderr[-2000:]
    assert story.agreed.cases == []
    assert story.agreed.core["NVDA", FRIDAY] == (closes(story.clean["NVDA"])[FRIDAY], 2)
    assert story.agreed.core["SPY", FRIDAY] == (closes(story.clean["SPY"])[FRIDAY], 1)


def test_a_bar_on_which_they_disagree_is_quarantined_with_both_values(story):
    assert ("NVDA", MONDAY) not in story.disputed.core
    assert story.disputed.core["NVDA", FRIDAY] == story.agreed.core["NVDA", FRIDAY]
    (case,) = [each for each in story.disputed.cases if each["kind"] == "conflict"]
    assert (case["listing_id"], case["session_date"][:10]) == ("XNAS:NVDA", "2025-01-27")
    monday = closes(story.clean["NVDA"])[MONDAY]
    assert str(monday) in case["payload"]
    assert str(round(monday * 1.02, 2)) in case["payload"]
    assert case["resolution"] == "open"


def test_a_history_that_changed_by_one_ratio_unexplained_takes_the_listing_out(story):
    assert not [day for ticker, day in story.disputed.core if ticker == "MU"]
    (case,) = [each for each in story.disputed.cases if each["kind"] == "restatement"]
    assert case["listing_id"] == "XNAS:MU"
    assert case["n_rows"] >= len(SESSIONS) - 2
    assert [day for ticker, day in story.disputed.core if ticker == "SPY"]


def test_a_released_bar_comes_back_with_the_next_run(story):
    assert story.released.returncode == 0, story.released.stderr
    assert story.released.stdout.startswith("released: XNAS:NVDA 2025-01-27")
    close, n_sources = story.mended.core["NVDA", MONDAY]
    assert close in {
        closes(story.clean["NVDA"])[MONDAY],
        round(closes(story.clean["NVDA"])[MONDAY] * 1.02, 2),
    }
    assert n_sources == 1
    (case,) = [each for each in story.mended.cases if each["note"] == "seen on the tape"]
    assert case["resolution"] == "released"


def test_a_history_that_comes_back_resolves_the_case_by_itself(story):
    assert story.mended.core["MU", FRIDAY] == story.agreed.core["MU", FRIDAY]
    assert story.mended.core["MU", SESSIONS[-1]][0] == closes(story.clean["MU"])[SESSIONS[-1]]
    assert not [each for each in story.mended.cases if each["kind"] == "restatement"]


def test_what_was_known_on_the_evening_of_a_day_can_be_asked_later(story):
    from resources.warehouse import Warehouse

    with Warehouse(path=str(story.home / "selloff.duckdb")).reading() as con:
        loads = con.execute(
            "SELECT DISTINCT load_id, max(known_from) FROM raw.price_vintages "
            "GROUP BY load_id ORDER BY 2"
        ).fetchall()
        past = con.execute(
            "SELECT ticker, session_date, close, n_sources FROM core.daily_prices_as_of(?)",
            [loads[0][1]],
        ).fetchall()
    found = {(ticker, day): (close, n) for ticker, day, close, n in past}
    assert found == story.agreed.core


def test_the_answers_are_kept_beside_the_warehouse_under_their_hashes(story):
    from resources.payloads import Payloads
    from resources.warehouse import Warehouse

    with Warehouse(path=str(story.home / "selloff.duckdb")).reading() as con:
        rows = con.execute(
            "SELECT requested, payload_sha256, request, client, n_tries FROM raw.fetches "
            "WHERE source = 'yahoo' AND outcome = 'delivered'"
        ).fetchall()
    assert {row[0] for row in rows} == set(TICKERS)
    kept = Payloads(story.home / "payloads")
    for ticker, sha256, request, client, n_tries in rows:
        assert json.loads(kept.read(sha256))["chart"]["result"][0]["meta"]["symbol"] == ticker
        assert f"/chart/{ticker}?" in request
        assert "crumb" not in request
        assert client.startswith("yfinance ")
        assert n_tries == 1
