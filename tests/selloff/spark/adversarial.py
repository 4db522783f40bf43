"""The panel on which two engines part: every table that an expression reads, from fixed seeds.

A listing and a sector that never trade, a halt of 400 sessions, listings of one and two bars, a
zero price, missing and zero volumes, tied troughs, falls of exactly 5%, constant growth, a copy of
the market; splits, dividends, restated and disputed bars.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selloff import fx, identity, losses, markets, prices, returns
from selloff._ibis import fetched
from selloff.adjustments import dividends, splits
from selloff.contagion_series import contagion_series
from selloff.implied_shares import implied_shares
from selloff.proposed_splits import proposed_splits, with_unapplied_splits
from selloff.quarantine import quarantined_bars
from selloff.restatements import restatements
from selloff.returns import MarketModel
from warehouse.tables import actions, contagion, instruments, quarantine, selloffs, valuation
from warehouse.tables.detection import DECLARED_EVENTS
from warehouse.tables.prices import DAILY_PRICES, FETCHES, PRICE_VINTAGES
from warehouse.tables.returns import ABNORMAL_RETURNS, MARKET_RETURNS

if TYPE_CHECKING:
    from warehouse.contract import Table

COUNT = 460
CRASH = 425
# Worthless on these rows: no contract stands before the engines here.
ZERO = (200, 300)
MODEL = MarketModel(first=60, last=5, minimum=40)
REGIONS = {"US": "SPY"}
LATER = "2025-03-02"


def _walk(seed: int, start: float = 50.0) -> Any:
    steps = np.random.default_rng(seed).normal(0, 0.015, COUNT)
    return start * np.exp(np.cumsum(steps))


def _market() -> Any:
    closes = _walk(0, 400.0)
    closes[CRASH:] *= 0.9
    return closes


def _closes() -> dict[str, Any]:
    """Return closes and volumes by the defect; None is no bar."""
    crash = _walk(1)
    crash[CRASH:] *= 0.7
    pause = pd.Series(_walk(2))
    pause.iloc[20:420] = np.nan
    exact = np.full(COUNT, 100.0)
    exact[1::2] = 95.0
    worthless = crash.copy()
    worthless[list(ZERO)] = 0.0
    halved = _walk(9)
    halved[440:] *= 0.1
    late = [None] * (COUNT - 2)
    silent = [None if row % 3 else 1e5 for row in range(COUNT)]
    return {
        "halted": ([10.0] * COUNT, 0.0),
        "halted_too": ([7.0] * COUNT, 0.0),
        "pause": (pause, 1e5),
        "one": ([*late, None, 5.0], 1e5),
        "two": ([*late, 5.0, 4.0], 1e5),
        "silent": (_walk(3), silent),
        "never": (_walk(4), None),
        "nothing": (_walk(5), 0.0),
        "trough": (np.where(np.arange(COUNT) % 50 == 25, 40.0, 80.0), 1e5),
        "growth": (1.01 ** np.arange(COUNT), 1e5),
        "exact": (exact, 1e5),
        "crash": (crash, 1e5),
        "twin": (crash * 2, 1e5),
        "worthless": (worthless, 1e5),
        "split": (halved, 1e5),
        "moved": (_walk(11), 1e5),
        "gone": ([*_walk(12)[:430], *[None] * 30], 1e5),
        "copy": (_market(), 1e7),
    }


def _bars(make: Any) -> pd.DataFrame:
    frames = [make.bars("SPY", _market(), volume=1e7)]
    for name, (closes, volume) in _closes().items():
        columns = {} if volume is None else {"volume": volume}
        frames.append(make.bars(name, closes, **columns))
    for seed, name in enumerate(("T0", "T1"), 50):
        frames += [make.bars(name, _walk(seed, 900.0), currency="JPY")]
    frames.append(make.bars("USDJPY", 150 * _walk(7, 1.0), currency="JPY"))
    bars = pd.concat(frames, ignore_index=True)
    counts = bars["ticker"].map(
        {"crash": 1.000000123e9, "copy": 1.000000123e9, "split": 2e8, "pause": 3e8}
    )
    after = (bars["ticker"] == "split") & (bars["session_date"] >= make.days(COUNT)[440])
    worth = bars["close"] * counts.where(~after, 2e9)
    known = {"known_from": "2025-03-01", "load_id": "first", "row_hash": "0", "source": "files"}
    currency = bars["currency"].fillna("USD")
    worth.loc[worth[bars["ticker"] == "split"].index[100:103]] *= 3
    return bars.assign(
        open=bars["close"] * 1.01,
        market_value=worth,
        exchange_mic="XNYS",
        currency=currency,
        **known,
    )


def _vintages(make: Any) -> pd.DataFrame:
    """Return versions: restated, corrected and disputed bars beside the first ones."""
    first = _bars(make)
    later = {"known_from": LATER, "load_id": "later", "row_hash": "1"}
    doubled = first[first["ticker"] == "moved"].assign(**later)
    doubled["close"] /= 2
    scattered = first[first["ticker"] == "silent"].iloc[[10, 50, 300]].assign(**later)
    scattered["close"] *= [1.02, 0.97, 1.1]
    other = first[first["ticker"].isin(["crash", "exact", "twin"])].assign(source="yahoo")
    other.loc[other.index[5::40], "close"] *= 1.03
    return pd.concat([first, doubled, scattered, other], ignore_index=True)


def _listed(make: Any) -> pd.DataFrame:
    names = list(_closes())
    sectors = ["Still" if name.startswith("halted") else "Moving" for name in names]
    sectors[-4:] = ["Other"] * 4
    issuers = [f"firm {'crash' if name == 'twin' else name}" for name in names]
    us = make.listings(*names, sector=sectors, industry="Sundry", issuer_id=issuers)
    us["sector_proxy"] = "SPY"
    us["is_primary"] = us["ticker"] != "twin"
    listed = pd.concat(
        [
            make.listings("SPY", asset_class="etf", sector="Moving", currency="USD"),
            us.assign(currency="USD"),
            make.listings("T0", "T1", sector="Moving", region="JP", exchange_mic="XTKS"),
            make.listings("USDJPY", asset_class="fx", region=None, exchange_mic=None),
        ],
        ignore_index=True,
    )
    return listed.assign(is_primary=listed["is_primary"].ne(other=False))


def _actions(make: Any) -> dict[Table, pd.DataFrame]:
    days = make.days(COUNT)
    told = pd.DataFrame(
        [
            ("exact", days[100], "split", 2.0, None, None, "files", "0"),
            ("exact", days[100], "split", 3.0, None, None, "yahoo", "0"),
            ("exact", days[250], "split", 0.1, None, None, "yahoo", "0"),
            ("exact", days[300], "split", 1.1, None, None, "yahoo", "0"),
            ("crash", days[250], "split", 1.0, None, None, "yahoo", "0"),
            ("exact", days[200], "dividend", None, 1.25, "USD", "yahoo", "0"),
            ("crash", days[30], "dividend", None, 0.5, "USD", "yahoo", "0"),
            ("crash", days[30], "capital_gain", None, 0.25, "USD", "yahoo", "0"),
            ("crash", days[400], "dividend", None, 0.3, "EUR", "yahoo", "0"),
            ("worthless", days[201], "dividend", None, 0.3, "USD", "yahoo", "0"),
        ],
        columns=[
            *("ticker", "ex_date", "action", "split_ratio", "amount"),
            *("currency", "source", "row_hash"),
        ],
    )
    refused = pd.DataFrame(
        [("q1", "X:two", days[5]), ("q2", "X:none", days[6]), ("q3", "X:crash", days[7])],
        columns=["quarantine_id", "listing_id", "session_date"],
    ).assign(table_name="raw.price_vintages", reason="close_is_positive", payload="{}")
    decided = pd.DataFrame({"quarantine_id": ["q1", "q9"], "decision": ["rejected", "released"]})
    counts = pd.DataFrame(
        [
            ("crash", "A", 1e9, days[0], days[10], "files"),
            ("crash", "B", 4e8, days[0], days[10], "files"),
            ("crash", "A", 1.1e9, days[200], days[220], "files"),
            ("exact", "all", 3e7, days[50], days[60], "files"),
            ("exact", "all", 6e7, days[120], None, "yahoo"),
            ("halted", "all", 1e9, days[0], None, "yahoo"),
            ("T0", "all", 3e9, days[0], None, "yahoo"),
        ],
        columns=[
            *("ticker", "share_class", "shares_outstanding", "measured_on", "filed_on", "source"),
        ],
    )
    return {
        actions.CORPORATE_ACTIONS: told,
        quarantine.QUARANTINE: refused.assign(first_seen_at=LATER, last_seen_at=LATER),
        quarantine.QUARANTINE_DECISIONS: decided.assign(note="", subject="", decided_at=LATER),
        valuation.RAW_SHARES_OUTSTANDING: counts,
        valuation.SHARE_CLASSES: pd.DataFrame(
            {"ticker": ["crash"] * 2, "share_class": ["A", "B"], "units_per_share": [1.0, 0.5]}
        ),
        valuation.RAW_FX_RATES: pd.DataFrame(
            {"currency": "JPY", "rate_date": days[::7], "usd_per_currency": 1 / 151.0}
        ),
        instruments.LISTING_SYMBOLS: pd.DataFrame(
            [("X:crash", "crash", None, days[200]), ("X:twin", "crash", days[201], None)],
            columns=["listing_id", "symbol", "valid_from", "valid_to"],
        ),
        FETCHES: pd.DataFrame({"source": ["files", "yahoo"], "requested": "halted"}).assign(
            asset="price_vintages", outcome="no_data", n_rows=0, n_tries=1, fetched_at=LATER
        ),
        DECLARED_EVENTS: pd.DataFrame(
            [
                ("told", "US", days[300], None, "market"),
                ("heard", None, None, days[350] + pd.Timedelta("15:00:00"), "market"),
            ],
            columns=["declared_id", "region", "session_date", "happened_at", "scope"],
        ),
    }


def _measures(events: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (event, source, target, measure, period)
        for event in events["event_id"]
        for source in ("Moving", "Other")
        for target in ("Moving", "Other")
        for measure, period in (("correlation_shift", "event"), ("spillover_share", "after"))
    ]
    names = ["event_id", "source_name", "target_name", "measure", "period"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(
        series_set="US sectors",
        is_origin=frame["source_name"] == "Moving",
        value=np.random.default_rng(8).normal(0, 1, len(frame)),
        adjusted_p_value=0.2,
        detectable=0.4,
    )


def fill(bench: Any, make: Any) -> None:
    """Store every table on DuckDB, the derived ones computed there."""

    def put(contract: Table, frame: pd.DataFrame) -> Any:
        return bench.put(contract, frame, strict=False)

    def keep(contract: Table, found: Any) -> Any:
        frame = found if isinstance(found, pd.DataFrame) else fetched(found)
        return put(contract, frame)

    raw = {contract: put(contract, frame) for contract, frame in _actions(make).items()}
    versions = put(PRICE_VINTAGES, _vintages(make))
    listed = put(instruments.INSTRUMENTS, _listed(make))
    days = make.days(COUNT + 5)
    calendars = [make.sessions("XNYS", days), make.sessions("XTKS", days, "06:00")]
    calendar = put(instruments.SESSIONS, pd.concat(calendars, ignore_index=True))
    counts = make.shares(crash=1e9, twin=1e9, halted=1e9, one=1e9, pause=1e9, T0=3e9)
    shares = put(instruments.SHARES_OUTSTANDING, counts)
    told = keep(actions.SPLITS, splits(raw[actions.CORPORATE_ACTIONS]))
    keep(actions.DIVIDENDS, dividends(raw[actions.CORPORATE_ACTIONS], told))
    moved = keep(actions.RESTATEMENTS, restatements(versions, told))
    books = (raw[quarantine.QUARANTINE], raw[quarantine.QUARANTINE_DECISIONS])
    out = keep(quarantine.QUARANTINED_BARS, quarantined_bars(versions, told, moved, *books))
    implied = keep(valuation.IMPLIED_SHARES, implied_shares(versions, out, told))
    proposed = keep(actions.PROPOSED_SPLITS, proposed_splits(versions, out, told, implied))
    bars = prices.daily_prices(versions, out, told, calendar, listed)
    bars = keep(DAILY_PRICES, with_unapplied_splits(bars, proposed))
    rates = keep(valuation.FX_RATES, fx.fx_rates(raw[valuation.RAW_FX_RATES], bars, listed))
    levels = fetched(markets.market_levels(bars, listed, calendar, shares, REGIONS))
    market = keep(MARKET_RETURNS, markets.market_returns(levels, burn_in=30))
    fitted = keep(ABNORMAL_RETURNS, returns.abnormal_returns(bars, market, listed, MODEL))
    keep(
        instruments.DELISTINGS,
        identity.delistings(raw[FETCHES], versions, calendar, listed),
    )
    declared = _actions(make)[DECLARED_EVENTS].assign(version=1)
    found = bench.detect(pd.DataFrame(), declared=declared)
    events = bench.table(selloffs.SELLOFF_EVENTS)
    lost = losses.selloff_metrics(events, bars, fitted, listed, calendar, shares, rates)
    keep(selloffs.SELLOFF_METRICS, lost)
    put(contagion.CONTAGION_MEASURES, _measures(found["selloff_events"]))
    groups = bench.engine.table("core_group_returns")
    series = contagion_series(groups, market, fitted, listed, calendar, rates)
    keep(contagion.CONTAGION_SERIES, series)
