"""Whether a workbook says what the release says, and nothing in it can act."""

from __future__ import annotations

from datetime import datetime

import pytest

from resources.exports import excel, sheets
from resources.warehouse import WarehouseError
from warehouse.tables.event_studies import EVENT_STUDY_TESTS
from warehouse.tables.meta import DQ_RESULTS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

EVENT = "sector-us-technology-2025-01-27"
RELEASE = "20250128T030000.000000Z"


@pytest.fixture
def event(release, tmp_path, read):
    """Write the workbook of the event, and read it."""

    def run(name="event.xlsx"):
        excel.write_event(release.con, EVENT, tmp_path / name)
        return read(tmp_path / name)

    return run


@pytest.fixture
def whole(release, tmp_path, read):
    """Write the workbook of the release, and read it."""

    def run():
        excel.write_release(release.con, tmp_path / "release.xlsx")
        return read(tmp_path / "release.xlsx")

    return run


def facts(book, name="event"):
    return {row["what"].value: row.get("value") for row in book.records(name)}


def test_an_event_has_a_sheet_for_each_question(event):
    assert list(event().sheets) == [
        "event",
        "columns",
        "instruments",
        "sectors",
        "spread",
        "claims",
        "tests",
        "left out of tests",
        "data quality",
    ]


def test_a_release_has_a_sheet_for_each_question(whole):
    names = ["release", "columns", "events", "instruments", "claims", "sources", "data quality"]
    assert list(whole().sheets) == names


def test_the_first_sheet_names_the_release_its_vintage_and_its_code(event, whole):
    for book, name in ((event(), "event"), (whole(), "release")):
        found = facts(book, name)
        assert found["release_id"].value == RELEASE
        assert found["published_at"].value == datetime.fromisoformat("2025-01-28T03:00")
        assert found["release_as_of"].value == datetime.fromisoformat("2025-01-28T12:00")
        assert found["code_version"].value == "abc123"


def test_the_first_sheet_tells_the_event_with_units_and_meanings(event):
    book = event()
    assert facts(book)["event_id"].value == EVENT
    (market,) = (row for row in book.records("event") if row["what"].value == "market_return")
    assert market["value"].value == -0.0146
    assert market["value"].style == "0.00%"
    assert market["unit"].value == "fraction"
    assert market["meaning"].value == "The market's return, first session."


def test_figures_are_numbers_in_their_own_form(event):
    worst = event().records("instruments")[0]
    assert worst["ticker"].value == "NVDA"
    assert (worst["simple_return"].value, worst["simple_return"].style) == (-0.1697, "0.00%")
    lost = worst["market_value_lost_usd"]
    assert (lost.value, lost.style) == (589e9, "#,##0")
    session = worst["session_date"]
    assert (session.value.isoformat(), session.style) == ("2025-01-27T00:00:00", "yyyy-mm-dd")
    assert worst["as_of"].value == datetime.fromisoformat("2025-01-28T02:30")
    assert worst["as_of"].style == "yyyy-mm-dd hh:mm:ss"
    assert worst["is_counted"].kind == "b"


def test_what_is_not_known_is_an_empty_cell(event):
    risen = event().records("instruments")[1]
    assert risen["ticker"].value == "AAPL"
    assert "market_value_lost_usd" not in risen
    assert "abnormal_z" not in risen


def test_a_listing_that_has_no_name_is_not_lost(event):
    rows = event().records("instruments")
    assert [row["ticker"].value for row in rows] == ["NVDA", "AAPL", "MSFT"]
    assert [row["name"].value for row in rows if "name" in row] == ["NVDA Inc.", "AAPL Inc."]


def test_a_claim_s_figures_have_the_form_of_its_own_unit(event, claim):
    claim("Chips fall", "Nvidia fell 17%.")
    share, amount = event().records("claims")
    assert (share["observed"].value, share["observed"].style) == (-0.1697, "0.00%")
    assert (amount["observed"].value, amount["observed"].style) == (-589e9, "")
    assert share["sentence"].value == "Nvidia fell 17%."
    assert share["title"].value == "Chips fall"


def test_the_same_claims_stand_in_the_workbook_of_the_release(whole, claim):
    claim("Chips fall", "Nvidia fell 17%.")
    assert [row["claim_id"].value for row in whole().records("claims")] == ["1", "2"]


def test_probabilities_are_no_percentages(event, release):
    values = {"group_name": "Energy", "p_value": 0.0123, "observed_through": None}
    release.put(EVENT_STUDY_TESTS, event_id=EVENT, **values)
    (row,) = event().records("tests")
    assert (row["p_value"].value, row["p_value"].style) == (0.0123, "0.0000")


def test_every_column_is_explained_with_its_unit(event, whole):
    for book in (event(), whole()):
        explained = {
            (row["sheet"].value, row["column"].value): row for row in book.records("columns")
        }
        for name in [*book.sheets][2:]:
            for cell in book.sheets[name][0].values():
                assert explained[name, cell.value]["meaning"].value.endswith(".")
        assert explained["instruments", "simple_return"]["unit"].value == "fraction"
        assert explained["instruments", "as_of"]["unit"].value == "UTC"


def test_headers_stay_in_sight_and_rows_can_be_filtered(event):
    book = event()
    parts = [text for name, text in book.parts.items() if name.startswith("xl/worksheets/sheet")]
    assert len(parts) == 9
    for text in parts:
        assert '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>' in text
        assert "<cols>" in text
    assert sum("<autoFilter" in text for text in parts) == 7


@pytest.mark.parametrize(
    "text",
    [
        "=cmd|' /C calc'!A0",
        "+1+1",
        "-2+3",
        "@SUM(1)",
        "\uff1d1+1",
        "\t=1+1",
        "\r=1+1",
        "\u202e=1+1",
        "{=1+1}",
        "=HYPERLINK('http://example.org')",
        "http://example.org",
        "mailto:me",
        "internal:Sheet1!A1",
    ],
)
def test_no_text_is_a_formula_or_a_link(event, release, claim, text):
    claim(text, text)
    release.con.execute("UPDATE core.instruments SET name = ? WHERE ticker = 'NVDA'", [text])
    book = event()
    visible = text.strip().lstrip("\u202e")
    for cell in (book.records("claims")[0]["title"], book.records("instruments")[0]["name"]):
        assert cell.value == visible
        assert cell.kind == "inlineStr"
        assert cell.quoted == (visible[0] in "=+-@\uff1d")
    for name, part in book.parts.items():
        assert "<f>" not in part
        assert "<hyperlink" not in part
        assert 'TargetMode="External"' not in part, name


@pytest.mark.parametrize("end", ["", "<f>1+1</f><r>x</r>"])
def test_markup_in_a_text_is_text(event, claim, end):
    """xlsxwriter writes a text from <r> to </r> as it is: cells could be planted so."""
    text = f'<r><t>x</t></r></is></c><c r="Z9"><f>1+1</f></c><c><is>{end}<r></r>'
    claim(text, "_x003D_1+1 <script>alert(1)</script> &lt;")
    book = event()
    row = book.records("claims")[0]
    assert row["title"].value == f"{text} "
    # Excel decodes _x003D_ to =, unless its underscore is encoded.
    assert row["sentence"].value == "_x005F_x003D_1+1 <script>alert(1)</script> &lt;"
    assert all("<f>" not in part for part in book.parts.values())


def test_an_event_whose_name_is_hostile_leaves_a_workbook_that_opens(release, tmp_path, read):
    name = "<r>\x00\x1b\u202e=1+1</r>" + "x" * 300
    release.con.execute("UPDATE mart.selloff_events SET event_id = ?", [name])
    excel.write_event(release.con, name, tmp_path / "odd.xlsx")
    book = read(tmp_path / "odd.xlsx")
    assert facts(book)["event_id"].value == "<r>=1+1</r>" + "x" * 300
    assert "Sell-off &lt;r&gt;=1+1&lt;/r&gt;xxx" in book.parts["docProps/core.xml"]


def test_what_cannot_be_seen_is_dropped(event, claim):
    claim("Chips \u202efall\u202c \x00\x1bnow\u200b", "Nvidia fell 17%.")
    assert event().records("claims")[0]["title"].value == "Chips fall now"


def test_a_text_too_long_for_a_cell_says_so(event, claim):
    claim("x" * 16_000, "y" * 50_000)
    row = event().records("claims")[0]
    assert row["title"].value == "x" * 16_000
    assert row["sentence"].value == "y" * 16_000 + " [... cut, 50,000 characters in all]"


def test_values_that_excel_cannot_hold_are_written_as_text(tmp_path, read, release):
    release.con.execute("ALTER TABLE mart.selloff_events ALTER session_date TYPE TIMESTAMP")
    release.con.execute(
        "UPDATE mart.selloff_events SET session_date = '1850-01-02', n_falling = 9007199254740993"
    )
    excel.write_event(release.con, EVENT, tmp_path / "old.xlsx")
    found = facts(read(tmp_path / "old.xlsx"))
    assert found["session_date"].value == "1850-01-02T00:00:00"
    assert found["n_falling"].value == "9007199254740993"


def test_infinity_is_said_and_nan_is_empty(tmp_path, read, unguarded):
    unguarded.con.execute("INSERT INTO meta.releases BY NAME SELECT ? AS release_id", [RELEASE])
    for ticker, fall in (("A", float("-inf")), ("B", float("nan"))):
        unguarded.put(SELLOFF_METRICS, ticker=ticker, simple_return=fall)
    excel.write_release(unguarded.con, tmp_path / "odd.xlsx")
    rows = {row["ticker"].value: row for row in read(tmp_path / "odd.xlsx").records("instruments")}
    assert rows["A"]["simple_return"].value == "-inf"
    assert "simple_return" not in rows["B"]


def test_of_each_check_the_last_result_is_shown_failures_first(event, release):
    for day, name, is_passed in ((1, "a", False), (2, "a", True), (1, "b", False)):
        release.put(
            DQ_RESULTS,
            run_id=str(day),
            table_name="core.daily_prices",
            check_name=name,
            is_passed=is_passed,
            checked_at=datetime.fromisoformat(f"2025-01-0{day}"),
        )
    rows = event().records("data quality")
    assert [(row["check_name"].value, row["is_passed"].value) for row in rows] == [
        ("b", False),
        ("a", True),
    ]


def test_events_of_a_release_are_all_there_the_newest_first(whole, release):
    release.put(
        SELLOFF_EVENTS, event_id="=older", session_date=datetime.fromisoformat("2020-03-16")
    )
    assert [row["event_id"].value for row in whole().records("events")] == [EVENT, "=older"]


def test_the_same_release_gives_the_same_bytes(release, tmp_path, monkeypatch):
    excel.write_event(release.con, EVENT, tmp_path / "a.xlsx")
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    excel.write_event(release.con, EVENT, tmp_path / "b.xlsx")
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_more_rows_than_excel_reads_are_refused_and_the_old_file_stays(
    release, tmp_path, monkeypatch
):
    path = tmp_path / "event.xlsx"
    path.write_bytes(b"the one before")
    monkeypatch.setattr(excel, "MAX_ROWS", 4)  # a header and the three instruments
    excel.write_event(release.con, EVENT, tmp_path / "fits.xlsx")
    monkeypatch.setattr(excel, "MAX_ROWS", 3)
    with pytest.raises(WarehouseError, match="sheet 'instruments' would have more than the 3 rows"):
        excel.write_event(release.con, EVENT, path)
    assert path.read_bytes() == b"the one before"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["event.xlsx", "fits.xlsx"]


def test_what_excel_reads_is_what_is_written():
    """A header and 1,048,575 rows fill a sheet of Excel 2007 and later."""
    assert excel.MAX_ROWS == 2**20


def test_an_event_that_is_not_there_is_named(release, tmp_path):
    with pytest.raises(WarehouseError, match="no event 'nothing' in release 20250128T03"):
        excel.write_event(release.con, "nothing", tmp_path / "event.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_excel_does_not_open_is_refused(release, tmp_path):
    with pytest.raises(WarehouseError, match=r"out.csv: the name of a workbook ends in .xlsx"):
        excel.write_release(release.con, tmp_path / "out.csv")


def test_a_folder_that_is_not_there_is_one_clear_line(release, tmp_path):
    with pytest.raises(WarehouseError, match=r"out.xlsx: cannot be written: No such file"):
        excel.write_release(release.con, tmp_path / "none" / "out.xlsx")


def test_a_full_disk_leaves_the_old_file(release, tmp_path, monkeypatch):
    path = tmp_path / "release.xlsx"
    path.write_bytes(b"the one before")

    def full(*_given):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("zipfile.ZipFile.write", full)
    with pytest.raises(WarehouseError, match=r"release.xlsx: cannot be written: .*No space left"):
        excel.write_release(release.con, path)
    assert path.read_bytes() == b"the one before"
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_no_release_is_not_exported(tables, tmp_path):
    with pytest.raises(WarehouseError, match="only a published release is exported"):
        excel.write_release(tables.con, tmp_path / "out.xlsx")


def test_a_sheet_s_name_is_one_that_excel_takes():
    for sheet in (sheets.EVENT, *sheets.OF_EVENT, *sheets.OF_RELEASE):
        assert 0 < len(sheet.name) <= 31
        assert not set(sheet.name) & set("[]:*?/\\'")


def test_a_release_of_an_older_schema_is_not_told_in_the_words_of_this_one(release, tmp_path):
    sql = "INSERT INTO meta.contracts VALUES (?, ?, now()::TIMESTAMP)"
    known = (SELLOFF_METRICS.qualified, SELLOFF_METRICS.hash)
    release.con.execute(sql, known)
    excel.write_event(release.con, EVENT, tmp_path / "same.xlsx")
    release.con.execute(sql, ["mart.selloff_events", "another"])
    release.con.execute(sql, ["mart.car_paths", "not in the workbook"])
    said = r"older schema \(mart.selloff_events\): export it with the code of its time"
    with pytest.raises(WarehouseError, match=said):
        excel.write_event(release.con, EVENT, tmp_path / "event.xlsx")
    with pytest.raises(WarehouseError, match=said):
        excel.write_release(release.con, tmp_path / "release.xlsx")
    assert [path.name for path in tmp_path.iterdir()] == ["same.xlsx"]
