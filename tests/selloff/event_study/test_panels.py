"""Returns and what may explain them, on one calendar."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from selloff.event_study.panels import (
    Panel,
    frames,
    last_known,
    panel_of_prices,
    panel_of_returns,
)

DAYS = pd.date_range("2025-01-20", periods=5)


def table(**columns):
    return pd.DataFrame(columns, index=DAYS)


def test_returns_of_closes_are_log_or_simple():
    prices = table(A=[100.0, 110, 99, 99, 198])
    assert panel_of_prices(prices, kind="simple").returns[1:, 0] == pytest.approx([0.1, -0.1, 0, 1])
    logs = panel_of_prices(prices).returns[:, 0]
    assert logs[1:] == pytest.approx(np.log([1.1, 0.9, 1, 2]))
    assert np.isnan(logs[0])


def test_a_gap_leaves_no_return_unless_it_is_spanned():
    prices = table(A=[100.0, np.nan, np.nan, 50, 100])
    broken = panel_of_prices(prices, kind="simple").returns[:, 0]
    np.testing.assert_allclose(broken, [np.nan, np.nan, np.nan, np.nan, 1])
    spanned = panel_of_prices(prices, kind="simple", spans_gaps=True)
    np.testing.assert_allclose(spanned.returns[:, 0], [np.nan, np.nan, np.nan, -0.5, 1])
    assert spanned.spans_gaps
    assert all(frame.spans_gaps for frame in frames(spanned))


def test_the_markets_return_spans_the_sessions_of_each_listing():
    prices = table(US=[100.0, 101, 102, 103, 104], JP=[10.0, np.nan, 12, 13, np.nan])
    market = pd.Series([1000.0, 1100, 1210, 1331, 1464.1], index=DAYS)
    sessions = table(US=True, JP=[True, False, True, True, False])
    panel = panel_of_prices(prices, market, kind="simple", sessions=sessions)
    np.testing.assert_allclose(panel.returns[:, 1], [np.nan, np.nan, 0.2, 1 / 12, np.nan])
    expected = [[np.nan, 0.1, 0.1, 0.1, 0.1], [np.nan, np.nan, 0.21, 0.1, np.nan]]
    np.testing.assert_allclose(panel.series["market"].T, expected)


def test_what_the_market_and_the_factors_lack_is_missing():
    panel = panel_of_returns(
        table(A=0.0, B=0.0),
        pd.DataFrame({"B": [0.5]}, index=DAYS[1:2]),
        pd.DataFrame({"smb": [0.1, 0.2]}, index=[DAYS[4], DAYS[4] + pd.Timedelta(days=1)]),
    )
    assert np.isnan(panel.series["market"][:, 0]).all()
    assert panel.series["market"][1, 1] == 0.5
    np.testing.assert_array_equal(panel.series["smb"], [np.nan] * 4 + [0.1])


def test_listings_without_a_firm_are_firms_of_their_own():
    returns = table(GOOG=0.0, META=0.0, GOOGL=0.0, NONE=0.0)
    panel = panel_of_returns(returns, firms={"GOOG": "alphabet", "GOOGL": "alphabet"})
    assert panel.firms.tolist() == [0, 1, 0, 2]
    assert panel_of_returns(returns).firms.tolist() == [0, 1, 2, 3]


def test_listings_with_the_same_sessions_share_a_frame():
    sessions = table(A=True, B=[True, False, True, True, True], C=True)
    panel = panel_of_returns(
        table(A=0.0, B=0.0, C=0.0), pd.Series(0.0, index=DAYS), sessions=sessions
    )
    found = frames(panel)
    assert [frame.listings.tolist() for frame in found] == [[0, 2], [1]]
    assert [frame.calendar.tolist() for frame in found] == [[0, 1, 2, 3, 4], [0, 2, 3, 4]]
    assert [frame.returns.shape for frame in found] == [(2, 5), (1, 4)]
    assert [frame.series["market"].shape for frame in found] == [(5,), (4,)]


def test_a_session_that_is_not_named_was_none():
    sessions = table(A=True).iloc[:4]
    panel = panel_of_returns(table(A=0.0, B=0.0), sessions=sessions)
    assert panel.sessions.tolist() == [[True, False]] * 4 + [[False, False]]


def test_returns_that_are_stored_by_listing_are_not_copied():
    returns = np.zeros((3, 5)).T
    panel = Panel(dates=DAYS, listings=pd.Index(["A", "B", "C"]), returns=returns)
    (frame,) = frames(panel)
    assert np.shares_memory(frame.returns, returns)
    assert frame.returns.shape == (3, 5)


def test_panels_that_make_no_sense_are_refused():
    good = panel_of_returns(table(A=0.0, B=0.0), pd.Series(0.0, index=DAYS))
    for changes, text in [
        ({"dates": DAYS[::-1]}, "ascending, each once"),
        ({"dates": DAYS[[0, 0, 1, 2, 3]]}, "ascending, each once"),
        ({"listings": pd.Index(["A", "A"])}, "each listing once"),
        ({"series": {"market": np.zeros(4)}}, r"market has shape \(4,\)"),
        ({"returns": np.zeros((4, 2))}, "not of shape"),
        ({"returns": np.zeros(5)}, "not of shape"),
        ({"sessions": np.ones((5, 1), dtype=bool)}, "not of shape"),
        ({"returns": np.full((5, 2), -np.inf)}, "must be finite"),
        ({"series": {"market": np.full(5, np.inf)}}, "must be finite"),
        ({"firms": np.array([1])}, "1 firms for 2 listings"),
    ]:
        with pytest.raises(ValueError, match=text):
            replace(good, **changes)
    with pytest.raises(ValueError, match="prices must be positive"):
        panel_of_prices(table(A=[1.0, 2, 0, 1, 1]))


def test_the_last_level_known_is_that_of_the_close_before():
    known_at = pd.to_datetime(["2025-01-23T21:00", "2025-01-24T21:00", "2025-01-27T21:00"])
    at = pd.to_datetime(
        ["2025-01-23T06:00", "2025-01-24T06:00", "2025-01-24T21:00", "2025-02-01T00:00"]
    )
    levels = pd.Series([6118.7, 6101.2, 6012.3])
    np.testing.assert_array_equal(
        last_known(levels, known_at, at), [np.nan, 6118.7, 6101.2, 6012.3]
    )
    levels.iloc[1] = np.nan
    assert last_known(levels, known_at, at)[2] == 6118.7
    with pytest.raises(ValueError, match="ascending"):
        last_known(levels, known_at[::-1], at)
