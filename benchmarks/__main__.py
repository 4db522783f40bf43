"""All benchmarks as one command: run, keep the results, print the table.

python -m benchmarks                what takes minutes, in short (`make bench`)
python -m benchmarks panels ingest  these, whole (`make bench BENCH="panels ingest"`)
python -m benchmarks --short panels  this one, as `make bench` runs it
python -m benchmarks --table        the kept results again, nothing is run
python -m benchmarks --check        ends with 1 unless the README's table says what they say

Each benchmark runs alone, in a process of its own, with one thread of BLAS. Its figures are kept
in `results/<name>.json` with the machine described, and the table of README.md is made from these:
what changed against the machine that they were recorded on is a `git diff`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import _machine, _records, _registry

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "benchmarks"
RESULTS, README = HERE / "results", HERE / "README.md"
BEGIN, END = "<!-- what make bench found: begin -->", "<!-- what make bench found: end -->"
PATIENCE = 6
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def run(benchmark: _registry.Benchmark, arguments: tuple[str, ...]) -> dict[str, Any]:
    """Run one benchmark; return what is kept of it.

    Returns
    -------
    dict
        `name`, `claim`, `arguments`, `seconds` (wall), `machine` (as it was when it began),
        `failed` (the last line of what went wrong; empty if nothing), `figures`.
    """
    machine, started = _machine.described(), time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        told = Path(home) / "figures.jsonl"
        env = {
            **os.environ,
            **dict.fromkeys(ONE_THREAD, "1"),
            _records.VARIABLE: str(told),
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, str(HERE / f"{benchmark.name}.py")]
        command += [each.format(folder=home) for each in arguments]
        failed = _outcome(command, env, 60 * PATIENCE * benchmark.minutes)
        figures = [asdict(each) for each in _records.read(told)]
    return {
        "name": benchmark.name,
        "claim": benchmark.claim,
        "arguments": list(arguments),
        "seconds": round(time.monotonic() - started),
        "machine": machine,
        "failed": failed,
        "figures": figures,
    }


def _outcome(command: list[str], env: dict[str, str], seconds: float) -> str:
    """Run a command; return in a line why it failed, nothing if all is well.

    A script that ends with 1 since it missed a goal has told its figures, and they say that.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=env,
            text=True,
            stderr=subprocess.PIPE,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"given up after {seconds / 60:.0f} minutes"
    said = done.stderr.strip().splitlines()
    sys.stderr.write(done.stderr)
    is_broken = done.returncode and bool(said)
    return said[-1] if is_broken else ""


def keep(result: dict[str, Any], folder: Path = RESULTS) -> None:
    """Write a result to its file."""
    folder.mkdir(exist_ok=True)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    (folder / f"{result['name']}.json").write_text(text + "\n", encoding="utf-8")


def kept(folder: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the results that are kept, in the order of the registry."""
    names = [each.name for each in _registry.BENCHMARKS]
    paths = [folder / f"{name}.json" for name in names]
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def table(results: list[dict[str, Any]]) -> str:
    """Return the results as text: a table of all figures, and on which machines they were found.

    A row of a benchmark's name and claim stands above its figures.
    """
    lines = [_row(_records.HEAD), _row(("---",) * len(_records.HEAD))]
    machines: dict[str, list[str]] = {}
    for result in results:
        failed = f" Failed: {result['failed']}" if result["failed"] else ""
        how = f"`{' '.join([result['name'], *result['arguments']])}`"
        lines.append(_row((f"**{how}** {result['claim']}{failed}", "", "", "", "")))
        lines += [_row(_records.cells(_records.of_record(each))) for each in result["figures"]]
        machine = result["machine"]
        when = f"{result['name']} ({machine['measured_at']}, load {machine['load']})"
        machines.setdefault(_machine.in_words(machine), []).append(when)
    found = [f"On {words}: {', '.join(names)}." for words, names in machines.items()]
    return "\n".join([*lines, "", *found])


def _row(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"


def with_table(text: str, found: str) -> str:
    r"""Return a text with the part between the two marks made anew.

    >>> with_table("a {} old {} b".format(BEGIN, END), "new") == f"a {BEGIN}\nnew\n{END} b"
    True
    """
    before, rest = text.split(BEGIN, 1)
    return f"{before}{BEGIN}\n{found}\n{END}{rest.split(END, 1)[1]}"


def main(arguments: list[str]) -> int:
    """Run what is asked for; return 1 if one broke, or with `--check` if README is stale."""
    if arguments == ["--check"]:
        text = README.read_text(encoding="utf-8")
        return int(with_table(text, table(kept())) != text)
    is_short, broken = not arguments or arguments[0] == "--short", False
    names = [each for each in arguments if not each.startswith("--")]
    for benchmark in [] if arguments == ["--table"] else _registry.chosen(names):
        if missing := _registry.lacking(benchmark, _registry.present(ROOT)):
            print(f"-- {benchmark.name}: passed over, {missing}", flush=True)
            continue
        print(f"-- {benchmark.name}: {benchmark.claim}", flush=True)
        result = run(benchmark, benchmark.short or () if is_short else benchmark.whole)
        broken |= bool(result["failed"])
        if result["figures"]:
            keep(result)
    found = table(kept())
    # Read now: it may have been edited while the benchmarks ran.
    text = README.read_text(encoding="utf-8")
    README.write_text(with_table(text, found), encoding="utf-8")
    print(found)
    return int(broken)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
