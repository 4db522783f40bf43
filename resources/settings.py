"""What a user may decide about the measures: markets and detection thresholds."""

from __future__ import annotations

import os

import dagster as dg

from selloff.events import Detection


def env(name: str, default: str = "") -> str:
    """Return a setting of the environment; an empty one, as compose files write it, is none."""
    return os.environ.get(f"SELLOFF_{name}") or default


class Settings(dg.ConfigurableResource):
    """Thresholds and market proxies; every field is run configuration.

    Parameters
    ----------
    markets : dict of str to str
        Ticker that stands for a region's market. A region without one is held against the
        capitalisation-weighted index of its equities, or, where no share count is known,
        against the default region's market at its previous close.
    default_region : str
        Region whose market serves where none of its own is to be had.
    market_z : float
        A session is a sell-off at or below this market z (standard deviations).
    breadth : float
        Or at or above this share of falling equities (fraction) ...
    min_falling : int
        ... if at least so many fell.
    listing_z : float
        An equity has fallen at or below this abnormal z (standard deviations).
    """

    markets: dict[str, str] = {"US": "SPY"}  # noqa: RUF012 - pydantic copies defaults
    default_region: str = "US"
    market_z: float = -2.5
    breadth: float = 0.15
    min_falling: int = 5
    listing_z: float = -2.0

    def detection(self) -> Detection:
        """Return the thresholds as the mathematics takes them."""
        return Detection(
            market_z=self.market_z,
            breadth=self.breadth,
            min_falling=self.min_falling,
            listing_z=self.listing_z,
        )
