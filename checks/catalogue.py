"""The catalogue: every statement that must be true of a table's rows, declared once.

Not here: how statements are counted (`checks.scan`), shown in Dagster (`checks._check`), or asked
of a load by Great Expectations (`resources.expectations`); the judgements stand by subject.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from warehouse.contract import Table

# The known failures that a rule of a contract refuses, wherever it stands.
_REFUSED = {
    "close_is_present": (2, 21),
    "low_is_at_most_high": (6,),
    "low_is_at_most_open": (6,),
    "open_is_at_most_high": (6,),
    "low_is_at_most_close": (6,),
    "close_is_at_most_high": (6,),
    "adj_close_is_finite": (12,),
    "adj_close_is_positive": (12,),
    "open_is_positive": (15,),
    "volume_is_at_least_0": (16,),
}
Kind = Literal["row", "unique", "filled"]
Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True, slots=True)
class Check:
    """A statement that must be true.

    Parameters
    ----------
    name : str
        The statement as words: ``close_is_positive``.
    table : Table
        What it is about; its asset carries the check.
    holds : str
        Predicate over the rows' columns; NULL counts as satisfied, as in a SQL CHECK. Empty for
        statements about rows together.
    doc : str
        The statement as a sentence.
    relation : str
        What stands after FROM: the table, or rows derived from it, which may name ``$start`` and
        ``$end`` (the days of the run) and ``$now`` (UTC). Checks on one relation share a scan.
    named_by : tuple of str
        The columns that name a row in a sample.
    columns : tuple of str
        For ``unique``: the columns whose values no two rows share.
    kind : {"row", "unique", "filled"}
        About each row, about rows together, or that there are any.
    severity : {"ERROR", "WARN"}
        Of a failure.
    reads : tuple of Table
        Other tables that the relation is made of; the check waits for them where they run too.
    failure_modes : tuple of int
        Keys of `checks.failure_modes.FAILURE_MODES` that it catches.
    """

    name: str
    table: Table
    holds: str
    doc: str
    relation: str
    named_by: tuple[str, ...]
    columns: tuple[str, ...] = ()
    kind: Kind = "row"
    severity: Severity = "WARN"
    reads: tuple[Table, ...] = ()
    failure_modes: tuple[int, ...] = ()


def contract(table: Table, *, may_be_empty: bool = True) -> tuple[Check, ...]:
    """Return what the contract says of a table: its rules, its grain, and that it holds rows."""
    rules = tuple(
        Check(
            rule.name,
            table,
            rule.sql,
            f"In every row {rule.sql}.",
            table.qualified,
            table.grain,
            columns=rule.columns,
            severity="ERROR",
            failure_modes=_REFUSED.get(rule.name, ()),
        )
        for rule in table.rules()
    )
    filled = Check(
        "table_is_not_empty",
        table,
        "",
        "The table holds rows.",
        table.qualified,
        table.grain,
        kind="filled",
        severity="ERROR",
    )
    return (*rules, unique(table, table.grain), *(() if may_be_empty else (filled,)))


def unique(table: Table, columns: tuple[str, ...]) -> Check:
    """Return the statement that no two rows of a table share the values of these columns."""
    return Check(
        "grain_is_unique",
        table,
        "",
        f"No two rows have the same {', '.join(columns)}.",
        table.qualified,
        columns,
        columns=columns,
        kind="unique",
        severity="ERROR",
        failure_modes=(13,),
    )
