"""The rank and sign tests agree with everyone who can be trusted on them."""

from __future__ import annotations

import pytest

from tests.selloff.event_study.parity_ranks import comparisons, difference

COMPARISONS = list(comparisons())


def name(each):
    return f"{each.quantity} by {each.peer} on {each.panel}"


def test_every_trusted_column_is_compared():
    # 3 panels x 7 models x (7 daily columns + 7 of windows); estudy2 3 x 6 and its window test;
    # R 2 panels x 6 models x 2; PyPI 2 panels.
    assert len(COMPARISONS) == 3 * 7 * 14 + 3 * 6 + 1 + 2 * 6 * 2 + 2
    assert len({name(each) for each in COMPARISONS}) == len(COMPARISONS)


@pytest.mark.parametrize("each", COMPARISONS, ids=name)
def test_the_statistics_agree(each):
    theirs = each.theirs().tolist()
    assert len(theirs) >= 4
    limit = 0 if each.quantity.startswith(("wilcoxon", "n,")) else 1e-9
    assert difference(each.ours(), theirs) <= limit
