from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.adjustments import split_adjusted
from selloff.sources import agree, reconciled, return_spreads
from warehouse.tables.actions import SPLITS
from warehouse.tables.prices import PRICE_VINTAGES


@pytest.fixture
def side_by_side(bench):
    """Return one bar's sources reconciled, in the order of their names."""

    def run(closes, splits=(), **options):
        rows = [
            {"source": source, "close": close, "is_provisional": False, "basis": "split_adjusted"}
            | more
            for source, close, *rest in closes
            for more in (rest or [{}])
        ]
        bars = bench.put(
            PRICE_VINTAGES, pd.DataFrame(rows).assign(ticker="A", session_date="2025-01-27")
        )
        known = bench.empty(SPLITS)
        if splits:
            names = ["ex_date", "split_ratio"]
            known = bench.put(SPLITS, pd.DataFrame(splits, columns=names).assign(ticker="A"))
        found = reconciled(split_adjusted(bars, known), **options)
        return found.order_by("source").to_pyarrow().to_pandas()

    return run


def same(one, other):
    import ibis

    return bool(ibis.duckdb.connect().execute(agree(ibis.literal(one), ibis.literal(other))))


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (118.42, 118.419998, True),  # a 32-bit float of the same cents
        (120.888, 120.89, True),  # rounded to cents
        (120.888, 120.88, False),
        (118.42, 118.43, False),  # two prices of two decimals
        (24.5, 24.496, True),  # a trailing zero is not seen: two decimals at least
        (24.5, 24.54, False),
        (0.0234, 0.02, True),  # half a cent is much of a small price, and still its rounding
        (0.0234, 0.03, False),
        (0.0234, 0.0235, False),  # four decimals on both sides
        (33.3333333, 33.33, True),
        (33.3333333, 33.3334, True),  # four decimals against a computed price
        (33.3333333, 33.3336, False),
    ],
)
def test_two_closes_agree_within_half_a_unit_of_the_coarser(one, other, is_same):
    assert same(one, other) is is_same
    assert same(other, one) is is_same


def test_the_first_source_in_priority_is_chosen_and_agrees_with_itself(side_by_side):
    found = side_by_side([("files", 10.0), ("yahoo", 10.0), ("eastmoney", 10.0), ("bee", 10.0)])
    places = dict(zip(found["source"], found["place"], strict=True))
    assert places == {"files": 0, "yahoo": 1, "eastmoney": 2, "bee": 3}
    assert found["agrees"].all()
    assert not found["conflicts"].any()


def test_another_priority_turns_the_order_round(side_by_side):
    found = side_by_side([("files", 10.0), ("yahoo", 11.0)], priority=("yahoo", "files"))
    assert found.set_index("source")["place"].to_dict() == {"files": 1, "yahoo": 0}


@pytest.mark.parametrize(
    ("other", "agrees", "conflicts"),
    [(100.004, True, False), (100.05, False, False), (99.89, False, True), (100.11, False, True)],
)
def test_what_lies_between_rounding_and_tolerance_neither_agrees_nor_conflicts(
    side_by_side, other, agrees, conflicts
):
    found = side_by_side([("files", 100.0), ("yahoo", other)]).set_index("source")
    assert found.loc["yahoo", ["agrees", "conflicts"]].tolist() == [agrees, conflicts]
    assert found.loc["files", ["agrees", "conflicts"]].tolist() == [True, False]


def test_the_tolerance_can_be_widened(side_by_side):
    found = side_by_side([("files", 100.0), ("yahoo", 101.0)], tolerance=0.02)
    assert not found["conflicts"].any()


def test_half_a_cent_of_a_penny_stock_is_no_conflict(side_by_side):
    found = side_by_side([("files", 0.02), ("yahoo", 0.0234)])
    assert found["agrees"].all()
    assert not found["conflicts"].any()


def test_sources_are_compared_in_the_same_basis(side_by_side):
    closes = [("yahoo", 118.42), ("files", 1184.2, {"basis": "as_traded"})]
    found = side_by_side(closes, [("2025-02-03", 10.0)])
    assert found["agrees"].all()


@pytest.mark.parametrize("provisional", ["files", "yahoo"])
def test_a_bar_that_has_not_settled_is_compared_with_nothing(side_by_side, provisional):
    closes = [
        (source, close, {"is_provisional": source == provisional})
        for source, close in (("files", 100.0), ("yahoo", 90.0))
    ]
    found = side_by_side(closes).set_index("source")
    assert found["agrees"].to_dict() == {"files": True, "yahoo": False}
    assert not found["conflicts"].any()


@settings(deadline=None, max_examples=25)
@given(st.permutations([("files", 10.0), ("yahoo", 10.5), ("eastmoney", 10.001), ("zebra", 10.0)]))
def test_the_order_of_the_rows_changes_nothing(bench, rows):
    frame = pd.DataFrame(rows, columns=["source", "close"])
    bars = bench.put(PRICE_VINTAGES, frame.assign(ticker="A", session_date="2025-01-27"))
    found = reconciled(split_adjusted(bars, bench.empty(SPLITS))).to_pyarrow().to_pandas()
    said = found.set_index("source")[["place", "agrees", "conflicts"]].T.to_dict("list")
    assert said == {
        "files": [0, True, False],
        "yahoo": [1, False, True],
        "eastmoney": [2, True, False],
        "zebra": [3, True, False],
    }


@pytest.fixture
def spreads(bench):
    """Return the spreads of these bars by source."""

    def run(**bars):
        rows = pd.concat([frame.assign(source=source) for source, frame in bars.items()])
        return return_spreads(bench.put(PRICE_VINTAGES, rows)).to_pyarrow().to_pandas()

    return run


def test_returns_agree_whatever_constant_the_closes_are_adjusted_by(spreads, make):
    found = spreads(files=make.bars("A", [10, 11]), yahoo=make.bars("A", [7, 7.7]))
    assert found["n_sources"].tolist() == [2]
    assert found["spread"].tolist() == pytest.approx([0], abs=1e-12)


def test_a_dividend_that_one_source_knows_shows_in_the_returns(spreads, make):
    told = make.bars("A", [100, 98], adj_close=[98.0, 98.0])
    found = spreads(files=make.bars("A", [100, 98]), yahoo=told)
    assert found["lowest_return"].tolist() == pytest.approx([-0.02])
    assert found["highest_return"].tolist() == [0]
    assert found["spread"].tolist() == pytest.approx([0.02])


def test_a_return_over_a_gap_is_not_compared_with_that_of_a_session(spreads, make):
    whole, gap = make.bars("A", [10, 20, 30]), make.bars("A", [10, None, 30])
    assert spreads(files=whole, yahoo=gap).empty


def test_a_single_source_has_no_spread(spreads, make):
    assert spreads(files=make.bars("A", [10, 11])).empty
