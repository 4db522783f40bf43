"""The bars of some sessions and what their risk measures look back on, laid out without a sort.

Not here: what a measure is (`selloff.risk_measures`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_lookups import NEVER, as_instants, days_of, floats, micros, places
from selloff._spans import sessions_of
from selloff.history import days_before
from selloff.proposed_splits import FLAG, has_unapplied_split

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

PRICES = ("open", "high", "low", "close")
RETURNS = ("log_return", "market_log_return")
_BAR = ("place", "session_date")
_BARS = (
    *_BAR,
    "listing_id",
    "ticker",
    *PRICES,
    "quality_flags",
    "n_quarantined",
    "is_simulated",
    "as_of",
)
_MODEL = (*_BAR, "has_simulated_inputs", "as_of")


@dataclass(frozen=True, slots=True)
class Slice:
    """Some sessions of the listings that have a bar in them, and sessions before them.

    Parameters
    ----------
    daily_prices, abnormal_returns : ibis Table
        Columns of the core tables of these names, in full history.
    first, last : datetime.date
        Of the sessions.
    reach : int
        How many times as far back to look as a listing needs that trades every session.
    listings : ibis Table
        `listing_id`, and `place`, its number in their order.
    ids : array of text
        The same, read.
    days : array of int
        The sessions that are read, in order.
    ages : array of shape (n_sessions, n_listings)
        The number of a listing's bars from each session on; 0 where it has no bar there.
    """

    daily_prices: ir.Table
    abnormal_returns: ir.Table
    first: date
    last: date
    reach: int
    listings: ir.Table
    ids: pa.Array
    days: Ints
    ages: NDArray[np.int32]

    @classmethod
    def read(cls, tables: tuple[ir.Table, ir.Table], days: tuple[date, date], rows: int) -> Slice:
        """Find which bars there are in some days, and where so many rows before them lie."""
        wanted = tables[0].filter(tables[0].session_date.between(*days))
        return cls._reaching(tables, days, wanted.select("listing_id").distinct(), rows, 1)

    def of_those(self, is_wanted: NDArray[np.bool_], rows: int) -> Slice:
        """Return the slice of some listings, which reaches four times as far back."""
        import pyarrow as pa

        known = self.ids.filter(pa.array(is_wanted)).to_pylist()
        some = self.listings.filter(self.listings.listing_id.isin(known)).select("listing_id")
        tables, days = (self.daily_prices, self.abnormal_returns), (self.first, self.last)
        return self._reaching(tables, days, some, rows, 4 * self.reach)

    @classmethod
    def _reaching(
        cls,
        tables: tuple[ir.Table, ir.Table],
        days: tuple[date, date],
        listings: ir.Table,
        rows: int,
        reach: int,
    ) -> Slice:
        import ibis

        first, last = days
        # The engine tells numbers: to read the texts of millions of bars takes as long again.
        numbered = listings.mutate(place=ibis.row_number().over(order_by="listing_id"))
        ids = numbered.order_by("place").to_pyarrow()["listing_id"].combine_chunks()
        placed = tables[0].inner_join(numbered, "listing_id")
        bars = sessions_of(placed, days_before(first, rows * reach), last, *_BAR)
        day = days_of(bars["session_date"])
        here = _different(day)
        taken = np.zeros((len(here), len(ids)), np.int32)
        taken[_among(here, day), bars["place"].to_numpy()] = 1
        ages = np.cumsum(taken[::-1], axis=0, dtype=np.int32)[::-1] * taken
        return cls(*tables, first, last, reach, numbered, ids, here, ages)

    @property
    def n_wanted(self) -> int:
        """The largest number of bars that a listing has in the sessions themselves."""
        wanted = self.ages[np.searchsorted(self.days, _day(self.first)) :]
        return int(wanted.max(initial=0))

    def has_all(self, rows: int, begun: Ints) -> NDArray[np.bool_]:
        """Say which listings have so many rows before the first session, or all they ever had.

        Looked for among the sessions that are read for them; `begun` is the day of each listing's
        first bar.
        """
        earliest = _day(days_before(self.first, rows * self.reach))
        begin, end = np.searchsorted(self.days, (earliest, _day(self.first)))
        found: NDArray[np.bool_] = (self.ages[begin:end] > 0).sum(axis=0) >= rows
        return found | (begun >= earliest)

    def returns(self, rows: int, market_rows: int) -> dict[str, Floats]:
        """Return the last returns of each listing, and its market's, (n_listings, rows).

        Whoever computed a return may not have known of a change of basis.
        """
        told = self._read(self.abnormal_returns, rows, *_BAR, *RETURNS)
        changes = self.daily_prices.filter(has_unapplied_split(self.daily_prices))
        rebased = self._read(changes, rows, *_BAR)
        n, cells = self.n_wanted, self.cells(told)
        own = self._laid(cells, floats(told["log_return"]), rows + n)
        market = self._laid(cells, floats(told["market_log_return"]), market_rows + n)
        place, age = self.cells(rebased)
        kept = age <= rows + n
        own[place[kept], rows + n - age[kept]] = np.nan
        return {"log_return": own, "market_log_return": market}

    def bars(self, rows: int) -> tuple[dict[str, Floats], Wanted]:
        """Return the last prices and marks of each listing, and the bars of the sessions."""
        import pyarrow.compute as pc

        read = self._read(self.daily_prices, rows, *_BARS)
        values = {name: floats(read[name]) for name in (*PRICES, "n_quarantined")}
        is_rebased = pc.match_substring(read["quality_flags"], FLAG).to_numpy()
        values["is_rebased"] = is_rebased
        values["n_flagged"] = pc.not_equal(read["quality_flags"], "").to_numpy()
        cells, width = self.cells(read), rows + self.n_wanted
        laid = {name: self._laid(cells, each, width) for name, each in values.items()}
        day = days_of(read["session_date"])
        wanted = np.flatnonzero(day >= _day(self.first))
        wanted = wanted[np.argsort(day[wanted], kind="stable")]
        return laid, Wanted.of(self, read.take(wanted), is_rebased[wanted])

    def cells(self, rows: pa.Table) -> tuple[Ints, Ints]:
        """Return the place of each row's listing, and the age of its bar; 0 where it has none."""
        place, day = rows["place"].to_numpy(), days_of(rows["session_date"])
        session = _among(self.days, day)
        return place, np.where(self.days[session] == day, self.ages[session, place], 0)

    def _read(self, panel: ir.Table, rows: int, *names: str) -> pa.Table:
        """Read the sessions, and before them those that hold so many rows of each listing."""
        placed = panel.inner_join(self.listings, "listing_id")
        start = days_before(self.first, rows * self.reach)
        return sessions_of(placed, start, self.last, *names)

    def _laid(self, cells: tuple[Ints, Ints], values: NDArray[Any], width: int) -> Floats:
        """Return values in the rows of their listings, the last bar's in the last column."""
        listing, age = cells
        laid = np.full((len(self.ids), width), np.nan)
        kept = (age > 0) & (age <= width)
        laid[listing[kept], width - age[kept]] = values[kept]
        return laid


@dataclass(frozen=True, slots=True)
class Wanted:
    """The bars of the sessions themselves in order of time, and what their returns rest on."""

    rows: pa.Table
    listing: Ints
    age: Ints
    is_rebased: NDArray[np.bool_]
    model_is_simulated: NDArray[np.bool_]
    model_known: Ints

    @classmethod
    def of(cls, part: Slice, rows: pa.Table, is_rebased: NDArray[np.bool_]) -> Wanted:
        """Look up what the returns of these bars rest on."""
        placed = part.abnormal_returns.inner_join(part.listings, "listing_id")
        told = sessions_of(placed, part.first, part.last, *_MODEL)
        listing, age = part.cells(told)
        kept = age > 0
        is_simulated = np.zeros((len(part.ids), part.n_wanted + 1), bool)
        known = np.full(is_simulated.shape, NEVER)
        at = listing[kept], age[kept]
        is_simulated[at] = told["has_simulated_inputs"].to_numpy()[kept]
        known[at] = micros(told["as_of"])[kept]
        at = part.cells(rows)
        return cls(rows, *at, is_rebased, is_simulated[at], known[at])


@dataclass(frozen=True, slots=True)
class Tops:
    """What the bars before a session say of those after it, by listing.

    Highest close, whether any was simulated, and the newest vintage, all since the last change of
    basis; and the day of the first bar.
    """

    close: Floats
    is_simulated: Floats
    known: Ints
    begun: Ints

    @classmethod
    def read(cls, daily_prices: ir.Table, first: date, ids: pa.Array) -> Tops:
        """Ask for maxima alone: of 47.7 million bars they take 0.8 s of processor time."""
        n, latest = len(ids), np.iinfo(np.int64).max
        found = cls(np.full(n, np.nan), np.zeros(n), np.full(n, NEVER), np.full(n, latest))
        older = daily_prices.filter(daily_prices.session_date < first)
        changes = older.filter(has_unapplied_split(older)).group_by("listing_id")
        changes = changes.aggregate(basis_from=lambda t: t.session_date.max())
        found._put(_maxima(older), ids, ("close", "is_simulated", "known", "begun"))
        if changes.count().to_pyarrow().as_py():  # else nothing is worth a second look at all bars
            rows = older.inner_join(changes, "listing_id")
            rows = rows.filter(rows.session_date >= rows.basis_from)
            found._put(_maxima(rows), ids, ("close", "is_simulated", "known"))
        return found

    def of_those(self, is_wanted: NDArray[np.bool_]) -> Tops:
        """Return what is known of some listings."""
        names = ("close", "is_simulated", "known", "begun")
        return Tops(*(getattr(self, name)[is_wanted] for name in names))

    def _put(self, told: pa.Table, ids: pa.Array, names: tuple[str, ...]) -> None:
        """Take what is told of listings for what is known of them."""
        listing = places(told["listing_id"], ids)
        kept = listing >= 0
        for name in names:
            values = {"known": micros, "begun": days_of}.get(name, floats)(told[name])
            getattr(self, name)[listing[kept]] = values[kept]


def _maxima(bars: ir.Table) -> pa.Table:
    return (
        bars.group_by("listing_id")
        .aggregate(
            close=bars.close.max(),
            is_simulated=bars.is_simulated.cast("int64").max(),
            known=bars.as_of.max(),
            begun=bars.session_date.min(),
        )
        .to_pyarrow()
    )


def standing(wanted: Wanted, tops: Tops) -> dict[str, Any]:
    """Return how each wanted bar stands against all before it, and what that rests on.

    Returns
    -------
    dict
        `drawdown`, `has_simulated_inputs` and `as_of` of ``core.risk_measures``, by wanted bar.
    """
    import pyarrow as pa

    rows, n = wanted.rows, len(wanted.listing)
    close, known = floats(rows["close"]), micros(rows["as_of"])
    is_simulated = rows["is_simulated"].to_numpy()
    highest, has_simulated, newest = np.empty(n), np.empty(n, bool), np.empty(n, np.int64)
    top, was_simulated, latest = tops.close.copy(), tops.is_simulated > 0, tops.known.copy()
    begins = np.unique(days_of(rows["session_date"]), return_index=True)[1]
    for begin, end in zip(begins, [*begins[1:], n], strict=True):
        now = slice(begin, end)
        who, anew = wanted.listing[now], wanted.is_rebased[now]
        top[who] = np.fmax(np.where(anew, np.nan, top[who]), close[now])
        was_simulated[who] = (was_simulated[who] & ~anew) | is_simulated[now]
        latest[who] = np.maximum(np.where(anew, NEVER, latest[who]), known[now])
        highest[now], has_simulated[now], newest[now] = top[who], was_simulated[who], latest[who]
    drawdown = close / np.where(highest == 0, np.nan, highest) - 1
    return {
        "drawdown": pa.array(drawdown, pa.float64(), from_pandas=True),
        "has_simulated_inputs": has_simulated | wanted.model_is_simulated,
        "as_of": as_instants(np.maximum(newest, wanted.model_known)),
    }


def _day(date: date) -> int:
    """Return a date as days since 1970."""
    return int(np.datetime64(date, "D").astype(np.int64))


def _different(days: Ints) -> Ints:
    """Return the different days in order; sorting millions of them takes ten times as long."""
    if not len(days):
        return days
    start = int(days.min())
    return np.flatnonzero(np.bincount(days - start)) + start


def _among(days: Ints, wanted: Ints) -> Ints:
    """Return where days stand among different ones in order, and any place if they do not.

    By a table of all days between, in a fifth of the time of a search.
    """
    table = np.zeros(int(days[-1] - days[0]) + 1, np.int64)
    table[days - days[0]] = np.arange(len(days))
    found: Ints = table[(wanted - days[0]).clip(0, len(table) - 1)]
    return found
