"""The rules of the house that no linter knows: who imports whom, and what no file may hold."""

from __future__ import annotations

import ast
import doctest
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("commands", "assets", "checks", "pages", "resources", "warehouse", "selloff")
DOORS = ("cli", "definitions", "automation")
SOURCES = sorted(
    path
    for pattern in (*(f"{room}/**/*.py" for room in ROOMS), "*.py", "scripts/*.py")
    for path in ROOT.glob(pattern)
)
TREES = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in SOURCES}
IN_ROOMS = {name: tree for name, tree in TREES.items() if name.partition("/")[0] in ROOMS}
# Dagster exports neither the classes of its storage nor the reference of an instance.
MAY_REACH_INTO_DAGSTER = {"resources/run_log.py", "resources/retention.py", "commands/running.py"}
# Composed, so that this file does not hold what it looks for.
ABSOLUTE = [f"/{name}/" for name in ("home", "root", "Users", "work", "tmp", "opt", "mnt")]
REGISTRIES = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("anaconda", "org"),
        ("npmjs", "org"),
        ("proxy", "golang", "org"),
        ("crates", "io"),
    )
]


def imported(tree):
    """Yield each imported module with the name it is bound to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.asname) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module, None


def held():
    """Return every text file that belongs to the repository, by its path."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(  # noqa: S603 - a constant
        command, cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in names:
        path = ROOT / name
        if path.is_file() and path.suffix not in {".png", ".parquet"}:
            yield name, path.read_text(encoding="utf-8")


def test_no_room_imports_what_puts_the_rooms_together():
    guilty = {
        name: module
        for name, tree in IN_ROOMS.items()
        for module, _ in imported(tree)
        if module.partition(".")[0] in DOORS and not name.startswith("commands/")
    }
    assert IN_ROOMS
    assert not guilty


def test_dagster_is_imported_as_dg_and_no_other_way():
    guilty = {
        (name, module)
        for name, tree in TREES.items()
        for module, bound in imported(tree)
        if module.partition(".")[0] == "dagster"
        and (module, bound) != ("dagster", "dg")
        and name not in MAY_REACH_INTO_DAGSTER
    }
    assert not guilty


def test_no_file_names_a_path_of_one_machine():
    # A path begins where no letter, digit, dot or placeholder stands before the slash.
    path = re.compile(r"(?<![\w.}*~-])(" + "|".join(map(re.escape, [*ABSOLUTE, f"{ROOT}/"])) + ")")
    guilty = {name: path.search(text).group() for name, text in held() if path.search(text)}
    assert not guilty


def test_no_file_names_a_host_of_a_package_registry():
    guilty = {name: host for name, text in held() for host in REGISTRIES if host in text.casefold()}
    assert not guilty


@pytest.mark.parametrize("name", TREES)
def test_no_source_file_has_more_than_400_lines(name):
    assert len((ROOT / name).read_text().splitlines()) <= 400


def test_every_public_function_and_class_says_what_it_is():
    silent = []
    for name, tree in IN_ROOMS.items():
        classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
        public = [one for one in classes if not one.name.startswith("_")]
        for node in [*tree.body, *(inner for one in public for inner in one.body)]:
            is_named = isinstance(node, ast.FunctionDef | ast.ClassDef)
            if is_named and not node.name.startswith("_") and not ast.get_docstring(node):
                silent.append(f"{name}: {node.name}")
        if not ast.get_docstring(tree):
            silent.append(name)
    assert not silent


def test_there_are_at_least_as_many_lines_of_tests_as_of_source():
    # An example in a docstring is a test: pytest runs it.
    examples = sum(
        len((each.source + each.want).splitlines())
        for path in SOURCES
        for each in doctest.DocTestParser().get_examples(path.read_text())
    )
    tests = sum(len(path.read_text().splitlines()) for path in ROOT.glob("tests/**/*.py"))
    source = sum(len(path.read_text().splitlines()) for path in SOURCES)
    assert tests + examples >= source - examples, f"{tests} lines of tests, {source} of source"
