"""Which listings are lines of one firm."""

from __future__ import annotations

import pandas as pd
import pytest

from selloff._ibis import fetched
from selloff.issuers import issuers
from warehouse.tables.valuation import IMPLIED_SHARES

START = pd.Timestamp("2024-01-01")


def run(ticker, count, first=0, sessions=60, **other):
    return {
        "listing_id": f"X:{ticker}",
        "ticker": ticker,
        "first_session_date": START + pd.Timedelta(days=first),
        "last_session_date": START + pd.Timedelta(days=first + sessions - 1),
        "n_sessions": sessions,
        "market_value": 1.0,
        "close": 1.0,
        "shares_outstanding": float(count),
        "adjusted_shares": float(count),
        "source": "files",
        "as_of": START,
        **other,
    }


@pytest.fixture
def speakers(bench):
    """Return, by listing, who speaks for its firm; `traded` is in the order of first mention."""

    def find(*runs):

        table = bench.put(IMPLIED_SHARES, pd.DataFrame(runs))
        names = list(dict.fromkeys(each["listing_id"] for each in runs))
        bench.sql("CREATE OR REPLACE TABLE traded (listing_id VARCHAR, turnover DOUBLE)")
        for place, name in enumerate(names):
            bench.sql("INSERT INTO traded VALUES (?, ?)", [name, 100.0 - place])
        found = fetched(issuers(table, bench.engine.table("traded")))
        return dict(zip(found["listing_id"], found["speaker_id"], strict=True))

    return find


def test_lines_with_the_same_count_are_of_the_most_traded_one(speakers):
    found = speakers(run("T", 7_150_000_123), run("TBB", 7_150_000_123), run("TBC", 7_150_000_123))
    assert found == {"X:T": "X:T", "X:TBB": "X:T", "X:TBC": "X:T"}


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (run("TBB", 7_150_000_124), "one share more"),
        (run("UBB", 7_150_000_123), "another letter"),
        (run("TBB", 7_150_000_123, first=60), "other sessions"),
        (run("TBB", 7_150_000_123, sessions=4), "a few sessions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_short_of_that_they_are_strangers(speakers, other, why):
    assert speakers(run("T", 7_150_000_123), other) == {}, why


def test_round_counts_are_shared_by_strangers(speakers):
    assert speakers(run("SFHG", 20_000_000), run("SAAA", 20_000_000)) == {}


def test_firms_that_split_in_two_part_with_the_first_buyback(speakers):
    # Crane and Crane NXT had one count when they parted, in April 2023.
    shared = 56_800_321
    assert (
        speakers(
            run("CR", shared, sessions=20),
            run("CR", 57_100_001, first=20, sessions=300),
            run("CXT", shared, sessions=20),
            run("CXT", 56_500_007, first=20, sessions=300),
        )
        == {}
    )


def test_nobody_with_a_market_value_gives_nobody(speakers):
    assert speakers(run("T", 7_150_000_123)) == {}
