"""How long a cluster without workers is waited for."""

from __future__ import annotations

import itertools
import threading

import pytest

from resources.engine import spread
from resources.warehouse import WarehouseError
from warehouse.tables.instruments import LISTING_SYMBOLS as SYMBOLS

CLUSTER = "spark://127.0.0.1:7077"


@pytest.fixture
def looked(monkeypatch):
    """Let a cluster have these numbers of workers, one look after the other."""
    seen, cancelled = threading.Event(), threading.Event()

    def run(numbers, looks):
        counts = itertools.cycle(numbers)
        left = iter(range(looks))

        def count():
            if next(left, None) is None:
                seen.set()
            return next(counts)

        monkeypatch.setattr(spread, "_n_workers", count)
        return seen, cancelled

    monkeypatch.setattr(spread, "ALONE_SECONDS", 0.03)
    monkeypatch.setattr(spread, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(spread, "_cancel", cancelled.set)
    return run


def fail_once(cancelled):
    assert cancelled.wait(60)
    raise RuntimeError("Job 7 was cancelled")


def test_a_job_that_has_no_worker_for_too_long_is_cancelled_and_that_is_told(looked):
    _, cancelled = looked([0], 0)
    said = r"^core.listing_symbols on Spark at .*: no worker for 0.03 s; nothing was written$"
    with pytest.raises(WarehouseError, match=said), spread.told(SYMBOLS, CLUSTER):
        fail_once(cancelled)


def test_a_worker_that_comes_back_in_time_ends_the_wait(looked):
    seen, cancelled = looked([0, 0, 1], 20)
    with spread.told(SYMBOLS, CLUSTER):
        assert seen.wait(60)
    assert not cancelled.is_set()


def test_nothing_is_watched_on_this_machine(looked):
    seen, _ = looked([0], 0)
    with spread.told(SYMBOLS, "local[2]"):
        assert not seen.wait(0.1)
