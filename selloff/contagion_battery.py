"""Every measure of contagion around an event, in one list: rows of pairs, and what they say."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selloff.comovement.clocks import lead_lag_correlations
from selloff.comovement.comoments import comoment_shifts
from selloff.comovement.correlation_shifts import correlation_shifts
from selloff.comovement.resampled_shifts import ResampledShifts, resampled_shifts
from selloff.comovement.spillover_coefficients import spillover_coefficients
from selloff.event_study.multiplicity import benjamini_hochberg
from selloff.event_windows import RECENT, Around
from selloff.network.granger import granger_network
from selloff.series import SeriesError
from selloff.spillover.uncertainty import bootstrap_connectedness
from selloff.tails.dependence import tail_dependence
from selloff.tails.rolling_covar import rolling_delta_covar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

LAGS, HORIZON, QUANTILE = 1, 10, 0.05
DRAWS, SEED = 200, 20250127
# Above so many series pairs are asked of the origin alone, and no autoregression of all is fitted.
MANY = 15
FEWEST = 2
# Rows without which clocks cannot be told from spillover, and a correlation over two dates said.
FEWEST_CLOCKS, FEWEST_LEAD_LAG = 100, 15
CLOCK_BANDWIDTH, LEAD_LAG_BANDWIDTH = 1, 5
_PEARSON: dict[str, Any] = {
    "unit": "correlation",
    "method": "Pearson; error by Fisher's transform",
}
_COMOMENTS = {
    "CS12": ("coskewness_12", "mean of z_source z_target^2"),
    "CS21": ("coskewness_21", "mean of z_source^2 z_target"),
    "CK13": ("cokurtosis_13", "mean of z_source z_target^3 less 3 rho"),
    "CK31": ("cokurtosis_31", "mean of z_source^3 z_target less 3 rho"),
    "CV22": ("covolatility_22", "mean of z_source^2 z_target^2 less 1 + 2 rho^2"),
}


def sources(each: Around, series: pd.DataFrame) -> list[str]:
    """Return the series asked for as sources: all, or of many the origin alone."""
    if len(series.columns) <= MANY:
        return list(series.columns)
    return [each.origin] if each.origin in series.columns else []


def correlation_before(each: Around) -> Iterator[pd.DataFrame]:
    """Yield correlations as they were known before."""
    known = each.before.corr()
    asked = sources(each, each.before)
    rho = known.loc[asked].to_numpy()[None]
    error = (1 - rho**2) / np.sqrt(each.n_before - 3)
    names = list(each.before.columns)
    yield _of_pairs(asked, names, rho, error, np.full(rho.shape, np.nan)).assign(
        measure="correlation", period="before", n_observations=each.n_before, **_PEARSON
    )


def correlation_rise(each: Around) -> Iterator[pd.DataFrame]:
    """Yield correlations after, and their rise beyond what the source's variance explains."""
    asked = sources(each, each.returns)
    if not each.has_after or not asked or len(each.returns.columns) < FEWEST:
        return
    periods = {"stable": ~each.is_turmoil, "turmoil": each.is_turmoil}
    found = pd.concat([correlation_shifts(each.returns, one, **periods) for one in asked])
    pairs = pd.DataFrame(
        {"source_name": np.repeat(asked, len(found) // len(asked)), "target_name": found["target"]}
    )
    drawn = _drawn(each)
    rho = found["correlation_turmoil"]
    yield pairs.assign(
        measure="correlation",
        period="after",
        value=rho,
        value_standard_error=(1 - rho**2) / np.sqrt(len(each.after) - 3),
        n_observations=len(each.after),
        **_PEARSON,
    )
    yield pairs.assign(
        measure="correlation_shift",
        period="shift",
        value=found["adjusted_correlation"] - found["correlation_stable"],
        p_value=_between(drawn.names, pairs, drawn.shift_p_value),
        unit="correlation",
        n_observations=len(each.after),
        n_before=each.n_before,
        detectable=found["detectable_shift"],
        draws=drawn.draws,
        method="Forbes and Rigobon (2002): correlation after, adjusted for the rise of the "
        "source's variance, less that before; one-sided p-value by samples of the sessions before "
        f"({drawn.draws} draws), none where the variance did not rise",
    )


def comoment_rise(each: Around) -> Iterator[pd.DataFrame]:
    """Yield the changes of the higher comoments."""
    asked = sources(each, each.returns)
    if not each.has_after or not asked or len(each.returns.columns) < FEWEST:
        return
    periods = {"stable": ~each.is_turmoil, "turmoil": each.is_turmoil}
    found = pd.concat(
        [comoment_shifts(each.returns, one, **periods).assign(source=one) for one in asked]
    )
    drawn = _drawn(each)
    for kind, (name, formula) in _COMOMENTS.items():
        rows = found[found["comoment"] == kind]
        change = rows["turmoil"] - rows["stable"]
        pairs = pd.DataFrame({"source_name": rows["source"], "target_name": rows["target"]})
        yield pairs.assign(
            measure=name,
            period="shift",
            value=change,
            p_value=_between(drawn.names, pairs, drawn.comoment_p_values[kind]),
            unit="standardized returns",
            n_observations=len(each.after),
            n_before=each.n_before,
            draws=drawn.draws,
            method=f"change of {formula} (Fry, Martin and Tang 2010); two-sided p-value by samples "
            f"of the sessions before ({drawn.draws} draws)",
        )


@lru_cache(maxsize=1)
def _drawn(each: Around) -> ResampledShifts:
    """Draw the sessions before again, once for all that is held against the draws."""
    return resampled_shifts(each.returns, stable=~each.is_turmoil, turmoil=each.is_turmoil)


def _between(names: tuple[Any, ...], pairs: pd.DataFrame, values: NDArray[Any]) -> NDArray[Any]:
    """Return the values of some pairs from a table of all."""
    places = {name: place for place, name in enumerate(names)}
    found: NDArray[Any] = values[
        pairs["source_name"].map(places).to_numpy(), pairs["target_name"].map(places).to_numpy()
    ]
    return found


def prediction(each: Around) -> Iterator[pd.DataFrame]:
    """Yield what a source's return of the session before says of the target's."""
    network = granger_network(each.before, lags=LAGS)
    found = network.links()
    found = found[found["source"].isin(sources(each, each.before))]
    yield pd.DataFrame(
        {
            "source_name": found["source"],
            "target_name": found["target"],
            "value": found["coefficient"],
            "value_standard_error": found["standard_error"],
            "p_value": found["p_value"],
        }
    ).assign(
        measure="granger",
        period="before",
        unit="ratio",
        n_observations=network.n,
        bandwidth=network.bandwidth,
        lags=LAGS,
        method=f"coefficient of the source's lag beside the target's own; Newey-West, bandwidth "
        f"{network.bandwidth}; F test",
    )


def across_clocks(each: Around) -> Iterator[pd.DataFrame]:
    """Yield what remains between series that close apart when the clock is accounted for."""
    if not each.has_clocks or len(each.before) < FEWEST_CLOCKS:
        return
    before = each.as_traded.iloc[: each.n_before]
    hours = {name: each.hours[name] for name in before.columns}
    found = spillover_coefficients(before, hours, lags=CLOCK_BANDWIDTH)
    found = found[found["source"].isin(sources(each, each.before))]
    yield pd.DataFrame(
        {
            "source_name": found["source"],
            "target_name": found["target"],
            "value": found["coefficient"],
            "value_standard_error": found["standard_error"],
            "p_value": found["p_value"],
        }
    ).assign(
        measure="spillover_coefficient",
        bandwidth=CLOCK_BANDWIDTH,
        period="before",
        unit="ratio",
        n_observations=each.n_before,
        lags=LAGS,
        synchronization="none",
        method="return of the target's next session per return of the source's, beyond what news "
        "known to both at once puts on two dates; Newey-West",
    )
    for period, rows in (("before", before), ("after", each.as_traded.iloc[each.n_before :])):
        if len(rows) < FEWEST_LEAD_LAG:
            continue
        pairs = lead_lag_correlations(rows, hours, lags=LEAD_LAG_BANDWIDTH)
        for source, target in (("early", "late"), ("late", "early")):
            yield pd.DataFrame(
                {
                    "source_name": pairs[source],
                    "target_name": pairs[target],
                    "value": pairs["correlation"],
                    "value_standard_error": pairs["standard_error"],
                }
            ).assign(
                measure="lead_lag_correlation",
                bandwidth=LEAD_LAG_BANDWIDTH,
                period=period,
                unit="correlation",
                n_observations=len(rows),
                synchronization="none",
                method="same date plus the later market's date before (Scholes and Williams 1977); "
                "Newey-West",
            )


def tail_effects(each: Around) -> Iterator[pd.DataFrame]:
    """Yield how much lower the target's tail lies when the source is in distress."""
    asked = sources(each, each.before)
    found = rolling_delta_covar(
        each.before, each.n_before, QUANTILE, sources=asked, with_errors=True
    )
    yield _of_pairs(
        asked, list(found.targets), found.delta_covar, found.standard_error, found.p_value
    ).assign(
        measure="delta_covar",
        quantile=QUANTILE,
        period="before",
        unit="log points",
        n_observations=each.n_before,
        method=f"beta (VaR - median) at the quantile {QUANTILE} (Adrian and Brunnermeier 2016); "
        "error by the kernel sandwich",
    )


def joint_tails(each: Around) -> Iterator[pd.DataFrame]:
    """Yield how much more often than by chance the target is in its tail when the source is."""
    asked = sources(each, each.before)
    found = tail_dependence(each.before, QUANTILE)
    places = [found.names.index(name) for name in asked]
    yield _of_pairs(
        asked,
        list(found.names),
        *(values[:, places] for values in (found.excess, found.standard_error, found.p_value)),
    ).assign(
        measure="tail_dependence",
        quantile=QUANTILE,
        period="before",
        unit="fraction",
        n_observations=int(found.days[0].max()),
        method=f"share of the source's lowest {QUANTILE} of sessions that are the target's too, "
        "less what independence gives; Fisher's exact test",
    )


def _of_pairs(asked: list[str], targets: list[str], *values: NDArray[Any]) -> pd.DataFrame:
    """Return the pairs of different series of tables that have one window, sources in rows."""
    source, target = np.meshgrid(
        np.array(asked, dtype=object), np.array(targets, dtype=object), indexing="ij"
    )
    is_pair = source != target
    columns = ("value", "value_standard_error", "p_value")
    return pd.DataFrame(
        {"source_name": source[is_pair], "target_name": target[is_pair]}
        | {name: each[0][is_pair] for name, each in zip(columns, values, strict=True)}
    )


def spillovers(each: Around) -> Iterator[pd.DataFrame]:
    """Yield the shares of forecast error before and after, of pairs, of series and of the set."""
    windows = {"before": each.before.iloc[-RECENT:]}
    if each.has_after:
        windows["after"] = each.returns.iloc[-RECENT:]
    for period, rows in windows.items():
        if not FEWEST <= len(rows.columns) <= MANY or len(rows) < RECENT:
            continue
        found = bootstrap_connectedness(rows, lags=LAGS, horizon=HORIZON, draws=DRAWS, seed=SEED)
        names = np.array(found.estimate.names, dtype=object)
        target, source = np.nonzero(~np.eye(len(names), dtype=bool))
        of_pairs, of_one, of_all = (names[source], names[target]), (names, names), ("", "")
        for measure, name, who, place in (
            ("shares", "spillover_share", of_pairs, (target, source)),
            ("net_pairwise", "net_pairwise", of_pairs, (target, source)),
            ("net", "net", of_one, slice(None)),
            ("total", "total", of_all, None),
        ):
            band = found.band(measure)
            yield pd.DataFrame(
                {
                    "source_name": who[0],
                    "target_name": who[1],
                    **{
                        column: np.atleast_1d(values[place])
                        for column, values in (
                            ("value", band.estimate),
                            ("value_standard_error", band.standard_error),
                            ("lower", band.lower),
                            ("upper", band.upper),
                        )
                    },
                }
            ).assign(
                measure=name,
                period=period,
                unit="fraction",
                n_observations=found.estimate.conventions.n_rows,
                lags=LAGS,
                horizon=HORIZON,
                is_stable=bool(found.estimate.is_stable[0]),
                draws=DRAWS,
                window_rows=RECENT,
                method="generalized variance decomposition (Diebold and Yilmaz 2012); error and "
                f"band by {DRAWS} draws of residuals",
            )


BATTERY: tuple[Callable[[Around], Iterator[pd.DataFrame]], ...] = (
    correlation_before,
    correlation_rise,
    comoment_rise,
    prediction,
    across_clocks,
    tail_effects,
    joint_tails,
    spillovers,
)


def measured(each: Around) -> pd.DataFrame:
    """Return the rows of the whole battery around one event, p-values adjusted by measure."""
    if not sources(each, each.before):
        return pd.DataFrame()
    parts = [part for test in BATTERY for part in _said(test, each)]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    return adjusted(found) if len(found) else found


def _said(test: Callable[[Around], Iterator[pd.DataFrame]], each: Around) -> Iterator[pd.DataFrame]:
    """Yield what a test says, or one row that tells why it cannot."""
    try:
        yield from test(each)
    except SeriesError as error:
        told = {"measure": test.__name__, "period": "before", "unit": "none", "value": np.nan}
        row = {"source_name": "", "target_name": "", "n_observations": 0, **told}
        yield pd.DataFrame([row | {"method": f"not measured: {error}"}])


def adjusted(rows: pd.DataFrame) -> pd.DataFrame:
    """Add p-values for the false discovery rate among the pairs of a measure and period."""
    known: Any = rows.get("p_value", pd.Series(np.nan, rows.index)).astype(float)
    by_measure = known.groupby([rows["measure"], rows["period"]])
    return rows.assign(p_value=known, adjusted_p_value=by_measure.transform(benjamini_hochberg))
