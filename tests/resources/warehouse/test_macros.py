"""Whether a relation as of an instant is what the tables were, or would have been, then."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.warehouse import macros
from selloff import (
    adjustments,
    implied_shares,
    prices,
    proposed_splits,
    quarantine,
    restatements,
)
from warehouse import views
from warehouse.contract import LAYERS
from warehouse.tables import TABLES
from warehouse.tables import table as contract_of

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")

DAYS = pd.bdate_range("2024-01-01", periods=6)
BOTH = (True, False)
START, END = pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-31")
USUAL = {
    "currency": "USD",
    "reason": "low_is_positive",
    "table_name": "raw.price_vintages",
    "registered_from": "repository",
    "asset_class": "equity",
    "exchange_mic": "XNYS",
}
ANY = {"VARCHAR": "", "BOOLEAN": False}


def flagged(*inputs):
    """What the asset of the daily prices computes."""
    *others, proposed = inputs
    return proposed_splits.with_unapplied_splits(prices.daily_prices(*others), proposed)


# What fills each table of core, from what.
FILLED = {
    "core.splits": (adjustments.splits, ("raw.corporate_actions",)),
    "core.dividends": (adjustments.dividends, ("raw.corporate_actions", "core.splits")),
    "core.restatements": (restatements.restatements, ("raw.price_vintages", "core.splits")),
    "core.quarantined_bars": (
        quarantine.quarantined_bars,
        (
            "raw.price_vintages",
            "core.splits",
            "core.restatements",
            "raw.quarantine",
            "raw.quarantine_decisions",
        ),
    ),
    "core.implied_shares": (
        implied_shares.implied_shares,
        ("raw.price_vintages", "core.quarantined_bars", "core.splits"),
    ),
    "core.proposed_splits": (
        proposed_splits.proposed_splits,
        (
            "raw.price_vintages",
            "core.quarantined_bars",
            "core.splits",
            "core.implied_shares",
        ),
    ),
    "core.daily_prices": (
        flagged,
        (
            "raw.price_vintages",
            "core.quarantined_bars",
            "core.splits",
            "core.sessions",
            "core.instruments",
            "core.proposed_splits",
        ),
    ),
}
RELATIONS = ("core.daily_prices", "core.splits", "core.dividends", *views.TWINS)


class Bench:
    """A warehouse in memory."""

    def __init__(self) -> None:
        self.engine = ibis.duckdb.connect()
        self.sql = self.engine.con.execute
        for layer in LAYERS:
            self.sql(f"CREATE SCHEMA {layer}")
        for table in TABLES:
            self.sql(table.ddl())
        for statement in views.views().values():
            self.sql(statement)

    def add(self, name, rows):
        """Append rows, usual values for what they do not give."""
        if not rows:
            return
        frame = pd.DataFrame(rows)
        for column in contract_of(name).columns:
            if column.name not in frame and (column.name in USUAL or not column.nullable):
                frame[column.name] = USUAL.get(column.name, ANY.get(column.type))
        self.engine.con.register("incoming", frame)
        names = ", ".join(n for n in contract_of(name).column_names if n in frame)
        self.sql(f"INSERT INTO {name} BY NAME SELECT {names} FROM incoming")

    def fill(self):
        """Compute the tables of core, as a run does."""
        for name, (function, inputs) in FILLED.items():
            layers = [each.split(".") for each in inputs]
            found = function(*(self.engine.table(n, database=layer) for layer, n in layers))
            query = self.engine.compile(found)
            self.sql(f"CREATE OR REPLACE TEMP TABLE computed AS {query}")
            self.sql(f"DELETE FROM {name}")
            self.sql(f"INSERT INTO {name} BY NAME FROM computed")

    def rows(self, relation):
        """Return the rows of a relation, in a fixed order."""
        return self.sql(f"SELECT * FROM {relation} ORDER BY ALL").df()

    def empty(self):
        for table in TABLES:
            self.sql(f"DELETE FROM {table.qualified}")


@pytest.fixture(scope="module")
def warehouse():
    return Bench()


def random_rows(seed, after=START, before=END):
    """Return rows of the raw tables that became known between two instants."""
    random = np.random.default_rng(seed)
    span = int((before - after) / pd.Timedelta("1h"))

    def moment():
        return after + pd.Timedelta(hours=int(random.integers(0, span)))

    def pick(*values):
        return values[int(random.integers(0, len(values)))]

    found = {name: [] for name in macros._KNOWN}
    for number in range(40):
        ticker = pick("A", "B")
        known = {"listing_id": f"X:{ticker}", "ticker": ticker, "known_from": moment()}
        stamps = {"row_hash": f"{seed}-{number}", "load_id": f"{known['known_from']}"}
        told = {"source": pick("files", "yahoo"), "basis": pick("split_adjusted", "as_traded")}
        close = pick(100.0, 101.0, 10.0, 10_000.0)
        bar = {"session_date": pick(*DAYS), "close": close, "is_provisional": pick(*BOTH)}
        found["raw.price_vintages"].append({**known, **stamps, **told, **bar})
        if number % 8 == 0:
            kind = pick("split", "dividend", "capital_gain")
            values = {"split_ratio": 10.0} if kind == "split" else {"amount": pick(1.0, 2.0)}
            event = {"action": kind, "ex_date": pick(*DAYS), "split_ratio": None, "amount": None}
            found["raw.corporate_actions"].append({**known, **stamps, **told, **event, **values})
        if number % 10 == 0:
            seen = {"first_seen_at": known["known_from"], "last_seen_at": known["known_from"]}
            case = {"quarantine_id": stamps["row_hash"], "session_date": pick(*DAYS)}
            row = {"listing_id": known["listing_id"], **stamps, **seen, **case}
            found["raw.quarantine"].append(row | {"source": told["source"]})
    return found


def known_world(bench, *seeds_and_spans):
    bench.empty()
    for spans in seeds_and_spans:
        for name, rows in random_rows(*spans).items():
            bench.add(name, rows)
    bench.add("core.instruments", [{"listing_id": f"X:{t}", "ticker": t} for t in "AB"])
    opened = [{"session_date": day, "opens_at": day, "closes_at": day} for day in DAYS[:-1]]
    bench.add("core.sessions", opened)


def decide_something(bench, at):
    """Release one quarantined case and reject another."""
    cases = [
        case
        for (case,) in bench.sql(
            "SELECT DISTINCT quarantine_id FROM core.quarantined_bars ORDER BY ALL"
        ).fetchall()
    ]
    words = zip(cases, ("released", "rejected"), strict=False)
    bench.add(
        "raw.quarantine_decisions",
        [{"quarantine_id": c, "decision": word, "decided_at": at} for c, word in words],
    )


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 10_000))
def test_as_of_now_every_relation_is_the_present_one(warehouse, seed):
    known_world(warehouse, (seed,))
    warehouse.fill()
    decide_something(warehouse, END)
    warehouse.fill()
    for name in RELATIONS:
        present, then = warehouse.rows(name), warehouse.rows(f"{name}_as_of('2100-01-01')")
        pd.testing.assert_frame_equal(present, then[present.columns], rtol=1e-12)


@settings(deadline=None, max_examples=4)
@given(st.integers(0, 10_000))
def test_what_becomes_known_later_changes_nothing_that_was_known(warehouse, seed):
    middle = pd.Timestamp("2024-01-15")
    known_world(warehouse, (seed, START, middle))
    warehouse.fill()
    asked = {name: f"{name}_as_of('{middle}')" for name in RELATIONS}
    before = {name: warehouse.rows(each) for name, each in asked.items()}
    for name, rows in random_rows(seed + 1, middle + pd.Timedelta("1h"), END).items():
        warehouse.add(name, rows)
    decide_something(warehouse, END)
    warehouse.fill()
    for name, each in asked.items():
        pd.testing.assert_frame_equal(before[name], warehouse.rows(each), rtol=1e-12)


def bar(day, close, known_from, **columns):
    usual = {"listing_id": "X:A", "ticker": "A", "source": "yahoo", "basis": "split_adjusted"}
    stamps = {"row_hash": known_from, "load_id": known_from, "known_from": pd.Timestamp(known_from)}
    told = {"session_date": day, "close": close, "is_provisional": False}
    return {**usual, **stamps, **told, **columns}


@pytest.fixture
def split_world(warehouse):
    """Two bars, a 10:1 split known the day after, and history fetched anew the day after that."""
    warehouse.empty()
    bars = [
        bar(DAYS[0], 1200.0, "2024-01-01 22:00", volume=5.0),
        bar(DAYS[1], 1210.0, "2024-01-02 22:00", volume=6.0),
        bar(DAYS[2], 122.0, "2024-01-03 22:00", volume=70.0),
        bar(DAYS[0], 120.0, "2024-01-04 22:00", volume=50.0),
    ]
    warehouse.add("raw.price_vintages", bars)
    event = {"action": "split", "ex_date": DAYS[2], "split_ratio": 10.0, "amount": None}
    row = bar(None, None, "2024-01-03 22:00")
    warehouse.add("raw.corporate_actions", [{**row, **event}])
    return warehouse


@pytest.mark.parametrize(
    ("at", "closes"),
    [
        ("2024-01-01 21:59", []),
        ("2024-01-01 22:00", [1200]),
        ("2024-01-03 21:59", [1200, 1210]),
        ("2024-01-03 22:00", [120, 121, 122]),
        ("2024-01-04 22:00", [120, 121, 122]),
    ],
)
def test_prices_are_in_the_shares_of_the_instant(split_world, at, closes):
    assert split_world.rows(f"core.daily_prices_as_of('{at}')")["close"].tolist() == closes
    adjusted = split_world.rows(f"core.prices_split_adjusted_as_of('{at}')")
    assert adjusted["close"].tolist() == closes


@pytest.mark.parametrize("at", ["2024-01-03 22:00", "2024-01-04 22:00"])
def test_prices_as_traded_are_those_of_the_day_whenever_they_are_asked_for(split_world, at):
    found = split_world.rows(f"core.prices_as_traded_as_of('{at}')")
    assert found["close"].tolist() == [1200, 1210, 122]
    assert found["volume"].tolist() == [5, 6, 70]


def test_our_factor_stands_beside_the_vendors(warehouse):
    warehouse.empty()
    warehouse.add(
        "raw.price_vintages",
        [
            bar(DAYS[0], 100.0, "2024-01-02 22:00", adj_close=98.0),
            bar(DAYS[1], 99.0, "2024-01-02 22:00", adj_close=99.0),
        ],
    )
    cash = {"action": "dividend", "ex_date": DAYS[1], "amount": 2.0, "split_ratio": None}
    row = bar(None, None, "2024-01-02 22:00")
    warehouse.add("raw.corporate_actions", [{**row, **cash}])
    warehouse.fill()
    found = warehouse.rows("core.prices_total_return")
    assert found["dividend_factor"].tolist() == found["vendor_factor"].tolist() == [0.98, 1]
    assert found["close"].tolist() == [98, 99]


@pytest.mark.parametrize(
    ("first", "closes"),
    [
        ("2024-01-02", {2: [10], 3: [10], 4: [10], 5: [11]}),
        ("2024-01-04", {2: [], 3: [], 4: [10], 5: [11]}),
    ],
)
def test_a_broken_row_takes_no_good_one_away_whenever_it_came(warehouse, first, closes):
    warehouse.empty()
    refused, clean = pd.Timestamp("2024-01-03"), "2024-01-05"
    case = {"quarantine_id": "case", "listing_id": "X:A", "session_date": DAYS[0]}
    seen = {"first_seen_at": refused, "last_seen_at": refused, "resolved_at": pd.Timestamp(clean)}
    warehouse.add("raw.quarantine", [{**case, **seen, "load_id": "1", "source": "yahoo"}])
    bars = [bar(DAYS[0], 10.0, first), bar(DAYS[0], 11.0, clean)]
    warehouse.add("raw.price_vintages", bars)
    found = {
        day: warehouse.rows(f"core.daily_prices_as_of('2024-01-0{day}')")["close"].tolist()
        for day in closes
    }
    assert found == closes


def test_the_files_are_those_that_the_mathematics_makes(capsys):
    assert macros.main(["--check"]) == 0
    assert capsys.readouterr().out == ""


def test_a_file_that_differs_is_named_and_written_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(views, "HERE", tmp_path)
    assert macros.main([]) == 0
    path = macros.path_of("core.splits_as_of")
    written = path.read_text()
    assert f"`{macros.COMMAND}`" in written
    path.write_text("SELECT 1")
    assert macros.main(["--check"]) == 1
    assert capsys.readouterr().out.startswith("core.splits_as_of.sql is out of date")
    assert path.read_text() == "SELECT 1"
    assert macros.main([]) == 0
    assert path.read_text() == written


def test_a_generated_file_holds_no_control_characters():
    for text in macros.files().values():
        assert text.replace("\n", "").isprintable()
