"""Exchange rates to USD: market pairs among the prices first, official rates next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

MINOR_UNITS = {"GBp": "GBP", "GBX": "GBP", "ZAc": "ZAR", "ILA": "ILS"}
"""Units in which exchanges quote, each a hundredth of its currency; their spellings vary."""

# A pair's ticker: base and quote currency, three letters each (EURUSD).
_CODE, _PAIR = 3, 6
_COLUMNS = ("currency", "rate_date", "usd_per_currency", "source", "as_of", "place")


def fx_rates(raw_fx_rates: ir.Table, daily_prices: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return one rate per currency and day.

    A close of a pair of the prices counts before an official rate: it is of the market's own
    hour, and of the vendor of the prices it converts. Minor units have a hundredth of the rate of
    their currency. USD is not listed.

    Parameters
    ----------
    raw_fx_rates : ibis Table
        Columns of ``raw.fx_rates``: every version of every rate, in USD per unit of currency.
    daily_prices, instruments : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        Columns of ``core.fx_rates``.
    """
    import ibis

    offers = stacked(market_rates(daily_prices, instruments), _official(raw_fx_rates))
    place = ibis.row_number().over(group_by=("currency", "rate_date"), order_by=("place", "source"))
    chosen = offers.mutate(place=place).filter(lambda t: t.place == 0).drop("place")
    minor = [
        chosen.filter(chosen.currency == major).mutate(
            currency=ibis.literal(unit), usd_per_currency=chosen.usd_per_currency / 100
        )
        for unit, major in MINOR_UNITS.items()
    ]
    return stacked(chosen, *minor)


def market_rates(daily_prices: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the rates that the prices contain.

    Parameters
    ----------
    daily_prices, instruments : ibis Table
        Columns of the core tables of these names. A rate is a listing of class ``fx`` whose ticker
        is a pair of currencies with USD on one side: EURUSD as quoted, USDJPY inverted.

    Returns
    -------
    ibis Table
        Columns of ``core.fx_rates``; `source` is the pair. `place` is 0: it counts first.
    """
    import ibis

    pairs = instruments.filter(
        instruments.asset_class == "fx", instruments.ticker.length() == _PAIR
    ).select(
        "listing_id",
        base=instruments.ticker.substr(0, _CODE),
        quote=instruments.ticker.substr(_CODE, _CODE),
    )
    quotes = daily_prices.inner_join(pairs, "listing_id")
    quotes = quotes.filter((quotes.base == "USD") != (quotes.quote == "USD"))
    is_inverse = quotes.base == "USD"
    return quotes.select(
        currency=is_inverse.ifelse(quotes.quote, quotes.base),
        rate_date=quotes.session_date,
        usd_per_currency=is_inverse.ifelse(1 / quotes.close.nullif(0), quotes.close),
        source=quotes.ticker,
        as_of=quotes.as_of,
        place=ibis.literal(0),
    )


def _official(raw_fx_rates: ir.Table) -> ir.Table:
    """Return the newest version of every official rate."""
    import ibis

    version = ibis.row_number().over(
        group_by=("currency", "rate_date", "source"),
        order_by=(raw_fx_rates.known_from.desc(), raw_fx_rates.row_hash),
    )
    newest = raw_fx_rates.mutate(version=version).filter(lambda t: t.version == 0)
    return newest.filter(newest.currency != "USD").select(
        "currency",
        "rate_date",
        "usd_per_currency",
        "source",
        as_of=newest.known_from,
        place=ibis.literal(1),
    )
