"""Judgements on sources: answers, outages, refusals, revisions, restatements, conflicts."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from checks.sources import JUDGEMENTS
from resources.batch import Days
from warehouse.tables import table

VINTAGES = table("raw.price_vintages")
FETCHES = table("raw.fetches")
QUARANTINE = table("raw.quarantine")
DECISIONS = table("raw.quarantine_decisions")
RESTATEMENTS = table("core.restatements")
OUT = table("core.quarantined_bars")
MONDAY = date(2025, 1, 27)
NOON = datetime.fromisoformat("2025-01-28T12:00")


def ask(tables, load, requested, outcome, cause=None, at=NOON, **values):
    """Note an answer of a load."""
    noted = {"load_id": load, "asset": "price_vintages", "source": "yahoo", "cause": cause}
    noted |= {"reason": f"{cause}: {requested}" if cause else None, "fetched_at": at, **values}
    tables.put(FETCHES, requested=requested, outcome=outcome, **noted)


# -- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["rate_limited", "outage", "timeout", "truncated", None])
def test_a_failed_request_is_an_error_with_its_reason(tables, verdict, cause):
    ask(tables, "run/1", "NVDA", "delivered")
    ask(tables, "run/1", "AMD", "failed", cause)
    found = verdict("every_request_was_answered", tables)
    assert (found.severity, found.rows_checked, found.rows_failed) == ("ERROR", 2, 1)
    assert found.success  # what did come is worth keeping
    reason = f"{cause}: AMD" if cause else None
    row = {"requested": "AMD", "source": "yahoo", "cause": cause, "reason": reason}
    assert found.first_failing_rows == [row]


@pytest.mark.parametrize(
    ("cause", "check", "severity"),
    [
        ("unknown_ticker", "every_ticker_is_known", "WARN"),
        ("wrong_symbol", "every_answer_is_of_its_ticker", "ERROR"),
    ],
)
def test_the_fault_of_a_ticker_is_told_apart_from_that_of_its_source(
    tables, verdict, cause, check, severity
):
    for ticker in ("AMD", "MU", "AVGO", "MSFT"):
        ask(tables, "run/1", ticker, "delivered")
    ask(tables, "run/1", "NVDA", "failed", cause)
    found = verdict(check, tables)
    assert (found.passed, found.severity, found.rows_failed) == (False, severity, 1)
    assert verdict("every_request_was_answered", tables).passed
    assert verdict("every_source_is_up", tables).passed


def test_a_request_without_data_is_no_failure(tables, verdict):
    for ticker in ("NVDA", "AMD", "AVGO", "MU", "MSFT"):
        ask(tables, "run/1", ticker, "no_data", "no_data")
    for check in ("every_request_was_answered", "every_ticker_is_known", "every_source_is_up"):
        assert verdict(check, tables).passed


@pytest.mark.parametrize(
    ("n_failed", "n_asked", "is_up"), [(2, 4, True), (2, 5, True), (3, 6, False), (5, 5, False)]
)
def test_half_of_the_requests_unanswered_is_the_fault_of_the_source(
    tables, verdict, n_failed, n_asked, is_up
):
    for number in range(n_asked):
        failed = number < n_failed
        ask(
            tables,
            "run/1",
            f"T{number}",
            "failed" if failed else "delivered",
            "unknown_ticker" if failed else None,
        )
        ask(tables, "run/1", f"T{number}", "delivered", source="files")
    found = verdict("every_source_is_up", tables)
    assert found.passed is is_up
    assert found.rows_checked == 2
    if not is_up:
        said = {"n_asked": n_asked, "n_failed": n_failed, "usual_cause": "unknown_ticker"}
        assert found.first_failing_rows == [{"source": "yahoo", **said}]


def test_failures_of_earlier_loads_are_past(tables, verdict):
    ask(tables, "run/1", "NVDA", "failed", "outage", at=NOON - timedelta(hours=14))
    ask(tables, "run/2", "NVDA", "delivered")
    found = verdict("every_request_was_answered", tables)
    assert found.passed
    assert found.rows_checked == 1


def test_requests_of_another_asset_are_not_ours(tables, verdict):
    ask(tables, "run/1", "NVDA", "delivered")
    ask(
        tables,
        "run/1/articles",
        "broken.json",
        "failed",
        asset="articles",
        at=NOON + timedelta(hours=1),
    )
    assert verdict("every_request_was_answered", tables).passed


# -- what was refused -----------------------------------------------------------------------------


def refuse(
    tables, number, name="raw.price_vintages", reason="close is not positive: close -1.0", **values
):
    where = {"source_file": "bars.csv", "source_row": number}
    tables.put(
        QUARANTINE, quarantine_id=str(number), table_name=name, reason=reason, **{**where, **values}
    )


def test_quarantined_rows_are_shown_with_file_row_and_cause(tables, verdict):
    for number in range(2, 9):
        refuse(tables, number)
    refuse(tables, 0, name="raw.articles", reason="no text")
    found = verdict("no_row_was_quarantined", tables)
    assert (found.severity, found.rows_checked, found.rows_failed) == ("WARN", 7, 7)
    assert len(found.first_failing_rows) == 5
    assert found.first_failing_rows[0] == {
        "source_file": "bars.csv",
        "source_row": 2,
        "reason": "close is not positive: close -1.0",
    }


def test_a_case_that_is_resolved_or_decided_is_not_open(tables, verdict):
    refuse(tables, 2, resolved_at=NOON)
    refuse(tables, 3)
    refuse(tables, 4)
    for number, decision in ((3, "released"), (4, "rejected")):
        tables.put(DECISIONS, quarantine_id=str(number), decision=decision)
    found = verdict("no_row_was_quarantined", tables)
    assert (found.passed, found.rows_checked) == (True, 3)


def test_text_from_outside_is_never_shown_as_markup(tables, verdict):
    refuse(tables, 1, reason="close is no DOUBLE: <script>alert(1)</script>")
    found = verdict("no_row_was_quarantined", tables)
    kept = {row["check_name"]: row for _, row in tables.recorded}["no_row_was_quarantined"]
    assert "&lt;script>" in found.first_failing_rows[0]["reason"]
    assert "<script" not in str(found)
    assert "<script" not in kept["sample_keys"]


# -- what came again ------------------------------------------------------------------------------


def version(tables, hour, session=MONDAY, **values):
    """Put a version of a bar, known from an hour of that night on."""
    known = datetime.combine(session, datetime.min.time()) + timedelta(hours=hour)
    plain = {"close": 100.0, "volume": 1e6, "currency": "USD", "is_provisional": False}
    names = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "source": "yahoo"}
    tables.put(VINTAGES, **{**names, **plain, **values}, session_date=session, known_from=known)


@pytest.mark.parametrize(
    ("again", "is_caught"),
    [
        ({"volume": 1.06e6}, True),
        ({"volume": 0.94e6}, True),
        ({"volume": 1.04e6}, False),
        ({"volume": 1e7, "close": 10.0}, False),  # a split moves both
        ({"volume": None}, False),
    ],
)
def test_a_volume_that_is_revised_after_it_had_settled_is_caught(tables, verdict, again, is_caught):
    version(tables, 22)
    version(tables, 30, **again)
    version(tables, 22, session=MONDAY - timedelta(days=1))
    found = verdict("settled_volumes_stand", tables)
    assert found.passed is not is_caught
    assert found.rows_checked == 1


def test_a_volume_of_a_session_in_progress_may_grow(tables, verdict):
    version(tables, 20, volume=5e5, is_provisional=True)
    version(tables, 22)
    assert verdict("settled_volumes_stand", tables).rows_checked == 0


def test_revisions_are_looked_for_in_the_sessions_that_are_fetched_again(tables, verdict):
    version(tables, 22)
    version(tables, 30, volume=2e6)
    for later, is_passed in ((20, False), (21, True)):
        day = MONDAY + timedelta(days=later)
        assert verdict("settled_volumes_stand", tables, Days(day, day)).passed is is_passed


def test_a_bar_that_comes_again_in_another_currency_is_caught(tables, verdict):
    version(tables, 22, currency="GBp")
    version(tables, 30, currency="GBP")
    (row,) = verdict("currencies_stand", tables).first_failing_rows
    assert (row["first_currency"], row["last_currency"]) == ("GBp", "GBP")


# -- what history became --------------------------------------------------------------------------


def restate(tables, kind, load="run/1", listing="XNAS:NVDA"):
    tables.put(
        RESTATEMENTS,
        listing_id=listing,
        ticker=listing[5:],
        load_id=load,
        kind=kind,
        source="yahoo",
        n_changed=40,
        ratio=100.0,
    )


@pytest.mark.parametrize(
    ("kind", "is_rejected", "is_caught"),
    [
        ("restatement", False, True),
        ("restatement", True, False),  # decided: it stays out
        ("conflict", False, False),
        (None, False, False),  # released, taken back, or explained by now
    ],
)
def test_an_unexplained_restatement_is_an_error_while_it_keeps_the_listing_out(
    tables, verdict, kind, is_rejected, is_caught
):
    ask(tables, "run/1", "NVDA", "delivered")
    restate(tables, "unexplained")
    if kind:
        tables.put(OUT, listing_id="XNAS:NVDA", kind=kind, is_rejected=is_rejected)
    found = verdict("restatements_are_explained", tables)
    assert found.passed is not is_caught
    assert found.severity == "ERROR"
    assert found.success


@pytest.mark.parametrize("kind", ["restatement", "revision"])
def test_what_actions_explain_and_a_single_bar_are_no_finding(tables, verdict, kind):
    ask(tables, "run/1", "NVDA", "delivered")
    restate(tables, kind)
    assert verdict("restatements_are_explained", tables).passed
    assert verdict("history_is_not_corrected", tables).passed


def test_a_scattered_correction_warns_in_the_run_that_brought_it(tables, verdict):
    ask(tables, "run/1", "NVDA", "delivered", at=NOON - timedelta(days=1))
    restate(tables, "correction")
    assert verdict("history_is_not_corrected", tables).severity == "WARN"
    assert not verdict("history_is_not_corrected", tables).passed
    ask(tables, "run/2", "NVDA", "delivered")
    assert verdict("history_is_not_corrected", tables).passed


def test_a_conflict_warns_with_what_each_source_says(tables, verdict):
    said = '{"files": 91.11, "yahoo": 118.42}'
    case = {"ticker": "NVDA", "session_date": MONDAY, "kind": "conflict", "payload": said}
    tables.put(OUT, listing_id="XNAS:NVDA", is_rejected=False, **case)
    tables.put(OUT, listing_id="XNAS:AMD", is_rejected=True, **case)
    found = verdict("sources_agree", tables)
    assert (found.severity, found.rows_failed) == ("WARN", 1)
    assert found.first_failing_rows == [
        {"ticker": "NVDA", "session_date": "2025-01-27", "payload": said}
    ]


def test_a_judgement_that_has_nothing_to_look_at_passes(tables, verdict):
    for check in JUDGEMENTS:
        assert verdict(check.name, tables, Days(MONDAY, MONDAY)).passed
