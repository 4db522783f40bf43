"""The commands that take something out or away: exports, and what retention lets go."""

from __future__ import annotations

import json
import os
from zipfile import ZipFile

import pytest

LIVE = "20250202T070000.000000Z"


def test_an_event_is_exported_as_a_workbook(kept, tmp_path):
    path = tmp_path / "event.xlsx"
    result = kept("export", "--event", "2025-01-27", "--excel", path)
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == str(path)
    with ZipFile(path) as book:
        assert "xl/workbook.xml" in book.namelist()
        text = book.read("xl/worksheets/sheet1.xml").decode()
    assert "sector-us-2025-01-27" in text
    assert LIVE in text


def test_a_release_is_exported_as_a_workbook_and_as_a_lake_at_once(kept, tmp_path):
    result = kept(
        *("export", "--excel", tmp_path / "all.xlsx", "--parquet", tmp_path / "lake", "--json")
    )
    written = [row["path"] for row in json.loads(result.stdout)]
    assert written == [str(tmp_path / "all.xlsx"), str(tmp_path / "lake" / LIVE)]
    events = tmp_path / "lake" / LIVE / "mart" / "selloff_events"
    assert list(events.glob("*.parquet"))


def test_an_event_is_exported_as_parquet_with_nothing_of_another(kept, tmp_path):
    import pyarrow.dataset as ds

    result = kept("export", "--event", "2025-01-27", "--parquet", tmp_path / "events")
    target = tmp_path / "events" / f"{LIVE}-sector-us-2025-01-27"
    assert result.stdout.strip() == str(target)
    manifest = json.loads((target / "_manifest.json").read_text())
    assert "mart.selloff_metrics" in {each["table"] for each in manifest["tables"]}
    rows = ds.dataset(target / "mart" / "selloff_events").to_table().to_pylist()
    assert [(row["event_id"], row["market_return"]) for row in rows] == [
        ("sector-us-2025-01-27", -0.02)
    ]


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        ((), "name what to write: --excel FILE.xlsx or --parquet FOLDER"),
        (("--event", "2020-01-01", "--excel", "x.xlsx"), "no sell-off on 2020-01-01; the nearest"),
        (("--excel", "event.xls"), "the name of a workbook ends in .xlsx"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_one_line(kept, arguments, cause):
    result = kept("export", *arguments)
    assert result.exit_code == 1
    assert cause in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_nothing_is_deleted_before_one_is_sure(kept, tmp_path):
    spill = tmp_path / "spill"
    spill.mkdir(exist_ok=True)
    leftover = spill / "tmpabcd1234.parquet"
    leftover.write_bytes(b"x" * 100)
    os.utime(leftover, (0, 0))
    (row,) = json.loads(kept("prune", "--json").stdout)
    assert (row["what"], row["name"], row["bytes"]) == (
        "leftover",
        "spill/tmpabcd1234.parquet",
        100,
    )
    assert "nothing was; --yes does it" in kept("prune").stdout
    assert leftover.exists()
    assert "1 things, 0.0 MB deleted" in kept("prune", "--yes").stdout
    assert not leftover.exists()


def test_a_wrong_limit_is_one_line(kept, monkeypatch):
    # The command's settings are made anew; this one is read when it is asked for.
    monkeypatch.setattr(
        "resources.settings.env", lambda name, default="": "many" if "KEEP" in name else default
    )
    result = kept("prune")
    assert result.exit_code == 1
    assert "SELLOFF_KEEP_RELEASES='many' is not a whole number" in result.stderr
