"""Abnormal returns in the order of sessions: what `selloff.returns` defines, without any sort.

Not here: which table means what (`selloff.returns`), the sums over rows (`selloff._session_fits`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_fits import Past, measured
from selloff._session_lookups import NEVER, as_dates, as_instants, days_of, micros
from selloff._spans import ahead, sessions_of, spans
from selloff.history import days_behind
from selloff.proposed_splits import FLAG
from selloff.returns import MarketModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

# Rows asked of the engine at once, and listings computed at once: a dozen quantities of these
# stay in the cache of a core.
ROWS_AT_ONCE = 1_000_000
LISTINGS_AT_ONCE = 512

_BARS = (
    "listing_id",
    "ticker",
    "session_date",
    "close",
    "volume",
    "split_ratio_after",
    "quality_flags",
    "n_quarantined",
    "is_simulated",
    "as_of",
)
_FLOATS = (
    "simple_return",
    "log_return",
    "market_log_return",
    "alpha",
    "beta",
    "residual_sigma",
    "abnormal_return",
    "abnormal_z",
    "abnormal_volume_z",
)
_COUNTS = ("n_estimation", "flagged", "n_quarantined", "simulated")
_FOUND = (*_FLOATS, *_COUNTS, "previous_session", "as_of")
# What stands in the cells behind a listing's last bar: no mark, and later than everything.
_BEHIND = {
    **dict.fromkeys(("close", "volume", "one_share", "log_level"), np.nan),
    **dict.fromkeys(("session", "known"), np.iinfo(np.int64).max),
}


def abnormal_returns(
    daily_prices: ir.Table,
    market_returns: ir.Table,
    instruments: ir.Table,
    model: MarketModel | None = None,
    default_region: str = "US",
    first: date | None = None,
) -> pa.RecordBatchReader:
    """Return every listing's abnormal return in every session, computed while it is read.

    Parameters
    ----------
    daily_prices, market_returns, instruments, model, default_region
        As in `selloff.returns.abnormal_returns`, which defines every column. At most one bar per
        listing and session; the whole history.
    first : datetime.date, optional
        First session wanted; all without it.

    Returns
    -------
    pyarrow RecordBatchReader
        Columns of ``core.abnormal_returns`` in order of session and listing.

    Raises
    ------
    ValueError
        If a listing has two bars in a session; raised while reading.

    Notes
    -----
    Bars are read a million at a time and laid out by each listing's own rows; 261 of them are kept
    as what later ones look back on. No row is sorted, and memory does not grow with history.
    """
    import pyarrow as pa

    chosen = model or MarketModel()
    wanted = daily_prices if first is None else daily_prices.filter(_from(first))
    schema = _schema()
    listings = _sorted(wanted.select("listing_id").distinct().to_pyarrow().column(0))
    markets = _Markets.read(market_returns)
    regions = _regions(listings, instruments, markets, default_region)
    panel = _Panel(listings, regions, markets, chosen, Past.none(chosen, len(listings)))

    def found() -> Iterator[pa.RecordBatch]:
        if first is not None and _begins_before(daily_prices, first):
            near, older = days_behind(daily_prices, wanted, first, chosen.first + 1)
            for bars in chain([older.select(*_BARS).to_pyarrow()], _read(near)):
                for part in panel.parts(bars):
                    panel.advance(*part, is_wanted=False)
        for bars in _read(wanted):
            for part in panel.parts(bars):
                yield from panel.advance(*part, is_wanted=True).cast(schema).to_batches()

    return pa.RecordBatchReader.from_batches(schema, found())


def _read(bars: ir.Table) -> Iterator[pa.Table]:
    """Read bars in runs of sessions, each while the run before it is worked on."""
    runs = spans(bars, ROWS_AT_ONCE)
    return ahead(partial(sessions_of, bars, *run, *_BARS) for run in runs)


def _from(first: date) -> Any:
    return lambda bars: bars.session_date >= first


def _begins_before(daily_prices: ir.Table, first: date) -> bool:
    earliest = daily_prices.session_date.min().to_pyarrow().as_py()
    return earliest is not None and earliest < first


def _schema() -> pa.Schema:
    import pyarrow as pa

    kinds = {
        "listing_id": pa.string(),
        "ticker": pa.string(),
        "session_date": pa.date32(),
        "previous_session_date": pa.date32(),
        "simple_return": pa.float64(),
        "log_return": pa.float64(),
        "market": pa.string(),
        **dict.fromkeys(("market_log_return", "alpha", "beta"), pa.float64()),
        "n_estimation": pa.int64(),
        **dict.fromkeys(_FLOATS[5:], pa.float64()),
        "n_flagged": pa.int64(),
        "n_quarantined": pa.int64(),
        "has_simulated_inputs": pa.bool_(),
        "is_simulated": pa.bool_(),
        "as_of": pa.timestamp("us"),
    }
    return pa.schema(list(kinds.items()))


def _sorted(texts: Any) -> Any:
    import pyarrow.compute as pc

    texts = texts.combine_chunks()
    return texts.take(pc.sort_indices(texts))


@dataclass(frozen=True, slots=True)
class _Markets:
    """The levels of each region's market, with one region more that has none."""

    regions: list[str]
    names: list[str]
    rows: dict[str, Any]

    @classmethod
    def read(cls, market_returns: ir.Table) -> _Markets:
        names = ("region", "session_date", "log_level", "market", "is_simulated", "as_of")
        table = market_returns.select(*names).to_pyarrow()
        region = table.column("region").combine_chunks().dictionary_encode()
        market = table.column("market").combine_chunks().dictionary_encode()
        rows = {
            "region": region.indices.to_numpy(zero_copy_only=False),
            "market": market.indices.to_numpy(zero_copy_only=False),
            "session": days_of(table.column("session_date")),
            "log_level": table.column("log_level").to_numpy(),
            "is_simulated": table.column("is_simulated").to_numpy(),
            "known": micros(table.column("as_of")),
        }
        return cls(region.dictionary.to_pylist(), market.dictionary.to_pylist(), rows)

    def on(self, days: NDArray[np.int64]) -> dict[str, Any]:
        """Return what is known of every region in these sessions: arrays (n_days, n_regions)."""
        shape = (len(days), len(self.regions) + 1)
        laid = {
            "log_level": np.full(shape, np.nan),
            "market": np.full(shape, -1),
            "is_simulated": np.zeros(shape, bool),
            "known": np.full(shape, NEVER),
        }
        place = np.searchsorted(days, self.rows["session"]).clip(max=len(days) - 1)
        here = days[place] == self.rows["session"]
        for name, values in laid.items():
            values[place[here], self.rows["region"][here]] = self.rows[name][here]
        return laid


def _regions(
    listings: Any, instruments: ir.Table, markets: _Markets, default_region: str
) -> NDArray[np.int64]:
    """Return the number of each listing's region among those that have a market."""
    table = instruments.select("listing_id", "region").to_pyarrow().to_pydict()
    of_listing = dict(zip(table["listing_id"], table["region"], strict=True))
    number = {name: place for place, name in enumerate(markets.regions)}
    none = len(number)
    return np.array(
        [number.get(of_listing.get(each) or default_region, none) for each in listings.to_pylist()],
        dtype=np.int64,
    )


@dataclass(slots=True)
class _Panel:
    """Listings in order, their markets, and what lies behind the next session."""

    listings: Any
    regions: NDArray[np.int64]
    markets: _Markets
    model: MarketModel
    past: Past

    def parts(self, rows: pa.Table) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
        """Put rows in order of session and listing; yield as many sessions as a window has."""
        import pyarrow.compute as pc

        found = pc.index_in(rows.column("listing_id"), value_set=self.listings)
        if found.null_count:  # behind the first session wanted, of listings that have ended
            rows, found = rows.filter(found.is_valid()), found.drop_null()
        days, session = np.unique(days_of(rows.column("session_date")), return_inverse=True)
        cell = session * len(self.listings) + found.to_numpy()
        if (np.diff(cell) <= 0).any():
            order = np.argsort(cell, kind="stable")
            rows, cell = rows.take(order), cell[order]
            if (np.diff(cell) == 0).any():
                raise ValueError("a listing has two bars in one session")
        session, listing = np.divmod(cell, len(self.listings))
        width = self.model.first - self.model.last + 1
        for start in range(0, len(days), width):
            begin, end = np.searchsorted(session, (start, start + width))
            part = slice(begin, end)
            here = {
                "session": session[part] - start,
                "listing": listing[part],
                "days": days[start : start + width],
            }
            yield rows.slice(begin, end - begin), here

    def advance(self, rows: pa.Table, here: dict[str, Any], *, is_wanted: bool) -> Any:
        """Measure the rows of some sessions, and let them be past; return them as a table."""
        bars = self._bars(rows, here)
        n_bars, n_listings = len(here["listing"]), len(self.listings)
        taken = np.zeros((len(here["days"]), n_listings), bool)
        taken[here["session"], here["listing"]] = True
        turn = np.cumsum(taken, axis=0, dtype=np.int32)[here["session"], here["listing"]] - 1
        counts = taken.sum(axis=0)
        found = {name: np.empty(n_bars, _kind(name)) for name in _FOUND} if is_wanted else {}
        block = here["listing"] // LISTINGS_AT_ONCE
        order = np.argsort(block.astype(np.int16), kind="stable")
        ends = np.cumsum(np.bincount(block))
        for start, end in zip([0, *ends[:-1]], ends, strict=True):
            if start == end:
                continue
            places = order[start:end]
            first = int(block[places[0]]) * LISTINGS_AT_ONCE
            some = slice(first, min(first + LISTINGS_AT_ONCE, n_listings))
            width = some.stop - some.start
            cells = turn[places] * width + here["listing"][places] - first
            shape = (int(counts[some].max()), width)
            laid = {
                name: _laid(values[places], cells, shape, _BEHIND.get(name, 0))
                for name, values in bars.items()
            }
            with np.errstate(invalid="ignore", divide="ignore"):  # NaN is NULL here
                measures = measured(
                    laid, self.past.of(some), counts[some], self.model, is_wanted=is_wanted
                )
            for name, values in found.items():
                values[places] = measures[name].ravel()[cells]
        return self._table(rows, bars, found) if is_wanted else None

    def _bars(self, rows: pa.Table, here: dict[str, Any]) -> dict[str, Any]:
        """Return the bars' columns as arrays, each with the market of its session."""
        import pyarrow.compute as pc

        market = self.markets.on(here["days"])
        place = here["session"], self.regions[here["listing"]]
        flags = rows.column("quality_flags")
        is_simulated = rows.column("is_simulated").to_numpy()
        known = micros(rows.column("as_of"))
        return {
            "close": rows.column("close").to_numpy(),
            "volume": rows.column("volume").to_numpy(),
            "one_share": rows.column("split_ratio_after").to_numpy(),
            "log_level": market["log_level"][place],
            "market": market["market"][place],
            "session": here["days"][here["session"]],
            "known": np.maximum(known, market["known"][place]),
            "flagged": pc.not_equal(flags, "").to_numpy().astype(float),
            "n_quarantined": rows.column("n_quarantined").to_numpy().astype(float),
            "simulated": (is_simulated | market["is_simulated"][place]).astype(float),
            "is_rebased": pc.match_substring(flags, FLAG).to_numpy(),
        }

    def _table(self, rows: pa.Table, bars: dict[str, Any], found: dict[str, Any]) -> pa.Table:
        """Return the rows with what was found, by the names of the contract."""
        import pyarrow as pa

        before, market = found["previous_session"], bars["market"]
        names = pa.array(self.markets.names, pa.string())
        columns = {
            "listing_id": rows.column("listing_id"),
            "ticker": rows.column("ticker"),
            "session_date": rows.column("session_date"),
            "previous_session_date": as_dates(before),
            "market": names.take(pa.array(market, pa.int64(), mask=market < 0)),
            "n_flagged": found["flagged"],
            "has_simulated_inputs": found["simulated"] > 0,
            "is_simulated": rows.column("is_simulated"),
            "as_of": as_instants(found["as_of"]),
            **{name: found[name] for name in ("n_estimation", "n_quarantined")},
            **{name: pa.array(found[name], pa.float64(), from_pandas=True) for name in _FLOATS},
        }
        return pa.table({name: columns[name] for name in _schema().names})


def _kind(name: str) -> Any:
    return np.float64 if name in _FLOATS else np.int64


def _laid(
    values: NDArray[Any], cells: NDArray[np.int64], shape: tuple[int, int], behind: Any
) -> NDArray[Any]:
    """Return values at their cells, and something else in the others."""
    laid = np.full(shape, behind, values.dtype)
    laid.ravel()[cells] = values
    return laid
