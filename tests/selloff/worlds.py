"""Small random markets with everything that may be missing, for walks held against expressions."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, settings

COUNT = 60

# A market for each example, and tables of the bench that later examples replace.
seldom = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a smaller market says no more
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def holes(random, values, share=0.1):
    """Return values of which some are missing."""
    return np.where(random.random(len(values)) < share, np.nan, values)


def listing(make, name, random):
    """Return the bars of a listing that is halted, delisted, of one bar or of another currency."""
    closes = np.round(50 * np.exp(np.cumsum(random.normal(0, 0.03, COUNT))), 2)
    closes[random.random(COUNT) < 0.02] = 0.0
    start, end = sorted(random.integers(0, COUNT, 2))
    if random.random() < 0.3:
        closes[start:end] = np.nan
    if random.random() < 0.2:
        closes[1:] = np.nan
    currency = random.choice(np.array(["USD", "EUR", None], dtype=object))
    return make.bars(name, closes, currency=currency)


def moves_of(random, bars):
    """Return what each bar did, and what nobody knows of it."""
    by_listing = bars.groupby("ticker")
    simple = by_listing["close"].pct_change().replace([np.inf, -np.inf], np.nan)
    return bars.drop(columns="close").assign(
        previous_session_date=by_listing["session_date"].shift(),
        simple_return=simple,
        log_return=np.log1p(simple.where(simple > -1)),
        abnormal_return=holes(random, np.round(np.log1p(simple.where(simple > -1)), 2)),
        abnormal_z=holes(random, np.round(random.normal(-1, 2, len(bars)), 1)),
        abnormal_volume_z=holes(random, random.normal(0, 1, len(bars))),
        residual_sigma=holes(random, random.choice([0.0, 0.03], len(bars))),
        beta=holes(random, random.choice([0.0, 1.3], len(bars))),
        n_flagged=random.integers(0, 3, len(bars)),
        n_quarantined=random.integers(0, 2, len(bars)),
        has_simulated_inputs=random.random(len(bars)) < 0.1,
        is_simulated=random.random(len(bars)) < 0.05,
        as_of=pd.Timestamp("2025-03-01") + pd.to_timedelta(random.integers(0, 9, len(bars)), "D"),
    )


def world(make, seed, n_listings):
    """Return the frames of a small market with everything that may be missing."""
    random = np.random.default_rng(seed)
    names = [f"L{place:02d}" for place in range(n_listings)]
    bars = pd.concat([listing(make, name, random) for name in names], ignore_index=True)
    bars = bars.dropna(subset="close")

    def some(*values):
        return random.choice(np.array([*values, None], dtype=object), n_listings)

    listed = make.listings(
        *names,
        sector=some("A", "B"),
        industry=some("a", "b", "c"),
        issuer_id=some("one", "two", None),
        is_primary=random.random(n_listings) < 0.6,
        region=some("US", "US", "JP"),
        asset_class=random.choice(["equity", "equity", "equity", "etf"], n_listings),
        currency=random.choice(["USD", "EUR", "JPY"], n_listings),
        constituent_from=some(make.days(COUNT)[20].date(), None, None),
    )
    counts = dict.fromkeys(names[::2], 1e6)
    split = make.shares(**counts).assign(known_on=make.days(COUNT)[30], shares_outstanding=3e6)
    shares = pd.concat([make.shares(**counts), split[split.index % 2 == 0]])
    sigmas = holes(random, random.choice([0.0, 0.02], COUNT))
    market = pd.DataFrame({"session_date": make.days(COUNT), "market_sigma": sigmas})
    markets = [market.assign(region=region, log_level=0.0) for region in ("US", "JP")]
    rates = make.rates("EUR", np.where(np.arange(COUNT) % 17 < 12, 1.1, np.nan))
    return moves_of(random, bars), bars, listed, shares, rates.dropna(), pd.concat(markets)
