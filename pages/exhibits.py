"""An exhibit: a picture, the words beside it, and the table behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pages.figures import instant, typeset

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a field of a table, and the figure by which it is sorted."""

    words: str
    sort: float | str | None = None

    @property
    def is_figure(self) -> bool:
        """Whether it stands to the right."""
        return isinstance(self.sort, float)


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One part of a page.

    Parameters
    ----------
    name : str
        Its place in the page's address, unique on the page.
    heading, caption : str
        What it is; how it is to be read.
    source : str
        The table of the warehouse it was asked of.
    picture : Markup, optional
        None where too little is known to draw.
    columns : list of str
        Of the table behind it.
    rows : list of list of Cell
        The same figures as in the picture.
    as_of : datetime, optional
        Newest vintage behind its figures, naive UTC.
    n_open : int
        So many rows are shown at once, above the whole table.
    """

    name: str
    heading: str
    caption: str
    source: str
    picture: Markup | None = None
    columns: list[str] = field(default_factory=list)
    rows: list[list[Cell]] = field(default_factory=list)
    as_of: datetime | None = None
    n_open: int = 0


Column = tuple[str, str, "Callable[[Any], str] | None"]


def table(rows: Iterable[dict[str, Any]], columns: list[Column]) -> list[list[Cell]]:
    """Return rows as cells: each column has a heading, a name, and how its figures look.

    >>> table([{"x": -0.1}], [("fall", "x", "{:.0%}".format)])[0][0].sort
    -0.1
    """
    return [[_cell(row[name], form) for _, name, form in columns] for row in rows]


def newest(rows: Iterable[dict[str, Any]]) -> datetime | None:
    """Return the newest vintage of rows.

    >>> newest([{"as_of": None}]) is None
    True
    """
    return max((row["as_of"] for row in rows if row.get("as_of")), default=None)


def _cell(value: Any, form: Callable[[Any], str] | None) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell("yes" if value else "no", "yes" if value else "no")
    if isinstance(value, datetime):
        return Cell(instant(value), value.isoformat())
    if isinstance(value, date):
        return Cell(value.isoformat(), value.isoformat())
    words = form(value) if form else str(value)
    return Cell(typeset(words), float(value) if isinstance(value, (int, float)) else words)
