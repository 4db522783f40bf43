from __future__ import annotations

from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from resources.batch import Days
from resources.calendars import Calendars, is_known, sessions
from resources.clock import Clock


def days(table):
    return table["session_date"].to_pylist()


def test_the_columns_are_those_of_the_sessions_contract():
    table = sessions("XNYS", date(2025, 1, 27), date(2025, 1, 27))
    assert table.schema.equals(
        pa.schema(
            [
                ("exchange_mic", pa.string()),
                ("session_date", pa.date32()),
                ("opens_at", pa.timestamp("us")),
                ("closes_at", pa.timestamp("us")),
                ("is_half_day", pa.bool_()),
            ]
        )
    )


def test_new_york_opens_and_closes_in_utc_and_in_both_seasons():
    winter, summer = (
        sessions("XNAS", day, day).to_pylist()[0] for day in (date(2025, 1, 27), date(2024, 7, 2))
    )
    assert str(winter["opens_at"]) == "2025-01-27 14:30:00"
    assert str(winter["closes_at"]) == "2025-01-27 21:00:00"
    assert str(summer["closes_at"]) == "2024-07-02 20:00:00"


def test_the_session_keeps_the_mic_that_was_asked_for():
    assert sessions("ARCX", date(2025, 1, 27), date(2025, 1, 27))["exchange_mic"][0].as_py() == (
        "ARCX"
    )


def test_a_half_day_closes_early_and_says_so():
    eve, whole = sessions("XNYS", date(2024, 11, 29), date(2024, 12, 2)).to_pylist()
    assert (eve["is_half_day"], str(eve["closes_at"])) == (True, "2024-11-29 18:00:00")
    assert whole["is_half_day"] is False


@pytest.mark.parametrize(
    ("mic", "closed"),
    [
        ("XNYS", date(2025, 1, 20)),
        ("XNYS", date(2025, 1, 9)),
        ("XETR", date(2024, 12, 26)),
        ("XTKS", date(2025, 1, 13)),
        ("XAMS", date(2025, 1, 25)),
        ("24/5", date(2025, 1, 26)),
    ],
)
def test_a_holiday_has_no_session(mic, closed):
    assert sessions(mic, closed, closed).num_rows == 0


def test_the_volatility_index_has_sessions_on_holidays_of_new_york():
    assert Calendars().is_open("CMES", date(2025, 1, 20))


def test_currencies_trade_from_midnight_to_midnight_on_weekdays():
    rows = sessions("24/5", date(2025, 1, 24), date(2025, 1, 27)).to_pylist()
    assert [row["session_date"] for row in rows] == [date(2025, 1, 24), date(2025, 1, 27)]
    assert str(rows[0]["closes_at"]) == "2025-01-25 00:00:00"


def test_sessions_reach_back_to_1990():
    first = days(sessions("XNYS", date(1990, 1, 1), date(1990, 1, 5)))
    assert first == [date(1990, 1, day) for day in (2, 3, 4, 5)]


def test_sessions_reach_a_year_ahead():
    ahead = date.today().replace(day=1, year=date.today().year + 1)  # noqa: DTZ011 - any day will do
    for mic in ("XNYS", "XETR", "XTKS", "XAMS", "CMES"):
        found = sessions(mic, date(ahead.year - 1, ahead.month, 1), ahead)
        assert 240 <= found.num_rows <= 265, mic


def test_a_range_over_the_edge_of_the_last_twenty_years_is_whole():
    whole = sessions("XNYS", date(1990, 1, 1), date(2024, 12, 31))
    parts = [sessions("XNYS", date(y, 1, 1), date(y, 12, 31)).num_rows for y in range(1990, 2025)]
    assert whole.num_rows == sum(parts)
    assert days(whole) == sorted(set(days(whole)))


def test_before_its_first_recorded_holiday_an_exchange_has_no_sessions():
    assert sessions("XTKS", date(1990, 1, 1), date(1990, 12, 31)).num_rows == 0
    assert days(sessions("XTKS", date(1996, 1, 1), date(1997, 1, 6))) == [date(1997, 1, 6)]


def test_after_its_last_recorded_holiday_an_exchange_has_no_sessions():
    assert sessions("XSHG", date(2060, 1, 1), date(2060, 12, 31)).num_rows == 0


@pytest.mark.parametrize("mic", ["XJPX", "", "xnys", "NOPE"])
def test_an_unknown_exchange_is_refused_in_one_line(mic):
    with pytest.raises(ValueError, match=r"^unknown exchange '.*': it has no trading calendar$"):
        sessions(mic, date(2025, 1, 27), date(2025, 1, 27))
    assert not is_known(mic)


def test_a_range_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="lies after"):
        sessions("XNYS", date(2025, 1, 28), date(2025, 1, 27))


def test_several_exchanges_stand_one_below_the_other():
    table = Calendars().sessions(
        ["XTKS", "XNYS", "XTKS"], Days(date(2025, 1, 27), date(2025, 1, 28))
    )
    assert table["exchange_mic"].to_pylist() == ["XNYS", "XNYS", "XTKS", "XTKS"]


def test_no_exchange_gives_no_rows_but_the_columns():
    table = Calendars().sessions([], Days(date(2025, 1, 27), date(2025, 1, 28)))
    assert table.num_rows == 0
    assert "closes_at" in table.column_names


def test_the_close_of_a_day_is_an_aware_instant_or_none():
    calendars = Calendars()
    assert calendars.closes_at("XTKS", date(2025, 1, 28)) == datetime(
        2025, 1, 28, 6, 30, tzinfo=UTC
    )
    assert calendars.closes_at("XNYS", date(2025, 1, 20)) is None


def test_a_stopped_clock_stands_still_in_utc():
    assert Clock(fixed_at="2025-01-28T01:00:00+02:00").now() == datetime(
        2025, 1, 27, 23, tzinfo=UTC
    )
    assert Clock(fixed_at="2025-01-28T01:00:00").now() == datetime(2025, 1, 28, 1, tzinfo=UTC)


def test_a_running_clock_is_aware_and_does_not_go_back():
    first, second = Clock().now(), Clock().now()
    assert first <= second
    assert first.utcoffset().total_seconds() == 0
