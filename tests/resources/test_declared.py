"""The user's events.csv: what is taken, and what is said of what is not."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from resources.reference import Reference
from warehouse.tables.detection import DECLARED_EVENTS

HEADER = "event_id,version,declared_on,region,session_date,happened_at,scope,name,note"


@pytest.fixture
def read(tmp_path):
    """Return a function that reads these lines: the events and the rejects."""

    def of(*lines, header=HEADER):
        path = tmp_path / "events.csv"
        path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
        reference = Reference(events_path=str(path))
        return reference.declared_events().to_pylist(), reference.rejects()

    return of


def test_without_a_file_nothing_is_declared():
    reference = Reference()
    assert reference.declared_events().column_names == list(DECLARED_EVENTS.column_names)
    assert reference.declared_events().num_rows == 0
    assert reference.rejects() == []


def test_an_event_is_a_day_or_a_moment(read):
    rows, rejects = read(
        "deepseek,2,2025-01-29,,,2025-01-27T01:00+09:00,sector,DeepSeek,a cheaper model",
        "fed,,,US,2024-12-18,,market,,",
    )
    assert rejects == []
    assert rows == [
        {
            "declared_id": "deepseek",
            "version": 2,
            "declared_on": date(2025, 1, 29),
            "region": None,
            "session_date": None,
            "happened_at": datetime(2025, 1, 26, 16, 0),  # noqa: DTZ001 - naive UTC, as stored
            "scope": "sector",
            "event_name": "DeepSeek",
            "note": "a cheaper model",
        },
        {
            **dict.fromkeys(DECLARED_EVENTS.column_names),
            "declared_id": "fed",
            "version": 1,
            "region": "US",
            "session_date": date(2024, 12, 18),
            "scope": "market",
        },
    ]


def test_the_newest_version_counts_wherever_it_stands(read):
    rows, rejects = read(
        "a,2,,US,2025-01-27,,sector,second,",
        "a,1,,US,2025-01-24,,sector,first,",
        "b,1,,US,2025-01-24,,market,,",
    )
    assert rejects == []
    assert [(row["declared_id"], row["version"]) for row in rows] == [("a", 2), ("b", 1)]


def test_a_faulty_new_version_leaves_the_one_before(read):
    rows, rejects = read("a,1,,US,2025-01-24,,sector,,", "a,2,,US,2025-99-99,,sector,,")
    assert [row["version"] for row in rows] == [1]
    assert len(rejects) == 1


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (",1,,US,2025-01-27,,market,,", "event_id is empty"),
        ("a,1,,US,2025-01-27,,huge,,", "unknown scope 'huge', not one of single_name"),
        ("a,1,,US,2025-01-27,,,,", "unknown scope None"),
        ("a,1,,XX,2025-01-27,,market,,", "unknown region 'XX', not one of EU, JP, US"),
        ("a,1,,US,,,market,,", "one of session_date and happened_at is needed"),
        ("a,1,,US,2025-01-27,2025-01-27T09:00Z,market,,", "one of session_date and happened_at"),
        ("a,0,,US,2025-01-27,,market,,", "version '0' is no whole number from 1"),
        ("a,one,,US,2025-01-27,,market,,", "version 'one' is no whole number from 1"),
        ("a,1,,US,27.1.2025,,market,,", "session_date '27.1.2025' is no date"),
        ("a,1,soon,US,2025-01-27,,market,,", "declared_on 'soon' is no date"),
        ("a,1,,US,,2025-01-27,market,,", "happened_at '2025-01-27' is no time"),
        ("a,1,,US,,in the morning,market,,", "happened_at 'in the morning' is no time"),
        ("a,1,,US,2025-01-27,,market,,,more", "more cells than the header has columns"),
    ],
)
def test_a_bad_row_is_named_with_its_cause_and_the_good_ones_are_kept(read, line, cause):
    rows, (reject,) = read("good,1,,US,2025-01-24,,market,,", line)
    assert [row["declared_id"] for row in rows] == ["good"]
    assert reject.source_row == 3
    assert reject.source_file.endswith("events.csv")
    assert cause in reject.reason
    assert "version: " in reject.payload


def test_the_same_version_twice_is_refused_the_second_time(read):
    rows, (reject,) = read("a,1,,US,2025-01-24,,market,,", "a,,,US,2025-01-27,,market,,")
    assert rows[0]["session_date"] == date(2025, 1, 24)
    assert reject.reason == "duplicate event_id a, version 1, first in row 2"


def test_a_file_without_its_columns_is_one_reject(read):
    rows, (reject,) = read("a,US", header="event_id,region")
    assert rows == []
    assert reject.reason == "events.csv: column missing: scope"


def test_a_file_that_is_not_there_is_one_reject(tmp_path):
    (reject,) = Reference(events_path=str(tmp_path / "no.csv")).rejects()
    assert "no.csv" in reject.reason
