"""Which loss was a record: every session in which value was lost, and its rank as of that day.

A rank in all of a history changes with every larger loss to come: that is a question to these rows
(``mart.loss_records``), not one of them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff._session_lookups import floats, places
from selloff._spans import ahead, sessions_of, spans
from selloff.history import from_day, since
from selloff.ranks import larger_among, rank_so_far
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    from selloff.history import Days

# Moves asked of the engine at once: a million losses with their columns take some 250 MB.
ROWS_AT_ONCE = 2_000_000

# What of each session is carried through the joins.
_MOVED = (
    "listing_id",
    "ticker",
    "session_date",
    "previous_session_date",
    "simple_return",
    "abnormal_return",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_COLUMNS = (
    "listing_id",
    "ticker",
    "sector",
    "region",
    "session_date",
    "previous_session_date",
    "close",
    "previous_close",
    "currency",
    "simple_return",
    "abnormal_return",
    "market_value_usd",
    "market_value_lost_usd",
    "abnormal_market_value_lost_usd",
    "is_counted",
    "shares_outstanding",
    "shares_known_on",
    "usd_per_currency",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)


_RANKS = ("rank_in_listing_so_far", "rank_in_region_so_far", "rank_in_history_so_far")


def market_value_losses(
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    previous: ir.Table | None = None,
    days: Days | None = None,
) -> pa.RecordBatchReader:
    """Return every session in which a listing's firm lost market value, with the loss's ranks.

    Parameters
    ----------
    daily_prices, abnormal_returns, instruments, shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names.
    previous : ibis Table, optional
        ``mart.market_value_losses`` as it stood, for the losses before the days.
    days : range of dates, optional
        The sessions asked for, from the first on; all without it.

    Returns
    -------
    pyarrow RecordBatchReader
        Columns of ``mart.market_value_losses`` in the table's order, made while it is read, some
        sessions at a time: equities with a fall, a share count and an exchange rate. Losses are
        USD, positive; the fraction of the firm's value that was lost is ``-simple_return``.
        ``rank_in_..._so_far`` is one more than the larger losses of the sessions up to the row's
        own: 1 for a record on its day, and nothing later enters it. In a listing's history it is
        compared with itself; in its region's and the whole, firms are compared, and a row that is
        not counted has no rank.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2025-01-23", "2025-01-24", "2025-01-27"])
    >>> bars = pd.DataFrame({"listing_id": "A", "ticker": "A", "session_date": days,
    ...     "close": [147.22, 142.62, 118.42], "currency": "USD"})
    >>> moves = bars.assign(previous_session_date=[pd.NaT, *days[:-1]], n_flagged=0,
    ...     simple_return=bars["close"].pct_change(), abnormal_return=float("nan"),
    ...     n_quarantined=0, has_simulated_inputs=False, as_of=days[2])
    >>> listed = pd.DataFrame({"listing_id": ["A"], "issuer_id": ["a"], "is_primary": [True],
    ...     "asset_class": ["equity"], "sector": ["Chips"], "region": ["US"], "currency": ["USD"]})
    >>> counts = pd.DataFrame({"listing_id": ["A"], "known_on": days[:1],
    ...     "shares_outstanding": [24.49e9], "split_ratio_after": [1.0]})
    >>> rates = pd.DataFrame({"currency": ["EUR"], "rate_date": days[:1],
    ...     "usd_per_currency": [1.04], "as_of": days[:1]})
    >>> tables = [ibis.memtable(each) for each in (bars, moves, listed, counts, rates)]
    >>> found = market_value_losses(*tables).read_pandas()
    >>> (found["market_value_lost_usd"] / 1e9).round(2).tolist()
    [112.65, 592.66]
    >>> found["rank_in_history_so_far"].tolist()
    [1, 1]
    """
    import pyarrow as pa

    moves = since(abnormal_returns, days, 0)
    known = instruments, shares_outstanding, fx_rates
    past = _Past(instruments)
    if previous is not None and days is not None:
        past.read(previous.filter(previous.session_date < days.start))
    reads = [
        partial(_lost, daily_prices, moves, known, span)
        for span in spans(moves.filter(moves.simple_return.notnull()), ROWS_AT_ONCE)
    ]
    lost = losses_by_session(daily_prices, moves, *known).schema().to_pyarrow()
    schema = pa.schema([*lost, *(pa.field(name, pa.int64()) for name in _RANKS)])
    found = (batch for rows in ahead(reads) for batch in past.ranked(rows).to_batches())
    return pa.RecordBatchReader.from_batches(schema, found)


def losses_by_session(
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return every session in which a listing's firm lost market value.

    Parameters
    ----------
    daily_prices, abnormal_returns, instruments, shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        Columns of ``mart.market_value_losses`` but its ranks.
    """
    import ibis

    known = instruments.filter(instruments.asset_class == "equity").select(
        "listing_id", "sector", "region", "issuer_id", usual_currency="currency"
    )
    moved = abnormal_returns.filter(abnormal_returns.simple_return.notnull()).select(*_MOVED)
    rows = moved.inner_join(known, "listing_id")
    # A listing that gained may carry the value of a firm whose other listing lost.
    rows = rows.filter((rows.simple_return < 0) | rows.issuer_id.notnull()).drop("issuer_id")
    bars = daily_prices.select("listing_id", "session_date", "close", "currency")
    rows = rows.inner_join(bars, ("listing_id", "session_date"))
    before = daily_prices.select(
        "listing_id", previous_session_date="session_date", previous_close="close"
    )
    rows = rows.inner_join(before, ("listing_id", "previous_session_date"))
    rows = rows.mutate(currency=ibis.coalesce(rows.currency, rows.usual_currency))
    valued = with_losses(rows, shares_outstanding, fx_rates)
    counted = counted_once(valued, instruments, ("session_date",), "market_value_usd")
    counted = counted.mutate(
        as_of=ibis.greatest(counted.as_of, ibis.coalesce(counted.rate_as_of, counted.as_of))
    )
    return counted.filter(counted.market_value_lost_usd > 0).select(*_COLUMNS)


def _lost(
    daily_prices: ir.Table,
    moves: ir.Table,
    known: tuple[ir.Table, ir.Table, ir.Table],
    span: tuple[date, date],
) -> pa.Table:
    """Return the losses of some sessions, in the table's order."""
    first, last = span
    closes = from_day(daily_prices, first, 1, lambda t: t.filter(t.session_date <= last))
    moved = moves.filter(moves.session_date.between(first, last))
    lost = losses_by_session(closes, moved, *known)
    return lost.order_by("session_date", "listing_id").to_pyarrow()


class _Losses(NamedTuple):
    """Losses as numbers: some twenty bytes each, whatever is told of them."""

    usd: NDArray[np.float64]
    counted: NDArray[np.bool_]
    listing: NDArray[np.int32]
    region: NDArray[np.int32]


class _Past:
    """The losses so far, which those of the next sessions are held against."""

    def __init__(self, instruments: ir.Table) -> None:
        import pyarrow.compute as pc

        known = instruments.select("listing_id", "region").to_pyarrow()
        self._listings, self._regions = (pc.unique(known[name]) for name in known.column_names)
        self._held: list[_Losses] = []

    def read(self, losses: ir.Table) -> None:
        """Take losses that were ranked before."""
        names = ("listing_id", "region", "market_value_lost_usd", "is_counted")
        for first, last in spans(losses, ROWS_AT_ONCE):
            self._held.append(self._numbers(sessions_of(losses, first, last, *names)))

    def ranked(self, rows: pa.Table) -> pa.Table:
        """Add their ranks to the losses of the next sessions, and take them too."""
        import pyarrow as pa

        lost = self._numbers(rows)
        days = rows["session_date"].cast(pa.date32()).cast(pa.int32()).to_numpy()
        for name, ranks in self._ranks(lost, days):
            is_ranked = ranks > 0
            rows = rows.append_column(name, pa.array(ranks, mask=~is_ranked))
        self._held.append(lost)
        return rows

    def _ranks(
        self, lost: _Losses, days: NDArray[np.int32]
    ) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Yield the ranks in each history; 0 where a loss is compared with none."""
        listing, region, history = _RANKS
        yield listing, self._rank(lost, days, lambda some: some.listing, only_counted=False)
        among_all = self._rank(lost, days, lambda some: np.zeros_like(some.region))
        if len(self._regions) == 1:
            yield region, among_all
        else:
            yield region, self._rank(lost, days, lambda some: some.region)
        yield history, among_all

    def _rank(
        self,
        lost: _Losses,
        days: NDArray[np.int32],
        groups: Callable[[_Losses], NDArray[np.int32]],
        *,
        only_counted: bool = True,
    ) -> NDArray[np.int64]:
        """Return the ranks so far, among themselves and with all that came before."""

        def compared(some: _Losses) -> NDArray[np.bool_] | slice:
            return some.counted if only_counted else slice(None)

        kept = compared(lost)
        usd, group = lost.usd[kept], groups(lost)[kept]
        past = ((some.usd[compared(some)], groups(some)[compared(some)]) for some in self._held)
        ranks = np.zeros(len(lost.usd), dtype=np.int64)
        ranks[kept] = rank_so_far(usd, days[kept], group) + larger_among(past, usd, group)
        return ranks

    def _numbers(self, rows: pa.Table) -> _Losses:
        """Return losses as numbers; those of no region are a region of their own."""
        return _Losses(
            usd=floats(rows["market_value_lost_usd"]),
            counted=np.asarray(rows["is_counted"]),
            listing=places(rows["listing_id"], self._listings).astype(np.int32),
            region=places(rows["region"], self._regions).astype(np.int32) + np.int32(1),
        )
