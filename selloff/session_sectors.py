"""Sectors in the order of sessions: what `selloff.sector_days` and `portfolio_tests` define.

Not here: what is asked of them (`selloff.sector_contagion`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_listings import Listings
from selloff._session_lookups import (
    NEVER,
    as_dates,
    as_instants,
    coded,
    days_of,
    floats,
    micros,
    places,
)
from selloff._spans import ahead, sessions_of, spans
from selloff.portfolio_tests import DAYS_PER_SESSION
from selloff.returns import MarketModel

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

# Rows asked of the engine at once: eight columns of a million take 80 MB, twice, since the next are
# read meanwhile.
ROWS_AT_ONCE = 1_000_000

_RETURNS = ("log_return", "market_log_return", "abnormal_return", "abnormal_z")
_MOVES = ("listing_id", "session_date", *_RETURNS, "as_of")
_SERIES = ("event_id", "sector", "event_date", "session_date", "n_listings", "y", "x")


def days_and_series(
    hit: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    model: MarketModel | None = None,
) -> tuple[pa.Table, pd.DataFrame]:
    """Return the mean moves of sectors, and of the portfolios of those hit, in one walk.

    Parameters
    ----------
    hit : ibis Table
        As for `portfolio_tests.member_series`.
    abnormal_returns, instruments : ibis Table
        Columns of the core tables of these names.
    model : MarketModel, optional
        How many rows before an event are asked for.

    Returns
    -------
    pyarrow Table, DataFrame
        What `sector_days.sector_days` and `portfolio_tests.member_series` define.

    Notes
    -----
    A portfolio's sums are a matrix of sessions and listings times one of listings and sectors, for
    each event: of eighty events among ten thousand listings some 20 thousand million operations,
    where a join forms 270 million rows.
    """
    import pandas as pd
    import pyarrow as pa

    who = Listings.read(instruments)
    portfolios = _portfolios(hit, who, (model or MarketModel()).first * DAYS_PER_SESSION)
    days, series = [_no_days()], []
    found = spans(abnormal_returns, ROWS_AT_ONCE)
    for read in ahead(partial(sessions_of, abnormal_returns, *span, *_MOVES) for span in found):
        rows = _rows(read, who)
        days.append(_means(rows, who))
        begin, end = rows["day"].min(initial=0), rows["day"].max(initial=-1)
        near = [each for each in portfolios if each.first <= end and begin <= each.day]
        if near:
            laid = _Laid.of(rows, len(who.ids))
            series += [each.summed(laid) for each in near]
    return pa.concat_tables(days), pd.concat([_no_series(), *series], ignore_index=True)


def _rows(table: pa.Table, who: Listings) -> dict[str, Any]:
    """Return the rows of the equities as arrays."""
    rows: dict[str, Any] = {"listing": places(table["listing_id"], who.ids)}
    rows |= {"day": days_of(table["session_date"]), "known": micros(table["as_of"])}
    rows |= {name: floats(table[name]) for name in _RETURNS}
    kept = rows["listing"] >= 0
    return rows if kept.all() else {name: values[kept] for name, values in rows.items()}


def _means(rows: dict[str, Any], who: Listings) -> pa.Table:
    """Return the means of some sessions, as `sector_days` defines them."""
    import pyarrow as pa

    groups = who.groups["sector"]
    group = groups.of_cell[who.cell[rows["listing"]]]
    kept = np.flatnonzero((group >= 0) & who.are_members(rows["listing"], rows["day"]))
    days, session = np.unique(rows["day"][kept], return_inverse=True)
    cell, size = session * len(groups.name) + group[kept], len(days) * len(groups.name)
    here = np.flatnonzero(np.bincount(cell, minlength=size))
    at, names = groups.named(here)
    values = {name: rows[name][kept] for name in (*_RETURNS, "known")}
    has_return = ~np.isnan(values["log_return"])
    known = np.full(size, NEVER)
    np.maximum.at(known, cell[has_return], values["known"][has_return])

    def mean(name: str) -> Floats:
        missing = np.isnan(values[name])
        total = np.bincount(cell, np.where(missing, 0.0, values[name]), size)[here]
        n = np.bincount(cell[~missing], minlength=size)[here]
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)

    columns = [
        names["region"],
        names["group_name"],
        as_dates(days[at]),
        *(
            pa.array(mean(name), from_pandas=True)
            for name in ("log_return", "abnormal_return", "abnormal_z")
        ),
        as_instants(known[here]),
    ]
    return pa.table(columns, schema=_no_days().schema)


def _no_days() -> pa.Table:
    import pyarrow as pa

    means = ("mean_return", "mean_abnormal_return", "mean_z")
    kinds = {"region": pa.string(), "sector": pa.string(), "session_date": pa.date32()}
    kinds |= dict.fromkeys(means, pa.float64()) | {"as_of": pa.timestamp("us")}
    return pa.schema(list(kinds.items())).empty_table()


def _no_series() -> pd.DataFrame:
    import pandas as pd

    kinds = dict.fromkeys(_SERIES, "float64") | {"n_listings": "int64"}
    kinds |= dict.fromkeys(("event_id", "sector"), "object")
    kinds |= dict.fromkeys(("event_date", "session_date"), "datetime64[ms]")
    return pd.DataFrame({name: pd.Series([], dtype=kinds[name]) for name in _SERIES})


@dataclass(frozen=True, slots=True)
class _Laid:
    """Returns of some sessions as arrays (n_sessions, n_listings), 0 where one is missing."""

    days: Ints
    own: Floats
    market: Floats
    is_known: Floats

    @classmethod
    def of(cls, rows: dict[str, Any], n_listings: int) -> _Laid:
        """Lay out the rows that have both returns."""
        kept = ~np.isnan(rows["log_return"]) & ~np.isnan(rows["market_log_return"])
        days, session = np.unique(rows["day"], return_inverse=True)
        place = session[kept], rows["listing"][kept]
        laid = np.zeros((3, len(days), n_listings))
        laid[0][place] = rows["log_return"][kept]
        laid[1][place] = rows["market_log_return"][kept]
        laid[2][place] = 1.0
        return cls(days, *laid)


@dataclass(frozen=True, slots=True)
class _Portfolios:
    """The sectors of one event, and the listings that were members in it."""

    event_id: str
    day: int
    first: int
    """The first day that is asked for."""
    listing: Ints
    sector: Ints
    names: NDArray[Any]

    def summed(self, laid: _Laid) -> pd.DataFrame:
        """Return what the portfolios did in these sessions."""
        import pandas as pd

        begin, end = np.searchsorted(laid.days, (self.first, self.day + 1))
        own, market, n = (
            self._sums(each[begin:end]) for each in (laid.own, laid.market, laid.is_known)
        )
        n = n.round().astype(np.int64)
        session, sector = np.nonzero(n)
        n = n[session, sector]
        dates = laid.days[begin:end].astype("datetime64[D]").astype("datetime64[ms]")
        columns = {
            "event_id": self.event_id,
            "sector": self.names[sector],
            "event_date": np.datetime64(self.day, "D").astype("datetime64[ms]"),
            "session_date": dates[session],
            "n_listings": n,
            "y": own[session, sector] / n,
            "x": market[session, sector] / n,
        }
        return pd.DataFrame(columns, columns=list(_SERIES))

    def _sums(self, laid: Floats) -> Floats:
        is_in = np.zeros((laid.shape[1], len(self.names)))
        is_in[self.listing, self.sector] = 1.0
        return laid @ is_in


def _portfolios(hit: ir.Table, who: Listings, reach: int) -> list[_Portfolios]:
    """Return the members of every event, by listing and sector."""
    rows = hit.select("event_id", "sector", "listing_id", "session_date").to_pyarrow()
    event, ids = coded(rows["event_id"])
    listing, day = places(rows["listing_id"], who.ids), days_of(rows["session_date"])
    sector, names = coded(rows["sector"])
    found = []
    for number, event_id in enumerate(ids.to_pylist()):
        here = np.flatnonzero(event == number)
        used, turn = np.unique(sector[here], return_inverse=True)
        on = int(day[here[0]])
        named = names.take(used).to_numpy(zero_copy_only=False)
        found.append(_Portfolios(event_id, on, on - reach, listing[here], turn, named))
    return found
