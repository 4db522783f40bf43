"""The series between which contagion is measured: sectors, industries, sector funds, regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked, with_latest
from selloff.markets import BORROWED, region_closes

if TYPE_CHECKING:
    import ibis.expr.types as ir

REGIONS, REGIONS_IN_USD = "regions", "regions in USD"

_COLUMNS = (
    "series_set",
    "level",
    "series_name",
    "region",
    "sector",
    "weighting",
    "session_date",
    "closed_at",
    "log_return",
    "market_log_return",
    "market_value_usd",
    "n_members",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_SESSION = ("region", "session_date")


def contagion_series(
    group_returns: ir.Table,
    market_returns: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return every series of every set in its own sessions.

    Parameters
    ----------
    group_returns, market_returns, abnormal_returns, instruments, sessions, fx_rates : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        Columns of ``core.contagion_series``; sessions without a return have no row. Sectors of a
        region make two sets, equally weighted and by value (in the sessions in which most members
        have a market value: a series does not change its nature); its industries one, equally
        weighted; its funds that are a sector's proxy one. Regions whose market is their own make
        two across the world, in their own currencies and in USD, the rate being the day's last
        known or official one.
    """
    import ibis

    groups = stacked(
        _groups(group_returns.filter(group_returns.is_value_weighted), "sector", "by_value"),
        _groups(group_returns, "sector", "equal"),
        _groups(group_returns, "industry", "equal"),
    )
    markets = market_returns.select(*_SESSION, market_log_return=_log(market_returns.market_return))
    groups = looked_up(groups, markets, _SESSION)
    regions = _regions(market_returns)
    series = stacked(
        groups,
        _funds(abnormal_returns, instruments),
        regions.mutate(series_set=ibis.literal(REGIONS)),
        _in_usd(regions, instruments, fx_rates).mutate(series_set=ibis.literal(REGIONS_IN_USD)),
    )
    closes = region_closes(instruments, sessions).select(*_SESSION, closed_at="last_close")
    found = looked_up(series.filter(series.log_return.notnull()), closes, _SESSION)
    is_of_one = found.level != "region"
    return found.mutate(region=is_of_one.ifelse(found.region, None)).select(*_COLUMNS)


def _log(simple: ir.Column) -> ir.Column:
    """Turn a simple return into log points; missing where all is lost."""
    return (simple + 1).nullif(0).ln()


def _groups(group_returns: ir.Table, grouping: str, weighting: str) -> ir.Table:
    """Return the sectors or industries of every region, weighted one way."""
    import ibis

    rows = group_returns.filter(group_returns.grouping == grouping)
    plural = {"sector": " sectors", "industry": " industries"}[grouping]
    figure = "value_weighted_return" if weighting == "by_value" else "equal_weighted_return"
    return rows.select(
        "region",
        "session_date",
        series_set=rows.region.concat(plural if weighting == "equal" else f"{plural} by value"),
        level=ibis.literal(grouping),
        series_name="group_name",
        sector=rows.group_name if grouping == "sector" else ibis.null("string"),
        weighting=ibis.literal(weighting),
        log_return=_log(rows[figure]),
        market_value_usd=rows.market_value_usd.nullif(0),
        n_members=ibis.greatest(rows.n_members, 1),
        n_flagged="n_flagged",
        n_quarantined="n_quarantined",
        has_simulated_inputs="is_simulated",
        as_of="as_of",
    )


def _funds(abnormal_returns: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return the funds that stand for a sector."""
    import ibis

    proxies = instruments.select(ticker="sector_proxy").distinct()
    funds = instruments.filter(
        instruments.asset_class == "etf",
        instruments.sector.notnull(),
        instruments.region.notnull(),
    ).semi_join(proxies, "ticker")
    rows = abnormal_returns.drop("ticker").inner_join(
        funds.select("listing_id", "ticker", "region", "sector"), "listing_id"
    )
    return rows.select(
        "region",
        "session_date",
        series_set=rows.region.concat(" sector funds"),
        level=ibis.literal("sector_fund"),
        series_name="ticker",
        sector="sector",
        weighting=ibis.literal("none"),
        log_return="log_return",
        market_log_return="market_log_return",
        market_value_usd=ibis.null("float64"),
        n_members=ibis.literal(1, "int64"),
        n_flagged="n_flagged",
        n_quarantined="n_quarantined",
        has_simulated_inputs="is_simulated",
        as_of="as_of",
    )


def _regions(market_returns: ir.Table) -> ir.Table:
    """Return the markets of the regions that have one of their own, in their own currencies."""
    import ibis

    rows = market_returns.filter(~market_returns.market.endswith(BORROWED))
    return rows.select(
        "region",
        "session_date",
        level=ibis.literal("region"),
        series_name="region",
        sector=ibis.null("string"),
        weighting=ibis.literal("none"),
        log_return=_log(rows.market_return),
        market_log_return=ibis.null("float64"),
        market_value_usd=ibis.null("float64"),
        n_members=ibis.literal(1, "int64"),
        n_flagged="n_flagged",
        n_quarantined="n_quarantined",
        has_simulated_inputs="is_simulated",
        as_of="as_of",
    )


def _in_usd(regions: ir.Table, instruments: ir.Table, fx_rates: ir.Table) -> ir.Table:
    """Add what the currency of each region did against USD since its session before."""
    import ibis

    equities = instruments.filter(
        instruments.asset_class == "equity",
        instruments.region.notnull(),
        instruments.currency.notnull(),
    )
    counted = equities.group_by("region", "currency").aggregate(n=equities.count())
    place = ibis.row_number().over(group_by="region", order_by=(ibis.desc("n"), "currency"))
    usual = counted.mutate(place=place).filter(lambda t: t.place == 0)
    rows = looked_up(regions, usual.select("region", "currency"), "region")
    rates = fx_rates.select("currency", "rate_date", "usd_per_currency", rate_as_of="as_of")
    rows = with_latest(rows, rates, "currency", ("session_date", "rate_date"))
    rows = rows.drop("rate_date")
    level = (rows.currency == "USD").ifelse(0.0, rows.usd_per_currency.ln())
    before = level.lag().over(group_by="region", order_by="session_date")
    rate_as_of = ibis.coalesce(rows.rate_as_of, rows.as_of)
    return rows.mutate(
        log_return=rows.log_return + level - before, as_of=ibis.greatest(rows.as_of, rate_as_of)
    ).drop("currency", "usd_per_currency", "rate_as_of")
