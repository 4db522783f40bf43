"""The sums of every group in the order of sessions: what `selloff.groups` defines, without a join.

Not here: which sum means what (`selloff.groups`), how rows are added up (`selloff._group_sums`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._group_sums import added, measures, worst
from selloff._session_listings import Listings, Market
from selloff._session_lookups import ascending, days_of, floats, micros, places, rows_with
from selloff._spans import ahead, sessions_of, spans
from selloff.groups import LARGEST_SCORE

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# Rows asked of the engine at once: some twenty columns of so many take 100 MB, twice, since the
# next are read meanwhile.
ROWS_AT_ONCE = 500_000

_FLOATS = (
    "simple_return",
    "log_return",
    "beta",
    "residual_sigma",
    "abnormal_return",
    "abnormal_z",
    "abnormal_volume_z",
)
_COUNTS = ("n_flagged", "n_quarantined")
_MARKS = ("has_simulated_inputs", "is_simulated")
_MOVES = (
    "listing_id",
    "session_date",
    "previous_session_date",
    *_FLOATS,
    *_COUNTS,
    *_MARKS,
    "as_of",
)
_BARS = ("listing_id", "session_date", "close", "currency")


def group_sums(
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    market_returns: ir.Table,
    listing_z: float = -2.0,
) -> pd.DataFrame:
    """Return what `selloff.groups.group_days` does of all of a panel, some sessions at a time.

    Parameters
    ----------
    abnormal_returns, daily_prices, instruments, shares_outstanding, fx_rates, market_returns
        Columns of the core tables of these names; the bars at least as far back as the closes
        before the returns.
    listing_z : float
        Abnormal z at or below which a listing is falling.

    Returns
    -------
    DataFrame
        As `group_days`, in order of grouping and session by the part; a session's sums rest on
        that session and the closes before it alone.
    """
    import pandas as pd

    who = Listings.read(instruments)
    market = Market.read(who, shares_outstanding, fx_rates, market_returns)
    walk = _Walk(who, market, listing_z)
    # Of no rows there are no groups, by the same names.
    found = spans(abnormal_returns, ROWS_AT_ONCE) or [(date.min, date.min)]
    ends = [date.min, *(last + timedelta(days=1) for _, last in found)]

    def read(begins: date, first: date, last: date) -> tuple[pa.Table, pa.Table]:
        moves = sessions_of(abnormal_returns, first, last, *_MOVES)
        return moves, sessions_of(daily_prices, begins, last, *_BARS)

    reads = (partial(read, *each) for each in zip(ends, *zip(*found, strict=True), strict=False))
    return pd.concat([walk.summed(*rows) for rows in ahead(reads)], ignore_index=True)


def _no_closes() -> dict[str, NDArray[Any]]:
    return {"key": np.empty(0, np.int64), "close": np.empty(0), "currency": np.empty(0, np.int64)}


@dataclass(slots=True)
class _Walk:
    """Goes from some sessions to the next with the last bar of every listing.

    Of one that does not trade for long, the close before lies far before the sessions in hand.
    """

    who: Listings
    market: Market
    listing_z: float
    closes: dict[str, NDArray[Any]] = field(default_factory=_no_closes)

    def summed(self, moves: pa.Table, bars: pa.Table) -> pd.DataFrame:
        """Return the groups of some sessions, given the bars since those before."""
        import pandas as pd

        rows = self._valued(*self._members(moves), bars)
        days, session = np.unique(rows["day"], return_inverse=True)
        n_cells = self.who.n_cells
        cell = session * n_cells + self.who.cell[rows["listing"]]
        cells = added(cell, len(days) * n_cells, rows)
        dates = days.astype("datetime64[D]").astype("datetime64[ms]")
        is_worse = np.flatnonzero(rows["falling"] & ~np.isnan(rows["abnormal_lost"]))
        fallen = {name: rows[name][is_worse] for name in ("listing", "abnormal_lost", "abnormal_z")}
        parts = []
        for grouping, groups in self.who.groups.items():
            into, size = groups.laid(len(days)), len(days) * len(groups.name)
            merged = cells.merged(into, size)
            columns = measures(merged) | self._worst(fallen, into[cell[is_worse]], size)
            here = np.flatnonzero(merged.counts["rows"])
            at, named = groups.named(here)
            measured = {name: values[here] for name, values in columns.items()}
            keys = {"session_date": dates[at], **named, "grouping": grouping}
            parts.append(pd.DataFrame({**keys, **measured}))
        return pd.concat(parts, ignore_index=True)

    def _members(self, moves: pa.Table) -> tuple[pa.Table, Ints]:
        """Return the rows of the equities over which markets are counted, and their listings.

        As `selloff.members.members` chooses them; in order of session and listing.
        """
        listing, day = places(moves["listing_id"], self.who.ids), days_of(moves["session_date"])
        moves = moves.drop_columns("listing_id")
        if (listing < 0).any():
            known = np.flatnonzero(listing >= 0)
            moves, listing, day = moves.take(known), listing[known], day[known]
        order = ascending(day * len(self.who.ids) + listing)
        if not isinstance(order, slice):
            moves, listing, day = moves.take(order), listing[order], day[order]
        is_member = self.who.are_members(listing, day)
        if not is_member.all():
            kept = np.flatnonzero(is_member)
            moves, listing = moves.take(kept), listing[kept]
        return moves, listing

    def _valued(self, moves: pa.Table, listing: Ints, bars: pa.Table) -> dict[str, Any]:
        """Return what is summed, as `selloff.groups.valued_members` and `group_days` have it."""
        rows: dict[str, Any] = {name: floats(moves[name]) for name in _FLOATS}
        rows |= {name: moves[name].to_numpy().astype(float) for name in _COUNTS}
        rows |= {name: moves[name].to_numpy() for name in _MARKS}
        day, before = days_of(moves["session_date"]), days_of(moves["previous_session_date"])
        rows |= {"listing": listing, "day": day, "as_of": micros(moves["as_of"])}
        close, currency = self._closes(listing, before, bars)
        usual = self.market.currency(self.who.currency)[listing]
        currency = np.where(currency < 0, usual, currency)
        worth = self.market.worth(listing, currency, before, close)
        worth[np.isnan(rows["simple_return"])] = np.nan
        value = np.where(self._is_counted(listing, day, worth), worth, np.nan)
        region = self.who.region[listing]
        market_sigma = self.market.sigma(region, day)
        systematic = (rows["beta"] * np.where(np.isnan(market_sigma), 0.0, market_sigma)) ** 2
        sigma = np.sqrt(rows["residual_sigma"] ** 2 + systematic)
        sigma[sigma == 0] = np.nan
        score = np.clip(rows["log_return"] / sigma, -LARGEST_SCORE, LARGEST_SCORE)
        return {
            **rows,
            "score": score,
            "falling": rows["abnormal_z"] <= self.listing_z,
            "value": value,
            "lost": -value * rows["simple_return"],
            "abnormal_lost": value * (1 - np.exp(rows["abnormal_return"])),
        }

    def _closes(self, listing: Ints, day: Ints, bars: pa.Table) -> tuple[Floats, Ints]:
        """Return close and currency of listings on days of the past; NaN and -1 without a bar."""
        listed, on = places(bars["listing_id"], self.who.ids), days_of(bars["session_date"])
        close, currency = floats(bars["close"]), self.market.currency(bars["currency"])
        n_listings = len(self.who.ids)
        keys = on * n_listings + listed
        new: dict[str, Any] = {"key": keys, "close": close, "currency": currency}
        kept = np.flatnonzero(listed >= 0)
        kept = kept[ascending(keys[kept])]
        known = {name: np.concatenate([old, new[name][kept]]) for name, old in self.closes.items()}
        newest = np.full(n_listings, -1)
        newest[known["key"] % n_listings] = np.arange(len(known["key"]))  # the last one stays
        stays = np.sort(newest[newest >= 0])
        self.closes = {name: values[stays] for name, values in known.items()}
        rows = rows_with(known["key"], day * n_listings + listing)
        return np.append(known["close"], np.nan)[rows], np.append(known["currency"], -1)[rows]

    def _is_counted(self, listing: Ints, day: Ints, worth: Floats) -> NDArray[np.bool_]:
        """Say which listing carries its firm's value, as `selloff.valuation.counted_once` does."""
        counted = ~self.who.has_others[listing]
        rows = np.flatnonzero(~counted)
        some, value = listing[rows], worth[rows]
        firm = np.stack([day[rows], self.who.region[some], self.who.firm[some]])
        order = np.lexsort(
            (
                some,
                -np.nan_to_num(value),
                ~self.who.is_primary[some],
                np.isnan(value),
                *firm[::-1],
            )
        )
        is_first = np.ones(len(order), bool)
        is_first[1:] = (np.diff(firm[:, order], axis=1) != 0).any(axis=0)
        counted[rows[order[is_first]]] = True
        return counted

    def _worst(self, fallen: dict[str, Any], groups: Ints, size: int) -> dict[str, Any]:
        """Return each group's largest loss of a falling member, and whose it was if it lost."""
        import pyarrow as pa

        row = worst(groups, fallen["abnormal_lost"], size)
        most = np.append(fallen["abnormal_lost"], np.nan)[row]
        row = np.where(most > 0, row, -1)
        listing = np.append(fallen["listing"], -1)[row]
        names = self.who.ids.take(pa.array(listing, mask=listing < 0))
        return {
            "most_falling_lost": most,
            "worst_listing_id": names.to_numpy(zero_copy_only=False),
            "worst_abnormal_z": np.append(fallen["abnormal_z"], np.nan)[row],
        }
