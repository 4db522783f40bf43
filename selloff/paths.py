"""The path of cumulative abnormal returns around each event, with confidence bands."""

# ruff: noqa: PD003, PD004 - Ibis, not pandas: its columns know isnull and notnull only

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from selloff._ibis import fetched, looked_up, stacked
from selloff.members import members
from selloff.returns import NOISE_SHARE, NOISE_SIGMA, MarketModel

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

# A session in which fewer than half of a portfolio's usual members traded is another portfolio.
LEAST_SHARE = 0.5

# What a series is of; a sector's name stands in every region.
_UNIT = ("grouping", "unit")
_COLUMNS = (
    "event_id",
    "grouping",
    "group_name",
    "day",
    "session_date",
    "n_listings",
    "abnormal_return",
    "cumulative_abnormal_return",
    "standard_error",
    "band_low",
    "band_high",
    "n_estimation",
    "method",
    "n_flagged",
    "has_simulated_inputs",
    "as_of",
)


@dataclass(frozen=True, slots=True)
class PathWindow:
    """Which days a path has, and how wide its bands are.

    Parameters
    ----------
    before, after : int
        Days before and after the event's own session, day 0.
    level : float
        Coverage of the bands (fraction).
    most : int
        Listings with a path of their own per event: those that lost the most value.
    """

    before: int = 5
    after: int = 20
    level: float = 0.95
    most: int = 100

    def __post_init__(self) -> None:
        if min(self.before, self.after, self.most) < 0 or not 0 < self.level < 1:
            raise ValueError(f"days and listings are counted, a level lies in (0, 1): {self}")


class CarPath(NamedTuple):
    """One series around one event; arrays over its rows from day -before to +after.

    Parameters
    ----------
    days : array of shape (n_rows,)
        Rows relative to the event, 0 for its own; rows that the series does not have are absent.
    abnormal : array of shape (n_rows,)
        Abnormal returns (log points); NaN where the pair is not valid.
    car : array of shape (n_rows,)
        Cumulative abnormal return since the last row before the event (log points): 0 on day -1,
        the sum from day 0 after it, and before it less the sum of the days in between.
    standard_error : array of shape (n_rows,)
        Of `car`, exact under the model; 0 on day -1.
    low, high : array of shape (n_rows,)
        Ends of the confidence band.
    n_estimation : int
        Valid pairs behind the model.
    """

    days: NDArray[np.int64]
    abnormal: NDArray[np.float64]
    car: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_estimation: int


def car_path(
    returns: ArrayLike,
    market: ArrayLike,
    event: int,
    model: MarketModel | None = None,
    window: PathWindow | None = None,
) -> CarPath | None:
    r"""Follow one series around an event, against a market model frozen before it.

    With L valid rows of market returns x cumulated, n estimation rows of mean m and sum of squared
    deviations Sxx, and residual sigma s on n - 2 degrees of freedom::

        Var(CAR) = s^2 (L + L^2 / n + (sum(x) - L m)^2 / Sxx)

    Re-estimating the model from day to day would let the fall itself into the expectation.

    Parameters
    ----------
    returns, market : array of shape (n_rows,)
        Log returns of the series and of its market, row by row; NaN where there is none.
    event : int
        Row of the event.
    model : MarketModel, optional
        Estimation rows before the event and their least number; [-260, -11] and 200 without it.
    window : PathWindow, optional
        Days and level; [-5, +20] and 95% without it.

    Returns
    -------
    CarPath or None
        None where the event row has no pair, too few estimation rows have one, or the market did
        not move in them.

    References
    ----------
    Campbell, Lo and MacKinlay (1997), The Econometrics of Financial Markets, section 4.4. The
    base on day -1 is that of event-study regressions: Freyaldenhoven, Hansen, Perez Perez and
    Shapiro (2021), Visualization, Identification, and Estimation in the Linear Panel Event-Study
    Design, NBER working paper 29170.

    Examples
    --------
    >>> market = [0.01, -0.01, 0.02, -0.02, 0.01, 0.0, 0.0, 0.0]
    >>> returns = [0.012, -0.008, 0.018, -0.022, 0.01, -0.1, 0.03, 0.02]
    >>> path = car_path(returns, market, 5, MarketModel(5, 2, 4), PathWindow(before=1, after=2))
    >>> path.days.tolist()
    [-1, 0, 1, 2]
    >>> path.car.round(4).tolist()
    [0.0, -0.1, -0.07, -0.05]
    >>> (path.high - path.low).round(4).tolist()
    [0.0, 0.0272, 0.0422, 0.0558]
    """
    from scipy import stats

    chosen, around = model or MarketModel(), window or PathWindow()
    y, x = np.asarray(returns, dtype=float), np.asarray(market, dtype=float)
    valid = np.isfinite(y) & np.isfinite(x)
    fit = _fitted(y, x, valid, event, chosen)
    if fit is None or not valid[event]:
        return None
    rows = np.arange(max(event - around.before, 0), min(event + around.after + 1, len(y)))
    days, there = rows - event, valid[rows]
    abnormal = np.where(there, y[rows] - fit.alpha - fit.beta * x[rows], np.nan)
    car = _since_before(days, np.where(there, abnormal, 0.0))
    length = np.abs(_since_before(days, there.astype(float)))
    away = np.abs(_since_before(days, np.where(there, x[rows] - fit.mean_x, 0.0)))
    error = fit.sigma * np.sqrt(length + length**2 / fit.n + away**2 / fit.s_xx)
    width = float(stats.t.ppf((1 + around.level) / 2, fit.n - 2)) * error
    return CarPath(days, abnormal, car, error, car - width, car + width, fit.n)


class _Fit(NamedTuple):
    """A market model and what the error of its predictions is made of."""

    alpha: float
    beta: float
    sigma: float
    n: int
    mean_x: float
    s_xx: float


def _fitted(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    valid: NDArray[np.bool_],
    event: int,
    model: MarketModel,
) -> _Fit | None:
    """Fit the model on the valid estimation rows, where they are enough and the market moved."""
    rows = np.arange(max(event - model.first, 0), max(event - model.last + 1, 0))
    rows = rows[valid[rows]]
    n = len(rows)
    if n < model.minimum:
        return None
    mean_x, mean_y = float(x[rows].mean()), float(y[rows].mean())
    dx, dy = x[rows] - mean_x, y[rows] - mean_y
    s_xx = float(dx @ dx)
    if s_xx <= max(float(x[rows] @ x[rows]) * NOISE_SHARE, n * NOISE_SIGMA**2):
        return None
    beta = float(dx @ dy) / s_xx
    residual = dy - beta * dx
    variance = float(residual @ residual) / (n - 2)
    floor = max(float(y[rows] @ y[rows]) / n * NOISE_SHARE, NOISE_SIGMA**2)
    sigma = 0.0 if variance <= floor else float(np.sqrt(variance))
    return _Fit(mean_y - beta * mean_x, beta, sigma, n, mean_x, s_xx)


def _since_before(days: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cumulate from day 0 on; before it, less what lies between a day and the event."""
    earlier, later = values[days < 0], values[days >= 0]
    between = np.concatenate((np.cumsum(earlier[::-1])[::-1], [0.0]))[1:]
    return np.concatenate((0.0 - between[: len(earlier)], np.cumsum(later)))


def car_paths(
    selloff_events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    model: MarketModel | None = None,
    window: PathWindow | None = None,
) -> pd.DataFrame:
    """Return the path of the cumulative abnormal return around every event.

    A path belongs to a ``listing`` (those that lost the most value), or to the equal-weighted
    portfolio of the members of a ``sector`` of the event's region, of a ``region``'s market, or of
    ``all`` of them. A portfolio is a series of its own, held against the same model: its residuals
    hold whatever correlation its members have on one date, so its bands are not narrowed by
    counting members that fell together as independent (the portfolio approach of Brown and Warner,
    1980, with the exact error of the prediction). A variance that the event itself raised is not in
    them.

    Parameters
    ----------
    selloff_events, selloff_metrics, abnormal_returns, instruments : ibis Table
        Columns of the tables of these names.
    model : MarketModel, optional
        Estimation rows before the event, of each series' own sessions.
    window : PathWindow, optional
        Days, level and number of listings.

    Returns
    -------
    DataFrame
        Columns of ``mart.car_paths``, by event, grouping, group and day; returns and errors in log
        points. Days that a series does not have yet have no row, so that nothing in a row is from
        after its `session_date`. A series that cannot be estimated has no rows.
    """
    import pandas as pd

    chosen, around = model or MarketModel(), window or PathWindow()
    events = selloff_events.filter(selloff_events.status != "withdrawn").select(
        "event_id", event_region="region", event_date="session_date"
    )
    asked, series = _listings(events, selloff_metrics, abnormal_returns, instruments, around)
    panel = members(abnormal_returns, instruments)
    more, portfolios = _portfolios(events, selloff_metrics, panel)
    asked, series = stacked(asked, more), stacked(series, portfolios)
    frame = fetched(series.order_by(*_UNIT, "session_date"))
    held = dict(list(frame.groupby(list(_UNIT), sort=False)))
    parts = []
    for event in fetched(asked.order_by("event_id", *_UNIT)).itertuples():
        rows = held.get((event.grouping, event.unit))
        if rows is not None:
            parts.append(_followed(event, rows, chosen, around))
    some = [part for part in parts if part is not None]
    empty = pd.DataFrame(columns=list(_COLUMNS))
    return pd.concat(some, ignore_index=True)[list(_COLUMNS)] if some else empty


def _listings(
    events: ir.Table,
    selloff_metrics: ir.Table,
    abnormal_returns: ir.Table,
    instruments: ir.Table,
    window: PathWindow,
) -> tuple[ir.Table, ir.Table]:
    """Return the listings of each event that lost the most value, and their series."""
    import ibis

    equities = instruments.filter(instruments.asset_class == "equity")
    rows = selloff_metrics.semi_join(events, "event_id").semi_join(equities, "listing_id")
    order = (
        rows.market_value_lost_usd.isnull(),
        rows.market_value_lost_usd.desc(),
        rows.abnormal_z.isnull(),
        rows.abnormal_z,
        rows.listing_id,
    )
    rows = rows.mutate(place=ibis.row_number().over(group_by="event_id", order_by=order))
    rows = rows.filter(rows.place < window.most)
    asked = rows.select(
        "event_id",
        grouping=ibis.literal("listing"),
        unit="listing_id",
        group_name="listing_id",
        event_date="session_date",
    )
    bars = abnormal_returns.semi_join(rows, "listing_id")
    series = bars.select(
        grouping=ibis.literal("listing"),
        unit="listing_id",
        session_date="session_date",
        y="log_return",
        x="market_log_return",
        n_listings=ibis.literal(1).cast("int64"),
        n_flagged="n_flagged",
        simulated=bars.has_simulated_inputs.cast("int64"),
        as_of="as_of",
    )
    return asked, series


def _portfolios(
    events: ir.Table, selloff_metrics: ir.Table, panel: ir.Table
) -> tuple[ir.Table, ir.Table]:
    """Return the portfolios that each event is asked of, and the mean returns of their members."""
    import ibis

    pairs = panel.filter(panel.log_return.notnull(), panel.market_log_return.notnull())
    # Once over the panel; the coarser portfolios are sums of these.
    cells = pairs.group_by("region", "sector", "session_date").aggregate(
        sum_y=pairs.log_return.sum(),
        sum_x=pairs.market_log_return.sum(),
        n_listings=pairs.count(),
        n_flagged=pairs.n_flagged.sum(),
        simulated=pairs.has_simulated_inputs.cast("int64").max(),
        as_of=pairs.as_of.max(),
    )
    units = {"all": ibis.literal("all"), "region": cells.region, "sector": _in(cells)}
    series = [
        cells.mutate(grouping=ibis.literal(grouping), unit=unit)
        .filter(lambda t: t.unit.notnull())
        .group_by(*_UNIT, "session_date")
        .aggregate(
            y=lambda t: t.sum_y.sum() / t.n_listings.sum().cast("float64").nullif(0),
            x=lambda t: t.sum_x.sum() / t.n_listings.sum().cast("float64").nullif(0),
            n_listings=lambda t: t.n_listings.sum(),
            n_flagged=lambda t: t.n_flagged.sum(),
            simulated=lambda t: t.simulated.max(),
            as_of=lambda t: t.as_of.max(),
        )
        for grouping, unit in units.items()
    ]
    starts = selloff_metrics.filter(selloff_metrics.region.notnull())
    starts = starts.group_by("event_id", "region").aggregate(event_date=starts.session_date.min())
    own = looked_up(
        events.mutate(region=events.event_region).drop("event_date"), starts, ("event_id", "region")
    )
    places = cells.filter(cells.sector.notnull()).select("region", "sector").distinct()
    sectors = own.inner_join(places, "region")
    regions = starts.semi_join(events, "event_id")
    asked = [
        rows.select(
            "event_id", "event_date", grouping=ibis.literal(grouping), unit=unit, group_name=name
        )
        for grouping, rows, unit, name in (
            ("all", events, ibis.literal("all"), ibis.literal("all")),
            ("region", regions, regions.region, regions.region),
            ("sector", sectors, _in(sectors), sectors.sector),
        )
    ]
    return stacked(*asked), stacked(*series)


def _in(rows: ir.Table) -> ir.StringColumn:
    """Name a sector with its region."""
    return rows.region.concat(" ", rows.sector)


def _followed(
    event: Any, rows: pd.DataFrame, model: MarketModel, window: PathWindow
) -> pd.DataFrame | None:
    """Return the path of one series around one event, with what it rests on."""
    at = int(rows["session_date"].searchsorted(event.event_date))
    if at == len(rows) or rows["session_date"].iloc[at] != event.event_date:
        return None
    usual = rows["n_listings"].iloc[at] * LEAST_SHARE
    kept = rows[rows["n_listings"] >= usual]
    at = int(kept["session_date"].searchsorted(event.event_date))
    path = car_path(kept["y"].to_numpy(), kept["x"].to_numpy(), at, model, window)
    if path is None:
        return None
    used = kept.iloc[max(at - model.first, 0) : at + window.after + 1]
    shown = kept.iloc[at + path.days]
    so_far = used[["simulated", "as_of"]].cummax().loc[shown.index]
    followed: pd.DataFrame = shown.assign(
        event_id=event.event_id,
        group_name=event.group_name,
        day=path.days,
        abnormal_return=path.abnormal,
        cumulative_abnormal_return=path.car,
        standard_error=path.standard_error,
        band_low=path.low,
        band_high=path.high,
        n_estimation=path.n_estimation,
        method="market_model" if event.grouping == "listing" else "portfolio",
        has_simulated_inputs=so_far["simulated"] > 0,
        as_of=so_far["as_of"],
    )
    return followed
