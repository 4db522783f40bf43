"""Sets of series on their common sessions, and the windows in which they are complete.

Belongs here: the way from `core.contagion_series` to what the matrix methods take, and where they
are complete. Does not belong here: any measure, and what left a set (`omitted_series`).
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from selloff.series import SeriesError, common_sessions, complete_sets, matrix

if TYPE_CHECKING:
    from collections.abc import Iterator

PROVENANCE = ("n_flagged", "n_quarantined", "has_simulated_inputs", "as_of")
WINDOWS = (250, 100)
"""Sessions of the rolling windows: a year, as the market model, and one that forgets faster."""


@dataclass(frozen=True, slots=True, eq=False)
class SeriesSet:
    """Series that are compared with each other, on the sessions they have in common.

    Parameters
    ----------
    name, level, region : str
        As ``core.contagion_series`` has them; an empty region where the set spans several.
    sectors : dict of str to str
        Sector of each series that has one.
    returns : DataFrame
        Log returns between common sessions, a row per session and a column per series; NaN where
        a series has none.
    market : Series
        The region's market over the same steps; NaN where it is not known.
    market_values : DataFrame
        Market value in USD at the close before each common session, in the shape of `returns`.
    closes : DataFrame
        When each series closed in each common session (UTC), in the shape of `returns`; NaT where
        that is not known.
    provenance : DataFrame
        What each common session rests on, with the sessions left out before it: the newest
        vintage, whether anything is simulated, and of the flagged and quarantined bars those
        among the inputs of the session's own rows (each of which looks back on a year).
    """

    name: str
    level: str
    region: str
    sectors: dict[str, str]
    returns: pd.DataFrame
    market: pd.Series[float]
    market_values: pd.DataFrame
    closes: pd.DataFrame
    provenance: pd.DataFrame

    def close_hours(self, rows: pd.DataFrame) -> dict[str, float]:
        """Return the usual hour (UTC) at which each series of some sessions closes.

        Nothing where the hour of one is not known. Summer time and a change of hours move a close
        by an hour at most: the hour in the middle counts.
        """
        closes = self.closes.loc[rows.index, list(rows.columns)]
        hours = closes.apply(lambda each: each.dt.hour + each.dt.minute / 60).median()
        return {} if hours.isna().any() else {str(name): float(hours[name]) for name in rows}

    def complete(self, window: int) -> Iterator[pd.DataFrame]:
        """Yield the returns behind each run of windows in which the same series are complete.

        The first window of a run begins with the frame's first row, the last ends with its last.
        Windows up to the row in which a series no longer follows from the others are left out.
        """
        for returns, cause in self.runs(window):
            if not cause:
                yield returns

    def runs(self, window: int) -> Iterator[tuple[pd.DataFrame, str]]:
        """Yield every run, and why no matrix of its windows has an inverse, or nothing.

        A run in which a series first follows from the others, and later does not, is two.
        """
        for each in complete_sets(self.returns, window):
            rows = slice(each.first - window + 1, each.last + 1)
            yield from _apart(self.returns.loc[:, list(each.names)].iloc[rows], window)

    def behind(self, dates: pd.Index, window: int) -> pd.DataFrame:
        """Return what the windows of `window` common sessions that end on `dates` rest on.

        Returns
        -------
        DataFrame
            `window_from` and the columns of `PROVENANCE`, a row per date.
        """
        ends = self.returns.index.get_indexer(dates)
        starts = ends - window + 1
        found = self.provenance.iloc[ends].reset_index(drop=True)
        vintages = self.provenance["as_of"].to_numpy()
        simulated = np.append(0, np.cumsum(self.provenance["has_simulated_inputs"].to_numpy(int)))
        newest = [vintages[start : end + 1].max() for start, end in zip(starts, ends, strict=True)]
        return found.assign(
            window_from=self.returns.index[starts],
            has_simulated_inputs=simulated[ends + 1] > simulated[starts],
            as_of=np.array(newest, dtype=vintages.dtype),
        )


def _apart(returns: pd.DataFrame, window: int) -> Iterator[tuple[pd.DataFrame, str]]:
    """Split a run at the row with which its series are no longer dependent.

    The first window decides, not the whole run: of a window that ends on a date the rows from after
    it must not say whether it is measured.
    """
    while len(returns) >= window and (cause := _dependence(returns.iloc[:window])):
        n_rows = _n_rows_apart(returns, window)
        yield returns.iloc[: n_rows - 1], cause
        returns = returns.iloc[n_rows - window :]
    if len(returns) >= window:
        yield returns, ""


def _n_rows_apart(returns: pd.DataFrame, fewest: int) -> int:
    """Return with how many rows no series follows from the others; one too many where with none.

    More rows cannot make independent series dependent: the number is found by halving.
    """
    numbers = range(fewest, len(returns) + 1)
    return fewest + bisect_left(numbers, 1, key=lambda n: int(not _dependence(returns.iloc[:n])))


def _dependence(returns: pd.DataFrame) -> str:
    """Say why a matrix of the returns has no inverse, or nothing."""
    try:
        matrix(returns)
    except SeriesError as error:
        return str(error)
    return ""


def series_sets(contagion_series: pd.DataFrame) -> list[SeriesSet]:
    """Return the sets of series, each on its common sessions.

    Parameters
    ----------
    contagion_series : DataFrame
        Columns of ``core.contagion_series``, in any order.

    Returns
    -------
    list of SeriesSet
        In the order of their names; their series in that of theirs.
    """
    ordered = contagion_series.sort_values(["series_set", "session_date", "series_name"])
    return [_set(str(name), rows) for name, rows in ordered.groupby("series_set", sort=True)]


def _set(name: str, rows: pd.DataFrame) -> SeriesSet:
    """Put one set's rows side by side."""
    everything = _side_by_side(rows, "log_return").astype(float)
    returns = common_sessions(everything)
    is_common = everything.index.isin(returns.index)
    # Each session belongs to the common one that ends its step; those after the last to none.
    step = np.append(0, np.cumsum(is_common)[:-1])
    steps = pd.Series(step, index=everything.index)[step < len(returns)]
    by_day = rows.groupby("session_date", sort=True)

    def over_steps(column: str, how: Any) -> Any:
        return by_day[column].max()[steps.index].groupby(steps).agg(how).to_numpy()

    provenance = {
        "n_flagged": by_day["n_flagged"].sum()[is_common].to_numpy(),
        "n_quarantined": by_day["n_quarantined"].sum()[is_common].to_numpy(),
        "has_simulated_inputs": over_steps("has_simulated_inputs", "max").astype(bool),
        "as_of": over_steps("as_of", "max"),
    }
    moves = by_day["market_log_return"].max()[steps.index].to_numpy(float)
    # Step by step at once: a function asked for each of 20,000 steps took 3 s.
    starts = np.searchsorted(steps.to_numpy(), np.arange(len(returns)))
    market = np.add.reduceat(moves, starts) if len(returns) else moves
    return SeriesSet(
        name=name,
        level=str(rows["level"].iloc[0]),
        region=str(rows["region"].fillna("").iloc[0]),
        sectors=dict(rows[["series_name", "sector"]].dropna().drop_duplicates().to_numpy()),
        returns=returns,
        market=pd.Series(market, index=returns.index),
        market_values=_side_by_side(rows, "market_value_usd").astype(float).loc[returns.index],
        closes=_side_by_side(rows, "closed_at").loc[returns.index],
        provenance=pd.DataFrame(provenance, index=returns.index),
    )


def _side_by_side(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    wide = rows.set_index(["session_date", "series_name"])[column].unstack()  # noqa: PD010 - one value each
    return wide.sort_index()
