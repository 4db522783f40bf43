"""The commands on what was published: releases, what changed, events, pages; each also as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from resources.warehouse import Warehouse

FIRST, SECOND = "20250201T070000.000000Z", "20250202T070000.000000Z"


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_releases_are_listed_with_what_is_live(kept):
    found = answer(kept("releases", "--json"))
    assert [(row["release_id"], row["is_live"], row["is_kept"]) for row in found] == [
        (SECOND, True, True),
        (FIRST, False, True),
    ]
    assert found[0]["as_of"] == "2025-02-02T00:00:00"
    assert SECOND[:8] in kept("releases").stdout


def test_a_rollback_is_one_command(kept):
    assert answer(kept("rollback", "--json")) == [{"release_id": FIRST, "n_pages": 2}]
    (live,) = [row for row in answer(kept("releases", "--json")) if row["is_live"]]
    assert live["release_id"] == FIRST
    (event,) = answer(kept("event", "2025-01-27", "--json"))
    assert event["market_return"] == -0.0141
    assert "readers see" in kept("rollback", SECOND).stdout


def test_the_pages_are_those_of_the_release_rolled_back_to(kept, tmp_path):
    kept("rollback")
    assert FIRST in (tmp_path / "pages" / "index.html").read_text()
    assert "\N{MINUS SIGN}1.41%" in (tmp_path / "pages" / "sector-us-2025-01-27.html").read_text()


def test_a_core_file_that_was_restored_does_not_hide_the_live_release(kept, tmp_path):
    (told,) = answer(kept("backup", tmp_path / "b.duckdb", "--json"))
    assert told == {"path": str(tmp_path / "b.duckdb")}
    (published,) = json.loads(kept("publish", "--json").stdout)
    answer(kept("restore", tmp_path / "b.duckdb", "--json"))
    found = answer(kept("releases", "--json"))
    assert [row["release_id"] for row in found if row["is_live"]] == [published["release_id"]]
    assert {FIRST, SECOND} < {row["release_id"] for row in found}


def test_what_is_no_release_is_refused_in_one_line(kept):
    result = kept("rollback", "yesterday")
    assert result.exit_code == 1
    assert f"no release yesterday; kept: {FIRST}, {SECOND}" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_changed_between_releases_is_told_with_its_cause(kept):
    (found,) = answer(kept("diff", FIRST, SECOND, "--json"))
    assert found["table_name"] == "mart.selloff_events"
    assert (found["column_name"], found["reason"], found["n_rows"]) == (
        "market_return",
        "vintage",
        1,
    )
    # From -0.0141 to -0.02.
    assert found["largest_relative_change"] == pytest.approx(0.0059 / 0.0141)
    (cell,) = answer(kept("diff", FIRST, SECOND, "--table", "mart.selloff_events", "--json"))
    assert (cell["row"], cell["older"], cell["newer"]) == (
        "sector-us-2025-01-27",
        "-0.0141",
        "-0.02",
    )
    assert "vintage" in kept("diff", FIRST, SECOND).stdout


def test_releases_of_equal_figures_do_not_differ(kept):
    assert "no published figure changed" in kept("diff", SECOND, SECOND).stdout
    assert answer(kept("diff", SECOND, SECOND, "--json")) == []


def test_events_are_listed_without_the_withdrawn_unless_asked_for(kept):
    ids = [row["event_id"] for row in answer(kept("events", "--json"))]
    assert ids == ["market-us-2024-08-05", "sector-us-2025-01-27"]
    assert len(answer(kept("events", "--all", "--json"))) == 3
    assert "2024-08-05" in kept("events").stdout
    assert kept("events", "--format", "csv").stdout.startswith("event_id,session_date,")


def test_an_event_is_given_with_all_that_is_shown_of_it(kept):
    (event,) = answer(kept("event", "2025-01-27", "--json"))
    assert event["event_id"] == "sector-us-2025-01-27"
    assert event["instruments"] == event["sectors"] == []
    assert event["story"] is None
    assert event["verdicts"]["supported"] == 0


@pytest.mark.parametrize("name", ["event", "report"])
def test_a_date_without_event_names_the_nearest(kept, name):
    result = kept(name, "2024-09-01")
    assert result.exit_code == 1
    assert "no sell-off on 2024-09-01; the nearest: 2024-08-05, 2025-01-27" in result.stderr


def test_a_page_is_written_where_it_is_wanted(kept, tmp_path):
    result = kept("report", "2025-01-27")
    path = tmp_path / "pages" / "sector-us-2025-01-27.html"
    assert result.stdout.strip() == str(path)
    assert "Sector sell-off in the US, 27 January 2025" in path.read_text()
    target = tmp_path / "sent" / "page.html"
    (found,) = answer(kept("report", "2025-01-27", "--output", target, "--json"))
    assert Path(found["path"]) == target
    assert found["n_bytes"] == target.stat().st_size


def test_a_page_is_shown_in_the_browser(kept, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("typer.launch", shown.append)
    assert kept("report", "2025-01-27", "--open").exit_code == 0
    assert shown == [(tmp_path / "pages" / "sector-us-2025-01-27.html").as_uri()]


def test_a_page_that_cannot_be_written_is_one_line(kept, tmp_path):
    (tmp_path / "taken").write_text("")
    result = kept("report", "2025-01-27", "--output", tmp_path / "page.txt")
    assert "a page is an .html file; or name a folder" in result.stderr
    result = kept("report", "2025-01-27", "--output", tmp_path / "taken" / "page.html")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1


def test_what_speaks_against_publishing_by_hand_is_said_and_nothing_published(kept, tmp_path):
    with Warehouse(path=str(tmp_path / "selloff.duckdb")).writing() as con:
        con.execute(
            "INSERT INTO meta.dq_results VALUES ('run', 'core.splits', 'grain_is_unique', "
            "false, 'ERROR', 9, 2, NULL, NULL, TIMESTAMP '2025-02-01')"
        )
    result = kept("publish")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "core.splits grain_is_unique: 2 rows contradict it",
        "nothing was published; --force publishes all the same",
    ]
    assert len(answer(kept("releases", "--json"))) == 2


def test_publishing_by_hand_makes_a_release_and_its_pages(kept, tmp_path):
    result = kept("publish", "--json")
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.stdout)
    assert told["release_id"] not in {FIRST, SECOND}
    assert (tmp_path / "pages" / "index.html").exists()
    (live,) = [row for row in answer(kept("releases", "--json")) if row["is_live"]]
    assert live["release_id"] == told["release_id"]
    assert told["release_id"] in (tmp_path / "pages" / "index.html").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        *(("releases", "--all"), ("events",), ("claims",), ("sql", "SELECT 1 AS x")),
        *(("doctor",), ("quarantine", "list")),
    ],
)
def test_every_list_is_also_json(kept, arguments):
    assert isinstance(answer(kept(*arguments, "--json")), list)


def test_a_release_of_an_older_schema_is_told_in_one_line(kept, tmp_path):
    import duckdb

    path = (tmp_path / "current" / "warehouse.duckdb").resolve()
    path.chmod(0o644)
    with duckdb.connect(str(path)) as con:
        con.execute("DROP VIEW mart.event_stories")
        con.execute("DELETE FROM meta.contracts WHERE table_name = 'views'")
    result = kept("event", "2025-01-27")
    assert result.exit_code == 1
    assert "is of an older schema" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_shell_can_complete_the_command(kept):
    assert "--install-completion" in kept("--help").stdout
