"""Columns that say which series, over which rows and how something was measured, each once."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column

SERIES_SET = Column(
    "series_set",
    "VARCHAR",
    "The series that are compared with each other: `US sectors` (equally weighted), "
    "`US sectors by value`, `US sector funds`, `regions` in their own currencies, `regions in "
    "USD` ...",
)
LEVEL = Column(
    "level",
    "VARCHAR",
    "What a series is.",
    one_of=("sector", "industry", "sector_fund", "region", "listing"),
)
SERIES_NAME = Column(
    "series_name", "VARCHAR", "The sector, industry, region, or the ticker of the fund."
)
WINDOW_FROM = Column(
    "window_from",
    "DATE",
    "First session of the window; with `synchronization` that of the oldest return it rests on.",
)
WINDOW_ROWS = Column(
    "window_rows",
    "BIGINT",
    "Sessions of the window, all of them used: lags are taken from inside it.",
    unit="sessions",
    minimum=2,
)
N_ROWS = Column("n_regressed", "BIGINT", "Rows of each regression.", unit="sessions", minimum=1)
N_SERIES = Column("n_series", "BIGINT", "Series compared.", unit="series", minimum=2)
LAGS = Column("lags", "BIGINT", "Lags of the autoregression.", unit="sessions", minimum=0)
HORIZON = Column(
    "horizon",
    "BIGINT",
    "Terms of the moving average that are added up, the same day included; 0 where there is none.",
    unit="sessions",
    minimum=0,
)
MODEL = Column(
    "model",
    "VARCHAR",
    "var: vector autoregression; r_squared: shares of explained variance (Genizi).",
    one_of=("var", "r_squared"),
)
DECOMPOSITION = Column(
    "decomposition",
    "VARCHAR",
    "How variance is split: generalized (Pesaran-Shin 1998, rows made to sum to one), or genizi, "
    "of the same day and of the lags together.",
    one_of=("generalized", "genizi"),
)
SYNCHRONIZATION = Column(
    "synchronization",
    "VARCHAR",
    "What was done about different closes: none (all close together); vma1: each market's returns "
    "brought to one clock by a moving average estimated on the window (Burns-Engle-Mezrich 1998).",
    one_of=("none", "vma1"),
)
IS_STABLE = Column(
    "is_stable",
    "BOOLEAN",
    "Whether the autoregression is stationary: largest root within the unit circle. Shares of an "
    "unstable one depend on the horizon alone. NULL where there is no autoregression.",
    nullable=True,
)
SPECTRAL_RADIUS = Column(
    "spectral_radius",
    "DOUBLE",
    "Largest modulus of the roots of the companion matrix.",
    unit="ratio",
    nullable=True,
    minimum=0,
)
SHARE = Column("share", "DOUBLE", "", unit="fraction", nullable=True, minimum=0)
LOG_RETURN = c.LOG_RETURN.but(nullable=True)
PROVENANCE = (c.N_FLAGGED, c.N_QUARANTINED, c.HAS_SIMULATED_INPUTS, c.AS_OF)
CONVENTIONS = (
    WINDOW_FROM,
    MODEL,
    DECOMPOSITION,
    WINDOW_ROWS,
    N_ROWS,
    LAGS,
    HORIZON,
    SYNCHRONIZATION,
    N_SERIES,
    IS_STABLE,
    SPECTRAL_RADIUS,
)

STATISTICS = (
    Column(
        "value", "DOUBLE", "Its value; NULL where it is undefined.", unit="`unit`", nullable=True
    ),
    Column(
        "value_standard_error",
        "DOUBLE",
        "Its standard error, by `method`; NULL where none is known.",
        unit="`unit`",
        nullable=True,
        minimum=0,
    ),
)
UNIT = Column("unit", "VARCHAR", "Unit of the value: fraction, log points, USD, ratio ...")
METHOD = Column("method", "VARCHAR", "Formula, estimator of the error, and source, in words.")
N = Column(
    "n_observations", "BIGINT", "Observations the value rests on.", unit="sessions", minimum=0
)
QUANTILE = Column(
    "quantile",
    "DOUBLE",
    "Share of sessions that count as the tail; NULL where none does.",
    unit="fraction",
    nullable=True,
    above=0,
    maximum=1,
)
