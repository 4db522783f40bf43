"""Whether the files of the dashboard fit each other, the views and the rules of a reader."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
import yaml

from resources.warehouse import readers
from resources.warehouse.files import opened
from warehouse.views import read

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "dashboards" / "superset"


def loaded(kind):
    """Return the files of a kind by their names."""
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in sorted((FOLDER / kind).rglob("*.yaml"))
    }


DATABASE = loaded("databases")["selloff"]
DATASETS = loaded("datasets")
CHARTS = loaded("charts")
(DASHBOARD,) = loaded("dashboards").values()
BY_UUID = {dataset["uuid"]: dataset for dataset in DATASETS.values()}
TILES = [tile for key, tile in DASHBOARD["position"].items() if key.startswith("CHART")]


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """The columns of every view with their types."""
    path = tmp_path_factory.mktemp("warehouse") / "selloff.duckdb"
    with opened(path, read_only=True) as con:
        return {
            view.name: {row[0]: row[1] for row in con.execute(f"DESCRIBE {view.name}").fetchall()}
            for view in read()
        }


def used(params):
    """Return the columns that a chart names outside its metrics."""
    single = [params.get(key) for key in ("x_axis", "timeseries_limit_metric", "x_axis_sort")]
    grouped = params.get("groupby") or []
    several = [*(params.get("all_columns") or [])]
    several += [grouped] if isinstance(grouped, str) else grouped
    ordered = [json.loads(each)[0] for each in params.get("order_by_cols") or []]
    filtered = [each["subject"] for each in params["adhoc_filters"]]
    return {each for each in (*single, *several, *ordered, *filtered) if each}


# -- the database ---------------------------------------------------------------------------


def test_superset_connects_as_every_reader_does():
    given = DATABASE["extra"]["engine_params"]["connect_args"]
    assert given["read_only"] is True
    assert given["config"].keys() == readers.configuration().keys()
    hardened = {"enable_external_access": "false", "lock_configuration": "true"}
    assert hardened.items() <= given["config"].items()
    allowed = [name for name, value in DATABASE.items() if name.startswith("allow") and value]
    assert allowed == []


def test_a_reader_with_that_configuration_is_stopped_when_it_takes_too_long(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    duckdb.connect(str(path)).close()
    given = DATABASE["extra"]["engine_params"]["connect_args"]
    limited = {**given["config"], "max_execution_time": "50"}
    with closing(duckdb.connect(str(path), read_only=True, config=limited)) as con:
        sql = "SELECT sum(a.range * b.range) FROM range(1000000) AS a, range(1000000) AS b"
        with pytest.raises(duckdb.InterruptException, match="maximum execution time"):
            con.execute(sql).fetchall()


def test_the_place_of_the_release_is_filled_in_at_the_import():
    assert DATABASE["sqlalchemy_uri"] == "duckdb:///{{ release }}"
    assert "{{ release }}" in (ROOT / "scripts" / "bi.py").read_text(encoding="utf-8")


# -- datasets -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_has_the_columns_of_its_view(columns, name):
    dataset = DATASETS[name]
    view = columns[f"{dataset['schema']}.{dataset['table_name']}"]
    assert {each["column_name"]: each["type"] for each in dataset["columns"]} == view
    instants = {each for each, kind in view.items() if kind in {"DATE", "TIMESTAMP"}}
    assert {each["column_name"] for each in dataset["columns"] if each.get("is_dttm")} == instants
    assert dataset["main_dttm_col"] in instants
    assert dataset["database_uuid"] == DATABASE["uuid"]


@pytest.mark.parametrize("name", DATASETS)
def test_a_metric_reads_columns_of_its_dataset_and_none_adds_up_fractions(name):
    known = {each["column_name"] for each in DATASETS[name]["columns"]}
    for metric in DATASETS[name]["metrics"]:
        function, argument = re.fullmatch(r"(\w+)\((.+)\)", metric["expression"]).groups()
        assert argument in known | {"*"}
        assert function in {"COUNT", "MAX", "MIN", "AVG"}


# -- charts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_names_only_what_its_dataset_has(name):
    chart = CHARTS[name]
    dataset, params = BY_UUID[chart["dataset_uuid"]], chart["params"]
    assert used(params) <= {each["column_name"] for each in dataset["columns"]} | {
        each["metric_name"] for each in dataset["metrics"]
    }
    asked = {params.get("metric"), *(params.get("metrics") or [])} - {None}
    assert asked <= {each["metric_name"] for each in dataset["metrics"]}
    assert params["viz_type"] == chart["viz_type"]


@pytest.mark.parametrize("name", [name for name in CHARTS if CHARTS[name]["viz_type"] == "table"])
def test_a_table_shows_text_as_text_and_fractions_as_percent(name):
    params = CHARTS[name]["params"]
    assert params["allow_render_html"] is False
    shown = {column for column in params["all_columns"] if column.endswith("_return")}
    for column in shown - {"abnormal_return"}:
        assert params["column_config"][column]["d3NumberFormat"] == "+.2%"


# -- the dashboard --------------------------------------------------------------------------


def test_every_chart_has_its_place_on_the_dashboard():
    placed = {tile["meta"]["uuid"]: tile["meta"]["sliceName"] for tile in TILES}
    assert placed == {chart["uuid"]: chart["slice_name"] for chart in CHARTS.values()}


def test_the_rows_of_the_dashboard_are_full():
    widths = {tile["id"]: tile["meta"]["width"] for tile in TILES}
    rows = [each for key, each in DASHBOARD["position"].items() if key.startswith("ROW")]
    assert rows
    assert {sum(widths[child] for child in row["children"]) for row in rows} == {12}


def test_the_chosen_event_reaches_the_charts_that_know_it_and_no_others():
    (chosen,) = DASHBOARD["metadata"]["native_filter_configuration"]
    ((target,)) = chosen["targets"]
    assert BY_UUID[target["datasetUuid"]]["table_name"] == "event_list"
    reached = {
        tile["meta"]["uuid"]
        for tile in TILES
        if tile["meta"]["chartId"] not in chosen["scope"]["excluded"]
    }
    known = {
        chart["uuid"]
        for name, chart in CHARTS.items()
        if name != "events"
        and target["column"]["name"]
        in {each["column_name"] for each in BY_UUID[chart["dataset_uuid"]]["columns"]}
    }
    assert reached == known
    # Without both, the newest event stands in the filter but is not applied to the charts.
    assert chosen["requiredFirst"]
    assert chosen["controlValues"]["defaultToFirstItem"]


def test_everything_has_a_key_of_its_own():
    keys = [each["uuid"] for each in (DATABASE, DASHBOARD, *DATASETS.values(), *CHARTS.values())]
    assert len(set(keys)) == len(keys)


# -- the environment ------------------------------------------------------------------------


def test_every_pin_has_hashes_and_no_address_is_locked():
    text = (FOLDER / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][\w.-]*==.*$", text, re.MULTILINE)
    hashed = re.findall(r"^\S+==.*\\\n    --hash=sha256:[0-9a-f]{64}\b", text, re.MULTILINE)
    assert len(pins) == len(hashed) > 100
    assert "://" not in text


def test_what_the_environment_is_asked_for_is_what_is_locked():
    asked = (FOLDER / "requirements.in").read_text(encoding="utf-8")
    locked = (FOLDER / "requirements.lock").read_text(encoding="utf-8")
    for line in (line for line in asked.splitlines() if line and not line.startswith("#")):
        name, _, version = line.partition("==")
        assert f"\n{name.partition('>')[0]}=={version}" in "\n" + locked
