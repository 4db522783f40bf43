"""Conditional betas as they were known at the time: re-estimated on the way, no row ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selloff.series import matrix
from selloff.tails.dcc import conditional_betas, fit_dcc

if TYPE_CHECKING:
    import pandas as pd

    from selloff.tails.dcc import DccFit


@dataclass(frozen=True, slots=True, eq=False)
class KnownBetas:
    """Betas by date, and the estimates that they follow from.

    Parameters
    ----------
    betas : DataFrame
        Row t holds the betas for the session after t; the first row is that of the first estimate.
    fits : dict of DccFit
        By the last of the rows that each rests on; to be looked at for those that did not converge
        (`is_converged`) or could as well have been others (`is_ambiguous`).
    """

    betas: pd.DataFrame
    fits: dict[Any, DccFit]


def betas_as_known(
    series: pd.DataFrame, market: Any, *, window: int = 1_000, every: int = 21
) -> KnownBetas:
    r"""Estimate a DCC every so often on the rows before, and filter betas from it until the next.

    ``beta_{i,t+1} = rho_{im,t+1} sigma_{i,t+1} / sigma_{m,t+1}`` for every t from the first
    estimate on, from the returns up to t and the parameters of the last estimate at or before t.
    About 50 ms per estimate for two series, and 1 s for eleven.

    Parameters
    ----------
    series : DataFrame
        Returns, one row per session; fractions, none missing. The market and the series.
    market : column
        Which of them is the market.
    window : int
        Rows of an estimate, the last of them the row it is first used at.
    every : int
        Rows from one estimate to the next.

    Returns
    -------
    KnownBetas
        Later rows change none of the earlier ones.

    Raises
    ------
    SeriesError
        If a column is unfit (`selloff.series.matrix`), or there are fewer rows than `window`, or
        than `fit_dcc` needs.
    ValueError
        If `every` is below 1.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> rng = np.random.default_rng(1)
    >>> market = rng.normal(0, 0.01, 320)
    >>> frame = pd.DataFrame({"SPY": market, "XLF": 1.4 * market + rng.normal(0, 0.003, 320)})
    >>> known = betas_as_known(frame, "SPY", window=300, every=10)
    >>> list(known.fits), known.betas.shape, bool(1.2 < known.betas["XLF"].mean() < 1.6)
    ([299, 309, 319], (21, 1), True)
    """
    import pandas as pd

    if every < 1:
        raise ValueError(f"an estimate every {every} rows")
    matrix(series, window, 2)
    fits, parts = {}, []
    for end in range(window, len(series) + 1, every):
        first = end - window
        fitted = fit_dcc(series.iloc[first:end])
        fits[series.index[end - 1]] = fitted
        until = series.iloc[first : end + every - 1]
        parts.append(conditional_betas(until, fitted.parameters, market).iloc[window - 1 :])
    return KnownBetas(pd.concat(parts), fits)
