"""Rolling tails of the sets of series: what falls with the market, and what moves as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from selloff.common_clock import runs_on_one_clock
from selloff.connectedness import LEVELS
from selloff.contagion_sets import PROVENANCE, WINDOWS, SeriesSet, series_sets
from selloff.network.absorption import absorption_ratio, absorption_shift
from selloff.network.turbulence import turbulence
from selloff.series import SeriesError, complete_sets, matrix
from selloff.tails.betas import market_betas
from selloff.tails.coexceedances import coexceedances
from selloff.tails.dependence import tail_dependence
from selloff.tails.rolling_covar import rolling_delta_covar
from selloff.tails.shortfalls import (
    long_run_shortfall_of_beta,
    marginal_expected_shortfall,
    market_value_at_risk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

WINDOW = WINDOWS[0]
QUANTILE = 0.05
# V-Lab's crisis: the market falls by two fifths in six months.
LONG_RUN_FALL, LONG_RUN_SESSIONS = 0.4, 126
# The shift of the absorption ratio looks back on so many of its values (a year).
LONG = 252
MARKET = "the market"

COLUMNS = (
    "series_set",
    "level",
    "session_date",
    "series_name",
    "measure",
    "value",
    "value_standard_error",
    "unit",
    "n_observations",
    "quantile",
    "window_from",
    "window_rows",
    "horizon",
    "n_series",
    "method",
    *PROVENANCE,
)


class _Way(NamedTuple):
    """How a measure is taken."""

    unit: str
    method: str
    has_quantile: bool = False
    horizon: int = 0


WAYS = {
    "value_at_risk": _Way(
        "log points", "sample quantile of the series' returns (type 7)", has_quantile=True
    ),
    "delta_covar": _Way(
        "log points",
        "beta (VaR - median) of the quantile regression of the market on the series "
        "(Adrian and Brunnermeier 2016)",
        has_quantile=True,
    ),
    "exposure_delta_covar": _Way(
        "log points",
        "the same of the quantile regression of the series on the market",
        has_quantile=True,
    ),
    "marginal_expected_shortfall": _Way(
        "log points",
        "mean return on the sessions in which the market fell below its quantile (Acharya et al. "
        "2017); error of the mean",
        has_quantile=True,
    ),
    "beta": _Way("ratio", "least squares on the market"),
    "downside_beta": _Way(
        "ratio", "the same over sessions below the market's mean (Ang, Chen and Xing 2006)"
    ),
    "long_run_marginal_expected_shortfall": _Way(
        "fraction",
        "1 - exp(beta ln(1 - 0.4)), positive for a loss, should the market fall by 0.4",
        horizon=LONG_RUN_SESSIONS,
    ),
    "long_run_loss": _Way(
        "USD", "market value x long_run_marginal_expected_shortfall", horizon=LONG_RUN_SESSIONS
    ),
    "absorption_ratio": _Way(
        "fraction",
        "variance absorbed by the largest fifth of the eigenvectors of the covariance matrix, "
        "equal weights (Kritzman et al. 2011)",
    ),
    "absorption_shift": _Way(
        "standard deviations",
        "mean of the last 15 ratios less that of the last 252, over their standard deviation",
    ),
    "tail_dependence": _Way(
        "fraction",
        "share of the market's lowest sessions that are the series' too, less what independence "
        "gives; error under independence",
        has_quantile=True,
    ),
    "coexceedances": _Way(
        "series",
        "how many fell below their own quantile of the window before the session (Bae, Karolyi and "
        "Stulz 2003)",
        has_quantile=True,
    ),
    "turbulence": _Way(
        "ratio",
        "squared Mahalanobis distance of the session from the window before it, over the number of "
        "series: 1 is usual (Kritzman and Li 2010)",
    ),
    "correlation_surprise": _Way(
        "ratio", "turbulence over magnitude_surprise (Kinlaw and Turkington 2014)"
    ),
    "magnitude_surprise": _Way("ratio", "turbulence without correlations"),
}


def systemic_risk(contagion_series: pd.DataFrame, start: date, end: date) -> pd.DataFrame:
    """Return the tail measures of every set, series and session asked for.

    Parameters
    ----------
    contagion_series : DataFrame
        Columns of ``core.contagion_series``: whole series up to `end`.
    start, end : date
        First and last session asked for, both included.

    Returns
    -------
    DataFrame
        Columns of ``mart.systemic_risk``. Returns keep their sign, negative for a loss; the long
        run measures are losses, positive. Each row follows from the rows up to its session alone.
    """
    since, until = pd.Timestamp(start), pd.Timestamp(end)
    known = contagion_series[contagion_series["level"].isin(LEVELS)]
    parts = [
        part
        for series in series_sets(known[known["session_date"] <= until])
        for run in _runs(series, since)
        for part in (*_of_series(run), *_of_set(run))
    ]
    found = [part for part in parts if len(part)]
    if not found:
        return pd.DataFrame(columns=list(COLUMNS))
    return pd.concat(found, ignore_index=True)[list(COLUMNS)]


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Windows in a row in which the same series are complete, some of them asked for."""

    series: SeriesSet
    returns: pd.DataFrame
    first: int
    """Row with which the first window that is asked for ends."""
    looks_back: int
    """Rows before a window on which its synchronization rests; 0 where there is none."""

    @property
    def rows(self) -> pd.DataFrame:
        """The rows of the windows that are asked for."""
        return self.returns.iloc[self.first - WINDOW + 1 :]


def _runs(series: SeriesSet, since: pd.Timestamp) -> Iterator[_Run]:
    for returns, looks_back in runs_on_one_clock(series, WINDOW, since):
        first = max(WINDOW - 1, int(returns.index.searchsorted(since)))
        yield _Run(series, returns, first, looks_back)


def _of_series(run: _Run) -> Iterator[pd.DataFrame]:
    """Yield what each series does when the market falls, where it has a market."""
    rows = run.rows
    names = list(rows.columns)
    joined = rows.assign(**{MARKET: run.series.market[rows.index]})
    # The market may be missing in some sessions: their windows have no such measures.
    for part in _full(joined):
        dates = part.index[WINDOW - 1 :]
        sent = rolling_delta_covar(part, WINDOW, QUANTILE, sources=names, targets=[MARKET])
        got = rolling_delta_covar(part, WINDOW, QUANTILE, sources=[MARKET], targets=names)
        fallen = marginal_expected_shortfall(part, MARKET, QUANTILE, window=WINDOW)
        beta = market_betas(part, MARKET, "all", window=WINDOW)
        below = market_betas(part, MARKET, "fall", threshold="mean", window=WINDOW)
        long_run = long_run_shortfall_of_beta(beta.beta, LONG_RUN_FALL)
        values = run.series.market_values.loc[dates, names].to_numpy()
        for measure, value, n in (
            ("value_at_risk", sent.value_at_risk, WINDOW),
            ("delta_covar", sent.delta_covar[:, :, 0], WINDOW),
            ("exposure_delta_covar", got.delta_covar[:, 0], WINDOW),
            ("beta", beta.beta, beta.n_days),
            ("downside_beta", below.beta, below.n_days),
            ("long_run_marginal_expected_shortfall", long_run, beta.n_days),
            ("long_run_loss", market_value_at_risk(values, long_run), beta.n_days),
        ):
            found = _rows(run, dates, measure, value, n)
            # Of funds no market value is known.
            yield found.dropna(subset="value") if measure == "long_run_loss" else found
        joint = tail_dependence(part, QUANTILE, window=WINDOW)
        given_market = (slice(None), joint.names.index(MARKET), slice(None, len(names)))
        yield _rows(
            run,
            dates,
            "tail_dependence",
            joint.excess[given_market],
            WINDOW,
            joint.standard_error[given_market],
        )
        yield _rows(
            run,
            dates,
            "marginal_expected_shortfall",
            fallen.shortfall,
            fallen.n_days,
            fallen.standard_error,
        )


def _full(joined: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield the rows of windows in a row in which the market is known throughout, and moves.

    Each window decides for itself, whichever others are asked for.
    """
    for each in complete_sets(joined, WINDOW):
        part = joined.iloc[each.first - WINDOW + 1 : each.last + 1]
        if MARKET not in each.names:
            continue
        try:
            matrix(part)
        except SeriesError:  # a market that is one of its own sectors
            continue
        yield part


def _of_set(run: _Run) -> Iterator[pd.DataFrame]:
    """Yield how much the whole set moves as one, and how unusual each session was."""
    # The frame as a whole: where it begins decides the last digits of its window sums.
    index = run.returns.index
    dates = index[run.first :]
    looked_back_on = index[max(run.first - LONG + 1, WINDOW - 1)]
    ratio = absorption_ratio(run.returns, window=WINDOW, since=looked_back_on)
    yield _rows(run, dates, "absorption_ratio", ratio[dates].to_numpy()[:, None], WINDOW)
    shift = absorption_shift(ratio)[dates].to_numpy()[:, None]
    yield _rows(run, dates, "absorption_shift", shift, WINDOW)
    if index[-1] > index[WINDOW - 1]:  # the day itself is not in its window
        found = turbulence(run.returns, window=WINDOW, since=dates[0])
        for measure, column in (
            ("turbulence", "turbulence"),
            ("correlation_surprise", "correlation_surprise"),
            ("magnitude_surprise", "magnitude"),
        ):
            yield _rows(run, found.index, measure, found[column].to_numpy()[:, None], WINDOW)
        days = run.returns.iloc[max(run.first - WINDOW, 0) :]
        together = coexceedances(days, QUANTILE, window=WINDOW)
        counts = together.count.astype(float)[:, None]
        yield _rows(run, together.dates, "coexceedances", counts, WINDOW)


def _rows(
    run: _Run, dates: pd.Index, measure: str, values: Floats, n: Any, errors: Floats | None = None
) -> pd.DataFrame:
    """Return a row per date and column of the values, which are the series, or the set alone."""
    way = WAYS[measure]
    n_dates, width = values.shape
    names = list(run.returns.columns) if width > 1 else [""]
    behind = run.series.behind(dates, WINDOW + run.looks_back).assign(session_date=dates)
    rows = pd.DataFrame(
        {
            "series_name": np.tile(np.array(names, dtype=object), n_dates),
            "value": values.ravel(),
            "value_standard_error": np.nan if errors is None else errors.ravel(),
            "n_observations": np.repeat(np.broadcast_to(n, n_dates), width),
        }
    )
    described = behind.loc[behind.index.repeat(width)].reset_index(drop=True)
    return pd.concat([described, rows], axis="columns").assign(
        series_set=run.series.name,
        level=run.series.level,
        measure=measure,
        unit=way.unit,
        quantile=QUANTILE if way.has_quantile else np.nan,
        window_rows=WINDOW,
        horizon=way.horizon,
        n_series=len(run.returns.columns),
        method=way.method,
    )
