"""The dates of the daily assets are Dagster's own, only found sooner."""

from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.partitions.snap import TimeWindowPartitionsSnap

from assets._days import DAILY, EveryDay

STOCK = dg.DailyPartitionsDefinition(start_date="1990-01-01", end_offset=1)


@pytest.mark.parametrize(
    "now",
    [
        datetime(2025, 1, 27, tzinfo=UTC),
        datetime(2025, 1, 26, 23, 59, 59, tzinfo=UTC),
        datetime(2024, 2, 29, 12, tzinfo=UTC),
        datetime(1990, 1, 1, tzinfo=UTC),
    ],
)
def test_the_dates_are_those_of_dagster(now):
    assert DAILY.get_partition_keys(now) == STOCK.get_partition_keys(now)


def test_before_the_first_date_there_is_none():
    early = datetime(1989, 5, 1, tzinfo=UTC)
    assert EveryDay(start_date="1990-01-01").get_partition_keys(early) == []


def test_the_moment_that_dagster_sets_counts():
    with dg.partition_loading_context(datetime(2025, 1, 27, 12, tzinfo=UTC)):
        assert DAILY.get_partition_keys()[-1] == "2025-01-27"


def test_a_caller_may_change_what_it_got():
    DAILY.get_partition_keys().clear()
    assert DAILY.get_partition_keys()[0] == "1990-01-01"


def test_dagsters_services_see_plain_daily_partitions():
    snaps = [TimeWindowPartitionsSnap.from_def(each) for each in (DAILY, STOCK)]
    assert snaps[0] == snaps[1]
