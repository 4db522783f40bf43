from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from resources.articles import REPLAY, Articles
from resources.articles.text import READERS
from resources.reference import Reference
from selloff.mentions import mentions
from warehouse.tables.articles import ARTICLES

SHARED = Path(__file__).parents[4] / "shared" / "data"
TEXT = "Tuesday, January 28, 2025 - Shares of Nvidia fell by a sixth on Monday, more than ever.\n"


@pytest.fixture
def folder(tmp_path):
    """Return a drop folder and a way to fill it."""

    def put(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return Articles(path=str(tmp_path)).fetch()

    return put


def answers(batch):
    return {answer.requested: (answer.outcome, answer.reason) for answer in batch.answers}


def test_the_columns_are_those_that_the_contract_needs_from_a_source(folder):
    delivered = set(folder(a_DOT_txt=TEXT).rows.column_names)
    added_on_landing = {"row_hash", "load_id", "known_from"}
    assert delivered == {*ARTICLES.column_names, "source_file", "source_row"} - added_on_landing


def test_one_file_is_one_article_under_its_own_name(folder):
    batch = folder(deep__er__a_DOT_TXT=TEXT)
    (row,) = batch.rows.to_pylist()
    assert row["location"] == row["source_file"] == row["source"] == "deep/er/a.TXT"
    assert (row["text"], row["language"], row["source_row"]) == (TEXT.strip(), "en", None)
    assert (str(row["published_at"]), row["published_from"]) == ("2025-01-28 00:00:00", "dateline")
    assert answers(batch) == {"deep/er/a.TXT": ("delivered", None)}
    assert batch.answers[0].n_rows == 1


def test_reading_twice_gives_the_same_rows(folder):
    files = {"b_DOT_txt": TEXT, "a_DOT_json": json.dumps({"text": "Chips fell again, widely."})}
    first = folder(**files)
    assert folder(**files).rows.equals(first.rows)
    assert [answer.requested for answer in first.answers] == ["a.json", "b.txt"]


def test_the_same_text_in_two_files_is_one_article(folder):
    batch = folder(a_DOT_txt=TEXT, b_DOT_json=json.dumps({"text": f"{TEXT}\n\n"}))
    assert batch.rows["location"].to_pylist() == ["a.txt"]
    assert answers(batch)["b.json"] == ("no_data", "the same text as a.txt")


def test_what_is_no_article_is_passed_over_with_its_reason(folder):
    batch = folder(a_DOT_doc=b"x", readme=TEXT, _DOT_b_DOT_txt=TEXT, _DOT_git__c_DOT_txt=TEXT)
    assert batch.rows.num_rows == 0
    assert answers(batch) == {
        "a.doc": ("no_data", "not an article: .doc"),
        "readme": ("no_data", "not an article: no suffix"),
        ".b.txt": ("no_data", "not an article: hidden"),
        ".git/c.txt": ("no_data", "not an article: hidden"),
    }


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.txt", b"", "empty"),
        ("a.txt", b"\xff\xfe\x00", "empty: no text in it"),
        ("a.txt", b"a" * 200_001, "too large: 200,001 bytes of text"),
        ("a.txt", b"a " * 1_000_001, "too large: at most 2,000,000 bytes"),
        ("a.html", b"<p>" * 1_000_000, "too large: at most 2,000,000 bytes"),
        ("a.html", b"<html></html>", "empty: no main text in the page"),
        ("a.html", b"\x1f\x8b\x08\x00", "binary: it begins like gzip"),
        ("a.json", b"{", "not JSON"),
        ("a.json", b'{"title": "T"}', "JSON without text"),
        ("a.json", b'{"text": "T", "published_at": "soon"}', "published_at is not an ISO 8601"),
    ],
)
def test_an_unreadable_file_fails_in_one_line_and_the_others_land(tmp_path, name, content, cause):
    (tmp_path / name).write_bytes(content)
    (tmp_path / "good.txt").write_text(TEXT)
    batch = Articles(path=str(tmp_path)).fetch()
    outcome, reason = answers(batch)[name]
    assert outcome == "failed"
    assert reason.startswith(cause)
    assert "\n" not in reason
    assert batch.rows["location"].to_pylist() == ["good.txt"]


def test_whatever_a_parser_raises_the_others_land(folder, monkeypatch):
    def broken(_page):
        raise RuntimeError("line one\nline two")

    monkeypatch.setitem(READERS, ".html", broken)
    batch = folder(a_DOT_html="<p>x</p>", b_DOT_txt=TEXT)
    reason = "cannot be read: RuntimeError: line one line two"
    assert answers(batch)["a.html"] == ("failed", reason)
    assert batch.rows.num_rows == 1


def test_a_file_that_is_not_there_any_more_fails(tmp_path):
    (tmp_path / "a.txt").symlink_to(tmp_path / "gone.txt")
    (tmp_path / "b.txt").write_text(TEXT)
    batch = Articles(path=str(tmp_path)).fetch()
    assert batch.rows.num_rows == 1
    assert answers(batch)["a.txt"] == ("failed", "cannot be read: No such file or directory")


def test_a_folder_that_is_not_there_fails_and_an_empty_one_has_no_data(tmp_path):
    (answer,) = Articles(path=str(tmp_path / "none")).fetch().answers
    assert (answer.outcome, answer.reason) == ("failed", "no such file or folder")
    (answer,) = Articles(path=str(tmp_path)).fetch().answers
    assert (answer.outcome, answer.reason) == ("no_data", "no files in the folder")


def test_a_single_file_may_be_named(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    batch = Articles(path=str(tmp_path / "a.txt")).fetch()
    assert batch.rows["location"].to_pylist() == ["a.txt"]


def test_a_name_that_is_no_utf8_can_still_be_stored(tmp_path):
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_text(TEXT)
    except OSError:
        pytest.skip("the file system takes no such name")
    batch = Articles(path=str(tmp_path)).fetch()
    assert batch.rows["location"].to_pylist() == ["?.txt"]


def test_a_stated_address_is_the_location_and_its_host_the_source(folder):
    stated = {"text": "Chips fell again, and widely.", "url": "https://daily.example/x"}
    (row,) = folder(a_DOT_json=json.dumps(stated)).rows.to_pylist()
    assert (row["location"], row["source"]) == ("https://daily.example/x", "daily.example")
    assert row["source_file"] == "a.json"


CLOSES = {
    "Nvidia": (142.62, 118.42),
    "Broadcom": (244.70, 202.13),
    "Marvell": (124.02, 100.33),
    "Micron": (103.19, 91.11),
    "Taiwan Semiconductor Manufacturing": (221.88, 192.31),
    "Advanced Micro Devices": (122.84, 115.01),
    "Oracle": (183.60, 158.28),
    "Arista Networks": (129.17, 100.30),
    "S&P 500": (6101.24, 6012.28),
    "Nasdaq Composite": (19954.30, 19341.83),
    "Apple": (222.78, 229.86),
    "Meta Platforms": (647.49, 659.88),
    "Vistra": (191.11, 137.08),
    "Constellation Energy": (347.44, 275.00),
    "GE Vernova": (420.49, 330.00),
    "Vertiv": (146.32, 102.60),
    "Eaton": (368.98, 311.55),
    "ASML": (691.48, 643.03),
    "Siemens": (199.44, 192.70),
    "consumer staples": (77.90, 80.01),
    "health care": (144.31, 147.55),
    "Advantest": (9185.0, 8162.0),
    "Tokyo Electron": (25805.0, 24325.0),
    "SoftBank": (2420.3, 2294.0),
    "Fujikura": (6522.0, 5921.0),
}


def test_the_figures_of_the_replay_are_those_of_the_closes():
    text = "\n".join(Articles().fetch().rows["text"].to_pylist())
    for name, (before, after) in CLOSES.items():
        stated = re.search(rf"{re.escape(name)}(?! Energy)[^.%]*?([0-9]+\.[0-9])%", text)
        assert stated, name
        assert float(stated[1]) == round(abs(after / before - 1) * 100 + 1e-9, 1), name
    for fact in ("$589 billion", "DeepSeek-R1", "20 January 2025", "14.85 to 17.90"):
        assert fact in text


def test_the_replay_has_dated_english_articles_that_name_the_fallen():
    batch = Articles().fetch()
    rows = batch.rows.to_pylist()
    assert len(rows) == len(list(REPLAY.glob("*.txt"))) == 3
    assert {str(row["published_at"].date()) for row in rows} == {"2025-01-27", "2025-01-28"}
    assert {(row["published_from"], row["language"]) for row in rows} == {("dateline", "en")}
    assert all(row["title"] for row in rows)
    named = set(mentions(batch.rows, Reference().aliases())["ticker"].to_pylist())
    assert {"NVDA", "AVGO", "TSM", "ORCL", "VST", "ASML.AS", "ENR.DE", "6857.T", "^GSPC"} <= named


@pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is absent")
def test_the_real_article_is_dated_by_its_dateline_and_names_who_fell():
    batch = Articles(path=str(SHARED / "articles")).fetch()
    (row,) = batch.rows.to_pylist()
    assert (str(row["published_at"]), row["published_from"]) == ("2025-01-28 00:00:00", "dateline")
    assert (row["language"], row["title"]) == ("en", None)
    named = set(mentions(batch.rows, Reference().aliases())["ticker"].to_pylist())
    fallen = {"NVDA", "AVGO", "MU", "AMD", "MSFT", "GOOGL", "ASML.AS", "ENR.DE"}
    assert fallen <= named
    # It names SoftBank as a backer; Siemens and Meta are not in it.
    assert named - fallen == {"9984.T"}


def test_the_texts_of_the_replay_are_a_replay_and_those_of_a_folder_are_anyones(folder):
    assert Articles().fetch().kind == "replay"
    assert folder(a_DOT_txt=TEXT).kind is None


def test_without_a_folder_nothing_is_read_where_the_prices_are_real():
    batch = Articles().fetch(is_replay=False)
    assert (batch.rows.num_rows, batch.answers, batch.kind) == (0, [], None)
