"""Sums by date: of parts they add up, and a part without a firm adds nothing."""

from __future__ import annotations

import numpy as np

from selloff.event_study.calendar_time import jaffe_mandelker
from selloff.event_study.dated_sums import dated_sums
from selloff.event_study.evidence import given
from selloff.event_study.sample import taken

REST = [[0.01, -0.01, 0.02], [0.00, -0.02, 0.01], [0.01, 0.01, -0.01]]


def falls(*rows, dates=(2, 3, 3)):
    return given([list(row) for row in rows], REST[: len(rows)], dates=list(dates[: len(rows)]))


def test_a_part_of_which_no_firm_has_a_figure_adds_nothing():
    missing = (np.nan, np.nan)
    whole = falls((-0.03, -0.01), (-0.02, -0.02), missing)
    known, unknown = taken(whole, np.array([0, 1])), taken(whole, np.array([2]))
    nothing = dated_sums(unknown, 0, 1)
    assert (nothing.n_held, len(nothing.positions), len(nothing.sums)) == (0, 0, 0)
    for found in (
        dated_sums(known, 0, 1).plus(nothing),
        nothing.plus(dated_sums(known, 0, 1)),
        dated_sums(whole, 0, 1),
    ):
        assert found.n.tolist() == [1, 2, 1]
        assert found.total.round(12).tolist() == [-0.03, -0.03, -0.02]
        assert found.n_held == 2


def test_the_sums_of_parts_are_those_of_all():
    whole = falls((-0.03, -0.01), (-0.02, -0.02), (-0.05, 0.01))
    parts = [dated_sums(taken(whole, np.array([at])), 0, 1) for at in range(3)]
    found, expected = parts[0].plus(parts[1]).plus(parts[2]), dated_sums(whole, 0, 1)
    for name in ("positions", "n", "total", "freedom", "sums"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-12)


def test_of_no_firm_there_is_nothing_to_test():
    whole = falls((np.nan, np.nan), (np.nan, np.nan))
    assert np.isnan(jaffe_mandelker(whole, 0, 1).statistic)
