"""What a provider hands over: rows as delivered, rejects, and an answer to each request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    import pyarrow as pa


# On a run that writes history, not a day.
BACKFILL_TAG = "selloff/backfill"


@dataclass(frozen=True, slots=True)
class Days:
    """A closed range of calendar dates."""

    start: date
    end: date

    @classmethod
    def of_run(cls, tags: Mapping[str, str]) -> Days | None:
        """Return the dates that a Dagster run covers, by its tags; None if it names none."""
        start = tags.get("dagster/asset_partition_range_start") or tags.get("dagster/partition")
        end = tags.get("dagster/asset_partition_range_end") or start
        return cls(date.fromisoformat(start), date.fromisoformat(end)) if start and end else None

    def tags(self) -> dict[str, str]:
        """Return the tags by which a Dagster run covers these dates."""
        return {
            "dagster/asset_partition_range_start": self.start.isoformat(),
            "dagster/asset_partition_range_end": self.end.isoformat(),
        }


def naive_utc(instant: datetime) -> datetime:
    """Return an aware instant as the naive UTC that TIMESTAMP columns hold."""
    return instant.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True, slots=True)
class Listing:
    """What a provider needs to know of an instrument to ask for it."""

    listing_id: str
    ticker: str
    exchange_mic: str | None
    currency: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request.

    `reason` says why no data came (``no_data``: a fact about the thing asked for) or how the
    request failed (``failed``: rate limit, outage, time-out, unknown ticker, unreadable file);
    `cause` is that in one word, where the provider knows it. `request`, `client` and
    `payload_sha256` lead to the answer as it came, `source` is the provider that gave it.
    """

    requested: str
    outcome: Literal["delivered", "no_data", "failed"]
    reason: str | None
    n_rows: int
    fetched_at: datetime
    cause: str | None = None
    n_tries: int = 1
    request: str | None = None
    client: str | None = None
    payload_sha256: str | None = None
    source: str = "files"


@dataclass(frozen=True, slots=True)
class Reject:
    """A piece of input that could not even be turned into a row."""

    source_file: str | None
    source_row: int | None
    reason: str
    payload: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Everything one fetch brought.

    Parameters
    ----------
    rows : pyarrow.Table
        The rows as delivered: any types, the contract's casts and rules are applied when the
        batch lands. Besides columns of the contract it has `source_file` (str or null) and
        `source_row` (int or null), which the quarantine names.
    answers : list of Answer
        One per request.
    rejects : list of Reject
        Input that is no row; it goes to the quarantine with the rows that break the contract.
    kind : {"replay", "real"}, optional
        What the rows are, where the two must not be mixed in one warehouse.
    beside : dict of str to pyarrow.Table
        Rows for other tables that came in the same answers, by qualified name
        (``raw.corporate_actions``); they land in the same transaction.
    """

    rows: pa.Table
    answers: list[Answer]
    rejects: list[Reject] = field(default_factory=list)
    kind: Literal["replay", "real"] | None = None
    beside: dict[str, pa.Table] = field(default_factory=dict)

    def of(self, listings: Iterable[Listing]) -> Batch:
        """Return the batch with the rows of these listings alone: files hold what they hold."""
        import pyarrow as pa

        wanted = {listing.listing_id for listing in listings}

        def kept(table: pa.Table) -> pa.Table:
            among = [listing_id in wanted for listing_id in table["listing_id"].to_pylist()]
            return table.filter(pa.array(among, pa.bool_()))

        beside = {name: kept(table) for name, table in self.beside.items()}
        return replace(self, rows=kept(self.rows), beside=beside)
