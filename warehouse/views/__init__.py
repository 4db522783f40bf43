"""What BI sees beside the tables: one SELECT per file, named after the view, `layer.name.sql`.

Its leading comment is the view's; lines of it that begin with `@name: ` are a column's, for columns
that no contract speaks of.

A file whose name ends in `_as_of` is a table macro, the same relation as it was known at an
instant `ts` (UTC). A view that reads only relations with such a form has one too: its own SELECT,
every relation replaced by its form.

Not here: anything that computes a measure; that is a table with a contract.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

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
_COLUMN = re.compile(r"@(\w+): (.+)")
_READ = re.compile(r"\b(?:FROM|JOIN) ((?:raw|core|mart|meta)\.\w+)")


class View(NamedTuple):
    """A view or macro: its qualified name, what it shows, its SELECT, its own column comments."""

    name: str
    doc: str
    select: str
    columns: dict[str, str]

    @property
    def reads(self) -> tuple[str, ...]:
        """The tables and views it names, in reading order."""
        return tuple(dict.fromkeys(_READ.findall(self.select)))


def read() -> tuple[View, ...]:
    """Return the views in the order of their names; a file's leading comment is the doc."""
    return tuple(view for view in _files() if not view.name.endswith(AS_OF))


def read_macros() -> tuple[View, ...]:
    """Return the macros, each after those it reads: those of the files, then the views' twins."""
    written = tuple(view for view in _files() if view.name.endswith(AS_OF))
    known = {view.name: view for view in read()}
    return written + tuple(_twin(known[name]) for name in TWINS if name in known)


def in_order() -> tuple[View, ...]:
    """Return the views, each after those it reads."""
    known = {view.name: view for view in read()}
    placed: dict[str, View] = {}

    def place(view: View) -> None:
        for name in view.reads:
            if name in known and name not in placed:
                place(known[name])
        placed[view.name] = view

    for view in known.values():
        if view.name not in placed:
            place(view)
    return tuple(placed.values())


def views() -> dict[str, str]:
    """Return the statements that create each view, then each macro, with its comments."""
    return {
        **{view.name: _create(view, "VIEW", "VIEW") for view in in_order()},
        **{macro.name: _create(macro, "MACRO", "MACRO TABLE") for macro in read_macros()},
    }


def comment_on_column(view: str, column: str, comment: str) -> str:
    """Return the statement that puts a comment beside a view's column."""
    return f"COMMENT ON COLUMN {view}.{column} IS '{_quoted(comment)}';"


def _create(view: View, kind: str, comment_kind: str) -> str:
    head = f"{view.name} AS" if kind == "VIEW" else f"{view.name}(ts) AS TABLE"
    lines = [
        f"CREATE OR REPLACE {kind} {head}\n{view.select};",
        f"COMMENT ON {comment_kind} {view.name} IS '{_quoted(view.doc)}';",
    ]
    if kind == "VIEW":
        lines += [comment_on_column(view.name, *column) for column in view.columns.items()]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return text.replace("'", "''")


def _files() -> tuple[View, ...]:
    found: list[View] = []
    for path in sorted(HERE.glob("*.sql")):
        lines = path.read_text(encoding="utf-8").splitlines()
        doc, columns = _comments(line[3:] for line in lines if line.startswith("-- "))
        body = "\n".join(line for line in lines if not line.startswith("-- "))
        found.append(View(path.stem, doc, body.strip().rstrip(";"), columns))
    return tuple(found)


def _comments(lines: Iterable[str]) -> tuple[str, dict[str, str]]:
    """Split a leading comment into the view's and those of its columns."""
    doc: list[str] = []
    columns: dict[str, list[str]] = {}
    current = doc
    for line in lines:
        named = _COLUMN.fullmatch(line)
        if named:
            current = columns[named[1]] = [named[2]]
        else:
            current.append(line)
    return " ".join(doc), {name: " ".join(words) for name, words in columns.items()}


def _twin(view: View) -> View:
    """Return the view as it was known at `ts`."""
    doc = f"As it was known at ts (UTC): {view.doc}"
    select = _RELATION.sub(rf"\1 \2{AS_OF}(ts)", view.select)
    return View(f"{view.name}{AS_OF}", doc, select, view.columns)
