"""What a market, its sectors and its industries did in a session, and how unusual that was."""

# ruff: noqa: PD004 - Ibis, not pandas: its columns know notnull only

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._ibis import looked_up, stacked
from selloff.members import members
from selloff.severity import expanding_percentile
from selloff.valuation import counted_once, with_shares, with_usd_rates
from selloff.volatility import ewma_volatility

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from numpy.typing import NDArray

GROUPINGS = ("market", "sector", "industry")
LARGEST = 5
# A mean weighted by value speaks for the group where at least half of its members have one.
VALUED_SHARE = 0.5
# A standardized return beyond this counts as this: warrants that triple would else outweigh, in a
# mean of squares over thousands of names, whatever the others have in common.
LARGEST_SCORE = 5.0

_SESSION = ("region", "session_date")
_RATE = ("currency", "previous_session_date")
_GROUP = ("region", "grouping", "group_name")
_COLUMNS = (
    "region",
    "grouping",
    "group_name",
    "session_date",
    "n_members",
    "group_return",
    "value_weighted_return",
    "equal_weighted_return",
    "is_value_weighted",
    "group_sigma",
    "group_z",
    "group_abnormal_return",
    "equal_weighted_abnormal_return",
    "residual_sigma",
    "residual_z",
    "severity",
    "n_listings",
    "n_falling",
    "breadth",
    "breadth_by_value",
    "share_down",
    "share_down_by_value",
    "market_value_usd",
    "market_value_lost_usd",
    "gross_value_lost_usd",
    "top_share_of_loss",
    "top_5_share_of_loss",
    "loss_herfindahl",
    "abnormal_market_value_lost_usd",
    "falling_value_lost_usd",
    "largest_falling_value_lost_usd",
    "worst_listing_id",
    "worst_abnormal_z",
    "volume_z",
    "pair_product",
    "mean_square",
    "n_flagged",
    "n_quarantined",
    "has_simulated_inputs",
    "is_simulated",
    "as_of",
)

# What a group's later sessions are held against.
_LOOKED_BACK_ON = ("group_return", "group_abnormal_return", "has_simulated_inputs", "as_of")


def valued_members(
    abnormal_returns: ir.Table,
    daily_prices: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
    fx_rates: ir.Table,
) -> ir.Table:
    """Return the members of every region's market in every session, with what they lost in USD.

    Parameters
    ----------
    abnormal_returns, daily_prices, instruments, shares_outstanding, fx_rates : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        The columns of `selloff.members.members`, and `value`, `lost` and `abnormal_lost` (USD): the
        firm's market value at the close before, what of it was lost, and what was lost beyond what
        the market explains, ``(1 - exp(AR)) x value``; losses positive. NULL on all but the one
        listing that carries its firm's value, and where share count or exchange rate was unknown.
    """
    import ibis

    rows = members(abnormal_returns, instruments)
    before = daily_prices.select(
        "listing_id", "currency", previous_session_date="session_date", previous_close="close"
    )
    rows = looked_up(rows, before, ("listing_id", "previous_session_date"))
    rows = rows.mutate(currency=ibis.coalesce(rows.currency, rows.usual_currency))
    rows = with_shares(rows, shares_outstanding)
    rows = looked_up(rows, _rates(daily_prices, instruments, fx_rates), _RATE)
    worth = rows.shares_outstanding * rows.previous_close * rows.usd_per_currency
    rows = rows.mutate(worth=rows.simple_return.notnull().ifelse(worth, None))
    rows = counted_once(rows, instruments, _SESSION, "worth")
    value = rows.is_counted.ifelse(rows.worth, None)
    return rows.mutate(
        value=value,
        lost=-value * rows.simple_return,
        abnormal_lost=value * (1 - rows.abnormal_return.exp()),
    )


def _rates(daily_prices: ir.Table, instruments: ir.Table, fx_rates: ir.Table) -> ir.Table:
    """Return the rate of each currency at each close; asking the panel would compute it twice."""
    import ibis

    usual = instruments.select("listing_id", usual_currency="currency")
    bars = looked_up(
        daily_prices.select("listing_id", "currency", "session_date"), usual, "listing_id"
    )
    asked = bars.select(
        currency=ibis.coalesce(bars.currency, bars.usual_currency),
        previous_session_date=bars.session_date,
    )
    return with_usd_rates(asked.distinct(), fx_rates).select(*_RATE, "usd_per_currency")


def group_days(panel: ir.Table, market_returns: ir.Table, listing_z: float = -2.0) -> ir.Table:
    """Return the sums of every market, sector and industry in every session.

    Parameters
    ----------
    panel : ibis Table
        As `valued_members` gives it.
    market_returns : ibis Table
        Columns of ``core.market_returns``.
    listing_z : float
        Abnormal z at or below which a listing is falling.

    Returns
    -------
    ibis Table
        One row per `region`, `grouping` (market, sector, industry), `group_name` (the region, or
        the group's name) and `session_date`: counts, means and sums in USD from which
        `group_returns` makes its measures, `pair_product` and `mean_square` (see there).
    """
    sigmas = market_returns.select(*_SESSION, "market_sigma")
    rows = looked_up(panel, sigmas, _SESSION)
    # What the market model expects of the listing's variance: its own and the market's, as known.
    systematic = (rows.beta * rows.market_sigma.fill_null(0.0)).pow(2)
    sigma = (rows.residual_sigma.pow(2) + systematic).sqrt()
    falling = (rows.abnormal_z <= listing_z).fill_null(False)  # noqa: FBT003 - Ibis takes the literal
    rows = rows.select(
        *_SESSION,
        "sector",
        "industry",
        "listing_id",
        "simple_return",
        "abnormal_return",
        "abnormal_z",
        "abnormal_volume_z",
        "value",
        "lost",
        "abnormal_lost",
        "n_flagged",
        "n_quarantined",
        "has_simulated_inputs",
        "is_simulated",
        "as_of",
        falling=falling,
        score=(rows.log_return / sigma.nullif(0)).clip(-LARGEST_SCORE, LARGEST_SCORE),
    )
    parts = []
    for grouping in GROUPINGS:
        named = rows if grouping == "market" else rows.filter(rows[grouping].notnull())
        name = named.region if grouping == "market" else named[grouping]
        parts.append(_sums(named.mutate(group_name=name), grouping))
    return stacked(*parts)


def _sums(rows: ir.Table, grouping: str) -> ir.Table:
    """Add up the members of each group of one grouping."""
    import ibis

    keys = (*_SESSION, "group_name")
    is_lost = rows.lost > 0
    n = rows.score.count().cast("float64")
    total, squares = rows.score.sum(), (rows.score * rows.score).sum()
    sums = rows.group_by(keys).aggregate(
        n_members=rows.simple_return.count(),
        n_listings=rows.abnormal_z.count(),
        n_falling=rows.falling.cast("int64").sum(),
        n_down=(rows.simple_return < 0).cast("int64").sum(),
        n_valued=rows.value.count(),
        equal_weighted_return=rows.simple_return.mean(),
        equal_weighted_abnormal_return=rows.abnormal_return.mean(),
        volume_z=rows.abnormal_volume_z.mean(),
        value=rows.value.sum(),
        value_lost=rows.lost.sum(),
        value_down=rows.value.sum(where=is_lost),
        gross_lost=rows.lost.sum(where=is_lost),
        lost_squares=(rows.lost * rows.lost).sum(where=is_lost),
        most_lost=rows.lost.max(where=is_lost),
        value_judged=rows.value.sum(where=rows.abnormal_z.notnull()),
        value_falling=rows.value.sum(where=rows.falling),
        value_modelled=rows.value.sum(where=rows.abnormal_return.notnull()),
        value_abnormal=(rows.value * rows.abnormal_return).sum(),
        abnormal_lost=rows.abnormal_lost.sum(),
        falling_lost=rows.abnormal_lost.sum(where=rows.falling),
        most_falling_lost=rows.abnormal_lost.max(where=rows.falling),
        pair_product=(total * total - squares) / (n * (n - 1)).nullif(0),
        mean_square=squares / n.nullif(0),
        n_flagged=rows.n_flagged.sum(),
        n_quarantined=rows.n_quarantined.sum(),
        has_simulated_inputs=rows.has_simulated_inputs.cast("int64").max() > 0,
        is_simulated=rows.is_simulated.cast("int64").max() > 0,
        as_of=rows.as_of.max(),
    )
    losers = rows.filter(is_lost).select(*keys, "lost")
    place = ibis.row_number().over(group_by=keys, order_by=losers.lost.desc())
    top = losers.mutate(place=place).filter(lambda t: t.place < LARGEST)
    largest = top.group_by(keys).aggregate(top_5_lost=top.lost.sum())
    found = looked_up(looked_up(sums, largest, keys), _worst(rows, keys), keys)
    return found.mutate(grouping=ibis.literal(grouping))


def _worst(rows: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    """Return each group's falling member that lost most beyond the market; ties go by its key."""
    import ibis

    falling = rows.filter(rows.falling, rows.abnormal_lost > 0)
    place = ibis.row_number().over(
        group_by=keys, order_by=(falling.abnormal_lost.desc(), "listing_id")
    )
    worst = falling.mutate(place=place).filter(lambda t: t.place == 0)
    return worst.select(*keys, worst_listing_id="listing_id", worst_abnormal_z="abnormal_z")


def group_returns(
    days: pd.DataFrame,
    decay: float = 0.94,
    burn_in: int = 30,
    past: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return each group's measures, each against the group's own past.

    The return is that of the members together, weighted by their firms' market value at the close
    before where at least half of the members have one, else their mean. `group_abnormal_return` is
    the mean, weighted alike, of what the market model does not explain. Each is held against its
    own volatility up to the session before (`ewma_volatility`).

    Parameters
    ----------
    days : DataFrame
        As `group_days` gives them, in any order.
    decay : float
        Weight of yesterday's variance.
    burn_in : int
        Returns of a group after which its z begin.
    past : DataFrame, optional
        Columns of ``core.group_returns`` of every session before `days`, where those are a late
        slice: what came before is not measured again, and not returned.

    Returns
    -------
    DataFrame
        Columns of ``core.group_returns``, ordered by group and session; NaN is NULL. Returns are
        fractions or log points, negative when prices fall; losses USD, positive when lost.
        `severity` is the share of the group's sessions so far in which it fell no deeper.
        `worst_listing_id` is the falling member whose firm lost most beyond the market.
        `pair_product` is the mean over all pairs of members of the product of their standardized
        returns (log return over the sigma that the market model expects, within 5 of 0), by the
        linear-time identity ``((sum u)^2 - sum u^2) / (n (n - 1))``, and `mean_square` the mean of
        u^2: over a window, the ratio of their sums is the mean pairwise correlation. Nothing from
        after a session enters its row.
    """
    import pandas as pd

    ordered = days.sort_values([*_GROUP, "session_date"], ignore_index=True)
    rows = _shares(ordered)
    if rows.empty:
        return rows.reindex(columns=list(_COLUMNS))
    kinds = rows.dtypes
    if past is not None and len(past):
        # Groups of these sessions alone; of the others there is nothing to say.
        here = rows[list(_GROUP)].drop_duplicates()
        before = past[[*_GROUP, "session_date", *_LOOKED_BACK_ON]].merge(here)
        both = [before.assign(is_past=True), rows.assign(is_past=False)]
        rows = pd.concat(both).sort_values([*_GROUP, "session_date"], ignore_index=True)
    parts = [_judged(part, decay, burn_in) for _, part in rows.groupby(list(_GROUP), sort=False)]
    found = pd.concat(parts, ignore_index=True)
    if "is_past" in found:
        found = found[~found["is_past"]].astype(kinds.to_dict()).reset_index(drop=True)
    return found[list(_COLUMNS)]


def _ratio(part: Any, whole: Any) -> Any:
    """Divide, missing where there is nothing to divide by; a missing part of a whole is none."""
    known = whole.astype(float).where(whole > 0)
    return part.astype(float).fillna(0.0) / known


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Turn sums into returns and shares."""
    weighted = rows["n_valued"] >= VALUED_SHARE * rows["n_members"]
    weighted &= rows["value"].astype(float) > 0
    by_value = -_ratio(rows["value_lost"], rows["value"])
    abnormal = _ratio(rows["value_abnormal"], rows["value_modelled"])
    gross = rows["gross_lost"].astype(float).where(rows["value"] > 0, np.nan)
    return rows.assign(
        value_weighted_return=by_value,
        group_return=by_value.where(weighted, rows["equal_weighted_return"].astype(float)),
        is_value_weighted=weighted,
        group_abnormal_return=abnormal.where(
            weighted & abnormal.notna(), rows["equal_weighted_abnormal_return"].astype(float)
        ),
        breadth=_ratio(rows["n_falling"], rows["n_listings"]),
        breadth_by_value=_ratio(rows["value_falling"], rows["value_judged"]).clip(upper=1.0),
        share_down=_ratio(rows["n_down"], rows["n_members"]),
        share_down_by_value=_ratio(rows["value_down"], rows["value"]).clip(upper=1.0),
        market_value_usd=rows["value"].astype(float).where(rows["value"] > 0),
        market_value_lost_usd=rows["value_lost"].astype(float),
        gross_value_lost_usd=gross.where(rows["value"].isna() | gross.notna(), 0.0),
        top_share_of_loss=_concentration(rows["most_lost"], gross),
        top_5_share_of_loss=_concentration(rows["top_5_lost"], gross),
        loss_herfindahl=_concentration(rows["lost_squares"], gross * gross),
        abnormal_market_value_lost_usd=rows["abnormal_lost"].astype(float),
        falling_value_lost_usd=_known(rows["falling_lost"], rows["value_judged"]),
        largest_falling_value_lost_usd=_known(rows["most_falling_lost"], rows["value_judged"]),
        equal_weighted_abnormal_return=rows["equal_weighted_abnormal_return"].astype(float),
        worst_abnormal_z=rows["worst_abnormal_z"].astype(float),
    )


def _concentration(part: Any, whole: Any) -> Any:
    return (part.astype(float) / whole.where(whole > 0)).clip(upper=1.0)


def _known(lost: Any, judged: Any) -> Any:
    """Return a sum over falling members: zero where none fell, missing where none has a value."""
    return lost.astype(float).fillna(0.0).where(judged.astype(float) > 0)


def _judged(rows: pd.DataFrame, decay: float, burn_in: int) -> pd.DataFrame:
    """Hold one group's returns, in time order, against their own past."""
    returns = np.log1p(rows["group_return"].to_numpy(float).clip(min=-1 + 1e-12))
    sigma, z = _against_yesterday(returns, decay, burn_in)
    residual_sigma, residual_z = _against_yesterday(
        rows["group_abnormal_return"].to_numpy(float), decay, burn_in
    )
    return rows.assign(
        group_sigma=sigma,
        group_z=z,
        residual_sigma=residual_sigma,
        residual_z=residual_z,
        severity=expanding_percentile(-returns),
        has_simulated_inputs=rows["has_simulated_inputs"].astype(bool).cummax(),
        as_of=rows["as_of"].cummax(),
    )


def _against_yesterday(
    returns: NDArray[np.float64], decay: float, burn_in: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the volatility up to the session before, and the return over it."""
    sigma = np.append(np.nan, ewma_volatility(returns, decay))[:-1]
    sigma[sigma == 0] = np.nan
    is_settled = np.cumsum(~np.isnan(returns)) > burn_in
    return sigma, np.where(is_settled, returns / sigma, np.nan)
