"""Corporate actions beside files of prices: what is read, what is refused, where it lands."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from resources.batch import Days, Listing
from resources.prices import Prices
from resources.prices.actions import beside
from resources.warehouse import Warehouse
from warehouse.tables.prices import PRICE_VINTAGES

NVDA = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")
SPAN = Days(date(2024, 6, 1), date(2024, 6, 30))
HEAD = "ticker,ex_date,action,split_ratio,amount\n"
# Nvidia's split of 10:1 and its first dividend after it, as paid.
REAL = HEAD + "NVDA,2024-06-10,split,10,\nNVDA,2024-06-11,dividend,,0.01\nXX,2024-06-12,split,2,\n"


@pytest.fixture
def folder(tmp_path):
    def write(text=None, *, encoding="utf-8"):
        (tmp_path / "NVDA.csv").write_text("Date,Close\n2024-06-07,1208.88\n2024-06-10,121.79\n")
        if text is not None:
            (tmp_path / "corporate_actions.csv").write_text(text, encoding=encoding)
        return tmp_path

    return write


def test_actions_are_read_beside_the_prices_of_a_folder_or_a_file(folder):
    home = folder(REAL)
    for path in (home, home / "NVDA.csv"):
        table, rejects = beside(path, {"NVDA": NVDA})
        assert rejects == []
        told = ("listing_id", "ex_date", "action", "split_ratio", "amount", "currency", "basis")
        assert [tuple(row[name] for name in told) for row in table.to_pylist()] == [
            ("XNAS:NVDA", "2024-06-10", "split", "10", None, "USD", "as_traded"),
            ("XNAS:NVDA", "2024-06-11", "dividend", None, "0.01", "USD", "as_traded"),
            ("FILE:XX", "2024-06-12", "split", "2", None, None, "as_traded"),
        ]
        assert table["source_row"].to_pylist() == [2, 3, 4]


def test_without_the_file_there_are_none(folder):
    assert beside(folder(), {}) == (None, [])


def test_the_file_of_actions_is_no_file_of_prices(folder):
    batch = Prices(provider="files", path=str(folder(REAL))).fetch([NVDA], SPAN)
    assert [answer.requested for answer in batch.answers] == ["NVDA.csv"]
    assert batch.rows.num_rows == 2
    assert batch.beside["raw.corporate_actions"].num_rows == 3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ticker,date\nNVDA,2024-06-10\n", "column missing: ex_date, action"),
        ("", "column missing: ticker, ex_date, action"),
        (HEAD + 'NVDA,"2024', "not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_reject(folder, text, reason):
    table, (reject,) = beside(folder(text), {})
    assert table is None
    assert reject.source_file == "corporate_actions.csv"
    assert reject.reason.startswith(reason)


def test_text_in_another_encoding_is_refused(folder):
    table, (reject,) = beside(folder(HEAD + "NVDÄ,2024-06-10,split,10,\n", encoding="latin-1"), {})
    assert table is None
    assert "UTF-8" in reject.reason


def test_a_line_with_too_many_cells_is_refused_and_the_others_stay(folder):
    table, (reject,) = beside(folder(REAL + "NVDA,2024-06-13,split,10,,,9\n"), {"NVDA": NVDA})
    assert table.num_rows == 3
    assert (reject.source_row, reject.reason) == (5, "more or fewer cells than columns")


def test_as_traded_prices_and_their_split_land_together_and_bad_actions_are_named(folder):
    text = REAL + "NVDA,2024-06-14,split,0,\nNVDA,2024-06-17,merger,2,\n"
    prices = Prices(provider="files", path=str(folder(text)), basis="as_traded")
    warehouse = Warehouse(path=str(folder() / "selloff.duckdb"))
    written = warehouse.land(
        PRICE_VINTAGES,
        prices.fetch([NVDA], SPAN),
        run_id="run",
        now=datetime(2024, 7, 1, tzinfo=UTC),
    )
    assert written.beside["raw.corporate_actions"].first_refused == (
        "corporate_actions.csv:5: split_ratio is not positive: split_ratio 0.0",
        "corporate_actions.csv:6: action is not known: action merger",
    )
    with warehouse.reading() as con:
        held = con.execute(
            "SELECT ticker, action, split_ratio, amount FROM raw.corporate_actions ORDER BY ex_date"
        ).fetchall()
        bases = con.execute("SELECT DISTINCT basis FROM raw.price_vintages").fetchall()
    assert held[:2] == [("NVDA", "split", 10.0, None), ("NVDA", "dividend", None, 0.01)]
    assert bases == [("as_traded",)]
