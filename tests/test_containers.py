"""The image and its services, held against the checkout: no engine builds them here."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
CONTAINERFILE = (ROOT / "Containerfile").read_text(encoding="utf-8")
SETTING = re.compile(r'(?:env\("|SELLOFF_)([A-Z_]+)')


def instructions():
    """Return (word, rest) of each instruction of the Containerfile, without its comments."""
    lines = [line for line in CONTAINERFILE.splitlines() if not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def given(word):
    return [rest for each, rest in instructions() if each == word]


def copied():
    """Return the paths of the checkout that are copied into the image."""
    copies = [rest.split() for rest in given("COPY") if not rest.startswith("--from")]
    return {path for paths in copies for path in paths[:-1]}


def image_environment():
    pairs = " ".join(given("ENV")).split()
    return dict(pair.split("=", 1) for pair in pairs)


def test_everything_that_is_copied_exists():
    assert copied()
    assert [path for path in copied() if not list(ROOT.glob(path))] == []


def test_every_module_of_the_checkout_is_in_the_image():
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert {"assets", "resources", "warehouse"} < rooms
    assert {"*.py", *rooms} <= copied()


def test_what_is_copied_is_not_ignored_and_nothing_else_comes_along():
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    lines = [line for line in lines if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == copied()


@pytest.mark.parametrize(
    "path",
    [
        "deploy/selloff.env",
        "warehouse/selloff.duckdb",
        "warehouse/selloff.duckdb.wal",
        "warehouse/selloff.duckdb.lock",
        "warehouse/releases",
        "warehouse/payloads",
        "warehouse/real",
    ],
)
def test_settings_and_data_of_this_machine_stay_out_of_the_image(path):
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    assert any(fnmatch(path, line) for line in lines[2:] if line and line[0] not in "!#")


def test_the_environment_is_installed_from_the_lock_with_its_hashes_alone():
    (install,) = [rest for rest in given("RUN") if "pip install" in rest]
    assert {"--require-hashes", "--no-deps"} <= set(install.split())
    assert "-r requirements.lock" in install


def test_no_image_is_named_latest_or_without_a_tag():
    bases = [rest.split()[0] for rest in given("FROM")]
    images = [*bases, *(service["image"] for service in SERVICES.values())]
    assert [name for name in images if name.rpartition(":")[2] in {"latest", name}] == []
    assert len(set(bases)) == 1


def test_the_python_of_the_image_is_one_the_project_supports():
    base = given("FROM")[0]
    minor = int(re.match(r"python:3\.(\d+)", base)[1])
    assert minor >= 11
    assert "slim" in base


def test_the_services_share_one_image_and_one_way_to_build_it():
    assert set(SERVICES) == {"code", "web", "daemon"}
    assert len({service["image"] for service in SERVICES.values()}) == 1
    assert all(service["build"]["dockerfile"] == "Containerfile" for service in SERVICES.values())


def test_ports_are_published_on_loopback_only_and_by_the_web_server_only():
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert len(ports.pop("web")) == 1
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])
    assert ports == {"code": [], "daemon": []}


def test_no_service_shares_the_network_or_the_privileges_of_the_host():
    for service in SERVICES.values():
        assert not {"network_mode", "privileged", "pid", "ipc", "devices", "cap_add"} & set(service)
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_nothing_runs_as_root_nor_writes_outside_the_volumes():
    assert given("USER")[-1].split(":")[0] not in {"0", "root"}
    for service in SERVICES.values():
        assert service["user"] == given("USER")[-1]
        assert service["read_only"] is True
        assert [mount.partition(":")[0] for mount in service["tmpfs"]] == [
            image_environment()["HOME"]
        ]


def test_every_volume_is_declared_and_what_is_delivered_is_read_only():
    by_default = re.compile(r"\$\{\w+:-(\w+)\}|^(\w+)")
    for service in SERVICES.values():
        mounts = [re.sub(by_default, r"\1\2", mount) for mount in service["volumes"]]
        targets = dict(mount.split(":")[:2] for mount in mounts)
        assert set(targets) == set(COMPOSE["volumes"])
        assert [mount for mount in mounts if mount.endswith(":ro")] == ["inbox:/data/inbox:ro"]
        for name in ("SELLOFF_WAREHOUSE", "SELLOFF_STORAGE"):
            path = image_environment()[name]
            assert any(path == each or path.startswith(each + "/") for each in targets.values())


def test_every_service_says_whether_it_is_well():
    for name, service in SERVICES.items():
        assert service["healthcheck"]["test"][0] == "CMD", name
    assert all(
        SERVICES[name]["depends_on"]["code"]["condition"] == "service_healthy"
        for name in ("web", "daemon")
    )


def test_the_workspace_names_the_code_service_and_its_port():
    workspace = yaml.safe_load((DEPLOY / "workspace.yaml").read_text(encoding="utf-8"))
    (location,) = workspace["load_from"]
    command = SERVICES["code"]["command"].split()
    assert SERVICES[location["grpc_server"]["host"]] is SERVICES["code"]
    assert command[command.index("--port") + 1] == str(location["grpc_server"]["port"])
    assert (ROOT / command[command.index("--python-file") + 1]).is_file()
    for name in ("web", "daemon"):
        words = SERVICES[name]["command"].split()
        assert (ROOT / words[words.index("--workspace") + 1]) == DEPLOY / "workspace.yaml"


def test_the_services_settings_of_dagster_are_the_checkouts_but_for_the_place():
    ours = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    theirs = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))
    places = [theirs.pop(name) for name in ("storage", "local_artifact_storage", "compute_logs")]
    ours.pop("storage")
    assert theirs == ours
    assert theirs["telemetry"] == {"enabled": False}
    places[0] = places[0]["custom"]
    assert [place["config"] for place in places] == [{"base_dir": {"env": "SELLOFF_STORAGE"}}] * 3


def test_dagster_opens_its_storage_where_the_environment_says(tmp_path, monkeypatch):
    import dagster as dg

    from resources.run_log import BatchedEvents, PlainRuns

    monkeypatch.setenv("SELLOFF_STORAGE", str(tmp_path / "storage"))
    before = sorted(DEPLOY.iterdir())
    with dg.DagsterInstance.from_config(str(DEPLOY)) as instance:
        assert isinstance(instance.run_storage, PlainRuns)
        assert isinstance(instance.event_log_storage, BatchedEvents)
        assert instance.get_runs() == []
        assert instance.storage_directory() == str(tmp_path / "storage" / "storage")
    assert sorted(DEPLOY.iterdir()) == before
    assert (tmp_path / "storage" / "history" / "runs.db").exists()


def test_telemetry_is_off_and_one_thread_serves_small_matrices():
    environment = image_environment()
    assert environment["DAGSTER_DISABLE_TELEMETRY"] == "1"
    assert environment["OPENBLAS_NUM_THREADS"] == "1"
    assert environment["DAGSTER_HOME"] == "/app/deploy"


def test_every_setting_of_the_example_is_one_that_is_read_and_none_is_missing():
    lines = (DEPLOY / "selloff.env.example").read_text(encoding="utf-8").splitlines()
    pairs = [line for line in lines if line and not line.startswith("# ")]
    assert all(re.fullmatch(r"#SELLOFF_[A-Z_]+=\S.*", line) for line in pairs)
    named = {line[len("#SELLOFF_") :].partition("=")[0] for line in pairs}
    configured = ROOT / "resources" / "configured.py"
    sources = [path.read_text(encoding="utf-8") for path in configured.parent.rglob("*.py")]
    assert named <= set(SETTING.findall(" ".join(sources)))
    # The image says where the warehouse lies.
    asked = set(SETTING.findall(configured.read_text(encoding="utf-8")))
    assert asked - named == {"WAREHOUSE"}


def test_a_release_of_an_image_names_the_commit_that_the_image_was_built_from(monkeypatch):
    from resources.warehouse import releases

    assert given("ARG") == ["SELLOFF_COMMIT="]
    assert image_environment()["SELLOFF_COMMIT"] == "$SELLOFF_COMMIT"
    monkeypatch.setenv("SELLOFF_COMMIT", "0123456789ab")
    assert releases._commit() == "0123456789ab"
    monkeypatch.setenv("SELLOFF_COMMIT", "")  # not given
    assert releases._commit() != ""


def test_no_file_holds_a_secret():
    text = CONTAINERFILE + "".join(path.read_text(encoding="utf-8") for path in DEPLOY.iterdir())
    text += (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert re.findall(r"(?i)(?:password|token|api_?key)\s*[=:]", text) == []


def test_the_users_settings_are_kept_out_of_the_repository():
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert "/deploy/*.env" in ignored
