"""The partitions that all daily assets share: a calendar date, whichever exchange is open."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import dagster as dg


class EveryDay(dg.DailyPartitionsDefinition):
    """Dagster's daily partitions, counted out once a day and not at every turn.

    A step that is not partitioned and reads what is has Dagster list all dates since the first, for
    each such input, only to find that they are too many to look at: 13,000 dates by way of a cron
    expression, a tenth of what the replay takes.
    """

    def get_partition_keys(
        self, current_time: datetime | None = None, dynamic_partitions_store: Any = None
    ) -> Sequence[str]:
        """Return every date from the first to today's, oldest first."""
        with dg.partition_loading_context(current_time, dynamic_partitions_store):
            return list(_dates(self.start.date(), self.get_last_partition_key()))


@cache
def _dates(first: date, last: str | None) -> list[str]:
    """Return the dates from one to another, both included."""
    n_dates = (date.fromisoformat(last) - first).days + 1 if last else 0
    return [str(first + timedelta(days=day)) for day in range(n_dates)]


# Today's date exists from midnight UTC, before any close of the day.
DAILY = EveryDay(start_date="1990-01-01", end_offset=1)
