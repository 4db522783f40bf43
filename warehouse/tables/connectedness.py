"""How connected the sets of series are in every session, and what falls together."""

from __future__ import annotations

from warehouse import columns as c
from warehouse import windows as w
from warehouse.contract import Column, Order, Table

CONNECTEDNESS = Table(
    layer="mart",
    name="connectedness",
    doc=(
        "One row per set of series, session, window, model and measure: how much of the series' "
        "variance comes from each other (Diebold-Yilmaz 2012), from the sessions of the window up "
        "to that one."
    ),
    columns=(
        w.SERIES_SET,
        w.LEVEL,
        c.SESSION_DATE.but(doc="Last session of the window, in the exchange's own calendar."),
        Column(
            "measure",
            "VARCHAR",
            "total: mean over the series of what each receives from the others; corrected_total: "
            "the same where 1 is the most possible, n/(n-1) of it. contemporaneous and lagged "
            "(model r_squared): mean share of variance that the others explain in the same "
            "session, and in the one before. Of one series: from_others, to_others, net (to less "
            "from), n_net_receivers (to how many others it is a net sender).",
            one_of=(
                "total",
                "corrected_total",
                "contemporaneous",
                "lagged",
                "from_others",
                "to_others",
                "net",
                "n_net_receivers",
            ),
        ),
        w.SERIES_NAME.but(doc="The series; empty for measures of the set."),
        Column(
            "value",
            "DOUBLE",
            "NULL where the window's regressions have no solution.",
            unit="`unit`",
            nullable=True,
        ),
        w.UNIT.but(doc="fraction, or series for n_net_receivers."),
        *w.CONVENTIONS,
        *w.PROVENANCE,
    ),
    grain=(
        "series_set",
        "session_date",
        "model",
        "decomposition",
        "window_rows",
        "measure",
        "series_name",
    ),
    orders=(Order("window_from", "session_date"), Order("n_regressed", "window_rows")),
    partition="session_date",
)

CONNECTEDNESS_LINKS = Table(
    layer="mart",
    name="connectedness_links",
    doc=(
        "One row per set of series, session, window, model and ordered pair: what the target "
        "receives from the source. The rows behind mart.connectedness."
    ),
    columns=(
        w.SERIES_SET,
        w.LEVEL,
        c.SESSION_DATE.but(doc="Last session of the window, in the exchange's own calendar."),
        w.SERIES_NAME.but(name="source_name", doc="The series that sends."),
        w.SERIES_NAME.but(name="target_name", doc="The series that receives."),
        w.SHARE.but(
            doc="Share of the target's forecast error variance that comes from the source's shocks."
        ),
        Column(
            "net_pairwise",
            "DOUBLE",
            "`share` less that of the opposite direction: positive where the source sends more.",
            unit="fraction",
            nullable=True,
        ),
        w.SHARE.but(
            name="pairwise_index",
            doc="Twice both directions over all shares of the two: 1 where they matter to each "
            "other alone (PCI).",
        ),
        w.SHARE.but(
            name="influence",
            doc="Size of `net_pairwise` over the sum of both directions: 1 where all flows one "
            "way; NULL where nothing flows.",
        ),
        *w.CONVENTIONS,
        *w.PROVENANCE,
    ),
    grain=(
        "series_set",
        "session_date",
        "model",
        "decomposition",
        "window_rows",
        "source_name",
        "target_name",
    ),
    orders=(Order("window_from", "session_date"), Order("n_regressed", "window_rows")),
    partition="session_date",
)

SYSTEMIC_RISK = Table(
    layer="mart",
    name="systemic_risk",
    doc=(
        "One row per set of series, session, series and measure: what falls together, how far, and "
        "what it would cost, from the sessions of the window up to that one."
    ),
    columns=(
        w.SERIES_SET,
        w.LEVEL,
        c.SESSION_DATE.but(doc="Last session of the window, in the exchange's own calendar."),
        w.SERIES_NAME.but(doc="The series; empty for measures of the set."),
        Column(
            "measure",
            "VARCHAR",
            "Of a series: value_at_risk, delta_covar (of the market, given the series), "
            "exposure_delta_covar (of the series, given the market), "
            "marginal_expected_shortfall, beta, downside_beta, "
            "long_run_marginal_expected_shortfall, long_run_loss, tail_dependence (with the "
            "market, less that of independence). Of the set: absorption_ratio, absorption_shift "
            "(NULL before 252 ratios), turbulence, correlation_surprise, magnitude_surprise, "
            "coexceedances.",
            one_of=(
                "absorption_ratio",
                "absorption_shift",
                "beta",
                "coexceedances",
                "correlation_surprise",
                "delta_covar",
                "downside_beta",
                "exposure_delta_covar",
                "long_run_loss",
                "long_run_marginal_expected_shortfall",
                "magnitude_surprise",
                "marginal_expected_shortfall",
                "tail_dependence",
                "turbulence",
                "value_at_risk",
            ),
        ),
        *w.STATISTICS,
        w.UNIT,
        w.N,
        w.QUANTILE,
        w.WINDOW_FROM,
        w.WINDOW_ROWS,
        w.HORIZON.but(doc="Sessions ahead; 0 for the session itself."),
        w.N_SERIES,
        w.METHOD,
        *w.PROVENANCE,
    ),
    grain=("series_set", "session_date", "series_name", "measure", "window_rows"),
    orders=(Order("window_from", "session_date"), Order("n_observations", "window_rows")),
    partition="session_date",
)
