"""What BI sees beside the tables: one SELECT per file, named after the view, `layer.name.sql`.

A file whose name ends in `_as_of` is a table macro, the same relation as it was known at an
instant `ts` (UTC). A view that reads only relations with such a form has one too: its own SELECT,
every relation replaced by its form.

Not here: anything that computes a measure; that is a table with a contract.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
AS_OF = "_as_of"
# In this order: each reads those before it.
TWINS = (
    "core.adjustment_factors",
    "core.prices_split_adjusted",
    "core.prices_as_traded",
    "core.prices_total_return",
)
_RELATION = re.compile(r"\b(FROM|JOIN) (core\.\w+)")


class View(NamedTuple):
    """A view or macro: its qualified name, what it shows, and its SELECT."""

    name: str
    doc: str
    select: str


def read() -> tuple[View, ...]:
    """Return the views in the order of their names; a file's leading comment is the doc."""
    return tuple(view for view in _files() if not view.name.endswith(AS_OF))


def read_macros() -> tuple[View, ...]:
    """Return the macros, each after those it reads: those of the files, then the views' twins."""
    written = tuple(view for view in _files() if view.name.endswith(AS_OF))
    known = {view.name: view for view in read()}
    return written + tuple(_twin(known[name]) for name in TWINS if name in known)


def views() -> dict[str, str]:
    """Return the statements that create each view, then each macro, with its comment."""
    return {
        **{view.name: _create(view, "VIEW", "VIEW") for view in read()},
        **{macro.name: _create(macro, "MACRO", "MACRO TABLE") for macro in read_macros()},
    }


def _create(view: View, kind: str, comment_kind: str) -> str:
    doc = view.doc.replace("'", "''")
    head = f"{view.name} AS" if kind == "VIEW" else f"{view.name}(ts) AS TABLE"
    return (
        f"CREATE OR REPLACE {kind} {head}\n{view.select};\n"
        f"COMMENT ON {comment_kind} {view.name} IS '{doc}';"
    )


def _files() -> tuple[View, ...]:
    found: list[View] = []
    for path in sorted(HERE.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        doc = " ".join(line[3:] for line in lines if line.startswith("-- "))
        body = "\n".join(line for line in lines if not line.startswith("-- "))
        found.append(View(path.stem, doc, body.strip().rstrip(";")))
    return tuple(found)


def _twin(view: View) -> View:
    """Return the view as it was known at `ts`."""
    doc = f"As it was known at ts (UTC): {view.doc}"
    return View(f"{view.name}{AS_OF}", doc, _RELATION.sub(rf"\1 \2{AS_OF}(ts)", view.select))
