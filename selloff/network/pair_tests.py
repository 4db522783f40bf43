"""Tests of whether the past of one series helps to predict another, and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.network._pairs import n_parameters
from selloff.series import SeriesError

if TYPE_CHECKING:
    from collections.abc import Hashable

    import pandas as pd
    from numpy.typing import NDArray

    from selloff.network._pairs import Pairs


@dataclass(frozen=True, slots=True)
class PairTests:
    """Tests of all ordered pairs of k series; the last two axes are [source, target].

    Parameters
    ----------
    names : tuple
        The series, in the order of both axes.
    wald : array of shape (..., k, k)
        Newey-West Wald statistic of the source's p lags. NaN, as in all that follow, for a series
        and itself, and where a lag does not move or follows from the others.
    f : array of shape (..., k, k)
        Classical F of the same lags, right where the variance of the errors does not change.
    p_value, adjusted_p_value : array of shape (..., k, k)
        Of the Wald statistic (`wald_p_values`), and adjusted for all pairs of the window
        (Benjamini-Hochberg); not for other windows, since which there will be is not known when it
        ends.
    coefficient, standard_error : array of shape (..., k, k)
        Sum of the coefficients of the source's lags: what follows in the target upon one unit in
        the source; and its Newey-West standard error.
    n : int
        Rows of each regression.
    lags, bandwidth : int
        Lags p, and L of Newey-West.
    """

    names: tuple[Hashable, ...]
    wald: NDArray[np.float64]
    f: NDArray[np.float64]
    p_value: NDArray[np.float64]
    adjusted_p_value: NDArray[np.float64]
    coefficient: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    n: int
    lags: int
    bandwidth: int

    @property
    def chi_squared_p_value(self) -> NDArray[np.float64]:
        """The Wald statistic's p-value in the limit of infinitely many rows: chi-squared with p."""
        from scipy.special import chdtrc

        found: NDArray[np.float64] = chdtrc(self.lags, self.wald)
        return found

    @property
    def f_p_value(self) -> NDArray[np.float64]:
        """The classical F's p-value, with p and n - 2 p - 1 degrees of freedom."""
        from scipy.special import fdtrc

        found: NDArray[np.float64] = fdtrc(self.lags, self.n - n_parameters(self.lags), self.f)
        return found

    def as_rows(self, edges: NDArray[np.bool_]) -> pd.DataFrame:
        """Return one row per ordered pair, those of the first window first.

        Parameters
        ----------
        edges : bool array of shape (..., k, k)
            Which pairs are links.

        Returns
        -------
        DataFrame
            source, target, statistic (Wald), p_value, adjusted_p_value, coefficient,
            standard_error, n, is_edge.

        Examples
        --------
        >>> one = np.array([[np.nan, 9.0], [1.0, np.nan]])
        >>> tests = PairTests(("US", "CN"), one, one, one, one, one, one, 250, 1, 5)
        >>> tests.as_rows(one > 4)[["source", "target", "statistic", "is_edge"]].values.tolist()
        [['US', 'CN', 9.0, True], ['CN', 'US', 1.0, False]]
        """
        import pandas as pd

        names = pd.Index(self.names)
        pairs = ~np.eye(len(names), dtype=bool)
        source, target = np.nonzero(pairs)
        times = edges[..., pairs].size // len(source)
        columns = {
            "statistic": self.wald,
            "p_value": self.p_value,
            "adjusted_p_value": self.adjusted_p_value,
            "coefficient": self.coefficient,
            "standard_error": self.standard_error,
        }
        return pd.DataFrame(
            {
                "source": names[np.tile(source, times)],
                "target": names[np.tile(target, times)],
                **{name: values[..., pairs].ravel() for name, values in columns.items()},
                "n": self.n,
                "is_edge": edges[..., pairs].ravel(),
            }
        )


def tested(found: Pairs, n: int, lags: int, bandwidth: int) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of `PairTests`: what was regressed, and p-values window by window.

    Examples
    --------
    >>> from selloff.network._pairs import Pairs
    >>> one = np.array([[np.nan, 9.0], [1.0, np.nan]])
    >>> found = tested(Pairs(one, one, one, one), 250, 1, 5)
    >>> found["adjusted_p_value"].round(4).tolist()
    [[nan, 0.0077], [0.3212, nan]]
    """
    p_values = wald_p_values(found.wald, n, lags, bandwidth)
    adjusted = np.empty_like(p_values)
    for at in np.ndindex(p_values.shape[:-2]):
        adjusted[at] = benjamini_hochberg(p_values[at])
    return {**found._asdict(), "p_value": p_values, "adjusted_p_value": adjusted}


def bandwidth_of(n: int, bandwidth: int | None) -> int:
    """Return the bandwidth asked for, or that of the rule ``floor(4 (n / 100)^(2/9))``.

    Examples
    --------
    >>> bandwidth_of(250, None), bandwidth_of(1000, None), bandwidth_of(250, 0)
    (4, 6, 0)
    """
    return int(4 * (n / 100) ** (2 / 9)) if bandwidth is None else bandwidth


def enough_rows(n_rows: int, lags: int, bandwidth: int | None) -> int:
    """Return the rows of a regression, or say how many are needed.

    Raises
    ------
    SeriesError
        If the statistic has no distribution, for want of degrees of freedom.
    ValueError
        If there is no lag, or the bandwidth is negative.

    Examples
    --------
    >>> enough_rows(252, 1, 5)
    251
    >>> enough_rows(20, 5, 5)
    Traceback (most recent call last):
    ...
    selloff.series.SeriesError: 20 rows, at least 25 are needed for 5 lags and a bandwidth of 5
    """
    if lags < 1:
        raise ValueError(f"at least one lag is needed, not {lags}")
    if bandwidth is not None and bandwidth < 0:
        raise ValueError(f"a bandwidth is at least 0, not {bandwidth}")

    def suffices(n: int) -> bool:
        return (
            n > n_parameters(lags)
            and degrees_of_freedom(n, lags, bandwidth_of(n, bandwidth)) - lags + 1 >= 1
        )

    if not suffices(n_rows - lags):
        needed = n_rows + 1
        while not suffices(needed - lags):
            needed += 1
        width = "" if bandwidth is None else f" and a bandwidth of {bandwidth}"
        raise SeriesError(f"{n_rows} rows, at least {needed} are needed for {lags} lags{width}")
    return n_rows - lags


def degrees_of_freedom(n: int, lags: int, bandwidth: int) -> float:
    """Return how many independent squares a Newey-West variance is worth: ``1.5 n / (L + 1)``.

    At most those of the errors, n - 2 p - 1.

    References
    ----------
    Lazarus, Lewis, Stock and Watson (2018), HAR Inference: Recommendations for Practice, Journal of
    Business & Economic Statistics 36(4): equivalent degrees of freedom, here of Bartlett's kernel.

    Examples
    --------
    >>> degrees_of_freedom(251, 1, 5), degrees_of_freedom(251, 1, 0)
    (62.75, 248)
    """
    return min(1.5 * n / (bandwidth + 1), n - n_parameters(lags))


def wald_p_values(
    wald: NDArray[np.float64], n: int, lags: int, bandwidth: int
) -> NDArray[np.float64]:
    """Return the p-values of Newey-West Wald statistics whose covariance is itself an estimate.

    With v `degrees_of_freedom`, ``W (v - p + 1) / (v p)`` is held against F(p, v - p + 1), as
    Hotelling's T2. The usual chi-squared with p degrees is its limit, and too generous before it:
    of 1,000 networks of six independent normal series, at a rate of 5%, a link is found in

    ===== ===== =========== =========
    rows  lags  chi-squared this one
    ===== ===== =========== =========
    250   1     9%          7%
    250   5     26%         9%
    500   1     7%          6%
    500   5     15%         8%
    1,000 1     6%          5%
    1,000 5     10%         7%
    ===== ===== =========== =========

    Fat tails and volatility that comes in clusters add 1 to 4 points in a year of sessions.

    Parameters
    ----------
    wald : array of any shape
        Statistics; NaN stays NaN.
    n, lags, bandwidth : int
        Rows of a regression, lags p, and L of the covariance.

    Returns
    -------
    array of that shape
        Between 0 and 1.

    References
    ----------
    Sun (2013), A Heteroskedasticity and Autocorrelation Robust F Test Using an Orthonormal Series
    Variance Estimator, Econometrics Journal 16(1); Lazarus et al. (2018), Journal of Business &
    Economic Statistics 36(4).

    Examples
    --------
    >>> wald_p_values(np.array([3.84, np.nan]), 251, 1, 5).round(4).tolist()
    [0.0545, nan]
    """
    from scipy.special import fdtrc

    freedom = degrees_of_freedom(n, lags, bandwidth)
    left = freedom - lags + 1
    found: NDArray[np.float64] = fdtrc(lags, left, wald * (left / (freedom * lags)))
    return found
