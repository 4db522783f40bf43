"""A warehouse whose folder fills up, and a clock that stands still."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from resources import retention
from resources.retention import Limits
from resources.warehouse import Warehouse, files

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def now():
    return NOW


@pytest.fixture(scope="module")
def blank(tmp_path_factory):
    path = tmp_path_factory.mktemp("blank") / "blank.duckdb"
    files.prepare(path)
    return path


@pytest.fixture
def warehouse(tmp_path, blank):
    home = tmp_path / "warehouse"
    home.mkdir()
    shutil.copyfile(blank, home / "selloff.duckdb")
    return Warehouse(path=str(home / "selloff.duckdb"))


@pytest.fixture
def folder(warehouse):
    return warehouse.file.parent


@pytest.fixture
def plan(warehouse):
    """Plan and prune; whoever plans changes nothing, and what was planned goes."""

    def run(instance=None, **limits):
        given = {"now": NOW, "limits": Limits(**limits)}
        before = everything(warehouse.file.parent)
        planned = retention.plan(warehouse, instance, **given)
        assert everything(warehouse.file.parent) == before
        assert retention.prune(warehouse, instance, **given) == planned
        assert retention.plan(warehouse, instance, **given) == []
        return planned

    return run


def everything(folder):
    found = (path for path in folder.rglob("*") if path.suffix != ".lock")
    return sorted(path.relative_to(folder).as_posix() for path in found)
