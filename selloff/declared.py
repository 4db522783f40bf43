"""Events that a user declares, beside those found in the data, and when news reached a market."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A day that was declared may be a holiday, but not the start of a closed fortnight.
PATIENCE_DAYS = 7

_SESSION = ("region", "session_date")
_DECLARED = ("declared_id", "event_name", "note", "declared_scope", "happened_at")


def first_sessions_after(news: ir.Table, closes: ir.Table) -> ir.Table:
    """Return, for each moment and region, the first session that closes after it.

    Parameters
    ----------
    news : ibis Table
        With `happened_at` (UTC); other columns are kept.
    closes : ibis Table
        As `selloff.markets.region_closes` gives them.

    Returns
    -------
    ibis Table
        The columns of `news` with `region` and `session_date` (the region's own date), one row per
        region. A close at the very moment is not after it. A moment without a later close has none.
    """
    import ibis

    later = news.select("happened_at").distinct()
    ahead = later.inner_join(
        closes.select("region", "session_date", "first_close"),
        later.happened_at < closes.first_close,
    )
    place = ibis.row_number().over(group_by=("happened_at", "region"), order_by="first_close")
    first = ahead.mutate(place=place).filter(lambda t: t.place == 0)
    return news.inner_join(first.select("happened_at", *_SESSION), "happened_at").select(
        *news.columns, *_SESSION
    )


def placed(declared_events: ir.Table, days: ir.Table, closes: ir.Table) -> ir.Table:
    """Return the session in which each declared event began, region by region.

    Parameters
    ----------
    declared_events : ibis Table
        Columns of ``core.declared_events``.
    days : ibis Table
        `region` and `session_date` of the sessions that there are.
    closes : ibis Table
        As `selloff.markets.region_closes` gives them.

    Returns
    -------
    ibis Table
        `region`, `session_date`, `declared_id`, `event_name`, `note`, `declared_scope` and
        `happened_at`, at most one per region and session, the first by `declared_id`. A moment
        counts for the first session that closes after it, a date for the first session on or within
        a week after it. An event without a region is one in each. No row where there is no session.
    """
    import ibis

    told = declared_events.mutate(
        asked_region="region", asked_date="session_date", declared_scope="scope"
    ).select(*_DECLARED, "asked_region", "asked_date")
    timed = first_sessions_after(told.filter(told.happened_at.notnull()), closes)
    dated = told.filter(told.happened_at.isnull())
    near = dated.inner_join(
        days.select(*_SESSION),
        (
            days.session_date >= dated.asked_date,
            days.session_date <= dated.asked_date + ibis.interval(days=PATIENCE_DAYS),
        ),
    )
    place = ibis.row_number().over(group_by=("declared_id", "region"), order_by="session_date")
    near = near.mutate(place=place).filter(lambda t: t.place == 0).drop("place")
    both = stacked(timed, near.select(*timed.columns))
    both = both.filter(both.asked_region.isnull() | (both.asked_region == both.region))
    both = both.semi_join(days, _SESSION)
    turn = ibis.row_number().over(group_by=_SESSION, order_by="declared_id")
    return both.mutate(turn=turn).filter(lambda t: t.turn == 0).select(*_SESSION, *_DECLARED)


def with_declared(found: ir.Table, told: ir.Table, days: ir.Table) -> ir.Table:
    """Put declared events beside the detected; one that coincides with a detected is that one.

    Parameters
    ----------
    found : ibis Table
        As `selloff.episodes.episodes` gives them.
    told : ibis Table
        As `placed` gives them.
    days : ibis Table
        As `selloff.episodes.numbered` gives them.

    Returns
    -------
    ibis Table
        The columns of `found` with `status` (``detected``, ``declared``), `declared_id`,
        `event_name`, `note`, `happened_at`. A declared event whose session lies in a detected
        episode of its region lends it these columns; its scope stays what the data say. The
        figures of the others are those of their session.
    """
    import ibis

    spans = found.select("region", "subject", "last_session_date", first_date="session_date")
    met = told.inner_join(
        spans,
        (
            told.region == spans.region,
            told.session_date >= spans.first_date,
            told.session_date <= spans.last_session_date,
        ),
    )
    names = ("declared_id", "event_name", "note", "happened_at")
    turn = ibis.row_number().over(
        group_by=("region", "first_date", "subject"), order_by=("session_date", "declared_id")
    )
    lent = met.mutate(turn=turn).filter(lambda t: t.turn == 0)
    # News from the middle of an episode does not move its beginning.
    began = (lent.session_date == lent.first_date).ifelse(lent.happened_at, None)
    lent = lent.mutate(happened_at=began)
    lent = lent.select("region", "subject", *names, session_date="first_date")
    detected = looked_up(found, lent, (*_SESSION, "subject"))
    detected = detected.mutate(status=ibis.literal("detected"))
    alone = told.anti_join(met, ("region", "session_date"))
    alone = days.inner_join(alone, _SESSION)
    alone = alone.mutate(
        subject=ibis.literal(""),
        first_scope=alone.declared_scope,
        scope=alone.declared_scope,
        last_session_date=alone.session_date,
        worst_session_date=alone.session_date,
        n_sessions=ibis.literal(1, "int64"),
        detected_by=ibis.null("string"),
        threshold_multiple=ibis.null("float64"),
        status=ibis.literal("declared"),
    )
    return stacked(alone.drop("declared_scope"), detected)
