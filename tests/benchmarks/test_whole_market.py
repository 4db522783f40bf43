"""The tables of the whole market say what was measured, and its limits are of this machine."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import market_model, whole_market


def test_the_panel_is_the_sum_of_its_steps_and_the_highest_of_their_peaks():
    steps = {name: [2.0, 1.5, 100.0 + place] for place, name in enumerate(whole_market.PANEL)}
    last = whole_market.table({"raw__price_vintages": [50.0, 40.0, 900.0], **steps}).splitlines()
    assert last[2] == "| raw.price_vintages | 50.0 | 40.0 | 900 |"
    assert last[-1] == "| panel | 14.0 | 10.5 | 106 |"


def test_limits_are_seconds_and_bytes_a_second(tmp_path):
    names = ("close", "volume", "market_cap", "date")
    table = pa.table({**{name: [1.0, 2.0] for name in names}, "symbol": ["A", "B"]})
    pq.write_table(table, tmp_path / "bars_00.parquet")
    found = whole_market.limits(tmp_path)
    assert re.fullmatch(r"\d+\.\d s wall, \d+\.\d CPU s", found["Parquet scan"])
    assert re.fullmatch(r"\d+\.\d GB/s", found["memory"])


def test_the_panel_of_the_market_model_is_seeded_and_lies_in_order(tmp_path):
    first, _ = market_model.make(tmp_path, 7, 250)
    rows = pq.read_table(first).to_pandas()
    again, market = market_model.make(tmp_path, 7, 250)
    assert rows.equals(pq.read_table(again).to_pandas())
    keys = rows[["session_date", "listing_id"]]
    assert keys.equals(keys.sort_values(["session_date", "listing_id"]))
    assert (len(rows), rows["listing_id"].nunique(), rows["session_date"].nunique()) == (
        1750,
        7,
        250,
    )
    levels = pq.read_table(market).to_pandas().set_index("session_date")["log_level"]
    one = rows[rows["listing_id"] == "FILE:Q00003"].set_index("session_date")["close"]
    assert np.corrcoef(np.log(one).diff().iloc[1:], levels.diff().iloc[1:])[0, 1] > 0.1


def test_a_way_that_cannot_be_run_is_said_and_not_timed(tmp_path, capsys):
    assert market_model.run("import nothing_of_that_name", tmp_path, tmp_path, tmp_path) is None
    assert "No module named 'nothing_of_that_name'" in capsys.readouterr().out
