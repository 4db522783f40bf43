"""How much each listing moves, and how far it stands and stood below its highs."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

_VOLATILITY = Column(
    "close_volatility",
    "DOUBLE",
    "Sample deviation of the 19 log returns between the last 20 closes, times sqrt(252).",
    unit="log points per year",
    nullable=True,
    minimum=0,
)

RISK_MEASURES = Table(
    layer="core",
    name="risk_measures",
    doc=(
        "One row per listing and session: how far below its high, how volatile, and how unusual "
        "the session's move was. Volatilities and drawdown are as of the close, all else is held "
        "against the sessions before."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE,
        c.DRAWDOWN,
        c.LOG_RETURN.but(
            name="overnight_log_return",
            doc="The gap, ln(open / previous close); with `intraday_log_return` the whole move.",
        ),
        c.LOG_RETURN.but(name="intraday_log_return", doc="ln(close / open)."),
        _VOLATILITY,
        _VOLATILITY.but(
            name="parkinson_volatility",
            doc="From the ranges (high to low) of 20 sessions, annualised by sqrt(252).",
        ),
        _VOLATILITY.but(
            name="garman_klass_volatility",
            doc="From open, range and close of 20 sessions, annualised by sqrt(252).",
        ),
        _VOLATILITY.but(
            name="rogers_satchell_volatility",
            doc="The same whatever the drift (Rogers, Satchell), annualised by sqrt(252).",
        ),
        _VOLATILITY.but(
            name="garman_klass_yang_zhang_volatility",
            doc="Garman and Klass with the gaps added, annualised by sqrt(252).",
        ),
        _VOLATILITY.but(
            name="yang_zhang_volatility",
            doc="Gaps, days and ranges of 20 sessions, whatever the drift; times sqrt(252).",
        ),
        Column(
            "ewma_sigma",
            "DOUBLE",
            "EWMA volatility (lambda 0.94) of the log returns up to the session before; not "
            "annualised.",
            unit="log points",
            nullable=True,
            above=0,
        ),
        Column(
            "extreme_move_z",
            "DOUBLE",
            "Log return over `ewma_sigma`, from the 31st return on.",
            unit="standard deviations",
            nullable=True,
        ),
        Column(
            "robust_z",
            "DOUBLE",
            "Log return less the median, over 1.4826 median absolute deviations, of the 250 rows "
            "before (at least 60 returns).",
            unit="standard deviations",
            nullable=True,
        ),
        Column(
            "downside_beta",
            "DOUBLE",
            "Slope on the market's log return over those of the 250 rows before in which the "
            "market fell (at least 50).",
            unit="ratio",
            nullable=True,
        ),
        c.N_FLAGGED.but(doc="Bars with a quality flag among the last 20."),
        c.N_QUARANTINED.but(doc="Bars that are quarantined, and so absent, among the last 20."),
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    grain=("listing_id", "session_date"),
    partition="session_date",
)

DRAWDOWN_EPISODES = Table(
    layer="mart",
    name="drawdown_episodes",
    doc=(
        "One row per listing and fall below its highest close: from the peak to the first close "
        "at or above it again."
    ),
    columns=(
        c.LISTING_ID,
        c.TICKER.but(doc="Symbol of the listing at the peak."),
        c.SECTOR,
        c.REGION,
        Column("peak_date", "DATE", "Last session at the high, before the fall."),
        Column("trough_date", "DATE", "First session with the lowest close, so far while open."),
        Column(
            "recovery_date",
            "DATE",
            "First session that closed at or above the peak again; NULL where none is seen.",
            nullable=True,
        ),
        Column(
            "outcome",
            "VARCHAR",
            "open: not back yet; broken_off: an unapplied split put prices on another basis before "
            "it was.",
            one_of=("open", "recovered", "broken_off"),
        ),
        c.DRAWDOWN.but(name="depth", doc="Close at the trough / close at the peak - 1."),
        Column("sessions_to_trough", "BIGINT", "From peak to trough.", unit="sessions", minimum=1),
        Column(
            "sessions_to_recover",
            "BIGINT",
            "From trough to recovery; NULL where none is seen.",
            unit="sessions",
            nullable=True,
            minimum=1,
        ),
        Column(
            "sessions_under_water",
            "BIGINT",
            "From peak to recovery, else to `observed_through`.",
            unit="sessions",
            minimum=1,
        ),
        c.CLOSE.but(name="peak_close", doc="Close at the peak."),
        c.CLOSE.but(name="trough_close", doc="Close at the trough."),
        c.CURRENCY,
        c.MARKET_VALUE_LOST_USD.but(
            doc="Shares x (close at the peak - close at the trough), in USD of the peak's day."
        ),
        Column(
            "is_counted",
            "BOOLEAN",
            "True for the episodes of the one listing that carries its firm's market value: sum "
            "losses over these rows only.",
        ),
        c.SHARES_OUTSTANDING,
        Column(
            "shares_known_on",
            "DATE",
            "Date of the share count used, never after the peak.",
            nullable=True,
        ),
        c.USD_PER_CURRENCY.but(nullable=True, doc="Exchange rate used, from the peak's day."),
        c.OBSERVED_THROUGH.but(
            doc="The recovery, else the last session that this row has seen.", nullable=False
        ),
        c.N_FLAGGED.but(doc="Bars with a quality flag from the peak to `observed_through`."),
        c.N_QUARANTINED.but(doc="Bars quarantined, and so absent, up to `observed_through`."),
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    is_row_wise=True,
    in_todays_shares=True,
    grain=("listing_id", "peak_date"),
    seen_through="observed_through",
    open_where="outcome = 'open'",
    orders=(
        Order("peak_date", "trough_date"),
        Order("trough_date", "observed_through"),
        Order("trough_close", "peak_close"),
    ),
)
