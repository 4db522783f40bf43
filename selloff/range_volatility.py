"""Volatility from closes and from price ranges: the estimators of the last n sessions.

Every function takes arrays whose last axis is time, one series or many at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from selloff._rolling import before, window_sums
from selloff.returns import NOISE_SHARE, NOISE_SIGMA

if TYPE_CHECKING:
    from numpy.typing import NDArray

# By convention; NYSE has had 250 to 253 sessions a year.
SESSIONS_PER_YEAR = 252


def close_volatility(returns: NDArray[np.float64], rows: int = 20) -> NDArray[np.float64]:
    """Sample standard deviation of the returns between the last closes, annualised.

    Parameters
    ----------
    returns : array of shape (..., n)
        Log returns in time order; NaN where there is none.
    rows : int
        Closes; between them lie ``rows - 1`` returns.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where a return is missing, 0 where only
        rounding moved.

    Examples
    --------
    >>> close_volatility(np.array([np.nan, 0.01, -0.01, 0.01]), rows=4).round(4).tolist()
    [nan, nan, nan, 0.1833]
    """
    return _annualised(_variance(np.asarray(returns, dtype=float), rows - 1))


def parkinson_volatility(
    highs: NDArray[np.float64], lows: NDArray[np.float64], rows: int = 20
) -> NDArray[np.float64]:
    """Volatility from each session's range, ``mean((h - l)^2) / (4 ln 2)``, annualised.

    Parameters
    ----------
    highs, lows : array of shape (..., n)
        Highest and lowest price of each session; NaN where not known.
    rows : int
        Sessions of the mean, the row's own included.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where any of the prices is missing.

    References
    ----------
    Parkinson (1980), The Extreme Value Method for Estimating the Variance of the Rate of Return,
    Journal of Business 53, 61-65.

    Examples
    --------
    >>> parkinson_volatility(np.array([102.0, 104.0]), np.array([99.0, 101.0]), rows=2).round(4)
    array([   nan, 0.2818])
    """
    return _annualised(_mean(np.square(_ln(highs) - _ln(lows)), rows) / (4 * np.log(2)))


def garman_klass_volatility(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    rows: int = 20,
) -> NDArray[np.float64]:
    """Volatility from open, range and close, annualised; night moves are left out.

    ``mean((h - l)^2 / 2 - (2 ln 2 - 1) (c - o)^2)`` of the logarithms.

    Parameters
    ----------
    opens, highs, lows, closes : array of shape (..., n)
        Prices of each session; NaN where not known.
    rows : int
        Sessions of the mean, the row's own included.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where any of the prices is missing.

    References
    ----------
    Garman, Klass (1980), On the Estimation of Security Price Volatilities from Historical Data,
    Journal of Business 53, 67-78.

    Examples
    --------
    >>> bars = np.array([[100.0, 102, 99, 101], [101, 104, 101, 103]]).T
    >>> garman_klass_volatility(*bars, rows=2).round(4).tolist()
    [nan, 0.2943]
    """
    return _annualised(_mean(_garman_klass(opens, highs, lows, closes), rows))


def rogers_satchell_volatility(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    rows: int = 20,
) -> NDArray[np.float64]:
    """Volatility within sessions whatever their drift, annualised; night moves are left out.

    ``mean((h - c)(h - o) + (l - c)(l - o))`` of the logarithms.

    Parameters
    ----------
    opens, highs, lows, closes : array of shape (..., n)
        Prices of each session; NaN where not known.
    rows : int
        Sessions of the mean, the row's own included.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where any of the prices is missing. 0 for
        sessions that only went from their low to their high.

    References
    ----------
    Rogers, Satchell (1991), Estimating Variance from High, Low and Closing Prices, Annals of
    Applied Probability 1, 504-512.

    Examples
    --------
    >>> bars = np.array([[100.0, 102, 99, 101], [101, 104, 101, 103]]).T
    >>> rogers_satchell_volatility(*bars, rows=2).round(4).tolist()
    [nan, 0.2925]
    """
    return _annualised(_mean(_rogers_satchell(opens, highs, lows, closes), rows))


def garman_klass_yang_zhang_volatility(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    rows: int = 20,
) -> NDArray[np.float64]:
    """Garman and Klass with the move from close to open added, annualised.

    ``mean((o - c_-)^2 + (h - l)^2 / 2 - (2 ln 2 - 1) (c - o)^2)`` of the logarithms.

    Parameters
    ----------
    opens, highs, lows, closes : array of shape (..., n)
        Prices of each session; NaN where not known.
    rows : int
        Sessions of the mean, the row's own included; one more close is needed before them.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where any of the prices is missing.

    References
    ----------
    Yang, Zhang (2000), Drift-Independent Volatility Estimation Based on High, Low, Open, and Close
    Prices, Journal of Business 73, 477-491.

    Examples
    --------
    >>> bars = np.array([[100.0, 102, 99, 101], [101, 104, 101, 103]]).T
    >>> garman_klass_yang_zhang_volatility(*bars, rows=1).round(4).tolist()
    [nan, 0.2656]
    """
    night = np.square(overnight_returns(opens, closes))
    return _annualised(_mean(night + _garman_klass(opens, highs, lows, closes), rows))


def yang_zhang_volatility(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
    rows: int = 20,
) -> NDArray[np.float64]:
    """Volatility of nights and days together, whatever the drift, annualised.

    ``var(o - c_-) + k var(c - o) + (1 - k) RS`` with ``k = 0.34 / (1.34 + (n + 1) / (n - 1))``,
    sample variances and RS the variance of Rogers and Satchell, over the last n rows.

    Parameters
    ----------
    opens, highs, lows, closes : array of shape (..., n)
        Prices of each session; NaN where not known.
    rows : int
        Sessions n, the row's own included; one more close is needed before them.

    Returns
    -------
    array of shape (..., n)
        Log points per year (square root of 252); NaN where any of the prices is missing.

    References
    ----------
    Yang, Zhang (2000), Drift-Independent Volatility Estimation Based on High, Low, Open, and Close
    Prices, Journal of Business 73, 477-491.

    Examples
    --------
    >>> bars = np.array([[100.0, 102, 99, 101], [100, 103, 99, 102], [101, 104, 101, 103]]).T
    >>> yang_zhang_volatility(*bars, rows=2).round(4).tolist()
    [nan, nan, 0.3181]
    """
    night = _variance(overnight_returns(opens, closes), rows)
    day = _variance(intraday_returns(opens, closes), rows)
    within = _mean(_rogers_satchell(opens, highs, lows, closes), rows)
    k = 0.34 / (1.34 + (rows + 1) / (rows - 1))
    return _annualised(night + k * day + (1 - k) * within)


def overnight_returns(
    opens: NDArray[np.float64], closes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the gap of each session, the log return from the close before to the open.

    Parameters
    ----------
    opens, closes : array of shape (..., n)
        Prices of each session; NaN where not known.

    Returns
    -------
    array of shape (..., n)
        Log points, negative when the price falls; NaN in the first row, and where a price is
        missing. With the log return from open to close they make the session's log return.

    Examples
    --------
    >>> overnight_returns(np.array([100.0, 90.0]), np.array([99.0, 95.0])).round(4).tolist()
    [nan, -0.0953]
    """
    gap: NDArray[np.float64] = _ln(opens) - before(_ln(closes))
    return gap


def intraday_returns(
    opens: NDArray[np.float64], closes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the log return of each session from its open to its close.

    Parameters
    ----------
    opens, closes : array of shape (..., n)
        Prices of each session; NaN where not known.

    Returns
    -------
    array of shape (..., n)
        Log points, negative when the price falls; NaN where a price is missing.

    Examples
    --------
    >>> intraday_returns(np.array([100.0, 90.0]), np.array([99.0, 95.0])).round(4).tolist()
    [-0.0101, 0.0541]
    """
    day: NDArray[np.float64] = _ln(closes) - _ln(opens)
    return day


def _annualised(variance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the volatility per year of a variance per session; 0 of rounding noise.

    Vendors' prices are 32-bit floats: a close above its own high makes a variance below zero.
    """
    settled = np.where(variance <= NOISE_SIGMA**2, 0.0, variance)
    volatility: NDArray[np.float64] = np.sqrt(SESSIONS_PER_YEAR * settled)
    return volatility


def _mean(values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Return the mean of the last `rows` values; NaN with fewer."""
    sums = window_sums(values, rows)
    sums[..., : rows - 1] = np.nan
    return sums / rows


def _variance(values: NDArray[np.float64], rows: int) -> NDArray[np.float64]:
    """Return the sample variance of the last `rows` values, exactly 0 where it is noise."""
    sums, squares = window_sums(values, rows), window_sums(np.square(values), rows)
    spread = squares - np.square(sums) / rows
    spread = np.where(spread <= squares * NOISE_SHARE, 0.0, spread)
    spread[..., : rows - 1] = np.nan
    variance: NDArray[np.float64] = spread / (rows - 1)
    return variance


def _garman_klass(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
) -> NDArray[np.float64]:
    day = intraday_returns(opens, closes)
    terms: NDArray[np.float64] = np.square(_ln(highs) - _ln(lows)) / 2
    terms -= (2 * np.log(2) - 1) * np.square(day)
    return terms


def _rogers_satchell(
    opens: NDArray[np.float64],
    highs: NDArray[np.float64],
    lows: NDArray[np.float64],
    closes: NDArray[np.float64],
) -> NDArray[np.float64]:
    o, h, low, c = (_ln(prices) for prices in (opens, highs, lows, closes))
    terms: NDArray[np.float64] = (h - c) * (h - o) + (low - c) * (low - o)
    return terms


def _ln(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return logarithms; NaN of what is no price."""
    values = np.asarray(prices, dtype=float)
    logarithms: NDArray[np.float64] = np.log(np.where(values > 0, values, np.nan))
    return logarithms
