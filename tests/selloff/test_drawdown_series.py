"""Falls of one series: what counts as one, and what a later price may not change."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.drawdown_series import drawdowns, episodes, epsilon_drawdowns

PRICES = st.lists(st.integers(1, 40).map(float), min_size=1, max_size=60).map(np.array)


def by_walking(closes):
    """Return (peak, trough, recovery) of each fall, by looking at one close after the other."""
    found, peak, trough = [], 0, None
    for row in range(1, len(closes)):
        if closes[row] >= closes[peak]:
            if trough is not None:
                found.append((peak, trough, row))
            peak, trough = row, None
        elif trough is None or closes[row] < closes[trough]:
            trough = row
    return [*found, *([(peak, trough, -1)] if trough is not None else [])]


def test_a_fall_of_17_percent_is_a_drawdown_of_17_percent_at_once():
    found = drawdowns(np.array([142.62, 118.42]))
    assert found.tolist() == pytest.approx([0, 118.42 / 142.62 - 1], rel=1e-15)


def test_a_missing_close_has_no_drawdown_and_hides_no_high():
    found = drawdowns(np.array([np.nan, 10, np.nan, 5, 20]))
    assert np.isnan(found).tolist() == [True, False, True, False, False]
    assert found[[1, 3, 4]].tolist() == [0, -0.5, 0]


def test_many_series_are_as_good_as_one():
    both = np.array([[4.0, 2, 8], [5.0, 5, 1]])
    assert drawdowns(both).tolist() == [drawdowns(row).tolist() for row in both]


@given(PRICES)
def test_a_drawdown_lies_between_nothing_and_everything(closes):
    found = drawdowns(closes)
    assert ((found >= -1) & (found <= 0)).all()
    assert (found == 0).tolist() == [
        close == closes[: n + 1].max() for n, close in enumerate(closes)
    ]


@given(PRICES)
def test_episodes_are_those_of_walking_along(closes):
    found = episodes(closes)
    rows = list(zip(*(values.tolist() for values in found[:3]), strict=True))
    assert rows == by_walking(closes)
    assert found.depth.tolist() == [closes[low] / closes[high] - 1 for high, low, _ in rows]


@given(PRICES, st.sampled_from([0.25, 8.0, 1024.0]))
def test_scaling_prices_changes_nothing(closes, factor):
    for one, other in zip(episodes(closes), episodes(closes * factor), strict=True):
        assert one.tolist() == other.tolist()
    assert drawdowns(closes).tolist() == drawdowns(closes * factor).tolist()


@given(PRICES, st.data())
def test_a_later_price_changes_no_closed_episode(closes, data):
    n = data.draw(st.integers(1, len(closes)))
    whole, part = episodes(closes), episodes(closes[:n])
    closed = part.recovery >= 0
    same = (whole.recovery < n) & (whole.recovery >= 0)
    for one, other in zip(whole, part, strict=True):
        assert one[same].tolist() == other[closed].tolist()
    assert drawdowns(closes)[:n].tolist() == drawdowns(closes[:n]).tolist()


def test_episodes_without_every_close_are_refused():
    with pytest.raises(ValueError, match="missing"):
        episodes(np.array([1.0, np.nan]))


@pytest.mark.parametrize("closes", [[], [5.0], [5.0, 5.0], [1.0, 2.0, 3.0]])
def test_what_never_falls_has_no_episode(closes):
    assert len(episodes(np.array(closes)).peak) == 0
    assert len(epsilon_drawdowns(np.array(closes), 0.0).peak) == 0


def test_equal_lows_have_the_first_for_their_trough_and_equal_highs_end_a_fall():
    found = episodes(np.array([9.0, 3, 4, 3, 9, 8, 9]))
    assert found.peak.tolist() == [0, 4]
    assert found.trough.tolist() == [1, 5]
    assert found.recovery.tolist() == [4, 6]


def test_small_rebounds_do_not_end_an_epsilon_drawdown_and_small_dips_begin_none():
    values = np.array([0, 0.3, 0.25, 0.4, 0.2, 0.25, 0.0, 0.2, 0.5, 0.45])
    found = epsilon_drawdowns(values, 0.1)
    assert found.peak.tolist() == [3]
    assert found.trough.tolist() == [6]
    assert found.recovery.tolist() == [7]
    assert found.depth.tolist() == pytest.approx([np.expm1(-0.4)])
    plain = epsilon_drawdowns(values, 0.0)
    assert plain.peak.tolist() == [1, 3, 5, 8]
    assert plain.trough.tolist() == [2, 4, 6, 9]
    assert plain.recovery.tolist() == [3, 5, 7, -1]


@given(PRICES, st.sampled_from([0.0, 0.05, 0.3, 1.0]))
def test_an_epsilon_drawdown_falls_beyond_the_tolerance_and_never_rebounds_by_more(closes, epsilon):
    values = np.log(closes)
    found = epsilon_drawdowns(values, epsilon)
    ends = [*found.peak[1:], len(values)]
    for peak, trough, recovery, end in zip(*found[:3], ends, strict=False):
        fall = values[peak : trough + 1]
        assert fall[0] == fall.max()
        assert fall[-1] == fall.min() < fall[0] - epsilon
        assert (fall - np.minimum.accumulate(fall) <= epsilon).all()
        rest = values[trough:]
        first = np.flatnonzero(rest - np.minimum.accumulate(rest) > epsilon)
        assert recovery == (trough + first[0] if len(first) else -1)
        assert end >= recovery


@given(PRICES, st.sampled_from([0.0, 0.05, 0.3]))
def test_between_epsilon_drawdowns_nothing_falls_beyond_the_tolerance(closes, epsilon):
    values = np.log(closes)
    found = epsilon_drawdowns(values, epsilon)
    starts = [0, *(row for row in found.recovery.tolist() if row >= 0)]
    ends = [*found.peak.tolist(), len(values) - 1]
    for start, end in zip(starts, ends, strict=False):
        rise = values[start : end + 1]
        assert (np.maximum.accumulate(rise) - rise <= epsilon).all()


@pytest.mark.parametrize(
    ("values", "epsilon"), [([0.0, np.nan], 0.1), ([0.0], -0.1), ([0.0], np.nan)]
)
def test_a_tolerance_below_zero_and_a_missing_value_are_refused(values, epsilon):
    with pytest.raises(ValueError, match="tolerance"):
        epsilon_drawdowns(np.array(values), epsilon)
