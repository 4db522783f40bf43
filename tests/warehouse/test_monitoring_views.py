"""What the views for BI show of connectedness, claims and quality, worked out by hand."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

FRIDAY, MONDAY = date(2025, 1, 24), date(2025, 1, 27)


@pytest.fixture
def ask(tables):
    """Return a way to ask the views."""
    for statement in views().values():
        tables.con.execute(statement)
    tables.put(
        table("core.instruments"),
        listing_id="XNAS:NVDA",
        ticker="NVDA",
        name="NVIDIA Corporation",
        asset_class="equity",
        registered_from="repository",
    )
    return lambda sql: fetch(tables.con, sql)


def at(text):
    """Return an instant."""
    return datetime.fromisoformat(text)


# -- connectedness --------------------------------------------------------------------------


@pytest.fixture
def put_measure(tables):
    """Return a way to write a measure of the connectedness of the US sectors."""

    def put(measure, value, name="", day=MONDAY, **more):
        given = {
            "series_set": "US sectors",
            "level": "sector",
            "session_date": day,
            "measure": measure,
            "series_name": name,
            "value": value,
            "window_from": date(2024, 1, 30),
            "model": "var",
            "decomposition": "generalized",
            "window_rows": 250,
            "n_regressed": 249,
            "n_series": 3,
        }
        tables.put(table("mart.connectedness"), **{**given, **more})

    return put


def test_a_session_tells_its_totals_and_who_sends_and_receives_most(ask, put_measure):
    put_measure("total", 0.3)
    put_measure("corrected_total", 0.45)
    for name, net in (("Energy", -0.1), ("Utilities", 0.04), ("Financials", 0.06)):
        put_measure("net", net, name)
    (row,) = ask("FROM mart.connectedness_through_time")
    assert row["series_label"] == "US sectors, 250 sessions"
    assert (row["total"], row["corrected_total"], row["corrected_total_text"]) == (
        0.3,
        0.45,
        "45.0%",
    )
    assert (row["strongest_sender"], row["strongest_sender_net"]) == ("Financials", 0.06)
    assert (row["strongest_receiver"], row["strongest_receiver_net"]) == ("Energy", -0.1)


def test_the_newest_session_of_every_set_and_window_is_marked(ask, put_measure):
    put_measure("corrected_total", 0.2, day=FRIDAY)
    put_measure("corrected_total", 0.3, day=MONDAY)
    put_measure("corrected_total", 0.4, day=FRIDAY, window_rows=100, n_regressed=99)
    rows = ask("SELECT window_rows, session_date, is_newest FROM mart.connectedness_through_time")
    assert [tuple(row.values()) for row in rows] == [
        (250, FRIDAY, False),
        (250, MONDAY, True),
        (100, FRIDAY, True),
    ]


def test_a_window_without_a_solution_and_other_models_leave_no_figures(ask, put_measure):
    put_measure("corrected_total", None)
    put_measure("lagged", 0.1, model="r_squared", decomposition="genizi")
    (row,) = ask("FROM mart.connectedness_through_time")
    assert (row["corrected_total"], row["corrected_total_text"]) == (None, None)
    assert row["strongest_sender"] is None


# -- claims ---------------------------------------------------------------------------------


@pytest.fixture
def put_claim(tables):
    """Return a way to write an article with one claim and its verdict."""
    shared = {"claim_id": "c", "article_id": "a", "listing_id": "XNAS:NVDA", "ticker": "NVDA"}
    text = "Nvidia fell\u202e nearly 17%."

    def put(claim, check, published="2025-01-28T07:30"):
        tables.put(
            table("raw.articles"),
            article_id="a",
            text=text,
            title="\u2067Chips",
            source="daily",
            published_at=at(published),
        )
        tables.put(table("core.documents"), article_id="a", n_copies=1)
        given = {"end_offset": 5, "sentence_end": len(text), "published_at": at(published)}
        tables.put(table("core.claims"), **{**shared, **given, **claim})
        given = {"source": "daily", "published_at": at(published)}
        tables.put(table("mart.claim_checks"), **{**shared, **given, **check})

    return put


def test_a_claim_reads_as_words_with_what_the_prices_say(ask, put_claim):
    put_claim(
        {
            "metric": "price_change",
            "direction": "down",
            "magnitude_low": 0.17,
            "magnitude_high": 0.17,
            "qualifier": "nearly",
            "unit": "fraction",
        },
        {
            "metric": "price_change",
            "unit": "fraction",
            "verdict": "supported_other_reading",
            "reading": "intraday_low",
            "observed": -0.16968,
        },
    )
    (row,) = ask("FROM mart.claim_verdicts")
    assert row["label"] == "NVIDIA Corporation (NVDA)"
    assert (row["claimed_text"], row["observed_text"]) == ("nearly down 17%", "-16.97%")
    assert row["verdict_text"] == "supported under another reading"
    assert row["reading_text"] == "intraday low"
    assert row["metric_text"] == "price change"
    assert row["sentence"] == "Nvidia fell nearly 17%."
    assert row["published_text"] == "2025-01-28 07:30"
    assert row["title"] == "Chips"


@pytest.mark.parametrize(
    ("metric", "unit", "low", "high", "observed", "claimed", "said"),
    [
        ("price_change", "fraction", 0.05, 0.07, 0.06, "up 5 to 7%", "+6.00%"),
        ("price_change", "fraction", 0.297, 0.297, None, "up 29.7%", None),
        ("market_value", "USD", 3.5e12, 3.5e12, 3.4932e12, "up 3500 bn USD", "3,493.20 bn USD"),
        ("market_value_change", "USD", 589e9, 589e9, 592.658e9, "up 589 bn USD", "592.7 bn USD"),
        ("level", "USD", 118.42, 118.42, 118.42, "up 118.42 USD", "118.42 USD"),
        (
            "index_points",
            "points",
            44910.65,
            44910.65,
            44910.65,
            "up 44910.65 points",
            "44,910.65 points",
        ),
    ],
)
def test_figures_are_shown_in_the_unit_of_the_claim(
    ask, put_claim, metric, unit, low, high, observed, claimed, said
):
    put_claim(
        {
            "metric": metric,
            "unit": unit,
            "direction": "up",
            "magnitude_low": low,
            "magnitude_high": high,
        },
        {"metric": metric, "unit": unit, "observed": observed, "verdict": "not_verifiable"},
    )
    (row,) = ask("SELECT claimed_text, observed_text, verdict_text FROM mart.claim_verdicts")
    assert row == {"claimed_text": claimed, "observed_text": said, "verdict_text": "not verifiable"}


def test_a_level_has_no_direction_and_a_day_without_a_time_stays_a_day(ask, put_claim):
    put_claim(
        {"metric": "level", "unit": "USD", "magnitude_low": 118.4, "magnitude_high": 118.4},
        {"metric": "level", "unit": "USD", "observed": 118.42, "reading": "as_stated"},
        published="2025-01-28T00:00",
    )
    (row,) = ask("FROM mart.claim_verdicts")
    assert (row["claimed_text"], row["published_text"]) == ("118.4 USD", "2025-01-28")
    assert row["reading_text"] is None


# -- quality --------------------------------------------------------------------------------


def test_of_a_check_only_the_newest_result_is_shown_and_failures_come_first(ask, tables):
    def put(name, hour, *, passed, severity="ERROR", **more):
        row = {"table_name": "core.daily_prices", "check_name": name, "run_id": f"run {hour}"}
        checked = {"checked_at": at(f"2025-01-28T{hour}:00"), "is_passed": passed, **more}
        tables.put(table("meta.dq_results"), **row, **checked, severity=severity)

    put("close_is_positive", "07", passed=False, n_rows=9, n_violations=1)
    put("close_is_positive", "08", passed=True)
    put("bars_are_not_stale", "08", passed=False, severity="WARN", n_rows=14936, n_violations=3)
    put(
        "grain_is_unique",
        "08",
        passed=False,
        sample_keys='[{"ticker": "\u202eA", "close": 1}, {"ticker": "B"}]',
    )
    rows = ask("SELECT check_text, layer, status, finding_text, sample_text FROM mart.data_quality")
    assert [tuple(row.values()) for row in rows] == [
        ("grain is unique", "core", "failed", "0 of 0", "ticker: A, close: 1; ticker: B"),
        ("bars are not stale", "core", "warning", "3 of 14,936", ""),
        ("close is positive", "core", "passed", "0 of 0", ""),
    ]


def test_a_refused_row_is_open_until_it_is_resolved_or_decided(ask, tables):
    refused, decided = table("raw.quarantine"), table("raw.quarantine_decisions")
    for case, hour in (("open", 9), ("resolved", 8), ("decided", 7)):
        when = at("2025-01-28T12:00") if case == "resolved" else None
        seen = at(f"2025-01-28T{hour:02}:00")
        tables.put(refused, quarantine_id=case, resolved_at=when, first_seen_at=seen)
    for decision, hour in (("rejected", 13), ("released", 14)):
        when = at(f"2025-01-28T{hour}:00")
        tables.put(decided, quarantine_id="decided", decision=decision, decided_at=when)
    rows = ask("SELECT quarantine_id, case_status FROM mart.quarantine_cases")
    assert [tuple(row.values()) for row in rows] == [
        ("open", "open"),
        ("resolved", "resolved"),
        ("decided", "released"),
    ]


def test_a_history_kept_out_for_one_reason_is_one_case(ask, tables):
    for day in (FRIDAY, MONDAY):
        tables.put(
            table("core.quarantined_bars"),
            quarantine_id="x",
            listing_id="XNAS:NVDA",
            session_date=day,
            kind="restatement",
        )
    (row,) = ask("FROM mart.quarantine_cases")
    assert (row["session_date"], row["last_session_date"]) == (FRIDAY, MONDAY)
    assert (row["label"], row["kind"]) == ("NVIDIA Corporation (NVDA)", "restatement")
