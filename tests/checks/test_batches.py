"""Great Expectations on the last load: one result per rule, counted as pandas counts, as landed."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from checks.batches import batch_checks, findings, of_load
from resources import expectations
from resources.batch import Answer, Batch
from resources.expectations import SHAPE, UNIQUE, batch_rules, delivered
from resources.warehouse import landing
from warehouse.tables import table

VINTAGES = table("raw.price_vintages")
ARTICLES = table("raw.articles")
NOW = datetime.fromisoformat("2025-01-28T12:00")
GOOD = {
    "listing_id": "XNAS:NVDA",
    "ticker": "NVDA",
    "session_date": date(2025, 1, 27),
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
BAD = [
    {"close": -1.0, "low": None},
    {"close": math.inf, "high": None},
    {"high": -math.inf, "open": None, "low": None, "close": 1.0},
    {"close": None},
    {"volume": -5.0},
    {"volume": 0.0},
    {"open": 0.0, "low": None},
    {"low": 129.0},
    {"open": 200.0},
    {"close": 128.4 * (1 + 9e-7)},  # a vendor's 32-bit noise, which the contract lets pass
    {"close": 128.4 * (1 + 2e-6)},
    {"ticker": None},
    {"listing_id": None},
    {"adj_close": -2.0},
    {"source": None},
    {"market_value": 0.0},
    {"market_value": math.inf},
]
ORDERS = [("low", "high"), ("low", "open"), ("open", "high"), ("low", "close"), ("close", "high")]
PRICES = ("open", "high", "low", "close", "adj_close")
# What the landing says of a row that breaks the rule.
REASONS = {
    "close_is_present": "close is missing",
    "close_is_positive": "close is not positive",
    "close_is_finite": "close is not finite",
    "high_is_finite": "high is not finite",
    "high_is_positive": "high is not positive",
    "open_is_positive": "open is not positive",
    "adj_close_is_positive": "adj_close is not positive",
    "market_value_is_finite": "market_value is not finite",
    "market_value_is_positive": "market_value is not positive",
    "volume_is_at_least_0": "volume is not at least 0",
    "low_is_at_most_high": "low is above high",
    "low_is_at_most_open": "low is above open",
    "open_is_at_most_high": "open is above high",
    "low_is_at_most_close": "low is above close",
    "close_is_at_most_high": "close is above high",
    "ticker_is_present": "ticker is missing",
    "listing_id_is_present": "listing_id is missing",
    "source_is_present": "source is missing",
}


def rows(*changes):
    """Return good bars of different sessions, each with some values changed."""
    first = date(2025, 1, 27)
    return [
        {**GOOD, "session_date": first + timedelta(days=number), **change}
        for number, change in enumerate(changes)
    ]


def frame(*changes):
    made = pd.DataFrame(rows(*changes), columns=list(GOOD))
    return made.astype(dict.fromkeys((*PRICES, "volume", "market_value"), float))


def counted(batch):
    """Count what breaks each rule, with pandas alone."""
    found = {
        f"{name}_is_present": int(batch[name].isna().sum())
        for name in ("listing_id", "ticker", "session_date", "close", "source")
    }
    found |= {f"is_{name}_is_present": 0 for name in ("provisional", "simulated")}
    for name in (*PRICES, "volume", "market_value"):
        found[f"{name}_is_finite"] = int(batch[name].abs().eq(math.inf).sum())
    for name in (*PRICES, "market_value"):
        found[f"{name}_is_positive"] = int((batch[name] <= 0).sum())
    found["volume_is_at_least_0"] = int((batch["volume"] < 0).sum())
    for lesser, greater in ORDERS:
        slack = batch[greater] * 1.000001
        found[f"{lesser}_is_at_most_{greater}"] = int((batch[lesser] > slack).sum())
    keys = ["listing_id", "session_date", "source"]
    found[UNIQUE] = int(batch.duplicated(keys, keep=False).sum())
    found[SHAPE] = 0
    found |= {"basis_is_present": 0, "basis_is_known": 0}
    return {of_load(name): count for name, count in found.items()}


def refused(tables, *changes):
    """Land the rows; return the batch as it came."""
    table_ = pa.Table.from_pylist(rows(*changes)).append_column(
        "source_row", pa.array(range(2, len(changes) + 2), pa.int64())
    )
    answer = Answer("bars.csv", "delivered", None, len(changes), NOW)
    landing.land(tables.con, VINTAGES, Batch(table_, [answer]), run_id="run", now=NOW)
    return delivered(tables.con, VINTAGES)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([{}, {"open": None, "high": None, "low": None}, {"volume": None}], id="good"),
        pytest.param([{}, *BAD], id="every rule broken"),
        pytest.param([{"session_date": GOOD["session_date"]}] * 3, id="duplicates"),
    ],
)
def test_every_rule_is_counted_as_pandas_counts_it(changes):
    batch = frame(*changes)
    found = findings(VINTAGES, batch)
    assert {name: each.n_violations for name, each in found.items()} == counted(batch)


def test_the_handmade_batch_breaks_every_rule_that_a_price_can_break():
    broken = {name for name, count in counted(frame(*BAD)).items() if count}
    assert broken == {of_load(name) for name in REASONS}


def test_there_is_one_result_per_rule_of_the_contract_on_what_is_delivered():
    names = {rule.name for rule in VINTAGES.rules()}
    of_stamps = {f"{name}_is_present" for name in ("row_hash", "load_id", "known_from")}
    held = {of_load(name) for name in names - of_stamps}
    assert set(findings(VINTAGES, frame({}))) == held | {SHAPE, UNIQUE}
    assert {rule.name for rule in batch_rules(VINTAGES)} == names - of_stamps


def test_the_first_failing_rows_are_named_and_no_value_of_theirs_is_shown():
    finding = findings(VINTAGES, frame({}, *[{"close": -1.0}] * 7))["delivered_close_is_positive"]
    assert finding.n_rows == 8
    assert finding.n_violations == 7
    assert len(finding.sample_keys) == 5
    assert finding.sample_keys[0] == {"ticker": "NVDA", "session_date": "2025-01-28"}
    assert finding.note == "Great Expectations: expect_column_values_to_be_between"


def test_a_broken_rule_warns_and_a_missing_column_is_an_error():
    found = findings(VINTAGES, frame({"close": -1.0}))
    assert found["delivered_close_is_positive"].n_violations == 1
    assert not found["delivered_close_is_positive"].is_error
    assert found[SHAPE].n_violations == 0
    shapeless = findings(VINTAGES, frame({}).drop(columns="volume"))
    assert shapeless[SHAPE].n_violations == 1
    assert shapeless[SHAPE].is_error
    assert shapeless["delivered_close_is_positive"].n_violations == 0


def test_an_empty_batch_breaks_nothing():
    found = findings(VINTAGES, frame({}).head(0))
    assert not any(finding.n_violations for finding in found.values())


def test_what_landing_refuses_is_what_great_expectations_finds(tables):
    batch = refused(tables, {}, *BAD)
    found = findings(VINTAGES, batch)
    reasons = [row[0] for row in tables.con.execute("SELECT reason FROM raw.quarantine").fetchall()]
    causes = [cause for reason in reasons for cause in reason.split("; ")]
    by_reason = {
        name: sum(cause.startswith(text) for cause in causes) for name, text in REASONS.items()
    }
    assert {name: found[of_load(name)].n_violations for name in REASONS} == by_reason
    assert len(reasons) == len(BAD) - 2  # an idle session and the noise of 32 bits are no faults
    assert len(batch) == len(BAD) + 1


def test_a_duplicate_that_was_refused_is_seen_again_beside_the_row_that_was_kept(tables):
    monday = {"session_date": GOOD["session_date"]}
    found = findings(VINTAGES, refused(tables, monday, {**monday, "close": 120.0}, {}))
    assert found[UNIQUE].n_violations == 2
    kept = tables.con.execute("SELECT close FROM raw.price_vintages ORDER BY close").fetchall()
    assert kept == [(118.42,), (118.42,)]


def test_only_the_last_load_is_looked_at(tables):
    refused(tables, {"close": -1.0})
    answer = Answer("bars.csv", "delivered", None, 1, NOW + timedelta(hours=1))
    batch = Batch(pa.Table.from_pylist(rows({})), [answer])
    landing.land(tables.con, VINTAGES, batch, run_id="later", now=NOW)
    assert delivered(tables.con, VINTAGES)["close"].tolist() == [118.42]


def test_the_checks_of_a_load_are_results_of_its_asset_and_only_the_shape_blocks(tables, verdicts):
    refused(tables, {}, {"close": -1.0})
    found = verdicts(batch_checks(VINTAGES), tables)
    failed = {name for name, verdict in found.items() if not verdict.passed}
    # A negative close lies below the low as well.
    assert failed == {"delivered_close_is_positive", "delivered_low_is_at_most_close"}
    assert {verdict.severity for name, verdict in found.items() if name in failed} == {"WARN"}
    assert all(verdict.success for verdict in found.values())
    specs = {spec.name: spec.blocking for spec in batch_checks(VINTAGES).check_specs}
    assert {name for name, blocking in specs.items() if blocking} == {SHAPE}
    assert set(specs) == set(found)


def test_a_text_from_outside_never_reaches_the_results_as_markup(tables, verdicts):
    texts = pa.table(
        {
            "article_id": ["same", "same"],
            "title": ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>"],
            "source": ["<b>wire</b>", "wire"],
            "location": ["a.txt", "b.txt"],
            "published_from": ["<i>guessed</i>", "none"],
            "text": ["<script>steal()</script>", "text"],
            "is_whole": [True, True],
        }
    )
    answers = [Answer("a.txt", "delivered", None, 2, NOW)]
    landing.land(tables.con, ARTICLES, Batch(texts, answers), run_id="run", now=NOW)
    found = verdicts(batch_checks(ARTICLES), tables)
    failed = {name for name, verdict in found.items() if not verdict.passed}
    assert failed == {UNIQUE, "delivered_published_from_is_known"}
    shown = str(found) + str([row for _, row in tables.recorded])
    assert "&lt;script>alert(1)" in shown
    assert "<script" not in shown
    assert "<img" not in shown
    assert "steal" not in shown


def test_of_a_very_large_load_the_newest_rows_are_looked_at(tables, monkeypatch):
    monkeypatch.setattr(expectations, "ROWS_AT_MOST", 2)
    refused(tables, {}, {}, {})
    days = delivered(tables.con, VINTAGES)["session_date"].dt.day.tolist()
    assert sorted(days) == [28, 29]
