"""Shortest paths of a directed network, and who lies near to others or between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from selloff.network.links import links

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Direction = Literal["out", "in"]


def shortest_paths(weights: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many links the shortest paths take, and how many such paths there are.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`); any weight above 0 is a link, and all are equally long.

    Returns
    -------
    lengths : array of shape (k, k)
        From row to column; infinite where no path leads, 0 from a series to itself.
    counts : array of shape (k, k)
        Number of shortest paths; 0 where there is none, 1 from a series to itself.

    Examples
    --------
    >>> lengths, counts = shortest_paths([[0, 1, 0], [0, 0, 1], [0, 0, 0]])
    >>> lengths.tolist()
    [[0.0, 1.0, 2.0], [inf, 0.0, 1.0], [inf, inf, 0.0]]
    """
    steps = (links(weights) > 0).astype(float)
    counts = np.eye(len(steps))
    lengths = np.where(counts > 0, 0.0, np.inf)
    frontier = counts.copy()
    for length in range(1, len(steps)):
        frontier = np.where(np.isinf(lengths), frontier @ steps, 0.0)
        if not frontier.any():
            break
        lengths[frontier > 0] = length
        counts += frontier
    return lengths, counts


def closeness(weights: ArrayLike, direction: Direction = "out") -> NDArray[np.float64]:
    """Return how short the paths to (or from) the others are.

    With r others that are reached over a sum of lengths d, of k - 1 possible::

        closeness = (r / (k - 1)) (r / d)

    which is 1 for a series linked to all others, and counts what is not reached (Wasserman and
    Faust) without inventing a length for it, as Billio et al. do with k - 1.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`); any weight above 0 is a link, and all are equally long.
    direction : {"out", "in"}
        Paths from the series, or to it.

    Returns
    -------
    array of shape (k,)
        Between 0 and 1; 0 for a series that reaches none.

    References
    ----------
    Wasserman and Faust (1994), Social Network Analysis, section 5.2.2.

    Examples
    --------
    >>> closeness([[0, 1, 0], [0, 0, 1], [0, 0, 0]]).round(3).tolist()
    [0.667, 0.5, 0.0]
    """
    lengths, _ = shortest_paths(seen(links(weights), direction))
    reached = np.isfinite(lengths)
    others = reached.sum(axis=1) - 1
    total = np.where(reached, lengths, 0.0).sum(axis=1)
    possible = max(len(lengths) - 1, 1)
    found: NDArray[np.float64] = others**2 / possible / np.where(total > 0, total, 1.0)
    return found


def seen(found: NDArray[np.float64], direction: str) -> NDArray[np.float64]:
    """Return links as they are, or turned round.

    Raises
    ------
    ValueError
        If the direction is neither out nor in.

    Examples
    --------
    >>> seen(np.array([[0.0, 1.0], [0.0, 0.0]]), "in").tolist()
    [[0.0, 0.0], [1.0, 0.0]]
    """
    if direction not in {"out", "in"}:
        raise ValueError(f"the direction is out or in, not {direction}")
    return found if direction == "out" else found.T


def betweenness(weights: ArrayLike) -> NDArray[np.float64]:
    """Return how many of the shortest paths between others lead through each series.

    With s_ij the number of shortest paths from i to j, and s_ij(v) of those through v::

        betweenness_v = sum_{i != v != j} s_ij(v) / s_ij / ((k - 1) (k - 2))

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`); any weight above 0 is a link, and all are equally long.

    Returns
    -------
    array of shape (k,)
        Between 0 and 1; 0 for fewer than three series.

    References
    ----------
    Freeman (1977), A Set of Measures of Centrality Based on Betweenness, Sociometry 40(1).

    Examples
    --------
    >>> betweenness([[0, 1, 0], [0, 0, 1], [0, 0, 0]]).tolist()
    [0.0, 0.5, 0.0]
    """
    lengths, counts = shortest_paths(weights)
    size = len(lengths)
    found = np.zeros(size)
    ends = ~np.eye(size, dtype=bool) & np.isfinite(lengths)
    for at in range(size):
        leads = ends & (lengths[:, at, None] + lengths[None, at] == lengths)
        leads[at], leads[:, at] = False, False
        through = np.multiply.outer(counts[:, at], counts[at])
        found[at] = (through[leads] / counts[leads]).sum()
    return found / max((size - 1) * (size - 2), 1)
