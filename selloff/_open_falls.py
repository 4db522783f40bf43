"""Falls of listings, followed from session to session until a close regains them.

Not here: where sessions are read (`selloff.session_falls`), what is asked (`selloff.recovery`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from selloff._session_lookups import NEVER, days_of, floats

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]


@dataclass(slots=True)
class LastBars:
    """The last bar of each listing, and what its bars so far say."""

    n_bars: Ints
    close: Floats
    before: Floats
    highest: Floats
    day: Ints
    known: Ints
    n_flagged: Ints
    n_quarantined: Ints
    is_simulated: NDArray[np.bool_]

    @classmethod
    def none(cls, size: int) -> LastBars:
        """Return listings without bars."""
        missing, zero = np.full(size, np.nan), np.zeros(size, np.int64)
        never, no = np.full(size, NEVER), np.zeros(size, bool)
        return cls(zero, missing, missing.copy(), missing.copy(), never, never.copy(),
                   zero.copy(), zero.copy(), no)  # fmt: skip

    def advance(self, day: int, bars: dict[str, Any]) -> None:
        """Let the bars of a session be the newest."""
        some, close = bars["listing"], bars["close"]
        self.n_bars[some] += 1
        self.before[some] = self.close[some]
        self.close[some] = close
        highest = np.fmax(self.highest[some], close)
        self.highest[some] = np.where(bars["is_rebased"], close, highest)
        self.day[some] = day
        self.known[some] = np.maximum(self.known[some], bars["known"])
        self.n_flagged[some] += bars["is_flagged"]
        self.n_quarantined[some] += bars["n_quarantined"]
        self.is_simulated[some] |= bars["is_simulated"]


@dataclass(slots=True)
class Falls:
    """The falls in the order asked for; what is not known is NaN, -1 or `NEVER`."""

    listing: Ints
    day: Ints
    close: Floats
    is_known: NDArray[np.bool_]
    trough_sessions: int
    row: Ints
    """The place of each among its listing's bars, once its session has come."""
    by_day: Ints
    """Their places in order of day."""
    days: Ints
    """Their days in that order."""
    at: dict[str, NDArray[Any]]
    """What is found of each."""

    @classmethod
    def of(cls, rows: pa.Table, listing: Ints, trough_sessions: int) -> Falls:
        """Return falls of which nothing has been found."""
        if trough_sessions < 0:
            raise ValueError(f"a trough cannot lie {-trough_sessions} sessions before the event")
        size, day = len(rows), days_of(rows["session_date"])
        by_day = np.argsort(day, kind="stable")
        missing = ("previous_close", "highest_close", "next_close", "trough_close")
        counts = ("n_flagged", "n_quarantined", "simulated")
        days = ("days_to_recover_half", "days_to_recover")
        instants = ("known_so_far", "known_then", "trough_date", "observed_through")
        return cls(
            listing=listing,
            day=day,
            close=floats(rows["close"]),
            is_known=rows["simple_return"].is_valid().to_numpy(),
            trough_sessions=trough_sessions,
            row=np.zeros(size, np.int64),
            by_day=by_day,
            days=day[by_day],
            at={
                **{name: np.full(size, np.nan) for name in missing},
                **{name: np.zeros(size, np.int64) for name in counts},
                **{name: np.full(size, -1) for name in days},
                **{name: np.full(size, NEVER) for name in instants},
            },
        )


class Walk:
    """Goes from session to session with the last bar of every listing and the falls still open.

    Parameters
    ----------
    n_listings : int
        How many there are.
    falls : Falls
        With nothing found, or as far as they were followed before.
    wanted : array, optional
        Of falls that are open already, the close that says more of each: half of the way back, then
        all of it.
    young, old : array, optional
        Which are open already. Young: the trough, or the next session, may be to come. Old: the way
        back alone is.
    """

    def __init__(
        self,
        n_listings: int,
        falls: Falls,
        wanted: Floats | None = None,
        young: Ints | None = None,
        old: Ints | None = None,
    ) -> None:
        self._now, self._falls = LastBars.none(n_listings), falls
        none = np.empty(0, np.int64)
        self._young, self._old = none if young is None else young, none if old is None else old
        self._wanted = np.full(len(falls.day), np.inf) if wanted is None else wanted

    def go(self, day: int, bars: dict[str, Any]) -> None:
        """Look at a session."""
        if bars["is_rebased"].any():
            self._cut(bars["listing"][bars["is_rebased"]])
        self._now.advance(day, bars)
        close = np.full(len(self._now.close), np.nan)
        close[bars["listing"]] = bars["close"]
        self._follow_old(close)
        traded = np.zeros(len(close), bool)
        traded[bars["listing"]] = True
        self._follow_young(day, close, traded)
        self._begin(day)

    def end(self) -> None:
        """Say of the falls still open what they have seen."""
        self._close(np.concatenate([self._young, self._old]))

    def _begin(self, day: int) -> None:
        """Take up the falls of a session."""
        falls, now = self._falls, self._now
        new = falls.by_day[slice(*np.searchsorted(falls.days, (day, day + 1)))]
        listing = falls.listing[new]
        at = falls.at
        for name, values in {
            "previous_close": now.before,
            "highest_close": now.highest,
            "known_so_far": now.known,
            "n_flagged": now.n_flagged,
            "n_quarantined": now.n_quarantined,
            "simulated": now.is_simulated,
        }.items():
            at[name][new] = values[listing]
        falls.row[new] = now.n_bars[listing]
        is_known = falls.is_known[new]
        known = new[is_known]
        close, before = falls.close[known], at["previous_close"][known]
        at["trough_close"][known] = close
        at["trough_date"][known] = np.where(np.isnan(close), NEVER, day)
        self._wanted[known] = (before + close) / 2
        self._regain(known, close, np.zeros(len(known), np.int64))
        self._young = np.concatenate([self._young, known])
        self._old = np.concatenate([self._old, new[~is_known]])

    def _follow_young(self, day: int, close: Floats, traded: NDArray[np.bool_]) -> None:
        """Look for next sessions, troughs and ways back."""
        falls = self._falls
        here = traded[falls.listing[self._young]]
        some = self._young[here]
        if not len(some):
            return
        listing, at = falls.listing[some], falls.at
        now, days = close[listing], self._now.n_bars[listing] - falls.row[some]
        first = days == 1
        at["next_close"][some[first]] = now[first]
        self._regain(some, now, days)
        is_back = at["days_to_recover"][some] >= 0
        lower = ~(now >= at["trough_close"][some]) & ~np.isnan(now)
        lower &= ~is_back & (days <= falls.trough_sessions)
        at["trough_close"][some[lower]] = now[lower]
        at["trough_date"][some[lower]] = day
        # One that never fell has only its next session to show.
        self._close(some[is_back])
        grown = ~is_back & (days >= max(falls.trough_sessions, 1))
        self._old = np.concatenate([self._old, some[grown]])
        stays = ~here
        stays[here] = ~is_back & ~grown
        self._young = self._young[stays]

    def _follow_old(self, close: Floats) -> None:
        """Look for the way back alone."""
        falls = self._falls
        reached = close[falls.listing[self._old]] >= self._wanted[self._old]
        if not reached.any():
            return
        some = self._old[reached]
        listing = falls.listing[some]
        self._regain(some, close[listing], self._now.n_bars[listing] - falls.row[some])
        is_back = falls.at["days_to_recover"][some] >= 0
        self._close(some[is_back])
        reached[reached] = is_back
        self._old = self._old[~reached]

    def _regain(self, some: Ints, close: Floats, days: Ints) -> None:
        """Note which falls have regained half, and all, at these closes so many sessions later."""
        at = self._falls.at
        half = (close >= self._wanted[some]) & (at["days_to_recover_half"][some] < 0)
        at["days_to_recover_half"][some[half]] = days[half]
        before = at["previous_close"][some]
        self._wanted[some[half]] = before[half]
        back = (close >= before) & (at["days_to_recover"][some] < 0)
        at["days_to_recover"][some[back]] = days[back]

    def _cut(self, listings: Ints) -> None:
        """Let go of the falls of listings whose prices are on another basis from here on."""
        cut = np.zeros(len(self._now.close), bool)
        cut[listings] = True
        for name in ("_young", "_old"):
            held = getattr(self, name)
            is_cut = cut[self._falls.listing[held]]
            self._close(held[is_cut])
            setattr(self, name, held[~is_cut])

    def _close(self, some: Ints) -> None:
        """Note the last session that falls have seen, if any came after them."""
        falls, now = self._falls, self._now
        listing = falls.listing[some]
        later = now.day[listing] > falls.day[some]
        some, listing = some[later], listing[later]
        falls.at["observed_through"][some] = now.day[listing]
        falls.at["known_then"][some] = now.known[listing]
