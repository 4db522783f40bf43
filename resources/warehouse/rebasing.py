"""Splits that become known: rows that stay are brought to other shares, and are not stale by it.

A split changes what a listing's prices and volumes are counted in, and no return, no loss and no
flag before its date. Not here: which rows are made anew (`late`), what a split does to the bars of
a vendor (`selloff.adjustments`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from resources.batch import Days
    from warehouse.contract import Column, Table

# More splits at once are no news but a new source: everything is made anew.
AT_MOST = 500
# Quotients by a ratio that is no power of two differ in the last digit.
ALIKE = 1e-12
_PER_SHARE = "currency per share"
_IN_SHARES = {_PER_SHARE, "shares", "new shares per old share"}


def note(con: duckdb.DuckDBPyConnection, table: Table) -> date | None:
    """Note what the rows in `differing` of a table of splits bring to other shares.

    Before the change itself is noted.

    Returns
    -------
    date, optional
        The session from which on rows are stale: the first ex-date, or where before it a bar was
        delivered that contains its split already. None for all of them, the end of time where the
        same splits are told of by others.
    """
    con.execute(_TOLD.format(date=table.effective_from, ratio=table.rebases_by))
    n_listings, first = con.execute(_FIRST).fetchall()[0]
    if n_listings > AT_MOST:
        return None
    con.execute(_NOTE, {"name": table.qualified})
    since: date = first
    return since


_TOLD = """
CREATE OR REPLACE TEMP TABLE told AS
SELECT listing_id, min(since) AS since,
  coalesce(product(ratio) FILTER (side > 0), 1) / coalesce(product(ratio) FILTER (side < 0), 1)
    AS ratio
FROM (
  SELECT listing_id, {date} AS since, {ratio} AS ratio, sum(side) AS side FROM differing
  GROUP BY ALL HAVING sum(side) <> 0
)
GROUP BY listing_id
"""
_FIRST = """
WITH containing AS (
  SELECT listing_id, min(session_date) AS since FROM raw.price_vintages JOIN told USING (listing_id)
  WHERE session_date < told.since AND known_from::DATE >= told.since AND basis = 'split_adjusted'
  GROUP BY listing_id
)
SELECT count(*), coalesce(least(min(told.since), min(containing.since)), DATE '9999-12-31')
FROM told LEFT JOIN containing USING (listing_id)
"""
_NOTE = """
INSERT INTO meta.rebasings
SELECT $name, 1 + coalesce((SELECT max(version) FROM meta.changes WHERE table_name = $name), 0),
  listing_id, ratio
FROM told ORDER BY listing_id
"""


def ratios(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, float]:
    """Return by how much each listing's shares have multiplied since a table was last written.

    Of the splits that it was computed from; a listing whose splits changed in another way has 1.
    """
    sql = """
    SELECT r.listing_id, product(r.ratio)
    FROM meta.rebasings AS r JOIN meta.inputs AS i
      ON i.input_name = r.table_name AND r.version > i.version
    WHERE i.table_name = ? GROUP BY ALL ORDER BY ALL
    """
    return dict(con.execute(sql, [table.qualified]).fetchall())


def brought(rows: Any, table: Table, told: dict[str, float]) -> Any:
    """Return what was held of a table, as Ibis has it, in the shares of today."""
    cases = [(listing_id, ratio) for listing_id, ratio in told.items() if ratio != 1]
    if not cases or not table.in_todays_shares:
        return rows
    ratio = rows.listing_id.cases(*cases, else_=1.0)
    return rows.mutate(
        **{
            column.name: rows[column.name] / ratio
            if column.unit == _PER_SHARE
            else rows[column.name] * ratio
            for column in _counted(table)
        }
    )


def bring(
    con: duckdb.DuckDBPyConnection, table: Table, told: dict[str, float], days: Days | None
) -> int:
    """Bring the rows that stay to the shares of today; return how many.

    Of a table by sessions those before the days that are written, of others all: what is compared
    with them is in the new shares. Where all of a table is written, none. In their place: of 47.7
    million bars, 25,000 of five listings take 3 s so.
    """
    changed = {listing_id: ratio for listing_id, ratio in told.items() if ratio != 1}
    if not changed or not days or not table.in_todays_shares:
        return 0
    sets = ", ".join(
        f"{column.name} = {column.name} {'/' if column.unit == _PER_SHARE else '*'} new_ratio"
        for column in _counted(table)
    )
    _show(con, changed)
    sql = f"UPDATE {table.qualified} SET {sets} FROM rebased WHERE listing_id = rebased_id"
    if table.partition:
        sql += f" AND {table.partition} < DATE '{days.start}'"
    n_rows: int = con.execute(sql).fetchall()[0][0]
    return n_rows


def leave_alike(con: duckdb.DuckDBPyConnection, table: Table, told: dict[str, float]) -> None:
    """Take the rows from `differing` that are the same in other shares."""
    if not told or "listing_id" not in table.grain:
        return
    _show(con, told)
    keys = ", ".join(table.grain)
    figures = [column for column in table.columns if column.name not in table.grain]
    same = " AND ".join(_alike(column) for column in figures)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE alike AS
        SELECT {keys} FROM differing AS n JOIN differing AS o USING ({keys})
          JOIN rebased ON listing_id = rebased_id
        WHERE n.side > 0 AND o.side < 0 AND {same}
        """
    )
    con.execute(f"DELETE FROM differing WHERE ({keys},) IN (SELECT ({keys},) FROM alike)")


def _alike(column: Column) -> str:
    """Return SQL by which a column of a row says the same in other shares."""
    one, other = f"n.{column.name}", f"o.{column.name}"
    same = f"{one} IS NOT DISTINCT FROM {other}"
    if column.type != "DOUBLE":
        return f"({same})"
    factors = ("1", "new_ratio", "1 / new_ratio") if column.unit in _IN_SHARES else ("1",)
    near = (f"abs({one} / ({other} * {each}) - 1) <= {ALIKE}" for each in factors)
    return f"({same} OR coalesce({' OR '.join(near)}, false))"


def _counted(table: Table) -> list[Column]:
    """Return the columns that are counted in shares, or per share."""
    return [column for column in table.columns if column.unit in _IN_SHARES]


def _show(con: duckdb.DuckDBPyConnection, told: dict[str, float]) -> None:
    """Make ratios readable as `rebased`."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE rebased AS "
        "SELECT unnest($names) AS rebased_id, unnest($ratios) AS new_ratio",
        {"names": list(told), "ratios": list(told.values())},
    )
