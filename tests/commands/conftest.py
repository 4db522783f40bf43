"""A warehouse with two releases, for the commands that look at what was published."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from resources.warehouse import Warehouse, files

EVENTS = [
    ("sector-us-2025-01-27", "2025-01-27", "sector", "detected", "SPY", -0.0141),
    ("market-us-2024-08-05", "2024-08-05", "market", "detected", "SPY", -0.03),
    ("market-us-2023-03-10", "2023-03-10", "market", "withdrawn", "SPY", -0.02),
]


def put_events(con):
    """Write events by the contract's columns; what is not given is blank or NULL."""
    for event_id, day, scope, status, market, moved in EVENTS:
        con.execute(
            "INSERT INTO mart.selloff_events BY NAME SELECT $id AS event_id, "
            "$day::DATE AS session_date, $day::DATE AS last_session_date, "
            "$day::DATE AS worst_session_date, 1 AS n_sessions, "
            "$day::TIMESTAMP AS started_at, $scope AS scope, 'US' AS region, $market AS market, "
            "$moved AS market_return, 3 AS n_falling, 9 AS n_listings, 'breadth' AS detected_by, "
            "1.5 AS threshold_multiple, $status AS status, 0 AS n_flagged, 0 AS n_quarantined, "
            "false AS has_simulated_inputs, TIMESTAMP '2025-02-01 06:00' AS as_of",
            {
                "id": event_id,
                "day": day,
                "scope": scope,
                "status": status,
                "market": market,
                "moved": moved,
            },
        )


@pytest.fixture(scope="session")
def published_twice(tmp_path_factory):
    """A folder with two releases, between which one figure was restated, to be copied."""
    folder = tmp_path_factory.mktemp("kept")
    path = folder / "selloff.duckdb"
    files.prepare(path)
    warehouse = Warehouse(path=str(path))
    with warehouse.writing() as con:
        put_events(con)
        con.execute("INSERT INTO meta.warehouse VALUES ('replay', TIMESTAMP '2025-02-01')")
    warehouse.publish(run_id="a", is_backfill=False, now=datetime(2025, 2, 1, 7, tzinfo=UTC))
    with warehouse.writing() as con:
        con.execute(
            "UPDATE mart.selloff_events SET market_return = -0.02, "
            "as_of = TIMESTAMP '2025-02-02' WHERE event_id = 'sector-us-2025-01-27'"
        )
    warehouse.publish(run_id="b", is_backfill=False, now=datetime(2025, 2, 2, 7, tzinfo=UTC))
    return folder


@pytest.fixture
def kept(tmp_path, command, published_twice):
    """Run the command on a copy of that folder."""
    shutil.copytree(published_twice, tmp_path, symlinks=True, dirs_exist_ok=True)
    return lambda *arguments: command(tmp_path, *arguments)
