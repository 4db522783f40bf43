"""Whether what is old goes, all else stays, and a dry run says beforehand what will."""

from __future__ import annotations

import hashlib
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from resources import retention
from resources.payloads import Payloads
from resources.retention import Limits
from resources.warehouse import WarehouseError
from warehouse.tables.prices import FETCHES

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
STALE = 40


def ago(days):
    return NOW - timedelta(days=days)


def age(path, days):
    at = ago(days).timestamp()
    os.utime(path, (at, at), follow_symlinks=False)


def names(planned, kind):
    return [each.name for each in planned if each.kind == kind]


# -- releases -------------------------------------------------------------------------------


@pytest.fixture
def releases(folder):
    """Five releases, of which the fourth is live; and what is none."""
    ids = [f"2025050{day}T030000.000000Z" for day in range(1, 6)]
    for release in ids:
        (folder / "releases" / release).mkdir(parents=True)
        (folder / "releases" / release / "warehouse.duckdb").write_bytes(b"x" * 100)
    (folder / "releases" / "mine").mkdir()
    (folder / "current").symlink_to(Path("releases") / ids[3])
    return ids


def test_the_live_release_and_the_newest_of_the_others_are_kept(plan, releases, folder):
    planned = plan()
    assert names(planned, "release") == [f"releases/{release}" for release in releases[:2]]
    assert [each.size for each in planned] == [100, 100]
    kept = sorted(path.name for path in (folder / "releases").iterdir())
    assert kept == [*releases[2:], "mine"]


def test_the_live_release_is_kept_though_it_is_the_oldest(plan, releases, folder):
    (folder / "current").unlink()
    (folder / "current").symlink_to(Path("releases") / releases[0])
    assert names(plan(), "release") == [f"releases/{release}" for release in releases[1:3]]


def test_as_many_as_are_asked_for_are_kept(plan, releases):
    assert names(plan(releases=4), "release") == [f"releases/{releases[0]}"]


@pytest.mark.usefixtures("releases")
def test_where_none_is_live_none_goes(plan, folder):
    (folder / "current").unlink()
    assert plan() == []
    (folder / "current").symlink_to("releases/20240101T000000.000000Z")
    assert plan() == []
    (folder / "current").unlink()
    (folder / "current").symlink_to(folder / "releases" / "mine")
    assert plan() == []


@pytest.mark.usefixtures("releases")
def test_a_link_among_the_releases_is_not_followed(plan, folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    (folder / "releases" / "20240101T000000.000000Z").symlink_to(elsewhere)
    assert len(plan()) == 2
    assert (elsewhere / "precious").exists()


def test_a_release_that_became_live_since_the_plan_stays(warehouse, releases, folder, monkeypatch):
    planned = retention.plan(warehouse, None, now=NOW, limits=Limits())
    assert names(planned, "release") == [f"releases/{release}" for release in releases[:2]]
    (folder / "current").unlink()
    (folder / "current").symlink_to(Path("releases") / releases[0])
    monkeypatch.setattr(retention, "plan", lambda *_given, **_limits: planned)
    gone = retention.prune(warehouse, None, now=NOW, limits=Limits())
    assert names(gone, "release") == [f"releases/{releases[1]}"]
    assert (folder / "current" / "warehouse.duckdb").exists()


# -- payloads -------------------------------------------------------------------------------


@pytest.fixture
def answer(warehouse, folder):
    """Keep an answer that came so many days ago, and note it in raw.fetches unless told not to."""

    def keep(body, days, requested="NVDA", *, is_noted=True, written=None):
        payloads = Payloads(folder / "payloads")
        at = ago(days).replace(tzinfo=None)
        sha256 = payloads.keep(body, request="", client="", fetched_at=at)
        path = folder / "payloads" / sha256[:2] / f"{sha256}.gz"
        age(path, days if written is None else written)
        row = dict.fromkeys(FETCHES.column_names)
        row |= {"load_id": f"{days}/prices", "asset": "prices", "requested": requested}
        row |= {"outcome": "delivered", "n_rows": 1, "n_tries": 1, "source": "yahoo"}
        row |= {"payload_sha256": sha256, "fetched_at": at}
        if is_noted:
            warehouse.record(FETCHES, [tuple(row.values())])
        return f"payloads/{sha256[:2]}/{sha256}.gz"

    return keep


def test_answers_are_kept_for_ever_unless_the_user_says_for_how_long(plan, answer):
    for days in (1, 400, 4000):
        answer(b"%d" % days, days)
    assert plan() == []


def test_an_old_answer_goes_and_its_row_stays(plan, answer, warehouse, folder):
    old, young = answer(b"old", STALE), answer(b"young", 3)
    size = (folder / old).stat().st_size
    (removal,) = plan(payload_days=30)
    assert (removal.kind, removal.name, removal.size) == ("payload", old, size)
    assert removal.reason == "last came on 2025-04-22, kept for 30 days"
    assert (folder / young).exists()
    with warehouse.reading() as con:
        found = con.execute("SELECT payload_sha256 FROM raw.fetches ORDER BY fetched_at").fetchall()
    assert [row[0] for row in found] == [hashlib.sha256(b).hexdigest() for b in (b"old", b"young")]


def test_the_newest_answer_to_each_question_stays_however_old(plan, answer):
    older = answer(b"nvda, older", STALE + 1)
    for ticker in ("NVDA", "AAPL"):
        answer(ticker.encode(), STALE, ticker)
    assert names(plan(payload_days=30), "payload") == [older]


def test_an_answer_that_came_again_is_as_young_as_its_last_coming(plan, answer):
    answer(b"same", STALE, written=STALE)
    answer(b"same", 2, written=STALE)
    answer(b"newest", 1)
    assert plan(payload_days=30) == []


def test_an_answer_that_was_never_landed_goes_by_the_age_of_its_file(plan, answer):
    lost = answer(b"lost", STALE, is_noted=False)
    answer(b"landing", 1, is_noted=False)
    assert names(plan(payload_days=30), "payload") == [lost]


def test_what_is_not_named_as_an_answer_is_left(plan, answer, folder, tmp_path):
    old = answer(b"old", STALE, is_noted=False)
    shard = (folder / old).parent
    for path in (shard / "notes.txt", shard / f"{'a' * 64}.gz.bak", folder / "payloads/mine.gz"):
        path.write_text("mine")
        age(path, STALE)
    wrong_shard = folder / "payloads" / "zz"
    wrong_shard.mkdir()
    shutil.copy2(folder / old, wrong_shard)
    elsewhere = tmp_path / "elsewhere.gz"
    elsewhere.write_text("precious")
    (shard / f"{shard.name}{'0' * 62}.gz").symlink_to(elsewhere)
    (folder / "payloads" / "00").symlink_to(tmp_path)
    assert names(plan(payload_days=30), "payload") == [old]
    assert elsewhere.read_text() == "precious"


def test_a_folder_that_is_a_link_is_not_entered(plan, answer, folder, tmp_path):
    old = answer(b"old", STALE, is_noted=False)
    (folder / "payloads").rename(tmp_path / "archive")
    (folder / "payloads").symlink_to(tmp_path / "archive")
    assert plan(payload_days=30) == []
    assert (folder / old).exists()


# -- leftovers ------------------------------------------------------------------------------


def test_what_killed_processes_left_goes_after_a_day(plan, folder):
    left = [
        "spill/tmpab12_xyz.parquet",
        "releases/.20250501T030000.000000Z.tmp/warehouse.duckdb.part",
        "payloads/ab/tmpab12_xyz.part",
    ]
    for name in left:
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_bytes(b"12345")
    assert plan() == []
    for name in left:
        age(folder / name, 2)
    age((folder / left[1]).parent, 2)
    planned = plan()
    assert names(planned, "leftover") == [left[0], left[1].rpartition("/")[0], left[2]]
    assert [each.size for each in planned] == [5, 5, 5]


def test_what_is_no_leftover_by_name_is_left(plan, folder):
    for name in ("spill/prices.parquet", "spill/tmp.parquet.keep", "releases/.mine.tmp", "x.part"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
        age(folder / name, 900)
    assert plan() == []


def test_what_cannot_be_removed_is_one_clear_line(warehouse, folder, monkeypatch):
    path = folder / "spill" / "tmpab12_xyz.parquet"
    path.parent.mkdir()
    path.write_text("x")
    age(path, 2)

    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(WarehouseError, match=r"^spill/tmpab12_xyz.parquet: cannot be removed: P"):
        retention.prune(warehouse, None, now=NOW, limits=Limits())


# -- limits ---------------------------------------------------------------------------------


def test_the_environment_sets_the_limits(monkeypatch):
    for name in ("RELEASES", "PAYLOADS_DAYS", "RUNS_DAYS"):
        monkeypatch.delenv(f"SELLOFF_KEEP_{name}", raising=False)
    assert retention.limits() == Limits(releases=3, payload_days=None, run_days=90)
    monkeypatch.setenv("SELLOFF_KEEP_RELEASES", "5")
    monkeypatch.setenv("SELLOFF_KEEP_PAYLOADS_DAYS", "365")
    monkeypatch.setenv("SELLOFF_KEEP_RUNS_DAYS", " 30 ")
    assert retention.limits() == Limits(releases=5, payload_days=365, run_days=30)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("RELEASES", "2", "SELLOFF_KEEP_RELEASES=2: at least 3"),
        ("PAYLOADS_DAYS", "0", "SELLOFF_KEEP_PAYLOADS_DAYS=0: at least 1"),
        ("RUNS_DAYS", "a month", "SELLOFF_KEEP_RUNS_DAYS='a month' is not a whole number"),
        ("RUNS_DAYS", "-1", "SELLOFF_KEEP_RUNS_DAYS='-1' is not a whole number"),
    ],
)
def test_a_limit_that_would_delete_too_much_is_refused(monkeypatch, name, value, said):
    monkeypatch.setenv(f"SELLOFF_KEEP_{name}", value)
    with pytest.raises(WarehouseError, match=said):
        retention.limits()


def test_a_fresh_warehouse_has_nothing_to_lose(plan):
    assert plan(payload_days=1) == []
