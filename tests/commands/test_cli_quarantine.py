"""`selloff quarantine`: what is open, and what is decided, on a warehouse with three cases."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from resources.batch import Batch, Reject
from resources.warehouse import Warehouse
from warehouse.tables.prices import PRICE_VINTAGES

NOW = datetime(2025, 1, 27, 22, tzinfo=UTC)


def bar(**changes):
    return {
        "listing_id": "XNAS:NVDA",
        "ticker": "NVDA",
        "session_date": date(2025, 1, 27),
        "close": 118.42,
        "currency": "USD",
        "source": "files",
        "source_file": "bars.csv",
        "source_row": 2,
        **changes,
    }


@pytest.fixture
def home(tmp_path):
    """A warehouse that refused a broken row, a duplicate and a torn line."""
    rows = [
        bar(),
        bar(close=119.0, source_row=3),
        bar(ticker="MU", listing_id="XNAS:MU", close=-1.0),
    ]
    batch = Batch(pa.Table.from_pylist(rows), [], [Reject("bars.csv", 9, "torn line", "{")], "real")
    warehouse = Warehouse(path=str(tmp_path / "selloff.duckdb"))
    warehouse.land(PRICE_VINTAGES, batch, run_id="run", now=NOW)
    return tmp_path


@pytest.fixture
def cases(home, command):
    """Return the cases as the command shows them in JSON, by the words of their reasons."""

    def shown(*options):
        result = command(home, "quarantine", "list", "--format", "json", *options)
        assert result.exit_code == 0
        return {row["reason"].split(":")[0].split(",")[0]: row for row in json.loads(result.stdout)}

    return shown


def test_an_empty_quarantine_says_so(tmp_path, command):
    result = command(tmp_path, "quarantine", "list")
    assert (result.exit_code, result.stdout) == (0, "nothing is in quarantine\n")


def test_every_open_case_is_listed_with_its_place_and_cause(home, command):
    result = command(home, "quarantine", "list", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert {(row["source_file"], row["source_row"], row["reason"]) for row in rows} == {
        ("bars.csv", "3", "duplicate of row 2, other values"),
        ("bars.csv", "2", "close is not positive: close -1.0"),
        ("bars.csv", "9", "torn line"),
    }
    assert {row["resolution"] for row in rows} == {"open"}


def test_the_table_fits_people(home, command):
    text = command(home, "quarantine", "list").stdout
    assert "delivered_in" in text
    assert "bars.csv:9" in text
    assert "payload" not in text


def test_a_case_is_released_by_the_first_digits_of_its_id(home, command, cases):
    case = cases()["duplicate of row 2"]
    result = command(home, "quarantine", "release", case["quarantine_id"][:10], "--note", "tape")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "released: XNAS:NVDA 2025-01-27: duplicate of row 2, other values",
        "The next `selloff run` computes what rests on it.",
    ]
    with Warehouse(path=str(home / "selloff.duckdb")).reading() as con:
        newest = con.execute("SELECT arg_max(close, known_from) FROM raw.price_vintages").fetchall()
    assert newest == [(119.0,)]
    assert "duplicate of row 2" not in cases()
    assert cases("--all")["duplicate of row 2"]["note"] == "tape"


def test_a_case_is_rejected_with_a_note(home, command, cases):
    case = cases()["torn line"]
    result = command(home, "quarantine", "reject", case["quarantine_id"], "--note", "a cut file")
    assert result.stdout.startswith("rejected: torn line\n")
    decided = cases("--all")["torn line"]
    assert (decided["resolution"], decided["note"]) == ("rejected", "a cut file")


def test_a_broken_row_stays_out_whoever_releases_it(home, command, cases):
    case = cases()["close is not positive"]
    result = command(home, "quarantine", "release", case["quarantine_id"], "--note", "please")
    assert result.exit_code == 1
    assert "still refused: close is not positive: close -1.0; deliver it corrected" in result.stderr
    assert "Traceback" not in result.output
    assert cases()["close is not positive"]["resolution"] == "open"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("release", "ffff", "--note", "x"),
            "no quarantined case 'ffff'; `selloff quarantine list`",
        ),
        (("list", "--format", "xml"), "--format xml: one of table, csv, json"),
    ],
)
def test_a_wrong_word_is_one_line(home, command, arguments, message):
    result = command(home, "quarantine", *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith(message)
    assert len(result.stderr.splitlines()) == 1


def test_a_decision_needs_a_note(home, command, cases):
    result = command(home, "quarantine", "reject", cases()["torn line"]["quarantine_id"])
    assert result.exit_code == 2
    assert "--note" in result.stderr


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"SELLOFF_PRICES": "bloomberg"}, "SELLOFF_PRICES: unknown price provider 'bloomberg'; "),
        (
            {"SELLOFF_PRICES": "yahoo", "SELLOFF_TICKERS": "NVDIA"},
            "SELLOFF_TICKERS: unknown ticker 'NVDIA'; nearest: NVDA; ",
        ),
        (
            {"SELLOFF_PRICES": "files", "SELLOFF_PRICES_PATH": ".", "SELLOFF_PRICES_ZONE": "CEST"},
            "SELLOFF_PRICES_ZONE: unknown time zone 'CEST'; a name of the IANA list such as ",
        ),
        ({"SELLOFF_SHARES": "sec"}, "SELLOFF_SEC_CONTACT: the SEC wants a name and an e-mail "),
        ({"SELLOFF_ARTICLES_PATH": "/no/such"}, "SELLOFF_ARTICLES_PATH: /no/such: no such file"),
    ],
)
def test_a_wrong_setting_stops_a_run_before_it_starts(tmp_path, command, given, line):
    result = command(tmp_path, "run", **given)
    assert result.exit_code == 1
    assert result.stderr.startswith(line)
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "selloff.duckdb").exists()
