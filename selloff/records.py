"""Which loss was a record: every session in which value was lost, and its rank in history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

# What of each session is carried through the joins: three million rows are asked.
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


def market_value_losses(
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> pa.Table:
    """Return every session in which a listing's firm lost market value, with the loss's ranks.

    Parameters
    ----------
    daily_prices, abnormal_returns, instruments, shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    pyarrow Table
        Columns of ``mart.market_value_losses``, in no order: equities with a fall, a share count
        and an exchange rate. Losses are USD, positive; the fraction of the firm's value that was
        lost is ``-simple_return``. ``rank_in_..._so_far`` is one more than the larger losses of the
        sessions up to the row's own: 1 for a record on its day, and nothing later enters it.
        ``rank_in_...`` is that of all the table and has seen `observed_through`. In a listing's
        history it is compared with itself; in its region's and the whole, firms are compared, and
        a row that is not counted has no rank.

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
    >>> found = market_value_losses(*tables).to_pandas().sort_values("session_date")
    >>> (found["market_value_lost_usd"] / 1e9).round(2).tolist()
    [112.65, 592.66]
    >>> found[["rank_in_history_so_far", "rank_in_history"]].to_numpy().tolist()
    [[1, 2], [1, 1]]
    """
    lost = losses_by_session(
        daily_prices, abnormal_returns, instruments, shares_outstanding, fx_rates
    )
    last = abnormal_returns.session_date.max().name("last").to_pyarrow().as_py()
    return _ranked(lost.to_pyarrow(), last)


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


def larger_before(values: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.int64]:
    """Count, for every value, the larger ones of its group that stand before it.

    A record is a value with none. Counted level by level of a wavelet tree, in ``n log(m)`` for n
    values in groups of m: 3 million values of one group take about three seconds.

    Parameters
    ----------
    values : array of shape (n,)
        In the order that "before" refers to; no NaN.
    groups : array of shape (n,), optional
        Integers that say which values are compared; all with all without it.

    Returns
    -------
    array of shape (n,)
        Numbers of values; equal values are not larger.

    References
    ----------
    Claude, Navarro and Ordonez (2015), The wavelet matrix, Information Systems 47, 15-32.

    Examples
    --------
    >>> larger_before([2.0, 5.0, 3.0, 5.0, 1.0]).tolist()
    [0, 0, 1, 0, 4]
    >>> larger_before([2.0, 5.0, 3.0, 5.0, 1.0], groups=[0, 1, 0, 0, 1]).tolist()
    [0, 0, 0, 0, 1]
    """
    numbers = np.asarray(values, dtype=float)
    own = np.zeros(len(numbers), dtype=np.int64) if groups is None else np.asarray(groups)
    if not len(numbers):
        return np.zeros(0, dtype=np.int64)
    place, start = _places(numbers, own)
    here = np.argsort(own, kind="stable")  # the rows, group by group, in their order
    code, start = place[here].astype(np.int32), start[here].astype(np.int32)
    row, count = np.arange(len(code), dtype=np.int32), np.zeros(len(code), dtype=np.int32)
    low = np.zeros(len(code) + 1, dtype=np.int32)
    for bit in reversed(range(int(code.max()).bit_length())):
        # The rows of a node are together: codes of a group are 0, 1, 2, ..., so they fill it.
        node = start + ((code >> (bit + 1)) << (bit + 1))
        is_high = ((code >> bit) & 1).astype(bool)
        np.cumsum(~is_high, out=low[1:])
        low_before = low[:-1] - low[node]
        count += np.where(is_high, low_before, np.int32(0))
        order = np.empty_like(row)  # the low half of each node, then its high half
        order[np.where(is_high, row - low_before + np.int32(1 << bit), node + low_before)] = row
        here, code, start, count = here[order], code[order], start[order], count[order]
    before = np.empty(len(count), dtype=np.int64)
    before[here] = count
    return before


def _places(
    numbers: NDArray[np.float64], groups: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each value's place in its group, the largest first, and where its group starts.

    Of equal values the later one comes first, so that none before it counts as larger.
    """
    order = np.lexsort((-np.arange(len(numbers)), -numbers, groups))
    sorted_groups = groups[order]
    is_first = np.concatenate(([True], sorted_groups[1:] != sorted_groups[:-1]))
    starts = np.maximum.accumulate(np.where(is_first, np.arange(len(order)), 0))
    place, start = np.empty_like(order), np.empty_like(order)
    place[order] = np.arange(len(order)) - starts
    start[order] = starts
    return place, start


def rank_in_history(values: ArrayLike, groups: ArrayLike | None = None) -> NDArray[np.int64]:
    """Return the rank of every value among all of its group, 1 for the largest.

    Parameters
    ----------
    values : array of shape (n,)
        No NaN.
    groups : array of shape (n,), optional
        Integers that say which values are compared; all with all without it.

    Returns
    -------
    array of shape (n,)
        One more than there are larger values; equal values share a rank.

    Examples
    --------
    >>> rank_in_history([2.0, 5.0, 3.0, 5.0, 1.0]).tolist()
    [4, 1, 3, 1, 5]
    """
    numbers = np.asarray(values, dtype=float)
    own = np.zeros(len(numbers), dtype=np.int64) if groups is None else np.asarray(groups)
    order = np.lexsort((-numbers, own))
    number, group = numbers[order], own[order]
    same = group[1:] == group[:-1]
    row = np.arange(len(order))
    start = np.maximum.accumulate(np.where(np.concatenate(([True], ~same))[: len(row)], row, 0))
    tied = np.concatenate(([False], same & (number[1:] == number[:-1])))[: len(row)]
    first = np.maximum.accumulate(np.where(tied, 0, row))
    rank = np.empty_like(order)
    rank[order] = first - start + 1
    return rank


def rank_so_far(
    values: ArrayLike, sessions: ArrayLike, groups: ArrayLike | None = None
) -> NDArray[np.int64]:
    """Return the rank of every value among those of its group up to its own session.

    Parameters
    ----------
    values : array of shape (n,)
        No NaN.
    sessions : array of shape (n,)
        Dates or integers that order the values in time; values of one session see each other.
    groups : array of shape (n,), optional
        Integers that say which values are compared; all with all without it.

    Returns
    -------
    array of shape (n,)
        One more than there are larger values up to the session: 1 for a record on its day.

    Examples
    --------
    >>> rank_so_far([3.0, 1.0, 2.0, 9.0], sessions=[1, 2, 2, 3]).tolist()
    [1, 3, 2, 1]
    """
    numbers = np.asarray(values, dtype=float)
    order = np.lexsort((-numbers, np.asarray(sessions)))  # of one session the larger one first
    own = None if groups is None else np.asarray(groups)[order]
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[order] = larger_before(numbers[order], own) + 1
    return rank


def _ranked(rows: pa.Table, last: Any) -> pa.Table:
    """Add the ranks of the losses in each history, as of each day and of the last."""
    import pyarrow as pa

    lost = rows["market_value_lost_usd"].to_numpy()
    sessions = rows["session_date"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    counted = rows["is_counted"].to_numpy()
    regions = _numbers(rows["region"])
    whole = np.zeros(len(lost), dtype=np.int64)
    is_one_region = len(np.unique(regions[counted])) <= 1
    ranks: tuple[NDArray[np.int64], ...] = ()
    for name, groups, compared in (
        ("listing", _numbers(rows["listing_id"]), np.ones(len(lost), dtype=bool)),
        ("region", regions, counted),
        ("history", whole, counted),
    ):
        if name != "history" or not is_one_region:  # else it is the region's
            losses, within = lost[compared], groups[compared]
            ranks = (
                rank_in_history(losses, within),
                rank_so_far(losses, sessions[compared], within),
            )
        for suffix, found in zip(("", "_so_far"), ranks, strict=True):
            full = np.zeros(len(lost), dtype=np.int64)
            full[compared] = found
            rows = rows.append_column(f"rank_in_{name}{suffix}", pa.array(full, mask=~compared))
    seen = pa.array([last] * len(lost), type=pa.date32())
    return rows.append_column("observed_through", seen)


def _numbers(names: pa.ChunkedArray) -> NDArray[np.int64]:
    """Give each distinct name a number; those that are NULL are one group."""
    codes = names.combine_chunks().dictionary_encode().indices
    return np.asarray(codes.fill_null(-1), dtype=np.int64)
