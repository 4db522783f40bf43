"""Centralities: small networks worked by hand, and what holds in all of them."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse.csgraph import shortest_path

from selloff.network.centralities import centralities, eigenvector, katz
from selloff.network.links import cross_group_share, density, grouped, links
from selloff.network.paths import betweenness, closeness, shortest_paths

STAR = np.zeros((5, 5))
STAR[0, 1:] = STAR[1:, 0] = 1
RING = np.roll(np.eye(5), 1, axis=1)
CHAIN = np.eye(4, k=1)
DIAMOND = np.array([[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]])
TWO_PAIRS = np.kron(np.eye(2), [[0, 1], [1, 0]])
EMPTY = np.zeros((3, 3))

networks = st.integers(1, 7).flatmap(
    lambda size: arrays(bool, (size, size), elements=st.booleans()),
)


@pytest.mark.parametrize(
    ("network", "expected"),
    [(STAR, 8 / 20), (RING, 5 / 20), (CHAIN, 3 / 12), (TWO_PAIRS, 4 / 12), (EMPTY, 0.0)],
)
def test_the_density_is_links_over_possible_links(network, expected):
    assert density(network) == expected


@pytest.mark.parametrize(
    ("network", "outward", "inward"),
    [
        # A leaf reaches the centre in 1 and three leaves in 2: 4 / 7.
        (STAR, [1, 4 / 7, 4 / 7, 4 / 7, 4 / 7], [1, 4 / 7, 4 / 7, 4 / 7, 4 / 7]),
        # 1 + 2 + 3 + 4 steps to four others.
        (RING, [0.4] * 5, [0.4] * 5),
        # All three in 1 + 2 + 3; two of three in 1 + 2; one of three in 1; none.
        (CHAIN, [3 / 6, 2 / 3 * 2 / 3, 1 / 3, 0], [0, 1 / 3, 2 / 3 * 2 / 3, 3 / 6]),
        (TWO_PAIRS, [1 / 3] * 4, [1 / 3] * 4),
        (EMPTY, [0, 0, 0], [0, 0, 0]),
    ],
)
def test_closeness_of_networks_worked_by_hand(network, outward, inward):
    assert closeness(network).tolist() == pytest.approx(outward)
    assert closeness(network, "in").tolist() == pytest.approx(inward)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (STAR, [1, 0, 0, 0, 0]),
        # Paths of 2, 3 and 4 links from each of five have 1 + 2 + 3 inner series: 30 / 5 of 12.
        (RING, [0.5] * 5),
        (CHAIN, [0, 2 / 6, 2 / 6, 0]),
        # Half of the two shortest paths from the top to the bottom.
        (DIAMOND, [0, 0.5 / 6, 0.5 / 6, 0]),
        (TWO_PAIRS, [0] * 4),
        (EMPTY, [0, 0, 0]),
    ],
)
def test_betweenness_of_networks_worked_by_hand(network, expected):
    assert betweenness(network).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (STAR, [2**-0.5] + [8**-0.5] * 4),
        (RING, [5**-0.5] * 5),
        # A pair that sends to each other, and a third that only sends to one of them.
        ([[0, 1, 0], [1, 0, 0], [1, 0, 0]], [3**-0.5] * 3),
        ([[0, 1, 0], [1, 0, 1], [0, 0, 0]], [2**-0.5, 2**-0.5, 0]),
    ],
)
def test_eigenvectors_of_networks_worked_by_hand(network, expected):
    found = eigenvector(network)
    assert found.note == ""
    assert found.centrality.tolist() == pytest.approx(expected)


@pytest.mark.parametrize(
    ("network", "why"),
    [
        (CHAIN, "no path leads back"),
        (DIAMOND, "no path leads back"),
        (EMPTY, "no path leads back"),
        (TWO_PAIRS, "2 components are equally strong"),
    ],
)
def test_where_there_is_no_eigenvector_the_reason_stands(network, why):
    found = eigenvector(network)
    assert np.isnan(found.centrality).all()
    assert why in found.note
    frame = centralities(pd.DataFrame(network))
    assert frame["out_eigenvector"].isna().all()
    assert frame["note"].str.contains(why).all()


def test_the_stronger_of_two_components_has_the_eigenvector():
    unequal = np.kron(np.diag([1.0, 3.0]), [[0, 1], [1, 0]])
    assert eigenvector(unequal).centrality.tolist() == pytest.approx([0, 0, 2**-0.5, 2**-0.5])


@given(networks)
def test_an_eigenvector_is_in_proportion_to_its_neighbours(network):
    found = eigenvector(network)
    if not found.note:
        mine, theirs = found.centrality, links(network) @ found.centrality
        assert (mine >= 0).all()
        assert theirs == pytest.approx((mine @ theirs) * mine, abs=1e-9)


@given(networks)
def test_lengths_of_paths_are_scipys(network):
    graph = links(network)
    expected = shortest_path(graph, unweighted=True)
    assert (shortest_paths(network)[0] == expected).all()


@given(networks)
def test_counts_and_betweenness_are_those_of_walking_every_path(network):
    steps = links(network) > 0
    size = len(steps)
    through = np.zeros(size)
    lengths, counts = shortest_paths(network)
    for start, end in permutations(range(size), 2):
        if not np.isfinite(lengths[start, end]):
            continue
        inner = int(lengths[start, end]) - 1
        others = [each for each in range(size) if each not in {start, end}]
        walks = [
            walk
            for walk in permutations(others, inner)
            if all(steps[a, b] for a, b in zip((start, *walk), (*walk, end), strict=True))
        ]
        assert len(walks) == counts[start, end]
        for walk in walks:
            through[list(walk)] += 1 / len(walks)
    expected = through / max((size - 1) * (size - 2), 1)
    assert betweenness(network) == pytest.approx(expected)


@given(networks, st.randoms(use_true_random=False))
def test_names_do_not_matter(network, random):
    size = len(network)
    names = [f"S{number}" for number in range(size)]
    groups = {name: number % 2 for number, name in enumerate(names)}
    order = random.sample(names, size)
    known = pd.DataFrame(network, names, names)
    turned = centralities(known.loc[order, order], groups).loc[names]
    pd.testing.assert_frame_equal(turned, centralities(known, groups), rtol=1e-9, atol=1e-9)


@given(networks)
def test_turning_all_links_round_exchanges_out_and_in(network):
    known, turned = (centralities(pd.DataFrame(each)) for each in (network, network.T))
    for measure in ("degree", "strength", "closeness", "eigenvector"):
        np.testing.assert_allclose(known[f"out_{measure}"], turned[f"in_{measure}"], atol=1e-9)
    np.testing.assert_allclose(known["betweenness"], turned["betweenness"])


@given(networks)
def test_degrees_add_up_to_the_links(network):
    found = centralities(pd.DataFrame(network))
    n_links = (links(network) > 0).sum()
    assert found["out_degree"].sum() == found["in_degree"].sum() == n_links


def test_own_shares_on_the_diagonal_are_no_links():
    spillovers = pd.DataFrame([[0.7, 0.3], [0.2, 0.8]], ["XLK", "XLE"], ["XLK", "XLE"])
    found = centralities(spillovers)
    assert found["out_strength"].tolist() == [0.3, 0.2]
    assert found["out_degree"].tolist() == [1, 1]
    assert density(spillovers) == 1.0


def test_katz_counts_all_paths_where_there_is_no_eigenvector():
    # x = 1 + a (sum of those sent to), from the end of the chain backwards, a = 1/2.
    expected = np.array([1.875, 1.75, 1.5, 1.0])
    assert katz(CHAIN, 0.5) == pytest.approx(expected / np.linalg.norm(expected))
    assert katz(CHAIN, 0.5, "in") == pytest.approx(expected[::-1] / np.linalg.norm(expected))


@pytest.mark.parametrize("attenuation", [0.0, -0.1, 0.5, 2.0])
def test_katz_refuses_an_attenuation_whose_sum_has_no_end(attenuation):
    with pytest.raises(ValueError, match=f"{attenuation} is not above 0 and below 1 / 2"):
        katz(STAR, attenuation)


def test_the_share_across_groups_is_of_the_weight_of_links():
    network = [[0, 3, 1], [0, 0, 0], [0, 2, 0]]
    assert cross_group_share(network, ["US", "US", "CN"]) == 0.5
    assert cross_group_share(network, ["US", "US", "US"]) == 0.0
    assert np.isnan(cross_group_share(EMPTY, ["US", "US", "CN"]))


def test_what_is_no_network_is_refused_with_its_cause():
    with pytest.raises(ValueError, match=r"square, not of shape \(2, 3\)"):
        links(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="from 0 to 1 weighs nan"):
        density([[0, np.nan], [0, 0]])
    with pytest.raises(ValueError, match="from 1 to 0 weighs -1"):
        density([[0, 0], [-1, 0]])
    with pytest.raises(ValueError, match="2 groups for 3 series"):
        cross_group_share(EMPTY, ["US", "CN"])
    with pytest.raises(ValueError, match="XLC, XLE in no group"):
        grouped(["XLK", "XLC", "XLE"], {"XLK": "growth"})
    with pytest.raises(ValueError, match="same names in the same order"):
        centralities(pd.DataFrame(EMPTY, list("abc"), list("acb")))
    with pytest.raises(ValueError, match="out or in, not both"):
        closeness(EMPTY, "both")


def test_a_network_of_one_or_none_has_no_density():
    assert np.isnan(density(np.zeros((1, 1))))
    assert centralities(pd.DataFrame()).empty
    assert centralities(pd.DataFrame([[0]]))["betweenness"].tolist() == [0.0]
