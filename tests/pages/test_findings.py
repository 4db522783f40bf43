"""What is looked up for a page, where it is easily looked up wrongly."""

from __future__ import annotations

from datetime import date

import pytest

from warehouse.tables import table


def later(market, day, close, flags=""):
    market.put(
        table("core.daily_prices"),
        listing_id="XNAS:NVDA",
        ticker="NVDA",
        session_date=day,
        close=close,
        quality_flags=flags,
        is_simulated=False,
    )


def test_the_last_close_known_is_held_against_the_one_before_the_event(happened, fell):
    fell()
    (found,) = happened().rows["recoveries"]
    assert found["last_return"] == pytest.approx(128.99 / 142.62 - 1, rel=1e-12)


def test_no_close_beyond_an_unapplied_split_is_held_against_one_before_it(happened, fell, market):
    fell()
    later(market, date(2025, 1, 29), 12.9, "unapplied_split")
    later(market, date(2025, 1, 30), 13.1)
    (found,) = happened().rows["recoveries"]
    assert found["last_return"] == pytest.approx(128.99 / 142.62 - 1, rel=1e-12)


def test_those_that_lost_most_are_shown_with_their_own_last_closes(happened, fell):
    fell()
    fell("ARCX:SPY", market_value_lost_usd=None, previous_close=607.97)
    fell("XTKS:6857.T", market_value_lost_usd=1e9, previous_close=100.0)
    found = happened().rows["recoveries"]
    assert [each["ticker"] for each in found] == ["NVDA", "6857.T", "SPY"]
    last = [each["last_return"] for each in found]
    assert last[1] is None  # no bar of it is held
    assert last[2] == pytest.approx(604.52 / 607.97 - 1, rel=1e-12)


def test_prices_are_drawn_from_the_last_close_before_the_event(happened, fell):
    fell()
    drawn = happened().rows["prices"]
    nvidia = [(each["session"], each["change"]) for each in drawn if each["ticker"] == "NVDA"]
    expected = [(-1, 0.0), (0, 118.42 / 142.62 - 1), (1, 128.99 / 142.62 - 1)]
    assert [n for n, _ in nvidia] == [n for n, _ in expected]
    assert [change for _, change in nvidia] == pytest.approx([c for _, c in expected])
    market = [each["change"] for each in drawn if each["ticker"] == "SPY"]
    assert market == pytest.approx([0.0, 599.37 / 607.97 - 1, 604.52 / 607.97 - 1])
