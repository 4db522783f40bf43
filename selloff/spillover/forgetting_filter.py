"""Coefficients that move from row to row: a Kalman filter with forgetting, forward only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import SeriesError, matrix, unfit
from selloff.spillover.priors import PRIORS, Prior
from selloff.spillover.vector_autoregression import spectral_radius

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

FORGETTING = (0.99, 0.96)
# Weight of the squares of the first rows, before there is a forecast to err: Koop and Korobilis's.
EARLY = 0.1
# Coefficients that would explode are drawn back from the last ones that did not.
DRAWN_BACK = 0.99


@dataclass(frozen=True, slots=True)
class State:
    """All that the next row needs: handing it back in continues as if nothing had stopped.

    Parameters
    ----------
    names : tuple of str
        The k series.
    date : Any
        Last row seen; None before the first.
    n_rows : int
        Rows seen.
    training : int
        Rows of the block before whose end nothing is published.
    forgetting : tuple of float
        Of the coefficients and of the error covariance.
    label : str
        Name of the prior.
    level : array of shape (k,)
        What is subtracted from every row.
    recent : array of shape (lags, k)
        The last rows less the level, newest first.
    coefficients : array of shape (k, k lags)
        The filter's.
    coefficient_covariance : array of shape (k k lags, k k lags)
        As predicted for the next row.
    error_covariance : array of shape (k, k)
        Of the last row.
    published : array of shape (k, k lags)
        The last coefficients that did not explode.
    """

    names: tuple[str, ...]
    date: Any
    n_rows: int
    training: int
    forgetting: tuple[float, float]
    label: str
    level: NDArray[np.float64]
    recent: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    coefficient_covariance: NDArray[np.float64]
    error_covariance: NDArray[np.float64]
    published: NDArray[np.float64]

    @property
    def lags(self) -> int:
        """Lags p."""
        return len(self.recent)


@dataclass(frozen=True, slots=True)
class Path:
    """Coefficients and error covariances of each row, and the state after the last.

    Parameters
    ----------
    dates : Index
        The n rows.
    coefficients : array of shape (n, k, k lags)
        One row per equation, the first k columns for lag 1.
    error_covariance : array of shape (n, k, k)
        In squared units of the series.
    spectral_radius : array of shape (n,)
        Of the companion matrix of what the filter found. At 1 or above it was not published: the
        coefficients are those of the row before.
    state : State
        To go on from.
    """

    dates: pd.Index[Any]
    coefficients: NDArray[np.float64]
    error_covariance: NDArray[np.float64]
    spectral_radius: NDArray[np.float64]
    state: State


class _Filter:
    """The moving parts of a `State`, changed in place."""

    __slots__ = ("b", "forgetting", "k", "lags", "p", "published", "q", "t", "z")

    def __init__(self, state: State) -> None:
        self.k, self.lags, self.t = len(state.names), state.lags, state.n_rows
        self.forgetting = state.forgetting
        self.z = state.recent.ravel().copy()
        self.b = state.coefficients.copy()
        self.p = state.coefficient_covariance.copy()
        self.q = state.error_covariance.copy()
        self.published = state.published

    def step(self, row: NDArray[np.float64]) -> float:
        """Take one row in; return the spectral radius of what it makes of the coefficients."""
        error = row - self.b @ self.z
        if self.t:
            early = self.t <= self.lags
            squares = EARLY * np.outer(row, row) if early else np.outer(error, error)
            self.q *= self.forgetting[1]
            self.q += (1 - self.forgetting[1]) * squares
        found = self._updated(error) if self.t >= self.lags else self.b
        radius = float(spectral_radius(found[None])[0])
        if radius <= 1 or not self.t:
            self.b = self.published = found
        else:
            self.b = DRAWN_BACK * self.b
        self.z = np.concatenate([row, self.z[: -self.k]])
        self.t += 1
        return radius

    def _updated(self, error: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the coefficients after an error, and narrow their covariance in place.

        The regressors are I_k kron z', so that HP is z' times each block of k p rows of P.
        """
        k, m = self.k, len(self.p)
        explained = self.z @ self.p.reshape(k, m // k, m)
        forecast_covariance = explained.reshape(k, k, m // k) @ self.z
        forecast_covariance += self.q
        root = np.linalg.cholesky(forecast_covariance)
        whitened = np.linalg.solve(root, np.column_stack([explained, error]))
        gain, surprise = whitened[:, :m], whitened[:, m]
        # A product of a matrix with its own transpose is exactly symmetric in numpy (syrk).
        self.p -= gain.T @ gain
        self.p /= self.forgetting[0]
        updated: NDArray[np.float64] = self.b + (gain.T @ surprise).reshape(self.b.shape)
        return updated


def initial_state(
    series: pd.DataFrame,
    *,
    training: int,
    lags: int = 1,
    forgetting: tuple[float, float] = FORGETTING,
    prior: str | Prior = "minnesota",
) -> State:
    """Return the state before the first row, of what the training block alone says.

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series. Only the first `training` rows count.
    training : int
        Rows of the block that level, prior and first error covariance come from. May be 0 with a
        prior of one's own.
    lags : int
        Lags p.
    forgetting : tuple of float
        Weight of a row against the next one: for the coefficients (0.99: a row counts half after
        69) and for the error covariance (0.96: after 17).
    prior : str or Prior
        "minnesota", "uninformative", "least_squares" (`selloff.spillover.priors`), or one made
        elsewhere; whoever makes it from later rows looks ahead.

    Returns
    -------
    State

    Raises
    ------
    SeriesError
        If the training block is too short or unfit; the message names numbers or the column.
    ValueError
        If a forgetting factor is not in (0, 1], or the prior is unknown or of other lags.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-20", periods=8)
    >>> random = np.random.default_rng(7)
    >>> two = pd.DataFrame(random.normal(0, 0.01, (8, 2)), days, ["XLK", "XLU"])
    >>> initial_state(two, training=8).coefficient_covariance.shape
    (4, 4)
    """
    if not all(0 < weight <= 1 for weight in forgetting):
        raise ValueError(f"forgetting factors lie in (0, 1], {forgetting} do not")
    if lags < 1:
        raise ValueError(f"{lags} lags, at least 1 is needed")
    if isinstance(prior, str):
        given, label = _trained(series, training, lags, prior), prior
    else:
        given, label = prior, "given"
    if given.lags != lags:
        raise ValueError(f"the prior has {given.lags} lags, the model {lags}")
    k = len(given.level)
    if k != len(series.columns):
        raise ValueError(f"the prior has {k} series, the frame {len(series.columns)}")
    return State(
        names=tuple(series.columns),
        date=None,
        n_rows=0,
        training=training,
        forgetting=forgetting,
        label=label,
        level=given.level,
        recent=np.zeros((lags, k)),
        coefficients=given.coefficients,
        coefficient_covariance=given.coefficient_covariance,
        error_covariance=given.error_covariance,
        published=given.coefficients,
    )


def _trained(series: pd.DataFrame, training: int, lags: int, prior: str) -> Prior:
    if prior not in PRIORS:
        raise ValueError(f"no prior is named {prior}; there are {', '.join(PRIORS)}")
    k = len(series.columns)
    needed = lags + k * lags + 2 if prior == "least_squares" else k + 1
    if training < needed:
        raise SeriesError(
            f"{training} training rows, at least {needed} are needed for {lags} lags of {k} series"
        )
    return PRIORS[prior](matrix(series.iloc[:training], training, n_columns=2), lags)


def follow(series: pd.DataFrame, state: State) -> Path:
    """Filter the rows after the state's date, each from what was known up to it.

    With ``x_t = B_t z_t + u_t``, z_t the p rows before, forgetting factors f and g, H = I kron z_t'
    (Koop and Korobilis 2014; Antonakakis, Chatziantoniou and Gabauer 2020)::

        P_(t|t-1) = P_(t-1) / f                    e_t = x_t - B_(t-1) z_t
        Q_t = g Q_(t-1) + (1 - g) e_t e_t'         F = H P H' + Q_t
        vec B_t = vec B_(t-1) + P H' F^-1 e_t      P_t = P - P H' F^-1 H P

    The first p rows after the first take 0.1 x_t x_t' for e_t e_t', and leave B alone. If B_t would
    explode, B_(t-1) is published again and the filter goes on from 0.99 B_(t-1).

    Parameters
    ----------
    series : DataFrame
        Of the state's series. Rows up to the state's date are passed over, so that the whole
        frame, or the new rows alone, can be given.
    state : State
        Of `initial_state`, or of a path before. It is not changed.

    Returns
    -------
    Path
        One entry per new row, those of the training block too.

    Raises
    ------
    SeriesError
        If a new row is missing or infinite, or its forecast has no invertible covariance.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.bdate_range("2025-01-20", periods=60)
    >>> random = np.random.default_rng(7)
    >>> two = pd.DataFrame(random.normal(0, 0.01, (60, 2)), days, ["XLK", "XLU"])
    >>> whole = follow(two, initial_state(two, training=40))
    >>> before = follow(two[:59], initial_state(two, training=40))
    >>> last = follow(two[59:], before.state)
    >>> bool((last.coefficients == whole.coefficients[59:]).all())
    True
    """
    new = _new_rows(series, state)
    values = new.to_numpy(dtype=np.float64) - state.level
    moving = _Filter(state)
    n, k = values.shape
    coefficients = np.empty((n, k, k * state.lags))
    covariance = np.empty((n, k, k))
    radius = np.empty(n)
    for place, row in enumerate(values):
        try:
            radius[place] = moving.step(row)
        except np.linalg.LinAlgError as error:
            raise SeriesError(_degenerate(new, place, moving.q)) from error
        coefficients[place], covariance[place] = moving.published, moving.q
    after = replace(
        state,
        date=new.index[-1] if n else state.date,
        n_rows=moving.t,
        recent=moving.z.reshape(state.lags, k),
        coefficients=moving.b,
        coefficient_covariance=moving.p,
        error_covariance=moving.q,
        published=moving.published,
    )
    return Path(new.index, coefficients, covariance, radius, after)


def _new_rows(series: pd.DataFrame, state: State) -> pd.DataFrame:
    if tuple(series.columns) != state.names:
        raise SeriesError(f"the state is of {state.names}, not of {tuple(series.columns)}")
    new = series if state.date is None else series.loc[series.index > state.date]
    if not (new.index.is_monotonic_increasing and new.index.is_unique):
        raise SeriesError("the dates are not in ascending order, or one stands there twice")
    values = new.to_numpy(dtype=np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        raise SeriesError(next(unfit(new, values)))
    return new


def _degenerate(series: pd.DataFrame, place: int, covariance: NDArray[np.float64]) -> str:
    least = int(np.argmin(np.diag(covariance)))
    return (
        f"the covariance of the forecast of {series.index[place]} has no inverse: the errors of "
        f"{series.columns[least]} have the least variance, {covariance[least, least]:.3g}"
    )
