"""How abnormal returns build up over a window: summed, or as a holder of the shares saw them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from selloff.event_study.sample import Sample


class Path(NamedTuple):
    """Cumulative abnormal returns, row by row.

    Parameters
    ----------
    car : array of shape (N, L)
        Sum up to and including each row; NaN before the first valid row.
    standard_error : array of shape (N, L)
        Exact, over the rows included.
    """

    car: NDArray[np.float64]
    standard_error: NDArray[np.float64]


def car_path(sample: Sample, first: int, last: int) -> Path:
    """Cumulate abnormal returns from `first` to each row of a window, with exact errors.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included; L rows.

    Returns
    -------
    Path
        A missing row adds nothing, neither to the sum nor to its variance.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 4.4.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_prices
    >>> from selloff.event_study.studies import study
    >>> prices = pd.DataFrame({"NVDA": [99.0, 101, 99, 101, 99, 100, 83, 91]})
    >>> asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [6]})
    >>> days = Windows(first=-5, last=-1, event_first=0, event_last=1, minimum=4)
    >>> sample = study(panel_of_prices(prices, kind="simple"), asked, RAW, days).sample
    >>> found = car_path(sample, 0, 1)
    >>> found.car.round(3).tolist(), found.standard_error.round(3).tolist()
    ([[-0.17, -0.074]], [[0.02, 0.029]])
    """
    columns = sample.columns(first, last)
    abnormal = sample.abnormal[:, columns]
    valid = np.isfinite(abnormal)
    n_rows = valid.cumsum(axis=1)
    car = np.where(valid, abnormal, 0.0).cumsum(axis=1)
    away = np.where(valid[:, :, None], sample.loadings[:, columns], 0.0).cumsum(axis=1)
    error = sample.sigma[:, None] * np.sqrt(n_rows + (away * away).sum(axis=2))
    return Path(np.where(n_rows > 0, car, np.nan), np.where(n_rows > 0, error, np.nan))


def bhar_path(
    sample: Sample, first: int, last: int, *, is_log: bool = False
) -> NDArray[np.float64]:
    """Return the buy-and-hold abnormal return from the close before a window to each of its rows.

    ``BHAR_t = prod(1 + R) - prod(1 + E R)`` over the rows up to t: what a holder gained since the
    close before row `first`, beyond what was expected.

    Parameters
    ----------
    sample : Sample
        Of N events.
    first, last : int
        Relative rows, both included; L rows.
    is_log : bool
        Whether the returns of the sample are log returns; else they are simple ones.

    Returns
    -------
    array of shape (N, L)
        Fractions, negative when the holder lost; a missing row is left out of both products; NaN
        before the first valid row.

    Raises
    ------
    ValueError
        If the window is not within the event rows.

    References
    ----------
    Barber and Lyon (1997), Detecting long-run abnormal stock returns, JFE 43, 341-372.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_prices
    >>> from selloff.event_study.studies import study
    >>> prices = pd.DataFrame({"NVDA": [99.0, 101, 99, 101, 99, 100, 83, 91]})
    >>> asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [6]})
    >>> days = Windows(first=-5, last=-1, event_first=0, event_last=1, minimum=4)
    >>> sample = study(panel_of_prices(prices, kind="simple"), asked, RAW, days).sample
    >>> bhar_path(sample, 0, 1).round(2).tolist()
    [[-0.17, -0.09]]
    """
    columns = sample.columns(first, last)
    valid = np.isfinite(sample.abnormal[:, columns])
    returns = np.where(valid, sample.returns[:, columns], 0.0)
    expected = np.where(valid, returns - sample.abnormal[:, columns], 0.0)
    if is_log:
        held, benchmark = np.exp(returns.cumsum(axis=1)), np.exp(expected.cumsum(axis=1))
    else:
        held, benchmark = (1 + returns).cumprod(axis=1), (1 + expected).cumprod(axis=1)
    return np.where(valid.cumsum(axis=1) > 0, held - benchmark, np.nan)


def bhar(sample: Sample, first: int, last: int, *, is_log: bool = False) -> NDArray[np.float64]:
    """Return the buy-and-hold abnormal return over a window.

    Parameters
    ----------
    sample, first, last, is_log
        As for `bhar_path`.

    Returns
    -------
    array of shape (N,)
        The last row of `bhar_path`.

    Raises
    ------
    ValueError
        As `bhar_path`.

    Examples
    --------
    >>> import pandas as pd
    >>> from selloff.event_study.events import Windows
    >>> from selloff.event_study.models import RAW
    >>> from selloff.event_study.panels import panel_of_prices
    >>> from selloff.event_study.studies import study
    >>> prices = pd.DataFrame({"NVDA": [99.0, 101, 99, 101, 99, 100, 83, 91]})
    >>> asked = pd.DataFrame({"listing_id": ["NVDA"], "session_date": [6]})
    >>> days = Windows(first=-5, last=-1, event_first=0, event_last=1, minimum=4)
    >>> bhar(study(panel_of_prices(prices), asked, RAW, days).sample, 0, 1, is_log=True).round(2)
    array([-0.09])
    """
    return bhar_path(sample, first, last, is_log=is_log)[:, -1]
