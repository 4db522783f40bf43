"""Contagion: the series that are compared, and how a sell-off spread between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from resources.engine.groups import in_groups, is_spread
from selloff import contagion_paths as paths
from selloff import contagion_series as series
from selloff import sector_contagion as sectors
from selloff.history import around, begun
from warehouse.tables.connectedness import CONNECTEDNESS, CONNECTEDNESS_LINKS, SYSTEMIC_RISK
from warehouse.tables.contagion import CONTAGION_MEASURES, CONTAGION_SERIES, OMITTED_SERIES
from warehouse.tables.spread import CONTAGION_PATHS, SECTOR_CONTAGION

if TYPE_CHECKING:
    from resources.batch import Days

# Twenty-one sessions after an event that all series of a set have in common: regions of the world
# have two thirds of theirs in common, and a set with a third has them within so many.
REACH = 63
# A path ends with the region's next close after the event's last session.
PATH_REACH = 1


@table_asset(CONTAGION_SERIES)
def contagion_series(
    group_returns: Any,
    market_returns: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    fx_rates: Any,
) -> Any:
    """Line up sectors, industries, sector funds and regions, each with its own sessions."""
    return series.contagion_series(
        group_returns, market_returns, abnormal_returns, instruments, sessions, fx_rates
    )


@table_asset(OMITTED_SERIES)
def omitted_series(contagion_series: Any) -> Any:
    """Say which series were left out of which windows, and why."""
    # Sets are put side by side in pandas, which loading the definitions must not (decision 0006).
    from selloff import omitted_series as omitted

    return omitted.omitted_series(contagion_series.to_pandas())


@table_asset(CONNECTEDNESS)
def connectedness(contagion_series: Any, days: Days) -> Any:
    """Measure how connected every set was in the windows that end on the days asked for."""
    from selloff import connectedness as spilled

    asked = spilled.connectedness, CONNECTEDNESS, days.start, days.end
    return in_groups(contagion_series, "series_set", *asked)


@table_asset(CONNECTEDNESS_LINKS)
def connectedness_links(contagion_series: Any, days: Days) -> Any:
    """Say what every series received from every other in these windows."""
    from selloff import connectedness as spilled

    asked = spilled.connectedness_links, CONNECTEDNESS_LINKS, days.start, days.end
    return in_groups(contagion_series, "series_set", *asked)


@table_asset(SYSTEMIC_RISK)
def systemic_risk(contagion_series: Any, days: Days) -> Any:
    """Measure the tails of every set, and how much of it moves as one, on the days asked for."""
    from selloff import systemic_risk as tails

    asked = tails.systemic_risk, SYSTEMIC_RISK, days.start, days.end
    return in_groups(contagion_series, "series_set", *asked)


@table_asset(CONTAGION_MEASURES, reach=REACH)
def contagion_measures(
    selloff_events: Any,
    selloff_metrics: Any,
    contagion_series: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    days: Days | None,
) -> Any:
    """Compare sectors, industries, funds, regions and firms before and after every event."""
    from selloff import contagion_measures as measures
    from selloff.event_firms import event_firms

    events, moves = begun(selloff_events, days), around(abnormal_returns, days)
    firms = event_firms(events, selloff_metrics, moves, instruments, sessions)
    return in_groups(
        events, "event_id", measures.contagion_measures, CONTAGION_MEASURES, contagion_series, firms
    )


@table_asset(SECTOR_CONTAGION, reach=sectors.Contagion().window_after)
def sector_contagion(
    selloff_events: Any,
    selloff_metrics: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    contagion_measures: Any,
    days: Days | None,
) -> Any:
    """Say who was the source and who was hit, how hard, when first, and how they moved together."""
    moves = around(abnormal_returns, days)
    measured = sectors.sector_contagion if is_spread(moves) else sectors.by_sessions
    return measured(
        begun(selloff_events, days),
        selloff_metrics,
        moves,
        instruments,
        sessions,
        contagion_measures,
    )


@table_asset(CONTAGION_PATHS, reach=PATH_REACH)
def contagion_paths(
    selloff_events: Any,
    daily_prices: Any,
    abnormal_returns: Any,
    instruments: Any,
    sessions: Any,
    shares_outstanding: Any,
    fx_rates: Any,
    days: Days | None,
) -> Any:
    """Follow every event from listing to listing, in the order of their closes in UTC."""
    return paths.contagion_paths(
        begun(selloff_events, days),
        around(daily_prices, days),
        around(abnormal_returns, days),
        instruments,
        sessions,
        shares_outstanding,
        fx_rates,
    )


ASSETS = [
    contagion_series,
    omitted_series,
    connectedness,
    connectedness_links,
    systemic_risk,
    contagion_measures,
    sector_contagion,
    contagion_paths,
]
