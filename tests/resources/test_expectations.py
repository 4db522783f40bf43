"""A contract as a suite of Great Expectations: every rule once, counted as pandas counts."""

from __future__ import annotations

import math
import tempfile
from datetime import date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from resources import expectations
from resources.batch import Answer, Batch
from resources.expectations import (
    SHAPE,
    UNIQUE,
    batch_rules,
    check_name,
    delivered,
    suite,
    validate,
)
from resources.warehouse import landing
from warehouse.tables import TABLES, table

VINTAGES = table("raw.price_vintages")
ARTICLES = table("raw.articles")
NOW = datetime.fromisoformat("2025-01-28T12:00")
MONDAY = date(2025, 1, 27)
GOOD = {
    "listing_id": "XNAS:NVDA",
    "ticker": "NVDA",
    "session_date": MONDAY,
    "open": 124.8,
    "high": 128.4,
    "low": 116.7,
    "close": 118.42,
    "adj_close": 118.39,
    "volume": 818.83e6,
    "currency": "USD",
    "market_value": 2.9e12,
    "exchange_mic": "XNAS",
    "basis": "split_adjusted",
    "source": "files",
    "is_provisional": False,
    "is_simulated": False,
}
NO_RANGE = {"open": None, "high": None, "low": None}


def rows(*changes):
    """Return good bars of different sessions, each with some values changed."""
    return [
        {**GOOD, "session_date": MONDAY + timedelta(days=number), **change}
        for number, change in enumerate(changes)
    ]


def frame(*changes):
    made = pd.DataFrame(rows(*changes), columns=list(GOOD))
    numbers = ("open", "high", "low", "close", "adj_close", "volume", "market_value")
    return made.astype(dict.fromkeys(numbers, float))


def found(batch, of=VINTAGES):
    """Return how many rows break each expectation; None where it could not be tried."""
    return {
        check_name(item): item.result.get("unexpected_count", 0 if item.success else None)
        for item in validate(of, batch).results
    }


def broken(*changes):
    return {name: count for name, count in found(frame(*changes)).items() if count}


def landed(tables, *changes, at=NOW, run_id="run"):
    """Land the rows as one load."""
    answer = Answer("bars.csv", "delivered", None, len(changes), at)
    batch = Batch(pa.Table.from_pylist(rows(*changes)), [answer])
    landing.land(tables.con, VINTAGES, batch, run_id=run_id, now=at)


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({**NO_RANGE, "close": -1.0}, {"close_is_positive"}),
        ({**NO_RANGE, "close": 0.0}, {"close_is_positive"}),
        ({**NO_RANGE, "close": math.inf}, {"close_is_finite"}),
        ({**NO_RANGE, "close": None}, {"close_is_present"}),
        ({"volume": -5.0}, {"volume_is_at_least_0"}),
        ({"adj_close": -2.0}, {"adj_close_is_positive"}),
        ({"low": 129.0}, {"low_is_at_most_high", "low_is_at_most_open", "low_is_at_most_close"}),
        ({"open": 200.0}, {"open_is_at_most_high"}),
        ({"close": 128.4 * (1 + 2e-6)}, {"close_is_at_most_high"}),
        ({"basis": "guessed"}, {"basis_is_known"}),
        ({"ticker": None}, {"ticker_is_present"}),
        ({"close": 128.4 * (1 + 9e-7)}, set()),  # a vendor's 32-bit noise
        ({**NO_RANGE, "volume": None, "adj_close": None}, set()),
    ],
)
def test_a_broken_row_is_counted_by_the_rules_it_breaks_and_by_no_other(change, rules):
    assert broken({}, change, change) == dict.fromkeys(rules, 2)


def test_rows_of_one_identity_are_counted_each():
    assert broken({}, {"session_date": MONDAY}, {"session_date": MONDAY}) == {UNIQUE: 3}


def test_an_empty_load_breaks_nothing():
    assert validate(VINTAGES, frame({}).head(0)).success


def test_a_missing_column_is_critical_and_its_own_rules_cannot_be_tried():
    result = validate(VINTAGES, frame({}).drop(columns="volume"))
    failed = {check_name(item): item for item in result.results if not item.success}
    assert set(failed) == {SHAPE, "volume_is_finite", "volume_is_at_least_0"}
    severities = {name: item.expectation_config.severity.value for name, item in failed.items()}
    assert severities.pop(SHAPE) == "critical"
    assert set(severities.values()) == {"warning"}


@pytest.mark.parametrize("of", [each for each in TABLES if each.versions_of])
def test_every_rule_on_what_is_delivered_is_one_expectation_that_bears_its_name(of):
    stamps = {f"{name}_is_present" for name in ("row_hash", "load_id", "known_from")}
    names = {rule.name for rule in of.rules()} - stamps
    assert {rule.name for rule in batch_rules(of)} == names
    made = suite(of)
    assert set(made) == names | {SHAPE, UNIQUE}
    assert all(each.meta == {"check": name} for name, each in made.items())


def test_the_identity_of_one_column_is_unique_as_well():
    texts = pd.DataFrame(
        {
            column.name: ["same" if column.name == "article_id" else None] * 2
            for column in ARTICLES.columns
        }
    )
    assert found(texts, ARTICLES)[UNIQUE] == 2


def test_the_result_names_its_table_and_shows_five_of_the_values_at_most():
    result = validate(VINTAGES, frame(*[{**NO_RANGE, "close": -1.0}] * 7))
    assert result.suite_name == "raw.price_vintages"
    (item,) = [each for each in result.results if check_name(each) == "close_is_positive"]
    assert item.result["partial_unexpected_list"] == [-1.0] * 5
    assert item.result["unexpected_count"] == 7


def test_what_is_delivered_are_the_rows_that_were_added_and_those_that_were_refused(tables):
    landed(tables, {}, {**NO_RANGE, "close": -1.0}, {})
    batch = delivered(tables.con, VINTAGES)
    assert sorted(batch["close"]) == [-1.0, 118.42, 118.42]
    assert list(batch.columns) == list(GOOD)
    assert {name: n for name, n in found(batch).items() if n} == {"close_is_positive": 1}


def test_what_is_delivered_is_the_last_load_only(tables):
    landed(tables, {**NO_RANGE, "close": -1.0}, {})
    landed(tables, {"close": 120.0}, at=NOW + timedelta(hours=1), run_id="later")
    assert delivered(tables.con, VINTAGES)["close"].tolist() == [120.0]


def test_before_the_first_load_nothing_is_delivered(tables):
    batch = delivered(tables.con, VINTAGES)
    assert list(batch.columns) == list(GOOD)
    assert batch.empty


def test_of_a_very_large_load_the_newest_rows_are_looked_at(tables, monkeypatch):
    monkeypatch.setattr(expectations, "ROWS_AT_MOST", 2)
    landed(tables, {}, {}, {})
    assert sorted(delivered(tables.con, VINTAGES)["session_date"].dt.day) == [28, 29]


def test_a_validation_leaves_no_folder_behind_and_draws_no_bar(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    validate(VINTAGES, frame({}))
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")
