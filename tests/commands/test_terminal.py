"""How an event reads in a terminal."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from rich.console import Console

from commands.showing import show_event
from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

DAY = date(2025, 1, 27)
EVENT = {
    "event_id": "sector-us",
    "session_date": DAY,
    "last_session_date": DAY,
    "worst_session_date": DAY,
    "n_sessions": 1,
    "scope": "sector",
    "region": "US",
    "market": "SPY",
    "market_return": -0.0141,
    "market_z": -1.6,
    "market_severity": 0.96,
    "breadth": 0.22,
    "origin_sector": "Information Technology",
    "sector_severity": 1.0,
    "hardest_hit_sector": "Utilities",
    "market_value_lost_usd": 1.083e12,
    "threshold_multiple": 1.5,
    "detected_by": "breadth sector",
    "status": "detected",
}


@pytest.fixture
def shown(tables):
    """Return a function that shows an event with these values and gives the lines."""
    for statement in views().values():
        tables.con.execute(statement)
    listed = {"currency": "USD", "asset_class": "equity", "registered_from": "repository"}
    tables.put(table("core.instruments"), listing_id="XNAS:NVDA", ticker="NVDA", **listed)
    tables.put(table("core.instruments"), listing_id="XTKS:6857.T", ticker="6857.T", **listed)

    def show(**values):
        tables.put(table("mart.selloff_events"), **{**EVENT, **values})
        (found,) = fetch(tables.con, "FROM mart.selloff_events")
        target = Console(width=300)
        with target.capture() as told:
            show_event(target, tables.con, found)
        return told.get().splitlines()

    return show


def test_an_event_is_told_by_when_how_far_where_and_by_what(shown):
    lines = shown()
    assert lines[1] == (
        "2025-01-27  sector sell-off in US  (detected by breadth, sector, 1.50 times the threshold)"
    )
    assert lines[2] == (
        "SPY -1.41%, z -1.60 (severity 96%), 22% of members at z of -2 or less; origin Information "
        "Technology (severity 100%), hardest hit Utilities; 1,083.0 bn USD lost"
    )
    assert lines[3] == "All prices as delivered."


def test_where_it_showed_first_and_what_lost_most_are_named_by_their_tickers(shown):
    lines = shown(
        first_listing_id="XTKS:6857.T",
        first_region="JP",
        first_fell_at=datetime.fromisoformat("2025-01-27T06:30"),
        worst_listing_id="XNAS:NVDA",
    )
    assert lines[3] == ("first 6857.T in JP, 2025-01-27 06:30:00 UTC; largest abnormal loss NVDA")


def test_a_declared_event_has_its_name_and_needs_no_figures(shown):
    lines = shown(
        status="declared",
        event_name="FOMC",
        declared_id="fed",
        detected_by=None,
        threshold_multiple=None,
        market_severity=None,
        sector_severity=None,
        origin_sector=None,
        hardest_hit_sector=None,
        market_value_lost_usd=None,
        breadth=None,
    )
    assert lines[1] == "2025-01-27  sector sell-off in US: FOMC  (declared)"
    assert lines[2] == (
        "SPY -1.41%, z -1.60; origin unknown, hardest hit unknown; no share count known by then"
    )


def test_a_longer_event_that_was_also_declared_says_both(shown):
    lines = shown(
        last_session_date=date(2025, 1, 29), n_sessions=2, declared_id="a", scope="single_name"
    )
    assert lines[1].startswith(
        "2025-01-27 to 2025-01-29  single-name sell-off in US  (detected and"
    )


def test_the_headline_tests_stand_beside_the_fall_and_no_other_does(shown, tables):
    tested = {
        "event_id": "sector-us",
        "measure": "return",
        "model": "market_model",
        "grouping": "region",
        "group_name": "US",
        "window_start": 0,
        "window_end": 0,
        "n": 18,
        "mean_abnormal": -0.0865,
    }
    rows = (
        {"test": "kolari_pynnonen", "is_headline": True, "statistic": -2.458, "p_value": 0.025},
        {"test": "grank_t", "is_headline": True, "statistic": -2.355, "p_value": 0.0193},
        {"test": "patell", "is_headline": False, "statistic": -15.4, "p_value": 0.0},
        {"test": "grank_t", "is_headline": True, "statistic": 4.0, "p_value": 0.1, "window_end": 5},
    )
    for row in rows:
        tables.put(table("mart.event_study_tests"), **{**tested, **row})
    assert shown()[3] == (
        "mean abnormal log return of 18 members -0.0865: Kolari-Pynnönen t -2.46 (p 0.025), "
        "GRANK-T -2.35 (p 0.019)"
    )


def sector(tables, name, rank, role, mean, **more):
    given = {"event_id": "sector-us", "session_date": DAY, "sector": name, "hit_rank": rank}
    row = {**given, "role": role, "mean_abnormal_return": mean, "n_members": 2, **more}
    tables.put(table("mart.sector_contagion"), **row)


def shift(tables, target, value, p_value, detectable=0.3, before=0.4, after=0.8):
    pair = {
        "event_id": "sector-us",
        "series_set": "US sectors",
        "source_name": "Information Technology",
        "target_name": target,
        "is_origin": True,
    }
    measures = table("mart.contagion_measures")
    seen = {"period": "shift", "value": value, "n_observations": 21, "n_before": 250}
    tested = {"detectable": detectable, "adjusted_p_value": p_value}
    tables.put(measures, measure="correlation_shift", **tested, **seen, **pair)
    for period, rho in (("before", before), ("after", after)):
        tables.put(measures, measure="correlation", period=period, value=rho, **pair)


def spread(lines):
    """Return what is said under the head of how it spread, up to the next table."""
    start = next(place for place, line in enumerate(lines) if line.startswith("How it spread"))
    end = next(place for place, line in enumerate(lines) if line.startswith("Ten worst"))
    return [line.rstrip() for line in lines[start + 1 : end]]


def test_an_event_of_which_nothing_more_is_known_says_nothing_of_its_spread(shown):
    lines = shown()
    assert not any(line.startswith(("How it spread", "Sectors")) for line in lines)


def test_sectors_are_told_by_what_they_were_to_the_sell_off(shown, tables):
    sector(tables, "Utilities", 1, "hit", -0.1576)
    sector(tables, "Industrials", 2, "hit", -0.0802)
    lost = {"abnormal_market_value_lost_usd": 628.3e9}
    sector(tables, "Information Technology", 3, "source", -0.0431, **lost)
    sector(tables, "Materials", 4, "spared", 0.0081)
    assert spread(shown()) == [
        "source  Information Technology -0.043, 628.3 bn USD lost beyond the market",
        "hit     Utilities -0.158, Industrials -0.080",
        "spared  Materials +0.008",
    ]


def test_a_source_without_share_counts_and_a_sector_without_a_mean_are_named_all_the_same(
    shown, tables
):
    sector(tables, "Information Technology", 1, "source", -0.0431)
    sector(tables, "Utilities", 2, "untested", None)
    assert spread(shown()) == ["source    Information Technology -0.043", "untested  Utilities"]


def test_those_who_fell_stand_by_their_close_the_most_unusual_first(shown, tables):
    tokyo, new_york = "2025-01-27T06:30", "2025-01-27T21:00"
    for close, region, ticker, z in (
        (new_york, "US", "NVDA", -5.8),
        (new_york, "US", "VST", -9.4),
        (tokyo, "JP", "5803.T", -3.0),
    ):
        tables.put(
            table("mart.contagion_paths"),
            event_id="sector-us",
            listing_id=ticker,
            ticker=ticker,
            region=region,
            closed_at=datetime.fromisoformat(close),
            abnormal_z=z,
        )
    assert spread(shown()) == [
        "01-27 06:30 UTC  JP: 5803.T",
        "01-27 21:00 UTC  US: VST, NVDA",
    ]


def test_of_many_that_fell_at_one_close_the_rest_is_counted(shown, tables):
    for place in range(11):
        tables.put(
            table("mart.contagion_paths"),
            event_id="sector-us",
            listing_id=f"{place}",
            ticker=f"T{place:02}",
            region="US",
            closed_at=datetime.fromisoformat("2025-01-27T21:00"),
            abnormal_z=-20.0 + place,
        )
    told = "01-27 21:00 UTC  US: T00, T01, T02, T03, T04, T05, T06, T07 and 3 more"
    assert spread(shown()) == [told]


def test_a_sector_that_moved_closer_is_told_with_both_correlations(shown, tables):
    shift(tables, "Utilities", 0.337, 0.0421, before=0.42, after=0.841)
    shift(tables, "Energy", 0.1, 0.9)
    (told,) = spread(shown())
    assert told == (
        "closer  Utilities to Information Technology: correlation 0.42 to 0.84, +0.34 beyond what "
        "variance explains (p 0.042)"
    )


def test_of_many_that_moved_closer_the_three_clearest_are_told(shown, tables):
    for name, p_value in (("A", 0.04), ("B", 0.0001), ("C", 0.02), ("D", 0.03)):
        shift(tables, name, 0.3, p_value)
    told = spread(shown())
    assert [line.split()[1] for line in told] == ["B", "C", "D"]
    assert "(p <0.001)" in told[0]


def test_where_none_moved_closer_it_is_said_what_would_have_passed_unseen(shown, tables):
    shift(tables, "Utilities", 0.337, 0.24, detectable=0.34)
    shift(tables, "Energy", -0.1, 0.01, detectable=0.49)
    (told,) = spread(shown())
    assert told == (
        "closer  none beyond what variance explains (21 sessions; rises below 0.34 to 0.49, by "
        "sector, can pass unseen)"
    )


@pytest.fixture
def story(tables):
    """Return a way to write what articles say of the event."""

    def put(summary, references, *verdicts):
        for name in ("daily", "[bold]gazette[/bold]"):
            tables.put(table("raw.articles"), article_id=name, source=name)
        tables.put(
            table("mart.event_coverage"),
            event_id=EVENT["event_id"],
            n_articles=3,
            n_independent_sources=2,
            first_article_id="[bold]gazette[/bold]",
            first_mentioned_at=datetime.fromisoformat("2025-01-27T14:40"),
            summary=summary,
            summary_references=references,
        )
        tables.put(table("mart.event_articles"), event_id=EVENT["event_id"], article_id="daily")
        for number, verdict in enumerate(verdicts):
            tables.put(
                table("mart.claim_checks"),
                claim_id=str(number),
                article_id="daily",
                verdict=verdict,
            )

    return put


def test_what_articles_say_stands_with_its_references_and_its_verdicts(shown, story):
    story(
        "NVDA fell 17% [1].",
        "[1] daily, https://daily.example/chips",
        *("supported", "supported", "contradicted", "not_verifiable"),
    )
    lines = shown()
    begins = next(n for n, line in enumerate(lines) if line.startswith("What the articles say"))
    assert lines[begins : begins + 3] == [
        (
            "What the articles say (3 articles, 2 independent sources; first "
            "[bold]gazette[/bold], 2025-01-27 14:40:00 UTC; 4 claims: 2 supported, "
            "1 contradicted, 1 not verifiable)"
        ),
        "NVDA fell 17% [1].",
        "[1] daily, https://daily.example/chips",
    ]


def test_an_event_no_claim_of_which_is_borne_out_has_no_summary(shown, story):
    story(None, None)
    lines = shown()
    (line,) = (line for line in lines if line.startswith("What the articles say"))
    assert line.endswith("0 claims: none)")
    assert "None" not in "".join(lines)


def test_an_event_that_no_article_tells_of_has_no_story(shown):
    assert not any(line.startswith("What the articles say") for line in shown())


def test_a_first_mention_with_a_time_of_day_is_told_with_it(shown, story):
    story("NVDA fell 17% [1].", "[1] daily")
    (line,) = (line for line in shown() if line.startswith("What the articles say"))
    assert "2025-01-27 14:40:00 UTC" in line
