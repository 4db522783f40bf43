"""Every public function of `selloff` that takes or gives an Ibis table, and how it is asked."""

from __future__ import annotations

import ast
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from selloff import (
    adjustments,
    car_paths,
    contagion_paths,
    contagion_series,
    contagion_summary,
    declared,
    drawdowns,
    event_firms,
    event_sessions,
    event_tests,
    events,
    first_falls,
    fx,
    groups,
    history,
    identity,
    implied_shares,
    issuers,
    losses,
    market_values,
    markets,
    members,
    observations,
    prices,
    proposed_splits,
    records,
    restatements,
    returns,
    risk_measures,
    sector_contagion,
    sector_days,
    session_returns,
    shares,
    sources,
    totals,
    valuation,
)
from selloff.adjustments import split_adjusted
from selloff.detection import Detection
from selloff.returns import MarketModel
from selloff.risk_measures import Windows
from selloff.sector_contagion import Contagion

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL = MarketModel(first=60, last=5, minimum=40)
WINDOWS = Windows(20, 60, minimum_returns=40, minimum_falls=20)
REGIONS = {"US": "SPY"}
LATE = SimpleNamespace(start=date(2025, 6, 2))
SELLOFF = Path(__file__).parents[3] / "selloff"

# Parts of an expression that are asked with the whole, by the whole's name.
INSIDE = {
    "declared.with_declared": "events.event_rows",
    "declared.placed": "events.event_rows",
    "episodes.episodes": "events.event_rows",
    "episodes.numbered": "events.event_rows",
    "drawdowns.late_drawdown_episodes": "drawdowns.drawdown_episodes",
    "event_sessions.event_sessions": "losses.selloff_metrics",
    "event_tests.late_event_study_tests": "event_tests.event_study_tests",
    "history.begun": "history.from_day",
    "history.n_sessions": "prices.daily_prices",
    "history.rows_at": "implied_shares.implied_shares",
    "history.since": "history.from_day",
    "history.until": "history.from_day",
    "history.with_whole": "implied_shares.implied_shares",
    "late_falls.carried_on": "losses.selloff_metrics",
    "late_falls.is_new": "losses.selloff_metrics",
    "losses.by_sessions": "losses.selloff_metrics",
    "losses.late_by_sessions": "losses.selloff_metrics",
    "implied_shares.late_implied_shares": "implied_shares.implied_shares",
    "observations.regions": "event_tests.event_study_tests",
    "origins.with_first": "events.event_rows",
    "origins.with_groups": "events.event_rows",
    "pooled_events.is_unchanged": "event_tests.event_study_tests",
    "pooled_events.pooled": "event_tests.event_study_tests",
    "portfolio_tests.member_series": "sector_contagion.sector_series",
    "proposed_splits.has_unapplied_split": "returns.abnormal_returns",
    "proposed_splits.late_proposed_splits": "proposed_splits.proposed_splits",
    "quality.quality_flags": "prices.daily_prices",
    "recovery.followed": "losses.selloff_metrics",
    "recovery.with_outcomes": "losses.selloff_metrics",
    "returns.log_volume": "returns.abnormal_returns",
    "risk_measures.bars": "risk_measures.risk_measures",
    "sector_contagion.by_sessions": "sector_contagion.sector_contagion",
    "sector_correlations.around_events": "sector_contagion.sector_rows",
    "sector_correlations.correlations": "sector_contagion.sector_rows",
    "sector_days.sector_days": "sector_contagion.sector_rows",
    "sector_days.sector_panel": "sector_contagion.sector_rows",
    "session_sectors.days_and_series": "sector_contagion.sector_rows",
    "session_falls.bars_between": "losses.selloff_metrics",
    "session_falls.with_past_and_future": "losses.selloff_metrics",
    "session_groups.group_sums": "groups.group_days",
    "sources.agree": "sources.reconciled",
    "sources.first_in_priority": "adjustments.splits",
    "sources.newest_of_first": "prices.daily_prices",
    "sources.rank": "adjustments.splits",
    "sources.rounding": "restatements.restatements",
    "events.selloff_events": "events.event_rows",
}

# What is no panel metric and runs where the warehouse is. Claims read the few rows that they need;
# a case of quarantine is named by numbers written as text and joined in an order, and Spark writes
# 1.0E7 and joins in none.
APART = {
    "claim_checks.known.known",
    "claim_checks.verdicts.claim_checks",
    "quarantine.quarantined_bars",
}

_CORE = ("daily_prices", "abnormal_returns", "instruments", "shares_outstanding", "fx_rates")
_EVENT = ("selloff_events", "selloff_metrics", "abnormal_returns", "instruments", "sessions")


def _of(function: Callable[..., Any], *names: str, **options: Any) -> Callable[[Any], Any]:
    return lambda t: function(*(getattr(t, name) for name in names), **options)


def _fallen(t: Any) -> Any:
    """Return bars beside the session and the close before, as losses are counted on them."""
    names = ("previous_session_date", "simple_return", "abnormal_return")
    moves = t.abnormal_returns.select("listing_id", "session_date", *names)
    bars = t.daily_prices.select("listing_id", "session_date", "close", "currency")
    rows = bars.inner_join(moves, ("listing_id", "session_date"))
    return rows.mutate(previous_close=rows.close / (rows.simple_return + 1).nullif(0))


def _late_bars(t: Any) -> Any:
    late = t.price_vintages.filter(t.price_vintages.session_date >= LATE.start)
    names = ("quarantined_bars", "splits", "sessions", "instruments", "daily_prices")
    return prices.late_daily_prices(late, *(getattr(t, name) for name in names), LATE.start)


def _bars_of_sources(t: Any) -> Any:
    newest = sources.newest_of_first(t.price_vintages, ("listing_id", "session_date", "source"))
    return split_adjusted(newest, t.splits)


def _closes(t: Any) -> Any:
    return markets.region_closes(t.instruments, t.sessions)


def _turnover(t: Any) -> Any:
    bars = t.price_vintages
    turnover = (bars.close * bars.volume).mean()
    return issuers.issuers(t.implied_shares, bars.group_by("listing_id").agg(turnover=turnover))


def _group_days(t: Any) -> Any:
    panel = groups.valued_members(
        t.abnormal_returns, t.daily_prices, t.instruments, t.shares_outstanding, t.fx_rates
    )
    return groups.group_days(panel, t.market_returns)


def _counted_once(t: Any) -> Any:
    rows = t.daily_prices.mutate(value=t.daily_prices.close)
    return valuation.counted_once(rows, t.instruments, ("session_date",), "value")


def _first_falls(t: Any) -> Any:
    days = sector_days.sector_days(t.abnormal_returns, t.instruments)
    return first_falls.first_falls(t.selloff_events, days, _closes(t), -1.0)


def _sector_rows(t: Any) -> Any:
    tables = [getattr(t, name) for name in _EVENT]
    days = sector_days.sector_days(t.abnormal_returns, t.instruments)
    return sector_contagion.sector_rows(*tables, days, Contagion(model=MODEL))


def _implied_counts(t: Any) -> Any:
    found = market_values.implied_counts(t.implied_shares, t.splits, t.proposed_splits)
    return market_values.with_implied_counts(t.shares_outstanding, found)


def _symbols(t: Any) -> Any:
    rows = t.daily_prices.mutate(symbol=t.daily_prices.ticker).drop("listing_id")
    return identity.with_listings(rows, t.listing_symbols)


CASES: dict[str, Callable[[Any], Any]] = {
    "adjustments.adjustment_factors": _of(
        adjustments.adjustment_factors, "daily_prices", "splits", "dividends"
    ),
    "adjustments.dividends": _of(adjustments.dividends, "corporate_actions", "splits"),
    "adjustments.missing_ratio": _of(adjustments.missing_ratio, "price_vintages", "splits"),
    "adjustments.split_adjusted": _of(adjustments.split_adjusted, "price_vintages", "splits"),
    "adjustments.splits": _of(adjustments.splits, "corporate_actions"),
    "car_paths.car_paths": _of(car_paths.car_paths, *_EVENT[:-1], model=MODEL),
    "contagion_paths.contagion_paths": _of(
        contagion_paths.contagion_paths,
        *("selloff_events", "daily_prices", "abnormal_returns", "instruments", "sessions"),
        *("shares_outstanding", "fx_rates"),
        estimation=MODEL,
    ),
    "contagion_series.contagion_series": _of(
        contagion_series.contagion_series,
        *("group_returns", "market_returns", "abnormal_returns", "instruments", "sessions"),
        "fx_rates",
    ),
    "contagion_summary.summarized": _of(
        contagion_summary.summarized, "selloff_events", "contagion_measures"
    ),
    "declared.first_sessions_after": lambda t: declared.first_sessions_after(
        t.declared_events.filter(t.declared_events.happened_at.notnull()).drop(
            "region", "session_date"
        ),
        _closes(t),
    ),
    "drawdowns.drawdown_episodes": _of(drawdowns.drawdown_episodes, "daily_prices", *_CORE[2:]),
    "drawdowns.with_highs": _of(drawdowns.with_highs, "daily_prices"),
    "event_firms.event_firms": _of(event_firms.event_firms, *_EVENT),
    "event_sessions.with_horizons": lambda t: event_sessions.with_horizons(
        t.selloff_events, _closes(t)
    ),
    "event_tests.event_study_tests": _of(
        event_tests.event_study_tests,
        *("selloff_events", "abnormal_returns", "daily_prices", "instruments", "sessions"),
    ),
    "events.event_rows": _of(
        events.event_rows,
        *("market_days", "group_returns", "abnormal_returns", "daily_prices", "instruments"),
        *("sessions", "declared_events"),
        chosen=Detection(),
    ),
    "first_falls.first_falls": _first_falls,
    "fx.fx_rates": _of(fx.fx_rates, "raw_fx_rates", "daily_prices", "instruments"),
    "fx.market_rates": _of(fx.market_rates, "daily_prices", "instruments"),
    "groups.group_days": _group_days,
    "groups.valued_members": _of(
        groups.valued_members, "abnormal_returns", "daily_prices", *_CORE[2:]
    ),
    "history.around": _of(history.around, "abnormal_returns", days=LATE),
    "history.behind": _of(history.behind, "daily_prices", "instruments", start=LATE.start, rows=30),
    "history.days_behind": lambda t: history.days_behind(
        t.daily_prices, t.instruments, LATE.start, 30
    )[1],
    "history.from_day": _of(history.from_day, "daily_prices", start=date(2025, 6, 2), rows=30),
    "identity.delistings": _of(
        identity.delistings, "fetches", "price_vintages", "sessions", "instruments"
    ),
    "identity.with_listings": _symbols,
    "implied_shares.implied_shares": _of(
        implied_shares.implied_shares, "price_vintages", "quarantined_bars", "splits"
    ),
    "issuers.issuers": _turnover,
    "losses.selloff_metrics": _of(
        losses.selloff_metrics,
        *("selloff_events", "daily_prices", "abnormal_returns", "instruments", "sessions"),
        *("shares_outstanding", "fx_rates"),
    ),
    "market_values.every_split": _of(market_values.every_split, "splits", "proposed_splits"),
    "market_values.implied_counts": _of(
        market_values.implied_counts, "implied_shares", "splits", "proposed_splits"
    ),
    "market_values.quarantined_market_values": _of(
        market_values.quarantined_market_values, "implied_shares", "splits", "proposed_splits"
    ),
    "market_values.with_implied_counts": _implied_counts,
    "markets.market_levels": _of(
        markets.market_levels,
        *("daily_prices", "instruments", "sessions", "shares_outstanding"),
        markets=REGIONS,
    ),
    "markets.region_closes": _closes,
    "members.members": _of(members.members, "abnormal_returns", "instruments"),
    "observations.dropped_observations": _of(
        observations.dropped_observations,
        *("selloff_events", "abnormal_returns", "daily_prices", "instruments", "sessions"),
    ),
    "prices.daily_prices": _of(
        prices.daily_prices,
        *("price_vintages", "quarantined_bars", "splits", "sessions", "instruments"),
    ),
    "proposed_splits.proposed_splits": _of(
        proposed_splits.proposed_splits,
        *("price_vintages", "quarantined_bars", "splits", "implied_shares"),
    ),
    "proposed_splits.with_unapplied_splits": _of(
        proposed_splits.with_unapplied_splits, "daily_prices", "proposed_splits"
    ),
    "records.losses_by_session": _of(records.losses_by_session, *_CORE),
    "records.market_value_losses": _of(records.market_value_losses, *_CORE),
    "prices.late_daily_prices": _late_bars,
    "restatements.late_restatements": _of(
        restatements.late_restatements, "price_vintages", "splits", "restatements", days=LATE
    ),
    "restatements.restatements": _of(restatements.restatements, "price_vintages", "splits"),
    "returns.abnormal_returns": _of(
        returns.abnormal_returns, "daily_prices", "market_returns", "instruments", model=MODEL
    ),
    "risk_measures.risk_measures": _of(
        risk_measures.risk_measures, "daily_prices", "abnormal_returns", windows=WINDOWS
    ),
    "session_returns.abnormal_returns": _of(
        session_returns.abnormal_returns,
        "daily_prices",
        "market_returns",
        "instruments",
        model=MODEL,
    ),
    "sector_contagion.sector_contagion": _of(
        sector_contagion.sector_contagion,
        *_EVENT,
        "contagion_measures",
        chosen=Contagion(model=MODEL),
    ),
    "sector_contagion.sector_rows": _sector_rows,
    "sector_contagion.sector_series": _of(
        sector_contagion.sector_series,
        *("selloff_events", "abnormal_returns", "instruments"),
        chosen=Contagion(model=MODEL),
    ),
    "shares.shares_outstanding": _of(
        shares.shares_outstanding, "raw_shares_outstanding", "share_classes", "splits"
    ),
    "sources.reconciled": lambda t: sources.reconciled(_bars_of_sources(t)),
    "sources.return_spreads": lambda t: sources.return_spreads(_bars_of_sources(t)),
    "totals.loss_totals": _of(
        totals.loss_totals, "selloff_events", "selloff_metrics", "instruments"
    ),
    "valuation.counted_once": _counted_once,
    "valuation.with_losses": lambda t: valuation.with_losses(
        _fallen(t), t.shares_outstanding, t.fx_rates
    ),
    "valuation.with_shares": lambda t: valuation.with_shares(_fallen(t), t.shares_outstanding),
    "valuation.with_usd_rates": lambda t: valuation.with_usd_rates(_fallen(t), t.fx_rates),
}


def public() -> set[str]:
    """Return the public functions of `selloff` whose signature names an Ibis type."""
    found = set()
    for path in SELLOFF.rglob("*.py"):
        module = ".".join(path.relative_to(SELLOFF).with_suffix("").parts)
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and _names_ibis(node):
                found.add(f"{module}.{node.name}")
    return {name for name in found if "_" not in {part[0] for part in name.split(".")}}


def _names_ibis(function: ast.FunctionDef) -> bool:
    said = [each.annotation for each in function.args.args + function.args.kwonlyargs]
    return any("ir." in ast.unparse(each) for each in [*said, function.returns] if each)
