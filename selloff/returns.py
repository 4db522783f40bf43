"""Abnormal returns: every listing and session against the market model of its own history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selloff._ibis import by_listing, looked_up
from selloff.proposed_splits import has_unapplied_split

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Below these a variance is rounding noise: of a series that moves less than 1e-10 log points, or
# of sums whose terms cancel to within 1e-12 of their size (constant growth, a copy of the market).
NOISE_SIGMA = 1e-10
NOISE_SHARE = 1e-12
# Volumes that vary by less than one part in ten thousand are all the same one: around a split the
# share that is added to them makes them vary by one part in the volume.
VOLUME_NOISE_SIGMA = 1e-4
# Taken off every log volume, which no spread feels: squares of numbers near 14 that differ in the
# second place lose five digits, and a slice that starts elsewhere loses others.
USUAL_LOG_VOLUME = 14.0

_COLUMNS = (
    "listing_id",
    "ticker",
    "session_date",
    "previous_session_date",
    "simple_return",
    "log_return",
    "market",
    "market_log_return",
    "alpha",
    "beta",
    "n_estimation",
    "residual_sigma",
    "abnormal_return",
    "abnormal_z",
    "abnormal_volume_z",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "is_simulated",
    "as_of",
)


@dataclass(frozen=True, slots=True)
class MarketModel:
    """The rows that the market model is fitted on, counted back from the row it judges.

    Parameters
    ----------
    first, last : int
        Rows [-first, -last] of the listing's own trading days.
    minimum : int
        Valid pairs without which nothing is estimated.
    """

    first: int = 260
    last: int = 11
    minimum: int = 200

    def __post_init__(self) -> None:
        if not 1 <= self.last <= self.first:
            raise ValueError(
                f"rows [-{self.first}, -{self.last}] do not precede the row they judge"
            )
        if self.minimum <= 2:  # noqa: PLR2004 - a line through two points leaves no residual
            raise ValueError(f"a market model needs more than two pairs, not {self.minimum}")


def abnormal_returns(
    daily_prices: ir.Table,
    market_returns: ir.Table,
    instruments: ir.Table,
    model: MarketModel | None = None,
    default_region: str = "US",
) -> ir.Table:
    r"""Return every listing's abnormal return in every session; an event study filters it.

    With y the listing's log return since its own previous bar, x its market's log return over the
    same two sessions, and n valid pairs among the estimation rows::

        beta = Sxy / Sxx        alpha = mean(y) - beta * mean(x)
        s^2  = (Syy - beta * Sxy) / (n - 2)
        AR   = y - alpha - beta * x
        z    = AR / (s * sqrt(1 + 1/n + (x - mean(x))^2 / Sxx))

    The abnormal volume is ln(volume + 1) less its mean m on the same rows, over
    ``sd * sqrt(1 + 1/n)``. Nothing from after a row's session enters it.

    Parameters
    ----------
    daily_prices, market_returns, instruments : ibis Table
        Columns of the core tables of these names. To compute a late slice, give `model.first` + 1
        bars of each listing before the first wanted, and filter the result by `session_date`.
    model : MarketModel, optional
        Estimation rows and their least number; the defaults of `MarketModel` without it.
    default_region : str
        Region whose market stands in where a listing has no region.

    Returns
    -------
    ibis Table
        Columns of ``core.abnormal_returns``, one row per bar. Returns are fractions or log points,
        negative when the price falls. NULL: returns of a first bar, and to a bar flagged
        ``unapplied_split``, with all that rests on them; market figures where the
        market lacks one of the two sessions or changed its construction between them; model
        figures with fewer than `model.minimum` pairs or a market that did not move; z where the
        residuals are rounding noise (`residual_sigma` is 0 then). `n_flagged` and `n_quarantined`
        count over the row, the one before and those the estimation rests on.

    References
    ----------
    MacKinlay (1997), Event Studies in Economics and Finance, JEL 35, 13-39; Patell (1976) for the
    correction of the prediction error.
    """
    chosen = model or MarketModel()
    rows = _pairs(daily_prices, market_returns, instruments, default_region)
    fitted = _fitted(_sums(rows, chosen), chosen)
    return _judged(fitted).select(*_COLUMNS)


def log_volume(bars: ir.Table) -> ir.FloatingColumn:
    """Return ln(volume + 1), so that a session without a trade has a logarithm.

    One share as it was traded: one of today would make other figures of what came before a split
    once it is known (by one part in the volume). A split shifts all logarithms before it alike.

    Parameters
    ----------
    bars : ibis Table
        `volume` and `split_ratio_after`, both in the shares of today.
    """
    logs: ir.FloatingColumn = (bars.volume + bars.split_ratio_after).ln()
    return logs


def _pairs(
    daily_prices: ir.Table, market_returns: ir.Table, instruments: ir.Table, default_region: str
) -> ir.Table:
    """Join each bar with its market and form both log returns over the same two sessions."""
    import ibis

    regions = instruments.select(
        "listing_id", market_region=ibis.coalesce(instruments.region, default_region)
    )
    levels = market_returns.select(
        "session_date",
        "log_level",
        "market",
        market_region="region",
        market_is_simulated="is_simulated",
        market_as_of="as_of",
    )
    placed = looked_up(daily_prices, regions, "listing_id")
    placed = placed.mutate(market_region=ibis.coalesce(placed.market_region, default_region))
    rows = looked_up(placed, levels, ("market_region", "session_date"))
    rows = rows.mutate(
        log_close=rows.close.nullif(0).ln(),
        log_volume=log_volume(rows) - USUAL_LOG_VOLUME,
        flagged=(rows.quality_flags != "").cast("int64"),
        simulated=(
            rows.is_simulated | ibis.coalesce(rows.market_is_simulated, rows.is_simulated)
        ).cast("int64"),
        known_at=ibis.greatest(rows.as_of, ibis.coalesce(rows.market_as_of, rows.as_of)),
    )
    lagged = rows.mutate(
        previous_session_date=rows.session_date.lag().over(by_listing()),
        previous_close=rows.close.lag().over(by_listing()),
        previous_log_close=rows.log_close.lag().over(by_listing()),
        previous_level=rows.log_level.lag().over(by_listing()),
        previous_market=rows.market.lag().over(by_listing()),
        previous_flagged=rows.flagged.lag().over(by_listing()),
        previous_quarantined=rows.n_quarantined.lag().over(by_listing()),
        previous_simulated=rows.simulated.lag().over(by_listing()),
        previous_known_at=rows.known_at.lag().over(by_listing()),
    )
    # Across an unapplied split two closes are of two bases, and there is no return.
    is_return = ~has_unapplied_split(lagged)
    is_same = lagged.market == lagged.previous_market
    # Differences of logarithms, as the market's own: a listing that is the market cancels exactly.
    return lagged.mutate(
        simple_return=is_return.ifelse(lagged.close / lagged.previous_close.nullif(0) - 1, None),
        log_return=is_return.ifelse(lagged.log_close - lagged.previous_log_close, None),
        market_log_return=is_same.ifelse(lagged.log_level - lagged.previous_level, None),
    )


def _sums(rows: ir.Table, model: MarketModel) -> ir.Table:
    """Add the sums over the estimation rows from which everything is fitted."""
    estimation = by_listing(preceding=(model.first, model.last))
    # The first estimation row's return starts from the bar before it.
    behind = by_listing(preceding=(model.first + 1, model.last))
    both = rows.log_return.notnull() & rows.market_log_return.notnull()
    rows = rows.mutate(
        y=both.ifelse(rows.log_return, None), x=both.ifelse(rows.market_log_return, None)
    )
    return rows.mutate(
        n=rows.x.count().over(estimation),
        sum_x=rows.x.sum().over(estimation),
        sum_y=rows.y.sum().over(estimation),
        sum_xx=(rows.x * rows.x).sum().over(estimation),
        sum_xy=(rows.x * rows.y).sum().over(estimation),
        sum_yy=(rows.y * rows.y).sum().over(estimation),
        n_volume=rows.log_volume.count().over(estimation),
        sum_v=rows.log_volume.sum().over(estimation),
        sum_vv=(rows.log_volume * rows.log_volume).sum().over(estimation),
        flagged_behind=rows.flagged.sum().over(behind),
        quarantined_behind=rows.n_quarantined.sum().over(behind),
        simulated_behind=rows.simulated.max().over(behind),
        known_behind=rows.known_at.max().over(behind),
    )


def _spread(total: Any, squares: Any, n: Any, noise: float = NOISE_SIGMA) -> Any:
    """Return the sum of squared deviations, exactly 0 where only noise is left."""
    spread = squares - total * total / n.nullif(0)
    is_noise = (spread <= squares * NOISE_SHARE) | (spread <= n * noise**2)
    return is_noise.ifelse(0.0, spread)


def _fitted(rows: ir.Table, model: MarketModel) -> ir.Table:
    """Add the market model, and mean and spread of the volume, where there are rows enough."""
    n = (rows.n >= model.minimum).ifelse(rows.n.cast("float64"), None)
    n_volume = (rows.n_volume >= model.minimum).ifelse(rows.n_volume.cast("float64"), None)
    rows = rows.mutate(
        pairs=n,
        volumes=n_volume,
        mean_x=rows.sum_x / n.nullif(0),
        mean_y=rows.sum_y / n.nullif(0),
        mean_v=rows.sum_v / n_volume.nullif(0),
        s_xx=_spread(rows.sum_x, rows.sum_xx, n),
        s_yy=_spread(rows.sum_y, rows.sum_yy, n),
        s_xy=rows.sum_xy - rows.sum_x * rows.sum_y / n.nullif(0),
        s_vv=_spread(rows.sum_v, rows.sum_vv, n_volume, VOLUME_NOISE_SIGMA),
    )
    rows = rows.mutate(beta=rows.s_xy / rows.s_xx.nullif(0))
    residual = (rows.s_yy - rows.beta * rows.s_xy) / (rows.pairs - 2).nullif(0)
    floor = rows.sum_yy / rows.pairs.nullif(0) * NOISE_SHARE
    is_noise = (residual <= floor) | (residual <= NOISE_SIGMA**2)
    return rows.mutate(
        alpha=rows.mean_y - rows.beta * rows.mean_x,
        residual_sigma=is_noise.ifelse(0.0, residual).sqrt(),
    )


def _judged(rows: ir.Table) -> ir.Table:
    """Hold the row itself against what was fitted, and gather what it rests on."""
    import ibis

    x = rows.market_log_return
    abnormal = rows.log_return - rows.alpha - rows.beta * x
    away = x - rows.mean_x
    width = (rows.pairs.pow(-1) + 1 + away * away / rows.s_xx.nullif(0)).sqrt()
    volume_sigma = (rows.s_vv / (rows.volumes - 1).nullif(0)).sqrt()
    volume_width = (rows.volumes.pow(-1) + 1).sqrt()
    simulated = ibis.greatest(
        rows.simulated, rows.previous_simulated.fill_null(0), rows.simulated_behind.fill_null(0)
    )
    return rows.mutate(
        n_estimation=rows.n,
        abnormal_return=abnormal,
        abnormal_z=abnormal / (rows.residual_sigma * width).nullif(0),
        abnormal_volume_z=(rows.log_volume - rows.mean_v) / (volume_sigma * volume_width).nullif(0),
        n_flagged=rows.flagged
        + rows.previous_flagged.fill_null(0)
        + rows.flagged_behind.fill_null(0),
        n_quarantined=rows.n_quarantined
        + rows.previous_quarantined.fill_null(0)
        + rows.quarantined_behind.fill_null(0),
        has_simulated_inputs=simulated > 0,
        as_of=ibis.greatest(
            rows.known_at,
            ibis.coalesce(rows.previous_known_at, rows.known_at),
            ibis.coalesce(rows.known_behind, rows.known_at),
        ),
    )
