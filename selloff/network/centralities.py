"""Who is central in a directed network of few series: eigenvectors, and all measures together.

Rows of a matrix of links are sources, columns are targets; its diagonal is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.network.links import are_apart, grouped, links
from selloff.network.paths import betweenness, closeness, seen, shortest_paths

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from selloff.network.paths import Direction

# Components whose growth differs by less than this share are taken for equally strong.
EQUAL = 1e-9


class Eigenvector(NamedTuple):
    """Centralities that are in proportion to those of the neighbours, or why there are none.

    Parameters
    ----------
    centrality : array of shape (k,)
        Of length one, none below zero; NaN where it does not exist.
    note : str
        Why it does not exist; empty where it does.
    """

    centrality: NDArray[np.float64]
    note: str


def eigenvector(weights: ArrayLike, direction: Direction = "out") -> Eigenvector:
    """Return the centralities that are in proportion to those of the series linked to.

    With A the links and r its largest eigenvalue, ``A x = r x`` for "out" (central is who sends to
    the central) and ``A' x = r x`` for "in" (central is who receives from the central). By Perron
    and Frobenius there is one such x without negative entries, up to its length, where r is above 0
    and belongs to one strongly connected component alone. Elsewhere there is none or many: NaN and
    the reason, no noise added to make one.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`).
    direction : {"out", "in"}
        Whether sending or receiving makes central.

    Returns
    -------
    Eigenvector
        0 for series from which (or to which) no path leads to (from) the strongest component.

    References
    ----------
    Bonacich (1987), Power and Centrality, American Journal of Sociology 92(5); Horn and Johnson
    (2013), Matrix Analysis, chapter 8.

    Examples
    --------
    >>> eigenvector([[0, 1, 1], [1, 0, 1], [0, 0, 0]]).centrality.round(3).tolist()
    [0.707, 0.707, 0.0]
    >>> eigenvector([[0, 1], [0, 0]]).note
    'no path leads back to where it began'
    """
    found = seen(links(weights), direction)
    reached = np.isfinite(shortest_paths(found)[0])
    growth = _growth(found, reached)
    largest = max(growth.values(), default=0.0)
    strongest = [name for name, each in growth.items() if each >= largest * (1 - EQUAL)]
    nothing = np.full(len(found), np.nan)
    if largest == 0:
        return Eigenvector(nothing, "no path leads back to where it began")
    if len(strongest) > 1:
        return Eigenvector(nothing, f"{len(strongest)} components are equally strong")
    roots, vectors = np.linalg.eig(found)
    vector = np.abs(vectors[:, np.abs(roots - largest).argmin()].real)
    vector[~reached[:, strongest[0]]] = 0.0
    return Eigenvector(vector / np.linalg.norm(vector), "")


def _growth(found: NDArray[np.float64], reached: NDArray[np.bool_]) -> dict[int, float]:
    """Return the largest eigenvalue of each strongly connected component, by its first member.

    That of a series alone is 0, and exactly so: the eigenvalues of links that lead nowhere back are
    not, once rounded.
    """
    first = (reached & reached.T).argmax(axis=1) if len(found) else np.zeros(0, dtype=int)
    growth = {}
    for name in np.unique(first).tolist():
        inside = found[np.ix_(first == name, first == name)]
        roots = np.linalg.eigvals(inside) if len(inside) > 1 else np.zeros(1)
        growth[name] = float(np.abs(roots).max())
    return growth


def katz(
    weights: ArrayLike, attenuation: float = 0.1, direction: Direction = "out"
) -> NDArray[np.float64]:
    """Return the centralities that count all paths, each link of one attenuating it.

    With A the links for "out" and their transpose for "in", ``x = a A x + 1``, brought to length
    one. It exists where `eigenvector` does not, on networks without a way back too.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`).
    attenuation : float
        The factor a, above 0 and below one over the largest eigenvalue of the links.
    direction : {"out", "in"}
        Whether sending or receiving makes central.

    Returns
    -------
    array of shape (k,)
        All above 0.

    Raises
    ------
    ValueError
        If the attenuation is too large for the sum over all paths to be finite.

    References
    ----------
    Katz (1953), A New Status Index Derived from Sociometric Analysis, Psychometrika 18(1).

    Examples
    --------
    >>> katz([[0, 1], [0, 0]], attenuation=0.5).round(3).tolist()
    [0.832, 0.555]
    """
    found = seen(links(weights), direction)
    growth = _growth(found, np.isfinite(shortest_paths(found)[0]))
    largest = max(growth.values(), default=0.0)
    if attenuation <= 0 or attenuation * largest >= 1:
        raise ValueError(
            f"an attenuation of {attenuation} is not above 0 and below 1 / {largest:.6g}"
        )
    solved = np.linalg.solve(np.eye(len(found)) - attenuation * found, np.ones(len(found)))
    scaled: NDArray[np.float64] = solved / np.linalg.norm(solved)
    return scaled


def centralities(
    weights: pd.DataFrame, groups: Mapping[Hashable, Hashable] | None = None
) -> pd.DataFrame:
    """Return every centrality of each series of a network.

    Parameters
    ----------
    weights : DataFrame
        Links (`links`): rows are sources, columns targets, both of the same names in one order.
    groups : mapping, optional
        From the name of each series to its group.

    Returns
    -------
    DataFrame
        One row per series: out_degree, in_degree (links), out_strength, in_strength (their
        weights), out_closeness, in_closeness, betweenness, out_eigenvector, in_eigenvector,
        cross_group_share (of the weight of its own links; NaN without groups or links), and note:
        why there is no eigenvector, empty where there is.

    Raises
    ------
    ValueError
        If rows and columns differ, or a series has no group.

    References
    ----------
    Billio et al. (2012), Journal of Financial Economics 104(3).

    Examples
    --------
    >>> import pandas as pd
    >>> names = ["XLK", "XLC", "XLE"]
    >>> star = pd.DataFrame([[0, 1, 1], [1, 0, 0], [1, 0, 0]], names, names)
    >>> found = centralities(star, {"XLK": "growth", "XLC": "growth", "XLE": "value"})
    >>> found[["out_degree", "betweenness", "cross_group_share"]].values.tolist()
    [[2.0, 1.0, 0.5], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]]
    """
    import pandas as pd

    if list(weights.index) != list(weights.columns):
        raise ValueError("rows and columns of a network have the same names in the same order")
    found = links(weights.to_numpy())
    outward, inward = eigenvector(found), eigenvector(found, "in")
    across = np.full(len(found), np.nan)
    if groups is not None:
        across = _cross_group_shares(found, grouped(weights.index, groups))
    return pd.DataFrame(
        {
            "out_degree": (found > 0).sum(axis=1),
            "in_degree": (found > 0).sum(axis=0),
            "out_strength": found.sum(axis=1),
            "in_strength": found.sum(axis=0),
            "out_closeness": closeness(found),
            "in_closeness": closeness(found, "in"),
            "betweenness": betweenness(found),
            "out_eigenvector": outward.centrality,
            "in_eigenvector": inward.centrality,
            "cross_group_share": across,
            "note": outward.note,
        },
        weights.index,
    )


def _cross_group_shares(
    found: NDArray[np.float64], groups: Sequence[Hashable]
) -> NDArray[np.float64]:
    both = found + found.T
    total = both.sum(axis=1)
    across = (both * are_apart(groups, len(found))).sum(axis=1)
    shares: NDArray[np.float64] = across / np.where(total > 0, total, np.nan)
    return shares
