"""A panel some sessions at a time, so that memory does not grow with history."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    import ibis.expr.types as ir
    import pyarrow as pa

Rows = TypeVar("Rows")


def spans(panel: ir.Table, rows: int) -> list[tuple[date, date]]:
    """Return first and last sessions of the runs of sessions that have about so many rows each.

    Parameters
    ----------
    panel : ibis Table
        With `session_date`.
    rows : int
        Rows of a run, more or less those of one session.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2025-01-27", "2025-01-24", "2025-01-28", "2025-01-28"])
    >>> panel = ibis.memtable(pd.DataFrame({"session_date": days.date}))
    >>> [(str(first), str(last)) for first, last in spans(panel, 3)]
    [('2025-01-24', '2025-01-27'), ('2025-01-28', '2025-01-28')]
    """
    counts = panel.group_by("session_date").aggregate(n=panel.count()).order_by("session_date")
    table = counts.to_pyarrow()
    days = table.column("session_date").to_pylist()
    run = np.cumsum(table.column("n").to_numpy()) // rows
    places = np.split(np.arange(len(days)), np.flatnonzero(np.diff(run)) + 1)
    return [(days[some[0]], days[some[-1]]) for some in places if len(some)]


def sessions_of(
    panel: ir.Table, first: date, last: date, *names: str, **columns: ir.Value
) -> pa.Table:
    """Read these columns of the sessions from the first to the last day."""
    some = panel.filter(panel.session_date.between(first, last))
    return some.select(*names, **columns).to_pyarrow()


def ahead(reads: Iterable[Callable[[], Rows]]) -> Iterator[Rows]:
    """Return what every read gives, each begun while what came before it is worked on.

    One read at a time: an engine's connection serves one thread. Engine and NumPy let each other
    run, so that the shorter of the two costs no time.

    Parameters
    ----------
    reads : iterable of callable
        Each is called in a thread of its own; what it raises is raised here.

    Examples
    --------
    >>> list(ahead([lambda: 1, lambda: 2, lambda: 3]))
    [1, 2, 3]
    """
    with ThreadPoolExecutor(max_workers=1) as reader:
        under_way = None
        for read in reads:
            last, under_way = under_way, reader.submit(read)
            if last is not None:
                yield last.result()
        if under_way is not None:
            yield under_way.result()
