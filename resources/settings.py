"""What a user may decide about the measures: markets and detection thresholds."""

from __future__ import annotations

import os
from dataclasses import fields

import dagster as dg

from selloff.detection import Detection


def env(name: str, default: str = "") -> str:
    """Return a setting of the environment; an empty one, as compose files write it, is none."""
    return os.environ.get(f"SELLOFF_{name}") or default


def whole_number(name: str, default: int | None = None, *, least: int = 1) -> int | None:
    """Return a setting that counts something, or the default where it is not set.

    Raises
    ------
    ValueError
        If it is no whole number or less than must be; the message names it.
    """
    text = env(name).strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"SELLOFF_{name}={text!r} is not a whole number")
    if int(text) < least:
        raise ValueError(f"SELLOFF_{name}={text}: at least {least}")
    return int(text)


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
    market_z, breadth, min_falling, listing_z, share_lost, lost_severity, group_z, group_members, \
    group_share_lost, dominant_share, single_z, single_share_lost, single_severity, gap : float
        Thresholds of detection, each as `selloff.detection.Detection` explains it: z in standard
        deviations, shares and percentiles as fractions, counts and the gap as whole numbers.
    """

    markets: dict[str, str] = {"US": "SPY"}  # noqa: RUF012 - pydantic copies defaults
    default_region: str = "US"
    market_z: float = -2.5
    breadth: float = 0.15
    min_falling: int = 5
    listing_z: float = -2.0
    share_lost: float = 0.01
    lost_severity: float = 0.98
    group_z: float = -3.5
    group_members: int = 5
    group_share_lost: float = 0.002
    dominant_share: float = 0.75
    single_z: float = -4.0
    single_share_lost: float = 0.001
    single_severity: float = 0.98
    gap: int = 1

    def detection(self) -> Detection:
        """Return the thresholds as the mathematics takes them.

        Raises
        ------
        ValueError
            If a threshold has the wrong sign, is in percent, or counts less than one.
        """
        return Detection(**{each.name: getattr(self, each.name) for each in fields(Detection)})
