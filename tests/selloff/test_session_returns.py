"""Whatever order and parts the bars come in, the walk over sessions gives what is defined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selloff import _session_fits, session_returns
from selloff.returns import MarketModel, abnormal_returns
from tests.selloff import test_real_data as real
from tests.selloff.spark.comparing import difference, frame_of
from warehouse.tables.instruments import INSTRUMENTS
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS

MODEL = MarketModel(first=30, last=4, minimum=12)
COUNT = 130
CORE = (DAILY_PRICES, MARKET_RETURNS, INSTRUMENTS)


def levels(region, days, log_level, seed, **columns):
    """Return the rows of a market, some of them made of simulated bars or known later."""
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "region": region,
            "session_date": days,
            "market": "SPY",
            "log_level": log_level,
            "is_simulated": random.random(len(days)) < 0.01,
            "as_of": known(random, len(days)),
            **columns,
        }
    )


def known(random, count):
    """Return instants; in one panel of two all of them are the same, as after one load."""
    late = random.integers(0, 5, count) * (random.random(count) < 0.1) * random.integers(0, 2)
    return pd.Timestamp("2025-03-01 12:00:01.234567") + pd.to_timedelta(late, "D")


def listing(make, name, random, market):
    """Return the bars of a listing with every defect that a bar may have."""
    beta, noise = random.choice([0.0, 1.0, 1.3]), random.choice([0.0, 1e-12, 0.01])
    moves = random.normal(1e-3 * (noise == 0), noise, COUNT)
    close = np.exp(beta * market + np.cumsum(moves))
    close[random.random(COUNT) < 0.005] = 0.0
    volume = np.where(random.random(COUNT) < 0.1, np.nan, random.integers(0, 10**6, COUNT))
    flags = np.where(random.random(COUNT) < 0.03, "jump", "").astype(object)
    flags[random.random(COUNT) < 0.01] = "jump unapplied_split"
    bars = make.bars(
        name,
        close,
        volume=volume if random.random() < 0.8 else 0.0,
        split_ratio_after=np.where(np.arange(COUNT) < COUNT // 2, random.choice([1.0, 3.0]), 1.0),
        quality_flags=flags,
        n_quarantined=(random.random(COUNT) < 0.02) * random.integers(1, 4, COUNT),
        is_simulated=random.random(COUNT) < 0.005,
        as_of=known(random, COUNT),
    )
    start, end = sorted(random.integers(0, COUNT, 2))
    halted = random.choice([0.0, 0.0, 0.2])
    is_bar = (bars.index >= start * random.integers(0, 2)) & (random.random(COUNT) >= halted)
    return bars[is_bar & ((bars.index <= end + 5) | (bars.index > end + 50))]


def world(make, seed, n_listings):
    """Return bars, markets and instruments of a seed."""
    random = np.random.default_rng(seed)
    market = np.cumsum(random.normal(0, 0.01, COUNT))
    days = make.days(COUNT)
    names = [f"L{place:02d}" for place in range(n_listings)]
    bars = pd.concat([listing(make, name, random, market) for name in names], ignore_index=True)
    us = levels("US", days, market, seed)
    us.loc[70:, "market"] = "SPY, basis 2"
    jp = levels("JP", days, market * 0.7 + 1, seed + 1)[random.random(COUNT) < 0.9]
    region = random.choice(np.array(["US", "JP", "XX", None], dtype=object), n_listings)
    listed = make.listings(*names[1:], region=region[1:])  # the first is registered nowhere
    return bars.sample(frac=1, random_state=seed), pd.concat([us, jp]), listed


def put(bench, bars, market, listed):
    """Store the three tables, none of whose checks a zero price would pass."""
    frames = zip(CORE, (bars, market, listed), strict=True)
    return [bench.put(contract, frame, strict=False) for contract, frame in frames]


def defined(bench, tables, model=MODEL):
    """Return what the expression says, compiled once."""
    rows = bench.run(("abnormal", model), lambda: abnormal_returns(*tables, model))
    return frame_of(rows)


def walked(tables, model=MODEL, **how):
    return frame_of(session_returns.abnormal_returns(*tables, model, **how))


seldom = settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@seldom
@given(
    seed=st.integers(0, 2**20),
    n_listings=st.integers(1, 9),
    at_once=st.tuples(st.sampled_from([150, 10**6]), st.sampled_from([1, 3, 512])),
    start=st.integers(0, COUNT - 1),
)
def test_any_panel_in_any_parts_gives_what_the_expression_gives(
    bench, make, monkeypatch, seed, n_listings, at_once, start
):
    tables = put(bench, *world(make, seed, n_listings))
    monkeypatch.setattr(session_returns, "ROWS_AT_ONCE", at_once[0])
    monkeypatch.setattr(session_returns, "LISTINGS_AT_ONCE", at_once[1])
    whole = defined(bench, tables)
    assert difference(walked(tables), whole) is None
    first = make.days(COUNT)[start]
    late = whole[whole["session_date"] >= first].reset_index(drop=True)
    assert difference(walked(tables, first=first.date()), late) is None


@seldom
@given(seed=st.integers(0, 2**20), start=st.integers(1, COUNT - 1))
def test_a_late_slice_is_the_whole_to_a_trillionth(bench, make, seed, start):
    bars, market, listed = world(make, seed, 4)
    tables = put(bench, bars, market, listed)
    first = make.days(COUNT)[start].date()
    keys = ["listing_id", "session_date"]
    whole = session_returns.abnormal_returns(*tables, MODEL).read_all().to_pandas()
    late = session_returns.abnormal_returns(*tables, MODEL, first=first).read_all().to_pandas()
    expected = whole[whole["session_date"] >= first].reset_index(drop=True)
    assert late[keys].equals(expected[keys])
    # Where nothing but rounding is left of a variance (a copy of its market), no digit counts.
    settled = ~(expected["residual_sigma"] < 1e-6)
    pd.testing.assert_frame_equal(late[settled], expected[settled], rtol=1e-11, atol=1e-13)


def test_rows_come_by_session_and_listing_under_the_names_of_the_contract(bench, make):
    tables = put(bench, *world(make, 3, 5))
    found = session_returns.abnormal_returns(*tables, MODEL)
    assert tuple(found.schema.names) == ABNORMAL_RETURNS.column_names
    rows = found.read_all().to_pandas()
    assert rows[["session_date", "listing_id"]].equals(
        rows[["session_date", "listing_id"]].sort_values(["session_date", "listing_id"])
    )


def noiseless(make):
    """Return listings of whose variance nothing is left but rounding, and their market."""
    market = np.cumsum(np.random.default_rng(0).normal(0, 0.01, COUNT))
    exact = np.full(COUNT, 100.0)
    exact[1::2] = 95.0
    closes = {
        "growth": 1.01 ** np.arange(COUNT),
        "copy": np.exp(market),
        "triple": np.exp(3 * market),
        "halted": np.full(COUNT, 10.0),
        "exact": exact,
        "one": [*[None] * (COUNT - 1), 5.0],
        "two": [*[None] * (COUNT - 2), 5.0, 4.0],
    }
    bars = pd.concat([make.bars(name, each, volume=1e5) for name, each in closes.items()])
    return bars, levels("US", make.days(COUNT), market, 0), make.listings(*closes)


def test_rounding_noise_is_no_variance(bench, make):
    tables = put(bench, *noiseless(make))
    found = session_returns.abnormal_returns(*tables, MODEL).read_all().to_pandas()
    last = found[found["session_date"] == found["session_date"].max()].set_index("ticker")
    quiet = ["growth", "copy", "triple", "halted"]
    assert last.loc[quiet, "residual_sigma"].tolist() == [0.0] * 4
    assert last.loc[quiet, "abnormal_z"].isna().all()
    betas = last["beta"].reindex(["growth", "copy", "triple", "halted"])
    assert betas.to_numpy() == pytest.approx([0, 1, 3, 0], abs=1e-9)
    assert last.loc[["one", "two"], "beta"].isna().all()
    assert last.loc["two", "simple_return"] == pytest.approx(-0.2)
    assert difference(walked(tables), defined(bench, tables)) is None


def test_the_fit_is_that_of_least_squares(bench, make):
    random = np.random.default_rng(11)
    market = np.cumsum(random.normal(0, 0.01, COUNT))
    closes = np.exp(1.4 * market + np.cumsum(random.normal(0, 0.02, COUNT)))
    tables = put(
        bench,
        make.bars("A", closes, volume=1e5),
        levels("US", make.days(COUNT), market, 1),
        make.listings("A"),
    )
    found = session_returns.abnormal_returns(*tables, MODEL).read_all().to_pandas()
    rows = slice(COUNT - 1 - MODEL.first, COUNT - MODEL.last)
    y, x = np.diff(np.log(closes), prepend=np.nan), np.diff(market, prepend=np.nan)
    beta, alpha = np.polyfit(x[rows], y[rows], 1)
    last = found.iloc[-1]
    assert (last["beta"], last["alpha"]) == pytest.approx((beta, alpha), rel=1e-9)
    assert last["abnormal_return"] == pytest.approx(y[-1] - alpha - beta * x[-1], rel=1e-9)
    assert last["n_estimation"] == MODEL.first - MODEL.last + 1


def test_two_bars_of_a_listing_in_a_session_are_refused(bench, make):
    bars, market, listed = noiseless(make)
    tables = put(bench, pd.concat([bars, bars.iloc[5:6]]), market, listed)
    with pytest.raises(ValueError, match="two bars in one session"):
        session_returns.abnormal_returns(*tables, MODEL).read_all()


def test_no_bars_have_no_rows_and_no_market_has_no_model(bench, make):
    bars, market, listed = noiseless(make)
    nothing = put(bench, bars.iloc[:0], market, listed)
    assert session_returns.abnormal_returns(*nothing, MODEL).read_all().num_rows == 0
    alone = put(bench, bars, market.iloc[:0], listed)
    found = session_returns.abnormal_returns(*alone, MODEL).read_all().to_pandas()
    assert len(found) == len(bars)
    assert found[["market", "market_log_return", "beta", "abnormal_z"]].isna().all(axis=None)
    assert found["log_return"].notna().sum() == len(bars) - bars["ticker"].nunique()


def test_nothing_is_subtracted_from_the_sums_of_windows():
    huge = np.zeros((12, 1))
    huge[0], huge[1:] = 1e16, 0.1
    sums = _session_fits._two_blocks(huge, 5, 4, np.add)
    assert sums[:, 0].tolist() == pytest.approx([1e16 + 0.4, 0.5, 0.5, 0.5], rel=1e-15)


@pytest.mark.skipif(not real.SHARED.exists(), reason="needs ../shared/data, not in the clone")
def test_the_bars_around_january_2025_give_what_the_expression_gives(bench):
    listed = real.instruments()
    bars = real.vintages(listed)
    spy = bars[bars["ticker"] == "SPY"].sort_values("session_date")
    market = levels("US", spy["session_date"].array, np.log(spy["close"].to_numpy()), 5)
    tables = put(bench, bars, market, listed)
    model = MarketModel()
    assert difference(walked(tables, model), defined(bench, tables, model)) is None
