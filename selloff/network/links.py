"""Links of a directed network: what a matrix of them is, how dense, and how many cross groups.

Rows of a matrix of links are sources, columns are targets; its diagonal is ignored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray


def links(weights: ArrayLike) -> NDArray[np.float64]:
    """Return a matrix of links without its diagonal, or say why it is none.

    Parameters
    ----------
    weights : array of shape (k, k)
        Weight of the link from row to column, 0 or False where there is none.

    Returns
    -------
    array of shape (k, k)
        A copy.

    Raises
    ------
    ValueError
        If it is not square, or a weight is missing, infinite or negative.

    Examples
    --------
    >>> links([[True, True], [False, True]]).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    found = np.array(weights, dtype=float)
    if found.ndim != 2 or found.shape[0] != found.shape[1]:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"a matrix of links is square, not of shape {found.shape}")
    np.fill_diagonal(found, 0.0)
    wrong = ~np.isfinite(found) | (found < 0)
    if wrong.any():
        row, column = (int(each) for each in np.argwhere(wrong)[0])
        raise ValueError(f"the link from {row} to {column} weighs {found[row, column]}")
    return found


def density(weights: ArrayLike) -> float:
    """Return the share of the possible links that are there: ``n_links / (k (k - 1))``.

    The degree of Granger causality of Billio et al., where the links are those of a Granger
    network.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`); any weight above 0 is one.

    Returns
    -------
    float
        Between 0 and 1; NaN for fewer than two series.

    References
    ----------
    Billio, Getmansky, Lo and Pelizzon (2012), Econometric Measures of Connectedness and Systemic
    Risk, Journal of Financial Economics 104(3).

    Examples
    --------
    >>> density([[0, 1, 1], [0, 0, 0], [0, 1, 0]])
    0.5
    """
    found = links(weights) > 0
    possible = len(found) * (len(found) - 1)
    return float(found.sum() / possible) if possible else float("nan")


def cross_group_share(weights: ArrayLike, groups: Sequence[Hashable]) -> float:
    """Return which share of the weight of all links joins series of different groups.

    Parameters
    ----------
    weights : array of shape (k, k)
        Links (`links`).
    groups : sequence of k labels
        The group of each series.

    Returns
    -------
    float
        Between 0 and 1; NaN without links.

    Raises
    ------
    ValueError
        If there is not one group for each series.

    References
    ----------
    Billio et al. (2012), Journal of Financial Economics 104(3): sector-conditional connections.

    Examples
    --------
    >>> cross_group_share([[0, 1, 1], [0, 0, 0], [0, 1, 0]], ["US", "US", "CN"])
    0.6666666666666666
    """
    found = links(weights)
    total = float(found.sum())
    across = float(found[are_apart(groups, len(found))].sum())
    return across / total if total else float("nan")


def are_apart(groups: Sequence[Hashable], size: int) -> NDArray[np.bool_]:
    """Return which pairs of series are of different groups.

    Parameters
    ----------
    groups : sequence of labels
        The group of each series.
    size : int
        Series k.

    Returns
    -------
    bool array of shape (k, k)
        Symmetric.

    Raises
    ------
    ValueError
        If there is not one group for each series.

    Examples
    --------
    >>> are_apart(["US", "CN"], 2).tolist()
    [[False, True], [True, False]]
    """
    if len(groups) != size:
        raise ValueError(f"{len(groups)} groups for {size} series")
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups))}
    place = np.array([numbers[group] for group in groups], dtype=int)
    found: NDArray[np.bool_] = place[:, None] != place[None, :]
    return found


def grouped(
    names: Sequence[Hashable] | pd.Index, groups: Mapping[Hashable, Hashable]
) -> tuple[Hashable, ...]:
    """Return the group of each series, in their order, or say which of them has none.

    Raises
    ------
    ValueError
        If a series has no group.

    Examples
    --------
    >>> grouped(["XLK", "XLE"], {"XLE": "value", "XLK": "growth"})
    ('growth', 'value')
    """
    without = [name for name in names if name not in groups]
    if without:
        raise ValueError(f"{', '.join(map(str, without))} in no group")
    return tuple(groups[name] for name in names)
