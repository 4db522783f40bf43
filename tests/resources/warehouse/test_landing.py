"""Whether good bars land and bad ones are quarantined with file, row and cause."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import pyarrow as pa
import pytest

from resources.batch import Answer, Batch, Reject
from resources.warehouse import WarehouseError, judging
from warehouse.tables.articles import ARTICLES
from warehouse.tables.prices import PRICE_VINTAGES

QUARANTINE = "SELECT source_file, source_row, reason, payload FROM raw.quarantine ORDER BY ALL"
VINTAGES = "SELECT ticker, session_date, close, known_from FROM raw.price_vintages ORDER BY ALL"
N_VINTAGES = "SELECT count(*) FROM raw.price_vintages"


@pytest.fixture
def land(warehouse, now):
    def run(batch, *, run_id="run1", at=now, table=PRICE_VINTAGES):
        return warehouse.land(table, batch, run_id=run_id, now=at)

    return run


def test_a_good_bar_lands_with_the_instant_and_load_it_came_by(warehouse, query, bar, batch, land):
    written = land(batch(bar()))
    assert (written.n_rows, written.n_changed, written.n_quarantined) == (1, 1, 0)
    assert written.from_session == date(2025, 1, 27)
    sql = (
        "SELECT listing_id, open, volume, adj_close, is_provisional, load_id, known_from, "
        "length(row_hash) FROM raw.price_vintages"
    )
    assert query(warehouse, sql) == [
        (
            "XNAS:NVDA",
            124.8,
            818.83e6,
            None,
            False,
            "run1/price_vintages",
            datetime.fromisoformat("2025-01-27 22:00"),
            64,
        )
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"close": -1.0}, "close is not positive: close -1.0"),
        ({"close": 0.0}, "close is not positive: close 0.0"),
        ({"close": float("inf")}, "close is not finite: close inf"),
        ({"close": float("nan")}, "close is not finite: close nan"),
        ({"open": float("-inf")}, "open is not finite: open -inf; open is not positive: open -inf"),
        ({"close": None}, "close is missing"),
        ({"listing_id": None}, "listing_id is missing"),
        ({"listing_id": " "}, "listing_id is missing"),
        ({"session_date": None}, "session_date is missing"),
        ({"session_date": ""}, "session_date is missing"),
        ({"session_date": "27 January"}, "session_date is no DATE: 27 January"),
        ({"session_date": "2025-02-30"}, "session_date is no DATE: 2025-02-30"),
        ({"session_date": "20250-01-27"}, "session_date is no DATE: 20250-01-27"),
        ({"session_date": "infinity"}, "session_date is no DATE: infinity"),
        ({"close": "n/a"}, "close is no DOUBLE: n/a"),
        ({"close": "1,234.5"}, "close is no DOUBLE: 1,234.5"),
        ({"volume": -5.0}, "volume is not at least 0: volume -5.0"),
        ({"low": 200.0}, "low is above high: low 200.0, high 128.4"),
        ({"high": 118.0}, "open is above high: open 124.8, high 118.0"),
        ({"is_simulated": "perhaps"}, "is_simulated is no BOOLEAN: perhaps"),
    ],
    ids=str,
)
def test_a_bad_bar_is_quarantined_with_its_cause_and_a_good_one_lands(
    warehouse, query, bar, batch, land, changed, reason
):
    good = bar(ticker="MU", listing_id="XNAS:MU", source_row=3)
    written = land(batch(bar(**changed), good))
    assert (written.n_rows, written.n_quarantined) == (1, 1)
    assert [row[0] for row in query(warehouse, VINTAGES)] == ["MU"]
    ((file, row, found, payload),) = query(warehouse, QUARANTINE)
    assert (file, row) == ("bars.csv", 2)
    assert found.startswith(reason)
    (name,) = changed
    assert name in json.loads(payload)


def test_every_cause_is_named(warehouse, query, bar, batch, land):
    land(batch(bar(close=-1.0, volume=-1.0, ticker=None)))
    ((_, _, reason, _),) = query(warehouse, QUARANTINE)
    causes = ("ticker is missing", "close is not positive", "volume is not at least 0")
    assert all(cause in reason for cause in causes)


def test_the_payload_is_strict_json_of_the_row_as_delivered(warehouse, query, bar, batch, land):
    odd = {'say "so"': "it's"}
    land(batch(bar(close=float("nan"), open=float("inf"), **odd)))
    ((_, _, _, payload),) = query(warehouse, QUARANTINE)
    delivered = json.loads(payload, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert (delivered["close"], delivered["open"], delivered["high"]) == ("nan", "inf", 128.4)
    assert (delivered["session_date"], delivered['say "so"']) == ("2025-01-27", "it's")


def test_blank_text_is_no_value(warehouse, query, bar, batch, land):
    text = {name: "" if name == "volume" else str(value) for name, value in bar().items()}
    written = land(batch({**text, "source_row": 2}))
    assert (written.n_rows, written.n_quarantined) == (1, 0)
    assert query(warehouse, "SELECT volume, close FROM raw.price_vintages") == [(None, 118.42)]


def test_the_same_bar_twice_in_one_batch_is_a_duplicate(warehouse, query, bar, batch, land):
    written = land(batch(bar(), bar(source_row=7), bar(source_row=8, close=118.0)))
    assert (written.n_rows, written.n_quarantined) == (1, 2)
    assert [row[1:3] for row in query(warehouse, QUARANTINE)] == [
        (7, "duplicate of row 2, same values"),
        (8, "duplicate of row 2, other values"),
    ]
    assert [row[2] for row in query(warehouse, VINTAGES)] == [118.42]


def test_a_bad_bar_is_no_twin_of_a_good_one(warehouse, query, bar, batch, land):
    written = land(batch(bar(close=-1.0), bar(source_row=3)))
    assert (written.n_rows, written.n_quarantined) == (1, 1)
    assert [row[1] for row in query(warehouse, QUARANTINE)] == [2]


def test_landing_twice_adds_nothing(warehouse, query, bar, batch, land, now):
    delivered = batch(bar(), bar(source_row=3, close=-1.0), rejects=[Reject("x", 9, "torn", "{")])
    first = land(delivered)
    held = [query(warehouse, sql) for sql in (VINTAGES, QUARANTINE)]
    again = land(delivered, run_id="run2", at=now + timedelta(days=1))
    assert (first.n_rows, again.n_rows, again.n_changed, again.from_session) == (1, 0, 0, None)
    assert first.n_quarantined == again.n_quarantined == 2
    assert [query(warehouse, sql) for sql in (VINTAGES, QUARANTINE)] == held
    changes = "SELECT table_name, version, from_session FROM meta.changes ORDER BY ALL"
    assert query(warehouse, changes) == [
        ("raw.price_vintages", 1, date(2025, 1, 27)),
        ("raw.quarantine", 1, date(2025, 1, 27)),
    ]


def test_a_changed_close_is_a_second_version_and_the_newest(
    warehouse, query, bar, batch, land, now
):
    land(batch(bar()))
    land(batch(bar(close=118.5)), at=now + timedelta(days=1))
    held = query(warehouse, VINTAGES)
    assert [(row[2], row[3].day) for row in held] == [(118.42, 27), (118.5, 28)]
    sql = "SELECT version, from_session FROM meta.changes ORDER BY ALL"
    assert query(warehouse, sql) == [(1, date(2025, 1, 27)), (2, date(2025, 1, 27))]


def test_a_close_that_goes_back_is_a_third_version(warehouse, query, bar, batch, land, now):
    for number, close in enumerate((118.42, 118.5, 118.42)):
        land(batch(bar(close=close)), at=now + timedelta(days=number))
    assert query(warehouse, N_VINTAGES) == [(3,)]


@pytest.mark.parametrize("later", [timedelta(0), timedelta(days=-400)], ids=["still", "back"])
def test_the_last_version_is_the_newest_though_the_clock_stood_or_went_back(
    warehouse, query, bar, batch, land, now, later
):
    closes = (118.42, 118.5, 118.42, 118.6)
    for number, close in enumerate(closes):
        land(batch(bar(close=close)), at=now + later * number)
        land(batch(bar(close=close)), at=now + later * number)
    sql = "SELECT close FROM raw.price_vintages ORDER BY known_from"
    assert [row[0] for row in query(warehouse, sql)] == list(closes)


def test_null_and_a_word_that_looks_like_it_are_different_values(
    warehouse, query, bar, batch, land
):
    for currency in (None, "NULL", "null", "USD|x"):
        land(batch(bar(currency=currency)))
    assert query(warehouse, N_VINTAGES) == [(4,)]


def test_a_row_without_the_required_column_is_missing_it(warehouse, query, bar, batch, land):
    rows = [bar(source_row=2), bar(source_row=3)]
    for row in rows:
        del row["close"]
    written = land(batch(*rows))
    assert (written.n_rows, written.n_quarantined) == (0, 2)
    assert [row[2] for row in query(warehouse, QUARANTINE)] == ["close is missing"] * 2


def test_columns_that_are_not_delivered_are_null_or_their_default(
    warehouse, query, bar, batch, land
):
    absent = {"open", "high", "low", "currency", "is_simulated"}
    row = {n: v for n, v in bar().items() if n not in absent}
    land(batch(row))
    sql = "SELECT open, high, low, currency, is_provisional, is_simulated FROM raw.price_vintages"
    assert query(warehouse, sql) == [(None, None, None, None, False, False)]


def test_an_empty_batch_leaves_only_its_answers(warehouse, query, land, now):
    answer = Answer("XLK", "no_data", "holiday", 0, now)
    written = land(Batch(pa.table({}), [answer], kind="real"))
    assert (written.n_rows, written.n_quarantined, written.from_session) == (0, 0, None)
    sql = "SELECT load_id, asset, requested, outcome, reason, n_rows, fetched_at FROM raw.fetches"
    assert query(warehouse, sql) == [
        (
            "run1/price_vintages",
            "price_vintages",
            "XLK",
            "no_data",
            "holiday",
            0,
            datetime.fromisoformat("2025-01-27 22:00"),
        )
    ]


def test_a_retried_step_replaces_its_answers_and_keeps_the_others(
    warehouse, query, batch, bar, land, now
):
    answers = [Answer(name, "failed", "time-out", 0, now) for name in ("MU", "AMD")]
    land(batch(bar(), answers=answers))
    land(batch(bar(), answers=[Answer("MU", "delivered", None, 1, now)]))
    sql = "SELECT requested, outcome FROM raw.fetches ORDER BY ALL"
    assert query(warehouse, sql) == [("AMD", "failed"), ("MU", "delivered")]


def test_a_piece_that_is_no_row_is_quarantined_as_it_came(warehouse, query, batch, bar, land):
    rejects = [Reject("bars.csv", 5, "2 cells, 7 expected", "MU,x"), Reject(None, None, "bad", "?")]
    written = land(batch(bar(), rejects=rejects))
    assert written.n_quarantined == 2
    assert query(warehouse, QUARANTINE) == [
        ("bars.csv", 5, "2 cells, 7 expected", "MU,x"),
        (None, None, "bad", "?"),
    ]


def test_the_first_landing_makes_the_warehouse_real_and_a_replay_is_refused(
    warehouse, query, bar, batch, land
):
    land(batch(bar()))
    with pytest.raises(WarehouseError, match="holds real data and replay data came") as refused:
        land(batch(bar(close=1.0), kind="replay"))
    assert "\n" not in str(refused.value)
    assert query(warehouse, N_VINTAGES) == [(1,)]


def test_a_batch_that_brought_nothing_does_not_decide_what_the_warehouse_is(
    warehouse, query, bar, batch, land
):
    land(batch(bar(close=-1.0), kind="real"))
    land(batch(bar(), kind="replay"))
    assert query(warehouse, "SELECT kind FROM meta.warehouse") == [("replay",)]


def test_rows_of_either_kind_may_join_rows_of_no_kind(warehouse, query, bar, batch, land):
    land(batch(bar(), kind=None))
    land(batch(bar(close=118.5)))
    land(batch(bar(close=118.6), kind=None))
    assert query(warehouse, N_VINTAGES) == [(3,)]


def test_a_refused_constraint_leaves_nothing_behind(
    warehouse, query, bar, batch, land, monkeypatch
):
    monkeypatch.setattr(judging, "_broken", lambda _rule: "NULL")  # a judge that sees nothing
    good = bar(ticker="MU", listing_id="XNAS:MU", session_date="2025-01-28")
    with pytest.raises(duckdb.ConstraintException):
        land(batch(good, bar(close=-1.0), bar(session_date="x"), rejects=[Reject("x", 1, "r", "")]))
    for name in ("raw.price_vintages", "raw.quarantine", "raw.fetches", "meta.changes"):
        assert query(warehouse, f"FROM {name}") == []
    assert query(warehouse, "FROM meta.warehouse") == []


def test_instants_are_stored_in_utc_whatever_the_zone_they_came_in(
    warehouse, query, bar, batch, monkeypatch
):
    monkeypatch.setenv("TZ", "America/New_York")
    tokyo = timezone(timedelta(hours=9))
    now = datetime(2025, 1, 28, 7, tzinfo=tokyo)
    warehouse.land(
        PRICE_VINTAGES,
        batch(bar(), answers=[Answer("MU", "delivered", None, 1, now)]),
        run_id="r",
        now=now,
    )
    utc = datetime.fromisoformat("2025-01-27 22:00")
    assert query(warehouse, "SELECT known_from FROM raw.price_vintages") == [(utc,)]
    assert query(warehouse, "SELECT fetched_at FROM raw.fetches") == [(utc,)]
    assert query(warehouse, "SELECT created_at FROM meta.warehouse") == [(utc,)]


def article(**changed):
    return {
        "article_id": "a" * 64,
        "title": "Nvidia falls 17%",
        "source": "example.org",
        "location": "one.html",
        "published_at": datetime(2025, 1, 27, 16, 30, tzinfo=timezone(timedelta(hours=-5))),
        "published_from": "field",
        "language": "en",
        "text": "Nvidia lost $589 billion.",
    } | changed


def test_an_article_is_kept_once_wherever_it_comes_from(warehouse, query, batch, land):
    assert land(batch(article()), table=ARTICLES).n_rows == 1
    again = land(batch(article(location="two.html", title="Nvidia")), table=ARTICLES)
    assert (again.n_rows, again.n_quarantined) == (0, 0)
    sql = "SELECT location, published_at FROM raw.articles"
    assert query(warehouse, sql) == [("one.html", datetime.fromisoformat("2025-01-27 21:30"))]


def test_an_article_that_says_how_it_was_dated_in_an_unknown_word_is_refused(
    warehouse, query, batch, land
):
    land(batch(article(published_from="guess")), table=ARTICLES)
    ((_, _, reason, _),) = query(warehouse, QUARANTINE)
    assert reason == "published_from is not known: published_from guess"


def test_the_session_zone_is_utc_on_every_connection(warehouse):
    zone = "SELECT current_setting('TimeZone')"
    with warehouse.reading() as con:
        assert con.execute(zone).fetchall() == con.cursor().execute(zone).fetchall() == [("UTC",)]
    with warehouse.writing() as con:
        assert con.execute(zone).fetchall() == con.cursor().execute(zone).fetchall() == [("UTC",)]


def test_ten_thousand_answers_are_recorded_quickly(warehouse, query, batch, bar, land):
    at = datetime(2025, 1, 27, 22, tzinfo=UTC)
    land(batch(bar(), answers=[Answer(f"T{n}", "delivered", None, 1, at) for n in range(10_000)]))
    assert query(warehouse, "SELECT count(DISTINCT requested) FROM raw.fetches") == [(10_000,)]
