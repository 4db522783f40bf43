"""Which share count is known when, and which is none."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selloff.shares import shares_outstanding
from warehouse.tables.actions import SPLITS
from warehouse.tables.instruments import SHARES_OUTSTANDING
from warehouse.tables.valuation import RAW_SHARES_OUTSTANDING, SHARE_CLASSES

# The bench has one schema: inputs must not have the name of the result.
RAW = replace(RAW_SHARES_OUTSTANDING, name="raw_shares_outstanding")
FETCHED = "2025-03-01"


def count(shares, measured, filed=None, *, source="sec", ticker="NVDA", **other):
    return {
        "listing_id": f"X:{ticker}",
        "ticker": ticker,
        "share_class": "all",
        "measured_on": pd.Timestamp(measured),
        "filed_on": pd.Timestamp(filed) if filed else pd.NaT,
        "shares_outstanding": float(shares),
        "source": source,
        "row_hash": f"{shares}",
        "load_id": "load",
        "known_from": pd.Timestamp(FETCHED),
        **{
            name: pd.Timestamp(value) if name == "known_from" else value
            for name, value in other.items()
        },
    }


def of_class(share_class, shares, **other):
    return count(shares, "2025-01-20", "2025-01-30", share_class=share_class, **other)


@pytest.fixture
def known(bench):
    """Return a function that gives (day, shares, source) for every count that is known."""

    def find(raw=(), classes=(), splits=(), **thresholds):
        def table(contract, rows):
            frame = pd.DataFrame(list(rows), columns=list(contract.column_names))
            return bench.put(contract, frame)

        found = shares_outstanding(
            table(RAW, raw),
            table(SHARE_CLASSES, classes),
            table(SPLITS, splits),
            **thresholds,
        )
        held = bench.hold(SHARES_OUTSTANDING, found)
        return [
            (f"{row.known_on:%Y-%m-%d}", row.shares_outstanding, row.source)
            for row in held.itertuples()
        ]

    return find


def stated(known_on, shares):
    """Return a count of the repository's own."""
    return count(shares, known_on, known_on, source="capitalisation / close")


def split(ex_date, ratio, ticker="NVDA"):
    return {
        "listing_id": f"X:{ticker}",
        "ex_date": pd.Timestamp(ex_date),
        "split_ratio": float(ratio),
        "source": "yahoo",
        "as_of": pd.Timestamp(FETCHED),
    }


def classes(ticker="GOOGL", **ratios):
    return [
        {"listing_id": f"X:{ticker}", "share_class": name, "units_per_share": ratio}
        for name, ratio in ratios.items()
    ]


def test_a_count_is_known_from_the_day_it_was_filed(known):
    # Nvidia's 10-Q of 2024-11-20: 24.49 bn shares on 2024-11-15.
    assert known([count(24.49e9, "2024-11-15", "2024-11-20")]) == [("2024-11-20", 24.49e9, "sec")]


def test_a_count_without_a_filing_is_known_from_the_day_it_was_fetched(known):
    rows = [count(24.49e9, "2024-11-15", source="yahoo")]
    assert known(rows) == [(FETCHED, 24.49e9, "yahoo")]


def test_of_the_counts_known_on_one_day_the_latest_measured_stands(known):
    rows = [
        count(15.1e9, "2024-12-28", "2025-01-31", ticker="AAPL"),
        count(15.6e9, "2023-12-30", "2025-01-31", ticker="AAPL"),
    ]
    assert known(rows) == [("2025-01-31", 15.1e9, "sec")]


def test_the_newest_version_of_a_count_stands(known):
    rows = [
        count(24.6e9, "2024-11-15", "2024-11-20", known_from="2025-03-02"),
        count(24.5e9, "2024-11-15", "2024-11-20"),
    ]
    assert known(rows) == [("2024-11-20", 24.6e9, "sec")]


def test_a_later_filing_about_an_earlier_date_is_no_news(known):
    rows = [
        count(24.5e9, "2024-11-15", "2024-11-20"),
        count(24.7e9, "2024-05-24", "2024-12-18"),
    ]
    assert known(rows) == [("2024-11-20", 24.5e9, "sec")]


def test_what_one_source_spoke_of_does_not_silence_another(known):
    rows = [
        count(24.5e9, "2025-02-28", source="yahoo", known_from="2025-02-28"),
        count(24.4e9, "2025-02-21", "2025-03-05"),
    ]
    assert [day for day, _, _ in known(rows)] == ["2025-02-28", "2025-03-05"]


def test_filings_count_before_vendors_and_vendors_before_the_repository(known):
    rows = [count(2e9, "2025-02-20", source="yahoo"), count(1e9, "2025-02-19", FETCHED)]
    assert known([stated(FETCHED, 3e9), *rows]) == [(FETCHED, 1e9, "sec")]
    assert known([stated(FETCHED, 3e9), rows[0]]) == [(FETCHED, 2e9, "yahoo")]
    assert known(rows, priority=("yahoo",)) == [(FETCHED, 2e9, "yahoo")]


def test_without_a_priority_the_latest_measured_count_stands(known):
    rows = [count(2e9, "2025-02-20", source="yahoo"), count(1e9, "2025-02-19", FETCHED)]
    assert known(rows, priority=()) == [(FETCHED, 2e9, "yahoo")]


def test_the_repository_s_counts_stand_where_nobody_else_has_one(known):
    rows = [stated("2025-01-24", 24.49e9), count(24.4e9, "2025-02-21", "2025-02-26")]
    assert known(rows) == [
        ("2025-01-24", 24.49e9, "capitalisation / close"),
        ("2025-02-26", 24.4e9, "sec"),
    ]


def test_the_classes_of_a_firm_are_added(known):
    rows = [of_class(name, n, ticker="GOOGL") for name, n in (("A", 6e9), ("B", 1e9), ("C", 5e9))]
    found = known(rows, classes=classes(A=1, B=1, C=1))
    assert found == [("2025-01-30", 12e9, "sec")]


def test_some_classes_of_a_firm_are_no_count(known):
    rows = [of_class("A", 6e9, ticker="GOOGL"), of_class("B", 1e9, ticker="GOOGL")]
    assert known(rows, classes=classes(A=1, B=1, C=1)) == []


def test_a_class_that_nobody_knows_is_no_count(known):
    assert known([of_class("preferred", 1e6)]) == []


def test_a_count_of_the_whole_firm_goes_before_its_classes(known):
    rows = [of_class("A", 6e9, ticker="GOOGL"), of_class("all", 12e9, ticker="GOOGL")]
    assert known(rows, classes=classes(A=1)) == [("2025-01-30", 12e9, "sec")]


def test_ordinary_shares_become_units_of_the_depositary_line(known):
    # Five ordinary shares of TSMC are one depositary receipt in New York.
    found = known(
        [of_class("ordinary", 25_932_000_000, ticker="TSM")], classes=classes("TSM", ordinary=0.2)
    )
    assert found == [("2025-01-30", pytest.approx(5_186_400_000, rel=1e-12), "sec")]


def test_one_class_may_weigh_many_of_another(known):
    # Berkshire: one A share converts into 1,500 B shares.
    rows = [of_class("A", 1_000, ticker="BRK-B"), of_class("B", 500_000, ticker="BRK-B")]
    assert known(rows, classes=classes("BRK-B", A=1500, B=1)) == [("2025-01-30", 2e6, "sec")]


QUARTERS = [
    ("2024-02-16", "2024-02-21"),
    ("2024-05-24", "2024-05-29"),
    ("2024-08-23", "2024-08-28"),
]


def test_a_level_that_lasts_is_believed_at_its_third_statement(known):
    days = [f"2024-{month:02}-20" for month in range(1, 7)]
    counts = (1e9, 1e9, 1e9, 9e9, 9e9, 9e9)
    found = known([count(n, day, day) for n, day in zip(counts, days, strict=True)])
    assert [shares for _, shares, _ in found] == [1e9, 1e9, 1e9, 9e9]
    assert found[-1][0] == days[-1]


@pytest.mark.parametrize("wrong", [24.5e6, 24.5e12, 7e9, 80e9])
def test_a_jump_without_a_split_is_left_out_and_the_next_good_count_is_not(known, wrong):
    rows = [count(n, *days) for n, days in zip((24e9, wrong, 24.5e9), QUARTERS, strict=True)]
    assert [shares for _, shares, _ in known(rows)] == [24e9, 24.5e9]


def test_the_largest_jump_is_a_parameter(known):
    rows = [count(n, *days) for n, days in zip((1e9, 5e9), QUARTERS, strict=False)]
    assert len(known(rows)) == 1
    assert len(known(rows, max_jump=5.0)) == 2


def test_a_split_explains_a_jump(known):
    # Nvidia: 2.46 bn shares on 2024-05-24, ten for one on 2024-06-10, 24.53 bn on 2024-08-23.
    rows = [count(2.46e9, *QUARTERS[1]), count(24.53e9, *QUARTERS[2])]
    assert len(known(rows, splits=[split("2024-06-10", 10)])) == 2
    assert len(known(rows, splits=[split("2024-06-10", 10, ticker="AVGO")])) == 1


def test_a_split_before_both_counts_explains_nothing(known):
    rows = [count(2.46e9, *QUARTERS[1]), count(24.53e9, *QUARTERS[2])]
    assert len(known(rows, splits=[split("2021-07-20", 10)])) == 1


def test_a_consolidation_explains_a_fall(known):
    rows = [count(1.9e9, *QUARTERS[1]), count(10e6, *QUARTERS[2])]
    assert len(known(rows, splits=[split("2024-06-10", 1 / 190)])) == 2


def test_counts_of_one_listing_say_nothing_of_another(known):
    rows = [count(1e9, *QUARTERS[0]), count(9e9, *QUARTERS[1], ticker="AVGO")]
    assert len(known(rows)) == 2


COUNTS = st.lists(
    st.tuples(
        st.sampled_from(["sec", "yahoo"]),
        st.dates(pd.Timestamp("2023-01-01").date(), pd.Timestamp("2023-12-31").date()),
        st.integers(0, 90),
        st.floats(1e6, 2e6),
    ),
    max_size=8,
    unique_by=lambda row: (row[0], row[1], row[2]),
)


@settings(
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(counts=COUNTS, horizon=st.integers(0, 450))
def test_what_is_filed_later_changes_nothing_known_before(known, counts, horizon):
    until = pd.Timestamp("2023-01-01") + pd.Timedelta(days=horizon)
    rows = [
        count(shares, measured, pd.Timestamp(measured) + pd.Timedelta(days=lag), source=source)
        for source, measured, lag, shares in counts
    ]
    early = known([row for row in rows if row["filed_on"] <= until])
    assert early == [row for row in known(rows) if pd.Timestamp(row[0]) <= until]
