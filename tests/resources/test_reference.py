from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

import resources.reference as module
from resources.calendars import is_known
from resources.reference import SECTORS, STATED_SHARES, InvalidReferenceError, Reference
from warehouse.tables.instruments import (
    INSTRUMENT_ALIASES,
    INSTRUMENTS,
    LISTING_SYMBOLS,
)

SHARED = Path(__file__).parents[3] / "shared" / "data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared is absent")
REPLAY_TICKERS = (
    "NVDA AVGO MU AMD MRVL ARM TSM ASML ASML.AS MSFT GOOGL META AMZN AAPL TSLA ORCL SMCI DELL ANET "
    "VRT VST CEG GEV ETN SIE.DE ENR.DE 6857.T 8035.T 9984.T 5803.T XLK XLC XLY XLF XLV XLI XLE XLU "
    "XLB XLRE XLP SMH SPY ^GSPC ^IXIC ^VIX EURUSD USDJPY"
)


def by_ticker(reference):
    return {row["ticker"]: row for row in reference.instruments().to_pylist()}


@pytest.fixture
def stated(tmp_path):
    """Return the reference with an `instruments.csv` of that text beside the prices."""

    def write(text):
        (tmp_path / "instruments.csv").write_bytes(text.encode())
        return Reference(prices_path=str(tmp_path))

    return write


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Put a copy of the repository's files elsewhere, with one line replaced."""

    def change(name, old, new):
        for path in module.DATA.glob("*.csv"):
            (tmp_path / path.name).write_text(path.read_text("utf-8"), "utf-8")
        text = (tmp_path / name).read_text("utf-8")
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new, 1), "utf-8")
        monkeypatch.setattr(module, "DATA", tmp_path)
        return Reference()

    return change


@pytest.mark.parametrize(
    ("table", "contract"),
    [
        (Reference().instruments, INSTRUMENTS),
        (Reference().aliases, INSTRUMENT_ALIASES),
        (Reference().symbols, LISTING_SYMBOLS),
        (Reference().shares, STATED_SHARES),
    ],
)
def test_the_columns_are_those_of_the_contract(table, contract):
    assert tuple(table().column_names) == contract.column_names


def test_every_instrument_of_the_replay_is_known():
    tickers = REPLAY_TICKERS.split()
    assert set(tickers) <= set(by_ticker(Reference()))
    assert len(tickers) == 48


def test_every_exchange_is_known_and_every_id_names_its_exchange():
    for row in Reference().instruments().to_pylist():
        assert is_known(row["exchange_mic"]), row
        assert row["listing_id"] == f"{row['exchange_mic']}:{row['ticker']}"
        assert row["registered_from"] == "repository"


@pytest.mark.parametrize(
    ("ticker", "listing_id", "asset_class", "currency", "sector", "region", "proxy"),
    [
        ("NVDA", "XNAS:NVDA", "equity", "USD", "Information Technology", "US", "XLK"),
        ("TSM", "XNYS:TSM", "equity", "USD", "Information Technology", "US", "XLK"),
        ("GOOGL", "XNAS:GOOGL", "equity", "USD", "Communication Services", "US", "XLC"),
        ("V", "XNYS:V", "equity", "USD", "Financials", "US", "XLF"),
        ("VST", "XNYS:VST", "equity", "USD", "Utilities", "US", "XLU"),
        ("VRT", "XNYS:VRT", "equity", "USD", "Industrials", "US", "XLI"),
        ("ASML.AS", "XAMS:ASML.AS", "equity", "EUR", "Information Technology", "EU", None),
        ("ENR.DE", "XETR:ENR.DE", "equity", "EUR", "Industrials", "EU", None),
        ("9984.T", "XTKS:9984.T", "equity", "JPY", "Communication Services", "JP", None),
        ("XLK", "ARCX:XLK", "etf", "USD", "Information Technology", "US", None),
        ("SMH", "XNAS:SMH", "etf", "USD", None, "US", None),
        ("^VIX", "CMES:^VIX", "index", None, None, "US", None),
        ("^N225", "XTKS:^N225", "index", "JPY", None, "JP", None),
        ("USDJPY", "XNYS:USDJPY", "fx", "JPY", None, "US", None),
    ],
)
def test_a_listing_is_what_it_is(ticker, listing_id, asset_class, currency, sector, region, proxy):
    row = by_ticker(Reference())[ticker]
    assert row["listing_id"] == listing_id
    assert (row["asset_class"], row["currency"], row["sector"]) == (asset_class, currency, sector)
    assert (row["region"], row["sector_proxy"]) == (region, proxy)


def test_the_proxy_of_an_equity_is_the_fund_of_its_sector():
    rows = by_ticker(Reference())
    equities = [row for row in rows.values() if row["asset_class"] == "equity"]
    assert {row["sector"] for row in equities} == set(SECTORS)
    for row in equities:
        assert (row["sector_proxy"] is not None) == (row["region"] == "US"), row
        if row["sector_proxy"]:
            assert rows[row["sector_proxy"]]["sector"] == row["sector"]


@needs_shared
def test_sectors_and_names_agree_with_the_index_constituents():
    path = SHARED / "reference" / "constituents_2024-12-27.csv"
    with path.open(encoding="utf-8") as file:
        published = {row["Symbol"]: row for row in csv.DictReader(file)}
    rows = by_ticker(Reference())
    shared = [ticker for ticker in rows if ticker in published]
    assert len(shared) == 51
    for ticker in shared:
        assert rows[ticker]["sector"] == published[ticker]["GICS Sector"], ticker
        first = published[ticker]["Security"].split()[0].lower().removesuffix(",")
        joined = f"{rows[ticker]['name']} {rows[ticker]['aliases']}".lower()
        assert first in joined, ticker


@needs_shared
def test_exchanges_and_sectors_abroad_agree_with_the_database_but_for_known_errors():
    path = SHARED / "reference" / "financedatabase_small_universe.csv"
    with path.open(encoding="utf-8") as file:
        published = {row["symbol"]: row for row in csv.DictReader(file)}
    rows = by_ticker(Reference())
    assert set(published) <= set(rows)
    for ticker, row in published.items():
        assert rows[ticker]["exchange_mic"] == row["mic"].replace("XJPX", "XTKS"), ticker
        assert rows[ticker]["currency"] == row["currency"], ticker
        # The database calls Siemens Energy a utility; it builds turbines and grids.
        if rows[ticker]["asset_class"] == "equity" and ticker != "ENR.DE":
            assert rows[ticker]["sector"] == row["sector"], ticker


@needs_shared
def test_every_ticker_of_the_real_prices_is_known_with_its_kind_and_currency():
    import pyarrow.parquet as pq

    path = SHARED / "prices" / "ai_selloff_2025.parquet"
    delivered = pq.read_table(path, columns=["ticker", "kind", "currency"]).to_pylist()
    rows = by_ticker(Reference())
    assert set(rows) - {row["ticker"] for row in delivered} == {"GOOG"}
    for row in delivered:
        known = rows[row["ticker"]]
        assert known["asset_class"] == row["kind"]
        assert known["currency"] == (row["currency"] or None), row


@needs_shared
def test_the_share_counts_agree_with_capitalisation_over_close():
    path = SHARED / "reference" / "us_shares_2025-01-24.csv"
    with path.open(encoding="utf-8") as file:
        published = {r["symbol"]: float(r["shares_outstanding"]) for r in csv.DictReader(file)}
    for row in Reference().shares().to_pylist():
        assert row["shares_outstanding"] == pytest.approx(published[row["ticker"]], rel=2e-4)


def test_share_counts_are_those_of_one_day_and_of_these_firms_only():
    rows = {row["ticker"]: row for row in Reference().shares().to_pylist()}
    assert len(rows) == 23
    assert {row["known_on"] for row in rows.values()} == {date(2025, 1, 24)}
    assert rows["NVDA"]["shares_outstanding"] == 24_490_000_000
    assert rows["GOOGL"]["listing_id"] == "XNAS:GOOGL"
    assert "V" not in rows


def test_names_are_dated_and_marked_where_they_are_words():
    names = {(r["ticker"], r["alias"]): r for r in Reference().aliases().to_pylist()}
    assert names["META", "Facebook"]["valid_to"] == date(2021, 10, 28)
    assert names["META", "Meta"]["needs_cue"] is True
    assert names["ARM", "Arm"]["needs_cue"] is True
    assert names["NVDA", "Nvidia"]["needs_cue"] is False
    assert {t for t, alias in names if alias == "ASML"} == {"ASML", "ASML.AS"}


def test_no_name_is_a_ticker_that_is_a_word():
    words = {"NOW", "CAT", "ARM", "V", "T", "LOW", "ALL", "META", "DELL", "KO", "MU", "LIN"}
    assert words.isdisjoint(row["alias"] for row in Reference().aliases().to_pylist())


def test_aliases_stand_in_the_instruments_table_without_the_name_itself():
    rows = by_ticker(Reference())
    assert rows["ENR.DE"]["aliases"] == "Siemens Energy"
    assert rows["^GSPC"]["name"] == "S&P 500"
    assert rows["^GSPC"]["aliases"] is None
    assert rows["META"]["aliases"] == "Meta Platforms; Meta; Facebook"


def test_listings_carry_what_a_provider_needs():
    listings = {listing.ticker: listing for listing in Reference().listings()}
    assert len(listings) == 85
    assert listings["SIE.DE"].listing_id == "XETR:SIE.DE"
    assert (listings["SIE.DE"].exchange_mic, listings["SIE.DE"].currency) == ("XETR", "EUR")


def test_without_a_file_of_the_user_nothing_changes(tmp_path):
    for path in ("", str(tmp_path), str(tmp_path / "prices.csv"), str(tmp_path / "no" / "such")):
        reference = Reference(prices_path=path)
        assert reference.instruments().equals(Reference().instruments())
        assert reference.rejects() == []


def test_an_unknown_ticker_is_registered_with_what_is_stated(stated):
    reference = stated("ticker,name,sector,region\nABC,Abc Corp,Energy,US\n")
    row = by_ticker(reference)["ABC"]
    assert row["listing_id"] == "FILE:ABC"
    assert (row["name"], row["sector"], row["region"]) == ("Abc Corp", "Energy", "US")
    assert (row["asset_class"], row["registered_from"]) == ("equity", "instruments.csv")
    assert row["exchange_mic"] is row["currency"] is row["sector_proxy"] is None
    assert reference.rejects() == []
    assert "ABC" in {listing.ticker for listing in reference.listings()}


def test_a_file_of_prices_has_its_instruments_beside_it(tmp_path, stated):
    stated("ticker\nABC\n")
    assert "ABC" in by_ticker(Reference(prices_path=str(tmp_path / "prices.csv")))


def test_the_user_overrides_value_by_value(stated):
    row = by_ticker(stated("ticker,sector,name\nNVDA,Industrials,\n"))["NVDA"]
    assert row["sector"] == "Industrials"
    assert (row["listing_id"], row["name"]) == ("XNAS:NVDA", "NVIDIA Corporation")
    assert (row["exchange_mic"], row["registered_from"]) == ("XNAS", "instruments.csv")


def test_a_renamed_listing_keeps_its_names_and_its_shares(stated):
    reference = stated("listing_id,ticker\nXNAS:META,MTVR\n")
    assert "META" not in by_ticker(reference)
    names = [r["alias"] for r in reference.aliases().to_pylist() if r["ticker"] == "MTVR"]
    assert "Meta Platforms" in names
    assert "MTVR" in reference.shares()["ticker"].to_pylist()


def test_a_ticker_under_another_id_takes_names_and_shares_along(stated):
    reference = stated("listing_id,ticker\nMINE:1,NVDA\n")
    assert by_ticker(reference)["NVDA"]["listing_id"] == "MINE:1"
    shares = {r["ticker"]: r["listing_id"] for r in reference.shares().to_pylist()}
    assert shares["NVDA"] == "MINE:1"
    assert reference.instruments().num_rows == 85


def test_names_of_the_user_are_found_in_texts_too(stated):
    reference = stated("ticker,aliases\nABC,Abc Corp; Alphas ;Abc Corp\nNVDA,Nvidia;Team Green\n")
    names = [(r["listing_id"], r["alias"]) for r in reference.aliases().to_pylist()]
    own = {(r["listing_id"], r["alias"]) for r in Reference().aliases().to_pylist()}
    assert sorted(set(names) - own) == [
        ("FILE:ABC", "Abc Corp"),
        ("FILE:ABC", "Alphas"),
        ("XNAS:NVDA", "Team Green"),
    ]
    assert names.count(("XNAS:NVDA", "Nvidia")) == 1


def test_a_byte_order_mark_and_capitals_in_the_header_do_no_harm(stated):
    assert by_ticker(stated("\ufeffTicker, Sector\nABC, Energy\n"))["ABC"]["sector"] == "Energy"


@pytest.mark.parametrize(
    ("row", "cause"),
    [
        ("ABC,Enrgy,equity,XNYS,USD", "unknown sector 'Enrgy', not one of GICS"),
        ("ABC,Energy,stock,XNYS,USD", "unknown asset_class 'stock', not one of equity, etf"),
        ("ABC,Energy,equity,XJPX,USD", "unknown exchange 'XJPX': it has no trading calendar"),
        ("ABC,Energy,equity,XLON,GBp", "currency 'GBp' is not an ISO 4217 code"),
        (",Energy,equity,XNYS,USD", "ticker is empty"),
        ("ABC,Energy,equity,XNYS,USD,oops", "more cells than the header has columns"),
        ("GOOD,Energy,equity,XNYS,USD", "duplicate ticker GOOD, first in row 2"),
    ],
)
def test_a_bad_row_of_the_user_is_skipped_with_file_row_and_cause(stated, row, cause):
    text = f"ticker,sector,asset_class,exchange_mic,currency\nGOOD,Energy,,,\n{row}\nLAST,,,,\n"
    reference = stated(text)
    (reject,) = reference.rejects()
    assert Path(reject.source_file).name == "instruments.csv"
    assert reject.source_row == 3
    assert cause in reject.reason
    assert "\n" not in reject.reason
    assert {"GOOD", "LAST"} <= set(by_ticker(reference))
    assert "ABC" not in by_ticker(reference)


def test_two_rows_cannot_speak_of_one_listing_under_two_names(stated):
    reference = stated("listing_id,ticker\nMINE:1,NVDA\nXNAS:NVDA,NVDX\n")
    assert [reject.source_row for reject in reference.rejects()] == [3]


def test_a_row_cannot_give_one_listing_the_ticker_of_another(stated):
    reference = stated("listing_id,ticker\nXNAS:NVDA,AMD\n")
    assert reference.rejects()[0].reason == "ticker AMD belongs to XNAS:AMD"
    assert reference.instruments().equals(Reference().instruments())


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"", "column missing: ticker"),
        (b"symbol,sector\nABC,Energy\n", "column missing: ticker"),
        (b"ticker,name\nABC,\xff\xfe\n", "not a CSV file in UTF-8"),
        (b'ticker,name\nABC,"open\n', "not a CSV file in UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_reject(tmp_path, content, cause):
    (tmp_path / "instruments.csv").write_bytes(content)
    reference = Reference(prices_path=str(tmp_path))
    (reject,) = reference.rejects()
    assert cause in reject.reason
    assert reject.reason.startswith("instruments.csv: ")
    assert reference.instruments().num_rows == 85


@pytest.mark.parametrize(
    ("name", "old", "new", "cause"),
    [
        (
            "instruments.csv",
            "alphabet,true",
            "alphabet,yes",
            "unknown is_primary 'yes', not one of",
        ),
        ("listing_symbols.csv", "2022-06-09", "9 June 2022", "cannot be '9 June 2022'"),
        ("instruments.csv", ",Financials,US,XLF", ",Finance,US,XLF", "unknown sector 'Finance'"),
        ("instruments.csv", "XNAS:AMD,AMD", "XNAS:AAPL,AMD", "duplicate listing_id"),
        ("instruments.csv", "XNAS:AMD,AMD", "XNAS:AMD,AAPL", "duplicate ticker"),
        ("instruments.csv", "sector_proxy", "proxy", "column missing: sector_proxy"),
        ("instrument_aliases.csv", ",true,", ",yes,", "needs_cue cannot be 'yes'"),
        ("instrument_aliases.csv", "2021-10-28", "28.10.2021", "cannot be '28.10.2021'"),
        ("instrument_aliases.csv", "XNAS:AMD,", "XNAS:NONE,", "no instrument has the listing_id"),
        ("shares_outstanding.csv", "24490000000", "many", "shares_outstanding cannot be 'many'"),
    ],
)
def test_a_fault_in_the_repository_raises_with_its_cause(repository, name, old, new, cause):
    reference = repository(name, old, new)
    with pytest.raises(InvalidReferenceError, match=cause) as caught:
        (reference.instruments(), reference.aliases(), reference.shares(), reference.symbols())
    assert "\n" not in str(caught.value)


def test_a_fault_in_the_repository_names_its_file_and_row(repository):
    reference = repository("instruments.csv", "ARCX:SPY,SPY,SPDR S&P 500 ETF Trust,etf", "A,SPY,,e")
    with pytest.raises(InvalidReferenceError, match=r"^instruments\.csv, row 2: unknown"):
        reference.instruments()


def test_a_large_file_of_the_user_is_read_in_linear_time(stated):
    rows = "".join(f"T{i},Energy,Name {i}; Other {i}\n" for i in range(9_000))
    reference = stated(f"ticker,sector,aliases\n{rows}")
    assert reference.instruments().num_rows == 9_085
    assert reference.rejects() == []
