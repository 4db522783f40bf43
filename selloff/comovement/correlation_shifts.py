"""Shifts of correlation: whether markets moved together more than constant linkages explain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.comovement.adjusted_correlations import CorrelationShift, Moments, shift_of_moments
from selloff.comovement.periods import moments, periods, place_of
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.series import SeriesError

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

    from selloff.comovement.adjusted_correlations import Adjustment
    from selloff.comovement.periods import Period


def correlation_shift(
    source: ArrayLike,
    target: ArrayLike,
    *,
    stable: Period,
    turmoil: Period,
    adjusts: Adjustment = "source",
) -> CorrelationShift:
    """Test whether two series moved together more in turmoil than constant linkage explains.

    The formulas are those of `shift_of_moments`.

    Parameters
    ----------
    source, target : Series or array of shape (n,)
        Returns as fractions, row by row on the same dates. `source` is where the shock began.
    stable, turmoil : slice or boolean array
        The periods: a slice of labels, both ends included (of row numbers, for arrays), or one
        boolean per row. They share no row.
    adjusts : {"source", "target", "none"}
        Whose rise of variance is taken out of the turmoil's correlation.

    Returns
    -------
    CorrelationShift
        Of one number per field.

    Raises
    ------
    SeriesError
        If a value is missing, the periods share rows, or one has fewer than four.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> calm = np.arange(300) < 250
    >>> us = rng.normal(0, 0.01, 300) * np.where(calm, 1, 3)
    >>> jp = 0.5 * us + rng.normal(0, 0.01, 300)
    >>> found = correlation_shift(us, jp, stable=calm, turmoil=~calm)
    >>> [round(float(each[0]), 1) for each in (found.correlation_stable, found.correlation_turmoil)]
    [0.5, 0.8]
    >>> bool(found.linkage_p_value[0] < 0.05)
    False
    """
    import pandas as pd

    index = getattr(source, "index", None)
    both = pd.DataFrame({"source": source, "target": target}, index=index)
    return _shift(both, "source", (stable, turmoil), adjusts, None)


def correlation_shifts(
    series: pd.DataFrame,
    source: Any,
    *,
    stable: Period,
    turmoil: Period,
    adjusts: Adjustment = "source",
    filtered: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Test every series but the source for a rise of its correlation with the source.

    The formulas are those of `shift_of_moments`.

    Parameters
    ----------
    series : DataFrame
        Returns as fractions; rows are dates in ascending order, columns are series.
    source : label
        The column in which the shock began.
    stable, turmoil : slice or boolean array
        The periods: a slice of labels, both ends included, or one boolean per row of `series`.
    adjusts : {"source", "target", "none"}
        Whose rise of variance is taken out of the turmoil's correlation.
    filtered : callable, optional
        Makes residuals of `series`, for instance of a vector autoregression fitted on it: what the
        authors correlate. The frame returned has some of the dates.

    Returns
    -------
    DataFrame
        A row per target: `target`, the fields of `CorrelationShift`, and `adjusted_p_value` and
        `adjusted_linkage_p_value` (Benjamini and Hochberg's over the targets).

    Raises
    ------
    SeriesError
        If there is no such source or no target, a value is missing, the periods share rows, or one
        has fewer than four.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(3)
    >>> days = pd.bdate_range("2024-01-02", periods=300)
    >>> turmoil = np.arange(300) >= 250
    >>> us = rng.normal(0, 0.01, 300) * np.where(turmoil, 3, 1)
    >>> noise = rng.normal(0, 0.01, (2, 300))
    >>> linked = 0.3 * us + noise[0]
    >>> struck = np.where(turmoil, 0.9, 0.3) * us + noise[1]
    >>> frame = pd.DataFrame({"US": us, "JP": linked, "DE": struck}, days)
    >>> found = correlation_shifts(frame, "US", stable=~turmoil, turmoil=turmoil)
    >>> (found.set_index("target")["adjusted_linkage_p_value"] < 0.01).to_dict()
    {'JP': False, 'DE': True}
    """
    import pandas as pd

    found = _shift(series, source, (stable, turmoil), adjusts, filtered)
    place = place_of(series, source)
    targets = [name for number, name in enumerate(series.columns) if number != place]
    columns = {name: getattr(found, name) for name in CorrelationShift.__slots__}
    return pd.DataFrame(
        {
            "target": targets,
            **columns,
            "adjusted_p_value": benjamini_hochberg(found.p_value),
            "adjusted_linkage_p_value": benjamini_hochberg(found.linkage_p_value),
        }
    )


def _shift(
    series: pd.DataFrame,
    source: Any,
    cut: tuple[Period, Period],
    adjusts: Adjustment,
    filtered: Callable[[pd.DataFrame], pd.DataFrame] | None,
) -> CorrelationShift:
    if len(series.columns) < 2:  # noqa: PLR2004 - a source and a target
        raise SeriesError(f"{len(series.columns)} series, a source and a target are needed")
    place = place_of(series, source)
    stable, turmoil = (
        _moments_of(values, place) for values in periods(series, *cut, filtered=filtered)
    )
    return shift_of_moments(stable, turmoil, adjusts=adjusts)


def _moments_of(values: NDArray[np.float64], place: int) -> Moments:
    deviations, correlations = moments(values)
    others = np.arange(values.shape[1]) != place
    source = np.full(others.sum(), deviations[place])
    n = np.full(others.sum(), len(values))
    return Moments(correlations[others, place], source, deviations[others], n)
