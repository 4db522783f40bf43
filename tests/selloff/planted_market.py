"""A market of known truth: three regions by eleven sectors, news around the clock, planted links.

News comes in three stretches of a day: until Tokyo's close, until London's, until New York's, with
a variance in proportion to the hours. Every series has news of the world, its sector (the world
over), its region and itself. A market is seen from close to close: Tokyo's return of a date holds
what came since its close of the date before. Onto this a source's return is planted, by a
coefficient, into the next session of its targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

REGIONS = ("TYO", "LON", "NYC")
SECTORS = tuple(f"S{number:02d}" for number in range(11))
NAMES = tuple(f"{region} {sector}" for region in REGIONS for sector in SECTORS)
HOURS = {"TYO": 6.0, "LON": 16.5, "NYC": 21.0}
CLOSES = {name: HOURS[name[:3]] for name in NAMES}
# Hours before each of the three closes, since the close before it.
STRETCHES = np.array([9.0, 10.5, 4.5])
REGION, SECTOR = np.repeat(np.arange(3), 11), np.tile(np.arange(11), 3)
# Deviations of a day's news: world, sector, region, own. Two sectors of one region correlate 0.45,
# a sector with itself abroad 0.61 (at one moment).
WORLD, SECTORAL, REGIONAL, OWN = 0.6, 0.5, 0.3, 0.55
DAILY = 0.01


@dataclass(frozen=True, slots=True)
class Planted:
    """What was planted.

    Parameters
    ----------
    source : str
        Where links begin.
    targets : tuple of str
        Where they end.
    coefficient : float
        Return of a target's next session per return of the source's session.
    """

    source: str = "NYC S00"
    targets: tuple[str, ...] = ("TYO S03", "TYO S05", "LON S03", "LON S05", "NYC S03")
    coefficient: float = 0.5

    def links(self):
        """Return the links as pairs of names."""
        return {(self.source, target) for target in self.targets}


NOTHING = Planted(targets=(), coefficient=0.0)


def market(
    seed,
    n_days,
    planted=NOTHING,
    *,
    degrees_of_freedom=None,
    stretches=STRETCHES,
    is_restless=False,
):
    """Return daily returns as fractions, one column per series.

    With `degrees_of_freedom` all news has Student's t distribution, in units of its deviation.
    Variance is in proportion to `stretches`. A restless market has spells of volatility, all series
    together, that last for weeks.
    """
    rng = np.random.default_rng(seed)

    def news(count):
        shape = (n_days + 1, 3, count)
        if degrees_of_freedom is None:
            drawn = rng.normal(size=shape)
        else:
            scale = np.sqrt(degrees_of_freedom / (degrees_of_freedom - 2))
            drawn = rng.standard_t(degrees_of_freedom, shape) / scale
        return drawn * np.sqrt(stretches / stretches.sum())[:, None]

    logs = np.zeros(n_days + 1)
    if is_restless:
        steps = np.random.default_rng(10_000 + seed).normal(0, 0.15, n_days)
        for day, step in enumerate(steps, start=1):
            logs[day] = 0.97 * logs[day - 1] + step
    every = WORLD * news(1) + SECTORAL * news(11)[:, :, SECTOR]
    every += REGIONAL * news(3)[:, :, REGION] + OWN * news(33)
    every *= np.exp(logs)[:, None, None]
    returns = np.empty((n_days, 33))
    for region in range(3):
        mine = np.equal(REGION, region)
        today, yesterday = every[1:, : region + 1, mine], every[:-1, region + 1 :, mine]
        returns[:, mine] = today.sum(axis=1) + yesterday.sum(axis=1)
    _plant(returns, planted)
    return pd.DataFrame(DAILY * returns, pd.bdate_range("2021-01-04", periods=n_days), list(NAMES))


def _plant(returns, planted):
    source = NAMES.index(planted.source)
    seen = returns[:, source].copy()
    for name in planted.targets:
        target = NAMES.index(name)
        if CLOSES[name] > CLOSES[planted.source]:
            returns[:, target] += planted.coefficient * seen
        else:
            returns[1:, target] += planted.coefficient * seen[:-1]
