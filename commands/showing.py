"""How a sell-off reads in a terminal: who fell, how it spread, what the articles say."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

from commands.terminal import as_table
from pages.figures import billions, number, p_value, percent
from resources.answers import fetch

if TYPE_CHECKING:
    from rich.console import Console

    from resources.answers import Rows

WORST = """
SELECT ticker, name, session_date, simple_return, abnormal_z, market_value_lost_usd,
       rebound_return, days_to_recover_half, days_to_recover, n_flagged
FROM mart.event_losses WHERE event_id = $event AND asset_class = 'equity'
ORDER BY simple_return LIMIT 10
"""
INSTRUMENTS = """
FROM mart.event_losses WHERE event_id = $event ORDER BY simple_return, ticker
"""
SECTORS = """
SELECT sector, role, n_members, mean_abnormal_return, adjusted_p_value,
       abnormal_market_value_lost_usd, hardest_hit_ticker, pair_correlation_before,
       pair_correlation_after
FROM mart.event_contagion WHERE event_id = $event ORDER BY hit_rank, sector
"""
SECTORS_TITLE = (
    "Sectors (correlations with the source: up to 250 sessions before, 21 from the first on)"
)
SPREAD_TITLE = (
    "How it spread (sectors by mean abnormal log return; each equity by its first unusual fall)"
)
FALLS = """
SELECT closed_at, region, list(ticker ORDER BY abnormal_z, ticker) AS tickers
FROM mart.contagion_paths WHERE event_id = $event
GROUP BY ALL ORDER BY closed_at, region LIMIT 6
"""
CLOSER = """
SELECT source_name, target_name, pair_correlation_before, pair_correlation_after,
       pair_correlation_shift, pair_shift_p_value, pair_shift_detectable, has_moved_closer,
       n_after_shift
FROM mart.contagion_pairs
WHERE event_id = $event AND series_set = $region || ' sectors' AND is_origin
  AND pair_correlation_shift IS NOT NULL AND pair_shift_detectable IS NOT NULL
ORDER BY pair_shift_p_value, target_name
"""
# So many names, or pairs, are told of before the rest is only counted.
MOST_NAMES, MOST_PAIRS = 8, 3
ROLES = ("source", "hit", "raised", "spared", "untested")
HEADLINES = """
SELECT test, statistic, p_value, n, mean_abnormal FROM mart.event_study_tests
WHERE event_id = $event AND is_headline AND measure = 'return' AND model = 'market_model'
  AND grouping = 'region' AND group_name = $region AND window_start = 0 AND window_end = 0
ORDER BY test DESC
"""
STORY = """
SELECT n_articles, n_independent_sources, first_mentioned_at, first_source, n_claims, n_supported,
       summary, summary_references
FROM mart.event_stories WHERE event_id = $event
"""
VERDICTS = """
SELECT count(*) FILTER (verdict = 'supported') AS supported,
       count(*) FILTER (verdict = 'supported_other_reading') AS otherwise,
       count(*) FILTER (verdict = 'contradicted') AS contradicted,
       count(*) FILTER (verdict = 'not_verifiable') AS unknown
FROM mart.claim_checks JOIN mart.event_articles USING (article_id) WHERE event_id = $event
"""
TESTS = {"kolari_pynnonen": "Kolari-Pynnönen t", "grank_t": "GRANK-T"}
TICKERS = "SELECT listing_id, ticker FROM core.instruments WHERE listing_id IN ($first, $worst)"
WORST_ID = "worst_listing_id"
NOTE = """
SELECT bool_or(is_simulated) AS simulated, min(session_date) FILTER (NOT is_simulated) AS real_from
FROM core.daily_prices
"""


def show_event(target: Console, con: Any, found: dict[str, Any]) -> None:
    """Print one event: its line, how it spread, the ten worst, the sectors."""
    note = fetch(con, NOTE)[0]
    simulated = (
        f"Closes and volumes from {note['real_from']} on are real; earlier sessions, and with "
        "them z and drawdown, are simulated."
        if note["simulated"]
        else "All prices as delivered."
    )
    breadth = ""
    if found["breadth"] is not None:
        breadth = f", {found['breadth']:.0%} of members at z of -2 or less"
    target.print(
        f"\n[bold]{_title(found)}[/bold]  ({_found_by(found)})\n"
        f"{found['market']} {percent(found['market_return'])}, z {number(found['market_z'])}"
        f"{_rank(found['market_severity'])}{breadth}; origin "
        f"{found['origin_sector'] or 'unknown'}{_rank(found['sector_severity'])}, hardest hit "
        f"{found['hardest_hit_sector'] or 'unknown'}; {_lost(found['market_value_lost_usd'])}\n"
        f"{_where(con, found)}{_tested(con, found)}[dim]{simulated}[/dim]",
        soft_wrap=True,
    )
    if found["status"] == "withdrawn":
        return
    at = {"event": found["event_id"]}
    sectors = fetch(con, SECTORS, at)
    _show_spread(target, con, found, sectors)
    _show_story(target, con, at)
    as_table(
        fetch(con, WORST, at),
        title="Ten worst equities (half and all of the fall regained in so many sessions)",
        target=target,
    )
    if sectors:
        as_table(sectors, title=SECTORS_TITLE, target=target)


def as_record(con: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return one event with all that is shown of it, for other programs."""
    at = {"event": found["event_id"]}
    stories = fetch(con, STORY, at)
    return {
        **found,
        "tests": fetch(con, HEADLINES, {**at, "region": found["region"]}),
        "sectors": fetch(con, SECTORS, at),
        "first_falls": fetch(con, FALLS, at),
        "moved_closer": fetch(con, CLOSER, {**at, "region": found["region"]}),
        "instruments": fetch(con, INSTRUMENTS, at),
        "story": stories[0] if stories else None,
        "verdicts": fetch(con, VERDICTS, at)[0],
    }


def _lost(value: float | None) -> str:
    return "no share count known by then" if value is None else f"{billions(value)} bn USD lost"


def _show_spread(target: Console, con: Any, found: dict[str, Any], sectors: Rows) -> None:
    """Print who was the source, who was hit, who fell at which close, and who moved closer."""
    from rich.markup import escape
    from rich.table import Table

    at = {"event": found["event_id"]}
    falls, pairs = fetch(con, FALLS, at), fetch(con, CLOSER, {**at, "region": found["region"]})
    lines = [*_roles(sectors), *_closes(falls), *_closer(pairs)]
    if not lines:
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for label, text in lines:
        grid.add_row(label, escape(text))
    target.print(
        "How it spread (sectors by mean abnormal log return; each equity by its first unusual fall)"
    )
    target.print(grid)


def _show_story(target: Console, con: Any, at: dict[str, Any]) -> None:
    """Print what articles say of the event, as far as the prices bear it out."""
    from rich.markup import escape

    stories = fetch(con, STORY, at)
    if not stories:
        return
    story, verdicts = stories[0], fetch(con, VERDICTS, at)[0]
    at_first = story["first_mentioned_at"]
    # Midnight stands for a date without a time of day.
    moment = f"{at_first:%Y-%m-%d}" if at_first.time() == time.min else f"{at_first} UTC"
    first = f"{escape(story['first_source'])}, {moment}"
    target.print(
        f"What the articles say ({story['n_articles']} articles, "
        f"{story['n_independent_sources']} independent sources; first {first}; "
        f"{sum(verdicts.values())} claims: {_counted(verdicts)})",
        soft_wrap=True,
    )
    for text in (story["summary"], story["summary_references"]):
        if text:
            target.print(escape(text), soft_wrap=True)


def _counted(verdicts: dict[str, int]) -> str:
    """Return how many claims have which verdict, without those that none has."""
    words = {
        "supported": "supported",
        "otherwise": "supported under another reading",
        "contradicted": "contradicted",
        "unknown": "not verifiable",
    }
    said = (f"{verdicts[name]} {word}" for name, word in words.items() if verdicts[name])
    return ", ".join(said) or "none"


def _roles(sectors: Rows) -> list[tuple[str, str]]:
    """Return the sectors by what they were to the sell-off, each role a line."""
    by_role = {role: [row for row in sectors if row["role"] == role] for role in ROLES}
    return [
        (role, ", ".join(_sector(row) for row in rows)) for role, rows in by_role.items() if rows
    ]


def _sector(row: dict[str, Any]) -> str:
    """Return a sector and how far it moved; of the source also what it lost."""
    mean = row["mean_abnormal_return"]
    moved = "" if mean is None else f" {mean:+.3f}"
    lost = row["abnormal_market_value_lost_usd"]
    if row["role"] != "source" or lost is None:
        return f"{row['sector']}{moved}"
    return f"{row['sector']}{moved}, {billions(lost)} bn USD lost beyond the market"


def _closes(falls: Rows) -> list[tuple[str, str]]:
    """Return who fell first at which close, region by region, the most unusual falls first."""
    return [
        (f"{row['closed_at']:%m-%d %H:%M} UTC", f"{row['region'] or '?'}: {_named_some(row)}")
        for row in falls
    ]


def _named_some(row: dict[str, Any]) -> str:
    """Return the first tickers of a close, and how many there are beside."""
    tickers = row["tickers"]
    more = len(tickers) - MOST_NAMES
    return ", ".join(tickers[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _closer(pairs: Rows) -> list[tuple[str, str]]:
    """Return which sectors moved closer than variance explains, or what would pass unseen."""
    if not pairs:
        return []
    found = [("closer", _moved(row)) for row in pairs if row["has_moved_closer"]]
    if found:
        return found[:MOST_PAIRS]
    least = [row["pair_shift_detectable"] for row in pairs]
    none = (
        f"none beyond what variance explains ({pairs[0]['n_after_shift']} sessions; rises below "
        f"{min(least):.2f} to {max(least):.2f}, by sector, can pass unseen)"
    )
    return [("closer", none)]


def _moved(row: dict[str, Any]) -> str:
    """Return how far a sector moved closer to another."""
    return (
        f"{row['target_name']} to {row['source_name']}: correlation "
        f"{row['pair_correlation_before']:.2f} to {row['pair_correlation_after']:.2f}, "
        f"{row['pair_correlation_shift']:+.2f} beyond what variance explains "
        f"(p {p_value(row['pair_shift_p_value'])})"
    )


def _title(found: dict[str, Any]) -> str:
    """Return when, how far, where, and under which name the event is known."""
    last = "" if found["n_sessions"] == 1 else f" to {found['last_session_date']}"
    name = f": {found['event_name']}" if found["event_name"] else ""
    scope = found["scope"].replace("_", "-")
    return f"{found['session_date']}{last}  {scope} sell-off in {found['region']}{name}"


def _found_by(found: dict[str, Any]) -> str:
    """Return the event's status, and the rules that found it."""
    also = " and declared" if found["declared_id"] and found["status"] == "detected" else ""
    rules = f" by {found['detected_by'].replace(' ', ', ')}" if found["detected_by"] else ""
    multiple = found["threshold_multiple"]
    times = "" if multiple is None else f", {multiple:.2f} times the threshold"
    return f"{found['status']}{also}{rules}{times}"


def _rank(severity: float | None) -> str:
    """Return which share of its own days so far was no worse."""
    return "" if severity is None else f" (severity {severity:.0%})"


def _where(con: Any, found: dict[str, Any]) -> str:
    """Return where it showed first and which listing lost most, one line if either is known."""
    rows = fetch(con, TICKERS, {"first": found["first_listing_id"], "worst": found[WORST_ID]})
    tickers = {row["listing_id"]: row["ticker"] for row in rows}
    parts = []
    if first := tickers.get(found["first_listing_id"]):
        parts.append(f"first {first} in {found['first_region']}, {found['first_fell_at']} UTC")
    if worst := tickers.get(found[WORST_ID]):
        parts.append(f"largest abnormal loss {worst}")
    return "; ".join(parts) + "\n" if parts else ""


def _tested(con: Any, found: dict[str, Any]) -> str:
    """Return what the headline tests say of the members' first session, one line if they ran."""
    rows = fetch(con, HEADLINES, {"event": found["event_id"], "region": found["region"]})
    if not rows:
        return ""
    said = (
        f"{TESTS[row['test']]} {row['statistic']:.2f} (p {row['p_value']:.3f})"
        for row in rows
        if row["statistic"] is not None
    )
    mean = f"{rows[0]['mean_abnormal']:+.4f}"
    return f"mean abnormal log return of {rows[0]['n']} members {mean}: {', '.join(said)}\n"
