"""The data dictionary, `dictionary.md`, made from the contracts and the views.

Run it as ``python -m warehouse.dictionary``, or with ``--check`` to compare only.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from warehouse import views
from warehouse.contract import LAYERS
from warehouse.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warehouse.contract import Column, Table
    from warehouse.views import View

PATH = Path(__file__).with_name("dictionary.md")
COMMAND = "python -m warehouse.dictionary"
HEAD = f"""# Dictionary of the warehouse

Made by `{COMMAND}` from the contracts in `warehouse/tables` and the views in `warehouse/views`.
Fractions are never percent, `*_at` and every TIMESTAMP are UTC instants, numbers are finite.
"""
LAYER_DOCS = {
    "raw": "As received, append-only, with source and fetch time.",
    "core": "Typed, keyed, deduplicated; bad rows are in `raw.quarantine`.",
    "mart": "Measures: what BI reads.",
    "meta": "Bookkeeping of the warehouse itself.",
}


def dictionary() -> str:
    """Return the whole dictionary as Markdown; the same contracts give the same text."""
    parts = [HEAD]
    for layer in LAYERS:
        parts.append(f"## {layer}\n\n{LAYER_DOCS[layer]}\n")
        parts += [_table(table) for table in TABLES if table.layer == layer]
    parts.append("## Views\n\nWhat BI sees beside the tables.\n")
    parts += [_view(view) for view in views.read()]
    parts.append("## As it was known\n\nTable macros; `ts` is a UTC instant.\n")
    parts += [f"- `{macro.name}(ts)`: {macro.doc}" for macro in views.read_macros()]
    return "\n".join(parts) + "\n"


def _table(table: Table) -> str:
    """Return one table's chapter."""
    lines = [
        f"### {table.qualified}\n",
        f"{table.doc}\n",
        f"- identified by: {_names(table.grain)}",
        f"- written: {_written(table)}",
        *(f"- always: `{order.rule().sql}`" for order in table.orders),
        "\n| column | type | unit | NULL | rules | meaning |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_row(column) for column in table.columns),
    ]
    return "\n".join(lines) + "\n"


def _written(table: Table) -> str:
    """Return how rows of the table come and go."""
    if table.versions_of == table.grain:
        return "appended once"
    if table.versions_of:
        return f"appended, one version per change of {_names(table.versions_of)}"
    if table.partition:
        return f"replaced by day, `{table.partition}`"
    if table.layer == "meta":
        return "by the warehouse and the checks"
    return "appended" if table.layer == "raw" else "replaced whole"


def _row(column: Column) -> str:
    """Return one column's line."""
    sql = [rule.sql for rule in column.rules() if rule.kind not in {"present", "finite"}]
    cells = (
        f"`{column.name}`",
        column.type,
        column.unit or "",
        "yes" if column.nullable else "",
        ", ".join(f"`{each}`" for each in sql),
        column.doc,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _view(view: View) -> str:
    """Return one view's chapter; the other columns are those of the relations it reads."""
    columns = [f"- `{name}`: {comment}" for name, comment in view.columns.items()]
    own = "\n".join(columns) + "\n\n" if columns else ""
    return f"### {view.name}\n\n{view.doc}\n\n{own}```sql\n{view.select}\n```\n"


def _names(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: Sequence[str] | None = None, path: Path = PATH) -> None:
    """Write the dictionary to `path`; with ``--check`` leave with status 1 where it differs."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write warehouse/dictionary.md.")
    parser.add_argument("--check", action="store_true", help="compare only, write nothing")
    wanted = dictionary()
    if not parser.parse_args(arguments).check:
        path.write_text(wanted, encoding="utf-8")
    elif not path.exists() or path.read_text(encoding="utf-8") != wanted:
        raise SystemExit(f"{path.name} differs from the contracts: run `{COMMAND}`")


if __name__ == "__main__":
    main()
