"""Which listings are lines of one firm, as far as market values betray it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Counts in round thousands are shared by strangers, and so are levels of a day or two.
_ROUND, _LEAST_SESSIONS, _LEAST_SHARE = 1000, 5, 0.5


def issuers(implied_shares: ir.Table, turnover: ir.Table) -> ir.Table:
    """Return which listing speaks for others that vendors value with the same share count.

    Vendors multiply the whole firm's count by the price of each of its lines: classes, notes and
    preferred shares imply the same count to the last share, over the same sessions. Two listings
    are of one firm if they do so in half of the sessions of the shorter-lived one, in runs of five
    sessions or more, by counts that are no multiples of a thousand, and if their symbols begin
    with the same letter: firms that split in two have the same count too, until the first buyback.

    Parameters
    ----------
    implied_shares : ibis Table
        Columns of ``core.implied_shares``.
    turnover : ibis Table
        `listing_id` and `turnover`, the usual value traded in a session.

    Returns
    -------
    ibis Table
        `listing_id` and `speaker_id`, the most traded listing of its firm; only of listings that
        share one, the speakers included.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> day = pd.to_datetime(["2024-01-02"] * 3)
    >>> runs = pd.DataFrame({"listing_id": ["T", "TBB", "X"], "ticker": ["T", "TBB", "X"],
    ...     "first_session_date": day, "last_session_date": day + pd.Timedelta(days=30),
    ...     "n_sessions": 20, "adjusted_shares": [7150000123.0, 7150000123.0, 5.0]})
    >>> traded = pd.DataFrame({"listing_id": ["T", "TBB", "X"], "turnover": [9.0, 1.0, 5.0]})
    >>> found = issuers(ibis.memtable(runs), ibis.memtable(traded)).order_by("listing_id")
    >>> found.execute().to_numpy().tolist()
    [['T', 'T'], ['TBB', 'T']]
    """
    import ibis

    runs = implied_shares.select(
        "listing_id",
        "first_session_date",
        "last_session_date",
        count=implied_shares.adjusted_shares.round().cast("int64"),
        letter=implied_shares.ticker.substr(0, 1),
        n_sessions="n_sessions",
    )
    runs = runs.filter(runs.n_sessions >= _LEAST_SESSIONS, runs["count"] % _ROUND != 0)
    others = runs.rename(
        other_id="listing_id",
        other_first="first_session_date",
        other_last="last_session_date",
        other_sessions="n_sessions",
    )
    pairs = runs.inner_join(others, ("count", "letter"))
    pairs = pairs.filter(
        pairs.listing_id != pairs.other_id,
        pairs.first_session_date <= pairs.other_last,
        pairs.last_session_date >= pairs.other_first,
    )
    shared = pairs.group_by("listing_id", "other_id").aggregate(
        n_shared=ibis.least(pairs.n_sessions, pairs.other_sessions).sum()
    )
    lives = implied_shares.group_by("listing_id").aggregate(
        n_sessions=implied_shares.n_sessions.sum()
    )
    both = looked_up(shared, lives, "listing_id")
    both = looked_up(
        both, lives.select(other_id="listing_id", other_sessions="n_sessions"), "other_id"
    )
    least = ibis.least(both.n_sessions, both.other_sessions) * _LEAST_SHARE
    links = both.filter(both.n_shared >= least).select("listing_id", "other_id")
    selves = links.select("listing_id", other_id="listing_id").distinct()
    offers = looked_up(
        stacked(links, selves),
        turnover.select(other_id="listing_id", turnover="turnover"),
        "other_id",
    )
    best = ibis.row_number().over(
        group_by="listing_id", order_by=(offers.turnover.desc(), offers.other_id)
    )
    return (
        offers.mutate(best=best)
        .filter(lambda t: t.best == 0)
        .select("listing_id", speaker_id="other_id")
    )
