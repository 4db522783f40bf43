"""What a listing is worth in USD: share counts and exchange rates as known at the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up

if TYPE_CHECKING:
    import ibis.expr.types as ir

# An exchange rate's ticker: base and quote currency, three letters each (EURUSD).
_CODE, _PAIR = 3, 6


def with_shares(rows: ir.Table, shares_outstanding: ir.Table) -> ir.Table:
    """Add the share count known at the close before each row.

    Parameters
    ----------
    rows : ibis Table
        Has `listing_id` and `previous_session_date`.
    shares_outstanding : ibis Table
        Columns of ``core.shares_outstanding``: shares, from the date each became known.

    Returns
    -------
    ibis Table
        The rows with `shares_outstanding` (shares) and `shares_known_on`, the newest count with
        ``known_on <= previous_session_date``; NULL where none was known by then.
    """
    import ibis

    listing = ibis.window(group_by="listing_id", order_by="known_on")
    counts = shares_outstanding.select(
        "shares_outstanding",
        shares_listing="listing_id",
        shares_known_on="known_on",
        shares_known_until=shares_outstanding.known_on.lead().over(listing),
    )
    known = rows.left_join(
        counts,
        (
            rows.listing_id == counts.shares_listing,
            rows.previous_session_date >= counts.shares_known_on,
            counts.shares_known_until.isnull()
            | (rows.previous_session_date < counts.shares_known_until),
        ),
    )
    return known.drop("shares_listing", "shares_known_until")


def usd_rates(daily_prices: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the exchange rates to USD that the prices contain.

    Parameters
    ----------
    daily_prices, instruments : ibis Table
        Columns of the core tables of these names. A rate is a listing of class ``fx`` whose ticker
        is a pair of currencies with USD on one side: EURUSD as quoted, USDJPY inverted.

    Returns
    -------
    ibis Table
        `currency`, `rate_date`, `usd_per_currency` (USD per unit of currency) and `rate_as_of`.
    """
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
        usd_per_currency=is_inverse.ifelse(quotes.close.nullif(0).pow(-1), quotes.close),
        rate_as_of=quotes.as_of,
        rate_ticker=quotes.ticker,
    )


def with_usd_rates(rows: ir.Table, daily_prices: ir.Table, instruments: ir.Table) -> ir.Table:
    """Add the exchange rate to USD at the close before each row.

    Parameters
    ----------
    rows : ibis Table
        Has `currency` and `previous_session_date`.
    daily_prices, instruments : ibis Table
        As `usd_rates` takes them.

    Returns
    -------
    ibis Table
        The rows with `usd_per_currency` (1 for USD; NULL where no rate was known) and
        `rate_as_of`, the vintage of the last rate on or before `previous_session_date`.
    """
    import ibis

    asked = rows.select("currency", "previous_session_date").distinct()
    offers = usd_rates(daily_prices, instruments).rename(rate_currency="currency")
    pairs = asked.inner_join(
        offers,
        (
            asked.currency == offers.rate_currency,
            asked.previous_session_date >= offers.rate_date,
        ),
    )
    age = ibis.row_number().over(
        group_by=("currency", "previous_session_date"),
        order_by=(pairs.rate_date.desc(), "rate_ticker"),
    )
    newest = (
        pairs.mutate(age=age)
        .filter(lambda t: t.age == 0)
        .select("currency", "previous_session_date", "usd_per_currency", "rate_as_of")
    )
    rated = looked_up(rows, newest, ("currency", "previous_session_date"))
    return rated.mutate(
        usd_per_currency=(rated.currency == "USD").ifelse(1.0, rated.usd_per_currency)
    )


def with_losses(
    rows: ir.Table, daily_prices: ir.Table, instruments: ir.Table, shares_outstanding: ir.Table
) -> ir.Table:
    """Add the market value lost in USD, outright and beyond what the market explains.

    ``shares x (previous close - close) x rate`` and ``-(exp(AR) - 1) x shares x previous close x
    rate``, with share count and rate as known at the close before.

    Parameters
    ----------
    rows : ibis Table
        Has `listing_id`, `previous_session_date`, `close`, `previous_close` (currency per share),
        `currency` and `abnormal_return` (log points).
    daily_prices, instruments, shares_outstanding : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        The rows with `market_value_lost_usd` and `abnormal_market_value_lost_usd` (USD, positive
        when value was lost, NULL where count or rate was unknown) and the columns that
        `with_shares` and `with_usd_rates` add.
    """
    valued = with_usd_rates(with_shares(rows, shares_outstanding), daily_prices, instruments)
    usd = valued.shares_outstanding * valued.usd_per_currency
    return valued.mutate(
        market_value_lost_usd=usd * (valued.previous_close - valued.close),
        abnormal_market_value_lost_usd=usd
        * valued.previous_close
        * (1 - valued.abnormal_return.exp()),
    )
