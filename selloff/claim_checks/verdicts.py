"""The verdict on each claim, with the reading, the figures and the reason for it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields, replace
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any

from selloff.claim_checks.intervals import Interval, implied_interval
from selloff.claim_checks.readings import Bar, Move, is_far, moves, start_place, why_unusable

if TYPE_CHECKING:
    from datetime import datetime

    import ibis.expr.types as ir

# Published values of one loss differ by that much, for the share count that each desk takes: of
# Nvidia's on 2025-01-27, 589 and 593 billion USD were printed, and 592.7 follows from the data.
SHARE_COUNT_TOLERANCE = 0.01
_LONG = frozenset({"week", "month", "quarter", "year", "year_to_date", "since"})
_VALUES = ("market_value", "market_value_change")
_Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Past:
    """What was known of a listing: its bars and the sessions of its exchange, in order."""

    bars: list[Bar]
    sessions: list[date]


@dataclass(frozen=True, slots=True)
class Check:
    """A verdict; the columns of ``mart.claim_checks`` of the same names."""

    verdict: str
    reason: str
    reading: str | None = None
    observed: float | None = None
    move: Move | None = None
    shares: dict[str, Any] | None = None


def claim_checks(
    claims: ir.Table,
    articles: ir.Table,
    daily_prices: ir.Table,
    sessions: ir.Table,
    instruments: ir.Table,
    shares_outstanding: ir.Table,
) -> list[dict[str, Any]]:
    """Hold every claim against the bars that were known when its article was published.

    Without a day of its own a claim is of the day of which its text spoke last, else of the last
    session that had closed at publication; where the article has a date without a time of day, of
    that day's session or the one before. A session that had not closed by then is never held
    against a claim. A claim is supported where its
    words fit as stated, supported under another reading where they only fit in another way, not
    verifiable without the bars for it, and also where it is ambiguous and fits none.

    Parameters
    ----------
    claims, articles, daily_prices, sessions, instruments, shares_outstanding : ibis Table
        Columns of the tables of these names.

    Returns
    -------
    list of dict
        Rows of ``mart.claim_checks``, by `claim_id`. Values are fractions, points, shares or
        currency, as the claim's unit is.
    """
    wanted = claims.select("listing_id").distinct()
    said = sorted(_rows(claims), key=lambda claim: claim["claim_id"])
    bars = _bars(_near(daily_prices.semi_join(wanted, "listing_id"), said))
    counts: dict[str, list[_Row]] = defaultdict(list)
    stated = _rows(shares_outstanding.semi_join(wanted, "listing_id"))
    for row in sorted(stated, key=lambda row: row["known_on"]):
        counts[row["listing_id"]].append(row)
    placed = instruments.semi_join(wanted, "listing_id").select("listing_id", "exchange_mic")
    exchange = {row["listing_id"]: row["exchange_mic"] for row in _rows(placed)}
    calendars: dict[str, list[tuple[datetime, date]]] = defaultdict(list)
    for row in _rows(sessions.semi_join(placed, "exchange_mic")):
        calendars[row["exchange_mic"]].append((row["closes_at"], row["session_date"]))
    sorted_calendars = {mic: sorted(days) for mic, days in calendars.items()}
    sources = {row["article_id"]: row["source"] for row in _rows(articles)}
    checked = []
    pasts: dict[tuple[str, datetime | None], Past] = {}
    for claim in said:
        listing = claim["listing_id"]
        moment = (listing, claim["published_at"])
        if moment not in pasts:
            calendar = sorted_calendars.get(exchange.get(listing, ""), [])
            pasts[moment] = _past(bars[listing], calendar, claim["published_at"])
        past = pasts[moment]
        interval = claimed_interval(claim)
        check = check_claim(claim, interval, past, counts[listing])
        checked.append(_row(claim, interval, check, sources.get(claim["article_id"]) or "unknown"))
    return checked


def claimed_interval(claim: _Row) -> Interval:
    """Return what a claim's words allow; of market values, with `SHARE_COUNT_TOLERANCE`.

    Parameters
    ----------
    claim : dict
        Row of ``core.claims``.
    """
    figures = (claim["magnitude_low"], claim["magnitude_high"])
    said = implied_interval(figures, claim["resolution"], claim["bound"], claim["direction"])
    return said.widened(SHARE_COUNT_TOLERANCE) if claim["metric"] in _VALUES else said


def check_claim(claim: _Row, interval: Interval, past: Past, counts: list[_Row]) -> Check:
    """Return the verdict on one claim.

    Parameters
    ----------
    claim : dict
        Row of ``core.claims``.
    interval : Interval
        What its words allow.
    past : Past
        Bars and sessions of its listing that had closed at publication.
    counts : list of dict
        Rows of ``core.shares_outstanding`` of its listing, in order.
    """
    why = _why_never(claim, past)
    if why is not None:
        return Check("not_verifiable", why)
    checks = [_of_day(claim, interval, past, counts, day) for day in _days(claim, past)]
    return next((check for check in checks if check.verdict == "supported"), checks[0])


def _days(claim: _Row, past: Past) -> list[date]:
    """Return the sessions of which a claim can speak, the likeliest first."""
    if claim["claimed_on"] and claim["period"] in _LONG:
        return [day for day in past.sessions if day <= claim["claimed_on"]][-1:] or [
            claim["claimed_on"]
        ]
    if claim["claimed_on"]:
        return [claim["claimed_on"]]
    told = [claim["told_on"]] if claim.get("told_on") in past.sessions else []
    n_last = 2 if _is_date(claim["published_at"]) else 1
    return list(dict.fromkeys([*told, *reversed(past.sessions[-n_last:])]))


def _of_day(claim: _Row, interval: Interval, past: Past, counts: list[_Row], day: date) -> Check:
    """Return the verdict on a claim taken to speak of one session."""
    bars = past.bars
    place = next((at for at, bar in enumerate(bars) if bar.session_date == day), None)
    if place is None:
        return Check("not_verifiable", f"no bar of {day} had closed at publication")
    start = start_place(bars, place, claim["period"], claim["n_sessions"], claim["claimed_from"])
    if claim["direction"] is None:
        start = place
    if start is None:
        return Check("not_verifiable", "there is no bar from before the period")
    why = _why_not(past, place, start)
    if why is not None:
        return Check("not_verifiable", why)
    return _judged(claim, interval, _candidates(claim, bars, place, start, counts))


def _why_never(claim: _Row, past: Past) -> str | None:
    """Return why a claim cannot be held against any bar; None where it can."""
    if claim["published_at"] is None:
        return "the article has no date"
    if claim["period"] in {"premarket", "after_hours"}:
        return "there are no prices from outside the session"
    if not past.bars or not past.sessions:
        return "no bar or session of the listing had closed at publication"
    return None


def _why_not(past: Past, place: int, start: int) -> str | None:
    """Return what is wrong with the bars at both ends of a change; None where nothing is."""
    bar, before = past.bars[place], past.bars[start]
    if start == place - 1:
        lost = [day for day in past.sessions if before.session_date < day < bar.session_date]
        if bar.n_quarantined:
            return f"a bar between {before.session_date} and {bar.session_date} is quarantined"
        if lost:
            return f"there is no bar of {lost[-1]}, the session before"
    return why_unusable(past.bars, place) or why_unusable(past.bars, start)


def _bars(daily_prices: ir.Table) -> dict[str, list[Bar]]:
    names = [field.name for field in fields(Bar)]
    bars: dict[str, list[Bar]] = defaultdict(list)
    rows = _rows(daily_prices.select("listing_id", *names))
    for row in sorted(rows, key=lambda row: (row["listing_id"], row["session_date"])):
        bars[row["listing_id"]].append(Bar(**{name: row[name] for name in names}))
    return bars


def _near(daily_prices: ir.Table, said: list[_Row]) -> ir.Table:
    """Keep the bars from a year and a month before the first day that a claim speaks of."""
    names = ("claimed_from", "claimed_on", "published_at")
    days = [str(claim[name])[:10] for claim in said for name in names if claim[name] is not None]
    if not days:
        return daily_prices
    first = date.fromisoformat(min(days)) - timedelta(days=400)
    last = date.fromisoformat(max(days))
    days_of: Any = daily_prices.session_date
    return daily_prices.filter(days_of >= first, days_of <= last)


def _rows(table: ir.Table) -> list[_Row]:
    rows: list[_Row] = table.to_pyarrow().to_pylist()
    return rows


def _past(
    bars: list[Bar], calendar: list[tuple[datetime, date]], published_at: datetime | None
) -> Past:
    """Keep what had closed at publication."""
    if published_at is None:
        return Past([], [])
    until = published_at + timedelta(days=1) if _is_date(published_at) else published_at
    days = [day for closes_at, day in calendar if closes_at <= until]
    known = set(days)
    return Past([bar for bar in bars if bar.session_date in known], days)


def _is_date(published_at: datetime) -> bool:
    """Say whether an article has a date without a time of day: midnight UTC stands for it."""
    return published_at.time() == time.min


def _candidates(
    claim: _Row, bars: list[Bar], place: int, start: int, counts: list[_Row]
) -> list[Check]:
    is_extreme = claim["bound"] == "extreme" or claim["period"] == "intraday"
    found = []
    for move in moves(bars, place, start, is_extreme=is_extreme, direction=claim["direction"]):
        if claim["period"] == "open":
            if move.reading != "at_open":
                continue
            move = replace(move, reading="as_stated")  # noqa: PLW2901 - the words name the opening
        if is_far(move.reading, claim["magnitude_low"]) or (
            claim["metric"] != "price_change" and move.reading != "as_stated"
        ):
            continue
        shares = _count(counts, move.before.session_date)
        value = _value(claim, move, shares)
        if value is not None:
            used = shares if claim["metric"] in _VALUES else None
            found.append(Check("", "", move.reading, value, move, used))
    return found


def _count(counts: list[_Row], day: date) -> _Row | None:
    return next((row for row in reversed(counts) if row["known_on"] <= day), None)


def _value(claim: _Row, move: Move, shares: _Row | None) -> float | None:
    metric, change = claim["metric"], move.end - move.start
    if metric in _VALUES:
        if shares is None or claim["unit"] != move.bar.currency:
            return None
        worth = change if metric == "market_value_change" else move.end
        return worth * float(shares["shares_outstanding"]) * float(shares["split_ratio_after"])
    if metric == "volume":
        return move.bar.volume
    if metric == "price_change" and claim["unit"] == "fraction":
        return move.end / move.start - 1
    return move.end if claim["direction"] is None else change


def _judged(claim: _Row, interval: Interval, found: list[Check]) -> Check:
    if not found or found[0].reading != "as_stated":
        return Check("not_verifiable", "no share count, volume or extreme in the claim's unit")
    fitting = next(
        (check for check in found if check.observed is not None and interval.holds(check.observed)),
        None,
    )
    check = fitting or found[0]
    if fitting is None and claim["is_ambiguous"]:
        return Check("not_verifiable", "the words can be read in several ways, and none fits")
    verdict = "contradicted"
    if fitting is not None:
        verdict = "supported" if check.reading == "as_stated" else "supported_other_reading"
    return replace(check, verdict=verdict, reason=_words(interval, check))


def _words(interval: Interval, check: Check) -> str:
    move = check.move
    if move is None:
        return "no prices"
    counted = "" if check.shares is None else f" on {check.shares['shares_outstanding']:.6g} shares"
    return (
        f"{move.before.session_date} at {move.start:.6g}, {move.bar.session_date} at {move.end:.6g}"
        f"{counted}: {check.observed:.6g}, against {interval.low:.6g} to {interval.high:.6g}"
    )


def _row(claim: _Row, interval: Interval, check: Check, source: str | None) -> dict[str, Any]:
    move, shares = check.move, check.shares or {}
    used = [] if move is None else [move.before, move.bar]
    same = ("claim_id", "article_id", "listing_id", "ticker", "metric", "unit", "period")
    return {
        **{name: claim[name] for name in (*same, "published_at")},
        "claimed_on": claim["claimed_on"] or claim.get("told_on"),
        "source": source,
        "verdict": check.verdict,
        "reading": check.reading,
        "claimed_low": interval.low,
        "claimed_high": interval.high,
        "observed": check.observed,
        "session_date": None if move is None else move.bar.session_date,
        "from_session_date": None if move is None else move.before.session_date,
        "shares_outstanding": shares.get("shares_outstanding"),
        "shares_known_on": shares.get("known_on"),
        "usd_per_currency": None,
        "reason": check.reason,
        "has_simulated_inputs": any(bar.is_simulated for bar in used),
        "as_of": max([claim["as_of"], *(bar.as_of for bar in used)]),
    }
