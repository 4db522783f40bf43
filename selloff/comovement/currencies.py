"""Currencies: returns of markets in one money, so that a rate is not taken for a market's move."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff.series import SeriesError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def in_common_currency(
    series: pd.DataFrame,
    rates: pd.DataFrame,
    currencies: Mapping[Any, str],
    *,
    base: str = "USD",
    patience: int = 7,
) -> pd.DataFrame:
    r"""Return log returns in a common currency.

    ``r*_t = r_t + log(rate_t / rate_s)``, s the series' own session before t and rate the last one
    known on a session's date, in units of the base per unit of the series' currency.

    Parameters
    ----------
    series : DataFrame
        Log returns as fractions, each since that series' own session before; NaN where it has none.
        Rows are dates in ascending order (a DatetimeIndex, as that of `rates`).
    rates : DataFrame
        Units of the base per unit of currency, above 0; rows are dates in ascending order, columns
        currencies. NaN where there is no rate.
    currencies : mapping of label to str
        Currency of each series.
    base : str
        The common currency; it needs no column.
    patience : int
        Days for which a rate holds: a session without a rate of the last `patience` days is
        refused, not converted at an old one.

    Returns
    -------
    DataFrame
        Shape and labels of `series`; NaN where it is. The first session of a series in another
        currency is NaN: no rate of the session before is known.

    Raises
    ------
    SeriesError
        If a series has no currency, a currency no column, a rate is not above 0, or a session has
        no rate; the message names series, date and currency.

    Notes
    -----
    Rates of a date are taken as of that date, at whatever hour they were quoted: a rate fixed after
    a market's close is news that its return does not hold.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2025-01-24", "2025-01-27", "2025-01-28"])
    >>> local = pd.DataFrame({"US": [0.01, -0.01, 0.02], "JP": [0.0, 0.01, 0.0]}, days)
    >>> yen = pd.DataFrame({"JPY": [0.0064, 0.0065, 0.0064]}, days)
    >>> found = in_common_currency(local, yen, {"US": "USD", "JP": "JPY"})
    >>> found.round(4).to_numpy().tolist()
    [[0.01, nan], [-0.01, 0.0255], [0.02, -0.0155]]
    """
    import pandas as pd

    found = {}
    for name in series.columns:
        if name not in currencies:
            raise SeriesError(f"{name} has no currency")
        currency, own = currencies[name], series[name]
        if currency == base:
            found[name] = own
            continue
        sessions = own.index[own.notna()]
        rate = _rates_on(sessions, rates, currency, patience, str(name))
        change = pd.Series(np.log(rate), sessions).diff()
        found[name] = own + change.reindex(own.index)
    return pd.DataFrame(found, index=series.index).set_axis(series.columns, axis=1)


def _rates_on(
    sessions: pd.Index[Any], rates: pd.DataFrame, currency: str, patience: int, name: str
) -> Any:
    import pandas as pd

    if currency not in rates.columns:
        raise SeriesError(f"{name} is in {currency}, for which there are no rates")
    if not rates.index.is_monotonic_increasing:
        raise SeriesError("the dates of the rates are not in ascending order")
    known = rates[currency].dropna()
    if (known <= 0).any():
        raise SeriesError(f"a rate of {currency} is {known[known <= 0].iloc[0]}, not above 0")
    places = known.index.searchsorted(sessions, side="right") - 1
    is_known = places >= 0
    age = pd.Series(pd.Timedelta.max, index=sessions)
    age[is_known] = sessions[is_known] - known.index[places[is_known]]
    is_stale = (age > pd.Timedelta(days=patience)).to_numpy()
    if is_stale.any():
        day = str(sessions[is_stale][0])[:10]
        raise SeriesError(
            f"{name} has a session on {day} and no {currency} rate for {patience} days"
        )
    return known.to_numpy()[places]
