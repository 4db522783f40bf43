"""Which listing a symbol meant on a day, and which listings have ceased to trade."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selloff._ibis import looked_up, stacked

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Halts for news last hours, and vendors leave out a day or two of live symbols, not two weeks.
SESSIONS_WITHOUT_BAR = 10
# One source alone may have lost or renamed a symbol, or be out: it takes two to say it is gone.
MINIMUM_SOURCES = 2
# Of the exchange's other listings, the share that must have a bar for a session to count.
QUORUM = 0.5
_DAY = ("exchange_mic", "session_date")


def with_listings(
    rows: ir.Table, listing_symbols: ir.Table, used_on: str = "session_date"
) -> ir.Table:
    """Add the listing that each row's symbol belonged to on its day.

    Parameters
    ----------
    rows : ibis Table
        Has `symbol` and the column that `used_on` names.
    listing_symbols : ibis Table
        Columns of ``core.listing_symbols``: no symbol belongs to two listings on one day.
    used_on : str
        Column with the date on which the symbol was in use: the session, where each was recorded
        under the symbol of its day; the date of delivery, where a vendor files a listing's whole
        history under its newest symbol (as Yahoo does).

    Returns
    -------
    ibis Table
        The rows with `listing_id`; NULL where no listing had the symbol on that day.
    """
    terms = listing_symbols.select("listing_id", "valid_from", "valid_to", known_as="symbol")
    day = rows[used_on]
    found = rows.left_join(
        terms,
        (
            rows.symbol == terms.known_as,
            terms.valid_from.isnull() | (day >= terms.valid_from),
            terms.valid_to.isnull() | (day <= terms.valid_to),
        ),
    )
    return found.drop("known_as", "valid_from", "valid_to")


def delistings(
    fetches: ir.Table,
    price_vintages: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    k: int = SESSIONS_WITHOUT_BAR,
) -> ir.Table:
    """Return the listings that have ceased to trade, on evidence that one source cannot give.

    A session speaks for a delisting where at least half of the exchange's other listings that had
    traded by then have a bar in it: an outage, or a session nobody has yet, does not. After the
    first such session without a bar, two sources that know no ticker or no bar are enough; without
    them it takes `k` such sessions. A listing that never had a bar has not ceased to trade.

    Parameters
    ----------
    fetches, price_vintages : ibis Table
        Columns of the raw tables of these names; simulated bars count like others.
    sessions, instruments : ibis Table
        Columns of the core tables of these names.
    k : int
        Sessions without a bar that are evidence enough by themselves.

    Returns
    -------
    ibis Table
        Columns of ``core.delistings``. `as_of` (UTC) is the newest vintage among the bars of the
        missed sessions, or the newest answer if it is later.
    """
    import ibis

    missed = _missed(_spans(price_vintages, instruments), price_vintages, sessions)
    gone = missed.group_by("listing_id", "ticker").aggregate(
        delisted_on=missed.session_date.min(),
        first_missed_at=missed.closes_at.min(),
        n_sessions=missed.count(),
        seen_at=missed.seen_at.max(),
    )
    rows = looked_up(gone, _denials(fetches, gone), "listing_id")
    rows = rows.mutate(n_sources=rows.n_sources.fill_null(0))
    by_sources = rows.n_sources >= MINIMUM_SOURCES
    rows = rows.filter(by_sources | (rows.n_sessions >= k))
    return rows.select(
        "listing_id",
        "ticker",
        "delisted_on",
        "n_sources",
        "n_sessions",
        evidence=by_sources.ifelse("sources", "sessions"),
        as_of=ibis.greatest(rows.seen_at, ibis.coalesce(rows.denied_at, rows.seen_at)),
    ).select("listing_id", "ticker", "delisted_on", "evidence", "n_sources", "n_sessions", "as_of")


def _spans(price_vintages: ir.Table, instruments: ir.Table) -> ir.Table:
    """Return each listing's first and last session with a bar, and its exchange's newest."""
    spans = price_vintages.group_by("listing_id").aggregate(
        first_date=price_vintages.session_date.min(), last_date=price_vintages.session_date.max()
    )
    # Where no exchange is known, no session is missed.
    placed_at = instruments.filter(instruments.exchange_mic.notnull())
    places = placed_at.select("listing_id", "ticker", "exchange_mic")
    placed = places.inner_join(spans, "listing_id")
    return placed.mutate(newest_date=placed.last_date.max().over(group_by="exchange_mic"))


def _missed(spans: ir.Table, price_vintages: ir.Table, sessions: ir.Table) -> ir.Table:
    """Return the sessions after each listing's last bar in which its exchange traded."""
    silent = spans.filter(spans.last_date < spans.newest_date)
    traded = _attendance(spans, silent, price_vintages)
    days = sessions.inner_join(traded, ("exchange_mic", "session_date"))
    days = days.select("session_date", "closes_at", "seen_at", mic="exchange_mic")
    return silent.inner_join(
        days, (silent.exchange_mic == days.mic, silent.last_date < days.session_date)
    )


def _attendance(spans: ir.Table, silent: ir.Table, price_vintages: ir.Table) -> ir.Table:
    """Return the days, since any listing fell silent, on which half of its exchange had a bar.

    A load brings one version of a bar, so that its rows are as many listings. Listings are counted
    only where no load alone makes the quorum and all of them together may: of 24 million versions
    that took 5.4 s, to count the rows of loads 0.8.
    """
    places = spans.select("listing_id", "exchange_mic")
    since = silent.last_date.min().as_scalar()
    # The exchange is the listing's: what a delivery names may be nothing.
    bars = price_vintages.select("listing_id", "session_date", "known_from", "source", "load_id")
    bars = bars.filter(bars.session_date > since).inner_join(places, "listing_id")
    loads = bars.group_by(*_DAY, "source", "load_id").aggregate(
        n_rows=bars.count(), seen_at=bars.known_from.max()
    )
    days = loads.group_by(_DAY).aggregate(
        n_least=loads.n_rows.max(), n_most=loads.n_rows.sum(), seen_at=loads.seen_at.max()
    )
    counted = _with_quorum(days, spans)
    is_sure = counted.n_least >= counted.quorum
    asked = counted.filter(~is_sure, counted.n_most >= counted.quorum)
    doubtful = bars.semi_join(asked, _DAY)
    exact = doubtful.group_by(_DAY).aggregate(n_traded=doubtful.listing_id.nunique())
    met = looked_up(asked, exact, _DAY).filter(lambda t: t.n_traded >= t.quorum)
    return stacked(counted.filter(is_sure).select(*_DAY, "seen_at"), met.select(*_DAY, "seen_at"))


def _with_quorum(days: ir.Table, spans: ir.Table) -> ir.Table:
    """Add half of the listings of the exchange that had traded by then, less the silent one."""
    begun = spans.group_by(mic="exchange_mic", first_date="first_date").aggregate(
        n_begun=spans.count()
    )
    pairs = days.inner_join(
        begun, (days.exchange_mic == begun.mic, days.session_date >= begun.first_date)
    )
    known = pairs.group_by(_DAY).aggregate(n_known=pairs.n_begun.sum())
    counted = looked_up(days, known, _DAY)
    return counted.mutate(quorum=(counted.n_known - 1) * QUORUM)


def _denials(fetches: ir.Table, gone: ir.Table) -> ir.Table:
    """Return how many sources know a listing no longer, by their newest answers."""
    import ibis

    denied = (fetches.outcome == "no_data") | (fetches.cause == "unknown_ticker").fill_null(False)  # noqa: FBT003 - Ibis takes the literal
    answers = fetches.filter(
        fetches.asset == "price_vintages", denied | (fetches.outcome == "delivered")
    ).select(
        "source",
        "fetched_at",
        ticker="requested",
        is_denied=denied,
    )
    asked = gone.select("listing_id", "ticker", "first_missed_at").inner_join(answers, "ticker")
    asked = asked.filter(asked.fetched_at > asked.first_missed_at)
    age = ibis.row_number().over(
        group_by=("listing_id", "source"), order_by=(asked.fetched_at.desc(), "is_denied")
    )
    newest = asked.mutate(age=age).filter(lambda t: (t.age == 0) & t.is_denied)
    return newest.group_by("listing_id").aggregate(
        n_sources=newest.count(), denied_at=newest.fetched_at.max()
    )
