"""Whether everything a BI tool lists says what it is, and the files of the views say it rightly."""

from __future__ import annotations

from contextlib import closing

import duckdb
import pytest

from resources.warehouse.files import opened
from warehouse import views
from warehouse.dictionary import dictionary

COMMENTS = """
    SELECT schema_name || '.' || table_name, column_name, comment FROM duckdb_columns()
    WHERE schema_name || '.' || table_name IN (
      SELECT schema_name || '.' || view_name FROM duckdb_views() WHERE NOT internal
    )
"""


@pytest.fixture(scope="module")
def comments(tmp_path_factory):
    """What stands beside every column of every view of a new warehouse."""
    path = tmp_path_factory.mktemp("warehouse") / "selloff.duckdb"
    with opened(path, read_only=True) as con:
        return {(view, column): text for view, column, text in con.execute(COMMENTS).fetchall()}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of views of our own; call it with a name and a text."""
    monkeypatch.setattr(views, "HERE", tmp_path)
    return lambda name, text: (tmp_path / f"{name}.sql").write_text(text)


def test_every_column_of_every_view_says_what_it_is(comments):
    assert {view for view, _ in comments} == {view.name for view in views.read()}
    assert [place for place, text in comments.items() if not text] == []


def test_a_column_that_no_contract_knows_has_the_comment_of_its_view(comments):
    assert comments["mart.event_instruments", "simple_return_text"] == "simple_return as percent."


def test_a_column_has_the_comment_of_the_table_that_the_view_reads(comments):
    # Several contracts have a column of this name; the view reads mart.claim_checks before others.
    assert comments["mart.article_claims", "session_date"] == (
        "Session held against it; NULL where there is none."
    )


def test_a_column_taken_from_another_view_keeps_its_comment(comments):
    assert (
        comments["mart.latest_event", "event_title"] == comments["mart.event_list", "event_title"]
    )


def test_a_comment_may_run_over_lines_and_is_kept_out_of_that_of_the_view(folder):
    folder(
        "mart.odd", "-- What\n-- it is.\n-- @one: The first,\n-- no more. [USD]\nSELECT 1 AS one\n"
    )
    (view,) = views.read()
    assert view.doc == "What it is."
    assert view.columns == {"one": "The first, no more. [USD]"}


def test_a_column_whose_comment_has_an_apostrophe_is_commented_in_the_database(folder):
    folder("mart.odd", "-- What it is.\n-- @one: The vendor's.\nSELECT 1 AS one\n")
    with closing(duckdb.connect()) as con:
        con.execute("CREATE SCHEMA mart")
        con.execute(views.views()["mart.odd"])
        assert ("mart.odd", "one", "The vendor's.") in con.execute(COMMENTS).fetchall()


def test_a_comment_on_a_column_that_the_view_lacks_is_refused(folder):
    folder("mart.odd", "-- What it is.\n-- @two: Not there.\nSELECT 1 AS one\n")
    with closing(duckdb.connect()) as con:
        con.execute("CREATE SCHEMA mart")
        with pytest.raises(duckdb.BinderException, match="two"):
            con.execute(views.views()["mart.odd"])


def test_a_view_is_created_after_those_it_reads(folder):
    folder(
        "mart.first", "-- Reads a later one.\nSELECT * FROM mart.second JOIN mart.third USING (n)\n"
    )
    folder("mart.second", "-- Reads a later one.\nSELECT * FROM mart.third\n")
    folder("mart.third", "-- Reads none.\nSELECT 1 AS n\n")
    assert list(views.views()) == ["mart.third", "mart.second", "mart.first"]
    assert [view.name for view in views.read()] == ["mart.first", "mart.second", "mart.third"]


def test_a_view_names_the_relations_it_reads_once_each():
    known = {view.name: view for view in views.read()}
    assert known["mart.event_instruments"].reads == ("mart.event_losses", "mart.event_list")


def test_the_dictionary_lists_the_columns_of_a_view_that_no_table_has():
    text = dictionary()
    chapter = text[text.index("### mart.sector_heat_map") :].partition("```")[0]
    assert "- `day_text`: day with its sign." in chapter.splitlines()
    assert "@" not in chapter
