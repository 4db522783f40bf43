"""How shocks spread: the series that are compared, their spillovers, tails and shifts."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

_SERIES_SET = Column(
    "series_set",
    "VARCHAR",
    "The series that are compared with each other: `US sectors`, `US sectors, equally weighted`, "
    "`US sector funds`, `regions` in their own currencies, `regions in USD` ...",
)
_LEVEL = Column(
    "level",
    "VARCHAR",
    "What a series is.",
    one_of=("sector", "industry", "sector_fund", "region", "listing"),
)
_SERIES_NAME = Column(
    "series_name", "VARCHAR", "The sector, industry, region, or the ticker of the fund."
)
_WINDOW_FROM = Column(
    "window_from",
    "DATE",
    "First session of the window; with `synchronization` that of the oldest return it rests on.",
)
_WINDOW_ROWS = Column(
    "window_rows",
    "BIGINT",
    "Sessions of the window, all of them used: lags are taken from inside it.",
    unit="sessions",
    minimum=2,
)
_N_ROWS = Column("n_rows", "BIGINT", "Rows of each regression.", unit="sessions", minimum=1)
_N_SERIES = Column("n_series", "BIGINT", "Series compared.", unit="series", minimum=2)
_LAGS = Column("lags", "BIGINT", "Lags of the autoregression.", unit="sessions", minimum=0)
_HORIZON = Column(
    "horizon",
    "BIGINT",
    "Terms of the moving average that are added up, the same day included; 0 where there is none.",
    unit="sessions",
    minimum=0,
)
_MODEL = Column(
    "model",
    "VARCHAR",
    "var: vector autoregression; r_squared: shares of explained variance (Genizi).",
    one_of=("var", "r_squared"),
)
_DECOMPOSITION = Column(
    "decomposition",
    "VARCHAR",
    "How variance is split: generalized (Pesaran-Shin 1998, rows made to sum to one), or genizi, "
    "of the same day and of the lags together.",
    one_of=("generalized", "genizi"),
)
_SYNCHRONIZATION = Column(
    "synchronization",
    "VARCHAR",
    "What was done about different closes: none (all close together); vma1: each market's returns "
    "brought to one clock by a moving average estimated on the window (Burns-Engle-Mezrich 1998).",
    one_of=("none", "vma1"),
)
_IS_STABLE = Column(
    "is_stable",
    "BOOLEAN",
    "Whether the autoregression is stationary: largest root within the unit circle. Shares of an "
    "unstable one depend on the horizon alone. NULL where there is no autoregression.",
    nullable=True,
)
_SPECTRAL_RADIUS = Column(
    "spectral_radius",
    "DOUBLE",
    "Largest modulus of the roots of the companion matrix.",
    unit="ratio",
    nullable=True,
    minimum=0,
)
_SHARE = Column("share", "DOUBLE", "", unit="fraction", nullable=True, minimum=0)
_LOG_RETURN = c.LOG_RETURN.but(nullable=True)
_PROVENANCE = (c.N_FLAGGED, c.N_QUARANTINED, c.HAS_SIMULATED_INPUTS, c.AS_OF)
_CONVENTIONS = (
    _WINDOW_FROM,
    _MODEL,
    _DECOMPOSITION,
    _WINDOW_ROWS,
    _N_ROWS,
    _LAGS,
    _HORIZON,
    _SYNCHRONIZATION,
    _N_SERIES,
    _IS_STABLE,
    _SPECTRAL_RADIUS,
)

CONTAGION_SERIES = Table(
    layer="core",
    name="contagion_series",
    doc=(
        "One row per set of series, series and session: the returns between which contagion is "
        "measured. Firms are compared from core.abnormal_returns."
    ),
    columns=(
        _SERIES_SET,
        _LEVEL,
        _SERIES_NAME,
        c.REGION.but(doc="Market region; NULL for sets that span several.", nullable=True),
        c.SECTOR.but(doc="Sector that the series is, or the fund stands for; NULL for others."),
        Column(
            "weighting",
            "VARCHAR",
            "How members make the series: by_value (equally where fewer than half have a market "
            "value), equal, or none: a fund or a market index.",
            one_of=("by_value", "equal", "none"),
        ),
        c.SESSION_DATE,
        Column(
            "closed_at",
            "TIMESTAMP",
            "When the session ended; NULL where no calendar says.",
            unit="UTC",
            nullable=True,
        ),
        _LOG_RETURN.but(doc="ln(1 + return) since the series' session before."),
        _LOG_RETURN.but(
            name="market_log_return",
            doc="The same of the region's market; NULL for regions, and where it has none.",
        ),
        Column(
            "market_value_usd",
            "DOUBLE",
            "Market value of the members at the close before, each firm counted once; NULL where "
            "unknown.",
            unit="USD",
            nullable=True,
            above=0,
        ),
        Column(
            "n_members",
            "BIGINT",
            "Listings that make the series; 1 for a fund or index.",
            unit="listings",
            minimum=1,
        ),
        *_PROVENANCE,
    ),
    grain=("series_set", "series_name", "session_date"),
    is_row_wise=True,
)

CONNECTEDNESS = Table(
    layer="mart",
    name="connectedness",
    doc=(
        "One row per set of series, session, window, model and measure: how much of the series' "
        "variance comes from each other (Diebold-Yilmaz 2012), from the sessions of the window up "
        "to that one."
    ),
    columns=(
        _SERIES_SET,
        _LEVEL,
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
        _SERIES_NAME.but(doc="The series; empty for measures of the set."),
        Column(
            "value",
            "DOUBLE",
            "NULL where the window's regressions have no solution.",
            unit="fraction; series for n_net_receivers",
            nullable=True,
        ),
        *_CONVENTIONS,
        *_PROVENANCE,
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
    orders=(Order("window_from", "session_date"), Order("n_rows", "window_rows")),
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
        _SERIES_SET,
        _LEVEL,
        c.SESSION_DATE.but(doc="Last session of the window, in the exchange's own calendar."),
        _SERIES_NAME.but(name="source_name", doc="The series that sends."),
        _SERIES_NAME.but(name="target_name", doc="The series that receives."),
        _SHARE.but(
            doc="Share of the target's forecast error variance that comes from the source's shocks."
        ),
        Column(
            "net_pairwise",
            "DOUBLE",
            "`share` less that of the opposite direction: positive where the source sends more.",
            unit="fraction",
            nullable=True,
        ),
        _SHARE.but(
            name="pairwise_index",
            doc="Twice both directions over all shares of the two: 1 where they matter to each "
            "other alone (PCI).",
        ),
        _SHARE.but(
            name="influence",
            doc="Size of `net_pairwise` over the sum of both directions: 1 where all flows one "
            "way; NULL where nothing flows.",
        ),
        *_CONVENTIONS,
        *_PROVENANCE,
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
    orders=(Order("window_from", "session_date"), Order("n_rows", "window_rows")),
    partition="session_date",
)

_STATISTICS = (
    Column(
        "value", "DOUBLE", "Its value; NULL where it is undefined.", unit="`unit`", nullable=True
    ),
    Column(
        "standard_error",
        "DOUBLE",
        "Its standard error, by `method`; NULL where none is known.",
        unit="`unit`",
        nullable=True,
        minimum=0,
    ),
)
_UNIT = Column("unit", "VARCHAR", "Unit of the value: fraction, log points, USD, ratio ...")
_METHOD = Column("method", "VARCHAR", "Formula, estimator of the error, and source, in words.")
_N = Column("n", "BIGINT", "Observations the value rests on.", unit="sessions", minimum=0)

SYSTEMIC_RISK = Table(
    layer="mart",
    name="systemic_risk",
    doc=(
        "One row per set of series, session, series and measure: what falls together, how far, and "
        "what it would cost, from the sessions of the window up to that one."
    ),
    columns=(
        _SERIES_SET,
        _LEVEL,
        c.SESSION_DATE.but(doc="Last session of the window, in the exchange's own calendar."),
        _SERIES_NAME.but(doc="The series; empty for measures of the set."),
        Column(
            "measure",
            "VARCHAR",
            "Of a series: value_at_risk, delta_covar (of the market, given the series), "
            "exposure_delta_covar (of the series, given the market), "
            "marginal_expected_shortfall, beta, downside_beta, "
            "long_run_marginal_expected_shortfall, long_run_loss, tail_dependence (with the "
            "market, less that of independence). Of the set: absorption_ratio, absorption_shift, "
            "turbulence, correlation_surprise, magnitude_surprise, coexceedances.",
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
        *_STATISTICS,
        _UNIT,
        _N,
        Column(
            "quantile",
            "DOUBLE",
            "Share of sessions that count as the tail; NULL where none does.",
            unit="fraction",
            nullable=True,
            above=0,
            maximum=1,
        ),
        _WINDOW_FROM,
        _WINDOW_ROWS,
        _HORIZON.but(doc="Sessions ahead; 0 for the session itself."),
        _N_SERIES,
        _METHOD,
        *_PROVENANCE,
    ),
    grain=("series_set", "session_date", "series_name", "measure", "window_rows"),
    orders=(Order("window_from", "session_date"), Order("n", "window_rows")),
    partition="session_date",
)

_P_VALUE = Column("p_value", "DOUBLE", "", unit="fraction", nullable=True, minimum=0, maximum=1)

CONTAGION_MEASURES = Table(
    layer="mart",
    name="contagion_measures",
    doc=(
        "One row per event, set of series, ordered pair and measure: how the two moved together "
        "before and after, and whether that changed. Measures of one series have it as source and "
        "target."
    ),
    columns=(
        c.EVENT_ID,
        _SERIES_SET,
        _LEVEL,
        _SERIES_NAME.but(name="source_name", doc="The series that sends, or where it began."),
        _SERIES_NAME.but(name="target_name", doc="The series that receives."),
        Column("is_origin", "BOOLEAN", "Whether the source is where the event began."),
        Column("measure", "VARCHAR", "Name of the measure, as in the literature."),
        Column(
            "period",
            "VARCHAR",
            "before: the window that ends with the session before the event; after: that of the "
            "sessions after its first; shift: one against the other.",
            one_of=("before", "after", "shift"),
        ),
        *_STATISTICS,
        Column(
            "lower",
            "DOUBLE",
            "Lower end of the 95% band; NULL where there is none.",
            unit="`unit`",
            nullable=True,
        ),
        Column("upper", "DOUBLE", "Its upper end.", unit="`unit`", nullable=True),
        _UNIT,
        _P_VALUE.but(doc="Probability of such a value if there were no contagion, by `method`."),
        _P_VALUE.but(
            name="adjusted_p_value",
            doc="The same for the false discovery rate (Benjamini-Hochberg) among the pairs of the "
            "event's set with this measure and period.",
        ),
        _N,
        Column(
            "n_before",
            "BIGINT",
            "Sessions of the window before, for a shift.",
            unit="sessions",
            nullable=True,
            minimum=0,
        ),
        Column(
            "detectable",
            "DOUBLE",
            "Smallest shift that the test finds in four cases of five: what is smaller passes "
            "unseen.",
            unit="`unit`",
            nullable=True,
            minimum=0,
        ),
        _WINDOW_FROM.but(nullable=True),
        Column("window_to", "DATE", "Last session of the window.", nullable=True),
        _WINDOW_ROWS.but(minimum=0),
        _LAGS,
        _HORIZON,
        _SYNCHRONIZATION,
        Column(
            "is_stable",
            "BOOLEAN",
            "Whether the autoregression is stationary; NULL where there is none.",
            nullable=True,
        ),
        _METHOD,
        c.OBSERVED_THROUGH,
        *_PROVENANCE,
    ),
    grain=("event_id", "series_set", "source_name", "target_name", "measure", "period"),
    is_row_wise=True,
)

OMITTED_SERIES = Table(
    layer="mart",
    name="omitted_series",
    doc=(
        "One row per set of series, window, series and span of sessions in which the series was "
        "left out of the set's measures, with the reason."
    ),
    columns=(
        _SERIES_SET,
        _SERIES_NAME.but(doc="The series; empty where the whole set was left out."),
        _WINDOW_ROWS,
        c.SESSION_DATE.but(doc="First session whose window lacks it."),
        Column("last_session_date", "DATE", "Last session in a row whose window lacks it."),
        Column("n_sessions", "BIGINT", "Windows that lack it.", unit="windows", minimum=1),
        Column(
            "reason",
            "VARCHAR",
            "late: it begins inside the window; ended: it has ended; missing: it has gaps; "
            "constant: it does not move; of the whole set too_few_series, too_few_rows, and "
            "dependent: one series follows from the others.",
            one_of=(
                "late",
                "ended",
                "missing",
                "constant",
                "too_few_series",
                "too_few_rows",
                "dependent",
            ),
        ),
        Column("detail", "VARCHAR", "The figures behind the reason, of the first such window."),
        c.AS_OF,
    ),
    grain=("series_set", "series_name", "window_rows", "session_date"),
    orders=(Order("session_date", "last_session_date"),),
    is_row_wise=True,
)
