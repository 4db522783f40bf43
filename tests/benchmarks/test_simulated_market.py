"""The simulated market holds what its truth says, told by plain regressions on its bars."""

from __future__ import annotations

import json
from datetime import date

import duckdb
import numpy as np
import pandas as pd
import pytest

from benchmarks import growth, simulated_market

N, YEARS = 50, 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    found = tmp_path_factory.mktemp("market")
    simulated_market.make(found, N, YEARS)
    return found


@pytest.fixture(scope="module")
def closes(folder):
    """Closes by session (rows) and symbol."""
    bars = pd.concat(pd.read_parquet(file) for file in (folder / "prices").glob("*.parquet"))
    return bars.pivot_table(index="date", columns="symbol", values="close")


@pytest.fixture(scope="module")
def moves(closes):
    return np.log(closes).diff()


@pytest.fixture(scope="module")
def planted(folder):
    return json.loads((folder / "planted.json").read_text())


@pytest.fixture(scope="module")
def truth(folder):
    return pd.read_parquet(folder / "betas.parquet").set_index("ticker")


def test_planted_betas_are_found_by_regression_within_their_errors(moves, truth):
    errors = []
    for ticker in truth.index:
        rows = moves[["SPY", ticker]].dropna()
        x, y = (rows[name] - rows[name].mean() for name in ("SPY", ticker))
        beta = (x @ y) / (x @ x)
        left = y - beta * x
        sigma = np.sqrt(left @ left / (len(rows) - 2))
        errors.append((beta - truth.loc[ticker, "beta"]) / (sigma / np.sqrt(x @ x)))
    assert abs(np.mean(errors)) < 4 / np.sqrt(N)
    assert np.std(errors) == pytest.approx(1, abs=0.35)


def test_the_market_falls_on_its_planted_days(moves, planted):
    days = [date.fromisoformat(each["session_date"]) for each in planted if not each["source"]]
    assert days
    assert moves.loc[days, "SPY"].to_numpy() == pytest.approx(-0.06, abs=1e-4)


def test_a_planted_fall_of_a_sector_reaches_the_other_with_its_lag(moves, planted, truth):
    events = [each for each in planted if each["source"]]
    assert {each["lag"] for each in events} == {0, 1}
    own = moves[truth.index].sub(np.outer(moves["SPY"], truth["beta"]))
    for event in events:
        row = own.index.get_loc(date.fromisoformat(event["session_date"]))
        for sector, place in ((event["source"], row), (event["reached"], row + event["lag"])):
            fell = own.iloc[place][truth.index[truth["sector"] == sector]].mean()
            assert fell < -0.02


def test_listings_begin_end_and_are_halted(closes):
    named = closes.drop(columns="SPY").notna()
    first, last = named.idxmax(), named[::-1].idxmax()
    assert (first > closes.index[0]).any()
    assert (last < closes.index[-1]).any()
    inside = [named.loc[first[name] : last[name], name].all() for name in named]
    assert not all(inside)


def test_a_seed_gives_the_same_bars_again(folder, tmp_path):
    simulated_market.make(tmp_path, N, YEARS)
    for file in (folder / "prices").glob("*"):
        assert (tmp_path / "prices" / file.name).read_bytes() == file.read_bytes()


@pytest.fixture
def warehouse(planted):
    """What a pipeline would say that found all but the first event, and one that nobody planted."""
    con = duckdb.connect()
    con.execute("CREATE SCHEMA core")
    con.execute("CREATE SCHEMA mart")
    con.execute(
        "CREATE TABLE core.abnormal_returns (listing_id VARCHAR, ticker VARCHAR, session_date DATE,"
        " beta DOUBLE, residual_sigma DOUBLE, n_estimation BIGINT, market_log_return DOUBLE)"
    )
    con.execute(
        "CREATE TABLE mart.selloff_events (event_id VARCHAR, session_date DATE, "
        "last_session_date DATE, scope VARCHAR, status VARCHAR)"
    )
    con.execute(
        "CREATE TABLE mart.sector_contagion (event_id VARCHAR, sector VARCHAR, is_source BOOLEAN, "
        "is_hit BOOLEAN, first_falling_at TIMESTAMP)"
    )
    days = [each["session_date"] for each in planted[1:]]
    for day in [*days, "2023-07-20"]:
        row = [f"e-{day}", day, day, "market", "detected"]
        con.execute("INSERT INTO mart.selloff_events VALUES (?, ?, ?, ?, ?)", row)
    for event in (each for each in planted[1:] if each["source"]):
        for sector in (event["source"], event["reached"]):
            facts = [sector == event["source"], True, f"{event['session_date']} 20:00:00"]
            row = [f"e-{event['session_date']}", sector, *facts]
            con.execute("INSERT INTO mart.sector_contagion VALUES (?, ?, ?, ?, ?)", row)
    return con


def test_the_check_names_what_was_missed_and_what_was_not_planted(folder, planted, warehouse):
    found = simulated_market.check(folder, warehouse)
    assert found["planted"] == len(planted)
    assert found["missed"] == [planted[0]["session_date"]]
    assert found["unplanted"] == {"market": 1}
    assert found["n_betas"] == 0
    n_later = sum(each["lag"] for each in planted[1:])
    # Every sector was said to fall in the event's own session: that is no spillover with a lag.
    assert found["later"] == (0, n_later)
    assert found["sources"][0] == found["sources"][1] >= n_later


def test_a_slope_is_that_of_the_logarithms():
    assert growth.slope([10, 1000], [3.0, 300.0]) == pytest.approx(1)
    assert growth.slope([10, 1000], [3.0, 3.0]) == pytest.approx(0)
