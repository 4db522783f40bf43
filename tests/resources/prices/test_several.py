"""Several providers in one fetch, and what a vendor is asked again."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from resources import prices as room
from resources.batch import Answer, Batch, Days, Listing, Reject
from resources.prices import Prices
from resources.prices.bars import complete, known
from resources.prices.refetch import Held

FIRST, MONDAY = date(2024, 1, 2), date(2025, 1, 27)
DAY = Days(MONDAY, MONDAY)
LISTINGS = [Listing(f"XNAS:{t}", t, "XNAS", "USD") for t in ("MU", "NVDA")]
NOW = datetime(2025, 1, 27, 23, tzinfo=UTC)
SPLIT = {"listing_id": "XNAS:NVDA", "ticker": "NVDA", "ex_date": MONDAY, "action": "split"}


class Vendor:
    """Delivers one bar per listing on the last day asked for, and notes what it was asked."""

    def __init__(self, source="yahoo", *, actions=(), closes=(100.0,), fails=()):
        self.source, self.actions, self.fails = source, list(actions), fails
        self.closes = list(closes)
        self.asked = []

    def fetch(self, listings, days):
        self.asked.append(({each.ticker for each in listings}, days))
        close = self.closes[min(len(self.asked), len(self.closes)) - 1]
        here = [each for each in listings if (each.ticker, len(self.asked)) not in self.fails]
        rows = pa.table(
            {
                "ticker": pa.array([each.ticker for each in here], pa.string()),
                "session_date": pa.array([days.end] * len(here), pa.date32()),
                "close": pa.array([close] * len(here), pa.float64()),
            }
        )
        answers = [
            Answer(each.ticker, "delivered", None, 1, NOW, source=self.source)
            if each in here
            else Answer(each.ticker, "failed", "outage", 0, NOW, source=self.source)
            for each in listings
        ]
        wanted = {each.listing_id for each in here}
        found = [action for action in self.actions if action["listing_id"] in wanted]
        beside = {"raw.corporate_actions": pa.Table.from_pylist(found)} if found else {}
        bars = complete(rows, known(listings), self.source)
        return Batch(bars, answers, [Reject(None, None, "odd", "{}")], beside=beside)

    def coverage(self):
        return None


@pytest.fixture
def vendors(monkeypatch):
    """Put scripted vendors in the places of real ones."""

    def put(**given):
        makers = {name: lambda _prices, vendor=vendor: vendor for name, vendor in given.items()}
        monkeypatch.setattr(room, "_PROVIDERS", makers)
        return Prices(provider=" ".join(given))

    return put


def bars(batch):
    columns = ("ticker", "source", "close")
    return sorted(zip(*(batch.rows[name].to_pylist() for name in columns), strict=True))


def test_every_provider_named_is_asked_and_their_bars_lie_side_by_side(vendors):
    prices = vendors(yahoo=Vendor(), files=Vendor("files", closes=[100.5]))
    batch = prices.fetch(LISTINGS, DAY)
    assert bars(batch) == [
        ("MU", "files", 100.5),
        ("MU", "yahoo", 100.0),
        ("NVDA", "files", 100.5),
        ("NVDA", "yahoo", 100.0),
    ]
    assert [answer.source for answer in batch.answers] == ["yahoo", "yahoo", "files", "files"]
    assert len(batch.rejects) == 2


@pytest.mark.parametrize("named", ["yahoo files", "yahoo,files", " yahoo,  files yahoo "])
def test_providers_are_named_with_spaces_or_commas_and_each_once(named):
    assert Prices(provider=named).providers == ("yahoo", "files")
    assert Prices(provider=named).kind == "real"


def test_only_the_tickers_asked_for_reach_a_vendor(vendors):
    vendor = Vendor()
    prices = vendors(yahoo=vendor)
    Prices(provider=prices.provider, tickers=["MU"]).fetch(LISTINGS, DAY)
    assert vendor.asked == [({"MU"}, DAY)]


def test_a_vendor_is_asked_for_what_it_may_have_restated_and_files_are_not(vendors):
    vendor, files = Vendor(), Vendor("files")
    held = Held({each.listing_id: date(2025, 1, 23) for each in LISTINGS})
    vendors(yahoo=vendor, files=files).fetch(LISTINGS, DAY, held)
    assert vendor.asked == [({"MU", "NVDA"}, Days(date(2025, 1, 23), MONDAY))]
    assert files.asked == [({"MU", "NVDA"}, DAY)]


def held_since_january(*actions):
    return Held({each.listing_id: FIRST for each in LISTINGS}, frozenset(actions))


def test_a_new_action_brings_the_whole_history_which_stands_for_the_first_answer(vendors):
    vendor = Vendor(actions=[SPLIT], closes=[100.0, 100.0, 10.0])
    day = next(
        day
        for day in (date(2025, 1, n) for n in (27, 28, 29))
        if all(span.start > FIRST for span in asked_alone(day))
    )
    batch = vendors(yahoo=vendor).fetch(LISTINGS, Days(day, day), held_since_january())
    assert vendor.asked[-1] == ({"NVDA"}, Days(FIRST, day))
    closes = {ticker: close for ticker, _, close in bars(batch)}
    assert closes == {"MU": 100.0, "NVDA": vendor.closes[len(vendor.asked) - 1]}
    assert sorted(answer.requested for answer in batch.answers) == ["MU", "NVDA"]
    assert batch.beside["raw.corporate_actions"].num_rows == 1


def asked_alone(day):
    from resources.prices.refetch import windows

    return windows(LISTINGS, Days(day, day), held_since_january())


def test_an_action_that_is_known_brings_nothing_again(vendors):
    vendor = Vendor(actions=[SPLIT])
    known_one = held_since_january(("XNAS:NVDA", MONDAY, "split"))
    vendors(yahoo=vendor).fetch(LISTINGS, DAY, known_one)
    assert all(span.start > FIRST or names != {"NVDA"} for names, span in vendor.asked[1:])
    assert sum("NVDA" in names for names, _ in vendor.asked) == 1


def test_where_the_history_fails_the_first_answer_stands(vendors):
    vendor = Vendor(actions=[SPLIT], fails={("NVDA", 2), ("NVDA", 3)})
    batch = vendors(yahoo=vendor).fetch(LISTINGS, DAY, held_since_january())
    assert ("NVDA", "yahoo", 100.0) in bars(batch)
    assert {answer.requested: answer.outcome for answer in batch.answers}["NVDA"] == "delivered"


def test_a_ticker_that_one_provider_does_not_know_is_no_failure_if_another_does(tmp_path, vendors):
    from resources.prices.files import Files

    path = tmp_path / "bars.csv"
    path.write_text("ticker,date,close\nNVDA,2025-01-27,118.42\n")
    files = Files(str(path), ("NVDA", "MU", "ZZZ"))
    batch = vendors(yahoo=Vendor(), files=files).fetch(LISTINGS, DAY)
    said = [(a.requested, a.outcome) for a in batch.answers if a.cause == "unknown_ticker"]
    assert said == [("MU", "no_data"), ("ZZZ", "failed")]
