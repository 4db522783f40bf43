"""What may go after a while: old releases, answers and runs, and what killed processes left.

Nothing is deleted whose name is not one that this project or Dagster gives, and no link is
followed. Rows of the warehouse stay, whatever goes.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from resources.settings import whole_number
from resources.warehouse import WarehouseError, files
from resources.warehouse.releases import KEEP

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dagster as dg

    from resources.warehouse import Warehouse

RUN_DAYS = 90
# A process that still writes has touched its file since: a run takes minutes.
LEFTOVER_DAYS = 1
_RELEASE = re.compile(r"\d{8}T\d{6}\.\d{6}Z", re.ASCII)
_STAGED_RELEASE = re.compile(r"\.\d{8}T\d{6}\.\d{6}Z\.tmp", re.ASCII)
_PAYLOAD = re.compile(r"[0-9a-f]{64}\.gz")
_STAGED_PAYLOAD = re.compile(r"tmp[a-z0-9_]{8}\.part")
_SPILL = re.compile(r"tmp[a-z0-9_]{8}\.parquet")
_SHARD = re.compile(r"[0-9a-f]{2}")
_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RUN_EVENTS = re.compile(_RUN.pattern + r"\.db")
AT_ONCE = 500
_NEVER = datetime.min.replace(tzinfo=UTC)
# When each kept answer last came, and whether a later one answers the same.
_FETCHED = """
SELECT payload_sha256, max(fetched_at), bool_or(is_newest) FROM (
  SELECT payload_sha256, fetched_at, row_number() OVER (
    PARTITION BY asset, source, requested, outcome ORDER BY fetched_at DESC, load_id DESC
  ) = 1 AS is_newest
  FROM raw.fetches WHERE payload_sha256 IS NOT NULL
) GROUP BY payload_sha256
"""


@dataclass(frozen=True)
class Limits:
    """How much is kept.

    Parameters
    ----------
    releases : int
        Releases, the live one among them; at least three.
    payload_days : int, optional
        Days since an answer last came, from which on it may go; None keeps all of them: they are
        the proof of what was delivered.
    run_days : int, optional
        Days since a run of Dagster ended, from which on its record and log may go; None keeps all.
    """

    releases: int = KEEP
    payload_days: int | None = None
    run_days: int | None = RUN_DAYS

    def __post_init__(self) -> None:
        if self.releases < KEEP:
            raise WarehouseError(f"{self.releases} releases: at least {KEEP} are kept")
        for name, days in (("payloads", self.payload_days), ("runs", self.run_days)):
            if days is not None and days < LEFTOVER_DAYS:
                raise WarehouseError(f"{days} days: {name} are kept for at least one day")


@dataclass(frozen=True)
class Removal:
    """One thing that goes.

    Parameters
    ----------
    kind : str
        What it is.
    name : str
        Path below the warehouse's folder, or the id of a run.
    size : int
        Bytes on disk.
    reason : str
        Why it goes, in one line.
    """

    kind: Literal["release", "payload", "run", "leftover"]
    name: str
    size: int
    reason: str


def limits() -> Limits:
    """Return the limits that the environment sets.

    ``SELLOFF_KEEP_RELEASES``, ``SELLOFF_KEEP_PAYLOADS_DAYS``, ``SELLOFF_KEEP_RUNS_DAYS``.

    Raises
    ------
    WarehouseError
        If one of them is no whole number, or less than must be kept.
    """
    try:
        return Limits(
            releases=whole_number("KEEP_RELEASES", KEEP, least=KEEP) or KEEP,
            payload_days=whole_number("KEEP_PAYLOADS_DAYS"),
            run_days=whole_number("KEEP_RUNS_DAYS", RUN_DAYS),
        )
    except ValueError as error:
        raise WarehouseError(str(error)) from None


def plan(
    warehouse: Warehouse,
    instance: dg.DagsterInstance | None,
    *,
    now: datetime,
    limits: Limits,
) -> list[Removal]:
    """Return what `prune` would remove: releases, payloads, runs, leftovers, each by age.

    - Releases beyond the newest, never the live one; none where no release is live.
    - Payloads that last came longer ago than the limit, but never the newest answer to what was
      asked. Their rows in ``raw.fetches`` stay, and with them the hash that proves a copy.
    - Runs that ended longer ago than the limit, with their logs. Those stay that made the newest
      materialization of an asset or of one of its partitions, else Dagster would take it for
      missing and make it again.
    - Files that only a process that no longer runs can have left, after a day.

    Parameters
    ----------
    warehouse : Warehouse
        Its folder is looked through, its core file read under the shared lock.
    instance : dagster.DagsterInstance, optional
        Whose runs may go; None leaves them.
    now : datetime
        Aware.
    limits : Limits
        How much is kept.
    """
    folder = warehouse.file.parent
    found = list(_releases(folder, limits.releases))
    if limits.payload_days is not None:
        found += _payloads(warehouse, now, limits.payload_days)
    if instance is not None and limits.run_days is not None:
        found += [*_runs(instance, now, limits.run_days), *_forgotten_runs(instance, now)]
    return found + list(_leftovers(folder, now))


def prune(
    warehouse: Warehouse,
    instance: dg.DagsterInstance | None,
    *,
    now: datetime,
    limits: Limits,
) -> list[Removal]:
    """Remove what `plan` names; return what went, which is less where another process was faster.

    Parameters as of `plan`.

    Raises
    ------
    WarehouseError
        If something cannot be removed; what stood before it in the plan is gone.
    """
    folder = warehouse.file.parent
    gone: list[Removal] = []
    for each in plan(warehouse, instance, now=now, limits=limits):
        try:
            if each.kind == "run" and instance is not None:
                _delete_run(instance, each.name)
            elif each.kind == "release":
                # A rollback to it may just have happened, or happen now.
                with files.locked(warehouse.file, exclusive=True):
                    if _live(folder) in {None, each.name.rpartition("/")[2]}:
                        continue
                    shutil.rmtree(folder / each.name)
            else:
                _delete(folder / each.name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise WarehouseError(
                f"{each.name}: cannot be removed: {error.strerror}; {len(gone)} before it are gone"
            ) from None
        gone.append(each)
    return gone


def _releases(folder: Path, keep: int) -> Iterator[Removal]:
    """Return the releases beyond those that are kept: the live one and the newest of the rest."""
    if (live := _live(folder)) is None:
        return
    named = [entry.name for entry in _entries(folder / "releases", _RELEASE) if _is_folder(entry)]
    older = sorted(name for name in named if name != live)
    for name in older[: max(len(older) - (keep - 1), 0)]:
        path = folder / "releases" / name
        yield Removal("release", f"releases/{name}", _size(path), f"{keep} newer ones are kept")


def _live(folder: Path) -> str | None:
    """Return the release that readers see, if `current` leads to one of this folder."""
    link = folder / "current"
    target = link.readlink() if link.is_symlink() else Path()
    is_one = target.parent == Path("releases") and _RELEASE.fullmatch(target.name)
    return target.name if is_one and (folder / target).is_dir() else None


def _payloads(warehouse: Warehouse, now: datetime, days: int) -> Iterator[Removal]:
    """Return the answers that came last before the limit, and that a later one stands beside."""
    with warehouse.reading() as con:
        fetched = {name: (at, newest) for name, at, newest in con.execute(_FETCHED).fetchall()}
    before = now - timedelta(days=days)
    for shard in _entries(warehouse.file.parent / "payloads", _SHARD):
        for entry in _entries(Path(shard.path), _PAYLOAD):
            at, is_newest = fetched.get(entry.name.removesuffix(".gz"), (None, False))
            came = max(_modified(entry), at.replace(tzinfo=UTC) if at else _NEVER)
            is_ours = entry.name.startswith(shard.name) and _is_file(entry)
            if came < before and not is_newest and is_ours:
                yield Removal(
                    "payload",
                    f"payloads/{shard.name}/{entry.name}",
                    entry.stat(follow_symlinks=False).st_size,
                    f"last came on {came:%Y-%m-%d}, kept for {days} days",
                )


def _runs(instance: dg.DagsterInstance, now: datetime, days: int) -> Iterator[Removal]:
    """Return the runs that ended before the limit and made nothing that is still the newest."""
    import dagster as dg

    from resources.run_log import files_of

    before = now - timedelta(days=days)
    kind = dg.DagsterRunStatus
    finished = [kind.SUCCESS, kind.FAILURE, kind.CANCELED]
    ended = dg.RunsFilter(statuses=finished, updated_before=before)
    records = instance.get_run_records(filters=ended, ascending=True)
    needed = _newest_runs(instance) if records else set()
    for record in records:
        run_id = record.dagster_run.run_id
        if run_id not in needed and _RUN.fullmatch(run_id):
            yield Removal(
                "run",
                run_id,
                sum(_size(path) for path in files_of(instance, run_id)),
                f"{record.dagster_run.status.value.lower()}, ended before {before:%Y-%m-%d}",
            )


def _forgotten_runs(instance: dg.DagsterInstance, now: datetime) -> Iterator[Removal]:
    """Return the runs of which Dagster knows nothing more but whose event files it left."""
    from resources.run_log import events_folder, files_of

    folder = events_folder(instance)
    if folder is None:
        return
    before = now - timedelta(days=LEFTOVER_DAYS)
    for entry in _entries(folder, _RUN_EVENTS):
        run_id = entry.name.removesuffix(".db")
        if _modified(entry) < before and not instance.has_run(run_id):
            size = sum(_size(path) for path in files_of(instance, run_id))
            yield Removal("run", run_id, size, "deleted from Dagster, its files were left")


def _newest_runs(instance: dg.DagsterInstance) -> set[str]:
    """Return the runs with the newest materialization of an asset or of one of its partitions."""
    import dagster as dg

    needed: set[str] = set()
    for key in instance.all_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        if newest is not None:
            needed.add(newest.run_id)
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        of_partition = instance.event_log_storage.get_latest_storage_id_by_partition(key, kind)
        ids = sorted(of_partition.values())
        for start in range(0, len(ids), AT_ONCE):
            some = dg.AssetRecordsFilter(asset_key=key, storage_ids=ids[start : start + AT_ONCE])
            found = instance.fetch_materializations(some, limit=AT_ONCE)
            needed |= {record.run_id for record in found.records}
    return needed


def _delete_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Delete a run's record and events through Dagster, and the files that it leaves."""
    from resources.run_log import files_of

    left = files_of(instance, run_id)
    instance.delete_run(run_id)
    for path in left:
        _delete(path)


def _leftovers(folder: Path, now: datetime) -> Iterator[Removal]:
    """Return what only a killed process can have left, a day ago or earlier."""
    places = [(folder / "spill", _SPILL), (folder / "releases", _STAGED_RELEASE)]
    shards = _entries(folder / "payloads", _SHARD)
    places += [(Path(shard.path), _STAGED_PAYLOAD) for shard in shards]
    before = now - timedelta(days=LEFTOVER_DAYS)
    for place, pattern in places:
        for entry in _entries(place, pattern):
            at = _modified(entry)
            if at < before:
                name = Path(entry.path).relative_to(folder).as_posix()
                size = _size(Path(entry.path))
                yield Removal("leftover", name, size, f"left on {at:%Y-%m-%d} by a killed process")


def _entries(folder: Path, pattern: re.Pattern[str]) -> list[os.DirEntry[str]]:
    """Return what in a folder bears such a name, by name; links neither lead there nor count."""
    if folder.is_symlink() or not folder.is_dir():
        return []
    found: list[os.DirEntry[str]] = []
    with os.scandir(folder) as entries:
        for each in entries:
            if pattern.fullmatch(each.name) and not each.is_symlink():
                with suppress(FileNotFoundError):  # another process was faster
                    each.stat(follow_symlinks=False)  # kept by the entry
                    found.append(each)
    return sorted(found, key=lambda each: each.name)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _is_file(entry: os.DirEntry[str]) -> bool:
    return entry.is_file(follow_symlinks=False)


def _modified(entry: os.DirEntry[str]) -> datetime:
    """Return when a file was last written."""
    return datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder; links count for nothing."""
    total = 0
    with suppress(FileNotFoundError):  # another process was faster
        if not stat.S_ISDIR(path.lstat().st_mode):
            return path.lstat().st_size
        for each in path.rglob("*"):
            if stat.S_ISREG(each.lstat().st_mode):
                total += each.lstat().st_size
    return total


def _delete(path: Path) -> None:
    """Delete a file, or a folder with what is below it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
