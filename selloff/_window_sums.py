"""Means and covariances of every rolling window at once, and which windows end in which dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


def window_ends(
    series: pd.DataFrame, n_rows: int, since: Any = None, until: Any = None
) -> NDArray[np.int64]:
    """Return the rows, in these dates, that have at least `n_rows` rows up to and with themselves.

    Parameters
    ----------
    series : DataFrame
        Dates ascend.
    n_rows : int
        Rows needed, the row's own included.
    since, until : label of the index, optional
        First and last date wanted, both included; from the first and to the last without them.

    Returns
    -------
    array of shape (n_windows,)
        Consecutive row numbers.

    Raises
    ------
    SeriesError
        If the frame has fewer rows.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"XLK": [0.01, -0.05, 0.02]}, pd.date_range("2025-01-27", periods=3))
    >>> window_ends(frame, 2).tolist(), window_ends(frame, 2, since="2025-01-29").tolist()
    ([1, 2], [2])
    """
    if len(series) < n_rows:
        raise SeriesError(f"{len(series)} rows, a window and what is held against it take {n_rows}")
    first, last = rows_between(series.index, n_rows, since, until)
    return np.arange(first, last + 1)


def rows_between(index: pd.Index, window: int, since: Any, until: Any) -> tuple[int, int]:
    """Return the rows at which the first and the last window end, between two dates.

    Parameters
    ----------
    index : Index
        Dates, ascending.
    window : int
        Rows of a window.
    since, until : label of the index, optional
        Both included.

    Returns
    -------
    first, last : int
        Rows; last is below first where no window ends between the dates.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-01", periods=10)
    >>> rows_between(days, 3, None, "2025-01-05"), rows_between(days, 3, "2025-01-09", None)
    ((2, 4), (8, 9))
    """
    first, last = window - 1, len(index) - 1
    if since is not None:
        first = max(first, int(index.searchsorted(_label(index, since), side="left")))
    if until is not None:
        last = min(last, int(index.searchsorted(_label(index, until), side="right")) - 1)
    return first, last


def _label(dates: pd.Index[Any], date: Any) -> Any:
    """Read text as a date where the index holds dates."""
    import pandas as pd

    return pd.Timestamp(date) if isinstance(dates, pd.DatetimeIndex) else date


@dataclass(frozen=True, slots=True)
class Moments:
    """Means and covariances of N windows of k series.

    Parameters
    ----------
    means : array of shape (N, k)
        Means, weighted where weights were asked for.
    covariances : array of shape (N, k, k)
        Sums of products about the means, over n - 1; with weights, over the sum of the weights.
    """

    means: NDArray[np.float64]
    covariances: NDArray[np.float64]


def window_moments(
    values: NDArray[np.float64],
    window: int,
    ends: NDArray[np.int64],
    half_life: float | None = None,
) -> Moments:
    """Return the mean and the covariance of the `window` rows up to and with each end.

    The rows are cut into blocks as long as a window. Each window is the end of one block and the
    beginning of the next, whose sums are only ever added to: no difference of running sums, whose
    rounding errors an early crash would leave in all windows after it. Values are taken from that
    of the row where the second block begins, which all its windows contain: neither a level far
    from zero nor a crash that a window no longer contains cancels anything. A window's moments
    depend on the rows up to its end alone, to the last bit, whichever others are asked for.

    Parameters
    ----------
    values : array of shape (n_rows, k)
        Finite.
    window : int
        Rows of a window.
    ends : array of shape (N,)
        Last rows, consecutive, none before ``window - 1``.
    half_life : float, optional
        Rows after which a row's weight is halved; equal weights without it.

    Returns
    -------
    Moments
        Of the N windows.

    Examples
    --------
    >>> found = window_moments(np.array([[1.0], [3.0], [3.0], [5.0]]), 2, np.array([1, 2, 3]))
    >>> found.means.ravel().tolist(), found.covariances.ravel().tolist()
    ([2.0, 3.0, 4.0], [2.0, 0.0, 2.0])
    """
    width = values.shape[1]
    decay = 1.0 if half_life is None else 0.5 ** (1.0 / half_life)
    means = np.empty((len(ends), width))
    squares = np.empty((len(ends), width, width))
    total = float((decay ** np.arange(window)).sum())
    for number in np.unique(ends // window):
        inside = ends // window == number
        centre, sums, products = _block(values, window, int(number), decay)
        at = ends[inside] % window
        mean = sums[at] / total
        means[inside] = centre + mean
        squares[inside] = products[at] - total * mean[:, :, None] * mean[:, None, :]
    return Moments(means, squares / (window - 1 if half_life is None else total))


def are_moving(
    values: NDArray[np.float64], window: int, ends: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return which series take more than one value in the `window` rows up to and with each end.

    Counted, not judged by a variance: that of a series which stands still is rounding noise.

    Parameters
    ----------
    values : array of shape (n_rows, k)
        Finite.
    window : int
        Rows of a window.
    ends : array of shape (N,)
        Last rows, none before ``window - 1``.

    Returns
    -------
    bool array of shape (N, k)
        Whether the series moves.

    Examples
    --------
    >>> are_moving(np.array([[1.0], [3.0], [3.0]]), 2, np.array([1, 2])).tolist()
    [[True], [False]]
    """
    steps = np.zeros(values.shape, dtype=np.int64)
    np.cumsum(values[1:] != values[:-1], axis=0, out=steps[1:])
    found: NDArray[np.bool_] = steps[ends] > steps[ends - window + 1]
    return found


def _block(
    values: NDArray[np.float64], window: int, number: int, decay: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the centre, and sums about it of the windows that end in each row of a block."""
    start = number * window
    left = values[max(start - window, 0) : start]
    centre = values[start]
    right = values[start : start + window] - centre
    weights = decay ** np.arange(window, dtype=float)
    begun = _running(right, decay)
    if not len(left):
        return centre, *begun
    # Row j of the block leaves the rows after j of the block before, aged by another j + 1.
    left = left[:0:-1] - centre
    ended = _summed(left * weights[: len(left), None], left)
    after = ended[0][::-1], ended[1][::-1]
    both = []
    for running, earlier in zip(begun, after, strict=True):
        n = min(len(running), window - 1)
        aged = weights[1 : n + 1].reshape(-1, *[1] * (running.ndim - 1))
        running[:n] += aged * earlier[:n]
        both.append(running)
    return centre, both[0], both[1]


def _summed(
    weighted: NDArray[np.float64], plain: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    products = weighted[:, :, None] * plain[:, None, :]
    return np.cumsum(weighted, axis=0), np.cumsum(products, axis=0)


def _running(
    rows: NDArray[np.float64], decay: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sums over the rows so far, of which each step takes the share 1 - decay away."""
    if decay == 1.0:
        return _summed(rows, rows)
    sums, products = rows.copy(), rows[:, :, None] * rows[:, None, :]
    for at in range(1, len(rows)):
        sums[at] += decay * sums[at - 1]
        products[at] += decay * products[at - 1]
    return sums, products
