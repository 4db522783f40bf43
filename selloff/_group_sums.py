"""Sums of the groups of some sessions, as arrays: what `selloff.groups.group_days` defines.

Not here: which row belongs to whom (`selloff.session_groups`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_lookups import NEVER
from selloff.groups import LARGEST

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

# Summed where they are known.
SUMMED = (
    "simple_return",
    "abnormal_return",
    "abnormal_volume_z",
    "score",
    "value",
    "lost",
    "abnormal_lost",
    "value_abnormal",
)


@dataclass(frozen=True, slots=True)
class Cells:
    """What is added up, each with a place among `size` cells.

    Parameters
    ----------
    sums, counts : dict of str to array of shape (size,)
        Of a cell's rows; counts are of the rows that a sum is of.
    known : int array of shape (size,)
        The newest vintage, microseconds.
    losses, losers : float and int array of shape (n,)
        The largest losses (USD) of the cells, and the cell of each.
    """

    sums: dict[str, Floats]
    counts: dict[str, NDArray[np.int64]]
    known: NDArray[np.int64]
    losses: Floats
    losers: NDArray[np.int64]

    def merged(self, into: NDArray[np.int64], size: int) -> Cells:
        """Add cells up into fewer; one whose new place is -1 is left out."""
        kept = np.flatnonzero(into >= 0)
        place = into[kept]
        sums = {name: _sum(place, values[kept], size) for name, values in self.sums.items()}
        counts = {
            name: np.bincount(place, values[kept], size).astype(np.int64)
            for name, values in self.counts.items()
        }
        known = np.full(size, NEVER)
        np.maximum.at(known, place, self.known[kept])
        losers = into[self.losers]
        here = losers >= 0
        return Cells(sums, counts, known, *_largest(self.losses[here], losers[here]))


def added(cell: NDArray[np.int64], size: int, rows: dict[str, Any]) -> Cells:
    """Add up rows by cell.

    Parameters
    ----------
    cell : int array of shape (n_rows,)
        Below `size`.
    size : int
        Cells.
    rows : dict of str to array of shape (n_rows,)
        The columns of `selloff.groups.valued_members` with `score` and `falling`; NaN is NULL.

    Returns
    -------
    Cells
        Of each cell the sums of `SUMMED`, of the market value in several classes, and counts.
    """
    value, lost, beyond = rows["value"], rows["lost"], rows["abnormal_lost"]
    rows = {**rows, "value_abnormal": value * rows["abnormal_return"]}
    is_valued, is_lost, is_judged = ~np.isnan(value), lost > 0, ~np.isnan(rows["abnormal_z"])
    falling = rows["falling"]
    n_all = np.bincount(cell, minlength=size)
    sums, counts = {}, {"rows": n_all}
    for name in SUMMED:
        missing = np.isnan(rows[name])
        sums[name] = _sum(cell, np.where(missing, 0.0, rows[name]), size)
        counts[name] = n_all - np.bincount(cell[missing], minlength=size)
    classes = {
        "value_judged": (value, is_valued & is_judged),
        "value_modelled": (value, is_valued & ~np.isnan(rows["abnormal_return"])),
        "value_falling": (value, is_valued & falling),
        "value_down": (value, is_valued & is_lost),
        "gross_lost": (lost, is_lost),
        "lost_squares": (lost * lost, is_lost),
        "falling_lost": (beyond, falling & ~np.isnan(beyond)),
        "squares": (rows["score"] ** 2, ~np.isnan(rows["score"])),
        "n_flagged": (rows["n_flagged"], rows["n_flagged"] > 0),
        "n_quarantined": (rows["n_quarantined"], rows["n_quarantined"] > 0),
    }
    for name, (values, chosen) in classes.items():
        here = np.flatnonzero(chosen)
        sums[name] = _sum(cell[here], values[here], size)
        counts[name] = np.bincount(cell[here], minlength=size)
    for name, chosen in {
        "abnormal_z": is_judged,
        "falling": falling,
        "down": rows["simple_return"] < 0,
        "simulated_inputs": rows["has_simulated_inputs"],
        "simulated": rows["is_simulated"],
    }.items():
        counts[name] = np.bincount(cell[chosen], minlength=size)
    known = np.full(size, NEVER)
    np.maximum.at(known, cell, rows["as_of"])
    return Cells(sums, counts, known, *_largest(lost[is_lost], cell[is_lost]))


def _sum(cell: NDArray[np.int64], values: Floats, size: int) -> Floats:
    # Without a single row it would be of counts.
    return np.bincount(cell, values, size).astype(np.float64, copy=False)


def _largest(losses: Floats, cells: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Return the largest losses of every cell, largest first, and the cells."""
    order = np.argsort(-losses, kind="stable")
    order = order[np.argsort(cells[order], kind="stable")]
    losses, cells = losses[order], cells[order]
    kept = np.ones(len(cells), bool)
    kept[LARGEST:] = cells[LARGEST:] != cells[:-LARGEST]
    return losses[kept], cells[kept]


def worst(cells: NDArray[np.int64], losses: Floats, size: int) -> NDArray[np.int64]:
    """Return which row has each cell's largest loss, -1 where a cell has no row.

    Parameters
    ----------
    cells, losses : array of shape (n_rows,)
        Of two rows that lost the same the earlier is the worse; a cell of -1 is none.
    size : int
        Cells.

    Examples
    --------
    >>> worst(np.array([1, 1, 0, 1]), np.array([3.0, 5.0, 2.0, 5.0]), 3).tolist()
    [2, 1, -1]
    """
    order = np.lexsort((np.arange(len(cells)), -losses, cells))
    order = order[cells[order] >= 0]
    first = np.ones(len(order), bool)
    first[1:] = cells[order[1:]] != cells[order[:-1]]
    found = np.full(size, -1)
    found[cells[order[first]]] = order[first]
    return found


def measures(cells: Cells) -> dict[str, Any]:
    """Return the columns of `selloff.groups.group_days` of every cell; NaN is NULL.

    A sum over nothing is NULL, as in SQL.
    """
    sums, counts = cells.sums, cells.counts
    size = len(cells.known)

    def known(name: str) -> Floats:
        return np.where(counts[name] > 0, sums[name], np.nan)

    def mean(name: str) -> Floats:
        return known(name) / np.maximum(counts[name], 1)

    n = counts["score"].astype(float)
    total, squares = known("score"), known("squares")
    with np.errstate(invalid="ignore", divide="ignore"):  # no pair, no mean
        pair_product = np.where(n > 1, (total * total - squares) / (n * (n - 1)), np.nan)
        mean_square = np.where(n > 0, squares / n, np.nan)
    most, top = np.full(size, np.nan), np.bincount(cells.losers, cells.losses, size)
    most[cells.losers[::-1]] = cells.losses[::-1]  # the first of each cell comes last
    return {
        "n_members": counts["simple_return"],
        "n_listings": counts["abnormal_z"],
        "n_falling": counts["falling"],
        "n_down": np.where(counts["simple_return"] > 0, counts["down"], np.nan),
        "n_valued": counts["value"],
        "equal_weighted_return": mean("simple_return"),
        "equal_weighted_abnormal_return": mean("abnormal_return"),
        "volume_z": mean("abnormal_volume_z"),
        "value": known("value"),
        "value_lost": known("lost"),
        "top_5_lost": np.where(np.isnan(most), np.nan, top),
        "most_lost": most,
        **{name: known(name) for name in ("value_down", "gross_lost", "lost_squares")},
        **{name: known(name) for name in ("value_judged", "value_falling", "value_modelled")},
        **{name: known(name) for name in ("value_abnormal", "abnormal_lost", "falling_lost")},
        "pair_product": pair_product,
        "mean_square": mean_square,
        "n_flagged": sums["n_flagged"].astype(np.int64),
        "n_quarantined": sums["n_quarantined"].astype(np.int64),
        "has_simulated_inputs": counts["simulated_inputs"] > 0,
        "is_simulated": counts["simulated"] > 0,
        "as_of": cells.known.astype("datetime64[us]"),
    }
