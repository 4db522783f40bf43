"""Drawdowns of a panel: how far below its highest close each listing is, and its episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._drawdown_states import carried
from selloff._ibis import by_listing, looked_up, stacked
from selloff.history import from_day
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    from datetime import date

    import ibis.expr.types as ir

    from selloff.history import Days

# The quality flag of the first bar on another basis: no return leads to it, no high reaches it.
UNAPPLIED_SPLIT = "unapplied_split"

_COLUMNS = (
    "listing_id",
    "ticker",
    "sector",
    "region",
    "peak_date",
    "trough_date",
    "recovery_date",
    "outcome",
    "depth",
    "sessions_to_trough",
    "sessions_to_recover",
    "sessions_under_water",
    "peak_close",
    "trough_close",
    "currency",
    "market_value_lost_usd",
    "is_counted",
    "shares_outstanding",
    "shares_known_on",
    "usd_per_currency",
    "observed_through",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_EPISODE, _HISTORY = ("listing_id", "episode"), ("listing_id", "history")


def with_highs(daily_prices: ir.Table, first: date | None = None, rows: int = 0) -> ir.Table:
    """Add to each bar how it stands against the listing's highest close so far.

    Parameters
    ----------
    daily_prices : ibis Table
        Columns of ``core.daily_prices``, in full history.
    first : datetime.date, optional
        First session wanted; all without it. Of what lies before it and the rows behind it, one
        maximum per listing is asked, and no order.
    rows : int
        Rows of each listing before `first` to return too.

    Returns
    -------
    ibis Table
        The bars with `is_rebased` (True where prices are on another basis than those before and no
        split is known: flag ``unapplied_split``), `history` (number of such bars so far; highs do
        not reach from one history into the next), `highest_close` (currency per share), `drawdown`
        (``close / highest_close - 1``, a fraction in [-1, 0]; NULL without a close),
        `simulated_so_far` (1 where any bar so far is simulated, else 0) and `known_so_far`, the
        newest vintage of the bars so far.

    Examples
    --------
    >>> import ibis
    >>> from selloff._ibis import fetched
    >>> bars = ibis.memtable({
    ...     "listing_id": ["A"] * 3,
    ...     "session_date": ["2025-01-23", "2025-01-24", "2025-01-27"],
    ...     "close": [147.22, 142.62, 118.42],
    ...     "quality_flags": [""] * 3,
    ...     "is_simulated": [False] * 3,
    ...     "as_of": ["2025-01-28"] * 3,
    ... })
    >>> fetched(with_highs(bars).order_by("session_date"))["drawdown"].round(4).tolist()
    [0.0, -0.0312, -0.1956]
    """
    import ibis

    marked = daily_prices.mutate(
        is_rebased=daily_prices.quality_flags.contains(UNAPPLIED_SPLIT),
        simulated=daily_prices.is_simulated.cast("int64"),
    )
    placed = _in_histories(marked if first is None else from_day(marked, first, rows), marked)
    in_history = ibis.window(
        group_by=_HISTORY, order_by="session_date", preceding=None, following=0
    )
    high = placed.mutate(
        highest_close=placed.close.max().over(in_history),
        simulated_so_far=placed.simulated.max().over(in_history),
        known_so_far=placed.as_of.max().over(in_history),
    )
    if first is not None:
        high = _raised(high, marked)
    return high.mutate(drawdown=high.close / high.highest_close.nullif(0) - 1).drop("simulated")


def _raised(bars: ir.Table, marked: ir.Table) -> ir.Table:
    """Raise the running maxima of a late slice to those of the bars before it."""
    import ibis

    starts = bars.group_by("listing_id").aggregate(slice_from=bars.session_date.min())
    older = marked.inner_join(starts, "listing_id").filter(lambda t: t.session_date < t.slice_from)
    older = _in_histories(older, marked)
    tops = older.group_by(_HISTORY).aggregate(
        top=older.close.max(), was_simulated=older.simulated.max(), known=older.as_of.max()
    )
    found = looked_up(bars, tops, _HISTORY)

    def raised(value: Any, before: Any) -> Any:
        return ibis.greatest(ibis.coalesce(value, before), ibis.coalesce(before, value))

    return found.mutate(
        highest_close=raised(found.highest_close, found.top),
        simulated_so_far=raised(found.simulated_so_far, found.was_simulated),
        known_so_far=raised(found.known_so_far, found.known),
    ).drop("top", "was_simulated", "known")


def _in_histories(bars: ir.Table, everything: ir.Table) -> ir.Table:
    """Add the number of changes of basis so far; they are few, so that a join beats a window."""
    import ibis

    changes = everything.filter(everything.is_rebased)
    listing = ibis.window(group_by="listing_id", order_by="session_date")
    spans = changes.select(
        changed_listing="listing_id",
        changed_on="session_date",
        changed_until=changes.session_date.lead().over(listing),
        changes=ibis.row_number().over(listing) + 1,
    )
    placed = bars.left_join(
        spans,
        (
            bars.listing_id == spans.changed_listing,
            bars.session_date >= spans.changed_on,
            spans.changed_until.isnull() | (bars.session_date < spans.changed_until),
        ),
    )
    return placed.select(*bars.columns, history=placed.changes.fill_null(0))


def drawdown_episodes(
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return every fall of every listing below its highest close, until that is reached again.

    An episode begins at a close that no earlier one exceeds and ends at the next such close. Its
    peak-to-trough loss is ``shares x (peak close - trough close) x rate``, with share count and
    rate as known at the peak.

    Parameters
    ----------
    daily_prices, instruments, shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names; the bars in full history.

    Returns
    -------
    ibis Table
        Columns of ``mart.drawdown_episodes``. `depth` is a fraction in [-1, 0). While `outcome` is
        ``open``, recovery is NULL, and trough, depth and loss are those so far; ``broken_off``
        says that prices went on upon another basis (flag ``unapplied_split``) before a recovery
        was seen. Of equal lows the first is the trough. Losses are USD, positive, NULL where count
        or rate was unknown at the peak; of a firm's listings one is counted (`is_counted`), in all
        its episodes: two classes need not peak on one day.

    Notes
    -----
    A close that is missing is no session here; one of zero is a fall by everything.
    """
    import ibis

    bars = daily_prices.filter(daily_prices.close.notnull())
    rows = _numbered(
        bars.mutate(
            flagged=(bars.quality_flags != "").cast("int64"),
            position=ibis.row_number().over(by_listing()),
        )
    )
    found = _valued(_falls(rows), instruments, shares_outstanding, fx_rates)
    return looked_up(found, _carriers(found, instruments), "listing_id").select(*_COLUMNS)


def late_drawdown_episodes(
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    previous: ir.Table,
    days: Days,
) -> ir.Table:
    """Return the episodes that some days may have changed, as `drawdown_episodes` would.

    Parameters
    ----------
    daily_prices, instruments, shares_outstanding, fx_rates : ibis Table
        As for `drawdown_episodes`.
    previous : ibis Table
        ``mart.drawdown_episodes`` as it was held.
    days : range of dates
        Has `start`, the first session of which anything changed since.

    Returns
    -------
    ibis Table
        Rows of `drawdown_episodes`: all that have seen one of these days or are open, and others
        that are counted now and were not, or the other way round.
    """
    bars = carried(daily_prices, previous, days.start)
    position = bars.step.sum().over(by_listing(preceding=None, following=0))
    rows = _numbered(bars.mutate(position=position))
    found = _valued(_falls(rows), instruments, shares_outstanding, fx_rates)
    is_replaced = (previous.observed_through >= days.start) | (previous.outcome == "open")
    kept = previous.filter(~is_replaced).anti_join(found, ("listing_id", "peak_date"))
    # As `with_losses` multiplies: to the last digit what it was chosen by.
    usd = kept.shares_outstanding * kept.usd_per_currency
    kept = kept.mutate(market_value_usd=usd * kept.peak_close)
    valued = ("listing_id", "market_value_usd")
    carriers = _carriers(stacked(found.select(*valued), kept.select(*valued)), instruments)
    told = kept.rename(was_counted="is_counted").inner_join(carriers, "listing_id")
    told = told.filter(told.is_counted != told.was_counted)
    counted = looked_up(found, carriers, "listing_id")
    return stacked(counted.select(*_COLUMNS), told.select(*_COLUMNS))


def _numbered(bars: ir.Table) -> ir.Table:
    """Give each close the number of its episode: one begins at every high."""
    bars = with_highs(bars)
    is_high = (bars.close >= bars.highest_close).cast("int64")
    return bars.select(
        "listing_id",
        "ticker",
        "history",
        "session_date",
        "close",
        "currency",
        "n_quarantined",
        "as_of",
        "flagged",
        "position",
        is_high=is_high,
        episode=is_high.sum().over(by_listing(preceding=None, following=0)),
        simulated=bars.is_simulated.cast("int64"),
    )


def _falls(rows: ir.Table) -> ir.Table:
    """Gather the rows of each episode, and join what the next one says of its end."""
    import ibis

    at_peak = rows.is_high == 1
    every = rows.group_by(_EPISODE).aggregate(
        history=rows.history.max(),
        peak_date=rows.session_date.min(),
        last_date=rows.session_date.max(),
        peak_close=rows.close.max(),
        trough_close=rows.close.min(),
        peak_position=rows.position.min(),
        last_position=rows.position.max(),
        flagged=rows.flagged.sum(),
        flagged_at_peak=(rows.flagged * rows.is_high).sum(),
        quarantined=rows.n_quarantined.sum(),
        quarantined_at_peak=(rows.n_quarantined * rows.is_high).sum(),
        simulated_at_peak=(rows.simulated * rows.is_high).sum(),
        simulated_inside=rows.simulated.max(),
        known_at_peak=at_peak.ifelse(rows.as_of, None).max(),
        known_inside=rows.as_of.max(),
    )
    # Before the depth filter: the episode that ends this one need not be a fall itself.
    following = ibis.window(group_by=("listing_id", "history"), order_by="episode")
    # A high rests on every bar that it is higher than.
    so_far = ibis.window(
        group_by=("listing_id", "history"), order_by="episode", preceding=None, following=0
    )
    listing = ibis.window(group_by="listing_id")
    ended = every.mutate(
        recovery_date=every.peak_date.lead().over(following),
        recovery_position=every.peak_position.lead().over(following),
        flagged_after=every.flagged_at_peak.lead().over(following),
        quarantined_after=every.quarantined_at_peak.lead().over(following),
        simulated_after=every.simulated_at_peak.lead().over(following),
        known_after=every.known_at_peak.lead().over(following),
        simulated=every.simulated_inside.max().over(so_far),
        known=every.known_inside.max().over(so_far),
        last_history=every.history.max().over(listing),
    )
    return _measured(ended.filter(ended.trough_close < ended.peak_close), rows)


def _measured(falls: ir.Table, rows: ir.Table) -> ir.Table:
    """Add what the rows of the peak and of the trough say, and the durations."""
    import ibis

    # An engine's arg_min takes any of equal lows: the first one is looked up.
    ends = rows.inner_join(falls.select(*_EPISODE, low="trough_close"), _EPISODE)
    at_peak, at_low = ends.is_high == 1, ends.close == ends.low
    ends = ends.filter(at_peak | at_low)
    named = ends.group_by(_EPISODE).aggregate(
        ticker=at_peak.ifelse(ends.ticker, None).max(),
        currency=at_peak.ifelse(ends.currency, None).max(),
        trough_date=at_low.ifelse(ends.session_date, None).min(),
        trough_position=at_low.ifelse(ends.position, None).min(),
    )
    falls = looked_up(falls, named, _EPISODE)
    is_over = falls.recovery_date.notnull()
    is_cut = falls.history < falls.last_history
    end = ibis.coalesce(falls.recovery_position, falls.last_position)
    return falls.mutate(
        outcome=is_over.ifelse("recovered", is_cut.ifelse("broken_off", "open")),
        depth=falls.trough_close / falls.peak_close.nullif(0) - 1,
        sessions_to_trough=falls.trough_position - falls.peak_position,
        sessions_to_recover=falls.recovery_position - falls.trough_position,
        sessions_under_water=end - falls.peak_position,
        observed_through=ibis.coalesce(falls.recovery_date, falls.last_date),
        n_flagged=falls.flagged + falls.flagged_after.fill_null(0),
        n_quarantined=falls.quarantined + falls.quarantined_after.fill_null(0),
        has_simulated_inputs=falls.simulated + falls.simulated_after.fill_null(0) > 0,
        known=ibis.greatest(falls.known, ibis.coalesce(falls.known_after, falls.known)),
    )


def _valued(
    falls: ir.Table, instruments: ir.Table, shares_outstanding: ir.Table, fx_rates: ir.Table
) -> ir.Table:
    """Add what the listing is, and the value lost from peak to trough as of the peak."""
    import ibis

    known = instruments.select("listing_id", "sector", "region", usual_currency="currency")
    rows = looked_up(falls, known, "listing_id")
    rows = rows.mutate(
        currency=ibis.coalesce(rows.currency, rows.usual_currency),
        previous_session_date=rows.peak_date,
        session_date=rows.trough_date,
        previous_close=rows.peak_close,
        close=rows.trough_close,
        abnormal_return=ibis.null("float64"),
    )
    valued = with_losses(rows, shares_outstanding, fx_rates)
    return valued.mutate(
        as_of=ibis.greatest(valued.known, ibis.coalesce(valued.rate_as_of, valued.known))
    )


def _carriers(rows: ir.Table, instruments: ir.Table) -> ir.Table:
    """Say which listing of each firm carries its losses, the same one in every episode."""
    worth = rows.group_by("listing_id").aggregate(worth=rows.market_value_usd.max())
    return counted_once(worth, instruments, (), "worth").select("listing_id", "is_counted")
