"""What a walk over the sessions says of sectors is what the expressions define."""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from selloff import session_sectors
from selloff.portfolio_tests import member_series
from selloff.returns import MarketModel
from selloff.sector_contagion import Contagion, by_sessions, sector_contagion
from selloff.sector_days import sector_days, sector_panel
from tests.selloff.spark.comparing import difference, frame_of
from tests.selloff.worlds import COUNT, holes, seldom, world
from warehouse.tables.contagion import CONTAGION_MEASURES
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS

SHORT = MarketModel(first=12, last=1, minimum=5)
N_EVENTS = 4


def spread(make, seed, n_listings):
    """Return the frames of a market with events and the losses in them."""
    random = np.random.default_rng(seed)
    moves, bars, listed, *_ = world(make, seed, n_listings)
    market = dict(zip(make.days(COUNT), random.normal(0, 0.01, COUNT), strict=True))
    on_market = moves["session_date"].map(market).to_numpy(float)
    moves = moves.assign(market_log_return=holes(random, on_market))
    at = random.integers(COUNT // 3, COUNT - 1, N_EVENTS)
    days = make.days(COUNT)
    events = pd.DataFrame(
        {
            "event_id": [f"e{number}" for number in range(N_EVENTS)],
            "region": random.choice(["US", "US", "JP"], N_EVENTS),
            "session_date": days[at],
            "last_session_date": days[at + 1],
            "started_at": days[at - 1] + pd.Timedelta("21h"),
            "origin_sector": random.choice(np.array(["A", "B", None], dtype=object), N_EVENTS),
            "status": random.choice(
                ["detected", "declared", "withdrawn"], N_EVENTS, p=[0.5, 0.4, 0.1]
            ),
        }
    )
    fell = bars.merge(events[["event_id", "session_date"]], on="session_date")
    lost = fell[["event_id", "ticker", "session_date"]].assign(
        abnormal_market_value_lost_usd=random.normal(5, 9, len(fell)),
        previous_close=10.0,
        shares_outstanding=7.0,
        usd_per_currency=holes(random, np.ones(len(fell))),
        fall_as_of=pd.Timestamp("2025-03-09"),
    )
    sessions = [make.sessions("XNYS", days), make.sessions("XTKS", days, "06:00")]
    listed = listed.assign(exchange_mic=np.where(listed["region"] == "JP", "XTKS", "XNYS"))
    return events, lost, moves, listed, pd.concat(sessions)


def put(bench, frames):
    order = (SELLOFF_EVENTS, SELLOFF_METRICS, ABNORMAL_RETURNS, INSTRUMENTS, SESSIONS)
    tables = [bench.put(*pair, strict=False) for pair in zip(order, frames, strict=True)]
    return [*tables, bench.empty(CONTAGION_MEASURES)]


def hit_of(tables):
    """Return the members with an abnormal return in any event of their region."""
    events, _, moves, listed, *_ = tables
    panel = sector_panel(moves, listed)
    named = events.select("event_id", "region", "session_date")
    return panel.filter(panel.abnormal_return.notnull()).inner_join(
        named, ("region", "session_date")
    )


@seldom
@given(
    seed=st.integers(0, 2**20),
    n_listings=st.integers(1, 14),
    rows=st.sampled_from([60, 10**6]),
)
def test_any_sectors_in_any_parts_are_those_that_the_expressions_give(
    bench, make, monkeypatch, seed, n_listings, rows
):
    monkeypatch.setattr(session_sectors, "ROWS_AT_ONCE", rows)
    tables = put(bench, spread(make, seed, n_listings))
    moves, listed = tables[2:4]
    days, series = session_sectors.days_and_series(hit_of(tables), moves, listed, SHORT)
    for found, name, expression in (
        (days, "sector days", lambda: sector_days(moves, listed)),
        (series, "portfolios", lambda: member_series(hit_of(tables), moves, SHORT)),
    ):
        expected = frame_of(bench.run(name, expression))
        assert difference(frame_of(found), expected) is None or len(found) == len(expected) == 0


def test_the_table_is_the_same_by_sessions(bench, make):
    chosen = Contagion(window_before=20, window_after=10, model=SHORT)
    tables = []
    for seed in range(3):
        given_ = put(bench, spread(make, seed, 14))
        both = (frame_of(made(*given_, chosen)) for made in (by_sessions, sector_contagion))
        found, expected = both
        assert difference(found, expected) is None
        tables.append(found)
    found = pd.concat(tables)
    for name in ("mean_abnormal_return", "statistic", "first_falling_at", "correlation_before"):
        assert found[name].notna().any(), name


def test_no_events_have_no_sectors(bench, make):
    events, *others = spread(make, 1, 9)
    tables = put(bench, (events.assign(status="withdrawn"), *others))
    assert len(by_sessions(*tables)) == 0
