"""Whether readers ever notice a publisher, what a killed one loses, what a release and a day cost.

python benchmarks/publish.py                                        all cases (ten minutes, 4 GB)
python benchmarks/publish.py --seconds 5 --kills 3 --rows 1000000   the same in small
python benchmarks/publish.py copy upsert                            some of them
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import multiprocessing.sharedctypes
import os
import random
import shutil
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _records import limit, tell
from _releasing import (
    day_of,
    fill,
    now,
    read,
    read_until,
    released,
    version_of,
    write,
    write_and_publish,
)

from resources.batch import Days
from resources.warehouse import Warehouse, files, writing
from warehouse.tables.prices import DAILY_PRICES

if TYPE_CHECKING:
    from collections.abc import Callable

N_READERS = 3
CONTEXT = multiprocessing.get_context("spawn")
# Readers loop over a file of the size of a real warehouse, not of the large one.
READ_ROWS = 2_000_000


def total(found: list[dict[str, int]]) -> str:
    """Return what several readers saw, in one line."""
    return ", ".join(f"{name} {sum(each[name] for each in found):,}" for name in found[0])


def told(what: str, found: list[dict[str, int]]) -> None:
    """Put on record how many reads went wrong in any way."""
    reads = sum(each["reads"] for each in found)
    wrong = sum(sum(each.values()) for each in found) - reads
    tell(f"{what}, {reads:,} reads: failed, inconsistent, backwards, stale", wrong, "reads", goal=0)


class Readers:
    """Three processes that read until the block ends; what they saw is in `found`."""

    def __init__(self, path: str, said: Any) -> None:
        self.found: list[dict[str, int]] = []
        self._stop, self._answers = CONTEXT.Event(), CONTEXT.Queue()
        self._processes = [
            CONTEXT.Process(target=read_until, args=(path, said, self._stop, self._answers))
            for _ in range(N_READERS)
        ]

    def __enter__(self) -> None:
        for process in self._processes:
            process.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.found += [self._answers.get(timeout=60) for _ in self._processes]
        for process in self._processes:
            process.join()


def first_release(path: str, n_rows: int) -> Any:
    """Make a warehouse with version 1 published; return where its writer says what it has done."""
    fill(Path(path), min(n_rows // 25, READ_ROWS))
    said = multiprocessing.sharedctypes.RawArray(ctypes.c_long, 2)
    write(path, 1)
    Warehouse(path=path).publish(run_id="run1", is_backfill=False, now=now())
    said[0] = said[1] = 1
    return said


def processes(home: Path, options: argparse.Namespace) -> None:
    """Loop three processes that read while a fourth writes and publishes."""
    path = str(home / "selloff.duckdb")
    said = first_release(path, options.rows)
    readers = Readers(path, said)
    with readers:
        write_and_publish(path, said, seconds=options.seconds)
    size = Path(path).stat().st_size / 2**20
    print(f"three processes, {size:.0f} MB, {said[1]} releases: {total(readers.found)}")
    told(f"three reading processes, {said[1]} releases", readers.found)


def threads(home: Path, options: argparse.Namespace) -> None:
    """Loop three threads of one process that read while another process writes and publishes."""
    path = str(home / "selloff.duckdb")
    said = first_release(path, options.rows)
    found: list[dict[str, int]] = []
    stop = threading.Event()
    readers = [
        threading.Thread(target=lambda: found.append(asdict(read(path, said, stop.is_set))))
        for _ in range(N_READERS)
    ]
    # The numbers are in shared memory, which only a forked or spawned child of ours can reach.
    keywords = {"seconds": options.seconds}
    writer = CONTEXT.Process(target=write_and_publish, args=(path, said), kwargs=keywords)
    writer.start()
    for reader in readers:
        reader.start()
    writer.join()
    stop.set()
    for reader in readers:
        reader.join()
    print(f"three threads, {said[1]} releases: {total(found)}")
    told(f"three reading threads, {said[1]} releases", found)


# -- kill -9 -------------------------------------------------------------------------------------


def kills(home: Path, options: argparse.Namespace) -> None:
    """Kill the writer and publisher at random moments, with readers looping beside it."""
    path = str(home / "selloff.duckdb")
    said = first_release(path, options.rows)
    dice = random.Random(20250127)  # noqa: S311 - moments, not secrets
    lost, torn, leftovers = 0, 0, 0
    readers = Readers(path, said)
    with readers:
        for _ in range(options.kills):
            before = said[1]
            writer = CONTEXT.Process(target=write_and_publish, args=(path, said))
            writer.start()
            while said[1] == before and writer.is_alive():
                time.sleep(0.01)
            time.sleep(dice.uniform(0, 1))
            writer.kill()
            writer.join()
            committed, published = said
            leftovers += len(list((home / "releases").glob(".*")))
            version, is_whole = released(path)
            torn += not is_whole
            lost += version < published or version_of(path) < committed
    Warehouse(path=path).publish(run_id="last", is_backfill=False, now=now())
    left = len(list((home / "releases").glob(".*")))
    print(f"{options.kills} kills, {said[0]} versions: lost {lost}, releases torn {torn}")
    print(f"half-made releases left by kills {leftovers}, after the next publish {left}")
    print(f"three processes beside them: {total(readers.found)}")
    tell(f"{options.kills} kills: versions lost or torn", lost + torn, "versions", goal=0)
    told(f"three reading processes beside {options.kills} kills", readers.found)


# -- what a release costs ------------------------------------------------------------------------


def copy(home: Path, options: argparse.Namespace) -> None:
    """Publish a large file and copy the same file plainly, in turns, each in a fresh process."""
    path = home / "large" / "selloff.duckdb"
    in_child(make_large, path, options.rows)
    took: dict[str, list[tuple[float, float]]] = {"publish": [], "copy": []}
    for _ in range(5):
        for name, work in (("publish", publish), ("copy", plain_copy)):
            took[name].append(in_child(work, path))
    size = path.stat().st_size / 2**20
    for name, runs in took.items():
        seconds = ", ".join(f"{each:.2f}" for each, _ in runs)
        print(f"{name} {size:.0f} MB: {seconds} s, {max(mb for _, mb in runs):.0f} MB above before")
    ours, theirs = (statistics.median(each for each, _ in took[name]) for name in took)
    print(f"ratio {ours / theirs:.2f} (limit 2; memory 200 MB)")
    above = max(mb for _, mb in took["publish"])
    tell(f"publish {size:,.0f} MB", ours, "s", limit("copy and fsync", theirs, 2))
    tell("its peak memory above before", above, "MB", goal=200)


def make_large(path: Path, n_rows: int) -> None:
    """Write the history once, for the copying and for the upsert."""
    if not path.exists():
        fill(path, n_rows)


def publish(path: Path) -> tuple[float, float]:
    """Publish once; return seconds and the peak memory in MB above what was held before."""
    warehouse = Warehouse(path=str(path))
    with warehouse.reading() as con:  # what a run has loaded when it comes to publish
        con.execute("SELECT count(*) FROM core.daily_prices").fetchall()
    return timed(lambda: warehouse.publish(run_id="run", is_backfill=False, now=now()))


def plain_copy(path: Path) -> tuple[float, float]:
    """Copy the file and bring the copy to disk."""
    target = path.with_name("plain.copy")

    def work() -> None:
        shutil.copyfile(path, target)
        handle = os.open(target, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)

    try:
        return timed(work)
    finally:
        target.unlink()


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that something takes, and its peak memory in MB above the present."""
    os.sync()
    before = memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # forgets the peak so far
    started = time.monotonic()
    work()
    return time.monotonic() - started, memory("VmHWM") - before


def memory(what: str) -> float:
    """Return a figure of this process in MB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


# -- a day into 50 million rows ------------------------------------------------------------------


def upsert(home: Path, options: argparse.Namespace) -> None:
    """Replace one session of the whole universe: the newest, one of long ago, one that is new."""
    path = home / "large" / "selloff.duckdb"
    in_child(make_large, path, options.rows)
    found = in_child(upsert_days, path)
    for name, seconds in found.items():
        took = statistics.median(seconds)
        print(f"{name}: {took:.3f} CPU s, worst {max(seconds):.3f}")
        tell(f"a day of 10,000 bars into {options.rows:,}: {name}", took, "CPU s", goal=0.05)
    print("(limit 0.05)")


def upsert_days(path: Path) -> dict[str, list[float]]:
    """Return the CPU seconds of each `replace`, seven times with other figures each."""
    with files.opened(path, read_only=False) as con:
        ((first, last),) = con.execute(
            "SELECT min(session_date), max(session_date) FROM core.daily_prices"
        ).fetchall()
        middle = first + (last - first) / 2
        ((middle,),) = con.execute(
            "SELECT max(session_date) FROM core.daily_prices WHERE session_date <= ?", [middle]
        ).fetchall()
        found: dict[str, list[float]] = {"newest": [], "long ago": [], "unchanged": [], "new": []}
        for turn in range(7):
            new = date(2025, 2, 3 + turn)
            for name, day, close in (
                ("newest", last, 10.0 + turn),
                ("long ago", middle, 10.0 + turn),
                ("unchanged", middle, 10.0 + turn),
                ("new", new, 10.0),
            ):
                con.register("computed", day_of(day, close))
                started = time.process_time()
                writing.replace(
                    con, DAILY_PRICES, days=Days(day, day), inputs={}, run_id="run", now=now()
                )
                found[name].append(time.process_time() - started)
                con.unregister("computed")
        return found


def in_child(work: Callable[..., Any], *arguments: object) -> Any:
    """Return what a function returns in a fresh process."""
    with CONTEXT.Pool(1) as pool:
        return pool.apply(work, arguments)


CASES = {
    "processes": processes,
    "threads": threads,
    "kills": kills,
    "copy": copy,
    "upsert": upsert,
}


def main() -> None:
    """Run the cases, each in a folder of its own under TMPDIR; copying and upsert share one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], default=[])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=25)
    parser.add_argument("--rows", type=int, default=50_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as shared:
        for name in options.cases or CASES:
            home = Path(shared) / ("both" if name in {"copy", "upsert"} else name)
            home.mkdir(exist_ok=True)
            CASES[name](home, options)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
