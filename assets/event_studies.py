"""Event studies: what every test says of every sell-off, and who was left out."""

from __future__ import annotations

from typing import Any

from assets._table import table_asset
from warehouse.tables.event_studies import DROPPED_OBSERVATIONS, EVENT_STUDY_TESTS


@table_asset(EVENT_STUDY_TESTS)
def event_study_tests(
    selloff_events: Any,
    abnormal_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
) -> Any:
    """Test every event in every group and window, by every test that can say something there."""
    # The kernel needs pandas and scipy, which loading the definitions must not (decision 0006).
    from selloff import event_tests

    return event_tests.event_study_tests(
        selloff_events, abnormal_returns, daily_prices, instruments, sessions
    )


@table_asset(DROPPED_OBSERVATIONS)
def dropped_observations(
    selloff_events: Any,
    abnormal_returns: Any,
    daily_prices: Any,
    instruments: Any,
    sessions: Any,
) -> Any:
    """Say which listings the event studies leave out, and why."""
    from selloff import observations

    return observations.dropped_observations(
        selloff_events, abnormal_returns, daily_prices, instruments, sessions
    )


ASSETS = [event_study_tests, dropped_observations]
