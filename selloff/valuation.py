"""What a listing is worth in USD, as known at the time, and which listing speaks for its firm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

# Rates pause for week-ends and holidays, at most five days at Easter; what is older has ended.
RATE_DAYS = 7


def with_shares(rows: ir.Table, shares_outstanding: ir.Table) -> ir.Table:
    """Add the share count known at the close before each row, on the basis of the bars.

    A count is of the day for which it was stated, the closes of ``core.daily_prices`` are adjusted
    for every split known: times the splits after that day, count and close are of one basis, and a
    split between the two changes no value.

    Parameters
    ----------
    rows : ibis Table
        Has `listing_id` and `previous_session_date`.
    shares_outstanding : ibis Table
        Columns of ``core.shares_outstanding``: shares, from the date each became known.

    Returns
    -------
    ibis Table
        The rows with `shares_outstanding` (in the shares that the bars quote) and
        `shares_known_on`, the newest count with ``known_on <= previous_session_date``; NULL where
        none was known by then.
    """
    import ibis

    listing = ibis.window(group_by="listing_id", order_by="known_on")
    counts = shares_outstanding.select(
        shares_outstanding=shares_outstanding.shares_outstanding
        * shares_outstanding.split_ratio_after,
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


def with_usd_rates(rows: ir.Table, fx_rates: ir.Table) -> ir.Table:
    """Add the exchange rate to USD at the close before each row.

    Parameters
    ----------
    rows : ibis Table
        Has `currency` and `previous_session_date`.
    fx_rates : ibis Table
        Columns of ``core.fx_rates``.

    Returns
    -------
    ibis Table
        The rows with `usd_per_currency` (USD per unit; 1 for USD) and `rate_as_of`, its vintage:
        the last rate on or before `previous_session_date`, NULL where none was known or the last
        was older than `RATE_DAYS`.
    """
    import ibis

    listed = ibis.window(group_by="currency", order_by="rate_date")
    spans = fx_rates.select(
        "currency",
        "rate_date",
        "usd_per_currency",
        rate_as_of="as_of",
        next_date=fx_rates.rate_date.lead().over(listed),
    )
    # Every day that a rate is good for, from the rates alone: asking which days the rows need
    # would have the engine compute the rows twice.
    days = [
        spans.mutate(previous_session_date=(spans.rate_date + ibis.interval(days=age)).cast("date"))
        for age in range(RATE_DAYS + 1)
    ]
    good = stacked(*days)
    good = good.filter(good.next_date.isnull() | (good.previous_session_date < good.next_date))
    newest = good.drop("rate_date", "next_date")
    rated = looked_up(rows, newest, ("currency", "previous_session_date"))
    return rated.mutate(
        usd_per_currency=(rated.currency == "USD").ifelse(1.0, rated.usd_per_currency)
    )


def with_losses(rows: ir.Table, shares_outstanding: ir.Table, fx_rates: ir.Table) -> ir.Table:
    """Add the market value before each row and what was lost of it in USD.

    The value is ``shares x previous close x rate``, the loss ``shares x (previous close - close) x
    rate``, and the loss beyond what the market explains ``(1 - exp(AR)) x value``, with share count
    and rate as known at the close before. Prices and count are of one basis (`with_shares`), so
    both are as they were on traded prices. Where there is no return there is no loss: two closes
    with an unapplied split between them are of two bases.

    Parameters
    ----------
    rows : ibis Table
        Has `listing_id`, `previous_session_date`, `close`, `previous_close` (currency per share),
        `currency`, `abnormal_return` (log points) and, where the two closes are neighbours,
        `simple_return` (fraction).
    shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        The rows with `market_value_usd`, `market_value_lost_usd` and
        `abnormal_market_value_lost_usd` (USD, losses positive; NULL where count, rate or return is
        unknown) and the columns that `with_shares` and `with_usd_rates` add.
    """
    valued = with_usd_rates(with_shares(rows, shares_outstanding), fx_rates)
    usd = valued.shares_outstanding * valued.usd_per_currency
    value = usd * valued.previous_close
    lost = usd * (valued.previous_close - valued.close)
    abnormal = value * (1 - valued.abnormal_return.exp())
    if "simple_return" in valued.columns:
        is_known = valued.simple_return.notnull()
        lost, abnormal = is_known.ifelse(lost, None), is_known.ifelse(abnormal, None)
    return valued.mutate(
        market_value_usd=value,
        market_value_lost_usd=lost,
        abnormal_market_value_lost_usd=abnormal,
    )


def counted_once(
    rows: ir.Table, instruments: ir.Table, within: Sequence[str], value: str
) -> ir.Table:
    """Say which listing carries the market value of its firm.

    A share count is the whole firm's on every class and depositary receipt of it: summed over all
    of them, the firm would be counted once for each.

    Parameters
    ----------
    rows : ibis Table
        Has `listing_id`, the columns of `within` and that of `value`.
    instruments : ibis Table
        Columns of ``core.instruments``; a listing without `issuer_id` is a firm of its own.
    within : sequence of str
        Columns that name what is summed: an event, a session.
    value : str
        Column with the listing's market value, in one currency for all; may be NULL.

    Returns
    -------
    ibis Table
        The rows with `is_counted`, True for one listing per firm and `within`: of those with a
        value the primary one, else the largest, else the first by `listing_id`.
    """
    import ibis

    named = instruments.select(
        "listing_id",
        "is_primary",
        firm=ibis.coalesce(instruments.issuer_id, instruments.listing_id),
    )
    named = named.mutate(n_listings_of_firm=named.count().over(ibis.window(group_by="firm")))
    placed = looked_up(rows, named, "listing_id")
    placed = placed.mutate(firm=ibis.coalesce(placed.firm, placed.listing_id))
    # Most firms have one listing, and nothing to choose from: their rows are not put in order.
    is_alone = (placed.n_listings_of_firm == 1).fill_null(False)  # noqa: FBT003 - Ibis takes the literal
    shared = placed.filter(~is_alone)
    worth = shared[value]
    turn = ibis.row_number().over(
        group_by=(*within, "firm"),
        order_by=(worth.isnull(), shared.is_primary.desc(), worth.desc(), "listing_id"),
    )
    alone = placed.filter(is_alone).mutate(is_counted=ibis.literal(True))  # noqa: FBT003 - as above
    chosen = stacked(alone, shared.mutate(is_counted=turn == 0))
    return chosen.drop("firm", "n_listings_of_firm", "is_primary")
