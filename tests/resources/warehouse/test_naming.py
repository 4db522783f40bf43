"""Whether a path that cannot be a warehouse is refused in one line."""

from __future__ import annotations

import pytest

from resources.warehouse import Warehouse, WarehouseError, files


@pytest.mark.parametrize("name", ["raw", "core", "mart", "meta", "Raw", "CORE", "raw.2025"])
def test_a_file_called_like_a_schema_is_refused(tmp_path, name):
    path = tmp_path / f"{name}.duckdb"
    complaint = f"cannot be called '{name.partition('.')[0]}', that is one of its schemas"
    for open_it in (Warehouse(path=str(path)).reading, Warehouse(path=str(path)).writing):
        with pytest.raises(WarehouseError) as refused, open_it():
            pytest.fail("it was opened")
        assert str(refused.value) == f"{path}: a warehouse file {complaint}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("stem", ["warehouse", "main", "temp", "system", "raw_2025", "a'b c"])
def test_other_names_are_fine(tmp_path, stem):
    with Warehouse(path=str(tmp_path / f"{stem}.duckdb")).writing() as con:
        assert con.execute("FROM raw.price_vintages").fetchall() == []


@pytest.mark.parametrize("content", [b"date,close\n2025-01-27,118.42\n" * 400, b"x"])
def test_a_text_file_that_poses_as_a_warehouse_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "prices.duckdb"
    path.write_bytes(content)
    with pytest.raises(WarehouseError, match="cannot be opened") as refused:
        files.prepare(path)
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{path}: ")
    assert path.read_bytes() == content


def test_a_folder_that_poses_as_a_warehouse_is_refused(tmp_path):
    path = tmp_path / "selloff.duckdb"
    path.mkdir()
    with pytest.raises(WarehouseError, match="cannot be opened"):
        files.prepare(path)


def test_the_folder_of_a_new_warehouse_is_made(tmp_path):
    path = tmp_path / "new" / "folder" / "selloff.duckdb"
    files.prepare(path)
    assert path.is_file()


def test_a_path_in_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    warehouse = Warehouse(path="~/selloff.duckdb")
    assert warehouse.file == tmp_path / "selloff.duckdb"
    assert warehouse.published == tmp_path / "current" / "warehouse.duckdb"
