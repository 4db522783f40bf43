"""What each market and each listing did in a session, and how unusual that was."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

MARKET_RETURNS = Table(
    layer="core",
    name="market_returns",
    doc="One row per region and session: the market that listings of the region are held against.",
    columns=(
        c.REGION.but(nullable=False),
        c.SESSION_DATE,
        c.MARKET.but(nullable=False),
        Column("log_level", "DOUBLE", "Logarithm of the market's level.", unit="log points"),
        c.SIMPLE_RETURN.but(name="market_return", doc="Return since the market's last level."),
        Column(
            "market_sigma",
            "DOUBLE",
            "EWMA volatility (lambda 0.94) of the log returns up to the session before.",
            unit="log points",
            nullable=True,
            above=0,
        ),
        Column(
            "market_z",
            "DOUBLE",
            "Log return over yesterday's `market_sigma`.",
            unit="standard deviations",
            nullable=True,
        ),
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.IS_SIMULATED.but(doc="True where the session's own level is simulated."),
        c.AS_OF,
    ),
    grain=("region", "session_date"),
)

ABNORMAL_RETURNS = Table(
    layer="core",
    name="abnormal_returns",
    doc=(
        "One row per listing and session: its return against the market model fitted on rows "
        "[-260,-11] of its own trading days. An event study is a filter on this table."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        Column(
            "previous_session_date",
            "DATE",
            "Session of the close that the return starts from.",
            nullable=True,
        ),
        c.SIMPLE_RETURN,
        c.LOG_RETURN,
        c.MARKET,
        Column(
            "market_log_return",
            "DOUBLE",
            "The market's log return over the same two sessions.",
            unit="log points",
            nullable=True,
        ),
        Column(
            "alpha",
            "DOUBLE",
            "Intercept of the market model.",
            unit="log points",
            nullable=True,
        ),
        Column("beta", "DOUBLE", "Slope of the market model.", unit="ratio", nullable=True),
        Column(
            "n_estimation",
            "BIGINT",
            "Valid pairs among the 250 estimation rows.",
            unit="sessions",
            minimum=0,
        ),
        Column(
            "residual_sigma",
            "DOUBLE",
            "Standard error of the regression (n - 2).",
            unit="log points",
            nullable=True,
            minimum=0,
        ),
        c.ABNORMAL_RETURN,
        c.ABNORMAL_Z,
        c.ABNORMAL_VOLUME_Z,
        c.N_FLAGGED,
        c.N_QUARANTINED,
        c.HAS_SIMULATED_INPUTS,
        c.IS_SIMULATED.but(doc="True where the session's own bar is simulated."),
        c.AS_OF,
    ),
    grain=("listing_id", "session_date"),
    partition="session_date",
)
