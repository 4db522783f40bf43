"""Which part of connectedness passes within days, and which lasts: shares by frequency band."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import rows_between
from selloff.series import matrix
from selloff.spillover.rolling_fits import rolling_fits
from selloff.spillover.spillovers import Conventions, Spillovers
from selloff.spillover.vector_autoregression import fit, refuse_window, spectral_radius

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

PERIODS = (10.0, 40.0)
# The shortest period that one row a day can show (Nyquist).
SHORTEST = 2.0
# A Gauss-Legendre sum over 24 nodes is taken once that over 12 is this near, relative to the row:
# the error falls as the square, to 5e-11 at most in the 2,572 windows of Diebold and Yilmaz (2012).
NODES = 12
NEAR = 1e-7
# 2^-40 of a band: narrower than the peak of a root of 1 - 1e-11.
BISECTIONS = 40
# Values of the transfer function held at once: 1.6 megabytes. Ten times as many take longer.
CHUNK = 100_000


def band_connectedness(
    series: pd.DataFrame,
    *,
    lags: int = 1,
    periods: tuple[float, ...] = PERIODS,
    window: int | None = None,
    since: Any = None,
    until: Any = None,
) -> dict[str, Spillovers]:
    """Return the connectedness of a vector autoregression in each frequency band.

    What passes within `periods[0]` rows, within the next, and what lasts longer than the last of
    them: the shares at an infinite horizon, taken apart (`band_shares`).

    Parameters
    ----------
    series : DataFrame
        One row per date, ascending; one column per series: volatilities or returns, in any unit.
    lags : int
        Lags p.
    periods : tuple of float
        Where bands end, in rows, ascending, above 2: (10, 40) are two weeks and two months of days.
    window : int, optional
        Rows of a window, all of them used; all rows of the frame without it.
    since, until : label of the index, optional
        Only the windows that end from this date, to this date, both included; the same to the last
        bit as without.

    Returns
    -------
    dict
        Of "2 to 10", "10 to 40", "over 40", one table each: shares of the variance at all
        frequencies, which add up over the bands to one per row. `within_band` makes tables of the
        bands alone. NaN where the model is not stable, which has no such shares.

    Raises
    ------
    SeriesError
        If a value is missing, a column does not move or repeats others, or there are too few rows.
    ValueError
        If periods do not ascend from above 2.

    References
    ----------
    Barunik and Krehlik (2018), Measuring the Frequency Dynamics of Financial Connectedness and
    Systemic Risk, Journal of Financial Econometrics 16(2), 271-296.

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(7)
    >>> rows = random.normal(0, 0.01, (400, 2)) + random.normal(0, 0.01, (400, 1))
    >>> for place in range(1, 400):
    ...     rows[place] += 0.9 * rows[place - 1]
    >>> lasting = pd.DataFrame(rows, pd.bdate_range("2024-01-02", periods=400), ["XLK", "XLU"])
    >>> tables = band_connectedness(lasting)
    >>> {name: table.total.round(2).tolist() for name, table in tables.items()}
    {'2 to 10': [0.02], '10 to 40': [0.05], 'over 40': [0.18]}
    """
    length = len(series) if window is None else window
    refuse_window(length, len(series.columns), lags)
    values = matrix(series, length, n_columns=2)
    first, last = rows_between(series.index, length, since, until)
    n, k = max(last - first + 1, 0), values.shape[1]
    coefficients, covariance = np.empty((n, k, k * lags)), np.empty((n, k, k))
    if window is None and n:
        whole = fit(values, lags)
        coefficients[0], covariance[0] = whole.coefficients, whole.covariance
    else:
        for at, fits in rolling_fits(values, length, lags, first, last):
            coefficients[at], covariance[at] = fits
    found = Spillovers(
        tuple(map(str, series.columns)),
        series.index[first : first + n],
        np.full((n, k, k), np.nan),
        spectral_radius(coefficients),
        Conventions("var", "generalized", length, length - lags, lags, 0),
    )
    return by_band(found, coefficients, covariance, periods)


def band_shares(
    coefficients: NDArray[np.float64],
    error_covariance: NDArray[np.float64],
    periods: tuple[float, ...] = PERIODS,
) -> NDArray[np.float64]:
    """Split the forecast error variance at an infinite horizon among pairs of series and bands.

    With ``Psi(w) = (I - sum_j A_j exp(-i w j))^-1``, S the error covariance::

        f_ij(w) = |(Psi(w) S)_ij|^2 / S_jj
        share_ij(band) = int_band f_ij dw / sum_l int_0^pi f_il dw

    The integrals are exact: each band is bisected until Gauss-Legendre sums stand still. Peers add
    up a discrete Fourier transform of 100 to 500 responses, whose bins do not end where a band
    does: on the volatilities of Diebold and Yilmaz (2012) they are off by up to 0.3 points.

    Parameters
    ----------
    coefficients : array of shape (n, k, k p)
        Of n windows: one row per equation, the first k columns for lag 1.
    error_covariance : array of shape (n, k, k)
        S.
    periods : tuple of float
        Where bands end, in rows, ascending, above 2. A period of w is 2 pi / w.

    Returns
    -------
    array of shape (len(periods) + 1, n, k, k)
        Short periods first; rows receive, columns send; over bands and columns a row sums to one.
        NaN where a root lies on or beyond the unit circle: no variance is finite there.

    Raises
    ------
    ValueError
        If periods do not ascend from above 2.

    References
    ----------
    Barunik and Krehlik (2018), Measuring the Frequency Dynamics of Financial Connectedness and
    Systemic Risk, Journal of Financial Econometrics 16(2), 271-296.

    Examples
    --------
    >>> slow = np.array([[[0.9, 0.0], [0.3, 0.2]]])
    >>> shares = band_shares(slow, np.array([[[1.0, 0.5], [0.5, 1.0]]]), (5.0,))
    >>> shares[:, 0].round(3).tolist()
    [[[0.037, 0.009], [0.028, 0.18]], [[0.763, 0.191], [0.419, 0.373]]]
    """
    edges = _edges(periods)
    n, k = coefficients.shape[:2]
    found = np.full((len(edges) - 1, n, k, k), np.nan)
    stable = np.flatnonzero(spectral_radius(coefficients) < 1)
    at_once = max(1, CHUNK // (2 * NODES * k * k))
    for start in range(0, len(stable), at_once):
        some = stable[start : start + at_once]
        systems = coefficients[some], error_covariance[some]
        for place, (high, low) in enumerate(pairwise(edges)):
            found[place, some] = _integral(*systems, (low, high), BISECTIONS)
    found /= np.diagonal(error_covariance, axis1=1, axis2=2)[:, None, :]
    shares: NDArray[np.float64] = found / found.sum(axis=0).sum(axis=-1, keepdims=True)
    return shares


def by_band(
    found: Spillovers,
    coefficients: NDArray[np.float64],
    error_covariance: NDArray[np.float64],
    periods: tuple[float, ...] = PERIODS,
) -> dict[str, Spillovers]:
    """Split the connectedness of systems, however they were fitted, into one table per band.

    Parameters
    ----------
    found : Spillovers
        Of n windows, at any horizon: names, dates, spectral radii and conventions are taken over.
    coefficients : array of shape (n, k, k p)
        As in `band_shares`.
    error_covariance : array of shape (n, k, k)
        As in `band_shares`.
    periods : tuple of float
        Where bands end, in rows, ascending, above 2.

    Returns
    -------
    dict
        "2 to 10", "10 to 40", "over 40": shares of the variance at all frequencies, so that the
        tables of all bands add up to the table at an infinite horizon.

    Examples
    --------
    >>> import pandas as pd
    >>> how = Conventions("var", "generalized", window=250, n_rows=249, lags=1, horizon=10)
    >>> day = pd.to_datetime(["2025-01-27"])
    >>> found = Spillovers(("XLK", "XLU"), day, np.full((1, 2, 2), 0.5), [0.9], how)
    >>> slow = np.array([[[0.9, 0.0], [0.3, 0.2]]])
    >>> tables = by_band(found, slow, np.array([[[1.0, 0.5], [0.5, 1.0]]]), (5.0,))
    >>> {name: float(table.total[0].round(3)) for name, table in tables.items()}
    {'2 to 5': 0.019, 'over 5': 0.305}
    """
    shares = band_shares(coefficients, error_covariance, periods)
    ends = [f"{period:g}" for period in (SHORTEST, *periods)]
    names = [*(" to ".join(pair) for pair in pairwise(ends)), f"over {ends[-1]}"]
    return {
        name: replace(found, shares=table, conventions=_of_band(found, f"periods {name}"))
        for name, table in zip(names, shares, strict=True)
    }


def within_band(found: Spillovers) -> Spillovers:
    """Return the table of a band as if there were no other frequencies.

    All shares are multiplied by one number, ``k / sum of shares``: what is sent and received stays
    in proportion, and the total says how connected the series are within the band.

    Parameters
    ----------
    found : Spillovers
        A table of `by_band`.

    Returns
    -------
    Spillovers
        Shares that sum to k; single rows do not sum to one.

    References
    ----------
    Barunik and Krehlik (2018), as in `band_shares`.

    Examples
    --------
    >>> import pandas as pd
    >>> how = Conventions("band", "generalized", 250, 249, 1, 0, "periods over 40")
    >>> day = pd.to_datetime(["2025-01-27"])
    >>> band = Spillovers(("XLK", "XLU"), day, [[[0.4, 0.1], [0.2, 0.1]]], [0.9], how)
    >>> within_band(band).shares.round(3).tolist(), within_band(band).total.round(3).tolist()
    ([[[1.0, 0.25], [0.5, 0.25]]], [0.375])
    """
    sums = found.shares.sum(axis=(1, 2), keepdims=True)
    how = found.conventions
    return replace(
        found,
        shares=found.shares * (len(found.names) / sums),
        conventions=replace(how, detail=f"{how.detail}, within the band"),
    )


def _of_band(found: Spillovers, name: str) -> Conventions:
    how = found.conventions
    before = "" if how.model == "var" else f", {how.model} of {how.detail}"
    return replace(how, model="band", horizon=0, detail=f"{name}{before}")


def _edges(periods: tuple[float, ...]) -> list[float]:
    wanted = (SHORTEST, *periods)
    if not periods or any(later <= earlier for earlier, later in pairwise(wanted)):
        raise ValueError(f"periods ascend from above {SHORTEST:g} rows, {periods} do not")
    return [2 * np.pi / period for period in wanted] + [0.0]


def _integral(
    coefficients: NDArray[np.float64],
    covariance: NDArray[np.float64],
    band: tuple[float, float],
    bisections: int,
) -> NDArray[np.float64]:
    """Return int_band |Psi S|^2, bisecting the band in the windows whose sums still move."""
    found = _gauss(coefficients, covariance, band, 2 * NODES)
    change = np.abs(found - _gauss(coefficients, covariance, band, NODES))
    # A peak cannot hide between nodes: 1 / w^2 flanks it, which no sum of few nodes gets right.
    moves = (change > NEAR * found.sum(axis=2, keepdims=True)).any(axis=(1, 2))
    some = np.flatnonzero(moves)
    if not len(some):
        return found
    if not bisections:
        found[some] = np.nan
        return found
    middle = (band[0] + band[1]) / 2
    rest = coefficients[some], covariance[some]
    found[some] = _integral(*rest, (band[0], middle), bisections - 1)
    found[some] += _integral(*rest, (middle, band[1]), bisections - 1)
    return found


def _gauss(
    coefficients: NDArray[np.float64],
    covariance: NDArray[np.float64],
    band: tuple[float, float],
    n_nodes: int,
) -> NDArray[np.float64]:
    n, k, width = coefficients.shape
    nodes, weights = _nodes(n_nodes)
    half = (band[1] - band[0]) / 2
    frequencies = band[0] + half * (1 + nodes)
    filtered = np.broadcast_to(np.eye(k, dtype=np.complex128), (n, n_nodes, k, k)).copy()
    for lag in range(1, width // k + 1):
        turned = np.exp(-1j * lag * frequencies)[:, None, None]
        filtered -= turned * coefficients[:, None, :, (lag - 1) * k : lag * k]
    response = np.linalg.solve(filtered, covariance[:, None].astype(np.complex128))
    power = response.real**2 + response.imag**2
    summed: NDArray[np.float64] = half * (weights @ power.reshape(n, n_nodes, k * k))
    return summed.reshape(n, k, k)


@cache
def _nodes(n_nodes: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    return nodes, weights
