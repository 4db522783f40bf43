"""Granger networks: which series' past helps to predict which other's returns, and which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from selloff.network._pairs import regressed
from selloff.network.centralities import centralities
from selloff.network.links import cross_group_share, density, grouped
from selloff.network.pair_tests import PairTests, bandwidth_of, enough_rows, tested
from selloff.series import matrix

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

# A week of sessions: what moves volatility from one to the next is mostly over.
BANDWIDTH = 5


@dataclass(frozen=True, slots=True)
class GrangerNetwork(PairTests):
    """Tests of all ordered pairs of k series in one window; rows are sources, columns targets.

    Parameters
    ----------
    names, wald, f, p_value, adjusted_p_value, coefficient, standard_error, n, lags, bandwidth
        As in `PairTests`; the arrays are of shape (k, k).
    level : float
        False discovery rate at which a link is one.
    groups : tuple, optional
        The group of each series.
    """

    level: float = 0.05
    groups: tuple[Hashable, ...] | None = None

    @property
    def adjacency(self) -> NDArray[np.bool_]:
        """Whether row leads column: adjusted p-value at most `level`."""
        found: NDArray[np.bool_] = self.adjusted_p_value <= self.level
        return found

    @property
    def density(self) -> float:
        """Links over possible links: the degree of Granger causality."""
        return density(self.adjacency)

    @property
    def cross_group_share(self) -> float:
        """Share of the links that join different groups; NaN without links or groups."""
        if self.groups is None:
            return float("nan")
        return cross_group_share(self.adjacency, self.groups)

    def links(self) -> pd.DataFrame:
        """Return one row per ordered pair, in the order of sources and, in each, of targets.

        Returns
        -------
        DataFrame
            source, target, statistic (Wald), p_value, adjusted_p_value, coefficient,
            standard_error, n, is_edge.

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> random = np.random.default_rng(27)
        >>> leader = random.normal(0, 0.01, 300)
        >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
        >>> network = granger_network(pd.DataFrame({"US": leader, "CN": follower}))
        >>> network.links()[["source", "target", "is_edge"]].values.tolist()
        [['US', 'CN', True], ['CN', 'US', False]]
        """
        return self.as_rows(self.adjacency)

    def centralities(self) -> pd.DataFrame:
        """Return the centralities of each series (`selloff.network.centralities`).

        Examples
        --------
        >>> import numpy as np, pandas as pd
        >>> random = np.random.default_rng(27)
        >>> leader = random.normal(0, 0.01, 300)
        >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
        >>> network = granger_network(pd.DataFrame({"US": leader, "CN": follower}))
        >>> network.centralities()[["out_degree", "in_degree"]].values.tolist()
        [[1, 0], [0, 1]]
        """
        import pandas as pd

        names = list(self.names)
        groups = None if self.groups is None else dict(zip(names, self.groups, strict=True))
        return centralities(pd.DataFrame(self.adjacency, names, names), groups)


def granger_network(
    series: pd.DataFrame,
    *,
    lags: int = 1,
    bandwidth: int | None = BANDWIDTH,
    level: float = 0.05,
    groups: Mapping[Hashable, Hashable] | None = None,
) -> GrangerNetwork:
    """Test, for each ordered pair of series, whether the past of one helps to predict the other.

    For source i and target j, on n rows::

        r_j,t = a + sum_{s=1..p} b_s r_j,t-s + sum_{s=1..p} c_s r_i,t-s + e_t
        Wald  = c' V^(-1) c,   V the Newey-West covariance of c

    with Bartlett's weights ``1 - h / (L + 1)`` and the factor n / (n - 2 p - 1), as R's sandwich.
    A link is a pair whose p-value, adjusted for all k (k - 1) pairs, is at most `level`. It says
    that knowing i helps to predict j, not why: both may follow a third, and of markets that close
    at different hours the later one's close is news to the earlier one's next session.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session, one column per series; complete (`selloff.series.matrix`).
    lags : int
        Lags p of target and source, at least 1.
    bandwidth : int, optional
        Lags L over which errors may be correlated with each other's size: 0 for none (White), 5 by
        default, a week of sessions; None for the rule ``floor(4 (n / 100)^(2/9))``, which gives 4
        for a year of sessions and 5 from 274.
    level : float
        False discovery rate, between 0 and 1.
    groups : mapping, optional
        From the name of each series to its group.

    Returns
    -------
    GrangerNetwork
        Of the whole frame.

    Raises
    ------
    SeriesError
        If the frame is unfit or too short for the lags and the bandwidth.
    ValueError
        If lags, bandwidth or level are none, or a series has no group.

    References
    ----------
    Granger (1969), Econometrica 37(3); Billio, Getmansky, Lo and Pelizzon (2012), Journal of
    Financial Economics 104(3); Newey and West (1987, 1994), Econometrica 55(3) and Review of
    Economic Studies 61(4).

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> random = np.random.default_rng(27)
    >>> leader = random.normal(0, 0.01, 300)
    >>> follower = 0.5 * np.roll(leader, 1) + random.normal(0, 0.01, 300)
    >>> network = granger_network(pd.DataFrame({"US": leader, "CN": follower}))
    >>> network.adjacency.tolist(), round(float(network.coefficient[0, 1]), 1)
    ([[False, True], [False, False]], 0.5)
    """
    values = matrix(series, n_columns=2)
    n = enough_rows(len(values), lags, bandwidth)
    width = bandwidth_of(n, bandwidth)
    if not 0 < level < 1:
        raise ValueError(f"a false discovery rate is between 0 and 1, not {level}")
    found = tested(regressed(values, lags, width), n, lags, width)
    return GrangerNetwork(
        names=tuple(series.columns),
        **found,
        n=n,
        lags=lags,
        bandwidth=width,
        level=level,
        groups=None if groups is None else grouped(series.columns, groups),
    )
