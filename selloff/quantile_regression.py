"""Quantile regression, exact: the vertex at which the sum of tilted absolute residuals is least."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff._vertices import solved
from selloff.series import NOISE, SeriesError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

# Numbers of regressors held at once: a megabyte stays in the cache of a core.
CELLS_AT_ONCE = 131_072
# A window of every so many is solved without help, those between from their neighbours.
STRIDE = 64


def quantile_regression(outcomes: ArrayLike, regressors: ArrayLike, quantile: float) -> Floats:
    """Return the coefficients that put the share `quantile` of outcomes below the fit.

    With ``rho(u) = u (quantile - 1[u < 0])``::

        b = argmin  sum_t rho(y_t - x_t' b)

    The least is found exactly, at a vertex, where as many residuals are zero as there are
    regressors: from least squares, along the steepest edge to the weighted quantile of the places
    at which residuals change their sign, until no edge leads down. All regressions descend
    together.

    Where several vertices are equally good, the one with the lowest mean fit is taken: the limit
    from quantiles below, which without slopes is the lower sample quantile. Where more residuals
    than regressors are zero, a fixed sequence tells the rows apart. So there is one answer, to the
    last bit, from whichever start.

    Parameters
    ----------
    outcomes : array of shape (..., n)
        Outcomes in the last axis, one regression for each place in the axes before.
    regressors : array of shape (..., n, m)
        Regressors, with a column of ones where an intercept is wanted; the axes before are
        broadcast against those of the outcomes.
    quantile : float
        Between 0 and 1: 0.05 for the lower tail.

    Returns
    -------
    array of shape (..., m)
        Coefficients, in units of the outcomes per unit of the regressor.

    Raises
    ------
    SeriesError
        If the quantile lies outside (0, 1), a value is missing or infinite, there are no more rows
        than regressors, or the regressors are linearly dependent.

    References
    ----------
    Koenker and Bassett (1978), Regression Quantiles, Econometrica 46; Barrodale and Roberts (1974),
    CACM 17; Koenker and d'Orey (1987), Applied Statistics 36 (method ``br`` of R's quantreg, which
    finds the same vertex wherever there is one best).

    Examples
    --------
    >>> import numpy as np
    >>> market = np.array([-0.03, -0.02, -0.01, 0.0, 0.01, 0.02])
    >>> bank = 2 * market + np.array([0.0, -0.04, 0.01, -0.01, 0.02, 0.0])
    >>> x = np.column_stack([np.ones(6), market])
    >>> quantile_regression(bank, x, 0.5).round(4).tolist()
    [0.0, 2.0]
    >>> quantile_regression([4.0, 1.0, 3.0, 2.0], np.ones((4, 1)), 0.5).tolist()
    [2.0]
    """
    y, x = np.asarray(outcomes, np.float64), np.asarray(regressors, np.float64)
    _refuse(y, x, quantile)
    n, m = x.shape[-2:]
    shape = np.broadcast_shapes(y.shape[:-1], x.shape[:-2])
    flat_y = np.broadcast_to(y, (*shape, n)).reshape(-1, n)
    is_shared = x.ndim == 2  # noqa: PLR2004 - one matrix of regressors for all outcomes
    flat_x = x[None] if is_shared else np.broadcast_to(x, (*shape, n, m)).reshape(-1, n, m)
    turned = np.ascontiguousarray(flat_x.swapaxes(1, 2))
    found = np.empty((len(flat_y), m))
    step = max(1, CELLS_AT_ONCE // (n * m))
    for start in range(0, len(found), step):
        some = slice(start, start + step)
        found[some] = solved(flat_y[some], turned if is_shared else turned[some], quantile)[0]
    return found.reshape(*shape, m)


def _refuse(y: Floats, x: Floats, quantile: float) -> None:
    refuse_quantile(quantile)
    if x.ndim < 2 or y.ndim < 1 or x.shape[-2] != y.shape[-1]:  # noqa: PLR2004 - rows, columns
        raise SeriesError(f"outcomes of shape {y.shape} do not fit regressors of shape {x.shape}")
    n, m = x.shape[-2:]
    if n <= m:
        raise SeriesError(f"{n} rows, at least {m + 1} are needed for {m} regressors")
    for name, values in (("outcomes", y), ("regressors", x)):
        gaps = int((~np.isfinite(values)).sum())
        if gaps:
            raise SeriesError(f"{gaps} of {values.size} {name} are missing or infinite")


def refuse_quantile(quantile: float) -> None:
    """Refuse what is no share strictly between nothing and all.

    Examples
    --------
    >>> refuse_quantile(5)
    Traceback (most recent call last):
    ...
    selloff.series.SeriesError: the quantile 5 does not lie between 0 and 1: it is a fraction
    """
    if not 0 < quantile < 1:
        raise SeriesError(f"the quantile {quantile} does not lie between 0 and 1: it is a fraction")


class Lines(NamedTuple):
    """Lines of a quantile: ``intercept + slope x``.

    Parameters
    ----------
    intercept : array
        In units of the outcome.
    slope : array
        In units of the outcome per unit of the regressor.
    """

    intercept: Floats
    slope: Floats


def quantile_line(outcome: ArrayLike, regressor: ArrayLike, quantile: float) -> Lines:
    """Return the line below which the share `quantile` of the outcomes lies.

    ``(a, b) = argmin sum_t rho(y_t - a - b x_t)``, exactly, by the rules of `quantile_regression`.

    Parameters
    ----------
    outcome, regressor : array of shape (..., n)
        Pairs in the last axis, a line for each place in the axes before; broadcast.
    quantile : float
        Between 0 and 1.

    Returns
    -------
    Lines
        Of shape (...).

    Raises
    ------
    SeriesError
        As `quantile_regression`.

    References
    ----------
    Koenker and Bassett (1978), Regression Quantiles, Econometrica 46.

    Examples
    --------
    >>> line = quantile_line([0.0, -0.03, -0.04, -0.09], [0.0, 0.01, 0.02, 0.03], 0.5)
    >>> float(line.intercept.round(3)), float(line.slope.round(3))
    (0.0, -3.0)
    """
    x = np.asarray(regressor, np.float64)
    found = quantile_regression(outcome, np.stack([np.ones_like(x), x], axis=-1), quantile)
    return Lines(found[..., 0], found[..., 1])


def rolling_quantile_line(
    outcome: ArrayLike,
    regressor: ArrayLike,
    window: int,
    quantile: float,
    *,
    since: int = 0,
    until: int | None = None,
) -> Lines:
    """Return the line of `quantile_line` over the last `window` rows, at each row.

    A window starts from the vertex of one next to it, most often still the best; the answer
    does not depend on that, and is that of `quantile_line` on the window to the last bit.

    Parameters
    ----------
    outcome, regressor : array of shape (..., n)
        Pairs in time order, in the last axis; broadcast.
    window : int
        Rows of a window, the row's own included.
    quantile : float
        Between 0 and 1.
    since, until : int
        First row wanted and the row after the last; all without them.

    Returns
    -------
    Lines
        Of shape (..., until - since). NaN where there are fewer than `window` rows, where a value
        of the window is missing or infinite, or where its regressor is constant.

    Raises
    ------
    SeriesError
        If the quantile lies outside (0, 1) or a window has fewer than three rows.

    Examples
    --------
    >>> market, hedge = [0.0, 0.01, 0.02, 0.03, -0.01], [0.0, -0.02, -0.04, -0.03, 0.02]
    >>> rolling_quantile_line(hedge, market, 4, 0.5).slope.round(6).tolist()
    [nan, nan, nan, -2.0, -2.0]
    """
    refuse_quantile(quantile)
    if window <= 2:  # noqa: PLR2004 - two points make a line, and no quantile
        raise SeriesError(f"{window} rows, at least 3 are needed for a line")
    y, x = np.broadcast_arrays(np.asarray(outcome, np.float64), np.asarray(regressor, np.float64))
    shape, n = y.shape[:-1], y.shape[-1]
    last = n if until is None else until
    found = np.full((2, int(np.prod(shape)), last - since), np.nan)
    first = max(window - 1, since)
    if first < last:
        some = slice(first - window + 1, last)
        found[..., first - since :] = _rolled(
            y.reshape(-1, n)[:, some], x.reshape(-1, n)[:, some], window, quantile
        )
    return Lines(*found.reshape(2, *shape, last - since))


def _rolled(y: Floats, x: Floats, window: int, quantile: float) -> Floats:
    """Return intercepts and slopes (2, n_pairs, n_windows) of all full windows."""
    outcomes = np.lib.stride_tricks.sliding_window_view(y, window, axis=1)
    regressors = np.lib.stride_tricks.sliding_window_view(x, window, axis=1)
    is_usable = _usable(outcomes, regressors)
    n_pairs, n_windows = is_usable.shape
    found = np.full((2, n_pairs, n_windows), np.nan)
    # First rows of the two that a window's line goes through, counted from the first of all.
    vertices = np.full((n_pairs, n_windows, 2), -1)
    for places, distance in _turns(n_windows):
        pair, place = (each.ravel() for each in np.meshgrid(range(n_pairs), places, indexing="ij"))
        keep = is_usable[pair, place]
        pair, place = pair[keep], place[keep]
        start = _start(vertices, pair, place, distance, window)
        for is_warm in (True, False):
            step = max(1, CELLS_AT_ONCE // (2 * window))
            which = np.flatnonzero((start[:, 0] >= 0) == is_warm)
            for begins in range(0, len(which), step):
                some = which[begins : begins + step]
                at = pair[some], place[some]
                both = np.ones((len(some), 2, window))
                both[:, 1] = regressors[at]
                begin = start[some] if is_warm else None
                lines, vertex = solved(outcomes[at], both, quantile, begin)
                found[:, at[0], at[1]] = lines.T
                vertices[at] = vertex + place[some][:, None]
    return found


def _usable(outcomes: Floats, regressors: Floats) -> NDArray[np.bool_]:
    """Say of which windows all values are finite and the regressor moves."""
    top, bottom = regressors.max(axis=2), regressors.min(axis=2)
    with np.errstate(invalid="ignore"):
        moves = top - bottom > NOISE * np.maximum(np.abs(top), np.abs(bottom))
    usable: NDArray[np.bool_] = moves & np.isfinite(outcomes.sum(axis=2) + regressors.sum(axis=2))
    return usable


def _turns(n_windows: int) -> list[tuple[Places, int]]:
    """Return which windows are solved together, in order, and how far their solved neighbours are.

    Each turn halves the distance, so that the most windows have the nearest neighbours.
    """
    turns = [(np.arange(0, n_windows, STRIDE), 0)]
    distance = STRIDE // 2
    while distance:
        turns.append((np.arange(distance, n_windows, 2 * distance), distance))
        distance //= 2
    return turns


def _start(vertices: Places, pair: Places, place: Places, distance: int, window: int) -> Places:
    """Return the vertex of the neighbour before, else after, if it is in the window, else -1."""
    start = np.full((len(pair), 2), -1)
    for offset in (distance, -distance) if distance else ():
        near = np.clip(place + offset, 0, vertices.shape[1] - 1)
        theirs = vertices[pair, near]
        inside = theirs - place[:, None]
        fits = (theirs >= 0).all(axis=1) & (inside >= 0).all(axis=1) & (inside < window).all(axis=1)
        start[fits] = inside[fits]
    return start
