"""What the views say of how a sell-off spread, to someone who does not know the conventions."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from resources.answers import fetch
from warehouse.tables import table
from warehouse.views import views

DAY = date(2025, 1, 27)
EVENT = "sector-us"
SOURCE = "Information Technology"


@pytest.fixture
def ask(tables):
    """Return a way to ask the views of one event."""
    for statement in views().values():
        tables.con.execute(statement)
    tables.put(
        table("mart.selloff_events"),
        event_id=EVENT,
        session_date=DAY,
        last_session_date=DAY,
        worst_session_date=DAY,
        region="US",
        scope="sector",
        status="detected",
        detected_by="breadth",
    )
    return lambda sql: fetch(tables.con, sql)


@pytest.fixture
def put_measure(tables):
    """Return a way to write what a measure says of a pair."""

    def put(measure, period, value, pair=(SOURCE, "Utilities"), **more):
        given = {
            "event_id": EVENT,
            "series_set": "US sectors",
            "source_name": pair[0],
            "target_name": pair[1],
            "is_origin": pair[0] == SOURCE,
            "measure": measure,
            "period": period,
            "value": value,
        }
        tables.put(table("mart.contagion_measures"), **{**given, **more})

    return put


@pytest.fixture
def put_sector(tables):
    """Return a way to write what a sector suffered."""

    def put(sector, rank, **more):
        given = {"event_id": EVENT, "session_date": DAY, "sector": sector, "hit_rank": rank}
        tables.put(table("mart.sector_contagion"), **{**given, **more})

    return put


def put_shift(put_measure, value, adjusted_p_value, pair=(SOURCE, "Utilities")):
    seen = {"n_observations": 21, "n_before": 250}
    seen |= {"detectable": 0.34, "adjusted_p_value": adjusted_p_value}
    put_measure("correlation_shift", "shift", value, pair, **seen)


def test_what_the_measures_say_of_a_pair_stands_in_one_row(ask, put_measure):
    put_shift(put_measure, 0.34, 0.24)
    put_measure("correlation", "before", 0.42)
    put_measure("correlation", "after", 0.84)
    put_measure("net_pairwise", "after", 0.014)
    put_measure("net_pairwise", "before", 0.011)
    put_measure("granger", "before", -0.03, adjusted_p_value=0.9)
    (row,) = ask("FROM mart.contagion_pairs")
    assert (row["pair_correlation_before"], row["pair_correlation_after"]) == (0.42, 0.84)
    assert (row["pair_correlation_shift"], row["pair_shift_detectable"]) == (0.34, 0.34)
    assert (row["n_before_shift"], row["n_after_shift"]) == (250, 21)
    assert (row["net_pairwise_before"], row["net_pairwise_after"]) == (0.011, 0.014)
    assert (row["prediction"], row["adjusted_prediction_p_value"]) == (-0.03, 0.9)
    assert row["delta_covar_before"] is None


@pytest.mark.parametrize(
    ("value", "p_value", "said"),
    [(0.5, 0.05, True), (0.5, 0.051, False), (-0.5, 0.01, False), (None, None, None)],
)
def test_a_pair_has_moved_closer_where_the_shift_is_a_rise_and_significant(
    ask, put_measure, value, p_value, said
):
    put_shift(put_measure, value, p_value)
    (row,) = ask("FROM mart.contagion_pairs")
    assert row["has_moved_closer"] is said


def test_a_series_makes_no_pair_with_itself(ask, put_measure):
    put_measure("net", "before", 0.1, ("Utilities", "Utilities"))
    assert not ask("FROM mart.contagion_pairs")


def test_sectors_stand_in_the_order_in_which_they_were_hit_with_what_they_sent(
    ask, put_measure, put_sector, tables
):
    listed = {"asset_class": "equity", "registered_from": "repository", "currency": "USD"}
    tables.put(table("core.instruments"), listing_id="XNYS:VST", ticker="VST", **listed)
    put_sector(SOURCE, 2, role="source")
    put_sector("Utilities", 1, role="hit", hardest_hit_listing_id="XNYS:VST")
    put_shift(put_measure, 0.34, 0.24)
    put_measure("net", "before", 0.1, (SOURCE, SOURCE))
    put_measure("net", "after", 0.2, (SOURCE, SOURCE))
    hit, source = ask("FROM mart.event_contagion")
    assert (hit["sector"], hit["role"], hit["hardest_hit_ticker"]) == ("Utilities", "hit", "VST")
    assert (hit["correlation_shift"], hit["has_moved_closer"]) == (0.34, False)
    assert (source["net_spillover_before"], source["net_spillover_after"]) == (0.1, 0.2)
    assert source["has_moved_closer"] is None


def test_sectors_are_held_against_the_source_in_their_own_set_only(ask, put_measure, put_sector):
    put_sector("Utilities", 1, role="hit")
    put_measure("correlation", "before", 0.1, series_set="US sectors by value")
    put_measure("correlation", "before", 0.2, ("Energy", "Utilities"))
    (row,) = ask("FROM mart.event_contagion")
    assert row["pair_correlation_before"] is None


def test_an_event_whose_series_are_too_short_has_its_sectors_all_the_same(ask, put_sector):
    put_sector("Utilities", 1, role="untested")
    (row,) = ask("FROM mart.event_contagion")
    assert row["has_moved_closer"] is None
    assert row["net_spillover_after"] is None


@pytest.fixture
def put_day(tables):
    """Return a way to write how connected a set was."""

    def put(day, total, n_series=11, **more):
        given = {"series_set": "US sectors", "session_date": day, "window_from": day}
        how = {
            "model": "var",
            "decomposition": "generalized",
            "window_rows": 250,
            "n_regressed": 249,
        }
        row = {**given, **how, "n_series": n_series, **more}
        for measure, value in (("total", total), ("corrected_total", total * 1.1)):
            tables.put(table("mart.connectedness"), measure=measure, value=value, **row)

    return put


def test_the_newest_session_has_its_place_among_those_before_it(ask, put_day):
    for place in range(59):
        put_day(DAY - timedelta(days=59 - place), 0.3 if place < 45 else 0.6)
    put_day(DAY, 0.5)
    (row,) = ask("FROM mart.connectedness_today")
    assert (row["session_date"], row["total"]) == (DAY, 0.5)
    assert row["corrected_total"] == pytest.approx(0.55)
    assert (row["percentile"], row["n_past"]) == (46 / 60, 60)


def test_before_sixty_sessions_there_is_no_past_to_hold_it_against(ask, put_day):
    for place in range(59):
        put_day(DAY - timedelta(days=place), 0.3)
    (row,) = ask("FROM mart.connectedness_today")
    assert (row["percentile"], row["n_past"]) == (None, 59)


def test_windows_with_fewer_series_are_no_past(ask, put_day):
    put_day(DAY - timedelta(days=1), 0.3, n_series=9)
    put_day(DAY, 0.5)
    (row,) = ask("FROM mart.connectedness_today")
    assert row["n_past"] == 1


def test_who_sends_most_and_who_receives_most_are_named(ask, put_day, tables):
    put_day(DAY, 0.5)
    for name, net in (("Industrials", 0.2), ("Energy", -0.3), ("Materials", 0.1)):
        row = {"series_set": "US sectors", "session_date": DAY, "window_from": DAY}
        how = {
            "model": "var",
            "decomposition": "generalized",
            "window_rows": 250,
            "n_regressed": 249,
        }
        tables.put(
            table("mart.connectedness"), measure="net", series_name=name, value=net, **row, **how
        )
    (row,) = ask("FROM mart.connectedness_today")
    assert (row["strongest_sender"], row["strongest_sender_net"]) == ("Industrials", 0.2)
    assert (row["strongest_receiver"], row["strongest_receiver_net"]) == ("Energy", -0.3)


def test_every_window_and_set_has_a_row_of_its_own(ask, put_day):
    put_day(DAY, 0.5)
    put_day(DAY, 0.6, window_rows=100, n_regressed=99)
    put_day(DAY - timedelta(days=3), 0.7, series_set="regions")
    rows = ask("SELECT series_set, window_rows, total FROM mart.connectedness_today")
    assert [tuple(row.values()) for row in rows] == [
        ("US sectors", 250, 0.5),
        ("US sectors", 100, 0.6),
        ("regions", 250, 0.7),
    ]
