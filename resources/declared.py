"""The user's events.csv: sell-offs declared by hand, each statement with its version."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from resources.batch import Reject, naive_utc
from warehouse.tables.detection import DECLARED_EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

Row = dict[str, Any]

REQUIRED = ("event_id", "scope")
_SCOPES = DECLARED_EVENTS.column("scope").one_of


def read(
    lines: Iterable[tuple[int, Row]], path: Path, regions: Collection[str]
) -> tuple[list[Row], list[Reject]]:
    """Type the rows of an events.csv; what is faulty or said twice is rejected with its cause.

    Parameters
    ----------
    lines : iterable of (int, dict)
        Number and cells of each row: `event_id`, `scope`, and `session_date` (YYYY-MM-DD) or
        `happened_at` (ISO 8601; UTC where it names no offset); `version` (1 unless stated),
        `declared_on`, `region`, `name`, `note`. Empty cells are None.
    path : Path
        The file, for the messages.
    regions : collection of str
        Regions that an event may name.

    Returns
    -------
    tuple of list
        The newest version of each event, columns of ``core.declared_events``, sorted by
        `declared_id`; and the rejects. A faulty newest version leaves the one before it.
    """
    newest: dict[str, Row] = {}
    seen: dict[tuple[str, int], int] = {}
    rejects: list[Reject] = []
    for number, cells in lines:
        row: Row = {}
        faults = list(_faults(cells, row, regions))
        key = (row.get("declared_id", ""), row.get("version", 1))
        if not faults and key in seen:
            faults = [f"duplicate event_id {key[0]}, version {key[1]}, first in row {seen[key]}"]
        if faults:
            # No JSON, which would be held against the contract of the prices it came beside.
            payload = ", ".join(f"{name}: {cell}" for name, cell in cells.items() if cell)
            rejects.append(Reject(str(path), number, "; ".join(faults), payload))
            continue
        seen[key] = number
        known = newest.get(row["declared_id"])
        if known is None or row["version"] > known["version"]:
            newest[row["declared_id"]] = row
    return [newest[name] for name in sorted(newest)], rejects


def _faults(cells: Row, row: Row, regions: Collection[str]) -> Iterator[str]:
    """Fill `row` from the cells, and say what is wrong with them."""
    row.update(
        declared_id=cells.get("event_id") or "",
        region=cells.get("region"),
        scope=cells.get("scope"),
        event_name=cells.get("name"),
        note=cells.get("note"),
    )
    if None in cells:
        yield "more cells than the header has columns"
    if not row["declared_id"]:
        yield "event_id is empty"
    if row["scope"] not in _SCOPES:
        yield f"unknown scope {row['scope']!r}, not one of {', '.join(_SCOPES)}"
    if row["region"] and row["region"] not in regions:
        yield f"unknown region {row['region']!r}, not one of {', '.join(sorted(regions))}"
    if bool(cells.get("session_date")) == bool(cells.get("happened_at")):
        yield "one of session_date and happened_at is needed"
    yield from _typed(cells, row)


def _typed(cells: Row, row: Row) -> Iterator[str]:
    """Add version, dates and the moment to `row`, and say which cannot be read."""
    version = cells.get("version") or "1"
    row["version"] = int(version) if version.isascii() and version.isdigit() else 0
    if row["version"] < 1:
        yield f"version {version!r} is no whole number from 1"
    for name in ("session_date", "declared_on"):
        try:
            row[name] = date.fromisoformat(cells[name]) if cells.get(name) else None
        except ValueError:
            yield f"{name} {cells[name]!r} is no date YYYY-MM-DD"
    try:
        row["happened_at"] = _moment(cells.get("happened_at"))
    except ValueError:
        yield f"happened_at {cells['happened_at']!r} is no time like 2025-01-27T13:30Z"


def _moment(text: str | None) -> datetime | None:
    """Read a time as naive UTC. A bare date is none: it does not say on which side of a close."""
    if not text:
        return None
    if len(text) <= len("2025-01-27"):
        raise ValueError(text)
    found = datetime.fromisoformat(text)
    return naive_utc(found if found.tzinfo else found.replace(tzinfo=UTC))


def table(rows: list[Row]) -> pa.Table:
    """Return the rows as Arrow, with the contract's columns in its order."""
    import pyarrow as pa

    types = {"BIGINT": pa.int64(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us")}
    fields = [(each.name, types.get(each.type, pa.string())) for each in DECLARED_EVENTS.columns]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
