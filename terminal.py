"""How findings look in a terminal: the only place where figures are formatted."""

from __future__ import annotations

import csv
import json
import sys
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WORST = """
SELECT ticker, name, session_date, simple_return, abnormal_z, market_value_lost_usd,
       rebound_return, days_to_recover_half, days_to_recover, n_flagged
FROM mart.event_losses WHERE event_id = $event AND asset_class = 'equity'
ORDER BY simple_return LIMIT 10
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
TESTS = {"kolari_pynnonen": "Kolari-Pynnönen t", "grank_t": "GRANK-T"}
TICKERS = "SELECT listing_id, ticker FROM core.instruments WHERE listing_id IN ($first, $worst)"
WORST_ID = "worst_listing_id"
NOTE = """
SELECT bool_or(is_simulated) AS simulated, min(session_date) FILTER (NOT is_simulated) AS real_from
FROM core.daily_prices
"""
FAILED_CHECKS = """
SELECT table_name, check_name, severity, n_violations, sample_keys FROM meta.dq_results
WHERE NOT is_passed AND run_id = (SELECT arg_max(run_id, checked_at) FROM meta.dq_results)
ORDER BY severity, table_name, check_name
"""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:+.2%}"


def _billions(value: float | None) -> str:
    return "" if value is None else f"{value / 1e9:,.1f}"


def _lost(value: float | None) -> str:
    return "no share count known by then" if value is None else f"{_billions(value)} bn USD lost"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _p_value(value: float) -> str:
    shown = f"{value:.3f}"
    return "<0.001" if shown == "0.000" else shown


def _sessions(value: int | None) -> str:
    return "open" if value is None else str(value)


FORMS = {
    "simple_return": ("return", _percent),
    "rebound_return": ("next day", _percent),
    "mean_abnormal_return": ("mean abnormal, log", lambda v: "" if v is None else f"{v:+.4f}"),
    "market_value_lost_usd": ("lost, bn USD", _billions),
    "abnormal_market_value_lost_usd": ("abn. lost, bn USD", _billions),
    "abnormal_z": ("z", _number),
    "adjusted_p_value": ("p", lambda v: "" if v is None else _p_value(v)),
    "hardest_hit_ticker": ("hardest hit", lambda v: v or ""),
    "pair_correlation_before": ("corr. before", _number),
    "pair_correlation_after": ("corr. after", _number),
    "days_to_recover_half": ("half in", _sessions),
    "days_to_recover": ("all in", _sessions),
    "n_members": ("members", str),
    "n_flagged": ("flagged", str),
}


def show_event(target: Console, con: Any, found: dict[str, Any]) -> None:
    """Print one event: its line, how it spread, the ten worst, the sectors."""
    note = fetch(con, NOTE)[0]
    simulated = (
        f"Closes and volumes from {note['real_from']} on are real; earlier sessions, and with "
        "them z and drawdown, are simulated."
        if note["simulated"]
        else "All prices as delivered."
    )
    breadth = "" if found["breadth"] is None else f", {found['breadth']:.0%} of members falling"
    target.print(
        f"\n[bold]{_title(found)}[/bold]  ({_found_by(found)})\n"
        f"{found['market']} {_percent(found['market_return'])}, z {_number(found['market_z'])}"
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
    as_table(
        fetch(con, WORST, at),
        title="Ten worst equities (half and all of the fall regained in so many sessions)",
        target=target,
    )
    if sectors:
        as_table(sectors, title=SECTORS_TITLE, target=target)


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
    target.print("How it spread (sectors by mean abnormal log return; first falls by their close)")
    target.print(grid)


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
    return f"{row['sector']}{moved}, {_billions(lost)} bn USD lost beyond the market"


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
        f"(p {_p_value(row['pair_shift_p_value'])})"
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


def _named(sample_keys: str | None) -> str:
    """Return the first failing rows by the values that name them."""
    found = json.loads(sample_keys or "[]")
    return ", ".join(" ".join(str(value) for value in list(row.values())[:2]) for row in found[:3])


def show_failed_checks(target: Console, con: Any) -> None:
    """Print the checks of the last run that did not pass, with what they found first."""
    rows = fetch(con, FAILED_CHECKS)
    for row in rows:
        row["sample_keys"] = _named(row["sample_keys"])
    as_table(rows, title="Checks that failed (warnings keep the data, flagged)", target=target)


def as_table(
    rows: list[dict[str, Any]], title: str | None = None, target: Console | None = None
) -> None:
    """Print rows as a table; figures right-aligned and, where we know them, formatted."""
    from rich.markup import escape
    from rich.table import Table

    grid = Table(title=title, title_justify="left", header_style="bold")
    for name, value in (rows[0] if rows else {"no rows": ""}).items():
        right = name in FORMS or isinstance(value, (int, float))
        label = FORMS[name][0] if name in FORMS and title else name
        grid.add_column(label, justify="right" if right else "left", no_wrap=bool(title))
    for row in rows:
        grid.add_row(
            *(
                FORMS[name][1](value) if name in FORMS and title else escape(_plain(value))
                for name, value in row.items()
            )
        )
    (target or console()).print(grid)


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def as_csv(rows: Rows) -> None:
    """Write CSV; text that a spreadsheet would take for a formula is quoted."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.names)
    for row in rows:
        writer.writerow(
            f"'{value}" if isinstance(value, str) and value[:1] in "=+-@" and value else value
            for value in row.values()
        )


def as_json(rows: list[dict[str, Any]]) -> None:
    """Write JSON: a list of objects, dates and instants in ISO 8601."""
    finite = [
        {name: None if isinstance(v, float) and not isfinite(v) else v for name, v in row.items()}
        for row in rows
    ]
    sys.stdout.write(json.dumps(finite, default=_json_value, indent=2, ensure_ascii=False) + "\n")


def _json_value(value: Any) -> Any:
    """Return what JSON has no type for: instants and dates in ISO 8601, decimals as numbers."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)


class Rows(list[dict[str, Any]]):
    """Rows by column name; `names` stand also where there is no row."""

    names: tuple[str, ...] = ()


def fetch(con: Any, query: str, values: dict[str, Any] | None = None) -> Rows:
    """Run a query and return its rows by column name."""
    answer = con.cursor().execute(query, values or {})
    names = _distinct([column[0] for column in answer.description or ()])
    found = Rows(dict(zip(names, row, strict=True)) for row in answer.fetchall())
    found.names = names
    return found


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Return the names, numbered where they stand twice, as a join's columns do."""
    seen: Counter[str] = Counter()
    found: list[str] = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return tuple(found)


def console(*, stderr: bool = False) -> Console:
    """Return the terminal to print on; a pipe gets lines wide enough for the tables."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 140
    return Console(stderr=stderr, width=wide)
