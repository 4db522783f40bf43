"""Shares of forecast error, window by window, and every measure that is read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MODELS = ("var", "tvp_var", "quantile_var", "band", "r_squared")
DECOMPOSITIONS = ("generalized", "orthogonalized", "joint", "extended_joint", "genizi")


@dataclass(frozen=True, slots=True)
class Conventions:
    """What was done to get the shares, in full: each is a column of a table.

    Parameters
    ----------
    model : str
        One of `MODELS`.
    decomposition : str
        One of `DECOMPOSITIONS`.
    window : int
        Rows that a window takes, all of them used. (R ConnectednessApproach takes away the lags
        first: its 200 rows at 4 lags are our 196.)
    n_rows : int
        Rows of the regressions: the window less the lags.
    lags : int
        Lags of the autoregression.
    horizon : int
        Terms that are summed, h = 0 .. horizon - 1; 0 where the model has none. (R
        frequencyConnectedness sums one more than its `n.ahead`.)
    detail : str
        What else the model was told: quantile, forgetting factors, band, as text.

    Raises
    ------
    ValueError
        If a model or a decomposition has another name.

    Examples
    --------
    >>> Conventions("var", "generalized", window=200, n_rows=196, lags=4, horizon=10).n_rows
    196
    """

    model: str
    decomposition: str
    window: int
    n_rows: int
    lags: int
    horizon: int
    detail: str = ""

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"{self.model!r} is no model: {', '.join(MODELS)}")
        if self.decomposition not in DECOMPOSITIONS:
            known = ", ".join(DECOMPOSITIONS)
            raise ValueError(f"{self.decomposition!r} is no decomposition: {known}")


@dataclass(frozen=True, slots=True, eq=False)
class Spillovers:
    """Who receives what from whom, in each window.

    All measures are fractions of a series' forecast error variance and follow from the shares S
    (rows receive, columns send)::

        from_i = sum_{j != i} S_ij        to_j = sum_{i != j} S_ij        net = to - from
        total  = mean of from             corrected total = total k / (k - 1)

    A window that cannot be estimated has NaN shares, and NaN measures; it stays in its place.

    Parameters
    ----------
    names : tuple of str
        The k series.
    dates : Index
        Last row of each of the n windows.
    shares : array of shape (n, k, k)
        Share of the error variance of row i that comes from shocks to column j; each row sums to
        one. Two exceptions. Of a band, shares are of the variance at all frequencies, and a row
        sums to the band's part. Of the joint decomposition, the own share is what all the others
        together leave, the rest of the table is scaled by one number so that the grand sum is k,
        and only the sum over all rows is k: what a series receives is one less its own share.
    spectral_radius : array of shape (n,)
        Largest modulus of the autoregression's companion matrix; below one it is stable. NaN where
        there is none.
    conventions : Conventions
        How the shares were made.

    Raises
    ------
    ValueError
        If the shapes do not fit.

    References
    ----------
    Diebold and Yilmaz (2012), Better to Give than to Receive, International Journal of Forecasting
    28(1). Chatziantoniou and Gabauer (2021), EMU Risk-synchronisation and Financial Fragility, for
    the corrected total; Gabauer (2021), Dynamic Measures of Asymmetric and Pairwise Connectedness,
    for the pairwise index. The formulas are as R ConnectednessApproach 1.0.4 has them.

    Examples
    --------
    >>> import pandas as pd
    >>> how = Conventions("var", "generalized", window=250, n_rows=249, lags=1, horizon=10)
    >>> day = pd.to_datetime(["2025-01-27"])
    >>> two = Spillovers(("XLK", "XLU"), day, [[[0.75, 0.25], [0.5, 0.5]]], [0.5], how)
    >>> two.from_others.tolist(), two.to_others.tolist(), two.net.tolist()
    ([[0.25, 0.5]], [[0.5, 0.25]], [[0.25, -0.25]])
    >>> two.total.tolist(), two.corrected_total.tolist(), two.is_stable.tolist()
    ([0.375], [0.75], [True])
    """

    names: tuple[str, ...]
    dates: pd.Index
    shares: NDArray[np.float64]
    spectral_radius: NDArray[np.float64]
    conventions: Conventions

    def __post_init__(self) -> None:
        for name in ("shares", "spectral_radius"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), np.float64))
        n, k = len(self.dates), len(self.names)
        if self.shares.shape != (n, k, k) or self.spectral_radius.shape != (n,):
            raise ValueError(
                f"{n} windows of {k} series, but shares of shape {self.shares.shape} and radii of "
                f"shape {self.spectral_radius.shape}"
            )

    @property
    def is_stable(self) -> NDArray[np.bool_]:
        """Whether shocks die out, of shape (n,); False where there is no radius."""
        return np.asarray(self.spectral_radius < 1)

    @property
    def from_others(self) -> NDArray[np.float64]:
        """What each series receives, of shape (n, k)."""
        if self.conventions.decomposition == "joint":
            return 1 - _own(self.shares)
        received: NDArray[np.float64] = _between(self.shares).sum(axis=2)
        return received

    @property
    def to_others(self) -> NDArray[np.float64]:
        """What each series sends, of shape (n, k); may exceed one."""
        sent: NDArray[np.float64] = _between(self.shares).sum(axis=1)
        return sent

    @property
    def net(self) -> NDArray[np.float64]:
        """Return what each series sends less what it receives, of shape (n, k)."""
        return self.to_others - self.from_others

    @property
    def total(self) -> NDArray[np.float64]:
        """Mean of what the series receive, which is that of what they send, of shape (n,)."""
        mean: NDArray[np.float64] = self.from_others.mean(axis=1)
        return mean

    @property
    def corrected_total(self) -> NDArray[np.float64]:
        """Total over (k - 1) / k, of shape (n,), so that systems of any size compare.

        At most one as long as no series receives more from another than from itself, which is
        sure for the generalized decomposition with one term only.
        """
        k = len(self.names)
        return self.total * (k / (k - 1)) if k > 1 else np.full(len(self.dates), np.nan)

    @property
    def net_pairwise(self) -> NDArray[np.float64]:
        """Return S_ij - S_ji, of shape (n, k, k): positive where column j sends to row i in net."""
        return self.shares - self.shares.swapaxes(1, 2)

    @property
    def pairwise_index(self) -> NDArray[np.float64]:
        """Connectedness of two series by themselves, of shape (n, k, k), one on the diagonal.

        ``2 (S_ij + S_ji) / (S_ii + S_ij + S_ji + S_jj)``, from 0 to 1 for two series whose shares
        of each other do not exceed their own.
        """
        own, both = _own(self.shares), self.shares + self.shares.swapaxes(1, 2)
        return _ratio(2 * both, own[:, :, None] + both + own[:, None, :])

    @property
    def influence(self) -> NDArray[np.float64]:
        """How one-sided a pair is, ``|S_ij - S_ji| / (S_ij + S_ji)``, of shape (n, k, k).

        From 0, as much each way, to 1, one way only; NaN between series that exchange nothing.
        """
        return _ratio(np.abs(self.net_pairwise), self.shares + self.shares.swapaxes(1, 2))

    @property
    def n_net_receivers(self) -> NDArray[np.float64]:
        """How many series each one sends to on balance, of shape (n, k)."""
        counts = (self.net_pairwise > 0).sum(axis=1).astype(np.float64)
        return np.where(np.isnan(_own(self.shares)), np.nan, counts)

    def measures(self) -> pd.DataFrame:
        """Return all measures of series and of the whole, a row each.

        Returns
        -------
        DataFrame
            Columns date, name (None for a measure of the whole), measure, value: `from_others`,
            `to_others`, `net`, `n_net_receivers`, then `total`, `corrected_total` and
            `spectral_radius`.

        Examples
        --------
        >>> import pandas as pd
        >>> how = Conventions("var", "generalized", window=250, n_rows=249, lags=1, horizon=10)
        >>> day = pd.to_datetime(["2025-01-27"])
        >>> two = Spillovers(("XLK", "XLU"), day, [[[0.75, 0.25], [0.5, 0.5]]], [0.5], how)
        >>> two.measures().query("measure == 'net'")[["name", "value"]].values.tolist()
        [['XLK', 0.25], ['XLU', -0.25]]
        """
        import pandas as pd

        n, k = len(self.dates), len(self.names)
        names = np.tile(np.array(self.names, dtype=object), n)
        nobody = np.full(n, None, dtype=object)
        frames = [
            _tidy(self.dates.repeat(k), names, measure, getattr(self, measure).ravel())
            for measure in ("from_others", "to_others", "net", "n_net_receivers")
        ]
        frames += [
            _tidy(self.dates, nobody, measure, getattr(self, measure))
            for measure in ("total", "corrected_total", "spectral_radius")
        ]
        return pd.concat(frames, ignore_index=True)

    def links(self) -> pd.DataFrame:
        """Return what each series sends to each other, a row per ordered pair and window.

        Returns
        -------
        DataFrame
            Columns date, source, target, share, net_pairwise (positive where the source gives on
            balance), pairwise_index, influence; source and target differ.

        Examples
        --------
        >>> import pandas as pd
        >>> how = Conventions("var", "generalized", window=250, n_rows=249, lags=1, horizon=10)
        >>> day = pd.to_datetime(["2025-01-27"])
        >>> two = Spillovers(("XLK", "XLU"), day, [[[0.75, 0.25], [0.5, 0.5]]], [0.5], how)
        >>> two.links()[["source", "target", "share", "net_pairwise"]].values.tolist()
        [['XLU', 'XLK', 0.25, -0.25], ['XLK', 'XLU', 0.5, 0.25]]
        """
        import pandas as pd

        n, k = len(self.dates), len(self.names)
        names = np.array(self.names, dtype=object)
        target, source = np.nonzero(~np.eye(k, dtype=bool))
        values = {
            measure: each[:, target, source].ravel()
            for measure, each in (
                ("share", self.shares),
                ("net_pairwise", self.net_pairwise),
                ("pairwise_index", self.pairwise_index),
                ("influence", self.influence),
            )
        }
        return pd.DataFrame(
            {
                "date": self.dates.repeat(len(source)),
                "source": np.tile(names[source], n),
                "target": np.tile(names[target], n),
                **values,
            }
        )


def _own(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    own: NDArray[np.float64] = np.diagonal(shares, axis1=1, axis2=2)
    return own


def _between(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares with what each series owes to itself set to nothing."""
    return np.where(np.eye(shares.shape[1], dtype=bool) & ~np.isnan(shares), 0.0, shares)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, with NaN where there is nothing to divide by."""
    ratio = np.full(below.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio


def _tidy(
    dates: pd.Index, names: NDArray[np.object_], measure: str, values: NDArray[np.float64]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"date": dates, "name": names, "measure": measure, "value": values})
