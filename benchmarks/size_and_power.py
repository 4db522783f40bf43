"""How often tests find something at the 5% level: where nothing happened, and after a fall.

python benchmarks/size_and_power.py            10,000 runs per cell (about eight minutes)
python benchmarks/size_and_power.py 2000       so many
"""

from __future__ import annotations

import sys

import numpy as np
from _child import ROOT
from _records import tell

sys.path.insert(0, str(ROOT))

from selloff.event_study.evidence import Evidence
from selloff.event_study.generalized_ranks import grank_t
from selloff.event_study.parametric import (
    adjusted_patell,
    bmp,
    cross_sectional,
    kolari_pynnonen,
    patell,
)
from selloff.event_study.portfolio import brown_warner_1985
from selloff.event_study.ranks import corrado_rank
from selloff.event_study.signs import generalized_sign
from tests.selloff.event_study.null_samples import World, draw, fallen, rejection_rates

RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
TESTS = {
    "CS": cross_sectional,
    "Patell": patell,
    "BMP": bmp,
    "adjusted Patell": adjusted_patell,
    "**KP**": kolari_pynnonen,
    "CDA": brown_warner_1985,
    "Corrado": corrado_rank,
    "GS": generalized_sign,
    "**GRANK-T**": grank_t,
}
HEADLINES = ("kolari_pynnonen", "grank_t")
BAND = (0.035, 0.08)
CORRELATIONS, VARIANCES, WINDOWS = (0, 0.05, 0.2), (1, 2), ((0, 0), (0, 5))
FALLS = (0.5, 1)
Rates = dict[tuple[int, int], dict[str, float]]


def rates(world: World, fall: float) -> Rates:
    """Return the rejection rates of all tests by window, on the same draws for every fall."""
    seed = [int(100 * world.correlation), int(world.variance), int(world.is_turbulent)]
    random = np.random.default_rng(seed)
    drawn = (Evidence.of(fallen(draw(random, world), fall)) for _ in range(RUNS))
    return rejection_rates(list(TESTS.values()), drawn, WINDOWS)


def table(title: str, fall: float = 0, *, is_turbulent: bool = False) -> list[float]:
    """Print rejection rates in percent; return those of the headline tests."""
    print(f"\n{title}\n")
    print("| correlation, rows, event variance | " + " | ".join(TESTS) + " |")
    print("| --- |" + " --- |" * len(TESTS))
    headlines = []
    for correlation in CORRELATIONS:
        by_variance = {v: rates(World(correlation, v, is_turbulent), fall) for v in VARIANCES}
        for window in WINDOWS:
            for variance, found in by_variance.items():
                cells = " | ".join(f"{100 * rate:.1f}" for rate in found[window].values())
                print(f"| {correlation:g}, {window[1] + 1}, x{variance} | {cells} |", flush=True)
                headlines += [found[window][name] for name in HEADLINES]
    return headlines


print(f"Rejections at 5%, {RUNS:,} runs, 30 events on one date, 250 estimation rows, t5 residuals.")
found = table("Nothing happened:")
table("Nothing happened, and a wild day is wild for all firms:", is_turbulent=True)
for fall in FALLS:
    table(f"A fall of {fall:g} sigma on day 0:", fall)
low, high = min(found), max(found)
size = f"KP and GRANK-T, a true null at 5%, {RUNS:,} runs"
tell(f"{size}: the rarest rejection", low, "of the runs", goal=BAND[0], is_rate=True)
tell(f"{size}: the most frequent", high, "of the runs", goal=BAND[1])
print(f"\nKP and GRANK-T, first table: {low:.1%} to {high:.1%} ({BAND[0]:.1%} to {BAND[1]:.1%})")
if not BAND[0] <= low <= high <= BAND[1]:
    sys.exit(1)
