"""Judgements on spillovers: shares that do not add up, sets without figures, unstable windows."""

from __future__ import annotations

from checks._check import judgements
from checks.catalogue import Check
from selloff.series import PATIENCE
from warehouse.tables.connectedness import CONNECTEDNESS, CONNECTEDNESS_LINKS
from warehouse.tables.contagion import CONTAGION_SERIES, OMITTED_SERIES

# Sums of some dozen shares, in another order.
TOLERANCE = 1e-9
# Of the sector funds' windows of 250 and of 100 returns, 1999 to 2023, none was unstable; of the
# same windows of log prices (levels taken for returns) 17% were.
MOST_UNSTABLE = 0.05

_WINDOW = "series_set, session_date, model, decomposition, window_rows"
_RECEIVED = f"""(
SELECT c.series_set, c.session_date, c.window_rows, c.series_name, c.value AS received,
  coalesce(l.share, 0) AS share
FROM mart.connectedness AS c
LEFT JOIN (
  SELECT {_WINDOW}, target_name AS series_name, sum(share) AS share
  FROM mart.connectedness_links GROUP BY ALL
) AS l USING ({_WINDOW}, series_name)
WHERE c.measure = 'from_others'
)"""
_SUMS = f"""(
SELECT {_WINDOW},
  any_value(value) FILTER (measure = 'total') AS total,
  avg(value) FILTER (measure = 'from_others') AS mean_received,
  sum(value) FILTER (measure = 'net') AS net
FROM mart.connectedness GROUP BY ALL
)"""
_STABILITY = """(
SELECT series_set, window_rows, count(*) AS n_windows,
  count(*) FILTER (NOT is_stable) AS n_unstable
FROM mart.connectedness WHERE measure = 'total' GROUP BY ALL
)"""
# The newest session in which as many series have a return as in any of the last sessions: in one
# that some lack, the set has no window.
_NEWEST = f"""(
WITH days AS (
  SELECT series_set, session_date, count(*) AS n_series
  FROM core.contagion_series WHERE level IN ('sector', 'sector_fund', 'region') GROUP BY ALL
), late AS (
  SELECT *, max(n_series) OVER (PARTITION BY series_set) AS most
  FROM (FROM days QUALIFY
    row_number() OVER (PARTITION BY series_set ORDER BY session_date DESC) <= {PATIENCE})
), newest AS (
  SELECT series_set, max(session_date) AS session_date FROM late WHERE n_series = most GROUP BY ALL
)
SELECT series_set, session_date, EXISTS (
  FROM mart.connectedness AS c
  WHERE c.series_set = newest.series_set AND c.session_date = newest.session_date
) OR EXISTS (
  FROM mart.omitted_series AS o
  WHERE o.series_set = newest.series_set AND o.series_name = '' AND o.reason <> 'no_market'
    AND newest.session_date BETWEEN o.session_date AND o.last_session_date
) AS is_told
FROM newest
)"""

JUDGEMENTS = (
    Check(
        name="shares_add_up",
        table=CONNECTEDNESS,
        holds=f"abs(received - share) <= {TOLERANCE!r}",
        doc="What a series receives is the sum of its links.",
        relation=_RECEIVED,
        named_by=("series_set", "session_date", "window_rows", "series_name", "received", "share"),
        reads=(CONNECTEDNESS_LINKS,),
    ),
    Check(
        name="totals_agree",
        table=CONNECTEDNESS,
        holds=f"abs(total - mean_received) <= {TOLERANCE!r}",
        doc="The total is the mean of what the series receive.",
        relation=_SUMS,
        named_by=("series_set", "session_date", "window_rows", "total", "mean_received"),
    ),
    Check(
        name="net_sums_to_zero",
        table=CONNECTEDNESS,
        holds=f"abs(net) <= {TOLERANCE!r}",
        doc="What some send in net others receive.",
        relation=_SUMS,
        named_by=("series_set", "session_date", "window_rows", "net"),
    ),
    Check(
        name="most_windows_are_stable",
        table=CONNECTEDNESS,
        holds=f"n_unstable <= n_windows * {MOST_UNSTABLE!r}",
        doc="At most one window in twenty of a set is unstable.",
        relation=_STABILITY,
        named_by=("series_set", "window_rows", "n_unstable", "n_windows"),
    ),
    Check(
        name="sets_are_measured",
        table=CONNECTEDNESS,
        holds="is_told",
        doc="The newest session of a set is measured, or a reason is given.",
        relation=_NEWEST,
        named_by=("series_set", "session_date"),
        reads=(CONTAGION_SERIES, OMITTED_SERIES),
    ),
)

CHECKS = [judgements(CONNECTEDNESS, JUDGEMENTS)]
