"""Where share counts and exchange rates come from: the repository, and what is configured."""

from __future__ import annotations

from datetime import date, datetime
from types import SimpleNamespace

import pyarrow as pa
import pytest

from resources import valuation as room
from resources.batch import Answer, Batch, Days
from resources.prices.refetch import TURNS
from resources.reference import Reference
from resources.valuation import Valuation

MONDAY = Days(date(2025, 1, 27), date(2025, 1, 27))
NOW = datetime.fromisoformat("2025-01-27T23:00")


@pytest.fixture
def sources(monkeypatch):
    """Scripted sources in the places of real ones; what they were asked is noted."""
    asked = SimpleNamespace(shares=[], rates=[])

    def shares(name):
        def ask(listings, days):
            asked.shares.append((name, {each.ticker for each in listings}, days))
            rows = [{"listing_id": "XNAS:NVDA", "ticker": "NVDA", "source": name}]
            return Batch(pa.Table.from_pylist(rows), [Answer("NVDA", "delivered", None, 1, NOW)])

        return lambda _source: ask

    def rates(days):
        asked.rates.append(days)
        rows = pa.Table.from_pylist([{"currency": "EUR", "usd_per_currency": 1.0492}])
        return Batch(rows, [Answer("reference rates", "delivered", None, 1, NOW)])

    monkeypatch.setattr(room, "_SHARES", {name: shares(name) for name in ("sec", "yahoo")})
    monkeypatch.setattr(room, "_RATES", {"ecb": lambda _source: rates})
    return asked


def test_without_configuration_the_repository_is_all_there_is(sources):
    batch = Valuation().share_counts(Reference(), MONDAY, set())
    rows = {row["ticker"]: row for row in batch.rows.to_pylist()}
    assert rows["NVDA"]["shares_outstanding"] == 24.49e9
    assert rows["NVDA"]["filed_on"] == rows["NVDA"]["measured_on"] == date(2025, 1, 24)
    assert {row["share_class"] for row in rows.values()} == {"all"}
    assert [answer.source for answer in batch.answers] == ["repository"]
    assert batch.kind is None  # counts of the repository stand beside a replay as well
    assert sources.shares == []


def test_the_sources_named_are_asked_beside_the_repository(sources):
    batch = Valuation(shares=["sec", "yahoo"]).share_counts(Reference(), MONDAY, set())
    every = {each.ticker for each in Reference().listings()}
    assert sources.shares == [("sec", every, MONDAY), ("yahoo", every, MONDAY)]
    assert {"sec", "yahoo"} <= set(batch.rows["source"].to_pylist())
    assert batch.kind == "real"


def test_a_listing_whose_count_is_known_is_asked_for_in_turn(sources):
    listings = Reference().listings()
    known = {each.listing_id for each in listings if each.ticker != "NVDA"}
    source = Valuation(shares=["sec"])
    weekdays = [date(2025, 1, day) for day in range(1, 29) if date(2025, 1, day).weekday() < 5]
    for day in weekdays[:TURNS]:
        source.share_counts(Reference(), Days(day, day), known)
    turns = [name for _, names, _ in sources.shares for name in names]
    assert sorted(name for name in turns if name != "NVDA") == sorted(
        each.ticker for each in listings if each.ticker != "NVDA"
    )
    assert turns.count("NVDA") == TURNS


def test_exchange_rates_are_asked_for_from_ten_days_before(sources):
    batch = Valuation(rates=["ecb"]).fx_rates(MONDAY)
    assert sources.rates == [Days(date(2025, 1, 17), date(2025, 1, 27))]
    assert batch.rows["currency"].to_pylist() == ["EUR"]
    assert batch.kind == "real"


def test_without_a_source_of_rates_the_batch_says_so():
    batch = Valuation().fx_rates(MONDAY)
    assert batch.rows.num_rows == 0
    assert batch.kind is None
    (answer,) = batch.answers
    assert answer.outcome == "no_data"
    assert answer.reason == "no source of them is configured (SELLOFF_FX)"


@pytest.mark.parametrize("key", ["shares", "rates"])
def test_an_unknown_source_is_refused_before_anything_is_asked(sources, key):
    wrong = Valuation(**{key: ["edgar"]})
    with pytest.raises(ValueError, match="unknown source 'edgar'; one or more of "):
        wrong.refuse_misuse()
    assert sources.shares == sources.rates == []


def test_the_answers_are_kept_where_the_configuration_says(tmp_path):
    assert Valuation(payloads=str(tmp_path)).kept().folder == tmp_path
    assert Valuation().kept().folder is None
