"""Whether readers in other processes never notice a publisher, not even one that is killed."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

import pytest


@pytest.fixture
def reader(processes, warehouse):
    """A process that reads the release until told to stop; returns what it saw."""
    import warehouse_workers as workers

    stop, answers = processes.Event(), processes.Queue()
    process = processes.Process(target=workers.read_in_a_loop, args=(warehouse.path, stop, answers))

    def finish():
        stop.set()
        seen = answers.get(timeout=30)
        process.join(30)
        answers.close()
        answers.join_thread()
        return seen

    return process, finish


def test_a_reader_never_fails_nor_goes_back_while_fifteen_releases_are_published(warehouse, reader):
    import warehouse_workers as workers

    process, finish = reader
    for number in range(1, 16):
        workers.write_version(warehouse, number)
        warehouse.publish(run_id=f"run{number}", is_backfill=False, now=datetime.now(UTC))
        if number == 1:
            process.start()
    seen = finish()
    assert seen.pop("seen") > 15
    assert seen == {"failed": 0, "torn": 0, "backwards": 0}
    assert workers.read_release(warehouse.path) == [(15.0, workers.N_LISTINGS)]


def test_current_always_opens_and_the_core_file_is_whole_after_five_kills(
    warehouse, query, processes, reader
):
    import warehouse_workers as workers

    process, finish = reader
    workers.write_version(warehouse, 1)
    warehouse.publish(run_id="run1", is_backfill=False, now=datetime.now(UTC))
    process.start()
    pause = random.Random(20250127)  # noqa: S311 - moments, not secrets
    version = 1
    for _ in range(5):
        writer = processes.Process(
            target=workers.write_and_publish, args=(warehouse.path, version + 1)
        )
        writer.start()
        wait_for_release(warehouse, version)
        time.sleep(pause.uniform(0, 0.4))
        writer.kill()
        writer.join()
        ((released, n_released),) = workers.read_release(warehouse.path)
        ((written, n_written),) = query(
            warehouse, "SELECT close, count(*) FROM core.daily_prices GROUP BY ALL"
        )
        assert n_released == n_written == workers.N_LISTINGS
        assert version < released <= written
        version = int(written)
    seen = finish()
    assert seen.pop("seen") > 0
    assert seen == {"failed": 0, "torn": 0, "backwards": 0}

    last = warehouse.publish(run_id="last", is_backfill=False, now=datetime.now(UTC))
    folder = warehouse.file.parent / "releases"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    held = query(warehouse, "SELECT release_id, count(*) FROM meta.releases GROUP BY ALL")
    assert max(held) == (last, 1)
    assert {n for _, n in held} == {1}


def wait_for_release(warehouse, version):
    """Wait until the new writer has published something newer than `version`."""
    import warehouse_workers as workers

    give_up = time.monotonic() + 30
    while workers.read_release(warehouse.path)[0][0] <= version:
        assert time.monotonic() < give_up
        time.sleep(0.02)
