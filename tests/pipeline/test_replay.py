"""The replay through the real graph: what its release says, asked in SQL."""

from __future__ import annotations

from datetime import date
from math import log

import pytest

from warehouse.tables import TABLES
from warehouse.tables.actions import DIVIDENDS, PROPOSED_SPLITS, RESTATEMENTS, SPLITS
from warehouse.tables.articles import ARTICLE_TONES
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS
from warehouse.tables.instruments import DELISTINGS
from warehouse.tables.quarantine import QUARANTINED_BARS
from warehouse.tables.valuation import IMPLIED_SHARES, QUARANTINED_MARKET_VALUES

pytestmark = pytest.mark.pipeline

FIRST_REAL = date(2025, 1, 17)
DAY = date(2025, 1, 27)
DERIVED = [
    table for table in TABLES if table.layer in {"core", "mart"} and "as_of" in table.column_names
]
# Nothing is split, paid, restated, refused, delisted or left out in the replay, no market value is
# delivered, and there are no lists of words of tone.
QUIET = (
    SPLITS,
    DIVIDENDS,
    RESTATEMENTS,
    QUARANTINED_BARS,
    DELISTINGS,
    PROPOSED_SPLITS,
    IMPLIED_SHARES,
    QUARANTINED_MARKET_VALUES,
    DROPPED_OBSERVATIONS,
    ARTICLE_TONES,
)


@pytest.fixture(scope="session")
def query(replay, asked):
    return asked(replay.release)


def only(rows):
    ((value,),) = rows
    return value


def test_nvidia_fell_by_17_percent_and_lost_593_billion(query):
    ((simple, drawdown, lost, shares, known_on),) = query(
        """
        SELECT simple_return, drawdown, market_value_lost_usd, shares_outstanding, shares_known_on
        FROM mart.selloff_metrics WHERE ticker = 'NVDA'
        """
    )
    assert simple == pytest.approx(118.42 / 142.62 - 1, abs=1e-12)
    assert simple <= -0.169
    assert drawdown <= -0.169
    assert lost == pytest.approx(592.66e9, rel=1e-3)
    assert shares == pytest.approx(24.49e9)
    assert known_on == date(2025, 1, 24)


def test_nvidias_drawdown_shows_at_least_the_fall_of_the_day(query):
    ((drawdown, overnight, intraday, z, robust, simulated),) = query(
        """
        SELECT drawdown, overnight_log_return, intraday_log_return, extreme_move_z, robust_z,
               has_simulated_inputs
        FROM core.risk_measures WHERE ticker = 'NVDA' AND session_date = ?
        """,
        DAY,
    )
    assert drawdown <= 118.42 / 142.62 - 1 <= -0.169
    assert z < -4
    assert robust < -4
    assert simulated
    ((depth, peak, trough, outcome),) = query(
        """
        SELECT depth, peak_date, trough_date, outcome
        FROM mart.drawdown_episodes
        WHERE ticker = 'NVDA' AND ? BETWEEN peak_date AND observed_through
        """,
        DAY,
    )
    assert depth <= drawdown
    assert peak < DAY <= trough
    assert outcome == "open"
    assert overnight is None or overnight + intraday == pytest.approx(log(118.42 / 142.62))


def test_every_bar_is_measured(query):
    bars, measured = query(
        """
        SELECT (SELECT count(*) FROM core.daily_prices), (SELECT count(*) FROM core.risk_measures)
        """
    )[0]
    assert bars == measured > 10_000


def test_one_sell_off_is_found_and_it_is_that_of_27_january(query):
    ((day, last, scope, region, origin, status, simulated),) = query(
        """
        SELECT session_date, last_session_date, scope, region, origin_sector, status,
               has_simulated_inputs
        FROM mart.selloff_events
        """
    )
    assert (day, last) == (DAY, DAY)
    assert (scope, region, status) == ("sector", "US", "detected")
    assert origin == "Information Technology"
    assert simulated


def test_the_market_alone_would_not_have_told(query):
    market_return, z, breadth, multiple = query(
        "SELECT market_return, market_z, breadth, threshold_multiple FROM mart.selloff_events"
    )[0]
    assert market_return == pytest.approx(599.37 / 607.97 - 1)
    assert z > -2.5
    assert multiple == pytest.approx(breadth / 0.15)


def test_no_simulated_session_makes_an_event(query):
    assert (
        only(query("SELECT count(*) FROM mart.selloff_events WHERE session_date < ?", FIRST_REAL))
        == 0
    )
    assert only(query("SELECT count(*) FROM core.daily_prices WHERE is_simulated")) > 10_000


@pytest.mark.parametrize(
    ("ticker", "before", "on_the_day"),
    [
        ("AVGO", 244.70, 202.13),
        ("VST", 191.11, 137.08),
        ("MSFT", 444.06, 434.56),
        ("AAPL", 222.78, 229.86),
        ("ASML", 732.25, 690.15),
        ("ASML.AS", 691.48, 643.03),
        ("XLK", 239.30, 227.57),
        ("XLP", 77.90, 80.01),
        ("^GSPC", 6101.24, 6012.28),
        ("^VIX", 14.85, 17.90),  # its venue closes after New York
    ],
)
def test_every_window_begins_with_the_close_before_the_event(query, ticker, before, on_the_day):
    ((simple, close, previous, day, day_before),) = query(
        """
        SELECT simple_return, close, previous_close, session_date, previous_session_date
        FROM mart.selloff_metrics WHERE ticker = ?
        """,
        ticker,
    )
    assert simple == pytest.approx(on_the_day / before - 1, abs=1e-12)
    assert (close, previous) == (on_the_day, before)
    assert (day, day_before) == (DAY, date(2025, 1, 24))


def test_tokyo_is_measured_in_its_own_session(query):
    # Its Monday ended before New York's began: the shock reached it first.
    rows = query(
        "SELECT ticker, session_date, simple_return FROM mart.selloff_metrics "
        "WHERE region = 'JP' ORDER BY ticker"
    )
    found = {ticker: (day, simple) for ticker, day, simple in rows}
    closes = {"6857.T": (10050.0, 9185.0), "8035.T": (27135.0, 25805.0)}
    for ticker, (before, after) in closes.items():
        assert found[ticker] == (DAY, pytest.approx(after / before - 1))


def test_zero_volume_fills_of_siemens_energy_are_flagged_stale(query):
    stale = query(
        "SELECT session_date FROM core.daily_prices "
        "WHERE quality_flags LIKE '%stale%' ORDER BY session_date"
    )
    assert [day for (day,) in stale] == [date(2025, 1, day) for day in (20, 21, 24)]
    tickers = query(
        "SELECT DISTINCT ticker FROM core.daily_prices WHERE quality_flags LIKE '%stale%'"
    )
    assert tickers == [("ENR.DE",)]
    flagged = query("SELECT n_flagged FROM mart.selloff_metrics WHERE ticker = 'ENR.DE'")
    assert only(flagged) > 0


def test_a_stale_bar_is_kept_and_its_check_warns(query):
    assert (
        only(
            query(
                "SELECT close FROM core.daily_prices WHERE ticker = 'ENR.DE' AND session_date = ?",
                date(2025, 1, 24),
            )
        )
        == 58.80
    )
    assert query(
        "SELECT n_violations, severity FROM meta.dq_results WHERE check_name = 'bars_are_not_stale'"
    ) == [(3, "WARN")]


@pytest.mark.parametrize("table", DERIVED, ids=lambda table: table.qualified)
def test_every_derived_row_says_from_which_vintage_it_was_computed(query, table):
    newest = only(query("SELECT max(known_from) FROM raw.price_vintages"))
    texts = only(query("SELECT max(known_from) FROM raw.articles"))
    bad = query(
        f"SELECT count(*) FILTER (as_of IS NULL OR as_of > ?), count(*) FROM {table.qualified}",
        max(newest, texts),
    )
    ((n_bad, n_rows),) = bad
    assert n_bad == 0
    assert (n_rows > 0) == (table not in QUIET)


def test_rows_that_rest_on_simulated_bars_say_so(query):
    tables = ("selloff_events", "selloff_metrics", "sector_contagion", "contagion_paths")
    for table in tables:
        assert only(query(f"SELECT bool_and(has_simulated_inputs) FROM mart.{table}"))
    assert not only(
        query(
            "SELECT bool_or(is_simulated) FROM core.daily_prices WHERE session_date >= ?",
            FIRST_REAL,
        )
    )
    note = query("SELECT DISTINCT data_note FROM mart.event_losses")
    assert note == [("event-day prices real; history before 2025-01-17 simulated",)]


def test_no_share_count_is_dated_after_the_close_before_the_event(query):
    late = "SELECT count(*) FROM mart.selloff_metrics WHERE shares_known_on > previous_session_date"
    assert only(query(late)) == 0
    assert only(query("SELECT count(shares_outstanding) FROM mart.selloff_metrics")) == 23


def test_an_unknown_share_count_means_an_unknown_loss(query):
    unknown = query(
        """
        SELECT count(*) FROM mart.selloff_metrics
        WHERE (shares_outstanding IS NULL) <> (market_value_lost_usd IS NULL)
        """
    )
    assert only(unknown) == 0


def test_losses_are_positive_and_falls_negative(query):
    wrong = """
    SELECT count(*) FROM mart.selloff_metrics
    WHERE sign(market_value_lost_usd) <> -sign(simple_return) OR drawdown > 0
    """
    assert only(query(wrong)) == 0


def test_outcomes_say_how_far_they_have_seen(query):
    seen = query("SELECT DISTINCT observed_through FROM mart.selloff_metrics WHERE ticker = 'NVDA'")
    assert seen == [(date(2025, 2, 3),)]
    # Nothing that fell that far was back within a week.
    assert query("SELECT days_to_recover FROM mart.selloff_metrics WHERE ticker = 'NVDA'") == [
        (None,)
    ]
    apple = query("SELECT days_to_recover FROM mart.selloff_metrics WHERE ticker = 'AAPL'")
    assert apple == [(0,)]


def test_recovery_is_counted_in_sessions_until_the_close_before_the_event_is_back(query):
    rows = query(
        "SELECT ticker, days_to_recover FROM mart.selloff_metrics "
        "WHERE ticker IN ('META', 'GOOGL', 'MSFT')"
    )
    # GOOGL: 200.21 before, then 191.81, 195.30, 195.41, 200.87; MSFT: 447.20 on the next day.
    assert dict(rows) == {"META": 0, "GOOGL": 3, "MSFT": 1}


def test_the_first_articles_name_the_listings_they_speak_of(query):
    named = {row[0] for row in query("SELECT DISTINCT ticker FROM core.mentions")}
    assert {"NVDA", "AVGO", "VST", "6857.T"} <= named
    assert only(query("SELECT count(*) FROM raw.articles")) in {2, 3}


def test_the_release_carries_comments_with_units_and_the_constraints_of_the_contracts(query):
    comment = query(
        "SELECT comment FROM duckdb_columns() WHERE schema_name = 'mart' "
        "AND table_name = 'selloff_metrics' AND column_name = 'market_value_lost_usd'"
    )
    assert only(comment).endswith("[USD]")
    for table in TABLES:
        described = query(
            "SELECT comment FROM duckdb_tables() WHERE schema_name = ? AND table_name = ?",
            table.layer,
            table.name,
        )
        assert only(described) == table.doc
        rules = only(
            query(
                "SELECT count(*) FROM duckdb_constraints() WHERE schema_name = ? "
                "AND table_name = ? AND constraint_type IN ('CHECK', 'NOT NULL')",
                table.layer,
                table.name,
            )
        )
        assert rules == len(table.rules()), table.qualified


def test_the_release_names_itself_and_was_no_backfill(query, replay):
    rows = query("SELECT release_id, is_backfill, n_rows FROM meta.releases")
    ((release_id, is_backfill, n_rows),) = rows
    assert replay.release.resolve().parent.name == release_id
    assert not is_backfill
    counted = sum(
        only(query(f"SELECT count(*) FROM {table.qualified}"))
        for table in TABLES
        if table.layer in {"core", "mart"}
    )
    assert n_rows == counted


def test_nobody_can_write_to_the_release(replay):
    assert oct(replay.release.resolve().stat().st_mode)[-3:] == "444"


def test_every_check_of_the_run_left_its_result(query):
    assert only(query("SELECT count(DISTINCT run_id) FROM meta.dq_results")) == 1
    failed = query("SELECT check_name FROM meta.dq_results WHERE NOT is_passed ORDER BY 1")
    # The last: the first real day of ENR.DE after its simulated ones, which are all alike.
    assert failed == [
        ("bars_are_not_stale",),
        ("jumps_are_corroborated",),
        ("volume_is_plausible",),
    ]
    assert only(query("SELECT count(*) FROM meta.dq_results")) > 50


def test_the_warehouse_knows_that_it_is_a_replay(query):
    assert query("SELECT kind FROM meta.warehouse") == [("replay",)]


def test_ranks_of_the_fall_follow_the_closing_times(query):
    rows = query(
        "SELECT first_falling_at, first_falling_order FROM mart.sector_contagion "
        "WHERE first_falling_at IS NOT NULL ORDER BY first_falling_at"
    )
    orders = [order for _, order in rows]
    assert orders == sorted(orders)
    assert orders[0] == 1


def test_correlations_after_the_event_are_known_from_five_sessions_on(query):
    rows = query("SELECT n_after, correlation_after FROM mart.sector_contagion")
    assert {n for n, _ in rows} == {5}
    assert all(value is None or -1 <= value <= 1 for _, value in rows)


def test_the_replays_largest_loss_is_known_by_its_rank(query):
    found = query("SELECT ticker, session_date FROM mart.loss_records WHERE rank_in_history = 1")
    assert found == [("NVDA", DAY)]


def test_the_way_back_of_nvidia_is_told_as_far_as_the_replay_goes(query):
    ((rebound, trough, whole, seen),) = query(
        """
        SELECT rebound_return, trough_date, days_to_recover, observed_through
        FROM mart.event_losses WHERE ticker = 'NVDA'
        """
    )
    assert rebound == pytest.approx(128.99 / 118.42 - 1, rel=1e-9)
    assert (trough, whole, seen) == (date(2025, 2, 3), None, date(2025, 2, 3))


def test_losses_and_their_sums_agree_wherever_they_stand(query):
    names = (
        "a_loss_is_the_same_in_both_tables",
        "groups_add_up",
        "the_market_lost_what_its_event_says",
    )
    for name in names:
        checked = "SELECT sum(n_rows), sum(n_violations) FROM meta.dq_results WHERE check_name = ?"
        ((n_rows, n_violations),) = query(checked, name)
        assert n_rows > 0, name
        assert n_violations == 0, name
