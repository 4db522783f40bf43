"""The `selloff` command: what it runs, what it prints, and with which status it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]
HEADER = "ticker,date,open,high,low,close,volume"
SESSIONS = (22, 23, 24, 27, 28)
KNOWN = ["SPY", "NVDA", "AMD", "GOOGL", "ASML", "TSLA", "SMH", "ETN"]


def write(path, *rows, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")


def bars(tickers, days=SESSIONS):
    """Return plain bars; the closes differ by ticker and day and are made up."""
    return [
        f"{ticker},2025-01-{day},,,,{100 + 3 * place + day / 10},{1000 + day}"
        for place, ticker in enumerate(tickers)
        for day in days
    ]


@pytest.fixture(scope="session")
def house(tmp_path_factory, command):
    """Run the command on files of its own in a folder of its own."""

    def build(name):
        home = tmp_path_factory.mktemp(name)
        prices, articles = home / "prices", home / "articles"
        prices.mkdir()
        articles.mkdir()
        given = {
            "SELLOFF_PRICES": "files",
            "SELLOFF_PRICES_PATH": str(prices),
            "SELLOFF_ARTICLES_PATH": str(articles),
        }

        def run(*arguments, **more):
            return command(home, *arguments, **{**given, **more})

        def query(sql):
            return json.loads(run("sql", sql, "--format", "json").stdout)

        return SimpleNamespace(home=home, prices=prices, articles=articles, run=run, query=query)

    return build


def lines(result, word):
    """Return what was said on standard error after a word, line by line."""
    return sorted(
        line.removeprefix(f"{word}: ")
        for line in result.stderr.splitlines()
        if line.startswith(f"{word}: ")
    )


# -- bad input --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def faulty(house):
    """One file per fault among good ones, through the whole graph."""
    made = house("faulty")
    folder = made.prices
    write(folder / "good.csv", *bars(KNOWN))
    write(folder / "missing_column.csv", "MU,2025-01-27,91.1", header="ticker,date,open")
    write(folder / "bad_date.csv", *bars(["AVGO"], [27]), "AVGO,2025-13-45,,,,207.36,9")
    write(folder / "negative.csv", *bars(["MSFT"], [24]), "MSFT,2025-01-27,,,,-434.56,9")
    write(folder / "infinite.csv", *bars(["META"], [24]), "META,2025-01-27,,,,inf,9")
    write(folder / "twice.csv", *bars(["ORCL"], [27]), "ORCL,2025-01-27,,,,158.28,9")
    write(folder / "impossible.csv", *bars(["DELL"], [24]), "DELL,2025-01-27,9,8,7,7.5,9")
    (folder / "empty.csv").write_text("")
    write(folder / "header_only.csv")
    write(folder / "stranger.csv", *bars(["ZZZ"]))
    write(folder / "instruments.csv", "ZZZ,Alchemy", header="ticker,sector")
    (made.articles / "good.txt").write_text("Nvidia fell by 17 percent on Monday.")
    (made.articles / "broken.json").write_text('{"title": "half')
    asked = [*KNOWN, "AVGO", "MSFT", "META", "ORCL", "DELL", "ZZZ", "NOPE"]
    made.result = made.run("run", SELLOFF_TICKERS=" ".join(asked))
    return made


def test_refused_input_ends_with_status_three(faulty):
    assert faulty.result.exit_code == 3, faulty.result.stderr
    assert not lines(faulty.result, "failed")


def test_each_refused_row_is_one_line_with_file_row_and_cause(faulty):
    assert lines(faulty.result, "refused") == [
        f"{faulty.prices / 'instruments.csv'}:2: unknown sector 'Alchemy', not one of GICS",
        "bad_date.csv:3: session_date is no DATE: 2025-13-45",
        "broken.json: not JSON: Unterminated string starting at: line 1 column 11 (char 10)",
        "impossible.csv:3: open is above high: open 9.0, high 8.0",
        "infinite.csv:3: close is not finite: close inf",
        "negative.csv:3: close is not positive: close -434.56",
        "twice.csv:3: duplicate of row 2, other values",
    ]


def test_what_could_not_be_read_is_one_line_with_its_cause(faulty):
    told = lines(faulty.result, "not read")
    assert [line.partition(":")[0] for line in told] == [
        "NOPE",
        "broken.json",
        "empty.csv",
        "header_only.csv",
        "missing_column.csv",
    ]
    assert told[0] == "NOPE: unknown_ticker: no file has a row for NOPE"
    assert told[1].startswith("broken.json: not JSON: ")
    assert told[2:4] == ["empty.csv: empty file", "header_only.csv: only a header, no row"]
    assert told[4] == "missing_column.csv: no column 'close'; it has: ticker, date, open"


def test_good_rows_beside_bad_ones_land(faulty):
    counts = {
        row["ticker"]: row["n"]
        for row in faulty.query("SELECT ticker, count(*) AS n FROM core.daily_prices GROUP BY 1")
    }
    alone = dict.fromkeys(("AVGO", "MSFT", "META", "ORCL", "DELL"), 1)
    assert counts == {**dict.fromkeys([*KNOWN, "ZZZ"], 5), **alone}
    kept = faulty.query("SELECT close FROM core.daily_prices WHERE ticker = 'ORCL'")
    assert kept == [{"close": 102.7}]  # the first of the two


def test_every_refused_row_is_kept_as_it_came(faulty):
    kept = faulty.query("SELECT reason, payload FROM raw.quarantine WHERE source_file LIKE 'neg%'")
    assert len(kept) == 1
    assert json.loads(kept[0]["payload"])["close"] == "-434.56"


def test_a_ticker_that_only_the_prices_know_is_registered_without_a_sector(faulty):
    sql = "SELECT listing_id, sector, registered_from FROM core.instruments WHERE ticker = 'ZZZ'"
    assert faulty.query(sql) == [
        {"listing_id": "FILE:ZZZ", "sector": None, "registered_from": "prices"}
    ]
    sql = "SELECT severity FROM meta.dq_results WHERE check_name = 'every_listing_is_classified'"
    assert faulty.query(sql + " AND NOT is_passed") == [{"severity": "WARN"}]


def test_the_readable_article_is_there_in_spite_of_the_other(faulty):
    found = faulty.query("SELECT ticker FROM core.mentions JOIN raw.articles USING (article_id)")
    assert found == [{"ticker": "NVDA"}]


# -- good input -------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sound(house):
    """A backfill of good files."""
    made = house("sound")
    write(made.prices / "bars.csv", *bars(KNOWN))
    made.result = made.run("backfill", "--from", "2025-01-22", "--to", "2025-01-27")
    return made


def test_good_input_ends_with_status_zero_and_says_nothing(sound):
    assert sound.result.exit_code == 0, sound.result.stderr
    assert not lines(sound.result, "refused") + lines(sound.result, "not read")


def test_a_backfill_covers_its_range_and_is_published_as_one(sound):
    days = "SELECT min(session_date) AS first, max(session_date) AS last FROM core.daily_prices"
    assert sound.query(days) == [{"first": "2025-01-22", "last": "2025-01-27"}]
    assert sound.query("SELECT is_backfill FROM meta.releases") == [{"is_backfill": True}]


def test_real_prices_make_a_real_warehouse(sound):
    assert sound.query("SELECT kind FROM meta.warehouse") == [{"kind": "real"}]


def test_the_replay_is_refused_by_a_warehouse_of_real_prices_in_one_line(sound, tmp_path, command):
    shutil.copy(sound.home / "selloff.duckdb", tmp_path / "selloff.duckdb")
    result = command(tmp_path, "run", "--day", "2025-01-27")
    (line,) = result.stderr.splitlines()
    assert result.exit_code == 1
    assert "holds real data and replay data came: they are never mixed" in line
    assert line.endswith("set SELLOFF_WAREHOUSE to another file")


# -- asking -----------------------------------------------------------------------------------


@pytest.fixture
def ask(replay, command):
    """Run a command on the replay."""
    return lambda *arguments, **given: command(replay.home, *arguments, **given)


def test_the_demo_shows_the_event_the_worst_and_the_sectors(replay):
    shown = replay.result.stdout
    assert "2025-01-27  sector sell-off in US" in shown
    assert "origin Information Technology" in shown
    for name in ("How it spread", "Ten worst equities", "Sectors", "Checks that failed"):
        assert name in shown
    for ticker in ("VRT", "VST", "ANET", "GEV", "CEG", "NVDA"):
        assert f" {ticker} " in shown
    assert "592.7" in shown  # billions of USD
    assert "-16.97%" in shown


def test_the_demo_says_what_is_real_and_what_is_simulated_and_what_to_do_next(replay):
    shown = replay.result.stdout
    assert "Closes and volumes from 2025-01-17 on are real; earlier sessions" in shown
    assert f"The database: {replay.release}" in shown
    assert "make dev" in shown
    assert "bars_are_not_stale" in shown


def test_the_progress_is_shown_beside_the_result_not_in_it(replay):
    assert "━" in replay.result.stderr
    assert "done" in replay.result.stderr
    assert "done" not in replay.result.stdout


def test_an_event_is_shown_by_its_date(ask):
    result = ask("event", "2025-01-27")
    assert result.exit_code == 0
    assert "sell-off in US" in result.stdout
    assert "NVIDIA Corporation" in result.stdout


QUERY = "SELECT ticker, round(simple_return, 4) AS fall FROM mart.event_losses"
NVDA = QUERY + " WHERE ticker = 'NVDA'"


def test_a_query_is_answered_as_csv(ask):
    result = ask("sql", NVDA, "--format", "csv")
    assert list(csv.reader(io.StringIO(result.stdout))) == [["ticker", "fall"], ["NVDA", "-0.1697"]]


def test_a_query_is_answered_as_json(ask):
    result = ask("sql", NVDA + " LIMIT 1", "--format", "json")
    assert json.loads(result.stdout) == [{"ticker": "NVDA", "fall": -0.1697}]


def test_a_query_is_answered_as_a_table(ask):
    result = ask("sql", NVDA)
    assert "│ NVDA   │ -0.1697 │" in result.stdout


def test_a_query_without_rows_is_no_error(ask):
    for form in ("table", "csv", "json"):
        result = ask("sql", QUERY + " WHERE false", "--format", form)
        assert result.exit_code == 0
    assert json.loads(result.stdout) == []


def test_text_that_a_spreadsheet_would_run_is_quoted(ask):
    result = ask("sql", "SELECT '=1+1' AS a, '@x' AS b, -1.5 AS c, NULL AS d", "--format", "csv")
    assert result.stdout.splitlines()[1] == "'=1+1,'@x,-1.5,"


def test_text_in_a_table_is_text_and_no_markup(ask):
    result = ask("sql", "SELECT '[bold]x[/bold]' AS a")
    assert "[bold]x[/bold]" in result.stdout


@pytest.mark.parametrize(
    ("query", "cause"),
    [
        ("SELECT nothing FROM core.daily_prices", "nothing"),
        ("SELEKT 1", "syntax error"),
        ("DELETE FROM core.daily_prices", "read-only"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled"),
        ("SET enable_external_access = true", "locked"),
    ],
)
def test_a_query_that_cannot_be_run_says_why(ask, query, cause):
    result = ask("sql", query)
    assert result.exit_code == 1
    assert cause in result.stderr
    assert not result.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["sql", "SELECT 1", "--format", "xml"], "--format xml: one of table, csv, json"),
        (["event", "2025-01-24"], "no sell-off on 2025-01-24; the nearest: 2025-01-27 (`selloff"),
        (
            ["backfill", "--from", "2025-01-28", "--to", "2025-01-27"],
            "--from 2025-01-28 lies after --to 2025-01-27",
        ),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_in_one_line(ask, arguments, line):
    result = ask(*arguments)
    assert result.exit_code == 1
    (said,) = result.stderr.splitlines()
    assert said.startswith(line)


@pytest.mark.parametrize("arguments", [["sql", "SELECT 1"], ["event", "2025-01-27"]])
def test_before_anything_is_published_one_line_says_so(tmp_path, command, arguments):
    result = command(tmp_path, *arguments)
    assert result.exit_code == 1
    (said,) = result.stderr.splitlines()
    assert said.endswith("nothing is published yet; `selloff run` publishes when its checks pass")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"SELLOFF_PRICES": "bloomberg"}, "unknown price provider 'bloomberg'"),
        ({"SELLOFF_PRICES": "files"}, "the price provider 'files' needs a path"),
        ({"SELLOFF_PRICES": "yahoo", "SELLOFF_WAREHOUSE": "core.duckdb"}, "cannot be called"),
    ],
)
def test_a_wrong_setting_is_one_line(tmp_path, command, given, line, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = command(tmp_path, "run", **given)
    assert result.exit_code == 1
    (said,) = result.stderr.splitlines()
    assert line in said


# -- looking after the file -------------------------------------------------------------------


def test_the_doctor_says_what_is_configured_what_is_reachable_and_what_is_stale(ask, replay):
    result = ask("doctor")
    assert result.exit_code == 0
    for said in ("in the repository", "the replay's own texts", "replay", "prices of XTKS"):
        assert said in result.stdout
    assert str(replay.home / "dagster")[:40] in result.stdout
    assert "sessions behind" in result.stdout


def test_the_doctor_finds_what_is_missing(tmp_path, command):
    nowhere = str(tmp_path / "nowhere")
    result = command(
        tmp_path,
        "doctor",
        SELLOFF_PRICES="files",
        SELLOFF_PRICES_PATH=nowhere,
        SELLOFF_ARTICLES_PATH=nowhere,
    )
    assert result.exit_code == 0
    # A cell is broken where the path in it is long.
    said = " ".join(result.stdout.replace("│", " ").split())
    assert said.count("MISSING") == 2
    assert "not there yet" in said
    assert "nothing is published yet" in said


def test_a_backup_restores_the_warehouse(ask, replay, tmp_path, command):
    saved = tmp_path / "saved" / "backup.duckdb"
    result = ask("backup", saved)
    assert (result.exit_code, result.stdout.strip()) == (0, f"saved to {saved}")
    other = tmp_path / "other"
    result = command(other, "restore", saved)
    assert result.exit_code == 0
    assert str(other / "selloff.duckdb") in result.stdout
    assert (other / "selloff.duckdb").stat().st_size == saved.stat().st_size
    assert replay.release.exists()


def test_what_is_no_warehouse_is_not_restored(tmp_path, command):
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear warehouse")
    for source in (letter, tmp_path / "nothing.duckdb"):
        result = command(tmp_path / "home", "restore", source)
        assert result.exit_code == 1
        assert len(result.stderr.splitlines()) == 1
        assert str(source) in result.stderr


def test_a_backup_that_cannot_be_written_is_one_line(ask, tmp_path):
    (tmp_path / "file").write_text("no folder")
    result = ask("backup", tmp_path / "file" / "backup.duckdb")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_the_command_that_make_writes_runs_from_any_folder(tmp_path):
    target = tmp_path / "selloff"
    script = ROOT / "scripts" / "selloff.py"
    subprocess.run([sys.executable, str(script), str(target)], check=True)  # noqa: S603 - our own
    assert os.access(target, os.X_OK)
    done = subprocess.run(  # noqa: S603 - the file just written
        [str(target), "--help"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    for command in ("run", "backfill", "event", "sql", "demo", "doctor", "backup", "restore"):
        assert f" {command} " in done.stdout
