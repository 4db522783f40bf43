"""Sums by date: of parts they add up, and a part without a firm adds nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given as drawn
from hypothesis import strategies as st

from selloff.event_study.bootstrap import ClusterSums
from selloff.event_study.calendar_time import CalendarPortfolio, jaffe_mandelker
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


CLUSTERS = st.lists(st.tuples(st.integers(0, 6), st.integers(-9, 9)), max_size=12)


def clusters(rows):
    """Return the sums of values by place, added up one by one."""
    total, count = Counter(), Counter()
    for place, value in rows:
        total[place] += value
        count[place] += 1
    places = sorted(count)
    return places, [float(total[place]) for place in places], [count[place] for place in places]


@drawn(CLUSTERS, CLUSTERS)
def test_sums_of_dates_and_portfolios_are_those_of_all_their_rows(one, other):
    (places, sums, counts), expected = clusters(one), clusters(one + other)
    more, added, n_more = clusters(other)
    found = ClusterSums(*map(np.array, (places, sums, counts))).plus(
        ClusterSums(*map(np.array, (more, added, n_more)))
    )
    assert [each.tolist() for each in found] == list(map(list, expected))
    held = [
        CalendarPortfolio(np.array(at, int), np.array(n, int), np.array(total) / np.array(n))
        for at, total, n in ((places, sums, counts), (more, added, n_more))
    ]
    portfolio = held[0].plus(held[1])
    assert portfolio.positions.tolist() == expected[0]
    np.testing.assert_allclose(portfolio.mean * portfolio.n, expected[1], atol=1e-12)
