"""How shocks spread: the series that are compared, and how they moved together around events."""

from __future__ import annotations

from warehouse import columns as c
from warehouse import windows as w
from warehouse.contract import Column, Order, Table

CONTAGION_SERIES = Table(
    layer="core",
    name="contagion_series",
    doc=(
        "One row per set of series, series and session: the returns between which contagion is "
        "measured. Firms are compared from core.abnormal_returns."
    ),
    columns=(
        w.SERIES_SET,
        w.LEVEL,
        w.SERIES_NAME,
        c.REGION.but(doc="Market region; NULL for sets that span several.", nullable=True),
        c.SECTOR.but(doc="Sector that the series is, or the fund stands for; NULL for others."),
        Column(
            "weighting",
            "VARCHAR",
            "How members make the series: equal; by_value, in sessions in which at least half have "
            "a market value; none: a fund or a market index.",
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
        w.LOG_RETURN.but(doc="ln(1 + return) since the series' session before."),
        w.LOG_RETURN.but(
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
        *w.PROVENANCE,
    ),
    grain=("series_set", "series_name", "session_date"),
    is_row_wise=True,
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
        w.SERIES_SET,
        w.LEVEL,
        w.SERIES_NAME.but(name="source_name", doc="The series that sends, or where it began."),
        w.SERIES_NAME.but(name="target_name", doc="The series that receives."),
        Column("is_origin", "BOOLEAN", "Whether the source is where the event began."),
        Column(
            "measure",
            "VARCHAR",
            "correlation, before and after; correlation_shift: beyond what the source's variance "
            "explains; coskewness_12, coskewness_21, cokurtosis_13, cokurtosis_31, "
            "covolatility_22: shifts of higher comoments, first power the source's; granger: what "
            "a return of the source says of the target's next; spillover_coefficient and "
            "lead_lag_correlation: that, and correlation, where closes lie apart; delta_covar, "
            "tail_dependence: of the target given the source; spillover_share, net_pairwise: of a "
            "pair's forecast error; net: of one series; total: of the set, with neither named.",
        ),
        Column(
            "period",
            "VARCHAR",
            "before: the window that ends with the session before the event; after: the sessions "
            "from its first on, up to 21, or, of spillovers, the window that ends with them, most "
            "of which lies before; shift: the sessions from its first on against those before.",
            one_of=("before", "after", "shift"),
        ),
        *w.STATISTICS,
        Column(
            "lower",
            "DOUBLE",
            "Lower end of the 95% band; NULL where there is none. The noise of short windows "
            "raises totals and shares, and is taken off their bands: these may exclude the value.",
            unit="`unit`",
            nullable=True,
        ),
        Column("upper", "DOUBLE", "Its upper end.", unit="`unit`", nullable=True),
        w.UNIT,
        _P_VALUE.but(doc="Probability of such a value if there were no contagion, by `method`."),
        _P_VALUE.but(
            name="adjusted_p_value",
            doc="The same for the false discovery rate (Benjamini-Hochberg) among the pairs of the "
            "event's set with this measure and period.",
        ),
        w.N,
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
        w.WINDOW_FROM.but(nullable=True),
        Column("window_to", "DATE", "Last session of the window.", nullable=True),
        w.WINDOW_ROWS.but(minimum=0),
        w.LAGS,
        w.HORIZON,
        w.SYNCHRONIZATION,
        w.QUANTILE,
        Column(
            "bandwidth",
            "BIGINT",
            "Lags over which Newey-West errors look; NULL for others.",
            unit="sessions",
            nullable=True,
            minimum=0,
        ),
        Column(
            "draws",
            "BIGINT",
            "Samples behind the error, band or p-value; NULL where a formula gives them.",
            unit="samples",
            nullable=True,
            minimum=1,
        ),
        Column(
            "is_stable",
            "BOOLEAN",
            "Whether the autoregression is stationary; NULL where there is none.",
            nullable=True,
        ),
        w.METHOD,
        c.OBSERVED_THROUGH,
        *w.PROVENANCE,
    ),
    of_events=True,
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
        w.SERIES_SET,
        w.SERIES_NAME.but(doc="The series; empty where the whole set was left out."),
        w.WINDOW_ROWS,
        c.SESSION_DATE.but(doc="First session whose window lacks it."),
        Column("last_session_date", "DATE", "Last session in a row whose window lacks it."),
        Column("n_windows", "BIGINT", "Windows that lack it.", unit="windows", minimum=1),
        Column(
            "reason",
            "VARCHAR",
            "late: it begins inside the window; ended: it has ended; missing: it has gaps; "
            "constant: it does not move. Of the whole set: too_few_rows: no window is full yet; "
            "too_few_series; dependent: one series follows from the others; no_market: nothing is "
            "said of tails.",
            one_of=(
                "late",
                "ended",
                "missing",
                "constant",
                "too_few_series",
                "too_few_rows",
                "dependent",
                "no_market",
            ),
        ),
        Column("detail", "VARCHAR", "The figures behind the reason, of the first such window."),
        c.AS_OF,
    ),
    grain=("series_set", "series_name", "window_rows", "session_date", "reason"),
    orders=(Order("session_date", "last_session_date"),),
    is_row_wise=True,
)
