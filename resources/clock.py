"""What time it is: the one place that reads the system's clock, so that tests can stop it."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg


class Clock(dg.ConfigurableResource):
    """The current instant."""

    fixed_at: str = ""
    """ISO 8601 instant at which the clock stands still; a time without a zone is UTC."""

    def now(self) -> datetime:
        """Return the current instant, aware, in UTC; ValueError where `fixed_at` is none."""
        if not self.fixed_at:
            return datetime.now(UTC)
        fixed = datetime.fromisoformat(self.fixed_at)
        return fixed.replace(tzinfo=UTC) if fixed.tzinfo is None else fixed.astimezone(UTC)
