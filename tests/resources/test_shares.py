"""Share counts of the SEC's company facts.

The documents have the shape that the SEC's own description of its interfaces gives (companyfacts:
cik, entityName, facts by taxonomy, concept and unit; company_tickers: numbered filers). Nvidia's
counts are facts of its filings: 24.49 bn shares on 2024-11-15, filed on 2024-11-20.
"""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from resources.batch import Listing
from resources.shares import CONTACT, FACTS, TICKERS, SecShares, sec, share_classes
from resources.web import Pace, Patience, Web
from tests.resources.fake_web import FAULTS, Kept, Reply, serving
from warehouse.tables.valuation import RAW_SHARES_OUTSTANDING

NOW = datetime.fromisoformat("2025-01-28T12:00")
NVDA = Listing("XNAS:NVDA", "NVDA", "XNAS", "USD")
GOOGL = Listing("XNAS:GOOGL", "GOOGL", "XNAS", "USD")
TSM = Listing("XNYS:TSM", "TSM", "XNYS", "USD")
BRK = Listing("XNYS:BRK-B", "BRK.B", "XNYS", "USD")
TOKYO = Listing("XTKS:NVDA", "NVDA", "XTKS", "JPY")
CIKS = {"NVDA": 1045810, "GOOGL": 1652044, "TSM": 1046179, "BRK-B": 1067983}
CLASSES = {
    "XNAS:GOOGL": ("A", "B", "C"),
    "XNYS:BRK-B": ("A", "B"),
    "XNYS:TSM": ("ordinary",),
}
COVER, BALANCE = "EntityCommonStockSharesOutstanding", "CommonStockSharesOutstanding"
FACT = {"end": "2024-11-15", "val": 24_490_000_000, "filed": "2024-11-20", "form": "10-Q"}


def body(document):
    return Reply(json.dumps(document).encode())


def facts(ticker, cover=(), balance=()):
    stated = {}
    if cover:
        stated["dei"] = {COVER: {"units": {"shares": list(cover)}}}
    if balance:
        stated["us-gaap"] = {BALANCE: {"units": {"shares": list(balance)}}}
    return body({"cik": CIKS[ticker], "entityName": ticker, "facts": stated})


@pytest.fixture
def fake():
    with serving() as running:
        directory = {
            str(n): {"cik_str": cik, "ticker": ticker, "title": ticker}
            for n, (ticker, cik) in enumerate(CIKS.items())
        }
        running.set("/tickers", body(directory))
        yield running


@pytest.fixture
def counts(fake):
    """Return a function that gives the batch for listings, with replies by ticker."""

    def fetch(*listings, payloads=None, **replies):
        for name, reply in replies.items():
            fake.set(f"/facts/{CIKS[name.replace('_', '-')]:010d}", *reply)
        patience = Patience(Pace(1000), tries=3, pause=0.001)
        web = Web("sec", "selloff x@y.z", payloads, patience, seconds=0.3, clock=lambda: NOW)
        addresses = {"tickers": fake.address + "/tickers"}
        addresses["facts"] = fake.address + "/facts/{cik:010d}"
        return SecShares(web, CLASSES, **addresses).fetch(listings)

    return fetch


def rows(batch):
    names = ("share_class", "measured_on", "filed_on", "shares_outstanding")
    return [tuple(row[name] for name in names) for row in batch.rows.to_pylist()]


def test_a_cover_page_s_count_has_both_its_dates(counts):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[FACT])])
    assert rows(found) == [("all", date(2024, 11, 15), date(2024, 11, 20), 24.49e9)]


def test_rows_fit_the_contract(counts, fake):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[FACT])])
    own = [name for name in found.rows.column_names if not name.startswith("source_")]
    stamps = {"row_hash", "load_id", "known_from"}
    assert own == [name for name in RAW_SHARES_OUTSTANDING.column_names if name not in stamps]
    (row,) = found.rows.to_pylist()
    assert (row["listing_id"], row["ticker"], row["source"]) == ("XNAS:NVDA", "NVDA", "sec")
    assert row["source_file"] == fake.address + "/facts/0001045810"


def test_the_balance_sheet_s_counts_come_beside_the_cover_page_s(counts):
    quarter = {**FACT, "end": "2024-10-27", "val": 24_503_000_000}
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[FACT], balance=[quarter])])
    assert [row[1:] for row in rows(found)] == [
        (date(2024, 11, 15), date(2024, 11, 20), 24.49e9),
        (date(2024, 10, 27), date(2024, 11, 20), 24.503e9),
    ]


def test_of_a_firm_with_classes_the_balance_sheet_s_total_alone_is_taken(counts):
    one_class = {**FACT, "val": 5_833_000_000}
    total = {**FACT, "end": "2024-09-30", "val": 12_241_000_000}
    found = counts(GOOGL, GOOGL=[facts("GOOGL", cover=[one_class], balance=[total])])
    assert [(name, shares) for name, _, _, shares in rows(found)] == [("all", 12.241e9)]


def test_a_firm_whose_classes_have_no_total_has_no_count(counts):
    found = counts(GOOGL, GOOGL=[facts("GOOGL", cover=[FACT])])
    assert rows(found) == []
    assert [said.outcome for said in found.answers] == ["delivered", "no_data"]


def test_a_depositary_line_gets_the_ordinary_shares_under_their_name(counts):
    ordinary = {**FACT, "end": "2023-12-31", "val": 25_932_070_992, "form": "20-F"}
    found = counts(TSM, TSM=[facts("TSM", cover=[ordinary])])
    assert [(name, shares) for name, _, _, shares in rows(found)] == [("ordinary", 25_932_070_992)]


@pytest.mark.parametrize("val", [0, 1, 100, 1000, 99_999, -24_490_000_000])
def test_a_placeholder_is_refused_with_its_reason(counts, fake, val):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[{**FACT, "val": val}, FACT])])
    assert len(rows(found)) == 1
    (reject,) = found.rejects
    assert reject.reason == "placeholder: fewer than 100,000 shares"
    assert json.loads(reject.payload)["val"] == val
    assert reject.source_file == fake.address + "/facts/0001045810"


def test_the_smallest_listed_firms_are_no_placeholders(counts):
    # Seaboard: 971,055 shares.
    assert len(rows(counts(NVDA, NVDA=[facts("NVDA", cover=[{**FACT, "val": 971_055}])]))) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"val": None}, "no share count"),
        ({"val": "many"}, "no share count"),
        ({"val": "nan"}, "no share count"),
        ({"val": "inf"}, "no share count"),
        ({"end": "15 November"}, "no share count"),
        ({"filed": None}, "no share count"),
        ({"filed": "2024-11-14"}, "filed before the date it speaks of"),
    ],
)
def test_a_fact_that_is_no_count_is_refused_alone(counts, changed, reason):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[{**FACT, **changed}, FACT])])
    assert len(rows(found)) == 1
    assert [reject.reason.startswith(reason) for reject in found.rejects] == [True]


@pytest.mark.parametrize("fact", [{}, [], "24490000000", None])
def test_a_fact_of_another_shape_is_refused_alone(counts, fact):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[fact, FACT])])
    assert (len(rows(found)), len(found.rejects)) == (1, 1)


def test_two_values_for_one_date_and_filing_are_both_delivered(counts):
    other = {**FACT, "val": 24_600_000_000}
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[FACT, other])])
    assert [shares for *_, shares in rows(found)] == [24.49e9, 24.6e9]


def test_a_fact_stated_twice_is_delivered_once(counts):
    found = counts(NVDA, NVDA=[facts("NVDA", cover=[FACT, {**FACT, "frame": "CY2024Q3I"}])])
    assert len(rows(found)) == 1


def test_a_symbol_may_be_spelt_with_a_dot(counts):
    total = {**FACT, "val": 2_156_000_000}
    found = counts(BRK, BRK_B=[facts("BRK-B", balance=[total])])
    assert [said.requested for said in found.answers] == ["directory of filers", "BRK.B"]
    assert len(rows(found)) == 1


def test_listings_elsewhere_are_not_asked_for(counts, fake):
    found = counts(TOKYO)
    assert [said.requested for said in found.answers] == ["directory of filers"]
    assert fake.asked == ["/tickers"]


def test_a_symbol_that_is_no_filer_s_has_no_count(counts):
    said = counts(Listing("XNAS:QQQ", "QQQ", "XNAS", "USD")).answers[1]
    assert (said.outcome, said.cause, said.source) == ("no_data", "no_data", "sec")
    assert said.reason == "the SEC lists no filer under this symbol"


def test_a_filer_without_facts_has_no_count(counts):
    said = counts(NVDA, NVDA=[Reply(b"", 404)]).answers[1]
    assert (said.outcome, said.cause) == ("no_data", "no_data")
    assert said.reason == "the filer states no facts"


def test_an_answer_leads_to_the_kept_document(counts):
    kept = Kept()
    reply = facts("NVDA", cover=[FACT])
    said = counts(NVDA, payloads=kept, NVDA=[reply]).answers[1]
    assert (said.requested, said.outcome, said.n_rows) == ("NVDA", "delivered", 1)
    assert kept.bodies[said.payload_sha256][0] == reply.body


@pytest.mark.parametrize("cause", FAULTS)
def test_a_fault_costs_one_firm_not_the_others(counts, cause):
    good = facts("TSM", cover=[FACT])
    found = counts(NVDA, TSM, NVDA=[FAULTS[cause]], TSM=[good])
    said = {one.requested: (one.outcome, one.cause, one.n_tries) for one in found.answers}
    assert said["NVDA"] == ("failed", cause, 3)
    assert said["TSM"] == ("delivered", None, 1)
    assert len(rows(found)) == 1


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (Reply(b"<html>Will be right back</html>"), "malformed"),
        (Reply(b"[1, 2]"), "malformed"),
        (Reply(b"\xff\xfe"), "malformed"),
        (body({"cik": CIKS["NVDA"]}), "malformed"),
        (body({"cik": CIKS["NVDA"], "facts": {"dei": []}}), "malformed"),
        (
            body({"cik": CIKS["NVDA"], "facts": {"dei": {COVER: {"units": {"shares": 7}}}}}),
            "malformed",
        ),
        (facts("TSM", cover=[FACT]), "wrong_symbol"),
        (Reply(b"", 403), "refused"),
    ],
)
def test_what_is_not_the_firm_s_facts_is_named(counts, reply, cause):
    found = counts(NVDA, NVDA=[reply])
    said = found.answers[1]
    assert (said.outcome, said.cause, said.n_tries) == ("failed", cause, 1)
    assert rows(found) == []


@pytest.mark.parametrize(
    "reply", [Reply(b"<html>"), body({"0": {"ticker": "NVDA"}}), body({"0": 7}), Reply(b"", 403)]
)
def test_without_a_directory_no_firm_is_asked_for(counts, fake, reply):
    fake.set("/tickers", reply)
    found = counts(NVDA)
    assert [(said.requested, said.outcome) for said in found.answers] == [
        ("directory of filers", "failed")
    ]
    assert len(fake.asked) == 1


@pytest.mark.parametrize("contact", ["", "Jane Doe"])
def test_without_a_contact_nothing_is_asked(contact):
    with pytest.raises(ValueError, match=CONTACT):
        sec(contact)


def test_the_contact_is_stated_and_the_pace_is_below_the_limit():
    source = sec("Jane Doe jane@example.org")
    assert source.web.agent == "selloff Jane Doe jane@example.org"
    assert source.web.patience.pace.per_second < 10
    assert source.tickers == TICKERS
    assert source.facts.format(cik=1045810) == FACTS.replace("{cik:010d}", "0001045810")


def test_the_class_map_joins_dual_classes_and_depositary_receipts():
    found = {
        (row["listing_id"], row["share_class"]): row["units_per_share"]
        for row in share_classes().to_pylist()
    }
    assert found["XNYS:TSM", "ordinary"] == 0.2
    assert found["XNYS:BRK-B", "A"] == 1500
    assert {key[1] for key in found if key[0] == "XNAS:GOOG"} == {"A", "B", "C"}
    assert all(ratio > 0 for ratio in found.values())
    assert SecShares(Web("sec")).classes["XNAS:META"] == ("A", "B")
