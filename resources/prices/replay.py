"""January 2025 again: the real closes of twelve dates, and simulated sessions before them."""

from __future__ import annotations

import csv
import functools
import hashlib
import statistics
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from resources.batch import Answer, Batch, Days, Listing
from resources.calendars import is_known, sessions
from resources.prices.bars import complete, known, together, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    Sessions = Callable[[str, date, date], pa.Table]

DATA = Path(__file__).parent.parent / "data" / "replay"

N_SIMULATED = 300
FIRST_REAL = date(2025, 1, 17)
LAST_REAL = date(2025, 2, 3)
# The 300th session before the first real one in Tokyo, which trades on the fewest days.
FIRST_SIMULATED = date(2023, 10, 24)
# Innovations are drawn for every calendar date from here on, whoever trades on it.
_FIRST_DRAWN = date(2023, 9, 1)
_N_DRAWN = (FIRST_REAL - _FIRST_DRAWN).days + 1

# Chosen for plausible levels: the simulated VIX stays between 9 and 39, the market sigma is 0.0079.
_SEED = 248
SIGMA_SPY = 0.0079
SIGMA_CHIP = 0.0134
_DEGREES = 5
_MARKET = "SPY"
# The calendar of what has none of its own, and of the two factors.
_HOME = "XNYS"


class Exposure(NamedTuple):
    """How an instrument moves: loadings on the two factors and daily residual sigma (fraction)."""

    beta_spy: float
    beta_chip: float
    sigma: float


class Real(NamedTuple):
    """The real figures of one instrument by date; its line in the file of closes."""

    closes: dict[date, float]
    volumes: dict[date, float]
    line: int


@dataclass(frozen=True)
class Replay:
    """The embedded prices.

    Real are the closes and volumes from 2025-01-17 to 2025-02-03. The 300 sessions before, on
    each listing's own calendar, are simulated (`is_simulated`).

    Parameters
    ----------
    tickers : tuple of str
        What is asked for; empty: all.
    calendar : callable
        Sessions of an exchange between two dates, as `resources.calendars.sessions`.
    """

    tickers: tuple[str, ...] = ()
    calendar: Sessions = sessions

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of the range, one answer per ticker; the same call, the same bars."""
        by_ticker = known(listings)
        figures = real_figures()
        tables: list[pa.Table] = []
        answers: list[Answer] = []
        for ticker in self.tickers or figures:
            if ticker not in figures:
                reason = f"unknown_ticker: {ticker} is not in the replay"
                answers.append(Answer(ticker, "failed", reason, 0, utc_now()))
                continue
            listing = by_ticker.get(ticker)
            parts = self._parts(ticker, figures[ticker], listing, days)
            bars = [complete(part, by_ticker, "replay") for part in parts if part.num_rows]
            tables += bars
            answers.append(_answer(ticker, sum(part.num_rows for part in bars), days))
        return Batch(together(tables), answers)

    def coverage(self) -> Days:
        """Return the first simulated and the last real date, over all instruments."""
        return Days(FIRST_SIMULATED, LAST_REAL)

    def _parts(
        self, ticker: str, real: Real, listing: Listing | None, days: Days
    ) -> tuple[pa.Table, ...]:
        """Return the simulated and the real bars within the range."""
        actual = _real_bars(ticker, real)
        if days.start >= FIRST_REAL:
            return (_within(actual, days),)
        mic = listing.exchange_mic if listing else None
        simulated = simulate(ticker, real, self._dates(mic or _HOME), self._us_dates())
        return _within(simulated, days), _within(actual, days)

    def _dates(self, mic: str) -> list[date]:
        """Return the last sessions before the first real one."""
        mic = mic if is_known(mic) else _HOME
        table = self.calendar(mic, _FIRST_DRAWN, FIRST_REAL - timedelta(days=1))
        return table["session_date"].to_pylist()[-N_SIMULATED:]

    def _us_dates(self) -> frozenset[date]:
        """Return the dates on which the factors move."""
        return frozenset(self.calendar(_HOME, _FIRST_DRAWN, FIRST_REAL)["session_date"].to_pylist())


def simulate(ticker: str, real: Real, dates: Sequence[date], us_dates: frozenset[date]) -> pa.Table:
    """Return simulated bars that lead into an instrument's first real close.

    ``r = beta_spy * r_spy + beta_chip * r_chip + e`` in log points, without drift (alpha 0):
    both factors and `e` are Student-t(5) with the given daily sigma. The factors are one path per
    calendar date for all instruments and stand still where the US is closed.

    Parameters
    ----------
    ticker : str
        Seeds the instrument's own innovations: another instrument changes nothing here.
    real : Real
        The level comes from its first close, the volume from its median volume.
    dates : sequence of date
        Sessions to simulate, ascending, all before the first real one.
    us_dates : frozenset of date
        Dates on which the factors move.
    """
    import pyarrow as pa

    exposure = _exposures()[ticker]
    rng = _generator(ticker)
    residual = _student(rng)
    gap, up, down, crowd = rng.standard_normal((4, _N_DRAWN))
    days = np.array([(day - _FIRST_DRAWN).days for day in [*dates, FIRST_REAL]])
    is_us = np.array([day in us_dates for day in [*dates, FIRST_REAL]])
    spy, chip = _factors()
    common = exposure.beta_spy * spy[days] + exposure.beta_chip * chip[days]
    returns = common * is_us + exposure.sigma * residual[days]

    first_real = real.closes[FIRST_REAL]
    closes = first_real * np.exp(-np.cumsum(returns[:0:-1])[::-1])
    before = np.append(closes[0] * np.exp(-returns[0]), closes[:-1])
    width = 0.5 * _sigma(exposure)
    days = days[:-1]
    opens = before * np.exp(0.5 * width * gap[days])
    highs = np.maximum(opens, closes) * np.exp(width * np.abs(up[days]))
    lows = np.minimum(opens, closes) * np.exp(-width * np.abs(down[days]))
    # Rounding is monotone: low <= open, close <= high survives it. Exchange rates need more.
    places = 6 if first_real < 10 else 4  # noqa: PLR2004 - a price below ten needs two more
    traded = [volume for volume in real.volumes.values() if volume > 0]
    table = {
        "ticker": pa.repeat(pa.scalar(ticker), len(dates)),
        "session_date": pa.array(dates, pa.date32()),
        **{
            name: pa.array(np.round(values, places))
            for name, values in zip(
                ("open", "high", "low", "close"), (opens, highs, lows, closes), strict=True
            )
        },
        "is_simulated": pa.repeat(pa.scalar(value=True), len(dates)),
    }
    if traded:
        volumes = statistics.median(traded) * np.exp(0.35 * crowd[days])
        table["volume"] = pa.array(np.round(volumes))
    return pa.table(table)


@functools.cache
def real_figures() -> dict[str, Real]:
    """Return the real closes, and volumes in shares, by ticker and date."""
    volumes = {row["ticker"]: _by_date(row) for row in _rows("volumes.csv")}
    figures: dict[str, Real] = {}
    for line, row in enumerate(_rows("closes.csv"), start=2):
        millions = volumes.get(row["ticker"], {})
        shares = {day: float(round(volume * 1e6)) for day, volume in millions.items()}
        figures[row["ticker"]] = Real(_by_date(row), shares, line)
    return figures


def _real_bars(ticker: str, real: Real) -> pa.Table:
    """Return the real bars: a close, and the other prices only where nothing traded."""
    import pyarrow as pa

    days = list(real.closes)
    closes = list(real.closes.values())
    volumes = [real.volumes.get(day) for day in days]
    still = [close if volume == 0 else None for close, volume in zip(closes, volumes, strict=True)]
    return pa.table(
        {
            "ticker": pa.repeat(pa.scalar(ticker), len(days)),
            "session_date": pa.array(days, pa.date32()),
            **dict.fromkeys(("open", "high", "low"), pa.array(still, pa.float64())),
            "close": pa.array(closes, pa.float64()),
            "volume": pa.array(volumes, pa.float64()),
            "source_file": pa.repeat(pa.scalar("closes.csv"), len(days)),
            "source_row": pa.repeat(pa.scalar(real.line, pa.int64()), len(days)),
        }
    )


def _within(bars: pa.Table, days: Days) -> pa.Table:
    """Return the bars of the range."""
    kept = [days.start <= day <= days.end for day in bars["session_date"].to_pylist()]
    return bars.filter(kept)


def _answer(ticker: str, n_rows: int, days: Days) -> Answer:
    """Return the answer for a ticker that the replay holds."""
    if n_rows:
        return Answer(ticker, "delivered", None, n_rows, utc_now())
    reason = f"no session of the replay between {days.start} and {days.end}"
    return Answer(ticker, "no_data", reason, 0, utc_now())


@functools.cache
def _exposures() -> dict[str, Exposure]:
    """Return every instrument's exposure; the market moves with itself alone."""
    found = {
        row["ticker"]: Exposure(
            float(row["beta_spy"]), float(row["beta_chip"]), float(row["sigma_percent"]) / 100
        )
        for row in _rows("exposures.csv")
    }
    return {**found, _MARKET: Exposure(1.0, 0.0, 0.0)}


@functools.cache
def _factors() -> tuple[np.ndarray, np.ndarray]:
    """Return the market's return and the chip residual, one per calendar date."""
    spy, chip = (_student(_generator(f"factor {name}")) for name in ("spy", "chip"))
    return SIGMA_SPY * spy, SIGMA_CHIP * chip


def _generator(name: str) -> np.random.Generator:
    """Return the stream of random numbers that belongs to a name."""
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.Generator(np.random.PCG64([_SEED, key]))


def _student(rng: np.random.Generator) -> np.ndarray:
    """Return Student-t innovations of unit variance, one per calendar date."""
    return rng.standard_t(_DEGREES, _N_DRAWN) * np.sqrt((_DEGREES - 2) / _DEGREES)


def _sigma(exposure: Exposure) -> float:
    """Return the daily sigma of an instrument, in log points."""
    market = exposure.beta_spy * SIGMA_SPY
    chip = exposure.beta_chip * SIGMA_CHIP
    return float(np.sqrt(market**2 + chip**2 + exposure.sigma**2))


def _rows(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _by_date(row: dict[str, str]) -> dict[date, float]:
    """Return the figures of a line that are there, by the date above them."""
    return {
        date.fromisoformat(day): float(value)
        for day, value in row.items()
        if day != "ticker" and value
    }
