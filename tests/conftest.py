"""What the tests of the orchestration share: the command, the replay run once, small inputs."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from types import SimpleNamespace
from unittest import mock

import pytest


@contextmanager
def settings(home, **given):
    """Give the process the environment of one user, and the definitions that follow from it."""
    with mock.patch.dict(os.environ):
        for name in [name for name in os.environ if name.startswith("SELLOFF_")]:
            del os.environ[name]
        os.environ["SELLOFF_WAREHOUSE"] = str(home / "selloff.duckdb")
        os.environ["DAGSTER_HOME"] = str(home / "dagster")
        os.environ.update(given)
        before = sys.modules.pop("definitions", None)
        try:
            yield
        finally:
            sys.modules.pop("definitions", None)
            if before:
                sys.modules["definitions"] = before


@pytest.fixture(scope="session")
def command():
    """Run the `selloff` command in this process, with its files under a folder."""
    from typer.testing import CliRunner

    import cli

    def run(home, *arguments, **given):
        with settings(home, **given):
            return CliRunner().invoke(cli.app, [str(each) for each in arguments])

    return run


@pytest.fixture(scope="session")
def replay(tmp_path_factory, command):
    """The replay through the whole graph, once for all tests that only look at it."""
    home = tmp_path_factory.mktemp("replay")
    result = command(home, "demo")
    assert result.exit_code == 0, result.output[-3000:]
    return SimpleNamespace(home=home, result=result, release=home / "current" / "warehouse.duckdb")
