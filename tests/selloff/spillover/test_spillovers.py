from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.spillover.spillovers import Conventions, Spillovers

HOW = Conventions("var", "generalized", window=100, n_rows=99, lags=1, horizon=10)


def table(shares, how=HOW, radius=0.5):
    shares = np.asarray(shares, float)
    shares = shares[None] if shares.ndim == 2 else shares
    n, k = shares.shape[:2]
    days = pd.bdate_range("2025-01-27", periods=n)
    return Spillovers(tuple(f"S{i}" for i in range(k)), days, shares, np.full(n, radius), how)


@st.composite
def stochastic(draw):
    k, n = draw(st.integers(2, 6)), draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return random.dirichlet(np.full(k, 0.7), (n, k))


def test_measures_of_a_table_worked_by_hand():
    found = table([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.0, 0.4, 0.6]])
    assert found.from_others[0] == pytest.approx([0.3, 0.4, 0.4])
    assert found.to_others[0] == pytest.approx([0.3, 0.6, 0.2])
    assert found.net[0] == pytest.approx([0.0, 0.2, -0.2])
    assert found.total[0] == pytest.approx(1.1 / 3)
    assert found.corrected_total[0] == pytest.approx(1.1 / 2)
    # Row 0 receives 0.2 from 1 and sends it 0.3: column 1 sends -0.1 to it on balance.
    assert found.net_pairwise[0, 0, 1] == pytest.approx(-0.1)
    assert found.pairwise_index[0, 0, 1] == pytest.approx(2 * 0.5 / (0.7 + 0.5 + 0.6))
    assert found.influence[0, 0, 1] == pytest.approx(0.1 / 0.5)
    assert found.n_net_receivers[0].tolist() == [1, 1, 1]


@given(stochastic())
def test_what_is_sent_is_received(shares):
    found = table(shares)
    assert found.net.sum(axis=1) == pytest.approx(np.zeros(len(shares)), abs=1e-12)
    assert found.total == pytest.approx(found.to_others.mean(axis=1))
    assert found.net == pytest.approx(found.net_pairwise.sum(axis=1))
    assert np.nanmax(found.influence) <= 1


@given(stochastic(), st.randoms(use_true_random=False))
def test_the_order_of_series_changes_no_measure(shares, random):
    order = list(range(shares.shape[1]))
    random.shuffle(order)
    found, turned = table(shares), table(shares[:, order][:, :, order])
    assert turned.net == pytest.approx(found.net[:, order])
    assert turned.n_net_receivers == pytest.approx(found.n_net_receivers[:, order])
    assert turned.total == pytest.approx(found.total)


def test_a_window_without_shares_has_no_measures_and_spoils_no_other():
    good = [[0.7, 0.3], [0.2, 0.8]]
    found = table([good, np.full((2, 2), np.nan), good], radius=np.nan)
    for measure in ("total", "corrected_total", "net", "n_net_receivers", "pairwise_index"):
        values = getattr(found, measure)
        assert np.isnan(values[1]).all()
        assert (values[0] == values[2]).all()
        assert np.isfinite(values[0]).all()
    assert not found.is_stable.any()


def test_series_that_exchange_nothing_have_no_influence():
    found = table(np.eye(2))
    assert np.isnan(found.influence[0, [0, 1], [1, 0]]).all()
    assert found.pairwise_index[0].tolist() == [[1, 0], [0, 1]]


def test_a_joint_table_receives_what_its_own_share_leaves():
    how = Conventions("var", "joint", window=100, n_rows=99, lags=1, horizon=10)
    found = table([[0.7, 0.4], [0.1, 0.8]], how)
    assert found.from_others[0] == pytest.approx([0.3, 0.2])
    assert found.to_others[0] == pytest.approx([0.1, 0.4])


def test_tables_have_a_row_for_every_measure_and_link():
    found = table(np.full((3, 4, 4), 0.25))
    measures, links = found.measures(), found.links()
    assert list(measures) == ["date", "name", "measure", "value"]
    assert len(measures) == 3 * (4 * 4 + 3)
    assert not measures.duplicated(["date", "name", "measure"]).any()
    assert measures.loc[measures.measure == "total", "name"].isna().all()
    assert len(links) == 3 * 12
    assert not links.duplicated(["date", "source", "target"]).any()
    assert (links.source != links.target).all()


def test_a_link_runs_from_the_column_to_the_row():
    links = table([[0.7, 0.3], [0.1, 0.9]]).links().set_index(["source", "target"])
    assert links.loc[("S1", "S0"), "share"] == 0.3
    assert links.loc[("S1", "S0"), "net_pairwise"] == pytest.approx(0.2)


def test_unknown_words_and_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="'vector' is no model: var, tvp_var"):
        Conventions("vector", "generalized", 10, 9, 1, 10)
    with pytest.raises(ValueError, match="'cholesky' is no decomposition: generalized"):
        Conventions("var", "cholesky", 10, 9, 1, 10)
    with pytest.raises(ValueError, match=r"1 windows of 2 series, but shares of shape \(1, 3, 3\)"):
        Spillovers(("A", "B"), pd.RangeIndex(1), np.zeros((1, 3, 3)), np.zeros(1), HOW)
