"""How unusual a day is for many series at once, given how they moved together before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import are_moving, window_ends, window_moments
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

# Of a series whose variance the others explain but for this share, nothing is known given them.
COLLINEAR_SHARE = 1e-10


def turbulence(
    series: pd.DataFrame, *, window: int = 252, since: Any = None, until: Any = None
) -> pd.DataFrame:
    """Return how far each day lies from the days before it, in their own volatility and direction.

    With the mean m and the covariance S (over n - 1) of the `window` rows strictly before day t,
    and D the diagonal of S::

        d_t = (r_t - m)' S^(-1) (r_t - m)        turbulence           = d_t / k
        v_t = (r_t - m)' D^(-1) (r_t - m)        magnitude            = v_t / k
                                                 correlation_surprise = d_t / v_t

    Divided by the number of series k, about 1 is expected of a day like those before: exactly
    ``(n^2 - 1) / (n (n - k - 2))`` when returns are normal. Magnitude is what volatility alone
    explains; a correlation surprise above 1 says that the series also moved in directions that they
    did not use to take together. The day itself is in neither mean nor covariance: with it in them,
    d_t cannot exceed ``(n - 1)^2 / n`` however far prices fall.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).
    window : int
        Rows n before the day, at least k + 3 (with fewer there is no expected value).
    since, until : label of the index, optional
        Days wanted, both included; the same to the last bit as with all others.

    Returns
    -------
    DataFrame
        One row per day that has `window` rows before it: turbulence, magnitude and
        correlation_surprise, without unit; p_value, the probability that a normal day like those
        before is as far away or farther (``d_t n (n - k) / ((n^2 - 1) k)`` follows F(k, n - k)),
        which for returns with fat tails is too small, so rank days by it rather than believe it;
        is_singular, whether a series stood still in the window or followed from the others: what
        then does not exist is NaN.

    Raises
    ------
    SeriesError
        If the frame is unfit, has no day with enough rows before it, or the window is too short.

    References
    ----------
    Kritzman and Li (2010), Skulls, Financial Turbulence, and Risk Management, Financial Analysts
    Journal 66(5); Kinlaw and Turkington (2013), Correlation Surprise, Journal of Asset Management
    14(6); Hotelling (1931), The Generalization of Student's Ratio (the distribution).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-21", periods=6)
    >>> both = pd.DataFrame(
    ...     {"XLK": [0.01, -0.01, 0.01, -0.01, 0, -0.05], "XLU": [0.01, 0, -0.01, 0, 0, 0.02]}, days
    ... )
    >>> found = turbulence(both, window=5)
    >>> found[["turbulence", "magnitude", "correlation_surprise"]].round(2).values.tolist()
    [[16.5, 16.5, 1.0]]
    """
    import pandas as pd

    values = matrix(series)
    n, k = window, values.shape[1]
    if n < k + 3:
        raise SeriesError(f"windows of {n} rows, at least {k + 3} are needed for {k} series")
    days = window_ends(series, n + 1, since, until)
    moments = window_moments(values, n, days - 1)
    spreads = moments.covariances
    moves = are_moving(values, n, days - 1)
    distance, alone = _distances(values[days] - moments.means, spreads, moves)
    found = pd.DataFrame(_measures(distance, alone, k), series.index[days])
    found["p_value"] = _p_values(distance, n, k)
    return found.assign(is_singular=np.isnan(distance))


def full_sample_turbulence(series: pd.DataFrame) -> pd.DataFrame:
    """Return how far each day lies from all days, those after it included: hindsight.

    The measures of `turbulence` with mean and covariance of the whole sample, as published series
    have them. They look ahead: no decision could have rested on them, and a longer sample changes
    them all.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).

    Returns
    -------
    DataFrame
        One row per day: turbulence, magnitude, correlation_surprise, without unit. The mean of the
        turbulence is ``(T - 1) / T`` for T rows, whatever the returns.

    Raises
    ------
    SeriesError
        If the frame is unfit, or not longer than it is wide.

    References
    ----------
    Kritzman and Li (2010), Skulls, Financial Turbulence, and Risk Management, Financial Analysts
    Journal 66(5).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-24", periods=4)
    >>> both = pd.DataFrame({"XLK": [0.01, -0.05, 0.02, 0.0], "XLU": [0.01, 0.0, 0.01, 0.0]}, days)
    >>> full_sample_turbulence(both)["turbulence"].round(3).tolist()
    [0.404, 1.096, 0.404, 1.096]
    """
    import pandas as pd

    values = matrix(series)
    if len(values) <= values.shape[1]:
        raise SeriesError(f"{len(values)} rows, more are needed for {values.shape[1]} series")
    last = np.array([len(values) - 1])
    moments = window_moments(values, len(values), last)
    moves = np.ones((1, values.shape[1]), dtype=bool)
    distance, alone = _distances(values - moments.means, moments.covariances, moves)
    return pd.DataFrame(_measures(distance, alone, values.shape[1]), series.index)


def _measures(
    distance: NDArray[np.float64], alone: NDArray[np.float64], n_series: int
) -> dict[str, NDArray[np.float64]]:
    return {
        "turbulence": distance / n_series,
        "magnitude": alone / n_series,
        "correlation_surprise": distance / np.where(alone > 0, alone, np.nan),
    }


def _p_values(distance: NDArray[np.float64], n: int, k: int) -> NDArray[np.float64]:
    from scipy.special import fdtrc

    found: NDArray[np.float64] = fdtrc(k, n - k, distance * (n * (n - k) / ((n * n - 1) * k)))
    return found


def _distances(
    away: NDArray[np.float64], spreads: NDArray[np.float64], moves: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return ``a' S^(-1) a`` and ``a' D^(-1) a`` of N days, NaN where S has no inverse.

    Eliminating one series after the other leaves of each what those before it do not explain, and
    the squares of that, in its own deviations, add up to the distance. All days at once; a
    factorisation by LAPACK would fail for all where it fails for one.
    """
    # Days last: each step is then over long rows.
    scale = np.sqrt(np.where(moves, np.diagonal(spreads, axis1=1, axis2=2), np.nan)).T
    left = spreads.transpose(1, 2, 0) / (scale[:, None] * scale[None, :])
    left[range(len(left)), range(len(left))] = 1.0
    away = away.T / scale
    alone = _total(away**2)
    squares = np.empty(away.shape)
    for at in range(len(away)):
        unexplained = left[at, at]
        unexplained = np.where(unexplained > COLLINEAR_SHARE, unexplained, np.nan)
        squares[at] = away[at] ** 2 / unexplained
        shares = left[at + 1 :, at] / unexplained
        away[at + 1 :] = away[at + 1 :] - shares * away[at]
        left[at + 1 :, at + 1 :] = left[at + 1 :, at + 1 :] - shares[:, None] * left[at, at + 1 :]
    return _total(squares), alone


def _total(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add up the rows one after the other, in an order that no number of days changes."""
    found: NDArray[np.float64] = squares[0].copy()
    for row in squares[1:]:
        found += row
    return found
