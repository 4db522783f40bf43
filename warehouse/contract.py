"""`Column` and `Table`: the one truth from which DDL, comments, checks and dictionary are made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Self

Type = Literal["BIGINT", "BOOLEAN", "DATE", "DOUBLE", "INTEGER", "TIMESTAMP", "VARCHAR"]
Layer = Literal["raw", "core", "mart", "meta"]
LAYERS: tuple[Layer, ...] = ("raw", "core", "mart", "meta")


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that every row must satisfy.

    Parameters
    ----------
    name : str
        The statement, as a check is named: ``close_is_positive``.
    sql : str
        Predicate over the table's columns; NULL counts as satisfied, as in a SQL CHECK.
    columns : tuple of str
        The columns the predicate reads, in reading order.
    kind : str
        What sort of statement it is, for those who translate it (Great Expectations).
    """

    name: str
    sql: str
    columns: tuple[str, ...]
    kind: Literal["present", "finite", "minimum", "above", "maximum", "one_of", "order"]


@dataclass(frozen=True, slots=True)
class Column:
    """A quantity: its name, type, unit and the values it can take.

    Parameters
    ----------
    name : str
        The same quantity has the same name in every table.
    type : Type
        DuckDB type. A TIMESTAMP is always a UTC instant.
    doc : str
        What the number says, in one or two sentences.
    unit : str, optional
        ``fraction``, ``USD``, ``shares``, ``UTC`` ...
    nullable : bool
        Whether NULL ("not known", "not applicable") is allowed.
    minimum, above, maximum : float, optional
        Closed lower, open lower and closed upper bound.
    one_of : tuple of str
        The closed list of values, if there is one.
    default : str, optional
        SQL literal that fills the column for rows written before it existed.
    """

    name: str
    type: Type
    doc: str
    unit: str | None = None
    nullable: bool = False
    minimum: float | None = None
    above: float | None = None
    maximum: float | None = None
    one_of: tuple[str, ...] = ()
    default: str | None = None

    def but(
        self,
        *,
        name: str | None = None,
        doc: str | None = None,
        nullable: bool | None = None,
        minimum: float | None = None,
        above: float | None = None,
        default: str | None = None,
    ) -> Self:
        """Return the same quantity under changed circumstances; unit and type cannot change."""
        return replace(
            self,
            name=name or self.name,
            doc=doc or self.doc,
            nullable=self.nullable if nullable is None else nullable,
            minimum=self.minimum if minimum is None else minimum,
            above=self.above if above is None else above,
            default=self.default if default is None else default,
        )

    @property
    def comment(self) -> str:
        """The text that stands in the database beside the column, with its unit."""
        return f"{self.doc} [{self.unit}]" if self.unit else self.doc

    def rules(self) -> tuple[Rule, ...]:
        """Every statement this column makes about a row."""
        name = self.name
        found: list[Rule] = []
        if not self.nullable:
            found.append(Rule(f"{name}_is_present", f"{name} IS NOT NULL", (name,), "present"))
        if self.type == "DOUBLE":
            found.append(Rule(f"{name}_is_finite", f"isfinite({name})", (name,), "finite"))
        if self.above is not None:
            word = "positive" if self.above == 0 else f"above_{self.above:g}"
            found.append(Rule(f"{name}_is_{word}", f"{name} > {self.above!r}", (name,), "above"))
        if self.minimum is not None:
            low = f"{self.minimum:g}".replace("-", "minus_").replace(".", "_")
            sql = f"{name} >= {self.minimum!r}"
            found.append(Rule(f"{name}_is_at_least_{low}", sql, (name,), "minimum"))
        if self.maximum is not None:
            high = f"{self.maximum:g}".replace("-", "minus_").replace(".", "_")
            sql = f"{name} <= {self.maximum!r}"
            found.append(Rule(f"{name}_is_at_most_{high}", sql, (name,), "maximum"))
        if self.one_of:
            values = ", ".join(f"'{value}'" for value in self.one_of)
            found.append(Rule(f"{name}_is_known", f"{name} IN ({values})", (name,), "one_of"))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Order:
    """The statement that one column never exceeds another, where both are known."""

    lesser: str
    greater: str
    tolerance: float = 0.0
    """Relative slack for prices: vendors deliver 32-bit floats (relative noise 6e-8)."""

    def rule(self) -> Rule:
        """Return the statement as a rule."""
        name = f"{self.lesser}_is_at_most_{self.greater}"
        slack = f" * {1 + self.tolerance!r}" if self.tolerance else ""
        sql = f"{self.lesser} <= {self.greater}{slack}"
        return Rule(name, sql, (self.lesser, self.greater), "order")


@dataclass(frozen=True)
class Table:
    """A table's contract: what a row is, which columns it has, what must be true.

    Parameters
    ----------
    layer, name : str
        Schema and table; together also the Dagster asset key.
    doc : str
        First sentence: what one row is.
    columns : tuple of Column
        In the order of the table.
    grain : tuple of str
        The columns that identify a row. A check, not a key: a key costs 62% disk and 2.4x load
        time (docs/decisions/0004-grain-is-a-check.md).
    orders : tuple of Order
        Statements about pairs of columns.
    partition : str, optional
        The DATE column by which the table is replaced day by day; without it the table is
        replaced whole.
    versions_of : tuple of str
        For append-only tables: the thing whose versions the rows are. A row is appended only
        where its `row_hash` differs from the newest version's.
    of_events : bool
        Whether every row is of an event of ``mart.selloff_events`` (`event_id`): then the table is
        replaced event by event, from the first on that what changed may still have to do with.
    outcomes : tuple of str
        Columns that say what followed a row's session, or what a listing is called. Where they
        alone change, nothing by sessions that rests on the row has changed.
    effective_from : str, optional
        The DATE column that says from which session on a row matters to what rests on it, where
        the table has no `session_date`: a share count known on a day changes nothing before it.
    effective_with_bars : bool
        Whether a row matters from its listing's first bar on, where it has no date: who is new
        changes nothing before.
    rebases_by : str, optional
        The column that says how many new shares came for an old one on `effective_from`: a row that
        comes or goes brings what is `in_todays_shares` of its listing to other shares, and makes
        nothing before that date stale.
    in_todays_shares : bool
        Whether its prices and share counts are in the shares after every known split.
    seen_through : str, optional
        The DATE column that says which session a row has seen last, where rows are of spans of
        sessions. With it a late run carries the table on: of what it held those rows are replaced
        that saw a stale session, are open, or are returned anew; the others stand.
    open_where : str
        SQL predicate of such a table: what a later session may still change.
    is_row_wise : bool
        Whether no column adds up floating-point numbers over rows: only then do any number of
        threads compute the same last digits.
    """

    layer: Layer
    name: str
    doc: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...]
    orders: tuple[Order, ...] = ()
    partition: str | None = None
    versions_of: tuple[str, ...] = ()
    of_events: bool = False
    outcomes: tuple[str, ...] = ()
    effective_from: str | None = None
    effective_with_bars: bool = False
    rebases_by: str | None = None
    in_todays_shares: bool = False
    seen_through: str | None = None
    open_where: str = "false"
    is_row_wise: bool = False

    def __post_init__(self) -> None:
        names = set(self.column_names)
        if len(names) != len(self.columns):
            raise ValueError(f"{self.qualified}: a column is named twice")
        pairs = {side for order in self.orders for side in (order.lesser, order.greater)}
        used = {
            *self.grain,
            *self.versions_of,
            *self.outcomes,
            *pairs,
            *filter(None, (self.partition, self.effective_from)),
            *filter(None, (self.rebases_by, self.seen_through)),
            *(["event_id"] if self.of_events else []),
        }
        if missing := sorted(used - names):
            raise ValueError(f"{self.qualified}: no such column: {', '.join(missing)}")

    @property
    def qualified(self) -> str:
        """``layer.name``, as SQL writes it."""
        return f"{self.layer}.{self.name}"

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names, in the order of the table."""
        return tuple(column.name for column in self.columns)

    @property
    def order(self) -> tuple[str, ...]:
        """The columns by which its rows lie in order: partition first, then grain."""
        return tuple(dict.fromkeys((*filter(None, (self.partition,)), *self.grain)))

    def column(self, name: str) -> Column:
        """Return the column of that name."""
        return next(column for column in self.columns if column.name == name)

    def rules(self) -> tuple[Rule, ...]:
        """Every statement the contract makes about a single row."""
        of_columns = tuple(rule for column in self.columns for rule in column.rules())
        return of_columns + tuple(order.rule() for order in self.orders)

    def ddl(self, name: str | None = None) -> str:
        """Return CREATE TABLE with NOT NULL and CHECK; `name` stands in for the table's own."""
        lines = [
            f"  {column.name} {column.type}{'' if column.nullable else ' NOT NULL'}"
            for column in self.columns
        ]
        lines += [
            f"  CONSTRAINT {rule.name} CHECK ({rule.sql})"
            for rule in self.rules()
            if rule.kind != "present"
        ]
        return f"CREATE TABLE {name or self.qualified} (\n" + ",\n".join(lines) + "\n)"

    def comments(self) -> tuple[str, ...]:
        """Return the COMMENT ON statements of the table and its columns."""
        table = f"COMMENT ON TABLE {self.qualified} IS {_literal(self.doc)}"
        return (
            table,
            *(
                f"COMMENT ON COLUMN {self.qualified}.{column.name} IS {_literal(column.comment)}"
                for column in self.columns
            ),
        )

    @cached_property  # asked of every table whenever the file is opened: 16 ms
    def hash(self) -> str:
        """Sixteen hex digits that change whenever the stored form of the table would."""
        text = "\n".join((self.ddl(), *self.comments(), repr(self.grain), repr(self.versions_of)))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def _literal(text: str) -> str:
    """Quote text as a SQL string."""
    return "'" + text.replace("'", "''") + "'"
