"""Whether a wrong setting is one line with its key and what it takes, before any request."""

from __future__ import annotations

import pytest

from resources.articles import Articles
from resources.configuration import exchange_problems, problems, refuse
from resources.prices import Prices
from resources.reference import Reference
from resources.settings import Settings
from resources.valuation import Valuation
from resources.warehouse import Warehouse, WarehouseError
from selloff.detection import Detection


@pytest.fixture
def said(tmp_path):
    """What is wrong with the defaults where some resources are configured otherwise."""

    def ask(**changed):
        resources = {
            "price_provider": Prices(),
            "article_source": Articles(),
            "reference": Reference(),
            "valuation_source": Valuation(),
            "warehouse": Warehouse(path=str(tmp_path / "new" / "selloff.duckdb")),
            **changed,
        }
        found = problems(resources)
        assert not any("\n" in line for line in found)
        return found

    return ask


def prices(**config):
    return {"price_provider": Prices(**config)}


def test_the_defaults_are_right(said):
    assert said() == []


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            {"provider": "bloomberg"},
            "SELLOFF_PRICES: unknown price provider 'bloomberg'; there are: yahoo, ",
        ),
        (
            {"provider": "replay yahoo"},
            "SELLOFF_PRICES: the price provider 'replay' is never mixed with others",
        ),
        (
            {"provider": "files"},
            "SELLOFF_PRICES: the price provider 'files' needs a path (a file or a folder)",
        ),
        (
            {"provider": "files", "path": "/no/such/place"},
            "SELLOFF_PRICES_PATH: /no/such/place: no such file or folder of .csv or .parquet",
        ),
        (
            {"provider": "yahoo", "tickers": ["NVDIA"]},
            (
                "SELLOFF_TICKERS: unknown ticker 'NVDIA'; nearest: NVDA; one or more of the "
                "85 in instruments.csv"
            ),
        ),
        (
            {"provider": "yahoo", "tickers": ["NVDA", "0123456789"]},
            (
                "SELLOFF_TICKERS: unknown ticker '0123456789'; one or more of the "
                "85 in instruments.csv"
            ),
        ),
    ],
)
def test_a_wrong_choice_of_prices_names_its_key(said, config, line):
    (found,) = said(**prices(**config))
    assert found.startswith(line)


def test_a_wrong_time_zone_is_named_with_the_nearest_right_one(said, tmp_path):
    config = {"provider": "files", "path": str(tmp_path)}
    assert said(**prices(**config, zone="America/New_York")) == []
    (found,) = said(**prices(**config, zone="America/NewYork"))
    assert found.startswith(
        "SELLOFF_PRICES_ZONE: unknown time zone 'America/NewYork'; a name of the IANA list such "
        "as America/New_York"
    )


def test_a_ticker_that_only_files_know_is_for_the_files_to_answer(said, tmp_path):
    config = {"provider": "files", "path": str(tmp_path), "tickers": ["ZZZZ"]}
    assert said(**prices(**config)) == []


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            {"shares": ["edgar"]},
            "SELLOFF_SHARES: unknown source 'edgar'; one or more of yahoo, sec",
        ),
        ({"rates": ["boe"]}, "SELLOFF_FX: unknown source 'boe'; one or more of ecb"),
        (
            {"shares": ["sec"], "sec_contact": "me"},
            (
                "SELLOFF_SEC_CONTACT: the SEC wants a name and an e-mail address with every "
                "request, such as 'Jane Doe jane@example.org', not 'me'"
            ),
        ),
    ],
)
def test_a_wrong_source_of_valuation_names_its_key(said, config, line):
    assert said(valuation_source=Valuation(**config)) == [line]
    assert said(valuation_source=Valuation(shares=["sec"], sec_contact="A a@b.c")) == []


def test_articles_must_be_there_and_feeds_be_addresses(said):
    source = Articles(path="/no/such/place", feeds=["example.org/rss", "https://example.org/rss"])
    assert said(article_source=source) == [
        "SELLOFF_ARTICLES_PATH: /no/such/place: no such file or folder",
        "SELLOFF_FEEDS: 'example.org/rss' is no address; http://... or https://...",
    ]


def test_a_warehouse_under_a_file_cannot_be_written(said, tmp_path):
    (tmp_path / "taken").write_text("a file, not a folder")
    found = said(warehouse=Warehouse(path=str(tmp_path / "taken" / "selloff.duckdb")))
    assert found == [
        f"SELLOFF_WAREHOUSE: {tmp_path / 'taken'} cannot be written to; a file in a folder of yours"
    ]


def test_a_folder_without_the_right_to_write_is_refused(said, tmp_path, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, _mode: path != tmp_path)  # root may write all
    (found,) = said()
    assert found.startswith(f"SELLOFF_WAREHOUSE: {tmp_path} cannot be written to")


def test_every_fault_is_said_at_once(said):
    found = said(
        **prices(provider="yahoo", tickers=["A1", "B2"]), article_source=Articles(path="/nowhere")
    )
    assert [line.partition(":")[0] for line in found] == [
        "SELLOFF_TICKERS",
        "SELLOFF_TICKERS",
        "SELLOFF_ARTICLES_PATH",
    ]


@pytest.mark.parametrize(
    ("mic", "cause"),
    [("XXXX", "has no trading calendar"), ("XLON", "has none of the listings")],
)
def test_an_exchange_that_cannot_be_fetched_is_named_with_those_that_can(mic, cause):
    listings = Reference().listings()
    assert exchange_problems(["XNYS"], listings) == []
    (found,) = exchange_problems({"XNYS", mic}, listings)
    assert found.startswith(f"exchanges: '{mic}' {cause}; one or more of ARCX, ")


def test_problems_stop_the_step_without_another_try():
    refuse([])
    with pytest.raises(WarehouseError, match=r"^one; two$"):
        refuse(["one", "two"])


def test_the_thresholds_are_those_of_the_mathematics_until_a_user_says_otherwise():
    assert Settings().detection() == Detection()
    assert Settings(group_z=-4.0, gap=0).detection() == Detection(group_z=-4.0, gap=0)
    with pytest.raises(ValueError, match="percentiles"):
        Settings(breadth=15.0).detection()


def test_a_file_of_events_that_is_not_there_is_named(said, tmp_path):
    missing = tmp_path / "events.csv"
    found = said(reference=Reference(events_path=str(missing)))
    assert found == [f"SELLOFF_EVENTS: {missing}: no such file"]
