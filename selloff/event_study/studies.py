"""The front door: a panel and a list of events in, abnormal returns and what was left out, out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from selloff.event_study._rows import Placed, place
from selloff.event_study.events import (
    AFTER,
    TOLERABLE,
    Dropped,
    Reason,
    Rejected,
    Windows,
    overlapping,
)
from selloff.event_study.models import MARKET_MODEL
from selloff.event_study.panels import frames
from selloff.event_study.sample import Sample, taken, together

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from selloff.event_study._fits import Fit, Model
    from selloff.event_study.panels import Panel


class NothingLeftError(ValueError):
    """No event can be judged; `dropped` says why, event by event."""

    def __init__(self, dropped: list[Dropped]) -> None:
        counts = Counter(one.reason.value for one in dropped)
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
        super().__init__(f"no event is left: {why or 'none was asked for'}")
        self.dropped = dropped


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """Events judged by a model.

    Parameters
    ----------
    model : str
        Name of the model.
    sample : Sample
        What every test takes: the events kept, in the order asked for.
    events : DataFrame
        Those events, as they were asked for.
    dropped : DataFrame
        The events left out, as they were asked for, with `reason`.
    fits : DataFrame
        One row per event kept: `n`, `k`, `sigma` (unit of the returns per session), `r_squared`
        (NaN without factors), `alpha` and a slope per factor.
    """

    model: str
    sample: Sample
    events: pd.DataFrame
    dropped: pd.DataFrame
    fits: pd.DataFrame


def study(
    panel: Panel,
    events: pd.DataFrame,
    model: Model = MARKET_MODEL,
    windows: Windows | None = None,
    tolerate: Collection[Reason] = (),
) -> Study:
    """Judge events of listings by what their returns were expected to be.

    Parameters
    ----------
    panel : Panel
        Returns and what may explain them, from `panel_of_prices` or `panel_of_returns`.
    events : DataFrame
        `listing_id` and `session_date` (the exchange's date), one row per event; other columns are
        kept.
    model : Model
        One of `models`, `nonsynchronous` or `garch`.
    windows : Windows, optional
        Estimation and event rows; the defaults of `Windows` without it.
    tolerate : collection of Reason
        Of `halted_on_the_event_day` and `overlapping_events`, what is no reason to drop an event.

    Returns
    -------
    Study
        Nothing from after an event's row enters its estimation.

    Raises
    ------
    NothingLeftError
        If no event is left, with the reasons.
    ValueError
        If the panel lacks what the model needs.

    Examples
    --------
    >>> from selloff.event_study.panels import panel_of_returns
    >>> rng = np.random.default_rng(7)
    >>> days = pd.bdate_range("2024-01-01", periods=300)
    >>> market = pd.Series(rng.normal(0, 0.01, 300), index=days)
    >>> returns = pd.DataFrame({"NVDA": 1.5 * market + rng.normal(0, 0.01, 300)}, index=days)
    >>> returns.loc["2025-01-27"] -= 0.15
    >>> asked = pd.DataFrame({"listing_id": ["NVDA", "AAPL"], "session_date": "2025-01-27"})
    >>> found = study(panel_of_returns(returns, market), asked)
    >>> found.fits["n"].tolist(), found.dropped[["listing_id", "reason"]].to_numpy().tolist()
    ([250], [['AAPL', 'unknown_listing']])
    >>> bool(found.sample.abnormal[0, 5] < -0.1)
    True
    """
    listing = panel.listings.get_indexer(pd.Index(events["listing_id"]))
    date = _places(panel.dates, pd.Index(events["session_date"]))
    found = estimated(panel, listing, date, model, windows, tolerate)
    numbers = [one.event for one in found.dropped]
    reasons = [one.reason.value for one in found.dropped]
    fitted = {
        "n": found.sample.n_estimation,
        "k": found.sample.n_parameters,
        "sigma": found.sample.sigma,
        "r_squared": found.r_squared,
        **found.coefficients,
    }
    kept = events.iloc[found.kept]
    return Study(
        model=model.name,
        sample=found.sample,
        events=kept,
        dropped=events.iloc[numbers].assign(reason=pd.array(reasons, dtype="str")),
        fits=pd.DataFrame(fitted, index=kept.index),
    )


def _places(dates: pd.Index, asked: pd.Index) -> NDArray[np.int64]:
    """Return places on the calendar: -1 between two of its dates, below and beyond outside."""
    if isinstance(dates, pd.DatetimeIndex):
        asked = pd.DatetimeIndex(asked)
    at = dates.get_indexer(asked)
    if len(dates):
        at = np.where(asked < dates[0], -2, np.where(asked > dates[-1], AFTER, at))
    return np.asarray(at, dtype=np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """Events judged, by number.

    Parameters
    ----------
    sample : Sample
        Of the events kept.
    kept : array of shape (N,)
        Their numbers among those asked for, ascending.
    dropped : list of Dropped
        The others, each with its reason.
    coefficients : dict of str to array of shape (N,)
        By name.
    r_squared : array of shape (N,)
        Share of the variance explained; NaN without factors.
    """

    sample: Sample
    kept: NDArray[np.int64]
    dropped: list[Dropped]
    coefficients: dict[str, NDArray[np.float64]]
    r_squared: NDArray[np.float64]


def estimated(
    panel: Panel,
    listing: NDArray[np.int64],
    date: NDArray[np.int64],
    model: Model = MARKET_MODEL,
    windows: Windows | None = None,
    tolerate: Collection[Reason] = (),
) -> Estimated:
    """Judge events given by numbers, without a frame of theirs.

    Parameters
    ----------
    panel : Panel
        As for `study`.
    listing, date : array of shape (n_events,)
        Column of the panel and place on its calendar; a listing of -1 is unknown, a date of -1
        lies between two of the calendar.
    model, windows, tolerate
        As for `study`.

    Returns
    -------
    Estimated
        As `Study`, by number.

    Raises
    ------
    NothingLeftError, ValueError
        As `study`.

    Examples
    --------
    >>> from selloff.event_study.models import CONSTANT_MEAN
    >>> from selloff.event_study.panels import panel_of_returns
    >>> panel = panel_of_returns(pd.DataFrame({"A": [0.0, 0.02] * 9}))
    >>> days = Windows(first=-10, last=-1, event_first=0, event_last=0, minimum=9)
    >>> found = estimated(panel, np.array([0, -1]), np.array([16, 16]), CONSTANT_MEAN, days)
    >>> found.sample.abnormal.round(4).tolist(), found.dropped[0].reason.value
    ([[-0.01]], 'unknown_listing')
    """
    if not set(tolerate) <= TOLERABLE:
        raise ValueError(f"only {' and '.join(sorted(TOLERABLE))} can be tolerated")
    rejected = Rejected(len(listing))
    rejected.add(listing < 0, Reason.UNKNOWN_LISTING)
    parts: list[tuple[NDArray[np.int64], Fit]] = []
    for frame in frames(panel):
        asked = np.flatnonzero(np.isin(listing, frame.listings))
        halted = Reason.HALTED_ON_THE_EVENT_DAY in tolerate
        own, row, found = place(frame, listing[asked], date[asked], keep_halted=halted)
        kept = found.kept
        if len(kept):
            placed = Placed(frame, windows or Windows(), own[kept], row[kept])
            fit = model.fit(placed)
            found.put(kept, fit.rejected)
            parts.append((asked[kept], fit))
        rejected.put(asked, found)
    keep_overlapping = Reason.OVERLAPPING_EVENTS in tolerate
    return _left(parts, rejected, keep_overlapping=keep_overlapping)


def _left(
    parts: list[tuple[NDArray[np.int64], Fit]], rejected: Rejected, *, keep_overlapping: bool
) -> Estimated:
    """Join what the frames gave, without the events that have a reason."""
    if not len(rejected.kept):
        raise NothingLeftError(rejected.dropped)
    numbers = np.concatenate([asked for asked, _ in parts])
    sample = together([fit.sample for _, fit in parts])
    order = np.argsort(numbers, kind="stable")
    order = order[np.isin(numbers[order], rejected.kept)]
    if not keep_overlapping:
        again = _again(sample, order)
        late = np.zeros(rejected.n_events, dtype=bool)
        late[numbers[order[again]]] = True
        rejected.add(late, Reason.OVERLAPPING_EVENTS)
        order = order[~again]
    names = list(dict.fromkeys(name for _, fit in parts for name in fit.coefficients))
    columns = {
        name: np.concatenate([fit.coefficients[name] for _, fit in parts])[order] for name in names
    }
    return Estimated(
        sample=taken(sample, order),
        kept=numbers[order],
        dropped=rejected.dropped,
        coefficients=columns,
        r_squared=np.concatenate([fit.r_squared for _, fit in parts])[order],
    )


def _again(sample: Sample, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which of some events overlap an earlier one of their firm."""
    positions = sample.positions[order]
    first = np.where(positions < 0, AFTER, positions).min(axis=1)
    return overlapping(sample.firms[order], first, positions.max(axis=1))
