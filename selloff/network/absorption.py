"""How much moves as one: the absorption ratio of rolling windows, and its standardized shift."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from selloff._window_sums import are_moving, window_ends, window_moments
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Basis = Literal["covariance", "correlation"]

# Kritzman et al. (2011): the 500 days behind, each weighing half of one 250 days later.
WINDOW, HALF_LIFE = 500, 250.0


def n_absorbing(n_series: int, share: float = 0.2) -> int:
    """Return how many eigenvectors an absorption ratio counts: ``floor(f k + 1/2)``, at least 1.

    Parameters
    ----------
    n_series : int
        Series k.
    share : float
        Share f of the eigenvectors, above 0 and at most 1.

    Returns
    -------
    int
        Between 1 and k. A ratio of no eigenvector would be 0 whatever the series do.

    Raises
    ------
    ValueError
        If the share is not above 0 and at most 1.

    Examples
    --------
    >>> n_absorbing(11), n_absorbing(3, 0.1)
    (2, 1)
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the eigenvectors is above 0 and at most 1, not {share}")
    return max(1, floor(share * n_series + 0.5))


def eigenvalues(
    series: pd.DataFrame,
    *,
    window: int = WINDOW,
    half_life: float | None = None,
    basis: Basis = "covariance",
    since: Any = None,
    until: Any = None,
) -> pd.DataFrame:
    """Return the eigenvalues of the series' covariance or correlation in rolling windows.

    The window of date t is the `window` rows up to and with t; its covariance is taken about the
    window's mean, over n - 1. With a half-life h the row of s days earlier weighs ``2^(-s/h)``, and
    the covariance is over the sum of the weights.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).
    window : int
        Rows of a window, more than there are series.
    half_life : float, optional
        Rows after which a row's weight is halved; equal weights without it.
    basis : {"covariance", "correlation"}
        Whether volatile series count for more, or each counts for the same.
    since, until : label of the index, optional
        Windows that end in these dates, both included; the same to the last bit as with all others.

    Returns
    -------
    DataFrame
        One row per date at which a window ends; columns 1 (the largest), 2, ... k, in the unit of
        the covariance, or without one. NaN where a series stands still in the window and the basis
        is its correlation, which does not exist then.

    Raises
    ------
    SeriesError
        If the frame is unfit, or windows are not worth more rows than there are series: w without
        weights, ``(sum w)^2 / sum w^2`` with them.
    ValueError
        If the half-life is not positive, or the basis unknown.

    References
    ----------
    Kritzman, Li, Page and Rigobon (2011), Principal Components as a Measure of Systemic Risk,
    Journal of Portfolio Management 37(4).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-24", periods=4)
    >>> both = pd.DataFrame({"XLK": [0.01, -0.05, 0.02, 0.0], "XLU": [0.01, 0.0, 0.01, 0.0]}, days)
    >>> eigenvalues(both, window=4, basis="correlation").round(3).values.tolist()
    [[1.743, 0.257]]
    """
    import pandas as pd

    values = matrix(series, window)
    _refuse_short(window, half_life, values.shape[1])
    ends = window_ends(series, window, since, until)
    spreads = window_moments(values, window, ends, half_life).covariances
    moves = are_moving(values, window, ends)
    found = _spectrum(spreads, moves, basis)
    return pd.DataFrame(found, series.index[ends], range(1, values.shape[1] + 1))


def _refuse_short(window: int, half_life: float | None, n_series: int) -> None:
    """Refuse windows that weigh as few rows as there are series: one eigenvalue is then 0."""
    if window <= n_series:
        raise SeriesError(
            f"windows of {window} rows, more than {n_series} are needed for as many series"
        )
    if half_life is None:
        return
    if half_life <= 0:
        raise ValueError(f"a half-life is positive, not {half_life}")
    weights = 0.5 ** (np.arange(window) / half_life)
    worth = float(weights.sum() ** 2 / (weights**2).sum())
    if worth <= n_series:
        raise SeriesError(
            f"with a half-life of {half_life:g} a window is worth {worth:.1f} rows, more than "
            f"{n_series} are needed for as many series"
        )


def _spectrum(
    spreads: NDArray[np.float64], moves: NDArray[np.bool_], basis: str
) -> NDArray[np.float64]:
    """Return eigenvalues, the largest first; none is below zero but by rounding."""
    if basis not in {"covariance", "correlation"}:
        raise ValueError(f"the basis is covariance or correlation, not {basis}")
    known: NDArray[np.bool_] = np.ones(len(spreads), dtype=bool)
    # What a series that stands still leaves of a variance is rounding.
    spreads *= moves[:, :, None] & moves[:, None, :]
    if basis == "correlation":
        known &= moves.all(axis=1)
        scale = np.sqrt(np.diagonal(spreads, axis1=1, axis2=2))
        scale = np.where(known[:, None], scale, 1.0)
        spreads = spreads / (scale[:, :, None] * scale[:, None, :])
    found = np.maximum(np.linalg.eigvalsh(spreads)[:, ::-1], 0.0)
    return np.where(known[:, None], found, np.nan)


def absorption_ratio(
    series: pd.DataFrame,
    *,
    window: int = WINDOW,
    share: float = 0.2,
    half_life: float | None = None,
    basis: Basis = "covariance",
    since: Any = None,
    until: Any = None,
) -> pd.Series[float]:
    """Return the share of all variance that the few largest eigenvectors absorb, by window.

    With eigenvalues l of the window (`eigenvalues`) and ``m = max(1, floor(f k + 1/2))``::

        AR_t = (l_1 + ... + l_m) / (l_1 + ... + l_k)

    Near m / k when nothing moves together, 1 when everything moves as one: markets in which it is
    high are fragile, since a shock to one is a shock to all.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).
    window : int
        Rows of a window, more than there are series.
    share : float
        Share f of the eigenvectors that are counted; the paper's is a fifth.
    half_life : float, optional
        Rows after which a row's weight is halved (the paper's: 250); equal weights without it.
    basis : {"covariance", "correlation"}
        Whether volatile series count for more (the paper's), or each counts for the same.
    since, until : label of the index, optional
        Windows that end in these dates, both included; the same to the last bit as with all others.

    Returns
    -------
    Series
        Named absorption_ratio, a fraction by the date at which the window ends. NaN where a series
        stands still in the window and the basis is correlation, or where none moves.

    Raises
    ------
    SeriesError
        If the frame is unfit, or windows are not worth more rows than there are series: w without
        weights, ``(sum w)^2 / sum w^2`` with them.
    ValueError
        If share, half-life or basis are none.

    References
    ----------
    Kritzman, Li, Page and Rigobon (2011), Principal Components as a Measure of Systemic Risk,
    Journal of Portfolio Management 37(4).

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.date_range("2025-01-24", periods=4)
    >>> both = pd.DataFrame({"XLK": [0.01, -0.05, 0.02, 0.0], "XLU": [0.01, 0.0, 0.01, 0.0]}, days)
    >>> absorption_ratio(both, window=4).round(3).tolist()
    [0.985]
    """
    import pandas as pd

    spectrum = eigenvalues(
        series, window=window, half_life=half_life, basis=basis, since=since, until=until
    )
    found = spectrum.to_numpy()
    counted = n_absorbing(found.shape[1], share)
    total = found.sum(axis=1)
    ratio = found[:, :counted].sum(axis=1) / np.where(total > 0, total, np.nan)
    return pd.Series(ratio, spectrum.index, name="absorption_ratio")


def absorption_shift(ratio: pd.Series[float], short: int = 15, long: int = 252) -> pd.Series[float]:
    """Return how far the absorption ratio has lately moved from where it was, in deviations.

    With the mean over the last `short` and the last `long` values, and the standard deviation of
    the latter, over n - 1, all of them up to and with date t::

        dAR_t = (mean_short - mean_long) / sd_long

    Parameters
    ----------
    ratio : Series
        As `absorption_ratio` returns it.
    short, long : int
        Values in the recent and in the long window; the paper's are 15 days and a year.

    Returns
    -------
    Series
        Named absorption_shift, on the dates of the ratio; positive when more moves as one than
        before. NaN in the first ``long - 1``, wherever a ratio of the long window is missing, and
        where the ratio has not changed.

    Raises
    ------
    ValueError
        If the short window is not shorter than the long one.

    References
    ----------
    Kritzman, Li, Page and Rigobon (2011), Principal Components as a Measure of Systemic Risk,
    Journal of Portfolio Management 37(4).

    Examples
    --------
    >>> import pandas as pd
    >>> absorption_shift(pd.Series([0.5, 0.5, 0.5, 0.7]), short=1, long=4).round(3).tolist()
    [nan, nan, nan, 1.5]
    """
    import pandas as pd

    if not 1 <= short < long:
        raise ValueError(f"the short window ({short}) is shorter than the long one ({long})")
    found = np.full(len(ratio), np.nan)
    if len(ratio) >= long:
        windows = np.lib.stride_tricks.sliding_window_view(ratio.to_numpy(dtype=float), long)
        moves = windows.max(axis=1) > windows.min(axis=1)
        spread = np.where(moves, windows.std(axis=1, ddof=1), np.nan)
        recent = windows[:, -short:].mean(axis=1)
        found[long - 1 :] = (recent - windows.mean(axis=1)) / spread
    return pd.Series(found, ratio.index, name="absorption_shift")
