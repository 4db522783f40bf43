"""The reference rates of the European Central Bank, as its archive states them.

The archive's shape is the published one: one CSV in a zip, newest day first, every line ends with
a comma, ``N/A`` where a currency was not quoted. The rates of 2025-01-24 and 2025-01-27 are facts
(ECB, euro foreign exchange reference rates), in units of currency per EUR.
"""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime

import pytest

from resources import fx
from resources.batch import Days
from resources.fx import HISTORY, EcbRates
from resources.web import Pace, Patience, Web
from tests.resources.fake_web import FAULTS, Kept, Reply, serving
from warehouse.tables.valuation import RAW_FX_RATES

NOW = datetime.fromisoformat("2025-01-28T12:00")
JANUARY = Days(date(2025, 1, 1), date(2025, 1, 31))
TABLE = """\
Date,USD,JPY,GBP,CYP,
2025-01-27,1.0496,161.9,0.8409,N/A,
2025-01-24,1.0472,163.32,0.8434,N/A,
2007-12-31,1.4721,164.93,0.7334,0.585274,
"""


def packed(text, *others, name="eurofxref-hist.csv"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
        for other in others:
            archive.writestr(other, "")
    return file.getvalue()


@pytest.fixture
def fake():
    with serving() as running:
        yield running


@pytest.fixture
def rates(fake):
    """Return a function that gives the batch of a fetch, for replies of the bank."""

    def fetch(*replies, days=JANUARY, payloads=None):
        patience = Patience(Pace(1000), tries=3, pause=0.001)
        web = Web("ecb", "selloff", payloads, patience, seconds=0.3, clock=lambda: NOW)
        replies = [Reply(packed(r)) if isinstance(r, str) else r for r in replies]
        return EcbRates(web, fake.set("/hist.zip", *replies)).fetch(days)

    return fetch


def by_key(batch):
    rows = batch.rows.to_pylist()
    return {
        (row["currency"], row["rate_date"].isoformat()): row["usd_per_currency"] for row in rows
    }


def test_the_euro_has_the_stated_rate_and_others_its_share(rates):
    found = by_key(rates(TABLE))
    assert found["EUR", "2025-01-27"] == 1.0496
    # A yen cost 0.648 cents, a pound 1.2482 dollars.
    assert found["JPY", "2025-01-27"] == pytest.approx(0.006483, abs=1e-6)
    assert found["GBP", "2025-01-27"] == pytest.approx(1.2482, abs=1e-4)
    assert found["EUR", "2025-01-24"] == 1.0472


def test_dollars_and_what_is_not_quoted_have_no_row(rates):
    assert {currency for currency, _ in by_key(rates(TABLE))} == {"EUR", "GBP", "JPY"}


def test_a_currency_of_the_past_has_its_rates_of_the_past(rates):
    old = by_key(rates(TABLE, days=Days(date(2007, 1, 1), date(2007, 12, 31))))
    # The Cypriot pound entered the euro at 0.585274 per EUR.
    assert old["CYP", "2007-12-31"] == pytest.approx(1.4721 / 0.585274)


def test_only_the_days_asked_for_are_delivered_both_ends_included(rates):
    found = by_key(rates(TABLE, days=Days(date(2025, 1, 24), date(2025, 1, 24))))
    assert {day for _, day in found} == {"2025-01-24"}


def test_rows_fit_the_contract_and_name_their_line(rates):
    batch = rates(TABLE)
    own = [name for name in batch.rows.column_names if not name.startswith("source_")]
    stamps = {"row_hash", "load_id", "known_from"}
    assert own == [name for name in RAW_FX_RATES.column_names if name not in stamps]
    assert set(batch.rows["source"].to_pylist()) == {"ecb"}
    assert batch.rows["source_row"].to_pylist() == [2, 2, 2, 3, 3, 3]


def test_the_answer_counts_the_rates_and_leads_to_the_archive(rates, fake):
    kept = Kept()
    (said,) = rates(TABLE, payloads=kept).answers
    assert (said.outcome, said.n_rows, said.source) == ("delivered", 6, "ecb")
    assert said.request == fake.address + "/hist.zip"
    assert kept.bodies[said.payload_sha256][0] == packed(TABLE)


def test_days_without_a_rate_are_a_fact(rates):
    batch = rates(TABLE, days=Days(date(2025, 2, 1), date(2025, 2, 2)))
    assert batch.rows.num_rows == 0
    assert [said.outcome for said in batch.answers] == ["no_data"]


@pytest.mark.parametrize("figure", ["-1.5", "0", "nan", "inf", "1,5x", "abc"])
def test_a_figure_that_is_no_rate_is_refused_alone(rates, figure):
    line = f"2025-01-27,1.0496,{figure},0.8409,\n".replace("1,5x", '"1,5x"')
    batch = rates("Date,USD,JPY,GBP,\n" + line)
    assert {currency for currency, _ in by_key(batch)} == {"EUR", "GBP"}
    (reject,) = batch.rejects
    assert reject.reason.startswith("no rate of JPY: ")
    assert reject.source_row == 2
    assert '"2025-01-27"' in reject.payload


@pytest.mark.parametrize("dollar", ["N/A", "0", "-1"])
def test_without_the_dollar_a_day_has_no_rate(rates, dollar):
    batch = rates(f"Date,USD,JPY,\n2025-01-27,{dollar},161.9,\n2025-01-24,1.0472,163.32,\n")
    assert {day for _, day in by_key(batch)} == {"2025-01-24"}
    assert [reject.reason for reject in batch.rejects] == [f"no rate of the dollar: {dollar!r}"]


def test_a_line_without_a_date_is_refused(rates):
    batch = rates("Date,USD,JPY,\n27 January 2025,1.0496,161.9,\n")
    assert [reject.reason for reject in batch.rejects] == ["no date: '27 January 2025'"]
    assert [said.outcome for said in batch.answers] == ["no_data"]


def test_cells_beyond_the_header_are_no_rates(rates):
    assert len(by_key(rates("Date,USD,JPY\n2025-01-27,1.0496,161.9,7,8\n"))) == 2


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (b"<html>Will be right back</html>", "no archive of one text"),
        (packed(TABLE)[:100], "no archive of one text"),
        (packed(TABLE, "second.csv"), "no archive of one text"),
        (packed(b"\xff\xfe\x00"), "no archive of one text"),
        (packed('{"not": "csv"}'), "no columns Date and USD"),
        (packed(""), "no columns Date and USD"),
    ],
    # Named, since a packed table holds the time of its packing, which differs between workers.
    ids=["page", "cut short", "second file", "no text", "no table", "empty"],
)
def test_what_is_no_archive_of_the_table_is_malformed(rates, body, cause):
    batch = rates(Reply(body))
    (said,) = batch.answers
    assert (said.outcome, said.cause, said.n_tries) == ("failed", "malformed", 1)
    assert cause in said.reason
    assert batch.rows.num_rows == 0


def test_a_bomb_is_not_unpacked(rates, monkeypatch):
    monkeypatch.setattr(fx, "_MAX_BYTES", 1000)
    (said,) = rates("0" * 1001).answers
    assert said.reason == "malformed: unpacks to more than 1,000 bytes"


@pytest.mark.parametrize("cause", FAULTS)
def test_a_fault_of_the_source_is_named_and_brings_no_rows(rates, cause):
    batch = rates(FAULTS[cause])
    (said,) = batch.answers
    assert (said.outcome, said.cause, said.n_tries) == ("failed", cause, 3)
    assert batch.rows.num_rows == 0


def test_a_page_that_moved_is_named(rates):
    (said,) = rates(Reply(b"", 404)).answers
    assert (said.outcome, said.cause) == ("failed", "not_found")


def test_the_bank_is_asked_over_tls():
    assert HISTORY.startswith("https://www.ecb.europa.eu/")
