"""Volume and volatility as figures to be judged like returns, by the same models and tests."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.lazy import Lazy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from selloff.event_study.lazy import Some
    from selloff.event_study.sample import Sample

# Added to the shares traded, so that a day without a trade has a logarithm.
NO_TRADE = 0.000255


def log_turnover(volume: ArrayLike, shares: ArrayLike | None = None) -> NDArray[np.float64]:
    """Return the log of what share of a firm changed hands, or of shares traded.

    ``ln((volume + 0.000255) / shares * 100)``, in percent of the shares before the logarithm as in
    the literature; ``ln(1 + volume)`` where no share count is given. Put into `panel_of_returns`
    in place of returns, it is judged by `CONSTANT_MEAN`, or by `MARKET_MODEL` on the market's own
    (`market_mean`).

    Parameters
    ----------
    volume : array
        Shares traded per session, of any shape; NaN where unknown.
    shares : array, optional
        Shares outstanding, that the volume broadcasts with; NaN where unknown.

    Returns
    -------
    array
        NaN where an input is missing, a volume is negative or a count not positive.

    References
    ----------
    Campbell and Wasley (1996), Measuring abnormal daily trading volume for samples of NYSE/ASE and
    NASDAQ securities, Review of Quantitative Finance and Accounting 6, 309-326.

    Examples
    --------
    >>> log_turnover([1e6, 0, np.nan], 1e8).round(3).tolist()
    [0.0, -22.09, nan]
    >>> log_turnover([np.e - 1, -1]).tolist()
    [1.0, nan]
    """
    traded = np.asarray(volume, dtype=np.float64)
    traded = np.where(traded >= 0, traded, np.nan)
    if shares is None:
        return np.log1p(traded)
    counts = np.asarray(shares, dtype=np.float64)
    turnover: NDArray[np.float64] = np.log(
        (traded + NO_TRADE) / np.where(counts > 0, counts, np.nan) * 100
    )
    return turnover


def market_mean(figures: NDArray[np.float64], minimum: int = 2) -> NDArray[np.float64]:
    """Return the mean of a figure over all listings, session by session.

    Parameters
    ----------
    figures : array of shape (n_dates, n_listings)
        Such as log turnover; NaN where missing.
    minimum : int
        Listings without which there is no mean: one is not its own market.

    Returns
    -------
    array of shape (n_dates,)
        NaN on sessions of fewer listings.

    Examples
    --------
    >>> market_mean(np.array([[1.0, 3.0], [1.0, np.nan]])).tolist()
    [2.0, nan]
    """
    valid = np.isfinite(figures)
    n = valid.sum(axis=1)
    total = np.where(valid, figures, 0.0).sum(axis=1)
    mean: NDArray[np.float64] = np.full(len(figures), np.nan)
    np.divide(total, n, out=mean, where=n >= minimum)
    return mean


def volatility(sample: Sample) -> Sample:
    r"""Turn abnormal returns into abnormal volatility, on which the same tests run.

    With C = 1 + |A|^2 the prediction error, ``U_t = AR_t^2 / (s^2 C_t)`` is 1 on an ordinary day,
    and the abnormal volatility ``U_t - 1``; on estimation rows ``e^2 / s^2 - 1``. Of a sample by
    `RAW` returns it is ``R^2 / var - 1``.

    Parameters
    ----------
    sample : Sample
        Of N events, by any model of returns.

    Returns
    -------
    Sample
        Abnormal volatility, without unit and positive when a day was wilder than expected;
        `returns` is U. Sigma is the standard deviation of the estimation rows on n - 1 degrees of
        freedom; nothing loads, as the error of a variance estimated on the same rows is left out.

    References
    ----------
    Beaver (1968), The information content of annual earnings announcements, JAR 6, 67-92; Patell
    (1976), JAR 14, 246-276.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_returns
    >>> from selloff.event_study.studies import study
    >>> panel = panel_of_returns(pd.DataFrame({"NVDA": [0.0, 0.02, 0.0, 0.02, 0.0, -0.17]}))
    >>> asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [5]})
    >>> days = Windows(first=-5, last=-1, event_first=0, event_last=0, minimum=5)
    >>> volatility(study(panel, asked, RAW, days).sample).abnormal.round(1).tolist()
    [[239.8]]
    """
    width = 1 + (sample.loadings * sample.loadings).sum(axis=2)
    u = sample.abnormal**2 / (sample.sigma[:, None] ** 2 * width)

    def compute(some: Some) -> NDArray[np.float64]:
        return (sample.residuals[some] / sample.sigma[some, None]) ** 2 - 1

    changed = replace(
        sample,
        abnormal=u - 1,
        returns=u,
        n_parameters=np.ones_like(sample.n_parameters),
        loadings=np.zeros((*sample.abnormal.shape, 0)),
        residuals=Lazy(compute, sample.residuals.shape),
    )
    return replace(changed, sigma=_deviations(changed))


def _deviations(sample: Sample) -> NDArray[np.float64]:
    """Return the standard deviation of each event's estimation rows, ddof 1."""
    found = np.empty(sample.n_events)
    for block in sample.blocks():
        valid = np.isfinite(block.residuals)
        n = valid.sum(axis=1)
        rows = np.where(valid, block.residuals, 0.0)
        away = np.where(valid, rows - (rows.sum(axis=1) / n)[:, None], 0.0)
        found[block.events] = np.sqrt((away * away).sum(axis=1) / (n - 1))
    return found
