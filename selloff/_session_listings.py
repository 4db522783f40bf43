"""What the walk over sessions knows of listings, groups and markets, as arrays.

Not here: what is asked of a session's rows (`selloff.session_groups`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff._session_lookups import NEVER, Latest, coded, days_of, places
from selloff.groups import GROUPINGS
from selloff.members import is_index
from selloff.valuation import RATE_DAYS

if TYPE_CHECKING:
    from typing import Any

    import ibis.expr.types as ir
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Listings:
    """The equities of every region in the order of their keys, with their firms and groups."""

    ids: pa.Array
    region: Ints
    currency: pa.Array
    entered: Ints
    firm: Ints
    has_others: NDArray[np.bool_]
    is_primary: NDArray[np.bool_]
    regions: pa.Array
    n_cells: int
    cell: Ints
    """Which combination of region, sector and industry each is of: the least that is added up."""
    groups: dict[str, Groups]

    @classmethod
    def read(cls, instruments: ir.Table) -> Listings:
        """Return the equities that have a region, of all that are known."""
        import ibis

        firm = ibis.coalesce(instruments.issuer_id, instruments.listing_id)
        named = instruments.mutate(firm=firm)
        n_listings = named.count().over(ibis.window(group_by="firm"))
        named = named.mutate(has_others=n_listings > 1)
        equities = named.filter(named.asset_class == "equity", named.region.notnull())
        rows = equities.order_by("listing_id").to_pyarrow()
        region, regions = coded(rows["region"])
        named_groups = {"market": (region, regions)}
        named_groups |= {grouping: coded(rows[grouping]) for grouping in GROUPINGS[1:]}
        kinds = np.stack([numbers for numbers, _ in named_groups.values()], axis=1)
        cells, cell = np.unique(kinds, axis=0, return_inverse=True)
        return cls(
            ids=rows["listing_id"].combine_chunks(),
            region=region,
            currency=rows["currency"],
            entered=days_of(rows["constituent_from"]),
            firm=coded(rows["firm"])[0],
            has_others=rows["has_others"].to_numpy(),
            is_primary=rows["is_primary"].to_numpy(),
            regions=regions,
            n_cells=len(cells),
            cell=cell.ravel(),
            groups={
                grouping: Groups.of(cells[:, 0], cells[:, place], names, regions)
                for place, (grouping, (_, names)) in enumerate(named_groups.items())
            },
        )

    def are_members(self, listing: Ints, day: Ints) -> NDArray[np.bool_]:
        """Say which rows of whole sessions are of members, as `selloff.members` chooses them."""
        entered = self.entered[listing]
        is_constituent = (entered <= day) & (entered > NEVER)
        market = np.unique(day, return_inverse=True)[1] * len(self.regions) + self.region[listing]
        n_constituents = np.bincount(market[is_constituent], minlength=market.max(initial=-1) + 1)
        has_index = is_index(n_constituents, np.bincount(market))
        found: NDArray[np.bool_] = is_constituent | ~has_index[market]
        return found


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of one grouping: the cells of each (-1 for none), its region and name."""

    of_cell: Ints
    region: pa.Array
    name: pa.Array

    @classmethod
    def of(cls, region: Ints, group: Ints, names: pa.Array, regions: pa.Array) -> Groups:
        """Return the groups of cells, given each cell's region and its group's name as numbers."""
        import pyarrow as pa

        key = np.where(group < 0, -1, region * (len(names) + 1) + group)
        keys, numbers = np.unique(key, return_inverse=True)
        n_none = int(len(keys) > 0 and keys[0] < 0)
        kept = keys[n_none:]
        in_region, named = np.divmod(kept, len(names) + 1)
        of_cell = numbers.ravel() - n_none
        return cls(of_cell, regions.take(pa.array(in_region)), names.take(pa.array(named)))

    def laid(self, n_days: int) -> Ints:
        """Return the place of every session's cells among every session's groups; -1 for none."""
        place = np.arange(n_days)[:, None] * len(self.name) + self.of_cell
        return np.where(self.of_cell < 0, -1, place).ravel()

    def named(self, laid: Ints) -> tuple[Ints, dict[str, Any]]:
        """Return of places among every session's groups the sessions, regions and names."""
        session, group = np.divmod(laid, len(self.name))
        names = {"region": self.region.take(group), "group_name": self.name.take(group)}
        return session, {
            name: texts.to_numpy(zero_copy_only=False) for name, texts in names.items()
        }


@dataclass(frozen=True, slots=True)
class Market:
    """What is known of listings, currencies and regions on a day."""

    shares: tuple[Latest, Floats]
    rates: tuple[Latest, Floats]
    sigmas: tuple[Latest, Floats]
    currencies: pa.Array
    """USD, then those that have rates."""

    @classmethod
    def read(
        cls,
        who: Listings,
        shares_outstanding: ir.Table,
        fx_rates: ir.Table,
        market_returns: ir.Table,
    ) -> Market:
        """Return what the core tables of these names know."""
        import pyarrow as pa

        counts = shares_outstanding.select(
            "listing_id",
            "known_on",
            count=shares_outstanding.shares_outstanding * shares_outstanding.split_ratio_after,
        ).to_pyarrow()
        foreign = fx_rates.filter(fx_rates.currency != "USD")
        rates = foreign.select("currency", "rate_date", "usd_per_currency").to_pyarrow()
        sigmas = market_returns.select("region", "session_date", "market_sigma").to_pyarrow()
        currencies = pa.array(["USD", *coded(rates["currency"])[1].to_pylist()])
        return cls(
            shares=_latest(counts, who.ids),
            rates=_latest(rates, currencies),
            sigmas=_latest(sigmas, who.regions),
            currencies=currencies,
        )

    def currency(self, texts: Any) -> Ints:
        """Return the number of each currency: -1 for NULL, one more than all for an unknown one."""
        numbers = places(texts, self.currencies)
        is_unknown = (numbers < 0) & texts.is_valid().to_numpy()
        return np.where(is_unknown, len(self.currencies), numbers)

    def worth(self, listing: Ints, currency: Ints, day: Ints, close: Floats) -> Floats:
        """Return what firms are worth (USD) at the closes of a day, by one listing of each."""
        rate = _value(self.rates, currency, day, RATE_DAYS)
        rate[currency == 0] = 1.0
        return _value(self.shares, listing, day) * close * rate

    def sigma(self, region: Ints, day: Ints) -> Floats:
        """Return what a market's volatility was known to be before a session."""
        return _value(self.sigmas, region, day, 0)


def _latest(table: pa.Table, names: pa.Array) -> tuple[Latest, Floats]:
    """Return what a table of key, day and value knows, and its values."""
    key, day, value = table.columns
    return Latest(places(key, names), days_of(day)), value.to_numpy()


def _value(known: tuple[Latest, Floats], keys: Ints, days: Ints, age: int | None = None) -> Floats:
    latest, values = known
    rows = latest.at(keys, days, age)
    return np.where(rows >= 0, np.append(values, np.nan)[rows], np.nan)
