"""The headline tests reject as often as they say where nothing happened, and see a fall.

A small version of `benchmarks/size_and_power.py`, in its worst cells.
"""

from __future__ import annotations

import numpy as np
import pytest

from selloff.event_study.evidence import Evidence
from selloff.event_study.generalized_ranks import grank_t, grank_z
from selloff.event_study.parametric import bmp, kolari_pynnonen
from selloff.event_study.ranks import corrado_rank
from tests.selloff.event_study.null_samples import World, draw, fallen, rejection_rates

RUNS = 400
# 5% of 400 draws: 99.8% of true tests lie within 2 and 8.6%.
USUAL = (0.02, 0.086)
TESTS = (bmp, kolari_pynnonen, corrado_rank, grank_t, grank_z)


def rates(world, last, fall=0.0):
    random = np.random.default_rng(20250127)
    drawn = (Evidence.of(fallen(draw(random, world), fall)) for _ in range(RUNS))
    return rejection_rates(TESTS, drawn, [(0, last)])[0, last]


@pytest.mark.parametrize(
    ("world", "last"), [(World(0, 1), 0), (World(0.05, 2), 5), (World(0.2, 2), 5)], ids=str
)
def test_headline_tests_keep_their_size(world, last):
    found = rates(world, last)
    for name in ("kolari_pynnonen", "grank_t"):
        assert USUAL[0] <= found[name] <= USUAL[1], found


def test_tests_of_independent_events_over_reject_on_a_common_date():
    found = rates(World(0.2, 1), 0)
    assert min(found["bmp"], found["grank_z"]) > 0.3
    assert max(found["kolari_pynnonen"], found["corrado_rank"]) < USUAL[1]


def test_a_raised_variance_misleads_corrado_but_not_the_generalized_rank():
    found = rates(World(0, 2), 0)
    assert found["corrado_rank"] > found["grank_t"]
    assert found["grank_t"] <= USUAL[1]


def test_a_fall_of_half_a_sigma_is_seen_where_events_are_independent():
    found = rates(World(0, 1), 0, fall=0.5)
    assert min(found["kolari_pynnonen"], found["grank_t"], found["corrado_rank"]) > 0.6
