"""Spillover coefficients: what a session does to another market's next, beyond the clock's part."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from selloff.comovement.clocks import DAY, close_hours_of, long_run_variance, news_share
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.series import SeriesError, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from selloff.comovement.clocks import Closes

# A link is taken out of the news of others if it is significant at this level by Bonferroni's
# bound: a false one there makes others, a missed one little harm.
FIRM = 0.05
# Sources taken out one after the other; a market with more is not sparse.
MOST_ROUNDS = 40


# A leverage above this is taken for this, one below 0 (instruments are not regressors) for 0.
HEAVIEST = 0.9


class _Block(NamedTuple):
    """The series of one closing time as sources, and those of another as targets.

    Parameters
    ----------
    sources, targets : array of int
        Columns.
    back : int
        Dates from the sources' session to the targets' next: 0 where they close later that date.
    hours : float
        Between the two closes.
    ratio : float
        Covariance that the clock puts on the next session, over that on the session before.
    """

    sources: NDArray[np.int64]
    targets: NDArray[np.int64]
    back: int
    hours: float
    ratio: float


def spillover_coefficients(
    series: pd.DataFrame,
    closes: Closes,
    *,
    level: float = 0.05,
    lags: int = 1,
    simultaneous_within: float = 2.0,
    flow: Sequence[float] | None = None,
) -> pd.DataFrame:
    r"""Estimate what each series' session does to each other's next, beyond what clocks explain.

    Let x be the source's return of a session, y and y' the target's of its next and of its last
    session around the source's close, and w the share of a day's news that comes between the
    source's close and the target's next (`news_share`; g / 24 if it comes evenly, g hours later).
    News known to both at once gives ``cov(y, x) = (1 - w) s`` and ``cov(y', x) = w s``: one s on
    two dates. What is on the next date beyond this ratio is spillover, b::

        sum over t of u_t ((y_t - k y'_t) - b' (x_t - k x'_t)) = 0        k = (1 - w) / w

    jointly over all sources x of one closing time, so that b is the effect of one given its
    neighbours of the hour. k is 0 between series that close together: b is then the effect on the
    next date. The instruments u are the sources' returns, and y is taken, less what firm links of
    *other* closing times explain (else two targets of New York would seem to infect one another).
    Firm is a positive coefficient that is significant among all pairs by Bonferroni's bound at 5%,
    and with it those of its source that are so among the source's. The sources are taken out one by
    one, that of the greatest sum of squared statistics first, and all is estimated anew, until no
    other is firm. Standard errors are Newey and West's, of residuals over 1 less the leverage of
    their day (HC3): where volatility comes in spells, plain ones find links in 13% of samples
    without any, these in 6%.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions on common sessions (`selloff.series.common_sessions`), in one currency
        if their rates are not to count as news; rows are dates in ascending order.
    closes : mapping of label to time or float
        Closing times of the series in UTC, as `datetime.time` or as hours in [0, 24).
    level : float
        False discovery rate of `is_link`.
    lags : int
        Lags of the Bartlett kernel of the standard errors.
    simultaneous_within : float
        Hours. A source that closes less than this before the target counts as closing with it: its
        next session is that of the next date, and nothing overlaps. (k would be 11 at two hours,
        and the estimate noise.)
    flow : sequence of 24 numbers, optional
        Relative variance of each hour UTC; by default news comes evenly.

    Returns
    -------
    DataFrame
        A row per ordered pair: `source`, `target`, `coefficient` (return of the target's next
        session per return of the source's), `standard_error`, `statistic`, `p_value` (two-sided,
        normal), `adjusted_p_value` (Benjamini and Hochberg's over all pairs), `is_link` (adjusted
        p-value at most `level`, coefficient positive), `hours_between_closes`, `clock_share`
        (``1 - w``, the share of the common news that the next session shows).

    Raises
    ------
    SeriesError
        If a series has no closing time, a value is missing or a column constant, or there are fewer
        than ``3 k + lags + 10`` rows for k series that close together.

    Notes
    -----
    Assumed: news comes evenly, or as `flow` says, and equally for all pairs; sessions follow one
    another as they do without holidays; few series are sources. In a simulated market of 33 series
    and 600 days, 3% of 200 samples without a link show one, 4% of the links shown are false beside
    five planted ones, and 12% beside 22. A flow that is wrong by d shifts b of
    a pair without spillover by about d s / (w var x).

    Not identified: (1) the direction's sign. Two covariances hold three things, s and the
    spillovers both ways, so that a positive b from x to y is a negative one, -b var(x) / (k var y),
    from y to x. Links are therefore the positive ones: the *net* transmission of each pair. (2)
    What spreads within the hours in which both are open or both closed is in s. (3) A late reaction
    to news common to both is spillover by this definition, whoever was first to trade on it.

    References
    ----------
    The moments are those of Scholes and Williams (1977), JFE 5, 309-327, and Burns, Engle and
    Mezrich (1998), Correlations and Volatilities of Asynchronous Data, Journal of Derivatives 5(4),
    with the overlap known; the reduction to sparse links is ours, held by simulation
    (tests/selloff/test_planted_contagion.py). HC3: MacKinnon and White (1985), Some
    Heteroskedasticity-Consistent Covariance Matrix Estimators, Journal of Econometrics 29, 305-325.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(5)
    >>> night, day = rng.normal(0, 0.01, (2, 1001)) * np.sqrt([[9], [15]]) / np.sqrt(24)
    >>> own = rng.normal(0, 0.01, (3, 1001))
    >>> us, chips = (night + day + own[0])[1:], (night + day + own[1])[1:]
    >>> jp = night[1:] + day[:-1] + own[2, 1:]  # the same news; its close is nine hours later
    >>> jp[1:] += 0.5 * chips[:-1]  # and what US chips did yesterday
    >>> days = pd.bdate_range("2021-01-04", periods=1000)
    >>> frame = pd.DataFrame({"US": us, "US chips": chips, "JP": jp}, days)
    >>> found = spillover_coefficients(frame, {"US": 21.0, "US chips": 21.0, "JP": 6.0})
    >>> found.loc[found["is_link"], ["source", "target"]].to_numpy().tolist()
    [['US chips', 'JP']]
    >>> found.loc[found["is_link"], ["coefficient", "clock_share"]].round(2).to_numpy().tolist()
    [[0.42, 0.62]]
    """
    hours = close_hours_of(series.columns, closes)
    together = int(np.unique(hours, return_counts=True)[1].max())
    values = matrix(series, n_needed=3 * together + lags + 10, n_columns=2)
    blocks = list(_blocks(hours, simultaneous_within, flow))
    back = np.zeros((len(hours), len(hours)), dtype=np.int64)
    for block in blocks:
        back[np.ix_(block.sources, block.targets)] = block.back
    slopes, errors = _sparse(values - values.mean(axis=0), blocks, back, lags)
    return _table(series, blocks, slopes, errors, level)


def _blocks(
    hours: NDArray[np.float64], simultaneous_within: float, flow: Sequence[float] | None
) -> Iterator[_Block]:
    zones = np.unique(hours)
    for source in zones:
        for target in zones:
            ahead = float(target - source)
            members = np.flatnonzero(hours == source), np.flatnonzero(hours == target)
            if ahead == 0 or 0 < ahead < simultaneous_within:
                yield _Block(*members, 1, DAY + ahead, 0.0)
                continue
            share = news_share(source, target, flow)
            if share <= 0:
                raise SeriesError(f"no news comes between the closes at {source} and {target} UTC")
            yield _Block(*members, int(ahead < 0), ahead % DAY, (1 - share) / share)


def _sparse(
    values: NDArray[np.float64], blocks: list[_Block], back: NDArray[np.int64], lags: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients and standard errors, firm links taken out of the news.

    By their strongest link alone, a source of many weak ones comes late: false links of its targets
    come before it (34 false links at once in one of three samples, with eleven planted).
    """
    from scipy.special import ndtri

    k = values.shape[1]
    bound, further = (-ndtri(FIRM / (2 * count)) for count in (k * (k - 1), k - 1))
    is_firm, was_firm = np.zeros((k, k), dtype=bool), np.zeros((k, k), dtype=bool)
    slopes = np.zeros((k, k))
    for _ in range(MOST_ROUNDS):
        slopes, errors = _estimate(values, np.where(is_firm, slopes, 0.0), blocks, back, lags)
        ratio = slopes / errors
        np.fill_diagonal(ratio, 0.0)
        kept = is_firm & (ratio > further)
        # Of a pair one direction only: the two are one number (see Notes). What was dropped stays
        # out, or two sets could take turns.
        fresh = np.where(was_firm | kept.T, 0.0, ratio)
        least = np.where(kept.any(axis=1), further, bound)
        is_source = fresh.max(axis=1) > least
        weight = np.where(fresh > further, fresh**2, 0.0).sum(axis=1)
        chosen = int(np.where(is_source, weight, 0.0).argmax())
        kept[chosen] |= is_source[chosen] & (fresh[chosen] > further)
        if (kept == is_firm).all():
            break
        is_firm, was_firm = kept, was_firm | kept
    return slopes, errors


def _estimate(
    values: NDArray[np.float64],
    firm: NDArray[np.float64],
    blocks: list[_Block],
    back: NDArray[np.int64],
    lags: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return all coefficients, given those that the returns of other hours are freed of."""
    n = len(values) - 2
    slopes, errors = np.zeros_like(firm), np.ones_like(firm)
    news = values - _explained(values, firm, back)
    for sources, targets, dates, _, ratio in blocks:
        now, before = slice(2 - dates, 2 - dates + n), slice(1 - dates, 1 - dates + n)
        own = _explained(values[:, sources], firm[sources], back[sources])
        freed = (news + own)[:, targets]
        response = freed[2:] - ratio * freed[1:-1]
        regressors = values[now][:, sources] - ratio * values[before][:, sources]
        instruments = news[now][:, sources]
        inverse = np.linalg.inv(instruments.T @ regressors)
        found = inverse @ (instruments.T @ response)
        left = response - regressors @ found
        weights = instruments @ inverse.T
        left /= 1 - np.clip((weights * regressors).sum(axis=1), 0, HEAVIEST)[:, None]
        variance = n * long_run_variance(weights[:, :, None] * left[:, None, :], lags)
        place = np.ix_(sources, targets)
        slopes[place], errors[place] = found, np.sqrt(variance)
    return slopes, errors


def _explained(
    values: NDArray[np.float64], firm: NDArray[np.float64], back: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what firm links of the given sources explain of every series."""
    found = np.zeros((len(values), firm.shape[1]))
    for source, target in zip(*np.nonzero(firm), strict=True):
        dates = back[source, target]
        found[dates:, target] += firm[source, target] * values[: len(values) - dates, source]
    return found


def _table(
    series: pd.DataFrame,
    blocks: list[_Block],
    slopes: NDArray[np.float64],
    errors: NDArray[np.float64],
    level: float,
) -> pd.DataFrame:
    import pandas as pd
    from scipy.special import ndtr

    k = len(slopes)
    hours, share = np.zeros((k, k)), np.zeros((k, k))
    for block in blocks:
        place = np.ix_(block.sources, block.targets)
        hours[place], share[place] = block.hours, block.ratio / (1 + block.ratio)
    names = np.array(series.columns, dtype=object)
    source, target = np.nonzero(~np.eye(k, dtype=bool))
    ratio = (slopes / errors)[source, target]
    p_value = 2 * ndtr(-np.abs(ratio))
    adjusted = benjamini_hochberg(p_value)
    return pd.DataFrame(
        {
            "source": names[source],
            "target": names[target],
            "coefficient": slopes[source, target],
            "standard_error": errors[source, target],
            "statistic": ratio,
            "p_value": p_value,
            "adjusted_p_value": adjusted,
            "is_link": (adjusted <= level) & (ratio > 0),
            "hours_between_closes": hours[source, target],
            "clock_share": share[source, target],
        }
    )
