"""What people read of the replay: its articles held against the prices, its page, its BI views."""

from __future__ import annotations

import pytest
from lxml import html as parser

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


@pytest.fixture(scope="session")
def page(replay):
    """The page of the event, as the run wrote it."""
    path = replay.home / "pages" / "sector-us-information-technology-2025-01-27.html"
    return parser.document_fromstring(path.read_text(encoding="utf-8"))


def text_of(root):
    return " ".join(root.text_content().split()).replace("\N{MINUS SIGN}", "-")


def test_the_page_tells_the_founding_case_in_its_first_sentences(page):
    leads = [text_of(lead) for lead in page.xpath("//p[@class='lead']")]
    assert len(leads) == 4
    assert leads[0].startswith("On 27 January 2025 SPY fell 1.41%")
    # 142.62 to 118.42 on 24.49 billion shares.
    assert "NVIDIA Corporation (NVDA): -16.97%, abnormal z -5.8" in leads[1]
    assert "592.7 billion USD lost" in leads[1]
    assert "showed first at 6857.T in Japan (close of 2025-01-27 06:30 UTC)" in leads[2]
    assert "of 28 figures in 3 articles the prices bear out 28 and contradict 0" in leads[3]


def test_the_page_has_every_part_and_says_that_history_is_simulated(page):
    parts = [section.get("id") for section in page.xpath("//section")]
    assert parts == [
        *("prices", "abnormal", "tests", "losses", "heat", "closes", "sectors", "network"),
        *("recovery", "articles", "instruments", "data"),
    ]
    assert len(page.xpath("//figure//svg")) == 8
    (warning,) = page.xpath("//header//p[@class='warning']")
    assert "Closes and volumes from 2025-01-17 on are real" in text_of(warning)


def test_every_figure_of_the_page_is_cited_by_the_release_and_its_vintage(page, query):
    ((release_id,),) = query("SELECT release_id FROM meta.releases")
    cites = [text_of(cite) for cite in page.xpath("//p[@class='cite']")]
    of_tables = [cite for cite in cites if cite.startswith(("mart.", "core."))]
    assert len(of_tables) == 12
    assert all(f"release {release_id}" in cite and "as of 20" in cite for cite in of_tables)


def test_each_event_is_a_partition_with_the_place_of_its_page(replay, monkeypatch):
    import dagster as dg

    from commands.running import opened_instance

    monkeypatch.setenv("DAGSTER_HOME", str(replay.home / "dagster"))
    with opened_instance() as instance:
        assert instance.get_dynamic_partitions("event") == [
            "sector-us-information-technology-2025-01-27"
        ]
        noted = instance.get_latest_materialization_event(dg.AssetKey(["meta", "event_page"]))
        metadata = noted.asset_materialization.metadata
    assert metadata["page"].value.startswith("file://")
    assert metadata["path"].value.endswith("sector-us-information-technology-2025-01-27.html")


def test_the_views_for_bi_answer_on_the_hardened_release(query):
    ((title, worst),) = query("SELECT event_title, hardest_hit_label FROM mart.latest_event")
    assert title == "2025-01-27: sector sell-off, US (Information Technology)"
    assert worst == "NVIDIA Corporation (NVDA)"
    ((text,),) = query(
        "SELECT simple_return_text FROM mart.event_instruments "
        "WHERE is_latest_event AND ticker = 'NVDA'"
    )
    assert text == "-16.97%"
    assert query("SELECT count(*) FROM mart.data_quality WHERE status = 'failed'") == [(0,)]
