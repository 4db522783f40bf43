"""What the replay's articles claim, and what its release says of that, asked in SQL."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.pipeline


@pytest.fixture(scope="session")
def query(replay, asked):
    return asked(replay.release)


def test_what_the_articles_claim_is_borne_out_by_the_bars(query):
    verdicts = query("SELECT verdict, count(*) FROM mart.claim_checks GROUP BY ALL")
    assert verdicts == [("supported", 28)]
    ((observed, shares, reading),) = query(
        """
        SELECT observed, shares_outstanding, reading FROM mart.claim_checks
        WHERE ticker = 'NVDA' AND metric = 'market_value_change'
        """
    )
    assert observed == pytest.approx(-592.66e9, rel=1e-4)
    assert (shares, reading) == (24.49e9, "as_stated")


def test_a_fact_of_an_event_stands_with_its_reference(query):
    ((n_articles, text, notes),) = query(
        "SELECT n_articles, summary, summary_references FROM mart.event_coverage"
    )
    assert n_articles == 3
    assert "NVIDIA Corporation (NVDA) fell 17.0% on 2025-01-27 [2]." in text
    assert notes.startswith("[1] 2025-01-27-power-and-europe.txt")


def test_a_claim_stands_beside_the_sentence_that_makes_it(query):
    ((sentence,),) = query(
        """
        SELECT DISTINCT sentence FROM mart.article_claims
        WHERE ticker = 'NVDA' AND metric = 'price_change'
        """
    )
    assert sentence.startswith("NEW YORK, January 27, 2025 - Shares of Nvidia (NVDA) fell 17.0%")


def test_sources_have_a_record_with_an_interval(query):
    rows = query(
        """
        SELECT n_claims, n_supported, share_supported, share_supported_low, share_supported_high
        FROM mart.source_records WHERE metric = 'all'
        """
    )
    assert sorted(row[0] for row in rows) == [5, 8, 15]
    for n_claims, n_supported, share, low, high in rows:
        assert n_supported == n_claims
        assert share == 1.0
        assert low < 1.0 == high


def test_a_story_names_the_place_of_its_dateline(query):
    places = dict(query("SELECT location, dateline FROM raw.articles"))
    assert places["2025-01-27-chip-stocks.txt"] == "NEW YORK"
    assert places["2025-01-28-tokyo.txt"] == "TOKYO"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_the_command_lists_claims_with_their_verdicts(replay, command, form):
    result = command(replay.home, "claims", "--ticker", "NVDA", "--format", form)
    assert result.exit_code == 0, result.output
    assert "supported" in result.stdout
    other = command(replay.home, "claims", "--verdict", "contradicted", "--format", "csv")
    assert other.stdout.count("\n") == 1  # the names of the columns alone
