"""Whether the folder of pages is that of the release, and each file whole."""

from __future__ import annotations

import pytest
from lxml import html as parser

from pages import documents, writing
from pages.index_page import file_name, index_page
from warehouse.tables import table

NOTHING = {"release_id": "none", "as_of": None}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "pages"


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_page_for_each_event_and_an_index_are_written(market, happened, folder):
    happened()
    happened(event_id="market-us-2025-03-01", scope="market")
    written = writing.write_all(market.con, folder)
    assert [page.event_id for page in written] == ["market-us-2025-03-01", "sector-us-2025-01-27"]
    assert listed(folder) == [
        *("index.html", "market-us-2025-03-01.html", "sector-us-2025-01-27.html"),
    ]
    assert {page.n_bytes for page in written} == {page.path.stat().st_size for page in written}


def test_the_index_links_every_event_by_what_it_is(market, happened, folder):
    happened()
    writing.write_all(market.con, folder)
    root = parser.parse(str(folder / "index.html")).getroot()
    ((link),) = root.xpath("//tbody//a")
    assert link.get("href") == "sector-us-2025-01-27.html"
    assert link.text_content() == "Sector sell-off in the US"
    cells = [" ".join(cell.text_content().split()) for cell in root.xpath("//tbody/tr/td")]
    assert cells[0] == "2025-01-27"
    assert "\N{MINUS SIGN}1.41%" in cells
    assert "1,083.0" in cells


def test_a_withdrawn_event_is_not_listed_and_its_page_goes(market, happened, folder):
    happened()
    writing.write_all(market.con, folder)
    market.con.execute("UPDATE mart.selloff_events SET status = 'withdrawn'")
    assert writing.write_all(market.con, folder) == []
    assert listed(folder) == ["index.html"]
    assert "No sell-off has been found" in (folder / "index.html").read_text()


def test_a_page_that_cannot_be_finished_leaves_the_older_one(tmp_path, monkeypatch):
    path = tmp_path / "page.html"
    documents.write(path, "old")

    def fails(_self, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", fails)
    with pytest.raises(OSError, match="No space"):
        documents.write(path, "new")
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    "event_id", ["../../etc/passwd", "a/b", "Upper", "", "x" * 200, "<script>", ".hidden", "a.b"]
)
def test_an_event_of_a_strange_name_has_a_page_of_a_plain_one(event_id):
    name = file_name(event_id)
    assert name.startswith("event-")
    assert name.removesuffix(".html").replace("-", "").isalnum()


def test_events_of_different_strange_names_have_different_pages():
    assert file_name("a/b") != file_name("a.b")


def test_hostile_names_do_nothing_in_the_index(market, happened, folder):
    happened(event_name="<script>alert(1)</script>\u202e", origin_sector="<img src=x onerror=a()>")
    writing.write_all(market.con, folder)
    text = (folder / "index.html").read_text()
    root = parser.document_fromstring(text)
    assert len(root.xpath("//script")) == 1
    assert not root.xpath("//img")
    assert "\u202e" not in text


def test_a_release_of_which_nothing_is_known_has_an_index_all_the_same():
    assert "not known" in index_page([], NOTHING)


def test_the_release_is_named_on_every_page(market, happened, folder):
    market.put(table("meta.releases"), release_id="20250201T070000.000000Z")
    happened()
    writing.write_all(market.con, folder)
    for path in folder.iterdir():
        assert "20250201T070000.000000Z" in path.read_text()
