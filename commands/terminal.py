"""How findings look in a terminal: the only place where figures are formatted."""

from __future__ import annotations

import csv
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from pages.figures import billions, number, p_value, percent, share
from resources.answers import Rows, fetch
from resources.exports.formulas import starts_formula

if TYPE_CHECKING:
    from rich.console import Console

FAILED_CHECKS = """
SELECT table_name, check_name, severity, n_violations, sample_keys FROM meta.dq_results
WHERE NOT is_passed AND run_id = (SELECT arg_max(run_id, checked_at) FROM meta.dq_results)
ORDER BY severity, table_name, check_name
"""


def _sessions(value: int | None) -> str:
    return "open" if value is None else str(value)


FORMS = {
    "simple_return": ("return", percent),
    "market_return": ("market", percent),
    "market_severity": ("share no worse", share),
    "rebound_return": ("next day", percent),
    "mean_abnormal_return": ("mean abnormal, log", lambda v: "" if v is None else f"{v:+.4f}"),
    "market_value_lost_usd": ("lost, bn USD", billions),
    "abnormal_market_value_lost_usd": ("abn. lost, bn USD", billions),
    "abnormal_z": ("z", number),
    "adjusted_p_value": ("p", lambda v: "" if v is None else p_value(v)),
    "hardest_hit_ticker": ("hardest hit", lambda v: v or ""),
    "pair_correlation_before": ("corr. before", number),
    "pair_correlation_after": ("corr. after", number),
    "days_to_recover_half": ("half in", _sessions),
    "days_to_recover": ("all in", _sessions),
    "n_members": ("members", str),
    "n_flagged": ("flagged", str),
}


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


def as_csv(rows: list[dict[str, Any]]) -> None:
    """Write CSV; text that a spreadsheet would take for a formula is quoted."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    names = rows.names if isinstance(rows, Rows) else rows[0] if rows else ()
    writer.writerow(map(_harmless, names))
    for row in rows:
        writer.writerow(_harmless(value) for value in row.values())


def _harmless(value: Any) -> Any:
    """Return a value that no spreadsheet runs: text like a formula gets a quote before it."""
    return f"'{value}" if isinstance(value, str) and starts_formula(value) else value


def as_json(rows: list[dict[str, Any]]) -> None:
    """Write JSON: a list of objects, dates and instants in ISO 8601."""
    text = json.dumps(_finite(rows), default=_json_value, indent=2, ensure_ascii=False)
    sys.stdout.write(text + "\n")


def _finite(value: Any) -> Any:
    """Return a value with null for what is no number, at any depth."""
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _json_value(value: Any) -> Any:
    """Return what JSON has no type for: instants and dates in ISO 8601, decimals as numbers."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else str(value)


def console(*, stderr: bool = False) -> Console:
    """Return the terminal to print on; a pipe gets lines wide enough for the tables."""
    from rich.console import Console

    wide = None if sys.stdout.isatty() else 140
    return Console(stderr=stderr, width=wide)
