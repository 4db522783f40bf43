"""Which delivered market values speak of a share count, and which are broken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selloff._ibis import factors_after, looked_up, product_after, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

SOURCE = "market value"
STATED_DAYS = 100
# Counts that return within a month were never other ones. A public file of the whole US market has
# the values of 30 large firms twice to 288 times too large on 2023-12-05, of 20 on the next day,
# and knows of splits up to six sessions early and fourteen late.
_EXCURSION_DAYS = 22
_AGREES, _DEPARTS = 1.25, 1.5
# A first count has nothing before it. LATAM Airlines came to New York in July 2024 with the
# ordinary shares behind its receipts, 2,000 each, for a count: worth 15 trillion USD.
_DENIED = 3.0
# A level is believed at its third statement, as stated counts are (`selloff.shares`).
_STATEMENTS = 3
_OUT = (
    "listing_id",
    "ticker",
    "first_session_date",
    "last_session_date",
    "market_value",
    "shares_outstanding",
    "usual_shares",
    "count_ratio",
    "reason",
    "source",
    "as_of",
)


def every_split(splits: ir.Table, proposed_splits: ir.Table) -> ir.Table:
    """Return `listing_id`, `ex_date` and `split_ratio` of known and proposed splits together.

    Parameters
    ----------
    splits, proposed_splits : ibis Table
        Columns of the core tables of these names.
    """
    names = ("listing_id", "ex_date", "split_ratio")
    return stacked(splits.select(*names), proposed_splits.select(*names))


def quarantined_market_values(
    implied_shares: ir.Table, splits: ir.Table, proposed_splits: ir.Table
) -> ir.Table:
    """Return the market values that no share count is taken from.

    ``returned``
        The count that they imply, in the shares after every split, known or proposed, is off from
        what it was before and what it is after, which agree, for at most 22 days: a wrong value,
        or one that knew of a split early or late.
    ``unconfirmed``
        The newest count is off from the one before by half or more, and fewer than three sessions
        have said it; or the first one, of at most 22 days, is off by a factor of three or more from
        the lasting one after it.

    Parameters
    ----------
    implied_shares, splits, proposed_splits : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
        Columns of ``core.quarantined_market_values``, one row per listing and first session.
        `shares_outstanding` is the count that the value implies, `usual_shares` the lasting one
        around it, both in shares of the first session; `count_ratio` is the one over the other.
    """
    import ibis

    levels = _levels(implied_shares, splits, proposed_splits)
    out = levels.filter(levels.reason.notnull())
    usual = out.before.coalesce(out.after)
    ends = out.until_date - ibis.interval(days=1)
    return out.mutate(
        first_session_date=out.from_date,
        last_session_date=ibis.least(out.last_session_date, ends.coalesce(out.last_session_date)),
        shares_outstanding=out.level / out.later_ratio,
        usual_shares=usual / out.later_ratio,
        count_ratio=out.level / usual,
    ).select(*_OUT)


def implied_counts(
    implied_shares: ir.Table, splits: ir.Table, proposed_splits: ir.Table
) -> ir.Table:
    """Return the share counts that market values imply, from the sessions that first said them.

    The count is known at the close of its session. A split that only prices tell of changes it on
    its ex-date, whatever day the values did.

    Parameters
    ----------
    implied_shares, splits, proposed_splits : ibis Table
        Columns of the core tables of these names.

    Returns
    -------
    ibis Table
    X per listing and day on which the count changed.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-02", "2024-06-03", "2024-06-04"])
    >>> runs = pd.DataFrame({"listing_id": "A", "ticker": "A", "first_session_date": days,
    ...     "last_session_date": pd.to_datetime(["2024-05-31", "2024-06-03", "2024-07-31"]),
    ...     "n_sessions": [100, 1, 40], "market_value": [9.0, 9.0, 9.0], "source": "files",
    ...     "adjusted_shares": [100.0, 1600.0, 101.0], "as_of": days})
    >>> none = pd.DataFrame({"listing_id": [""], "ex_date": days[:1], "split_ratio": [2.0]})
    >>> tables = [ibis.memtable(frame) for frame in (runs, none, none)]
    >>> implied_counts(*tables).order_by("known_on").shares_outstanding.execute().tolist()
    [100.0, 101.0]
    """
    import ibis

    levels = _levels(implied_shares, splits, proposed_splits)
    goes_on = levels.is_ex_date & levels.before.notnull()
    kept = levels.filter(levels.reason.isnull() | goes_on)
    level = kept.reason.isnull().ifelse(kept.level, kept.before)
    return kept.select(
        "listing_id",
        "ticker",
        known_on=kept.from_date,
        shares_outstanding=level / kept.later_ratio,
        split_ratio_after=kept.known_ratio,
        source=ibis.literal(SOURCE),
    )


def with_implied_counts(stated: ir.Table, implied: ir.Table) -> ir.Table:
    """Add to stated share counts the implied ones of times in which nobody stated any.

    Parameters
    ----------
    stated : ibis Table
        Columns of ``core.shares_outstanding``: of filings, vendors and the repository.
    implied : ibis Table
        As `implied_counts` gives them.

    Returns
    -------
    ibis Table
        The columns of `stated`. An implied count gives way to one that was stated on its day or in
        the `STATED_DAYS` before: firms file a quarter at a time.

    Examples
    --------
    >>> import ibis
    >>> import pandas as pd
    >>> days = pd.to_datetime(["2024-01-02", "2024-02-01", "2024-06-03"])
    >>> counts = pd.DataFrame({"listing_id": "A", "known_on": days,
    ...     "shares_outstanding": [1, 2, 3]})
    >>> stated, implied = ibis.memtable(counts[:1]), ibis.memtable(counts[1:])
    >>> known = with_implied_counts(stated, implied).order_by("known_on")
    >>> known.shares_outstanding.execute().tolist()
    [1, 3]
    """
    import ibis

    told = stated.select("listing_id", told_on="known_on")
    pairs = implied.inner_join(told, "listing_id")
    silent = pairs.filter(
        pairs.known_on.between(pairs.told_on, pairs.told_on + ibis.interval(days=STATED_DAYS))
    )
    news = implied.anti_join(silent, ("listing_id", "known_on"))
    return stacked(stated, news.select(*stated.columns))


def _levels(implied_shares: ir.Table, splits: ir.Table, proposed_splits: ir.Table) -> ir.Table:
    """Return the runs, cut at proposed splits, on one basis, and why one is left out.

    Adds `from_date`, `until_date` (exclusive, NULL for the newest), `later_ratio` (of every split
    after `from_date`), `level` (shares after every split), `before` and `after` (the nearest levels
    that lasted, or the newest), `is_ex_date` and `reason`.
    """
    import ibis

    pieces = _cut(implied_shares, proposed_splits)
    known = factors_after(splits, "split_ratio")
    pieces = product_after(pieces, known, lambda t: t.from_date, "known_ratio")
    proposed = factors_after(proposed_splits, "split_ratio")
    pieces = product_after(pieces, proposed, lambda t: t.from_date, "proposed_ratio")
    in_time = ibis.window(group_by="listing_id", order_by="from_date")
    pieces = pieces.mutate(
        later_ratio=pieces.known_ratio * pieces.proposed_ratio,
        level=pieces.adjusted_shares * pieces.proposed_ratio,
        until_date=pieces.from_date.lead().over(in_time),
    )
    ends = pieces.until_date.coalesce(pieces.last_session_date)
    is_short = pieces.from_date + ibis.interval(days=_EXCURSION_DAYS) >= ends
    judged = _beside_lasting(pieces.mutate(is_short=is_short))
    newest = judged.level.argmax(judged.from_date).over(group_by="listing_id")
    judged = judged.mutate(after=judged.after.coalesce(newest))
    return judged.mutate(reason=_reason(judged))


def _beside_lasting(pieces: ir.Table) -> ir.Table:
    """Add `before` and `after`: the nearest levels around each that lasted for long.

    By number, since Ibis 12 has no last value that is not NULL.
    """
    import ibis

    in_time = ibis.window(group_by="listing_id", order_by="from_date")
    earlier = ibis.window(group_by="listing_id", order_by="from_date", preceding=(None, 1))
    one = pieces.is_short.ifelse(0, 1)
    numbered = pieces.mutate(n_before=one.sum().over(earlier).coalesce(0), is_long=one)
    numbered = numbered.mutate(n_after=numbered.n_before + numbered.is_long + 1)
    long = numbered.filter(numbered.is_long == 1)
    long = long.select("listing_id", level="level", number=ibis.row_number().over(in_time) + 1)
    before = long.select("listing_id", n_before="number", before="level")
    after = long.select("listing_id", n_after="number", after="level")
    found = looked_up(numbered, before, ("listing_id", "n_before"))
    return looked_up(found, after, ("listing_id", "n_after"))


def _cut(implied_shares: ir.Table, proposed_splits: ir.Table) -> ir.Table:
    """Return the runs with `from_date` and `is_ex_date`, one more for a proposal inside of one."""
    import ibis

    runs = implied_shares.mutate(from_date=implied_shares.first_session_date)
    events = proposed_splits.select("listing_id", "ex_date")
    joined = runs.inner_join(events, "listing_id")
    inside = joined.filter(
        joined.ex_date > joined.first_session_date, joined.ex_date <= joined.last_session_date
    )
    parts = stacked(
        runs.mutate(is_cut=ibis.literal(False)),  # noqa: FBT003 - Ibis takes the literal
        inside.mutate(from_date=inside.ex_date, is_cut=ibis.literal(True)).drop("ex_date"),  # noqa: FBT003
    )
    dates = events.mutate(from_date=events.ex_date)
    found = looked_up(parts, dates, ("listing_id", "from_date"))
    return found.mutate(is_ex_date=found.ex_date.notnull()).drop("ex_date", "is_cut")


def _reason(pieces: ir.Table) -> Any:
    """Return why a level is none; NULL where it is one."""
    import ibis

    def apart(one: ir.Column, other: ir.Column) -> Any:
        return ibis.greatest(one / other, other / one)

    returned = (
        pieces.is_short
        & (apart(pieces.before, pieces.after) <= _AGREES)
        & (apart(pieces.level, pieces.before) > _AGREES)
        & (apart(pieces.level, pieces.after) > _AGREES)
    )
    unconfirmed = (
        pieces.until_date.isnull()
        & (pieces.n_sessions < _STATEMENTS)
        & (apart(pieces.level, pieces.before) > _DEPARTS)
    )
    denied = (
        pieces.is_short & pieces.before.isnull() & (apart(pieces.level, pieces.after) > _DENIED)
    )
    return ibis.cases((returned, "returned"), (unconfirmed | denied, "unconfirmed"), else_=None)
