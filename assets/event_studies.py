"""Event studies: what every test says of every sell-off, and who was left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS

if TYPE_CHECKING:
    from resources.batch import Days

# Ten sessions after an event are tested, and a listing must trade in ten (selloff.observations).
REACH = 10


@table_asset(EVENT_STUDY_TESTS, reach=REACH)
def event_study_tests(
    selloff_events: Any,
    abnormal_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
    previous: Any,
    days: Days | None,
) -> Any:
    """Test every event in every group and window, by every test that can say something there."""
    # The kernel needs pandas and scipy, which loading the definitions must not (decision 0006).
    from selloff import event_tests as tests

    tables = (selloff_events, abnormal_returns, daily_prices, instruments, sessions)
    if days is None:
        return tests.event_study_tests(*tables)
    return tests.late_event_study_tests(*tables, previous, days)


@table_asset(DROPPED_OBSERVATIONS, reach=REACH)
def dropped_observations(
    selloff_events: Any,
    abnormal_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
    days: Days | None,
) -> Any:
    """Say which listings the event studies leave out, and why."""
    from selloff import observations

    tables = (selloff_events, abnormal_returns, daily_prices, instruments, sessions)
    return observations.dropped_observations(*tables, days)


ASSETS = [event_study_tests, dropped_observations]
