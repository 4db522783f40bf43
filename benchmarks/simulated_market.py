"""A market whose truth is known: seeded bars, and what the pipeline found held against it.

python benchmarks/simulated_market.py make FOLDER LISTINGS YEARS    bars, instruments and the truth
python benchmarks/simulated_market.py check FOLDER WAREHOUSE        found against planted

`FOLDER/prices` is what SELLOFF_PRICES_PATH wants (SELLOFF_PRICES=files). A listing's log return is
``beta * market + sector + own``, all normal: quiet sessions have no fat tails that could be taken
for events. Into this are planted market falls, and falls of one sector that reach another in the
same session or the next. Listings begin, end and are halted; share counts change by the year.
Everything is drawn year by year, so that 50 million bars take no more memory than one of 20 years.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb
    import pyarrow as pa
    from numpy.typing import NDArray

LAST = date(2025, 6, 30)
SECTORS = (
    "Communication Services",
    "Consumer Discretionary",
    "Consumer Staples",
    "Energy",
    "Financials",
    "Health Care",
    "Industrials",
    "Information Technology",
    "Materials",
    "Real Estate",
    "Utilities",
)
# Standard deviations per session, in log points.
MARKET_SIGMA, SECTOR_SIGMA = 0.009, 0.003
# A fall of the market, which every listing follows by its beta: what some lost beyond it would be
# correlated with the market's own return, and no regression could find the planted betas.
MARKET_FALL = -0.06
# What the members of the source and of the sector it reaches lose beyond their markets.
SOURCE_FALL, REACHED_FALL = -0.09, -0.05
# The market model asks for 200 pairs before row -11: nothing is planted that it could not judge.
FIRST_EVENT, BETWEEN = 320, 45
SESSIONS_A_YEAR = 252
HALT_A_SESSION, LONGEST_HALT = 0.0008, 10
# Shares of the listings that begin late and that end early.
LATE, EARLY = 0.1, 0.1
KINDS = ("sector", "market", "sector, next session")


@dataclass(frozen=True)
class Planted:
    """A sell-off that was planted: when, of what kind, by how much, from which sector to which."""

    session_date: str
    kind: str
    depth: float
    source: str | None = None
    reached: str | None = None
    lag: int = 0


@dataclass(frozen=True)
class Market:
    """The drawn facts of every listing, arrays of one length: what lasts all years."""

    betas: NDArray[np.float64]
    sigmas: NDArray[np.float64]
    sectors: NDArray[np.int64]
    shares: NDArray[np.float64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]

    @staticmethod
    def drawn(rng: np.random.Generator, n_listings: int, n_sessions: int) -> Market:
        """Draw the listings; a tenth begins late, a tenth ends early."""
        late = rng.random(n_listings) < LATE
        early = rng.random(n_listings) < EARLY
        return Market(
            betas=rng.uniform(0.4, 1.8, n_listings),
            sigmas=rng.uniform(0.008, 0.018, n_listings),
            sectors=np.arange(n_listings) % len(SECTORS),
            # No giants: a sector of one giant is that firm, and its fall an event of a single name.
            shares=np.round(np.exp(rng.normal(18.5, 0.4, n_listings)), -3),
            first=np.where(late, rng.integers(1, n_sessions // 2, n_listings), 0),
            last=np.where(early, rng.integers(n_sessions // 2, n_sessions, n_listings), n_sessions),
        )


def make(folder: Path, n_listings: int, n_years: float, seed: int = 8) -> int:
    """Write the market of a seed; return its number of bars.

    Parameters
    ----------
    folder : Path
        Gets `prices/` (one Parquet file a year, `instruments.csv`), `planted.json`, `betas.parquet`
        (`ticker`, `beta`, `sector`).
    n_listings : int
        Listings beside the market's own, which is SPY.
    n_years : float
        Years of 252 sessions of the New York Stock Exchange, up to `LAST`.
    seed : int
        The same seed gives the same bars.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    prices = folder / "prices"
    prices.mkdir(parents=True, exist_ok=True)
    days = _sessions(round(n_years * SESSIONS_A_YEAR))
    rng = np.random.default_rng(seed)
    market = Market.drawn(rng, n_listings, len(days))
    planted = _planted(rng, days)
    tickers = [f"Q{number:05d}" for number in range(n_listings)]
    n_bars = 0
    for year, bars in enumerate(_years(rng, market, days, planted, tickers)):
        path = prices / f"bars_{year:02d}.parquet"
        pq.write_table(bars, path, row_group_size=500_000, compression="zstd")
        n_bars += bars.num_rows
    named = [SECTORS[number] for number in market.sectors]
    rows = (f"{t},equity,XNYS,USD,{s},US" for t, s in zip(tickers, named, strict=True))
    head = "ticker,asset_class,exchange_mic,currency,sector,region"
    (prices / "instruments.csv").write_text("\n".join([head, *rows]) + "\n")
    (folder / "planted.json").write_text(json.dumps([asdict(each) for each in planted], indent=1))
    truth = pa.table({"ticker": tickers, "beta": market.betas, "sector": named})
    pq.write_table(truth, folder / "betas.parquet")
    return n_bars


def _sessions(number: int) -> list[date]:
    """Return the last sessions of New York up to `LAST`."""
    from resources.calendars import sessions

    first = LAST - timedelta(days=round(number * 1.5) + 20)
    found: list[date] = sessions("XNYS", first, LAST)["session_date"].to_pylist()
    return found[-number:]


def _planted(rng: np.random.Generator, days: list[date]) -> list[Planted]:
    """Choose when what happens: the kinds in turns, far enough apart to be told apart."""
    found = []
    place = FIRST_EVENT
    while place < len(days) - 10:
        kind = KINDS[len(found) % len(KINDS)]
        if kind == "market":
            event = Planted(str(days[place]), kind, MARKET_FALL)
        else:
            source, reached = (SECTORS[i] for i in rng.choice(len(SECTORS), 2, replace=False))
            lag = int(kind != "sector")
            event = Planted(str(days[place]), kind, SOURCE_FALL, source, reached, lag)
        found.append(event)
        place += BETWEEN + int(rng.integers(0, 20))
    return found


def _years(
    rng: np.random.Generator,
    market: Market,
    days: list[date],
    planted: list[Planted],
    tickers: list[str],
) -> Iterator[pa.Table]:
    """Yield the bars year by year, by session and then listing."""
    levels = np.log(rng.uniform(20, 200, len(tickers)))
    own_level = np.log(300.0)
    shares = market.shares
    for start in range(0, len(days), SESSIONS_A_YEAR):
        here = days[start : start + SESSIONS_A_YEAR]
        moves, returns = _returns(rng, market, here, planted)
        closes = np.exp(levels + np.cumsum(returns, axis=0))
        own = np.exp(own_level + np.cumsum(moves))
        levels, own_level = np.log(closes[-1]), float(np.log(own[-1]))
        rows = np.arange(start, start + len(here))[:, None]
        present = (rows >= market.first) & (rows < market.last) & ~_halts(rng, closes.shape)
        yield _bars(rng, here, tickers, np.round(closes, 4), own, present, shares)
        shares = np.round(shares * rng.choice([0.98, 1.0, 1.03], len(shares)), -3)


def _returns(
    rng: np.random.Generator, market: Market, days: list[date], planted: list[Planted]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the market's log returns, and those of every session (rows) and listing (columns)."""
    moves = rng.normal(0.0003, MARKET_SIGMA, len(days))
    by_sector = rng.normal(0, SECTOR_SIGMA, (len(days), len(SECTORS)))
    own = rng.normal(0, 1, (len(days), len(market.betas))) * market.sigmas
    place = {str(day): row for row, day in enumerate(days)}
    for event in planted:
        row = place.get(event.session_date)
        if row is None:
            continue
        if event.source is None or event.reached is None:
            moves[row] = event.depth
        else:
            by_sector[row, SECTORS.index(event.source)] += event.depth
            later = min(row + event.lag, len(days) - 1)
            by_sector[later, SECTORS.index(event.reached)] += REACHED_FALL
    return moves, moves[:, None] * market.betas + by_sector[:, market.sectors] + own


def _halts(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return where listings do not trade: halts of one session to ten."""
    halted = np.zeros(shape, bool)
    begins = np.argwhere(rng.random(shape) < HALT_A_SESSION)
    for (row, column), length in zip(
        begins, rng.integers(1, LONGEST_HALT + 1, len(begins)), strict=True
    ):
        halted[row : row + length, column] = True
    return halted


def _bars(
    rng: np.random.Generator,
    days: list[date],
    tickers: list[str],
    closes: NDArray[np.float64],
    own: NDArray[np.float64],
    present: NDArray[np.bool_],
    shares: NDArray[np.float64],
) -> pa.Table:
    """Return a year's bars: those of the listings, and SPY's, which has no market value."""
    import pyarrow as pa

    rows, columns = np.nonzero(present)
    kept = closes[present]
    volume = np.round(np.exp(rng.normal(13.0, 0.3, len(kept))))
    names = pa.array([*tickers, "SPY"]).take(pa.array(np.append(columns, _own(days, tickers))))
    dates = pa.array(days, pa.date32()).take(pa.array(np.append(rows, np.arange(len(days)))))
    missing = np.append(np.zeros(len(kept), bool), np.ones(len(days), bool))
    values = np.append(kept * shares[columns], np.zeros(len(days)))
    table = pa.table(
        {
            "date": dates,
            "symbol": names,
            "close": np.append(kept, np.round(own, 4)),
            "volume": np.append(volume, np.full(len(days), 5e7)).astype(np.int64),
            "market_cap": pa.array(values, mask=missing),
        }
    )
    return table.sort_by([("date", "ascending"), ("symbol", "ascending")])


def _own(days: list[date], tickers: list[str]) -> NDArray[np.int64]:
    return np.full(len(days), len(tickers))


def check(folder: Path, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Hold what a warehouse says against what was planted.

    Parameters
    ----------
    folder : Path
        What `make` wrote.
    con : duckdb.DuckDBPyConnection
        The warehouse, or a release of it, that computed those prices.

    Returns
    -------
    dict
        `n_betas`, `mean_error` and `sd_error` (of (found - planted) / standard error: 0 and 1 were
        right), `share_within` (of 1.96 standard errors: 0.95 were right); `planted`, `found`,
        `missed` (dates), `unplanted` (detected sessions by rule, without any planted); `sources`,
        `reached`, `later`: how many of the found sector events name the source, the sector it
        reached in the same session, the one it reached in the next session and when; each as
        (right, of how many).
    """
    planted = [Planted(**each) for each in json.loads((folder / "planted.json").read_text())]
    return {**_betas(folder, con), **_events(planted, con), **_sectors(planted, con)}


def _betas(folder: Path, con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Compare every listing's last beta with the planted one, in standard errors."""
    names = ("n_betas", "mean_error", "sd_error", "share_within")
    found = con.execute(
        """
        WITH moves AS (
          SELECT session_date, var_pop(market_log_return) OVER w AS variance
          FROM core.abnormal_returns WHERE ticker = 'SPY'
          WINDOW w AS (ORDER BY session_date ROWS BETWEEN 260 PRECEDING AND 11 PRECEDING)
        ), newest AS (
          SELECT a.*, row_number() OVER (PARTITION BY listing_id ORDER BY session_date DESC) AS age
          FROM core.abnormal_returns AS a WHERE ticker <> 'SPY' AND beta IS NOT NULL
        ), errors AS (
          SELECT (n.beta - t.beta) / (n.residual_sigma / sqrt(n.n_estimation * m.variance)) AS e
          FROM newest AS n JOIN moves AS m USING (session_date)
          JOIN read_parquet($truth) AS t USING (ticker) WHERE n.age = 1
        )
        SELECT count(*), avg(e), stddev(e), avg((abs(e) < 1.96)::INTEGER) FROM errors
        """,
        {"truth": str(folder / "betas.parquet")},
    ).fetchall()[0]
    return dict(zip(names, found, strict=True))


def _events(planted: list[Planted], con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Say which planted events were detected, and what else was."""
    detected = _detected(con)
    days = {date.fromisoformat(each.session_date) for each in planted}
    missed = [day for day in days if not any(a <= day <= b for _, a, b, _ in detected)]
    unplanted: dict[str, int] = {}
    for _, first, last, scope in detected:
        if not any(first <= day <= last for day in days):
            unplanted[scope] = unplanted.get(scope, 0) + 1
    return {
        "planted": len(planted),
        "found": len(days) - len(missed),
        "missed": sorted(map(str, missed)),
        "unplanted": unplanted,
    }


def _detected(con: duckdb.DuckDBPyConnection) -> list[tuple[str, date, date, str]]:
    return con.execute(
        "SELECT event_id, session_date, last_session_date, scope FROM mart.selloff_events "
        "WHERE status = 'detected'"
    ).fetchall()


def _sectors(planted: list[Planted], con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Say of how many sector events the sectors are told right."""
    by_day = {first: event_id for event_id, first, _, _ in _detected(con)}
    told: dict[str, list[bool]] = {"sources": [], "reached": [], "later": []}
    for event in (each for each in planted if each.source):
        event_id = by_day.get(date.fromisoformat(event.session_date))
        if event_id is None:  # detected from a session before on: its sectors are that session's
            continue
        rows = con.execute(
            "SELECT sector, is_source, is_hit, first_falling_at::DATE FROM mart.sector_contagion "
            "WHERE event_id = ?",
            [event_id],
        ).fetchall()
        about = {sector: facts for sector, *facts in rows}
        told["sources"].append([s for s, facts in about.items() if facts[0]] == [event.source])
        _, is_hit, fell = about[event.reached]
        start = date.fromisoformat(event.session_date)
        if event.lag:
            told["later"].append(fell is not None and fell > start)
        else:
            told["reached"].append(bool(is_hit) and fell == start)
    return {name: (sum(rights), len(rights)) for name, rights in told.items()}


def main() -> None:
    """Make a market, or check a warehouse against it."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    what, folder, *rest = sys.argv[1:]
    if what == "make":
        print(f"{make(Path(folder), int(rest[0]), float(rest[1])):,} bars")
        return
    import duckdb

    with duckdb.connect(rest[0], read_only=True) as con:
        for name, value in check(Path(folder), con).items():
            print(f"{name:14} {value}")


if __name__ == "__main__":
    main()
