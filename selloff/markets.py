"""The market of each region: its level, its return, and how unusual that was."""

# ruff: noqa: PD003, PD004 - Ibis, not pandas: its columns know isnull and notnull only

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import by_listing, stacked
from selloff.proposed_splits import has_unapplied_split
from selloff.valuation import counted_once, with_shares
from selloff.volatility import ewma_volatility

if TYPE_CHECKING:
    from collections.abc import Mapping

    import ibis.expr.types as ir
    import pandas as pd

WEIGHTED = "capitalisation-weighted"
BORROWED = ", previous close"
# Below two members an "index" is a listing compared with itself.
MINIMUM_MEMBERS = 2

_LEVELS = (
    "region",
    "session_date",
    "market",
    "log_level",
    "n_flagged",
    "n_quarantined",
    "is_simulated",
    "as_of",
)
_RETURNS = (
    "region",
    "session_date",
    "market",
    "log_level",
    "market_return",
    "market_sigma",
    "market_z",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "is_simulated",
    "as_of",
)


def market_levels(
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    shares_outstanding: ir.Table,
    markets: Mapping[str, str],
    default_region: str = "US",
) -> ir.Table:
    """Return the level that listings of a region are held against, session by session.

    A region with a ticker in `markets` has that ticker's close, if the ticker has any bar. Of the
    others, a session has the capitalisation-weighted mean of the region's equities, each firm
    counted once, if at least two had a known share count at the close before; else the default
    region's market as it stood at its last close strictly before the region's own, on sessions that
    have seen a new one. A session without a level has no row. Nothing is measured to a bar flagged
    ``unapplied_split``: a member is left out of that step, a ticker's levels begin anew.

    Parameters
    ----------
    daily_prices, instruments, sessions, shares_outstanding : ibis Table
        Columns of the core tables of these names.
    markets : mapping of str to str
        Region to ticker.
    default_region : str
        Region that the others fall back on.

    Returns
    -------
    ibis Table
        `region`, `session_date`, `market` (what the level is), `log_level` (natural logarithm),
        `n_flagged` and `n_quarantined` (of the session's bars behind it), `is_simulated`, `as_of`
        (UTC). Levels of one region are comparable where `market` is the same. The weights assume
        that a region's equities are quoted in one currency.
    """
    quoted = [_quoted(daily_prices, region, ticker) for region, ticker in markets.items()]
    listed = instruments
    for each in quoted:  # a configured ticker without any bar stands for nothing
        listed = listed.anti_join(each, "region")
    weighted = _weighted(daily_prices, listed, shares_outstanding)
    own = stacked(*quoted, weighted)
    lenders = own.filter(own.region == default_region)
    closes = region_closes(instruments, sessions)
    traded = daily_prices.inner_join(
        instruments.select("listing_id", "region"), "listing_id"
    ).select("region", "session_date")
    asking = closes.semi_join(traded, ("region", "session_date"))
    asking = asking.filter(asking.region != default_region).semi_join(listed, "region")
    lent = closes.filter(closes.region == default_region)
    borrowed = _borrowed(lenders, lent, asking).anti_join(weighted, ("region", "session_date"))
    return stacked(own, borrowed)


def region_closes(instruments: ir.Table, sessions: ir.Table) -> ir.Table:
    """Return when the exchanges of each region's equities and funds close.

    Parameters
    ----------
    instruments, sessions : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        `region`, `session_date`, `first_close` and `last_close` (UTC) over its exchanges open that
        day.
    """
    places = instruments.filter(
        instruments.region.notnull(), instruments.asset_class.isin(("equity", "etf"))
    )
    places = places.select("region", "exchange_mic").distinct()
    return (
        sessions.inner_join(places, "exchange_mic")
        .group_by("region", "session_date")
        .aggregate(first_close=lambda t: t.closes_at.min(), last_close=lambda t: t.closes_at.max())
    )


def _quoted(daily_prices: ir.Table, region: str, ticker: str) -> ir.Table:
    """Return the levels of a market that is a ticker."""
    import ibis

    bars = daily_prices.filter(daily_prices.ticker == ticker)
    # What the level is changes its name with its basis, so that no return leads from one to the
    # other.
    n_bases = has_unapplied_split(bars).cast("int64").sum().over(by_listing(following=0))
    name = (n_bases == 0).ifelse(
        ticker, ibis.literal(f"{ticker}, basis ").concat((n_bases + 1).cast("string"))
    )
    return bars.select(
        "session_date",
        "n_quarantined",
        "is_simulated",
        "as_of",
        region=ibis.literal(region),
        market=name,
        log_level=bars.close.nullif(0).ln(),
        n_flagged=(bars.quality_flags != "").cast("int64"),
    ).select(*_LEVELS)


def _weighted(
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
) -> ir.Table:
    """Return the levels of regions whose market is made of their equities."""
    import ibis

    members = instruments.filter(instruments.asset_class == "equity", instruments.region.notnull())
    bars = daily_prices.inner_join(members.select("listing_id", "region"), "listing_id")
    bars = bars.mutate(
        previous_session_date=bars.session_date.lag().over(by_listing()),
        previous_close=bars.close.lag().over(by_listing()),
        previous_simulated=bars.is_simulated.lag().over(by_listing()),
        previous_as_of=bars.as_of.lag().over(by_listing()),
    )
    held = with_shares(bars.filter(~has_unapplied_split(bars)), shares_outstanding)
    held = held.mutate(weight=held.shares_outstanding * held.previous_close)
    held = counted_once(
        held.filter(held.weight > 0), instruments, ("region", "session_date"), "weight"
    )
    held = held.filter(held.is_counted)
    days = held.group_by("region", "session_date").aggregate(
        n_members=held.count(),
        after=(held.weight * held.close / held.previous_close.nullif(0)).sum(),
        before=held.weight.sum(),
        n_flagged=(held.quality_flags != "").cast("int64").sum(),
        n_quarantined=held.n_quarantined.sum(),
        is_simulated=(held.is_simulated | held.previous_simulated).cast("int64").max() > 0,
        as_of=ibis.greatest(held.as_of, held.previous_as_of).max(),
    )
    days = days.filter(days.n_members >= MINIMUM_MEMBERS)
    step = (days.after / days.before.nullif(0)).nullif(0).ln()
    region = ibis.window(group_by="region", order_by="session_date", preceding=None, following=0)
    return days.mutate(market=ibis.literal(WEIGHTED), log_level=step.sum().over(region)).select(
        *_LEVELS
    )


def _borrowed(lenders: ir.Table, lent: ir.Table, asking: ir.Table) -> ir.Table:
    """Return, for sessions of regions without a market, the lender's last level known by then."""
    import ibis

    # One line of instants: each asking session sees the lender's newest session before it. At the
    # same instant the asking session comes first: a close is known strictly after it.
    offers = lenders.inner_join(lent, "session_date").select(
        region=ibis.null("string"),
        session_date="session_date",
        at="last_close",
        seen_date="session_date",
        is_offer=ibis.literal(1),
    )
    questions = asking.select(
        region="region",
        session_date="session_date",
        at="first_close",
        seen_date=ibis.null("date"),
        is_offer=ibis.literal(0),
    )
    line = stacked(offers, questions)
    seen = line.seen_date.max().over(
        ibis.window(order_by=("at", "is_offer"), preceding=None, following=0)
    )
    answers = line.mutate(seen_date=seen).filter(line.is_offer == 0)
    region = ibis.window(group_by="region", order_by="session_date")
    answers = answers.mutate(previous_seen=answers.seen_date.lag().over(region))
    fresh = answers.filter(
        answers.seen_date.notnull(),
        answers.previous_seen.isnull() | (answers.seen_date > answers.previous_seen),
    ).select("region", "session_date", "seen_date")
    levels = lenders.select(
        "log_level",
        "n_flagged",
        "n_quarantined",
        "is_simulated",
        "as_of",
        seen_date="session_date",
        market=lenders.market.concat(BORROWED),
    )
    return fresh.inner_join(levels, "seen_date").select(*_LEVELS)


def market_returns(levels: pd.DataFrame, decay: float = 0.94, burn_in: int = 30) -> pd.DataFrame:
    """Return each market's return and how unusual it was, against yesterday's volatility.

    Parameters
    ----------
    levels : DataFrame
        As `market_levels` gives them, in any order.
    decay : float
        Weight of yesterday's variance (`ewma_volatility`).
    burn_in : int
        Returns of a region after which `market_z` begins.

    Returns
    -------
    DataFrame
        Columns of ``core.market_returns`` ordered by region and session; NaN is NULL.
        `market_return` is a fraction since the region's level before, negative when the market
        falls, missing at the first level and where the kind of market changed. `market_sigma` (log
        points) rests on the returns up to the session before; missing where there was none, or no
        movement. `market_z` is the log return over it. `n_flagged` and `n_quarantined` count the
        bars behind both levels of the return; `has_simulated_inputs` and `as_of` look back over the
        region's whole history, as the volatility does.
    """
    import pandas as pd

    regions = [
        _region_returns(rows.sort_values("session_date"), decay, burn_in)
        for _, rows in levels.groupby("region", sort=True)
    ]
    if not regions:
        return _region_returns(levels, decay, burn_in)
    return pd.concat(regions, ignore_index=True)


def _region_returns(levels: pd.DataFrame, decay: float, burn_in: int) -> pd.DataFrame:
    """Add the return columns to one region's levels in time order."""
    is_same = (levels["market"] == levels["market"].shift()).to_numpy(bool)
    steps = levels["log_level"].astype(float).diff().to_numpy(float)
    log_return: Any = np.where(is_same, steps, np.nan)
    sigma = np.append(np.nan, ewma_volatility(log_return, decay))[:-1][: len(levels)]
    sigma[sigma == 0] = np.nan
    is_settled = np.cumsum(~np.isnan(log_return)) > burn_in
    bars = levels[["n_flagged", "n_quarantined"]].astype("int64")
    behind = bars + bars.shift(fill_value=0)
    return levels.assign(
        market_return=np.expm1(log_return),
        market_sigma=sigma,
        market_z=np.where(is_settled, log_return / sigma, np.nan),
        n_flagged=behind["n_flagged"],
        n_quarantined=behind["n_quarantined"],
        has_simulated_inputs=levels["is_simulated"].astype(bool).cummax(),
        as_of=levels["as_of"].cummax(),
    )[list(_RETURNS)]
