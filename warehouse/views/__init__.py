"""What BI sees beside the tables: one SELECT per file, named after the view, `layer.name.sql`.

Not here: anything that computes a measure; that is a table with a contract.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent


class View(NamedTuple):
    """A view: its qualified name, what it shows, and its SELECT."""

    name: str
    doc: str
    select: str


def read() -> tuple[View, ...]:
    """Return the views in the order of their names; a file's leading comment is the doc."""
    found: list[View] = []
    for path in sorted(HERE.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        doc = " ".join(line[3:] for line in lines if line.startswith("-- "))
        body = "\n".join(line for line in lines if not line.startswith("-- "))
        found.append(View(path.stem, doc, body.strip().rstrip(";")))
    return tuple(found)


def views() -> dict[str, str]:
    """Return CREATE VIEW per view, with its comment."""
    statements: dict[str, str] = {}
    for view in read():
        doc = view.doc.replace("'", "''")
        statements[view.name] = (
            f"CREATE OR REPLACE VIEW {view.name} AS\n{view.select};\n"
            f"COMMENT ON VIEW {view.name} IS '{doc}';"
        )
    return statements
