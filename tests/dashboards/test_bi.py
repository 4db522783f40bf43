"""Whether `make bi` finds the release, tells Superset little, and refuses in one line."""

from __future__ import annotations

import importlib
import socket
from contextlib import closing
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def bi(monkeypatch):
    """The script, as make runs it."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("bi")


@pytest.fixture
def page(monkeypatch):
    """A page of the browser that has not been opened."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    browser = importlib.import_module("browser")
    opened = browser.Page.__new__(browser.Page)
    opened.requests, opened.errors = {}, []
    return opened


def sent(page, key, url):
    """Let the page notice a request."""
    request = {"url": url, "method": "GET"}
    page._note(
        {"method": "Network.requestWillBeSent", "params": {"requestId": key, "request": request}}
    )


def test_the_release_lies_beside_the_warehouse_of_the_user(bi, tmp_path, monkeypatch):
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "warehouse.duckdb").touch()
    monkeypatch.setenv("SELLOFF_WAREHOUSE", str(tmp_path / "selloff.duckdb"))
    assert bi.published() == tmp_path / "current" / "warehouse.duckdb"


def test_the_link_stays_in_the_path_so_that_new_releases_are_seen(bi, tmp_path, monkeypatch):
    (tmp_path / "releases" / "1").mkdir(parents=True)
    (tmp_path / "releases" / "1" / "warehouse.duckdb").touch()
    (tmp_path / "current").symlink_to(Path("releases") / "1")
    monkeypatch.setenv("SELLOFF_WAREHOUSE", str(tmp_path / "selloff.duckdb"))
    assert bi.published().parent == tmp_path / "current"


def test_without_a_release_nothing_is_built_and_one_line_says_why(bi, tmp_path, monkeypatch):
    monkeypatch.setenv("SELLOFF_WAREHOUSE", str(tmp_path / "selloff.duckdb"))
    monkeypatch.setattr(bi, "build", lambda: pytest.fail("built"))
    monkeypatch.setattr("sys.argv", ["bi.py", "serve"])
    with pytest.raises(SystemExit) as left:
        bi.main()
    assert left.value.code == (
        f"{tmp_path}/current/warehouse.duckdb: nothing is published yet; "
        "`make demo` or `selloff run` publishes"
    )


def test_a_port_that_is_taken_is_named(bi):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SystemExit, match=f"127.0.0.1:{port} cannot be served from"):
            bi.refuse_taken(port)


def test_an_environment_that_cannot_be_built_is_told_in_one_line_and_not_taken_for_ready(
    bi, tmp_path, monkeypatch
):
    def run(command, **_):
        return bi.subprocess.CompletedProcess(command, 2)

    monkeypatch.setattr(bi, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(bi.subprocess, "run", run)
    with pytest.raises(SystemExit, match="environment could not be built: uv venv failed"):
        bi.build()
    assert not (tmp_path / ".ready").exists()


def test_an_environment_of_the_present_lock_is_not_built_again(bi, tmp_path, monkeypatch):
    lock = bi.ASSETS / "requirements.lock"
    (tmp_path / ".ready").write_bytes(lock.read_bytes())
    monkeypatch.setattr(bi, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(bi.subprocess, "run", lambda *_, **__: pytest.fail("built"))
    bi.build()


def test_superset_is_told_where_its_state_lies_and_nothing_of_the_user(bi, tmp_path, monkeypatch):
    monkeypatch.setenv("A_TOKEN", "secret")
    told = bi.environment(tmp_path)
    assert told["SELLOFF_BI_STATE"] == str(tmp_path)
    assert "A_TOKEN" not in told
    assert "secret" not in told.values()


def test_the_server_listens_on_this_machine_only(bi):
    command = bi.server(8088)
    assert command[command.index("--bind") + 1] == "127.0.0.1:8088"


def test_the_assets_are_staged_over_the_release_and_the_files_stay_as_they_are(
    bi, tmp_path, monkeypatch
):
    def run(command, **_):
        staged = command[-1]
        assert "duckdb:////srv/warehouse.duckdb" in (staged / "databases/selloff.yaml").read_text()
        assert sorted(path.name for path in staged.iterdir()) == [
            "charts",
            "dashboards",
            "databases",
            "datasets",
            "metadata.yaml",
        ]
        said = "a word of Superset's\nAccount admin, password x (kept in admin_password)\n"
        return bi.subprocess.CompletedProcess(command, 0, stdout=said)

    before = (bi.ASSETS / "databases" / "selloff.yaml").read_text()
    monkeypatch.setattr(bi.subprocess, "run", run)
    bi.initialise(tmp_path / "state", Path("/srv/warehouse.duckdb"))
    assert (bi.ASSETS / "databases" / "selloff.yaml").read_text() == before


def test_what_superset_does_not_take_ends_with_its_last_line(bi, tmp_path, monkeypatch):
    def run(command, *, stderr, **_):
        stderr.write("first\nsuperset import-directory: no such column\n")
        stderr.flush()
        return bi.subprocess.CompletedProcess(command, 1, stdout="")

    monkeypatch.setattr(bi.subprocess, "run", run)
    with pytest.raises(SystemExit, match="import-directory: no such column"):
        bi.initialise(tmp_path, Path("/srv/warehouse.duckdb"))


def test_a_request_to_another_host_is_told_of_unless_the_page_stopped_it(page):
    sent(page, "1", "http://127.0.0.1:8088/api")
    sent(page, "2", "data:image/png;base64,AA")
    sent(page, "3", "https://pixel.example/1")
    sent(page, "4", "https://pixel.example/2")
    blocked = {"requestId": "4", "blockedReason": "csp"}
    page._note({"method": "Network.loadingFailed", "params": blocked})
    assert page.strangers() == ["https://pixel.example/1"]


def test_a_request_that_only_failed_still_counts_as_sent(page):
    sent(page, "1", "https://pixel.example/1")
    page._note({"method": "Network.loadingFailed", "params": {"requestId": "1"}})
    assert page.strangers() == ["https://pixel.example/1"]
