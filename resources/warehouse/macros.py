"""SQL of the price relations as they were known at an instant, made from the mathematics itself.

Run it as ``python -m resources.warehouse.macros``, or with ``--check`` to compare only. The same
expressions fill the tables, so that a table and its `_as_of` form cannot drift apart.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING, Any

from warehouse import views
from warehouse.tables import TABLES
from warehouse.tables import table as contract_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

COMMAND = "python -m resources.warehouse.macros"
# What was known at `ts` of each raw table. A refused row is overwritten where it is seen again or
# resolved: before that it stood as first seen.
_KNOWN = {
    "raw.price_vintages": "SELECT * FROM raw.price_vintages WHERE known_from <= ts::TIMESTAMP",
    "raw.corporate_actions": (
        "SELECT * FROM raw.corporate_actions WHERE known_from <= ts::TIMESTAMP"
    ),
    "raw.quarantine": (
        "SELECT * REPLACE (\n"
        "  CASE WHEN last_seen_at <= ts::TIMESTAMP THEN last_seen_at ELSE first_seen_at END\n"
        "    AS last_seen_at,\n"
        "  CASE WHEN resolved_at <= ts::TIMESTAMP THEN resolved_at END AS resolved_at\n"
        ") FROM raw.quarantine WHERE first_seen_at <= ts::TIMESTAMP"
    ),
    "raw.quarantine_decisions": (
        "SELECT * FROM raw.quarantine_decisions WHERE decided_at <= ts::TIMESTAMP"
    ),
}
_CONTRACTS = {table.qualified for table in TABLES}
_TYPES = {
    "BIGINT": "int64",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "DOUBLE": "float64",
    "TIMESTAMP": "timestamp(6)",
    "VARCHAR": "string",
}
# Ibis writes out all that `strip` strips; a file of text holds no control characters.
_WHITE_SPACE = "' \t\n\r\x0b\x0c'"
_DOCS = {
    "core.splits_as_of": "The splits of core.splits as they were known at ts (UTC).",
    "core.dividends_as_of": "The distributions of core.dividends as they were known at ts (UTC).",
    "core.daily_prices_as_of": (
        "The bars of core.daily_prices as they were known at ts (UTC): from the vintages, actions, "
        "refusals and decisions up to then, on today's calendars and register of instruments."
    ),
    "core.adjustment_factors": (
        "What turns each bar into one as traded (close x split_ratio_after) and into one of a "
        "total return (close x dividend_factor, or close as traded x total_return_factor).\n"
        "@dividend_factor: Product over the later dividends of 1 - amount / close before; makes a "
        "bar one of a total return. [factor]\n"
        "@total_return_factor: The same for a bar as traded: less the later splits. [factor]\n"
        "@vendor_factor: adj_close / close as the vendor delivered them. [factor]"
    ),
}


def files() -> dict[str, str]:
    """Return the text of every generated file, by the name of its relation."""
    from selloff import (
        adjustments,
        implied_shares,
        proposed_splits,
        quarantine,
        restatements,
    )

    # Each relation: the function, and what it is computed from, those before it among them.
    actions = ("raw.corporate_actions",)
    splits = _steps({}, "core.splits", adjustments.splits, actions)
    dividends = _steps(splits, "core.dividends", adjustments.dividends, (*actions, "core.splits"))
    vintages = ("raw.price_vintages", "core.splits")
    daily = _steps(splits, "core.restatements", restatements.restatements, vintages)
    refused = ("core.restatements", "raw.quarantine", "raw.quarantine_decisions")
    daily = _steps(
        daily, "core.quarantined_bars", quarantine.quarantined_bars, (*vintages, *refused)
    )
    bars = ("raw.price_vintages", "core.quarantined_bars", "core.splits")
    calendar = ("core.sessions", "core.instruments")
    daily = _steps(daily, "core.implied_shares", implied_shares.implied_shares, bars)
    runs = (*bars, "core.implied_shares")
    daily = _steps(daily, "core.proposed_splits", proposed_splits.proposed_splits, runs)
    told = (*bars, *calendar, "core.proposed_splits")
    daily = _steps(daily, "core.daily_prices", _flagged, told)
    current = ("core.daily_prices", "core.splits", "core.dividends")
    factors = _steps({}, "core.adjustment_factors", adjustments.adjustment_factors, current)
    found = {
        "core.splits_as_of": splits,
        "core.dividends_as_of": dividends,
        "core.daily_prices_as_of": daily,
        "core.adjustment_factors": factors,
    }
    return {name: _file(name, steps) for name, steps in found.items()}


def _flagged(*inputs: Any) -> Any:
    """Return what the asset of the daily prices computes, all of it."""
    from selloff import prices, proposed_splits

    *others, proposed = inputs
    return proposed_splits.with_unapplied_splits(prices.daily_prices(*others), proposed)


def path_of(name: str) -> Path:
    """Return the file that holds a relation."""
    return views.HERE / f"{name}.sql"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files, or with ``--check`` say which are not what would be written."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args(arguments).check
    stale = {
        path_of(name): text
        for name, text in files().items()
        if not path_of(name).exists() or path_of(name).read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if check:
            print(f"{path.name} is out of date: run `{COMMAND}`")  # noqa: T201 - a command prints
        else:
            path.write_text(text, encoding="utf-8")
    return 1 if check and stale else 0


def _steps(
    before: dict[str, str], name: str, function: Callable[..., Any], inputs: Sequence[str]
) -> dict[str, str]:
    """Return the SQL of every step up to `name`, which is computed from the inputs, in order."""
    import ibis

    known = {each: _source(each) for each in inputs if each not in before}
    expression = function(*(_unbound(each) for each in inputs))
    sql = str(ibis.to_sql(expression, dialect="duckdb", pretty=False))
    sql = sql.replace(_WHITE_SPACE, "' '")
    # A step to a line, so that a change of the mathematics shows where it is.
    return {**before, **known, name: re.sub(r'\), ("t\d+" AS \()', r"),\n\1", sql)}


def _source(name: str) -> str:
    return _KNOWN.get(name, f"SELECT * FROM {name}")


def _unbound(name: str) -> Any:
    """Return a table that exists by name and contract only."""
    import ibis

    columns = contract_of(name).columns
    return ibis.table({each.name: _TYPES[each.type] for each in columns}, name=_alias(name))


def _alias(name: str) -> str:
    return "known_" + name.replace(".", "_")


def _file(name: str, steps: dict[str, str]) -> str:
    """Return what the relation shows, and its steps as common table expressions."""
    parts = [f"{_alias(step)} AS (\n{sql}\n)" for step, sql in steps.items()]
    doc = "\n".join(
        textwrap.fill(line, 97, initial_indent="-- ", subsequent_indent="-- ")
        for line in _DOCS[name].splitlines()
    )
    last = list(steps)[-1]
    return (
        f"{doc}\n/* Made by `{COMMAND}`. */\n"
        f"WITH {', '.join(parts)}\nSELECT {_columns(last)} FROM {_alias(last)}\n"
    )


def _columns(name: str) -> str:
    """Return the select list: the contract's types where there is one, as in the table."""
    columns = contract_of(name).columns if name in _CONTRACTS else ()
    return ", ".join(f"{each.name}::{each.type} AS {each.name}" for each in columns) or "*"


if __name__ == "__main__":
    raise SystemExit(main())
