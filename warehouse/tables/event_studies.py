"""How unusual an event was, test by test, and which observations no test could use."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Order, Table

EVENT_STUDY_TESTS = Table(
    layer="mart",
    name="event_study_tests",
    doc=(
        "One row per event, measure, group, window, model and test: what an event study says of "
        "the hypothesis that the event did nothing to the group. Read the headline tests; the "
        "others are shown with their warnings."
    ),
    columns=(
        c.EVENT_ID.but(
            doc="The event; `all` for the events of a region together, before and after the falls."
        ),
        Column(
            "measure",
            "VARCHAR",
            "What is abnormal: the log return, ln(volume + 1 share), or the squared abnormal "
            "return in units of its expected size.",
            one_of=("return", "volume", "volatility"),
        ),
        Column(
            "grouping",
            "VARCHAR",
            "What the observations of a group share; a listing is a group of one.",
            one_of=("region", "sector", "listing"),
        ),
        Column("group_name", "VARCHAR", "The region, the sector, or the listing_id."),
        Column(
            "window_start",
            "BIGINT",
            "First session of the window, counted in the listings' own from the event's (0).",
            unit="sessions",
        ),
        Column("window_end", "BIGINT", "Last session of the window.", unit="sessions"),
        Column(
            "model",
            "VARCHAR",
            "What was expected, estimated on rows [-260,-11].",
            one_of=("constant_mean", "market_adjusted", "market_model"),
        ),
        Column("test", "VARCHAR", "Name of the test, as in the literature."),
        Column("is_headline", "BOOLEAN", "True for the tests that hold where dates cluster."),
        Column(
            "mean_abnormal",
            "DOUBLE",
            "Cumulated abnormal measure over the window, mean over the group (CAAR).",
            unit="unit of the measure's logarithm",
            nullable=True,
        ),
        Column(
            "statistic",
            "DOUBLE",
            "The test's statistic; negative when the measure fell.",
            unit="statistic",
            nullable=True,
        ),
        Column(
            "p_value",
            "DOUBLE",
            "Two-sided probability of such a statistic if the event did nothing.",
            unit="fraction",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "adjusted_p_value",
            "DOUBLE",
            "The same for the false discovery rate (Benjamini-Hochberg) among all groups and "
            "windows of the event with this measure, grouping, model and test.",
            unit="fraction",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "n", "BIGINT", "Observations with a value in the window.", unit="listings", minimum=0
        ),
        Column(
            "degrees_of_freedom",
            "DOUBLE",
            "Of the t distribution that the p-value is of; NULL where it is another.",
            unit="degrees of freedom",
            nullable=True,
            minimum=0,
        ),
        Column(
            "mean_residual_correlation",
            "DOUBLE",
            "Mean pairwise correlation of the group's estimation residuals, on calendar dates.",
            unit="correlation",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        Column("note", "VARCHAR", "What a reader must know of this result; empty where nothing."),
        c.OBSERVED_THROUGH.but(doc="Newest session that the statistic has seen."),
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    is_row_wise=True,
    of_events=True,
    grain=(
        "event_id",
        "measure",
        "grouping",
        "group_name",
        "window_start",
        "window_end",
        "model",
        "test",
    ),
    orders=(Order("window_start", "window_end"),),
)

DROPPED_OBSERVATIONS = Table(
    layer="mart",
    name="dropped_observations",
    doc="One row per event and listing that its event study left out, with the reason.",
    columns=(
        c.EVENT_ID,
        c.LISTING_ID,
        c.TICKER,
        c.SESSION_DATE.but(
            nullable=True, doc="The listing's session of the event; NULL where it has none."
        ),
        Column("reason", "VARCHAR", "Why it was left out."),
        Column("detail", "VARCHAR", "The figures behind the reason; empty where there are none."),
        c.HAS_SIMULATED_INPUTS,
        c.AS_OF,
    ),
    is_row_wise=True,
    of_events=True,
    grain=("event_id", "listing_id"),
)
