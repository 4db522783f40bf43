"""The descent from vertex to vertex behind quantile regression; the last axis is the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

# Ties are broken by solving a problem next to the one asked for: the quantile lower by this much,
SHIFT = 1e-10
# and each outcome higher by up to this share of the largest; rounding is far below either.
JITTER = 1e-12
GOLDEN = (5**0.5 - 1) / 2
# How far beyond its bounds a multiplier may lie by rounding; SHIFT moves it a thousand times more.
SLACK = 1e-12
# A residual that moves by less than this share of the one that moves most never meets zero.
FLAT = 1e-12
# The slope at a point no way leads down from is SHIFT and rounding; elsewhere it is near one.
LOST = 1e-6
# A column of which less than this share is its own is a combination of the others.
OWN = 1e-7
# Regressions of 11 series on 12 regressors took 40 steps.
MOST_STEPS = 5_000


def solved(
    y: Floats, x: Floats, quantile: float, start: Places | None = None
) -> tuple[Floats, Places]:
    """Return coefficients (B, m) and vertices (B, m), rows in ascending order.

    Parameters
    ----------
    y : array of shape (B, n)
        Outcomes.
    x : array of shape (B or 1, m, n)
        Regressors.
    quantile : float
        Between 0 and 1.
    start : array of shape (B, m), optional
        Rows of independent regressors to start from; what is returned does not depend on them.
    """
    size = np.abs(y).max(axis=1, keepdims=True)
    jitter = np.arange(1, y.shape[1] + 1) * GOLDEN % 1.0
    moved = y + JITTER * np.where(size > 0, size, 1.0) * jitter
    lower = quantile - SHIFT
    vertex = _crashed(moved, x, lower) if start is None else start
    vertex = np.sort(_descended(moved, x, lower, vertex), axis=1)
    rows = np.arange(len(y))[:, None]
    right = y[rows, vertex][..., None]
    return np.asarray(np.linalg.solve(_corner(x, vertex), right)[..., 0], np.float64), vertex


def _corner(x: Floats, vertex: Places) -> Floats:
    """Return the regressors of the rows of each vertex, (B, m rows, m)."""
    which = np.arange(len(x))[:, None] if len(x) == len(vertex) else 0
    corner: Floats = x[which, :, vertex]
    return corner


def _crashed(y: Floats, x: Floats, quantile: float) -> Places:
    """Go from least squares to a vertex, each step down to the zero of one more residual.

    In coordinates in which the regressors are orthonormal the subgradient is the direction of
    steepest descent, whatever the units of the columns.
    """
    white = _whitened(x)
    n_problems, m = len(y), x.shape[1]
    rows = np.arange(n_problems)
    b = _through(y, white)
    free = np.tile(np.eye(m), (n_problems, 1, 1))
    used = np.zeros(y.shape, dtype=bool)
    vertex = np.empty((n_problems, m), dtype=np.int64)
    for place in range(m):
        residual = y - _fitted(b, white)
        slope = _through(np.where(used, 0.0, quantile - (residual < 0)), white)
        way = (free @ slope[..., None])[..., 0]
        # Where no way leads down, any free one meets some zero.
        lost = np.linalg.norm(way, axis=1) <= LOST
        most = np.einsum("bmm->bm", free).argmax(axis=1)
        way[lost] = free[rows, most][lost]
        way = _freed(way, free)
        way *= np.where(np.einsum("bm,bm->b", way, slope) < 0, -1.0, 1.0)[:, None]
        down = np.einsum("bm,bm->b", way, slope)
        row, far = _stop(residual, _fitted(way, white), used, down)
        b += far[:, None] * way
        vertex[:, place] = row
        used[rows, row] = True
        own = _freed(_freed(_corner(white, row[:, None])[:, 0], free), free)
        free -= own[:, :, None] * own[:, None, :]
    return vertex


def _freed(way: Floats, free: Floats) -> Floats:
    """Return the part of a way that moves no zero found before, of unit length."""
    part: Floats = (free @ way[..., None])[..., 0]
    part /= np.linalg.norm(part, axis=1, keepdims=True)
    return part


def _descended(y: Floats, x: Floats, quantile: float, vertex: Places) -> Places:
    """Go along the steepest edge until no edge leads down."""
    found = np.empty_like(vertex)
    left = np.arange(len(y))
    shared = len(x) == 1
    for _ in range(MOST_STEPS):
        rows = np.arange(len(left))
        inverse = np.linalg.inv(_corner(x, vertex))
        b = (inverse @ y[rows[:, None], vertex][..., None])[..., 0]
        residual = y - _fitted(b, x)
        at = np.zeros(y.shape, dtype=bool)
        at[rows[:, None], vertex] = True
        slope = _through(np.where(at, 0.0, quantile - (residual < 0)), x)
        multiplier = (slope[:, None, :] @ inverse)[:, 0]
        above, below = multiplier - (1 - quantile), -quantile - multiplier
        excess = np.maximum(above, below)
        leaves = excess.argmax(axis=1)
        down = excess[rows, leaves]
        done = down <= SLACK * y.shape[1]
        found[left[done]] = vertex[done]
        if done.all():
            return found
        go = ~done
        sign = np.where(above[rows, leaves] > below[rows, leaves], 1.0, -1.0)
        way = (sign[:, None] * inverse[rows, :, leaves])[go]
        left, leaves, y, vertex = left[go], leaves[go], y[go], vertex[go]
        x = x if shared else x[go]
        row, _ = _stop(residual[go], _fitted(way, x), at[go], down[go])
        vertex[np.arange(len(left)), leaves] = row
    raise SeriesError(f"no vertex is the best of {len(left)} regressions after {MOST_STEPS} steps")


def _stop(
    residual: Floats, speed: Floats, used: NDArray[np.bool_], down: Floats
) -> tuple[Places, Floats]:
    """Return the row whose zero ends the descent along a way, and how far away it is.

    Each zero passed makes the slope less steep by the speed of its residual: the end is a weighted
    quantile of the distances.
    """
    weight = np.abs(speed)
    level = weight <= FLAT * weight.max(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = residual / speed
    far[level | used | ~(far > 0)] = np.inf
    order = far.argsort(axis=1)
    passed = np.take_along_axis(weight, order, axis=1).cumsum(axis=1)
    # Slopes are exact up to rounding: never go beyond the last zero there is.
    last = np.isfinite(far).sum(axis=1) - 1
    stop = np.minimum((passed < down[:, None]).sum(axis=1), np.maximum(last, 0))
    rows = np.arange(len(far))
    row = order[rows, stop]
    return row, far[rows, row]


def _whitened(x: Floats) -> Floats:
    """Return orthonormal combinations of the regressors, or refuse dependent ones."""
    norm = np.linalg.norm(x, axis=2, keepdims=True)
    if (norm > 0).all():
        scaled = x / norm
        gram = scaled @ scaled.swapaxes(1, 2)
        try:
            root = np.linalg.cholesky(gram)
        except np.linalg.LinAlgError:
            root = np.zeros_like(gram)
        if np.einsum("bmm->bm", root).min() > OWN:
            white: Floats = np.linalg.solve(root, scaled)
            return white
    raise SeriesError(
        f"the {x.shape[1]} regressors are linearly dependent in {x.shape[2]} rows: one of them, or "
        "the intercept, is a combination of the others"
    )


def _fitted(b: Floats, x: Floats) -> Floats:
    """Return x' b of each problem, (B, n)."""
    fitted: Floats = b @ x[0] if len(x) == 1 else (b[:, None, :] @ x)[:, 0]
    return fitted


def _through(values: Floats, x: Floats) -> Floats:
    """Return the sums of values times regressors, (B, m)."""
    sums: Floats = values @ x[0].T if len(x) == 1 else (x @ values[..., None])[..., 0]
    return sums
