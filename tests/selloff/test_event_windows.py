"""Which rows lie before an event and which after, and which series are compared."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.contagion_sets import series_sets
from selloff.event_windows import AFTER, BEFORE, around
from tests.selloff.contagion_rows import DAYS, moving, rows_of

CLOSE, TOKYO = pd.Timedelta(hours=21), pd.Timedelta(hours=6, minutes=30)
NAMES = ("XLF", "XLK", "XLU")


def set_of(wide, **columns):
    """Return the set of a frame's series."""
    (found,) = series_sets(rows_of(wide, **columns))
    return found


def closing(rows, hours):
    """Return rows whose series close at these times of the day."""
    at = rows["series_name"].map(hours)
    return rows.assign(closed_at=rows["session_date"] + at)


@pytest.fixture(scope="module")
def wide():
    return moving(*NAMES, n=200)


def test_the_first_session_is_the_first_that_closes_after_the_start(wide):
    found = around(set_of(wide), "e", DAYS[120] + CLOSE, "XLK")
    assert found.before.index[-1] == DAYS[120]
    assert found.after.index[0] == DAYS[121]
    assert (found.n_before, len(found.before), len(found.after)) == (121, 121, AFTER)
    assert found.is_turmoil.sum() == AFTER
    assert found.returns.index[found.is_turmoil][0] == DAYS[121]
    assert found.returns.to_numpy().tolist() == wide.iloc[: 121 + AFTER].to_numpy().tolist()


@pytest.mark.parametrize(("close", "first"), [(CLOSE, 121), (TOKYO, 122)])
def test_news_at_noon_is_the_next_days_for_a_market_that_has_closed(wide, close, first):
    series = set_of(wide, closed_at=pd.Series(DAYS + close, DAYS))
    found = around(series, "e", DAYS[121] + pd.Timedelta(hours=12), "")
    assert found.after.index[0] == DAYS[first]


def test_regions_begin_with_the_session_whose_last_close_is_later():
    rows = closing(rows_of(moving("JP", "US", n=200)), {"JP": TOKYO, "US": CLOSE})
    (series,) = series_sets(rows)
    found = around(series, "e", DAYS[121] + pd.Timedelta(hours=12), "US")
    # Tokyo had closed, New York had not: no session of which a part came later lies before.
    assert (found.before.index[-1], found.after.index[0]) == (DAYS[120], DAYS[121])
    # The US market's close before it: Tokyo's next session is the first of the event.
    found = around(series, "e", DAYS[120] + CLOSE, "US")
    assert found.after.index[0] == DAYS[121]


@pytest.mark.parametrize(("place", "is_measured"), [(58, False), (59, True), (198, True)])
def test_sixty_sessions_before_it_are_needed(wide, place, is_measured):
    found = around(set_of(wide), "e", DAYS[place] + CLOSE, "")
    assert (found is not None) is is_measured


def test_without_a_later_session_there_is_nothing_to_compare(wide):
    assert around(set_of(wide), "e", DAYS[199] + CLOSE, "") is None
    unknown = set_of(wide, closed_at=pd.NaT)
    assert around(unknown, "e", DAYS[120] + CLOSE, "") is None


def test_no_more_than_a_year_before_it_counts():
    found = around(set_of(moving(*NAMES, n=330)), "e", DAYS[300] + CLOSE, "")
    assert found.n_before == BEFORE
    assert found.returns.index[0] == DAYS[301 - BEFORE]


@pytest.mark.parametrize(("n_after", "has_after"), [(1, False), (4, False), (5, True)])
def test_five_sessions_are_waited_for(wide, n_after, has_after):
    found = around(set_of(wide.iloc[: 121 + n_after]), "e", DAYS[120] + CLOSE, "")
    assert len(found.after) == n_after
    assert found.has_after is has_after


def test_incomplete_series_and_those_that_stood_still_are_left_out(wide):
    late = wide.assign(late=wide["XLF"].where(wide.index > DAYS[30]) + 0.001 * np.sin(range(200)))
    still = late.assign(still=np.where(wide.index < DAYS[121], 0.0, wide["XLK"]))
    found = around(set_of(still), "e", DAYS[120] + CLOSE, "still")
    assert tuple(found.returns.columns) == NAMES
    assert not found.origin


@pytest.mark.parametrize(("origin", "known"), [("XLK", "XLK"), ("XLE", ""), ("", "")])
def test_the_origin_is_one_of_the_series_or_nothing(wide, origin, known):
    assert around(set_of(wide), "e", DAYS[120] + CLOSE, origin).origin == known


def test_one_series_or_dependent_ones_are_not_compared(wide):
    assert around(set_of(wide[["XLK"]]), "e", DAYS[120] + CLOSE, "") is None
    copied = wide.assign(copy=wide["XLK"])
    assert around(set_of(copied), "e", DAYS[120] + CLOSE, "") is None


def test_what_ends_after_an_event_still_counts_before_it(wide):
    ends = wide.assign(ends=wide["XLF"].where(wide.index < DAYS[125]) + 0.001 * np.cos(range(200)))
    found = around(set_of(ends), "e", DAYS[120] + CLOSE, "ends")
    assert tuple(found.before.columns) == ("XLF", "XLK", "XLU", "ends")
    assert tuple(found.returns.columns) == ("XLF", "XLK", "XLU")
    assert found.origin == "ends"


def test_what_stands_still_after_an_event_counts_before_it_alone(wide):
    halted = wide.assign(halted=np.where(wide.index > DAYS[120], 0.0, wide["XLK"].iloc[::-1]))
    found = around(set_of(halted), "e", DAYS[120] + CLOSE, "")
    assert "halted" in found.before.columns
    assert "halted" not in found.returns.columns
