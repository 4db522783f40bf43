"""The way a sell-off took: which equities fell, of all regions, in the order of their closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import by_listing, looked_up
from selloff.event_sessions import with_horizons
from selloff.markets import region_closes
from selloff.returns import NOISE_SIGMA, MarketModel
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Below this many returns beyond the market their standard deviation is known to 16% at best.
MINIMUM_HISTORY = 20

_COLUMNS = (
    "event_id",
    "hit_order",
    "closed_at",
    "session_date",
    "listing_id",
    "ticker",
    "region",
    "sector",
    "industry",
    "link",
    "hours_after_source",
    "simple_return",
    "market",
    "market_log_return",
    "model",
    "abnormal_return",
    "abnormal_z",
    "abnormal_return_since_start",
    "n_falls",
    "abnormal_market_value_lost_usd",
    "is_counted",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_FALL = ("event_id", "listing_id")
_BAR = ("listing_id", "session_date")


def contagion_paths(  # noqa: PLR0913 - seven tables and two options
    selloff_events: ir.Table,
    daily_prices: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    *,
    falling_z: float = -2.0,
    estimation: MarketModel | None = None,
) -> ir.Table:
    """Return, for each event, every equity that fell beyond its own threshold, by its close.

    A listing's first fall counts, of its sessions that close after the event's `started_at` and up
    to the event region's next close after its last session: news that breaks over a week-end is in
    Tokyo's close before it is in New York's. One that only gives back what it had gained since the
    start has not fallen in the event (on 2025-01-28 Coca-Cola and Procter & Gamble). Listings
    without a market model of their own (too few sessions) are held against the market's return
    itself, if 20 rows say how far they usually stray from it; else a firm that was listed the year
    before its fall would be left out (GE Vernova, Siemens Energy's bars).

    On a day without news 2.8% of the equities fall so by chance and on news of their own (5,683
    z of 2024-10 to 2025-02): of a large market, ask for a lower z.

    Parameters
    ----------
    selloff_events, daily_prices, abnormal_returns, instruments, sessions, shares_outstanding, \
    fx_rates : ibis Table
        Columns of the tables of these names.
    falling_z : float
        Abnormal z at or below which a listing is falling.
    estimation : MarketModel, optional
        Rows before the fall that say how far a listing without a model strays from its market.

    Returns
    -------
    ibis Table
        Columns of ``mart.contagion_paths``. Returns are fractions (simple) or log points, negative
        in a fall; losses USD, positive when lost, NULL where share count or exchange rate was not
        known at the close before. `hit_order` is dense: equal closes share it. Every listing of a
        firm has its row; sum losses over `is_counted` only. Listings whose exchange has no calendar
        have no place in the order, and no row. Nothing from after a row's `closed_at` is in its
        figures, except that `n_falls` counts to the end of the event.

    References
    ----------
    MacKinlay (1997), Event Studies in Economics and Finance, JEL 35, section 4 (market-adjusted
    returns where no estimation period exists).
    """
    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id",
        "started_at",
        "last_session_date",
        "origin_sector",
        "origin_industry",
        source_id="worst_listing_id",
        event_region="region",
        event_date="session_date",
    )
    rows = _near(events, abnormal_returns, instruments, sessions)
    rows = _with_adjusted(rows, abnormal_returns, estimation or MarketModel())
    rows = _first(_with_sums(rows), falling_z)
    rows = _with_link(rows, events, instruments)
    valued = with_losses(_with_closes(rows, daily_prices), shares_outstanding, fx_rates)
    counted = counted_once(valued, instruments, ("event_id",), "market_value_usd")
    return _with_order(counted).select(*_COLUMNS)


def _near(
    events: ir.Table, abnormal_returns: ir.Table, instruments: ir.Table, sessions: ir.Table
) -> ir.Table:
    """Return every equity's sessions that close in an event."""
    regional = region_closes(instruments, sessions)
    bounded = with_horizons(
        events.select(
            "event_id", "event_date", "started_at", "last_session_date", "event_region"
        ).mutate(region=events.event_region),
        regional,
    )
    closes = sessions.select("exchange_mic", "session_date", closed_at="closes_at")
    near = bounded.inner_join(
        closes,
        (
            closes.closed_at > bounded.started_at,
            bounded.horizon.isnull() | (closes.closed_at <= bounded.horizon),
        ),
    ).select("event_id", "event_region", "event_date", "exchange_mic", "session_date", "closed_at")
    equities = instruments.filter(instruments.asset_class == "equity").select(
        "listing_id", "exchange_mic", "region", "sector", "industry", usual_currency="currency"
    )
    rows = near.inner_join(equities, "exchange_mic").inner_join(abnormal_returns, _BAR)
    # A venue of the event's own region may close later on the day before.
    is_before = (rows.region == rows.event_region) & (rows.session_date < rows.event_date)
    return rows.filter(~is_before.fill_null(False)).drop("event_region", "event_date")  # noqa: FBT003 - Ibis takes the literal


def _with_adjusted(rows: ir.Table, abnormal_returns: ir.Table, estimation: MarketModel) -> ir.Table:
    """Hold listings without a model against the market's return; say which model each row has."""
    import ibis

    excess = rows.log_return - rows.market_log_return
    asked = rows.filter(rows.abnormal_return.isnull(), excess.notnull()).select(*_BAR).distinct()
    past = abnormal_returns.semi_join(asked, "listing_id")
    past = past.select(
        *_BAR,
        row=ibis.row_number().over(by_listing()),
        past_excess=past.log_return - past.market_log_return,
    )
    placed = asked.inner_join(past.select(*_BAR, own_row="row"), _BAR)
    earlier = past.select("listing_id", "row", "past_excess")
    pairs = placed.inner_join(
        earlier,
        (
            placed.listing_id == earlier.listing_id,
            earlier.row >= placed.own_row - estimation.first,
            earlier.row <= placed.own_row - estimation.last,
        ),
    )
    usual = pairs.group_by(_BAR).aggregate(
        n_excess=pairs.past_excess.count(), spread=pairs.past_excess.std(how="sample")
    )
    rows = looked_up(rows.mutate(excess=excess), usual, _BAR)
    is_own = rows.abnormal_return.notnull()
    is_known = (rows.n_excess >= MINIMUM_HISTORY) & (rows.spread > NOISE_SIGMA)
    return rows.mutate(
        model=is_own.ifelse("market_model", "market_adjusted"),
        abnormal_return=is_own.ifelse(rows.abnormal_return, rows.excess),
        abnormal_z=is_own.ifelse(rows.abnormal_z, is_known.ifelse(rows.excess / rows.spread, None)),
    )


def _with_sums(rows: ir.Table) -> ir.Table:
    """Add what each listing lost or gained beyond the market since the event's start."""
    import ibis

    so_far = ibis.window(group_by=_FALL, order_by="closed_at", preceding=None, following=0)
    return rows.mutate(abnormal_return_since_start=rows.abnormal_return.sum().over(so_far))


def _first(rows: ir.Table, falling_z: float) -> ir.Table:
    """Return each listing's first fall in each event, and how many it had."""
    import ibis

    falls = rows.filter(rows.abnormal_z <= falling_z, rows.abnormal_return_since_start < 0)
    turn = ibis.row_number().over(group_by=_FALL, order_by=("closed_at", "session_date"))
    numbered = falls.mutate(turn=turn, n_falls=falls.count().over(ibis.window(group_by=_FALL)))
    return numbered.filter(numbered.turn == 0)


def _with_link(rows: ir.Table, events: ir.Table, instruments: ir.Table) -> ir.Table:
    """Add what each listing has in common with the event's origin."""
    import ibis

    firms = instruments.select("listing_id", firm="issuer_id")
    origins = events.select("event_id", "origin_sector", "origin_industry", "source_id")
    sources = firms.select(source_id="listing_id", source_firm="firm")
    rows = looked_up(rows, looked_up(origins, sources, "source_id"), "event_id")
    rows = looked_up(rows, firms, "listing_id")
    return rows.mutate(
        link=ibis.cases(
            (rows.listing_id == rows.source_id, "source"),
            (rows.firm == rows.source_firm, "same_firm"),
            (rows.industry == rows.origin_industry, "same_industry"),
            (rows.sector == rows.origin_sector, "same_sector"),
            (rows.sector != rows.origin_sector, "other_sector"),
            else_="unknown",
        )
    )


def _with_closes(rows: ir.Table, daily_prices: ir.Table) -> ir.Table:
    """Add the two closes of each row's return, and their currency."""
    import ibis

    bars = daily_prices.select(*_BAR, "close", "currency")
    before = daily_prices.select(
        "listing_id", previous_session_date="session_date", previous_close="close"
    )
    rows = looked_up(rows, bars, _BAR)
    rows = looked_up(rows, before, ("listing_id", "previous_session_date"))
    return rows.mutate(currency=ibis.coalesce(rows.currency, rows.usual_currency))


def _with_order(rows: ir.Table) -> ir.Table:
    """Add the place of each close in its event, and its distance from the source's."""
    import ibis

    event = ibis.window(group_by="event_id")
    is_source = rows.link == "source"
    source_at = is_source.ifelse(rows.closed_at.epoch_seconds(), None).max().over(event)
    by_close = ibis.window(group_by="event_id", order_by="closed_at")
    return rows.mutate(
        hit_order=(ibis.dense_rank().over(by_close) + 1).cast("int64"),
        hours_after_source=(rows.closed_at.epoch_seconds() - source_at) / 3600.0,
        as_of=ibis.greatest(rows.as_of, ibis.coalesce(rows.rate_as_of, rows.as_of)),
    )
