"""Drawdowns, volatilities and moves beside what other systems found on the same prices.

The tests compare these pairs, and a table of parity can be printed from them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import ibis
import numpy as np
import pandas as pd

from selloff import drawdown_series, volatility
from selloff import range_volatility as ranges
from selloff._ibis import fetched
from selloff.drawdowns import drawdown_episodes, with_highs
from selloff.risk_measures import risk_measures

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "event_study"
PEERS = REFERENCE / "expected" / "drawdown_vol"
# A column of TTR, ours in the table, and ours of arrays.
RANGES = {
    "ttr_close_20": ("close_volatility", None),
    "ttr_parkinson_20": ("parkinson_volatility", ranges.parkinson_volatility),
    "ttr_garman.klass_20": ("garman_klass_volatility", ranges.garman_klass_volatility),
    "ttr_rogers.satchell_20": ("rogers_satchell_volatility", ranges.rogers_satchell_volatility),
    "ttr_gk.yz_20": (
        "garman_klass_yang_zhang_volatility",
        ranges.garman_klass_yang_zhang_volatility,
    ),
    "ttr_yang.zhang_20": ("yang_zhang_volatility", ranges.yang_zhang_volatility),
}
# PerformanceAnalytics names the first session under water, and counts from there.
EPISODE = ["from", "trough", "to", "depth", "length", "peaktotrough", "recovery"]


class Pair(NamedTuple):
    """A quantity as a peer found it and as we do, value by value."""

    quantity: str
    peer: str
    panel: str
    ours: np.ndarray
    theirs: np.ndarray


def pairs() -> Iterator[Pair]:
    """Yield every quantity that a trusted peer has found too."""
    wide = pd.read_csv(REFERENCE / "inputs/prices_wide.csv", index_col="date", parse_dates=True)
    bars = wide.melt(ignore_index=False, var_name="ticker", value_name="close").reset_index()
    bars = bars.rename(columns={"date": "session_date"})
    yield from _drawdowns(wide, bars)
    yield from _episodes(bars)
    yield from _of_arrays(wide)
    yield from _sigmas(wide, bars)
    yield from _ranges()


def _drawdowns(wide: pd.DataFrame, bars: pd.DataFrame) -> Iterator[Pair]:
    theirs = pd.read_csv(PEERS / "pa_drawdown_series.csv", index_col="date", parse_dates=True)
    found = fetched(with_highs(_daily_prices(bars)))
    ours = found.pivot_table("drawdown", "session_date", "ticker").loc[theirs.index, theirs.columns]
    yield Pair(
        "drawdown", "PerformanceAnalytics", "prices_wide", ours.to_numpy(), theirs.to_numpy()
    )
    array = drawdown_series.drawdowns(wide[theirs.columns].to_numpy().T).T[-len(theirs) :]
    yield Pair("drawdown (array)", "PerformanceAnalytics", "prices_wide", array, theirs.to_numpy())


def _episodes(bars: pd.DataFrame) -> Iterator[Pair]:
    ours = _our_episodes(bars)
    theirs = pd.read_csv(PEERS / "pa_drawdowns_top10.csv", parse_dates=["from", "trough", "to"])
    both = theirs.merge(ours, on=["ticker", "from"], suffixes=("_theirs", "_ours"), validate="1:1")
    assert len(both) == len(theirs) == 114
    is_closed = both["to_ours"].notna()
    for name in EPISODE[1:]:
        # Of a drawdown that is still open, the peer reports a recovery that has not been.
        rows = both if name in {"trough", "depth", "peaktotrough"} else both[is_closed]
        yield Pair(
            f"drawdown episodes: {name}",
            "PerformanceAnalytics",
            "prices_wide",
            _numbers(rows[f"{name}_ours"]),
            _numbers(rows[f"{name}_theirs"]),
        )
    for peer, start, depth in (("ffn", "Start", "drawdown"), ("quantstats", "start", None)):
        details = pd.read_csv(PEERS / f"{peer}_drawdown_details.csv", parse_dates=[start])
        values = details[depth] if depth else details["max drawdown"] / 100
        details = pd.DataFrame(
            {"ticker": details["ticker"], "from": details[start], "theirs": values}
        )
        both = details.merge(ours, on=["ticker", "from"], validate="1:1")
        assert len(both) == len(details) == len(ours) == 227
        yield Pair(
            "drawdown episodes: depth, all",
            peer,
            "prices_wide",
            both["depth"].to_numpy(),
            both["theirs"].to_numpy(),
        )


def _our_episodes(bars: pd.DataFrame) -> pd.DataFrame:
    """Return our episodes in the peer's words."""
    numbers = dict.fromkeys(("shares_outstanding", "split_ratio_after"), "float64")
    none = {"listing_id": "string", "known_on": "date", **numbers}
    rates = {"rate_date": "date", "currency": "string", "usd_per_currency": "float64"}
    instruments = ibis.memtable(
        {name: ["A", "B"] for name in ("listing_id", "sector", "region", "currency", "issuer_id")}
        | {"is_primary": [True, True]}
    )
    table = drawdown_episodes(
        _daily_prices(bars), instruments, _empty(none), _empty(rates | {"as_of": "timestamp"})
    )
    days = np.sort(bars["session_date"].unique())
    found = fetched(table)
    after = np.searchsorted(days, found["peak_date"].to_numpy()) + 1
    return pd.DataFrame(
        {
            "ticker": found["ticker"],
            "from": days[after],
            "trough": found["trough_date"],
            "to": found["recovery_date"],
            "depth": found["depth"],
            "length": found["sessions_under_water"].astype(float),
            "peaktotrough": found["sessions_to_trough"].astype(float),
            "recovery": found["sessions_to_recover"].astype(float),
        }
    )


def _of_arrays(wide: pd.DataFrame) -> Iterator[Pair]:
    theirs = pd.read_csv(PEERS / "ffn_drawdown_details.csv", parse_dates=["Start"])
    ours = [drawdown_series.episodes(wide[name].to_numpy()) for name in wide]
    yield Pair(
        "drawdown episodes (array): depth",
        "ffn",
        "prices_wide",
        np.concatenate([found.depth for found in ours]),
        np.concatenate(
            [theirs.loc[theirs["ticker"] == name, "drawdown"].to_numpy() for name in wide]
        ),
    )


def _sigmas(wide: pd.DataFrame, bars: pd.DataFrame) -> Iterator[Pair]:
    theirs = pd.read_csv(PEERS / "pandas_ewma94_sigma.csv", index_col="date", parse_dates=True)
    returns = np.diff(np.log(wide[theirs.columns].to_numpy()), axis=0)
    array = volatility.ewma_volatility(returns.T).T
    yield Pair("EWMA sigma (array)", "pandas", "prices_wide", array, theirs.to_numpy())
    found = _measured(bars).pivot_table("ewma_sigma", "session_date", "ticker")
    # Ours is that of the session before.
    ours = found.loc[theirs.index[1:], theirs.columns].to_numpy()
    yield Pair("EWMA sigma", "pandas", "prices_wide", ours, theirs.to_numpy()[:-1])


def _ranges() -> Iterator[Pair]:
    bars = pd.read_csv(REFERENCE / "inputs/ohlcv.csv", parse_dates=["date"])
    bars = bars.rename(columns={"date": "session_date"})
    theirs = pd.read_csv(PEERS / "ttr_volatility.csv", parse_dates=["date"])
    keys = ["ticker", "session_date"]
    theirs = theirs.rename(columns={"date": "session_date"}).sort_values(keys)
    found = _measured(bars).sort_values(keys)
    bars = bars.sort_values(keys)
    for column, (name, of_arrays) in RANGES.items():
        yield Pair(name, "TTR", "ohlcv", found[name].to_numpy(), theirs[column].to_numpy())
        prices = (
            ["open", "high", "low", "close"] if name != "parkinson_volatility" else ["high", "low"]
        )
        if of_arrays:
            ours = [of_arrays(*rows[prices].to_numpy().T) for _, rows in bars.groupby("ticker")]
        else:
            logs = [np.log(rows["close"]).diff().to_numpy() for _, rows in bars.groupby("ticker")]
            ours = [ranges.close_volatility(returns) for returns in logs]
        yield Pair(
            f"{name} (array)", "TTR", "ohlcv", np.concatenate(ours), theirs[column].to_numpy()
        )


def _measured(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the measures of bars, whose market stands still."""
    returns = bars[["ticker", "session_date"]].assign(
        log_return=np.log(bars["close"]).groupby(bars["ticker"]).diff(), market_log_return=0.0
    )
    known = ibis.memtable(_dated(returns).assign(has_simulated_inputs=False))
    return risk_measures(_daily_prices(bars), known).read_all().to_pandas(date_as_object=False)


def _daily_prices(bars: pd.DataFrame) -> ibis.Table:
    prices = {name: bars.get(name, np.nan) for name in ("open", "high", "low", "close")}
    return ibis.memtable(
        _dated(bars).assign(
            **prices, currency="USD", quality_flags="", n_quarantined=0, is_simulated=False
        )
    )


def _dated(rows: pd.DataFrame) -> pd.DataFrame:
    days = pd.to_datetime(rows["session_date"]).dt.date
    return rows.assign(
        listing_id=rows["ticker"], session_date=days, as_of=pd.Timestamp("2025-03-01")
    )


def _empty(columns: dict[str, str]) -> ibis.Table:
    return ibis.memtable([], schema=columns)


def _numbers(values: pd.Series) -> np.ndarray:
    """Return numbers, and dates as days."""
    if pd.api.types.is_datetime64_any_dtype(values):
        return values.to_numpy("datetime64[D]").astype(float)
    return values.to_numpy(float)
