"""The Data Docs of a load: the page lies beside the warehouse and says what was refused."""

from __future__ import annotations

from datetime import date, datetime

import dagster as dg
import pyarrow as pa
import pytest

from assets.report import DOCUMENTED, data_docs
from resources.batch import Answer, Batch
from resources.clock import Clock
from resources.warehouse import Warehouse
from warehouse.tables.articles import ARTICLES
from warehouse.tables.prices import PRICE_VINTAGES

NOW = datetime.fromisoformat("2025-01-28T12:00")
HOSTILE = "<script>alert(1)</script>"
BAR = {
    "listing_id": "XNAS:NVDA",
    "ticker": "NVDA",
    "session_date": date(2025, 1, 27),
    "close": 118.42,
    "currency": "USD",
    "basis": "split_adjusted",
    "source": "files",
    "is_provisional": False,
    "is_simulated": False,
}
ARTICLE = {
    "article_id": HOSTILE,
    "title": HOSTILE,
    "source": HOSTILE,
    "location": HOSTILE,
    "published_from": HOSTILE,
    "text": HOSTILE,
}


@pytest.fixture
def house(tmp_path):
    return Warehouse(path=str(tmp_path / "selloff.duckdb"))


def land(house, table, *rows):
    answer = Answer("delivery", "delivered", None, len(rows), NOW)
    batch = Batch(pa.Table.from_pylist(list(rows)), [answer])
    return house.land(table, batch, run_id="run", now=NOW)


def materialize(house):
    """Write the page; return its path as Dagster shows it, and its text."""
    resources = {"warehouse": house, "clock": Clock(fixed_at="2025-01-28T12:00")}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([data_docs], resources=resources, instance=instance)
    (made,) = result.asset_materializations_for_node("meta__data_docs")
    path = made.metadata["path"].value
    with open(path, encoding="utf-8") as page:  # noqa: PTH123 - as a browser would be given it
        return path, page.read()


def test_the_page_lies_beside_the_warehouse_and_its_path_is_shown(house, tmp_path):
    path, page = materialize(house)
    assert path == str(tmp_path / "data_docs" / "index.html")
    assert "on 2025-01-28 12:00 UTC" in page
    assert "not met" not in page.partition("</style>")[2]


def test_what_was_refused_is_on_the_page_as_text(house):
    land(house, PRICE_VINTAGES, BAR, {**BAR, "close": -118.42, "ticker": HOSTILE})
    refused = land(house, ARTICLES, ARTICLE)
    assert refused.n_quarantined == 1
    _, page = materialize(house)
    assert "-118.42" in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert page.count('class="missed"') == 4  # both tables, in the contents and over the section


def test_the_next_page_speaks_of_the_next_load(house):
    land(house, PRICE_VINTAGES, {**BAR, "close": -118.42})
    assert "-118.42" in materialize(house)[1]
    later = NOW.replace(hour=13)
    answer = Answer("delivery", "delivered", None, 1, later)
    batch = Batch(pa.Table.from_pylist([BAR]), [answer])
    house.land(PRICE_VINTAGES, batch, run_id="later", now=later)
    page = materialize(house)[1]
    assert "-118.42" not in page
    assert 'class="missed"' not in page


def test_the_page_follows_what_it_shows_and_waits_for_nothing_else():
    (spec,) = data_docs.specs
    assert spec.key == dg.AssetKey(["meta", "data_docs"])
    assert {dep.asset_key.to_user_string() for dep in spec.deps} == {
        "raw/price_vintages",
        "raw/articles",
    }
    assert [table.qualified for table in DOCUMENTED] == ["raw.price_vintages", "raw.articles"]
