"""Sell-offs found in the data: which sessions, where they came from, who was hit hardest."""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selloff._ibis import fetched, looked_up
from selloff.markets import BORROWED, region_closes
from selloff.members import members
from selloff.valuation import counted_once, with_losses

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

# A sector of one listing is that listing's news; two make a sector's mean.
MINIMUM_SECTOR = 2

_COLUMNS = (
    "event_id",
    "session_date",
    "last_session_date",
    "started_at",
    "scope",
    "region",
    "origin_sector",
    "hardest_hit_sector",
    "market",
    "market_return",
    "market_z",
    "breadth",
    "n_falling",
    "n_listings",
    "market_value_lost_usd",
    "severity",
    "status",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "as_of",
)
_SESSION = ("region", "session_date")


@dataclass(frozen=True, slots=True)
class Detection:
    """When a session is a sell-off: the market fell this far, or this many listings did.

    Parameters
    ----------
    market_z : float
        The market's log return over yesterday's sigma, at or below which it is one.
    breadth : float
        Share of the region's equities with an abnormal z that must be falling (fraction).
    min_falling : int
        Number of them that must be falling, whatever their share.
    listing_z : float
        Abnormal z at or below which a listing is falling.
    """

    market_z: float = -2.5
    breadth: float = 0.15
    min_falling: int = 5
    listing_z: float = -2.0

    def __post_init__(self) -> None:
        if not (self.market_z < 0 < self.breadth <= 1 and self.listing_z < 0):
            raise ValueError(f"thresholds: z must be negative, breadth in (0, 1]: {self}")


def selloff_events(  # noqa: PLR0913, PLR0917 - seven tables, the table before, the thresholds
    abnormal_returns: ir.Table,
    market_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    sessions: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
    previous: pd.DataFrame,
    thresholds: Detection | None = None,
) -> pd.DataFrame:
    """Return the sell-offs of every region: neighbouring detected sessions are one event.

    A session is detected where the region's own market fell beyond `Detection.market_z`, or where
    enough of the region's equities fell abnormally; never on simulated bars.

    Parameters
    ----------
    abnormal_returns, market_returns, daily_prices, instruments, sessions, shares_outstanding, \
    fx_rates : ibis Table
        Columns of the core tables of these names.
    previous : DataFrame
        ``mart.selloff_events`` as it stood; may be empty. An event keeps the identity it has there
        as long as region and first session agree; one that is no longer found stays with status
        ``withdrawn``.
    thresholds : Detection, optional
        What counts; the defaults of `Detection` without it.

    Returns
    -------
    DataFrame
        Columns of ``mart.selloff_events`` in order of session and region; NaN and None are NULL.
        Figures are those of the first session, `severity` the worst of all. Losses are USD,
        positive when value was lost, each firm counted once; no sector that gained is an
        `origin_sector`.
    """
    chosen = thresholds or Detection()
    found = episodes(region_sessions(abnormal_returns, market_returns, instruments, chosen))
    struck = _struck(
        found, abnormal_returns, daily_prices, instruments, shares_outstanding, fx_rates
    )
    table = _with_sectors(_with_start(found, instruments, sessions), struck)
    return remembered(_named(fetched(table)), previous)


def region_sessions(
    abnormal_returns: ir.Table, market_returns: ir.Table, instruments: ir.Table, chosen: Detection
) -> ir.Table:
    """Return every session of every region's market with what detection asks of it.

    Parameters
    ----------
    abnormal_returns, market_returns, instruments : ibis Table
        Columns of the core tables of these names.
    chosen : Detection
        What counts as falling.

    Returns
    -------
    ibis Table
        The columns of ``core.market_returns`` and `position` (of the session in its region),
        `n_listings`, `n_falling`, `breadth` (fraction, NULL without listings), `severity` (the
        larger multiple of the two thresholds reached, 0 where neither is measured),
        `fell_by_market`, `is_detected`. Nothing from after a session enters its row. A market
        borrowed from another region does not make a session here: its fall is known there already.
    """
    import ibis

    equities = members(abnormal_returns, instruments)
    is_falling = equities.abnormal_z <= chosen.listing_z
    counts = equities.group_by(_SESSION).aggregate(
        n_listings=equities.abnormal_z.count(),
        n_falling=is_falling.ifelse(1, 0).sum(),
        n_simulated=equities.is_simulated.cast("int64").sum(),
        n_simulated_inputs=equities.has_simulated_inputs.cast("int64").sum(),
        equities_as_of=equities.as_of.max(),
    )
    rows = looked_up(market_returns, counts, _SESSION)
    region = ibis.window(group_by="region", order_by="session_date")
    rows = rows.mutate(
        position=ibis.row_number().over(region),
        previous_date=rows.session_date.lag().over(region),
        n_listings=rows.n_listings.fill_null(0),
        n_falling=rows.n_falling.fill_null(0),
        is_real=~rows.is_simulated & (rows.n_simulated.fill_null(0) == 0),
        has_simulated_inputs=rows.has_simulated_inputs | (rows.n_simulated_inputs.fill_null(0) > 0),
        as_of=ibis.greatest(rows.as_of, ibis.coalesce(rows.equities_as_of, rows.as_of)),
    )
    rows = rows.mutate(
        breadth=rows.n_falling.cast("float64") / rows.n_listings.cast("float64").nullif(0),
        own_z=rows.market.endswith(BORROWED).ifelse(None, rows.market_z),
    )
    enough = (rows.n_falling >= chosen.min_falling).ifelse(rows.breadth, None)
    is_broad = (enough >= chosen.breadth).ifelse(1, 0) == 1
    fell = (rows.own_z <= chosen.market_z).ifelse(1, 0) == 1
    return rows.mutate(
        fell_by_market=fell,
        is_detected=rows.is_real & (fell | is_broad),
        severity=ibis.greatest(
            (rows.own_z / chosen.market_z).fill_null(0.0),
            (enough / chosen.breadth).fill_null(0.0),
        ),
    )


def episodes(rows: ir.Table) -> ir.Table:
    """Join neighbouring detected sessions of a region; figures are those of the first.

    Parameters
    ----------
    rows : ibis Table
        As `region_sessions` gives them.

    Returns
    -------
    ibis Table
        One row per episode: the first session's columns, `last_session_date`, and `severity`,
        `has_simulated_inputs` and `as_of` over all its sessions.
    """
    import ibis

    region = ibis.window(group_by="region", order_by="session_date")
    until = ibis.window(group_by="region", order_by="session_date", preceding=None, following=0)
    hit = rows.filter(rows.is_detected)
    before = hit.position.lag().over(region)
    hit = hit.mutate(is_first=(before == hit.position - 1).ifelse(0, 1))
    hit = hit.mutate(episode=hit.is_first.sum().over(until))
    spans = hit.group_by("region", "episode").aggregate(
        last_session_date=hit.session_date.max(),
        worst=hit.severity.max(),
        n_simulated_sessions=hit.has_simulated_inputs.cast("int64").sum(),
        newest=hit.as_of.max(),
    )
    first = hit.filter(hit.is_first == 1).inner_join(spans, ("region", "episode"))
    return first.mutate(
        severity=lambda t: t.worst,
        has_simulated_inputs=lambda t: t.n_simulated_sessions > 0,
        as_of=lambda t: t.newest,
    )


def _with_start(found: ir.Table, instruments: ir.Table, sessions: ir.Table) -> ir.Table:
    """Add `started_at`: the close, before the first session, of the exchange that counts."""
    import ibis

    asked = found.select("market", *_SESSION)
    places = instruments.select("exchange_mic", market="ticker")
    closes = sessions.select("exchange_mic", "closes_at", close_date="session_date")
    quoted = asked.inner_join(places, "market").inner_join(closes, "exchange_mic")
    quoted = quoted.filter(quoted.close_date < quoted.session_date)
    of_market = quoted.group_by(_SESSION).aggregate(market_closed_at=quoted.closes_at.max())
    nearby = region_closes(instruments, sessions).select(
        "region", "first_close", close_date="session_date"
    )
    regional = asked.inner_join(nearby, "region")
    regional = regional.filter(regional.close_date < regional.session_date)
    of_region = regional.group_by(_SESSION).aggregate(region_closed_at=regional.first_close.max())
    rows = looked_up(looked_up(found, of_market, _SESSION), of_region, _SESSION)
    # Without any calendar all that is known is that the day of the last session was over.
    return rows.mutate(
        started_at=ibis.coalesce(
            rows.market_closed_at,
            rows.region_closed_at,
            (rows.previous_date + ibis.interval(days=1)).cast("timestamp"),
            rows.session_date.cast("timestamp"),
        )
    )


def _struck(
    found: ir.Table,
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return the region's members in each first session, with losses and doubtful bars."""
    import ibis

    flagged = (daily_prices.quality_flags != "").cast("int64")
    bars = daily_prices.select(
        "listing_id",
        "session_date",
        "close",
        "currency",
        own_flagged=flagged,
        own_quarantined="n_quarantined",
    )
    before = daily_prices.select(
        "listing_id",
        previous_session_date="session_date",
        previous_close="close",
        previous_flagged=flagged,
        previous_quarantined="n_quarantined",
    )
    rows = members(abnormal_returns, instruments).semi_join(found, _SESSION)
    rows = rows.inner_join(bars, ("listing_id", "session_date"))
    rows = looked_up(rows, before, ("listing_id", "previous_session_date"))
    rows = rows.mutate(
        currency=ibis.coalesce(rows.currency, rows.usual_currency),
        bars_flagged=rows.own_flagged + rows.previous_flagged.fill_null(0),
        bars_quarantined=rows.own_quarantined + rows.previous_quarantined.fill_null(0),
    )
    valued = with_losses(rows, shares_outstanding, fx_rates)
    return counted_once(valued, instruments, _SESSION, "market_value_usd")


def _with_sectors(found: ir.Table, struck: ir.Table) -> ir.Table:
    """Add the loss of the region, the sector it came from and the sector it hit hardest."""
    import ibis

    totals = struck.group_by(_SESSION).aggregate(
        market_value_lost_usd=struck.market_value_lost_usd.sum(where=struck.is_counted),
        flagged=struck.bars_flagged.sum(),
        quarantined=struck.bars_quarantined.sum(),
    )
    placed = struck.filter(struck.sector.notnull())
    sectors = placed.group_by(*_SESSION, "sector").aggregate(
        lost=placed.abnormal_market_value_lost_usd.sum(where=placed.is_counted),
        mean_abnormal=placed.abnormal_return.mean(),
        n_members=placed.abnormal_return.count(),
    )
    lonely = (sectors.n_members >= MINIMUM_SECTOR).ifelse(0, 1)
    losing = sectors.filter(sectors.lost > 0)
    origin = losing.mutate(
        rank=ibis.row_number().over(group_by=_SESSION, order_by=(losing.lost.desc(), "sector"))
    )
    origin = origin.filter(origin.rank == 0).select(*_SESSION, origin_sector="sector")
    falling = sectors.mutate(lonely=lonely).filter(sectors.mean_abnormal.notnull())
    hardest = falling.mutate(
        rank=ibis.row_number().over(
            group_by=_SESSION, order_by=("lonely", "mean_abnormal", "sector")
        )
    )
    hardest = hardest.filter(hardest.rank == 0).select(*_SESSION, hardest_hit_sector="sector")
    rows = found
    for part in (totals, origin, hardest):
        rows = looked_up(rows, part, _SESSION)
    return rows.mutate(
        n_flagged=rows.flagged.fill_null(0), n_quarantined=rows.quarantined.fill_null(0)
    )


def _named(rows: pd.DataFrame) -> pd.DataFrame:
    """Give each episode its scope, its identity and its status."""
    scope = rows["fell_by_market"].map({True: "market", False: "sector"})
    origins = rows["origin_sector"].fillna("unknown").map(_slug)
    days = rows["session_date"].astype(str).str[:10]
    event_id = scope + "-" + rows["region"].map(_slug) + "-" + origins + "-" + days
    return rows.assign(event_id=event_id, scope=scope, status="detected")[list(_COLUMNS)]


def _slug(name: str) -> str:
    """Write a name in lower case with hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def remembered(found: pd.DataFrame, previous: pd.DataFrame) -> pd.DataFrame:
    """Keep the identity of events already known, and those that are no longer found.

    Parameters
    ----------
    found, previous : DataFrame
        Columns of ``mart.selloff_events``: what the data show now, and what the table held.

    Returns
    -------
    DataFrame
        The events found, each with the `event_id` that its region and first session had before,
        and behind them the vanished ones with status ``withdrawn``; by session and region.
    """
    import pandas as pd

    if previous.empty:
        return found.sort_values(["session_date", "region"], ignore_index=True)
    known = {
        (region, pd.Timestamp(day)): event_id
        for region, day, event_id in zip(
            previous["region"], previous["session_date"], previous["event_id"], strict=True
        )
    }
    keys = zip(found["region"], found["session_date"], found["event_id"], strict=True)
    names = [known.get((region, pd.Timestamp(day)), own) for region, day, own in keys]
    kept = found.assign(event_id=names)
    gone = previous[~previous["event_id"].isin(names)].assign(status="withdrawn")
    if kept.empty:
        both = gone[list(_COLUMNS)]
    else:
        both = pd.concat([kept, gone[list(_COLUMNS)].astype(kept.dtypes.to_dict())])
    return both.sort_values(["session_date", "region", "status"], ignore_index=True)
