"""Everything put together: cheap to load, the graph as agreed, every asset as its contract says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import assets
from warehouse.tables import TABLES, table

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden" / "asset_graph.txt"
HEAVY = (
    "great_expectations",
    "yfinance",
    "pandas",
    "ibis",
    "pyarrow",
    "duckdb",
    "exchange_calendars",
    "trafilatura",
    "feedparser",
)
LOADING = f"""
import json, os, sys
import definitions
held = {{"heavy": [name for name in {HEAVY!r} if name in sys.modules],
        "written": os.listdir(os.environ["DAGSTER_HOME"])}}
print(json.dumps(held))
"""
# Filled along with another asset's load, or by hand: assets without a step.
BESIDE = {"raw/fetches", "raw/quarantine", "raw/quarantine_decisions"}
# Pages for people, no tables.
PAGES = {"meta/data_docs", "meta/event_pages", "meta/event_page"}
# Each event's page, written by the asset of all pages.
NOTED = {"meta/event_page"}
# The one asset whose function is no table's: it copies the whole file.
PUBLISHING = "meta.releases"


@pytest.fixture(scope="module")
def defs():
    from definitions import defs

    return defs


@pytest.fixture(scope="module")
def specs(defs):
    """Every asset that is a table."""
    every = {spec.key.to_user_string(): spec for spec in defs.resolve_all_asset_specs()}
    assert every.keys() >= PAGES
    return {key: spec for key, spec in every.items() if key not in PAGES}


def contract(key):
    return table(key.replace("/", "."))


def asset_graph(defs):
    """Return the graph, one line per asset: key <- what it reads | group | checks (! blocking)."""
    graph = defs.resolve_asset_graph()
    checks = {}
    for key in graph.asset_check_keys:
        mark = "!" if graph.get(key).blocking else ""
        checks.setdefault(key.asset_key, []).append(mark + key.name)
    lines = []
    for spec in sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key):
        reads = ", ".join(sorted(dep.asset_key.to_user_string() for dep in spec.deps))
        said = ", ".join(sorted(checks.get(spec.key, ()), key=lambda name: name.lstrip("!")))
        lines.append(f"{spec.key.to_user_string()} <- {reads} | {spec.group_name} | {said}")
    return "\n".join(lines) + "\n"


def test_the_asset_graph_is_the_one_agreed_on(defs):
    found = asset_graph(defs)
    assert GOLDEN.exists(), f"{GOLDEN.name} should hold:\n{found}"
    assert found == GOLDEN.read_text(), f"if that is wanted, {GOLDEN.name} becomes:\n{found}"


def test_loading_the_definitions_imports_nothing_heavy_and_writes_nothing(tmp_path):
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", LOADING],
        cwd=ROOT,
        env={**os.environ, "DAGSTER_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"heavy": [], "written": []}


def test_everything_that_is_defined_can_be_loaded_together(defs):
    dg.Definitions.validate_loadable(defs)


def test_the_workspace_file_names_the_definitions_and_the_folder_they_are_imported_from():
    from dagster._core.workspace.load import location_origins_from_yaml_paths

    (origin,) = location_origins_from_yaml_paths([str(ROOT / "workspace.yaml")])
    target = origin.loadable_target_origin
    assert Path(target.python_file) == ROOT / "definitions.py"
    assert Path(target.working_directory).resolve() == ROOT


def test_no_other_file_tells_dagster_where_the_code_is():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    assert not {"dagster", "dg"} & set(settings)


def test_every_table_has_its_asset_and_every_asset_its_table(specs):
    tables = {one.qualified for one in TABLES if one.layer != "meta"} | {PUBLISHING}
    assert {key.replace("/", ".") for key in specs} == tables


def test_a_table_its_asset_and_the_function_that_fills_it_have_one_name(specs):
    found = {}
    for path in Path(assets.__file__).parent.glob("[a-z]*.py"):
        module = __import__(f"assets.{path.stem}", fromlist=["ASSETS"])
        for asset in module.ASSETS:
            named = [name for name, value in vars(module).items() if value is asset]
            found |= {each.to_user_string(): named for each in keys_of(asset)}
    assert found.keys() == specs.keys() | PAGES
    for key in specs.keys() - BESIDE - {"raw/corporate_actions"}:
        layer, name = key.split("/")
        # A name that stands in two layers says which.
        plain = {name} if table(name).layer == layer else {f"{layer}_{name}"}
        assert set(found[key]) == plain, key
    assert found["raw/corporate_actions"] == found["raw/price_vintages"]


def keys_of(asset):
    return asset.keys if isinstance(asset, dg.AssetsDefinition) else [asset.key]


def test_every_asset_says_whose_it_is_what_it_is_and_how_it_is_made(specs):
    for key, spec in specs.items():
        assert spec.owners == ["team:market-data"], key
        assert "duckdb" in spec.kinds, key
        assert spec.description == contract(key).doc, key
        assert spec.group_name == key.partition("/")[0], key


def test_every_asset_shows_its_contract_as_column_schema_with_units(specs):
    for key, spec in specs.items():
        shown = spec.metadata["dagster/column_schema"].columns
        meant = contract(key).columns
        assert [(c.name, c.type) for c in shown] == [(c.name, c.type) for c in meant], key
        assert [c.constraints.nullable for c in shown] == [c.nullable for c in meant], key
        for one, column in zip(shown, meant, strict=True):
            assert one.description.startswith(column.doc), key
            assert column.unit is None or one.description.endswith(f"[{column.unit}]"), key


def test_the_bounds_of_a_column_are_shown_beside_it(specs):
    columns = specs["core/daily_prices"].metadata["dagster/column_schema"].columns
    close = next(column for column in columns if column.name == "close")
    assert close.constraints.other == ["isfinite(close)", "close > 0"]


def test_every_table_is_held_against_its_contract_before_anything_follows(defs):
    graph = defs.resolve_asset_graph()
    blocking = {
        key.asset_key.to_user_string()
        for key in graph.asset_check_keys
        if key.name == "contract_holds" and graph.get(key).blocking
    }
    every = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert blocking == every - {PUBLISHING.replace(".", "/")} - BESIDE - PAGES


def test_what_is_published_waits_for_every_other_asset(specs):
    published = specs.pop("meta/releases")
    waits_for = {dep.asset_key.to_user_string() for dep in published.deps}
    others = set(specs) - BESIDE
    specs["meta/releases"] = published
    assert waits_for == others


def test_what_comes_day_by_day_is_partitioned_by_calendar_date(specs):
    daily = {key for key, spec in specs.items() if spec.partitions_def}
    assert daily == {
        "raw/price_vintages",
        "raw/corporate_actions",
        "raw/shares_outstanding",
        "raw/fx_rates",
        "core/daily_prices",
        "core/abnormal_returns",
        "core/risk_measures",
        "mart/connectedness",
        "mart/connectedness_links",
        "mart/systemic_risk",
    }
    (partitions,) = {specs[key].partitions_def for key in daily}
    assert partitions.has_partition_key("2025-01-25")  # a Saturday: one definition for everyone


def test_a_range_of_dates_is_one_run_and_a_step_is_tried_again(defs):
    steps = [asset for asset in defs.assets if isinstance(asset, dg.AssetsDefinition)]
    for asset in steps:
        if asset.partitions_def:
            assert asset.backfill_policy.max_partitions_per_run is None
        if next(iter(asset.keys)).path[0] != "meta":
            assert asset.op.retry_policy.max_retries == 2
    assert len(steps) == len(defs.assets) - len(BESIDE | NOTED)


def test_the_environment_is_the_only_difference_between_two_installations(monkeypatch):
    chosen = {
        "SELLOFF_WAREHOUSE": "elsewhere/prices.duckdb",
        "SELLOFF_PRICES": "files",
        "SELLOFF_PRICES_PATH": "some/folder",
        "SELLOFF_ARTICLES_PATH": "texts",
        "SELLOFF_WEBHOOK": "http://localhost/hook",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delitem(sys.modules, "definitions", raising=False)
    import definitions

    held = definitions.defs.resources
    monkeypatch.delitem(sys.modules, "definitions")
    assert held["warehouse"].path == "elsewhere/prices.duckdb"
    assert (held["price_provider"].provider, held["price_provider"].path) == (
        "files",
        "some/folder",
    )
    assert held["reference"].prices_path == "some/folder"
    assert held["article_source"].path == "texts"
    assert held["alerts"].webhook == "http://localhost/hook"


def test_without_any_setting_the_replay_goes_into_the_ignored_folder(monkeypatch):
    for name in [name for name in os.environ if name.startswith("SELLOFF_")]:
        monkeypatch.delenv(name)
    monkeypatch.delitem(sys.modules, "definitions", raising=False)
    import definitions

    held = definitions.defs.resources
    monkeypatch.delitem(sys.modules, "definitions")
    assert held["price_provider"].provider == "replay"
    assert held["warehouse"].file == ROOT / "warehouse" / "selloff.duckdb"
    ignored = ["git", "check-ignore", "-q", "warehouse/selloff.duckdb"]
    done = subprocess.run(ignored, cwd=ROOT, check=False)  # noqa: S603 - a constant
    assert done.returncode == 0
