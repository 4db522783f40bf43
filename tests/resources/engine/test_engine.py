"""Which engines there are, and the one line that is said where one cannot be had."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from resources import engine
from resources.engine import EngineError, connected, misuse


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
        engine._refuse_without_java()
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineError, match=r"none is on the PATH"):
        engine._refuse_without_java()
