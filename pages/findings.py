"""What a page tells, asked of a release: rows by subject, nothing formatted, nothing computed anew.

What is asked stands in `pages/queries/*.sql`, one question per file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resources.answers import Rows, fetch

HERE = Path(__file__).parent / "queries"
# Instruments in the table of a page: with 500 rows it has 0.3 MB (benchmarks/pages.py).
MOST_INSTRUMENTS = 500


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything a release says of one event, by subject.

    Parameters
    ----------
    event : dict
        The row of mart.selloff_events, with the tickers of the listings it names.
    release : dict
        Release id, instant, code version, `as_of`.
    rows : dict of str to Rows
        The other subjects, by the name of their query.
    """

    event: dict[str, Any]
    release: dict[str, Any]
    rows: dict[str, Rows]

    def __getitem__(self, subject: str) -> Rows:
        """Return the rows of a subject."""
        return self.rows[subject]


def query(name: str) -> str:
    """Return the question of that name."""
    return (HERE / f"{name}.sql").read_text(encoding="utf-8")


def subjects() -> list[str]:
    """Return the names of what is asked of each event."""
    return sorted(path.stem for path in HERE.glob("*.sql") if not path.stem.startswith("_"))


def events(con: Any) -> Rows:
    """Return every event of a release that was not withdrawn, the newest first."""
    return fetch(con, query("_events"))


def release(con: Any) -> dict[str, Any]:
    """Return what the release says of itself."""
    found = fetch(con, query("_release"))
    none = {"release_id": "not released", "published_at": None, "code_version": None, "as_of": None}
    return found[0] if found else none


def findings(con: Any, event_id: str) -> Findings:
    """Return everything a release says of one event.

    Parameters
    ----------
    con : DuckDBPyConnection
        To a release, read-only.
    event_id : str
        One that is in mart.selloff_events.
    """
    at = {"event": event_id, "most": MOST_INSTRUMENTS}
    (event,) = fetch(con, query("_event"), {"event": event_id})
    rows = {}
    for subject in subjects():
        text = query(subject)
        rows[subject] = fetch(con, text, {n: at[n] for n in at if f"${n}" in text})
    return Findings(event, release(con), rows)
