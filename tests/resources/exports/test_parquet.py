"""Whether the lake holds what the release holds, in types every engine reads, for ever the same."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from contextlib import closing
from datetime import date, datetime

import duckdb
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from resources.exports import parquet
from resources.warehouse import WarehouseError
from warehouse.tables import TABLES
from warehouse.tables.prices import DAILY_PRICES

RELEASE = "20250128T030000.000000Z"
EXPORTED = [table for table in TABLES if table.layer in {"core", "mart"}]


@pytest.fixture
def bars(release):
    """Add bars of two more years, in no order."""
    for day in ("2024-12-31", "2023-01-02", "2024-01-02"):
        for listing in ("XNAS:NVDA", "XETR:SAP.DE"):
            release.put(
                DAILY_PRICES,
                listing_id=listing,
                session_date=date.fromisoformat(day),
                close=41.125,
                volume=None,
                as_of=datetime.fromisoformat("2025-01-28T02:30:00.123456"),
            )
    return release


@pytest.fixture
def lake(bars, tmp_path):
    return parquet.write_lake(bars.con, tmp_path / "lake")


@pytest.fixture
def manifest(lake):
    return json.loads((lake / "_manifest.json").read_text(encoding="utf-8"))


def prices(con):
    return con.execute("FROM core.daily_prices ORDER BY listing_id, session_date").fetchall()


def everything(folder):
    """Return every file below a folder with its bytes and when it was written."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_partitioned_table_has_a_file_per_year_any_other_one(lake):
    names = sorted(path.relative_to(lake).as_posix() for path in lake.rglob("*.parquet"))
    assert [name for name in names if name.startswith("core/daily_prices/")] == [
        "core/daily_prices/session_year=2023/part-0.parquet",
        "core/daily_prices/session_year=2024/part-0.parquet",
        "core/daily_prices/session_year=2025/part-0.parquet",
    ]
    assert "mart/selloff_events/part-0.parquet" in names
    assert len({name.rpartition("/")[0].partition("/session_year")[0] for name in names}) == len(
        EXPORTED
    )


def test_arrow_reads_the_rows_of_the_release(lake, bars):
    found = ds.dataset(lake / "core/daily_prices", format="parquet", partitioning="hive")
    table = found.to_table(columns=list(DAILY_PRICES.column_names))
    rows = [tuple(row.values()) for row in table.to_pylist()]
    assert sorted(rows, key=lambda row: (row[0], row[2])) == prices(bars.con)
    assert len(rows) == 9
    of_2024 = found.to_table(filter=ds.field("session_year") == 2024)
    assert of_2024.num_rows == 4


def test_duckdb_reads_the_rows_and_types_of_every_table(lake, bars):
    with closing(duckdb.connect()) as con:
        for table in EXPORTED:
            source = f"read_parquet('{lake}/{table.layer}/{table.name}/**/*.parquet')"
            names = ", ".join(table.column_names)
            order = ", ".join(table.grain)
            found = con.execute(f"SELECT {names} FROM {source} ORDER BY {order}").fetchall()
            sql = f"SELECT {names} FROM {table.qualified} ORDER BY {order}"
            assert repr(found) == repr(bars.con.execute(sql).fetchall())  # NaN is not NaN
            types = con.execute(f"DESCRIBE SELECT {names} FROM {source}").fetchall()
            assert [row[1] for row in types] == [column.type for column in table.columns]


def test_ibis_reads_the_lake_as_a_scale_out_engine_would(lake):
    import ibis

    with closing(duckdb.connect()) as raw:
        con = ibis.duckdb.from_connection(raw)
        bars = con.read_parquet(f"{lake}/core/daily_prices/**/*.parquet", hive_partitioning=True)
        years = bars.group_by("session_year").agg(n=bars.count()).order_by("session_year")
        assert [tuple(row) for row in years.to_pyarrow().to_pandas().to_numpy()] == [
            (2023, 2),
            (2024, 4),
            (2025, 3),
        ]


def test_no_type_is_one_that_spark_cannot_read(lake):
    """Spark 3.4 has no unsigned, 128-bit or nanosecond types: docs, "Parquet files"."""
    kinds = {str(field.type) for path in lake.rglob("*.parquet") for field in pq.read_schema(path)}
    assert kinds == {"bool", "date32[day]", "double", "int64", "string", "timestamp[us]"}
    (path, *_) = sorted((lake / "core/daily_prices").rglob("*.parquet"))
    meta = pq.ParquetFile(path).metadata
    as_of = pq.ParquetFile(path).schema.column(DAILY_PRICES.column_names.index("as_of"))
    assert as_of.physical_type == "INT64"
    assert '"isAdjustedToUTC": false' in as_of.logical_type.to_json().replace(":false", ": false")
    assert meta.row_group(0).column(0).compression == "ZSTD"


def test_rows_lie_in_the_order_of_the_grain(lake):
    table = pq.read_table(lake / "core/daily_prices/session_year=2024/part-0.parquet")
    keys = list(zip(*(table[name].to_pylist() for name in DAILY_PRICES.grain), strict=True))
    assert keys == [
        ("XETR:SAP.DE", date(2024, 1, 2)),
        ("XETR:SAP.DE", date(2024, 12, 31)),
        ("XNAS:NVDA", date(2024, 1, 2)),
        ("XNAS:NVDA", date(2024, 12, 31)),
    ]


def test_the_manifest_names_release_vintage_and_code(manifest):
    del manifest["tables"]
    assert manifest == {
        "format": 1,
        "release_id": RELEASE,
        "published_at": "2025-01-28T03:00:00Z",
        "as_of": "2025-01-28T12:00:00Z",
        "code_version": "abc123",
        "duckdb_version": "",
        "kind": None,
    }


def test_the_manifest_tells_contracts_units_and_rows(manifest):
    assert [each["table"] for each in manifest["tables"]] == [table.qualified for table in EXPORTED]
    (told,) = (each for each in manifest["tables"] if each["table"] == "core.daily_prices")
    assert told["rows"] == 9
    assert [each["rows"] for each in told["files"]] == [2, 4, 3]
    assert told["grain"] == ["listing_id", "session_date"]
    assert told["partition"] == "session_date"
    assert told["contract_hash"] == DAILY_PRICES.hash
    (close,) = (each for each in told["columns"] if each["name"] == "close")
    assert (close["type"], close["unit"], close["nullable"]) == (
        "DOUBLE",
        "currency per share",
        False,
    )


def test_the_manifest_proves_every_file(lake, manifest):
    told = {each["path"]: each for table in manifest["tables"] for each in table["files"]}
    found = {path.relative_to(lake).as_posix(): path for path in lake.rglob("*.parquet")}
    assert told.keys() == found.keys()
    for name, path in found.items():
        assert told[name]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
        assert told[name]["bytes"] == path.stat().st_size


def test_an_empty_table_keeps_its_columns(release, tmp_path):
    release.con.execute("DELETE FROM core.daily_prices")
    lake = parquet.write_lake(release.con, tmp_path)
    empty = pq.read_table(lake / "core/daily_prices/part-0.parquet")
    assert empty.num_rows == 0
    assert tuple(empty.column_names) == DAILY_PRICES.column_names


def test_a_second_export_of_a_release_changes_nothing(lake, bars):
    before = everything(lake)
    assert parquet.write_lake(bars.con, lake.parent) == lake
    assert everything(lake) == before


def test_the_same_release_gives_the_same_bytes_elsewhere(lake, bars, tmp_path):
    again = parquet.write_lake(bars.con, tmp_path / "again")
    assert {name: body for name, (body, _) in everything(again).items()} == {
        name: body for name, (body, _) in everything(lake).items()
    }


def test_releases_lie_beside_each_other(lake, bars):
    bars.con.execute("DELETE FROM core.daily_prices WHERE year(session_date) = 2023")
    bars.con.execute(
        "INSERT INTO meta.releases SELECT * REPLACE ('20250129T030000.000000Z' AS release_id) "
        "FROM meta.releases LIMIT 1"
    )
    later = parquet.write_lake(bars.con, lake.parent)
    assert later == lake.parent / "20250129T030000.000000Z"
    assert (lake / "core/daily_prices/session_year=2023/part-0.parquet").exists()
    assert not (later / "core/daily_prices/session_year=2023").exists()


def test_other_layers_of_the_same_release_need_another_folder(lake, bars, tmp_path):
    with pytest.raises(WarehouseError, match=f"{RELEASE}: already there with other tables"):
        parquet.write_lake(bars.con, lake.parent, ("raw",))
    raw = parquet.write_lake(bars.con, tmp_path / "raw", ("raw", "meta"))
    assert sorted(path.name for path in raw.iterdir()) == ["_manifest.json", "meta", "raw"]


def test_a_folder_of_that_name_that_is_no_lake_is_left_alone(bars, tmp_path):
    (tmp_path / RELEASE).mkdir()
    (tmp_path / RELEASE / "mine.txt").write_text("mine")
    with pytest.raises(WarehouseError, match="not a release of a lake, it has no manifest"):
        parquet.write_lake(bars.con, tmp_path)
    assert (tmp_path / RELEASE / "mine.txt").read_text() == "mine"


def test_a_layer_that_is_none_is_named(bars, tmp_path):
    with pytest.raises(WarehouseError, match=r"no such layer: \.\./core"):
        parquet.write_lake(bars.con, tmp_path, ("mart", "../core"))


def test_a_release_with_the_name_of_another_place_is_refused(bars, tmp_path):
    bars.con.execute("UPDATE meta.releases SET release_id = '../../elsewhere'")
    with pytest.raises(WarehouseError, match="is not the name of a release"):
        parquet.write_lake(bars.con, tmp_path)


def test_what_a_killed_export_left_is_cleared(bars, tmp_path):
    leftover = tmp_path / f".{RELEASE}.tmp" / "core"
    leftover.mkdir(parents=True)
    (leftover / "half.parquet").write_bytes(b"half")
    lake = parquet.write_lake(bars.con, tmp_path)
    assert not leftover.exists()
    assert not list(lake.rglob("half.parquet"))


def test_a_full_disk_leaves_nothing(bars, tmp_path, monkeypatch):
    def full(*_given, **_named):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(WarehouseError, match=f"{RELEASE}: cannot be written: No space left"):
        parquet.write_lake(bars.con, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".lake.lock"]


def test_a_place_where_nothing_can_be_written_is_one_clear_line(bars, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WarehouseError, match=r"file/\S+: cannot be written: File exists"):
        parquet.write_lake(bars.con, tmp_path / "file")


def test_a_hardened_reader_suffices(release, tmp_path):
    """It may neither write files nor be told to: the rows pass through this process."""
    path = tmp_path / "warehouse.duckdb"
    release.con.execute(f"ATTACH '{path}' AS kept")
    release.con.execute("COPY FROM DATABASE memory TO kept")
    release.con.execute("DETACH kept")
    config = {"enable_external_access": "false", "lock_configuration": "true"}
    with closing(duckdb.connect(str(path), read_only=True, config=config)) as con:
        lake = parquet.write_lake(con, tmp_path / "lake")
        with pytest.raises(duckdb.Error):
            con.execute(f"COPY core.daily_prices TO '{tmp_path}/stolen.parquet'")
    assert pq.read_table(lake / "core/daily_prices/session_year=2025").num_rows == 3


def test_a_large_table_comes_in_row_groups_and_is_never_held_whole(bars, tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "BATCH_ROWS", 2048)
    monkeypatch.setattr(parquet, "GROUP_ROWS", 4096)
    bars.con.execute(
        "INSERT INTO core.daily_prices BY NAME SELECT * EXCLUDE (i) "
        "REPLACE ('XNAS:' || i AS listing_id) "
        "FROM (SELECT * FROM core.daily_prices LIMIT 1), range(10_000) AS many(i)"
    )
    lake = parquet.write_lake(bars.con, tmp_path)
    path = max(
        (lake / "core/daily_prices").rglob("*.parquet"), key=lambda each: each.stat().st_size
    )
    meta = pq.ParquetFile(path).metadata
    sizes = [meta.row_group(at).num_rows for at in range(meta.num_row_groups)]
    assert sum(sizes) > 10_000
    assert max(sizes) <= 2 * 4096
    assert len(sizes) >= 2


def _export(folder, path, answers):
    with closing(duckdb.connect(str(path), read_only=True)) as con:
        answers.put(str(parquet.write_lake(con, folder)))


def test_two_exports_at_once_give_one_lake(release, tmp_path):
    path = tmp_path / "warehouse.duckdb"
    release.con.execute(f"ATTACH '{path}' AS kept")
    release.con.execute("COPY FROM DATABASE memory TO kept")
    release.con.execute("DETACH kept")
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    workers = [
        context.Process(target=_export, args=(tmp_path / "lake", path, answers)) for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    said = {answers.get(timeout=60) for _ in workers}
    for worker in workers:
        worker.join(60)
    assert said == {str(tmp_path / "lake" / RELEASE)}
    assert [worker.exitcode for worker in workers] == [0, 0]
    left = {each.name for each in (tmp_path / "lake").iterdir()}
    assert left - {".lake.waiting"} == {".lake.lock", RELEASE}  # one may have waited for the other


def test_a_release_of_an_older_schema_is_not_described_by_this_one(bars, tmp_path):
    for table in EXPORTED[:4]:
        bars.con.execute(
            "INSERT INTO meta.contracts VALUES (?, 'another', now()::TIMESTAMP)", [table.qualified]
        )
    with pytest.raises(WarehouseError, match=r"older schema \(.+, .+, .+ \.\.\.\): export it with"):
        parquet.write_lake(bars.con, tmp_path)
    assert list(tmp_path.iterdir()) == []
