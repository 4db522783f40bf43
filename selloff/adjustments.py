"""Corporate actions, and what they do to prices: one truth per action, one factor per bar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import factors_after, newest, product_after, with_latest
from selloff.sources import PRIORITY, first_in_priority

if TYPE_CHECKING:
    from collections.abc import Sequence

    import ibis.expr.types as ir

_VERSIONED = ("listing_id", "ex_date", "action", "source")
_PRICES = ("open", "high", "low", "close", "adj_close")


def splits(corporate_actions: ir.Table, priority: Sequence[str] = PRIORITY) -> ir.Table:
    """Return the splits that count.

    Of every source the newest version; of the sources the first in priority. A ratio of 1 is how
    vendors fill an empty cell, or take a split back: it says nothing.

    Parameters
    ----------
    corporate_actions : ibis Table
        Columns of ``raw.corporate_actions``.
    priority : sequence of str
        Which source is believed first.

    Returns
    -------
    ibis Table
        Columns of ``core.splits``, one row per listing and ex-date.
    """
    told = newest(corporate_actions.filter(corporate_actions.action == "split"), *_VERSIONED)
    real = told.filter(told.split_ratio.notnull(), told.split_ratio != 1)
    chosen = first_in_priority(real, ("listing_id", "ex_date"), priority)
    return chosen.select("listing_id", "ex_date", "split_ratio", "source", as_of="known_from")


def dividends(
    corporate_actions: ir.Table, splits: ir.Table, priority: Sequence[str] = PRIORITY
) -> ir.Table:
    """Return the cash distributions that count, as paid.

    Dividends and capital gains of one ex-date are summed, from the first source in priority;
    amounts in different currencies are never summed. Vendors state an amount in the shares of the
    day on which it was fetched: it is brought back to those of the ex-date by the splits between.

    Parameters
    ----------
    corporate_actions, splits : ibis Table
        Columns of ``raw.corporate_actions`` and ``core.splits``.
    priority : sequence of str
        Which source is believed first.

    Returns
    -------
    ibis Table
        Columns of ``core.dividends``, one row per listing and ex-date; `amount` in currency per
        share of the ex-date.
    """
    cash = corporate_actions.filter(
        corporate_actions.action.isin(["dividend", "capital_gain"]), corporate_actions.amount > 0
    )
    told = _with_ratios(newest(cash, *_VERSIONED), splits, "ex_date")
    paid = told.mutate(as_paid=told.amount * told.later_ratio / told.missing_ratio)
    summed = paid.group_by("listing_id", "ex_date", "source", "currency").aggregate(
        amount=paid.as_paid.sum(), as_of=paid.known_from.max()
    )
    chosen = first_in_priority(summed, ("listing_id", "ex_date"), priority, "currency")
    return chosen.select("listing_id", "ex_date", "amount", "currency", "source", "as_of")


def missing_ratio(versions: ir.Table, splits: ir.Table, name: str = "missing_ratio") -> ir.Table:
    """Add the product of the splits that a version's prices do not contain yet.

    A ``split_adjusted`` version contains every split with an `ex_date` after its session and up to
    the day it was fetched (UTC), an ``as_traded`` one contains none. Dividing the price by the
    result, and multiplying the volume, brings any version to every split given.

    Parameters
    ----------
    versions : ibis Table
        `listing_id`, `session_date`, `basis` and `known_from`.
    splits : ibis Table
        Columns of ``core.splits``: those that count as known.
    name : str
        What the new column is called; new shares per old share.
    """
    return _missing(versions, splits, "session_date", name)


def split_adjusted(versions: ir.Table, splits: ir.Table) -> ir.Table:
    """Bring versions of bars to the basis of every split given.

    Parameters
    ----------
    versions : ibis Table
        Columns of ``raw.price_vintages``, any versions.
    splits : ibis Table
        Columns of ``core.splits``.

    Returns
    -------
    ibis Table
        The same columns and `later_ratio`, the product of the splits after the session: times it,
        a price is as it was traded.
    """
    rated = _with_ratios(versions, splits, "session_date")
    prices = {name: rated[name] / rated.missing_ratio for name in _PRICES}
    volume = rated.volume * rated.missing_ratio
    return rated.mutate(**prices, volume=volume).drop("missing_ratio")


def adjustment_factors(daily_prices: ir.Table, splits: ir.Table, dividends: ir.Table) -> ir.Table:
    """Return what turns each bar into one as traded, and into one of a total return.

    The dividend factor is the product, over the later ex-dates, of 1 - amount / close of the last
    bar before the ex-date, both in the shares of the ex-date. This is the multiplier of the Center
    for Research in Security Prices that Yahoo's adjusted close follows [1]_: it reinvests at that
    close. Left out are distributions in another currency than the bar's, those before the first
    bar, those whose ex-date no bar has reached, and those that are not smaller than the close.

    Parameters
    ----------
    daily_prices, splits, dividends : ibis Table
        Columns of ``core.daily_prices``, ``core.splits`` and ``core.dividends``.

    Returns
    -------
    ibis Table
        One row per bar: `listing_id`, `ticker`, `session_date`; `split_ratio_after` (new shares
        per old share, product of the later splits: close x it is as traded), `dividend_factor`
        (fraction: close x it is of a total return), `total_return_factor` (the same for the close
        as traded), `vendor_factor` (the vendor's adj_close / close, to compare with
        `dividend_factor`; NULL where not delivered) and `as_of` of the bar.

    References
    ----------
    .. [1] Yahoo help, "What is the adjusted close?", SLN28256.
    """
    bars = daily_prices.select(
        "listing_id", "ticker", "session_date", "close", "adj_close", "as_of"
    )
    ratios = factors_after(splits, "split_ratio")
    rated = product_after(bars, ratios, lambda t: t.session_date, "split_ratio_after")
    paid = factors_after(_dividend_factors(daily_prices, ratios, dividends), "factor")
    worth = product_after(rated, paid, lambda t: t.session_date, "dividend_factor")
    return worth.select(
        "listing_id",
        "ticker",
        "session_date",
        "split_ratio_after",
        "dividend_factor",
        total_return_factor=worth.dividend_factor / worth.split_ratio_after,
        vendor_factor=worth.adj_close / worth.close.nullif(0),
        as_of=worth.as_of,
    )


def _dividend_factors(daily_prices: ir.Table, ratios: ir.Table, dividends: ir.Table) -> ir.Table:
    """Return `listing_id`, `ex_date` and the `factor` of every distribution that has one."""
    import ibis

    # In the shares of today on both sides, so that a split of the same day cannot come between.
    due = product_after(dividends, ratios, lambda t: t.ex_date, "later_ratio")
    bars = daily_prices.select(
        "listing_id", bar_date="session_date", close="close", bar_currency="currency"
    )
    due = due.mutate(day_before=due.ex_date - ibis.interval(days=1))
    asked = bars.semi_join(due, "listing_id")
    before = with_latest(due, asked, "listing_id", ("day_before", "bar_date"))
    known = before.filter(before.close.notnull())
    reached = bars.group_by("listing_id").aggregate(newest_date=bars.bar_date.max())
    known = known.inner_join(reached, "listing_id")
    factors = known.mutate(factor=1 - known.amount / known.later_ratio / known.close.nullif(0))
    return factors.filter(
        factors.currency.identical_to(factors.bar_currency),
        factors.ex_date <= factors.newest_date,
        factors.factor > 0,
    ).select("listing_id", "ex_date", "factor")


def _with_ratios(versions: ir.Table, splits: ir.Table, day: str) -> ir.Table:
    """Add `later_ratio`, of every split after the day, and `missing_ratio`, not contained yet."""
    ratios = factors_after(splits, "split_ratio")
    rated = product_after(versions, ratios, lambda t: t[day], "later_ratio")
    return _missing(rated, splits, day, "missing_ratio")


def _missing(versions: ir.Table, splits: ir.Table, day: str, name: str) -> ir.Table:
    """Add the product of the splits after the day that a version does not contain."""
    import ibis

    def contained_until(rows: ir.Table) -> ir.DateColumn:
        fetched_on = ibis.greatest(rows[day], rows.known_from.date())
        until: ir.DateColumn = (rows.basis == "as_traded").ifelse(rows[day], fetched_on)
        return until

    return product_after(versions, factors_after(splits, "split_ratio"), contained_until, name)
