"""Which engines there are, and the one line that is said where one cannot be had."""

from __future__ import annotations

import os
import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from resources.engine import EngineError, connected, misuse, names, problems, sessions


@pytest.mark.parametrize(
    "name",
    [
        "duckdb",
        "spark",
        "local",
        "local[2]",
        "local[*]",
        "spark://host:7077",
        "yarn",
        "sc://h:15002",
    ],
)
def test_engines_are_taken_by_name_master_or_address(name):
    assert misuse(name) is None


@pytest.mark.parametrize("name", ["", "flink", "local[0]", "spark://", "http://host"])
def test_another_name_is_refused_with_those_there_are(name):
    with pytest.raises(
        EngineError, match=r"^SELLOFF_ENGINE: .* is no engine; duckdb, spark"
    ) as told:
        connected(name).__enter__()
    assert "\n" not in str(told.value)


def test_without_a_name_the_engine_is_duckdb():
    with connected() as backend:
        assert backend.name == "duckdb"


def test_spark_without_pyspark_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(EngineError, match=r"^pyspark is not installed: install selloff"):
        connected("spark").__enter__()


@pytest.mark.parametrize("version", ["3.5.1", "4.1.0", "40.0.0"])
def test_a_pyspark_that_ibis_does_not_serve_is_refused_before_java_starts(monkeypatch, version):
    monkeypatch.setitem(sys.modules, "pyspark", SimpleNamespace(__version__=version))
    with pytest.raises(EngineError, match=rf"^pyspark {version} is not served by Ibis 12"):
        connected("spark").__enter__()


def test_spark_without_java_says_where_none_was_found(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(EngineError, match=rf"^Spark needs Java 17 or later: JAVA_HOME={tmp_path}"):
        names.refuse_without_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"none is on the PATH"):
        names.refuse_without_java()


def test_a_choice_is_judged_before_spark_starts(monkeypatch, tmp_path):
    assert list(problems("duckdb", tmp_path)) == []
    assert next(problems("flink", tmp_path)).startswith("SELLOFF_ENGINE: 'flink' is no engine")
    monkeypatch.setitem(sys.modules, "pyspark", None)
    (told,) = problems("sc://host", tmp_path)
    assert told.startswith("SELLOFF_ENGINE=sc://host: pyspark is not installed")


def test_a_lake_that_is_a_file_is_refused(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyspark", SimpleNamespace(__version__="4.0.5"))
    (tmp_path / "taken").write_text("")
    (told,) = problems("sc://host", tmp_path / "taken" / "lake")
    assert told.startswith(f"SELLOFF_LAKE: {tmp_path / 'taken'} cannot be written to")


@pytest.mark.parametrize("scheme", ["spark", "sc"])
def test_an_address_where_nobody_listens_is_told_at_once(monkeypatch, scheme):
    monkeypatch.setitem(sys.modules, "pyspark", SimpleNamespace(__version__="4.0.5"))
    monkeypatch.setattr(sessions, "refuse_without_java", lambda: None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"{scheme}://127.0.0.1:{port}"
    with pytest.raises(EngineError, match=rf"^Spark at {address} cannot be reached: 127") as told:
        connected(address).__enter__()
    assert "\n" not in str(told.value)


def test_an_answer_that_does_not_come_is_not_waited_for():
    never = threading.Event()
    with pytest.raises(TimeoutError):
        sessions._within(0.01, never.wait)
    never.set()
    assert sessions._within(60, lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        sessions._within(60, lambda: 1 / 0)


@pytest.mark.parametrize(("engine", "cores"), [("local[3]", 3), ("local", os.cpu_count())])
def test_a_local_spark_shuffles_into_as_many_parts_as_it_has_cores(engine, cores):
    assert sessions._settings(engine)["spark.sql.shuffle.partitions"] == str(cores)
    assert "spark.sql.shuffle.partitions" not in sessions._settings("spark://host:7077")


def test_the_first_line_of_an_error_is_told_and_of_java_its_first_cause():
    class Java:
        def __init__(self, said, cause=None):
            self.said, self.cause = said, cause

        def getCause(self):  # noqa: N802 - Java's name
            return self.cause

        def getMessage(self):  # noqa: N802 - Java's name
            return self.said

    error = RuntimeError("An error occurred while calling o1.parquet\nat org.apache")
    assert sessions.first_line(error) == "An error occurred while calling o1.parquet"
    error.java_exception = Java("job aborted", Java("disk full\nmore"))
    assert sessions.first_line(error) == "disk full"
    assert sessions.first_line(ValueError()) == "ValueError"
