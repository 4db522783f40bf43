"""Granger networks of rolling windows: when links come and go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._window_sums import window_ends
from selloff.network._pairs import Pairs, regressed
from selloff.network.granger import BANDWIDTH, GrangerNetwork
from selloff.network.links import grouped
from selloff.network.pair_tests import PairTests, bandwidth_of, enough_rows, tested
from selloff.series import matrix

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    Prefilter = Callable[[NDArray[np.float64]], NDArray[np.float64]]

# Cells of an array computed at once: one window of 11 series and 252 rows, or nine of four. With
# more the arrays leave the cache: eight windows of 11 series took twice the time of each alone.
CHUNK_CELLS = 36_000
ARRAYS = (*Pairs._fields, "p_value", "adjusted_p_value")


@dataclass(frozen=True, slots=True)
class RollingGranger(PairTests):
    """Granger networks of N windows of k series; the arrays are [window, source, target].

    Parameters
    ----------
    names, wald, f, p_value, adjusted_p_value, coefficient, standard_error, n, lags, bandwidth
        As in `PairTests`; the arrays are of shape (N, k, k).
    dates : Index
        Last row of each window.
    """

    dates: pd.Index[Any]

    def __len__(self) -> int:
        return len(self.dates)

    def networks(
        self, *, level: float = 0.05, groups: Mapping[Hashable, Hashable] | None = None
    ) -> Iterator[GrangerNetwork]:
        """Yield the network of each window, in time order.

        Parameters
        ----------
        level : float
            False discovery rate at which a link is one, of each window by itself.
        groups : mapping, optional
            From the name of each series to its group.

        Yields
        ------
        GrangerNetwork
            The same as `granger_network` of the window's rows.

        Examples
        --------
        >>> import pandas as pd
        >>> random = np.random.default_rng(27)
        >>> leader = random.normal(0, 0.01, 300)
        >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
        >>> frame = pd.DataFrame({"US": leader, "CN": follower})
        >>> [each.density for each in rolling_granger(frame, 250, since=298).networks()]
        [0.5, 0.5]
        """
        by_series = None if groups is None else grouped(self.names, groups)
        for at in range(len(self)):
            yield GrangerNetwork(
                names=self.names,
                **{name: getattr(self, name)[at] for name in ARRAYS},
                n=self.n,
                lags=self.lags,
                bandwidth=self.bandwidth,
                level=level,
                groups=by_series,
            )

    def measures(
        self, *, level: float = 0.05, groups: Mapping[Hashable, Hashable] | None = None
    ) -> pd.DataFrame:
        """Return what describes each window's network as a whole.

        Parameters
        ----------
        level : float
            False discovery rate at which a link is one, of each window by itself.
        groups : mapping, optional
            From the name of each series to its group.

        Returns
        -------
        DataFrame
            One row per window: n_edges; n_tested, the pairs that have a test (fewer than k (k - 1)
            where lags stand still or are collinear); density, of all pairs; cross_group_share.

        Examples
        --------
        >>> import pandas as pd
        >>> random = np.random.default_rng(27)
        >>> leader = random.normal(0, 0.01, 300)
        >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
        >>> frame = pd.DataFrame({"US": leader, "CN": follower})
        >>> found = rolling_granger(frame, 250, since=298).measures()
        >>> found[["n_edges", "n_tested", "density"]].values.tolist()
        [[1.0, 2.0, 0.5], [1.0, 2.0, 0.5]]
        """
        import pandas as pd

        edges = self.adjusted_p_value <= level
        possible = len(self.names) * (len(self.names) - 1)
        n_edges = edges.sum(axis=(1, 2))
        each = self.networks(level=level, groups=groups)
        across = [one.cross_group_share for one in each] if groups is not None else np.nan
        return pd.DataFrame(
            {
                "n_edges": n_edges,
                "n_tested": np.isfinite(self.wald).sum(axis=(1, 2)),
                "density": n_edges / possible,
                "cross_group_share": across,
            },
            self.dates,
        )

    def links(self, *, level: float = 0.05) -> pd.DataFrame:
        """Return one row per window and ordered pair: date, and the columns of a network's links.

        Parameters
        ----------
        level : float
            False discovery rate at which a link is one, of each window by itself.

        Returns
        -------
        DataFrame
            date (the window's last), source, target, statistic, p_value, adjusted_p_value,
            coefficient, standard_error, n, is_edge.

        Examples
        --------
        >>> import pandas as pd
        >>> random = np.random.default_rng(27)
        >>> leader = random.normal(0, 0.01, 300)
        >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
        >>> frame = pd.DataFrame({"US": leader, "CN": follower})
        >>> found = rolling_granger(frame, 250, since=299).links()
        >>> found[["date", "source", "target", "is_edge"]].values.tolist()
        [[299, 'US', 'CN', True], [299, 'CN', 'US', False]]
        """
        found = self.as_rows(self.adjusted_p_value <= level)
        possible = len(self.names) * (len(self.names) - 1)
        found.insert(0, "date", self.dates.repeat(possible))
        return found


def rolling_granger(
    series: pd.DataFrame,
    window: int,
    *,
    lags: int = 1,
    bandwidth: int | None = BANDWIDTH,
    since: Any = None,
    until: Any = None,
    prefilter: Prefilter | None = None,
) -> RollingGranger:
    """Test all ordered pairs of series in every window, as `granger_network` in one.

    The window of date t is the `window` rows up to and with t, of which the first `lags` serve as
    lags alone. A window knows nothing of rows after it, nor of other windows.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).
    window : int
        Rows of a window.
    lags, bandwidth : int
        As in `granger_network`.
    since, until : label of the index, optional
        Windows that end in these dates, both included; the same to the last bit as with all others.
    prefilter : callable, optional
        What to make of a window's returns, of shape (window, k), before they are tested, such as
        returns over the volatilities of a GARCH(1,1) fitted to each (Billio et al.). It is given
        one window at a time and so cannot look ahead; Newey-West does without it.

    Returns
    -------
    RollingGranger
        Of all windows. A pair is NaN in the windows in which a lag of it stands still or is
        collinear; the others are not affected.

    Raises
    ------
    SeriesError
        If the frame is unfit, or the window too short for the lags and the bandwidth.
    ValueError
        If lags or bandwidth are none.

    References
    ----------
    Billio, Getmansky, Lo and Pelizzon (2012), Journal of Financial Economics 104(3).

    Examples
    --------
    >>> import pandas as pd
    >>> random = np.random.default_rng(27)
    >>> leader = random.normal(0, 0.01, 300)
    >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
    >>> found = rolling_granger(pd.DataFrame({"US": leader, "CN": follower}), 250, since=298)
    >>> found.coefficient[:, 0, 1].round(1).tolist()
    [0.5, 0.5]
    """
    values = matrix(series, window, 2)
    n = enough_rows(window, lags, bandwidth)
    width = bandwidth_of(n, bandwidth)
    ends = window_ends(series, window, since, until)
    found = _windows(values, window, ends, prefilter, (lags, width))
    return RollingGranger(
        names=tuple(series.columns),
        **tested(found, n, lags, width),
        n=n,
        lags=lags,
        bandwidth=width,
        dates=series.index[ends],
    )


def _windows(
    values: NDArray[np.float64],
    window: int,
    ends: NDArray[np.int64],
    prefilter: Prefilter | None,
    terms: tuple[int, int],
) -> Pairs:
    """Regress the pairs of each window, some windows at a time."""
    width = values.shape[1]
    found = Pairs(*(np.empty((len(ends), width, width)) for _ in Pairs._fields))
    views = np.lib.stride_tricks.sliding_window_view(values, window, axis=0).swapaxes(1, 2)
    chunk = max(1, CHUNK_CELLS // (width * width * window * terms[0]))
    for start in range(0, len(ends), chunk):
        rows = views[ends[start : start + chunk] - window + 1]
        if prefilter is not None:
            rows = np.stack([prefilter(each) for each in rows])
        for whole, part in zip(found, regressed(rows, *terms), strict=True):
            whole[start : start + chunk] = part
    return found
