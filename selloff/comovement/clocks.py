"""Clocks: when markets close, and how much of one's day lies in which session of another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import time

    import pandas as pd
    from numpy.typing import NDArray

    Close = float | time
    Closes = Mapping[Any, Close]

DAY = 24.0


def close_hours_of(names: Iterable[Any], closes: Closes) -> NDArray[np.float64]:
    """Return the hours, UTC, at which series close on their own session date.

    Parameters
    ----------
    names : iterable of label
        Series, in the order of the answer.
    closes : mapping of label to time or float
        Closing times in UTC, as `datetime.time` or as hours in [0, 24).

    Returns
    -------
    array of shape (k,)
        Hours.

    Raises
    ------
    SeriesError
        If a series has no closing time, or one outside of the day.

    Examples
    --------
    >>> from datetime import time
    >>> close_hours_of(["JP", "UK"], {"JP": 6.0, "UK": time(16, 30), "US": 21.0}).tolist()
    [6.0, 16.5]
    """
    found = []
    for name in names:
        if name not in closes:
            raise SeriesError(f"{name} has no closing time")
        close = closes[name]
        hour = float(
            close
            if isinstance(close, int | float)
            else close.hour + close.minute / 60 + close.second / 3600
        )
        if not 0 <= hour < DAY:
            raise SeriesError(f"{name} closes at hour {hour}, not within [0, 24) UTC")
        found.append(hour)
    return np.array(found)


def ordered_by_close(closes: Closes) -> list[Any]:
    """Return markets in the order in which they close on a date, UTC.

    Parameters
    ----------
    closes : mapping of label to time or float
        Closing times in UTC, as `datetime.time` or as hours in [0, 24).

    Returns
    -------
    list of label
        Earliest first; those that close together in the order given.

    Raises
    ------
    SeriesError
        If a closing time lies outside of the day.

    Examples
    --------
    >>> ordered_by_close({"US": 21.0, "JP": 6.0, "DE": 16.5, "UK": 16.5})
    ['JP', 'DE', 'UK', 'US']
    """
    names = list(closes)
    hours = close_hours_of(names, closes)
    return [names[place] for place in np.argsort(hours, kind="stable")]


def news_share(start: float, end: float, flow: Sequence[float] | None = None) -> float:
    """Return the share of a day's news that arrives from one hour to the next time it is another.

    Parameters
    ----------
    start, end : float
        Hours UTC in [0, 24). Equal hours are a whole day apart.
    flow : sequence of 24 numbers, optional
        Relative variance of each hour UTC, from midnight on. By default news arrives evenly:
        ``((end - start) mod 24) / 24``.

    Returns
    -------
    float
        Above 0, at most 1.

    Raises
    ------
    ValueError
        If `flow` is not of 24 numbers that are at least 0, one of them more.

    Examples
    --------
    >>> news_share(6.0, 21.0), news_share(21.0, 6.0)
    (0.625, 0.375)
    >>> round(news_share(21.0, 6.0, [1] * 6 + [3] * 18), 4)  # quiet nights in Asia
    0.25
    """
    weights = np.ones(24) if flow is None else np.asarray(flow, float)
    if weights.shape != (24,) or (weights < 0).any() or weights.sum() <= 0:
        raise ValueError("the flow of news is 24 numbers, none of them negative and not all 0")
    before = np.concatenate([[0.0], np.cumsum(weights)]) / weights.sum()
    reached = np.interp([start, end], np.arange(25), before)
    share = float(reached[1] - reached[0])
    return share if end > start else share + 1.0


def lead_lag_correlations(
    series: pd.DataFrame, closes: Closes, *, window: int | None = None, lags: int = 5
) -> pd.DataFrame:
    r"""Correlate markets whatever their clocks: same date, plus the late market's date before.

    Of two markets the one that closes earlier, at hours e and l, sees of a date's news only what
    came until e; the rest it shows on its next date::

        rho = corr(early_t, late_t) + corr(early_t, late_(t-1))

    Both are taken over the same rows and the same standard deviations. Only this side: the other,
    corr(late_t, early_(t-1)), holds nothing that a clock explains, and would add noise. Markets
    that close together have their correlation. With news spread evenly the first part is the share
    ``1 - (l - e) / 24`` of rho.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions on common sessions (`selloff.series.common_sessions`); rows are dates
        in ascending order.
    closes : mapping of label to time or float
        Closing times of the series in UTC, as `datetime.time` or as hours in [0, 24).
    window : int, optional
        The last rows to use; by default all.
    lags : int
        Lags of the Bartlett kernel of the standard error.

    Returns
    -------
    DataFrame
        A row per pair: `early`, `late`, `hours_between_closes`, `same_date` and `date_before` (the
        two parts), `correlation`, `standard_error` (delta method with Newey and West's variance,
        over moments and scales), `expected_same_date` (the part of `correlation` that even news
        would put on one date).

    Raises
    ------
    SeriesError
        If a series has no closing time, a value is missing, or there are fewer than lags + 10 rows.

    Notes
    -----
    Not identified: whether the early market's next date follows because it was closed, or because
    it reacts late. The sum holds both. Estimates beyond 1 can occur and are left as they are. The
    slopes that go with it are Dimson's: `selloff.event_study.nonsynchronous`.

    References
    ----------
    Scholes and Williams (1977), JFE 5, 309-327; Cohen, Hawawini, Maier, Schwartz and Whitcomb
    (1983), Friction in the Trading Process and the Estimation of Systematic Risk, JFE 12, 263-278.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(4)
    >>> night, day, own = rng.normal(0, 0.01, (3, 2001))  # news before and after Tokyo's close
    >>> us, jp = (night + day)[1:], (night[1:] + day[:-1] + own[1:])
    >>> both = pd.DataFrame({"US": us, "JP": jp}, pd.bdate_range("2017-01-02", periods=2000))
    >>> found = lead_lag_correlations(both, {"US": 21.0, "JP": 6.0})
    >>> found[["early", "late"]].to_numpy().tolist()
    [['JP', 'US']]
    >>> found[["same_date", "date_before", "correlation"]].round(1).to_numpy().tolist()
    [[0.4, 0.4, 0.8]]
    """
    import pandas as pd

    hours = close_hours_of(series.columns, closes)
    used = series if window is None else series.iloc[-window:]
    values = matrix(used, n_needed=lags + 10, n_columns=2)
    order = np.argsort(hours, kind="stable")
    first, second = (order[each] for each in np.triu_indices(len(order), k=1))
    gap = hours[second] - hours[first]
    z = values[1:] - values[1:].mean(axis=0)
    before = values[:-1] - values[:-1].mean(axis=0)
    scale = np.sqrt((z**2).mean(axis=0))
    z, before = z / scale, before / scale
    same = z[:, first] * z[:, second]
    later = np.where(gap > 0, z[:, first] * before[:, second], 0.0)
    parts = same.mean(axis=0), later.mean(axis=0)
    total = parts[0] + parts[1]
    scales = (z[:, first] ** 2 + z[:, second] ** 2) / 2
    influence = same + later - total * scales
    names = np.array(series.columns, dtype=object)
    return pd.DataFrame(
        {
            "early": names[first],
            "late": names[second],
            "hours_between_closes": gap,
            "same_date": parts[0],
            "date_before": parts[1],
            "correlation": total,
            "standard_error": np.sqrt(long_run_variance(influence, lags) / len(z)),
            "expected_same_date": total * (1 - gap / DAY),
        }
    )


def long_run_variance(values: NDArray[np.float64], lags: int) -> NDArray[np.float64]:
    """Return Newey and West's long-run variance of columns with mean 0, Bartlett's weights.

    Parameters
    ----------
    values : array of shape (n, ...)
        Rows in time; overwritten by nothing.
    lags : int
        Autocovariances taken in, with weights ``1 - h / (lags + 1)``.

    Returns
    -------
    array of shape (...)
        Not negative.

    References
    ----------
    Newey and West (1987), Econometrica 55(3), 703-708.

    Examples
    --------
    >>> long_run_variance(np.array([1.0, -1.0, 1.0, -1.0]), 0).item()
    1.0
    >>> long_run_variance(np.array([1.0, -1.0, 1.0, -1.0]), 1).item()
    0.25
    """
    found = (values * values).sum(axis=0)
    for lag in range(1, lags + 1):
        found = found + 2 * (1 - lag / (lags + 1)) * (values[lag:] * values[:-lag]).sum(axis=0)
    return np.asarray(found / len(values))
