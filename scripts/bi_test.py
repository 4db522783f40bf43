"""Check Superset over the replay from nothing: `make bi-test`.

Import into an empty instance, SQL Lab, what must be refused, every chart's data as the browser
asks for it, the drawn dashboard, planted markup, and releases that are swapped under it. Too heavy
for CI: an environment of 720 MB and a browser.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bi
import browser
import requests

if TYPE_CHECKING:
    from collections.abc import Iterator

DASHBOARD = "/superset/dashboard/sell-off-monitor/"
WINDOW = (1500, 2600)
RELEASES = 12
READERS = 3
NEWEST = "SELECT max(release_id) AS newest FROM meta.releases"
PLANTED = "<img src=x onerror='window.planted=1'><script>window.planted=1</script>\u202egpj"
# Every statement that a reader of a release must not get through with.
REFUSED = (
    "CREATE TABLE mart.mine AS SELECT 1 AS one",
    "DROP VIEW mart.event_list",
    "DELETE FROM mart.selloff_events",
    "COPY (SELECT 1) TO 'stolen.csv'",
    "SELECT * FROM read_text('superset_config.py')",
    "SELECT * FROM glob('*')",
    "ATTACH 'other.duckdb' AS other",
    "SET enable_external_access = true",
    "INSTALL httpfs",
    "SELECT * FROM 'https://127.0.0.1/x.parquet'",
)
PUBLISH = """
import sys, time
from datetime import UTC, datetime
from pathlib import Path
from resources.warehouse import files, releases
core, times, pause = Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
files.prepare(core)
for _ in range(times):
    now = datetime.now(UTC).replace(tzinfo=None)
    with files.locked(core, exclusive=True):
        print(releases.publish(core, run_id="bi-test", is_backfill=False, now=now), flush=True)
    time.sleep(pause)
"""
PLANT = """
import sys, duckdb
with duckdb.connect(sys.argv[1]) as con:
    con.execute("UPDATE core.instruments SET name = ?", [sys.argv[2]])
    con.execute("UPDATE raw.articles SET title = $1, text = $1", [sys.argv[2]])
"""
LOGIN = """
(() => {
  const set = (element, value) => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(element, value);
    element.dispatchEvent(new Event('input', {bubbles: true}));
  };
  set(document.querySelector('#username'), 'admin');
  set(document.querySelector('input[type=password]'), '%s');
  document.querySelector('button[type=submit]').click();
})()
"""


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def expect(*, holds: bool, otherwise: str) -> None:
    """End the test with one line where something does not hold."""
    if not holds:
        raise SystemExit(f"bi-test failed: {otherwise}")


class Client:
    """Superset's REST API, as one user; `ask` runs SQL as SQL Lab does."""

    def __init__(self, base: str, password: str) -> None:
        self.base = base
        self._session = requests.Session()
        given = {"username": "admin", "password": password, "provider": "db", "refresh": False}
        token = self._session.post(f"{base}/api/v1/security/login", json=given, timeout=60).json()
        self._session.headers["Authorization"] = f"Bearer {token['access_token']}"
        csrf = self.get("security/csrf_token/")["result"]
        self._session.headers.update({"X-CSRFToken": csrf, "Referer": base})

    def get(self, path: str) -> dict[str, Any]:
        """Return what a resource says."""
        answer = self._session.get(f"{self.base}/api/v1/{path}", timeout=60)
        answer.raise_for_status()
        return answer.json()

    def ask(self, sql: str) -> requests.Response:
        """Run SQL on the one database."""
        query = {"database_id": 1, "sql": sql, "schema": "mart", "runAsync": False}
        return self._session.post(f"{self.base}/api/v1/sqllab/execute/", json=query, timeout=60)


def project(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Run Python in the project's environment, where the warehouse is written."""
    command = [bi.ROOT / ".venv" / "bin" / "python", "-c", code, *(str(each) for each in arguments)]
    return subprocess.Popen(command, cwd=bi.ROOT, stdout=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Return the lines that a process of the project wrote, once it is done."""
    written, _ = process.communicate(timeout=600)
    expect(holds=process.returncode == 0, otherwise=f"{process.args[-2:]} ended in an error")
    return written.splitlines()


def warehouse(folder: Path) -> Path:
    """Return a core file of our own: a copy of the one at SELLOFF_WAREHOUSE, else the replay."""
    core = folder / "selloff.duckdb"
    given = os.environ.get("SELLOFF_WAREHOUSE")
    if given:
        shutil.copyfile(given, core)
        return core
    say("Running the replay")
    home = {"SELLOFF_WAREHOUSE": str(core), "DAGSTER_HOME": str(folder / "dagster")}
    command = [bi.ROOT / ".venv" / "bin" / "python", bi.ROOT / "cli.py", "demo"]
    subprocess.run(command, env={**os.environ, **home}, check=True, stdout=subprocess.DEVNULL)
    return core


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(state: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Serve from `state` on a free port; wait until it answers."""
    port = free_port()
    base, command = f"http://127.0.0.1:{port}", bi.server(port)
    with (state / "server.log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, env=bi.environment(state), stdout=log, stderr=log)
    try:
        give_up = time.monotonic() + 180
        while time.monotonic() < give_up and process.poll() is None:
            with suppress(requests.RequestException):
                if requests.get(f"{base}/health", timeout=5).ok:
                    break
            time.sleep(0.5)
        else:
            expect(holds=False, otherwise="Superset did not start")
        yield base, process
    finally:
        process.terminate()
        process.wait(timeout=30)


class Watch(threading.Thread):
    """Watches a process and its children for a connection that leaves this machine."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid, self._ended = pid, threading.Event()
        self.seen: set[str] = set()

    def run(self) -> None:
        """Look five times a second."""
        while not self._ended.wait(0.2):
            with suppress(OSError):  # it may have ended
                self.seen |= set(_remote(self._pid))

    def end(self) -> set[str]:
        """Stop, and return the far ends that were seen."""
        self._ended.set()
        self.join()
        return self.seen


def _remote(pid: int) -> Iterator[str]:
    """Yield the far ends, in the kernel's hexadecimal, of connections that are not loopback."""
    inodes = set()
    children = f"/proc/{pid}/task/{pid}/children"
    for each in (str(pid), *Path(children).read_text(encoding="utf-8").split()):
        for descriptor in Path(f"/proc/{each}/fd").glob("*"):
            with suppress(OSError):
                inodes.add(str(descriptor.readlink()).removeprefix("socket:[").rstrip("]"))
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text(encoding="utf-8").splitlines()[1:]:
            fields = line.split()
            address = fields[2].partition(":")[0]
            is_local = address.strip("0") == "" or address.endswith("100007F")
            if fields[9] in inodes and not is_local and not address.endswith("01000000"):
                yield fields[2]


def check_import(client: Client) -> int:
    """Hold what was imported against the folder; return how many charts there are."""
    wanted = {name: len(list((bi.ASSETS / name).rglob("*.yaml"))) for name in bi.FOLDERS}
    kinds = {"charts": "chart", "dashboards": "dashboard", "databases": "database"}
    kinds["datasets"] = "dataset"
    found = {name: client.get(f"{kind}/")["count"] for name, kind in kinds.items()}
    expect(holds=found == wanted, otherwise=f"imported {found} of {wanted}")
    say(f"Imported into an empty instance: {found}")
    return found["charts"]


def check_sql(client: Client) -> None:
    """Hold SQL Lab to answers, and to refusing what a reader must not do."""
    answer = client.ask("SELECT event_title, market_return_text FROM mart.latest_event")
    rows = answer.json().get("data") or []
    expect(holds=answer.ok and len(rows) == 1, otherwise=f"SQL Lab: {answer.text[:300]}")
    say(f"SQL Lab: {rows[0]}")
    for statement in REFUSED:
        answer = client.ask(statement)
        expect(holds=not answer.ok, otherwise=f"{statement} was not refused")
        error = answer.json()["errors"][0]["message"].splitlines()[0]
        say(f"Refused: {statement}: {error[:90]}")


def open_dashboard(page: browser.Page, base: str, charts: int) -> None:
    """Open the dashboard and wait until the data of every chart have come, each with rows."""
    page.requests.clear()
    page.open(base + DASHBOARD)
    give_up, drawn = time.monotonic() + 120, []
    while len(drawn) < charts and time.monotonic() < give_up:
        page.evaluate("1")
        drawn = [
            key
            for key, request in page.requests.items()
            if "chart/data?" in request["url"] and request.get("finished")
        ]
        time.sleep(0.5)
    expect(holds=len(drawn) >= charts, otherwise=f"data of {len(drawn)} charts of {charts} came")
    time.sleep(3)  # what came is drawn with a short animation


def check_charts(page: browser.Page) -> None:
    """Hold every chart's data to have come in order, with rows."""
    for key, request in list(page.requests.items()):
        if "chart/data?" in request["url"]:
            expect(holds=request["status"] == 200, otherwise=f"{request}")  # noqa: PLR2004 - OK
            results = json.loads(page.body(key))["result"]
            counts = [result["rowcount"] for result in results]
            expect(holds=all(counts), otherwise=f"a chart is empty: {request['url']}")
    failed = page.evaluate("document.querySelectorAll('[role=alert], .ant-alert-error').length")
    expect(holds=failed == 0, otherwise=f"{failed} error messages on the dashboard")


def check_dashboard(page: browser.Page, base: str, charts: int, target: Path) -> None:
    """Hold the dashboard to data in every chart, and to asking nothing of another host."""
    open_dashboard(page, base, charts)
    check_charts(page)
    page.screenshot(target)
    strangers, blocked = page.strangers(), [r for r in page.requests.values() if "blocked" in r]
    expect(holds=not strangers, otherwise=f"the page asked {strangers[:3]}")
    expect(holds=not page.errors, otherwise=f"the page threw {page.errors[:3]}")
    say(f"Dashboard: {charts} charts with data, {len(page.requests)} requests, none left loopback")
    say(f"Blocked by the page's own policy: {sorted({r['url'] for r in blocked})}")


def log_in(page: browser.Page, base: str, password: str) -> None:
    """Give the form what it asks for."""
    page.open(f"{base}/login/")
    page.wait("document.querySelector('input[type=password]')")
    page.evaluate(LOGIN % password)
    page.wait("!location.pathname.startsWith('/login')")


def check_swaps(client: Client, core: Path) -> None:
    """Swap releases under readers: no answer fails or goes back, and the last one is seen."""
    publisher = project(PUBLISH, core, RELEASES, 1.0)
    seen: list[list[str]] = [[] for _ in range(READERS)]
    failed: list[str] = []

    def read(mine: list[str]) -> None:
        while publisher.poll() is None or len(mine) == 0:
            answer = client.ask(NEWEST)
            if answer.ok:
                mine.append(answer.json()["data"][0]["newest"])
            else:
                failed.append(answer.text[:200])

    readers = [threading.Thread(target=read, args=(mine,)) for mine in seen]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    published = finish(publisher)
    newest = client.ask(NEWEST).json()["data"][0]["newest"]
    distinct = {release for mine in seen for release in mine} & set(published)
    total = sum(len(mine) for mine in seen)
    expect(holds=not failed, otherwise=f"{len(failed)} of {total} answers failed: {failed[:1]}")
    expect(holds=all(mine == sorted(mine) for mine in seen), otherwise="a reader went back")
    expect(holds=newest == published[-1], otherwise=f"{newest} is shown, not {published[-1]}")
    say(
        f"Swapped {RELEASES} releases under {READERS} readers: {total} answers, 0 failed, 0 went "
        f"back, {len(distinct)} of {RELEASES} seen"
    )


def check_planted(page: browser.Page, base: str, charts: int, core: Path) -> None:
    """Plant markup in names, titles and texts: it is shown as text and does nothing."""
    finish(project(PLANT, core, PLANTED))
    finish(project(PUBLISH, core, 1, 0))
    open_dashboard(page, base, charts)
    shown = page.evaluate("document.body.innerText")
    expect(holds="window.planted=1" in shown, otherwise="the planted markup is not shown as text")
    expect(holds="\u202e" not in shown, otherwise="a character that turns text round is shown")
    images = page.evaluate("document.querySelectorAll('img[src=x]').length")
    expect(holds=images == 0, otherwise=f"{images} planted images were made")
    ran = page.evaluate("window.planted === 1")
    expect(holds=not ran, otherwise="the planted script ran")
    expect(holds=not page.strangers(), otherwise=f"the page asked {page.strangers()[:3]}")
    say("Planted markup is shown as text and does nothing")


def main() -> None:
    """Check all of it in a folder that is thrown away; the screenshot stays where it is named."""
    with tempfile.TemporaryDirectory(prefix="selloff-bi-") as name:
        folder = Path(name)
        state, profile, home = (folder / each for each in ("state", "profile", "warehouse"))
        home.mkdir()
        core = warehouse(home)
        finish(project(PUBLISH, core, 1, 0))
        began = time.monotonic()
        bi.initialise(state, home / "current" / "warehouse.duckdb")
        say(f"Initialised in {time.monotonic() - began:.0f} s")
        password = (state / "admin_password").read_text(encoding="utf-8").strip()
        target = Path(os.environ.get("SELLOFF_BI_SCREENSHOT") or folder / "superset.png")
        with serving(state) as (base, process), browser.chromium(profile, *WINDOW) as page:
            watch = Watch(process.pid)
            watch.start()
            client = Client(base, password)
            charts = check_import(client)
            check_sql(client)
            log_in(page, base, password)
            check_dashboard(page, base, charts, target)
            check_swaps(client, core)
            check_planted(page, base, charts, core)
            left = watch.end()
            expect(holds=not left, otherwise=f"the server spoke to {sorted(left)[:3]}")
    say("bi-test passed")


if __name__ == "__main__":
    main()
