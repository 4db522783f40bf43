"""What a page costs: to write, in bytes, and to draw in a browser, by instruments in the event.

Takes the published release of SELLOFF_WAREHOUSE (the replay's, after `make demo`) and fills its
newest event up with made-up listings in a copy. Drawing is measured where chromium is installed:
from the start of the navigation until all is laid out, the median of five.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from _records import tell

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
INSTRUMENTS = (50, 500, 5000)
ROUNDS = 5
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
FILL = """
INSERT INTO {table} BY NAME
SELECT m.* REPLACE ('XMOD:L' || n AS listing_id, 'L' || n AS ticker {more})
FROM (FROM {table} WHERE {which} LIMIT 1) AS m, range($n) AS r(n)
"""
# The page forbids every script but its own: for the measurement alone one more is let in.
TELL = (
    "<script>addEventListener('load', () => { document.body.offsetHeight;"
    "document.title = Math.round(performance.now()); });</script></head>"
)


def main() -> None:
    """Print one line per number of instruments."""
    from resources.configured import configured
    from resources.warehouse import files, readers

    published = configured()["warehouse"].published
    print("| instruments | written in ms | size in kB | drawn in ms |\n| --- | --- | --- | --- |")
    for n in INSTRUMENTS:
        with tempfile.TemporaryDirectory() as name:
            path = Path(name) / "warehouse.duckdb"
            shutil.copyfile(published, path)
            path.chmod(0o644)
            with files.connect(path, read_only=False) as con:
                event = fill(con, n)
            with readers.reading(path) as con:
                seconds, page = written(con, event, Path(name) / "page.html")
            size, shown = page.stat().st_size / 1000, drawn(page)
            print(f"| {n} | {1000 * seconds:.0f} | {size:.0f} | {shown} |")
        tell(f"a page of {n:,} instruments, written", 1000 * seconds, "ms")
        tell("its size", size, "kB", goal=1500)
        if shown.replace(".", "").isdigit():
            tell("drawn by chromium", float(shown), "ms", goal=2000)


def fill(con: object, n: int) -> str:
    """Give the newest event `n` more listings; return its id."""
    execute = con.execute  # type: ignore[attr-defined]
    (event,) = execute(
        "SELECT event_id FROM mart.selloff_events ORDER BY session_date DESC LIMIT 1"
    ).fetchone()
    which = f"event_id = '{event}'"
    shocked = ", abnormal_z - n / 1e3 AS abnormal_z"
    of_event = FILL.format(table="mart.selloff_metrics", which=which, more=shocked)
    execute(of_event, {"n": n})
    named = ", 'A Company of Some Length ' || n || ' Incorporated' AS name"
    execute(FILL.format(table="core.instruments", which="true", more=named), {"n": n})
    return event


def written(con: object, event: str, path: Path) -> tuple[float, Path]:
    """Return how long the page took, the median of five, and where it lies."""
    from pages.writing import write_event

    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        write_event(con, event, path)
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds), path


def drawn(page: Path) -> str:
    """Return how many ms a browser takes from the start of the navigation until all is laid out."""
    if BROWSER is None:
        return "no browser"
    text = page.read_text(encoding="utf-8")
    text = re.sub("script-src &#39;.*?&#39;", "script-src &#39;unsafe-inline&#39;", text)
    page.write_text(text.replace("</head>", TELL, 1), encoding="utf-8")
    seen = []
    for _ in range(ROUNDS):
        profile = tempfile.mkdtemp()
        done = subprocess.run(
            [
                *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={profile}", "--timeout=4000", page.as_uri()),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        shutil.rmtree(profile, ignore_errors=True)
        seen += [int(ms) for ms in re.findall(r"<title>(\d+)</title>", done.stdout)]
    return json.dumps(statistics.median(seen)) if seen else "not told"


if __name__ == "__main__":
    main()
