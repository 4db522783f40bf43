"""The page of one event: what a risk analyst sends to a colleague."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.documents import render
from pages.exhibits import Exhibit, newest, table
from pages.figures import billions, instant, moment, number, percent, share, typeset
from pages.sections import exhibits
from pages.sentences import sentences, title

if TYPE_CHECKING:
    from pages.findings import Findings

CUT = {
    "articles": "mart.event_articles",
    "claims": "mart.article_claims",
    "flags": "core.daily_prices",
    "closes": "mart.contagion_paths",
}
VERDICTS = {
    "supported": "borne out",
    "supported_other_reading": "borne out under another reading",
    "contradicted": "contradicted",
    "not_verifiable": "cannot be verified",
}


def event_page(found: Findings, *, has_index: bool = False) -> str:
    """Return the page of an event as HTML that needs nothing but itself.

    Parameters
    ----------
    found : Findings
        From `findings.findings`.
    has_index : bool
        Whether the list of all events lies beside it.
    """
    return render(
        "event.html",
        title=title(found.event),
        has_index=has_index,
        event=found.event,
        release=_release(found),
        sentences=sentences(found),
        headlines=_headlines(found.event),
        exhibits=exhibits(found),
        articles=_articles(found),
        claims_as_of=newest(found["claims"]),
        story=found["story"][0] if found["story"] else None,
        instruments=_instruments(found),
        n_left_out=_left_out(found),
        quality=_quality(found),
        checks=_checks(found),
        flags=_flags(found),
    )


def _release(found: Findings) -> dict[str, str]:
    """Return what a figure of this page is cited by."""
    known = found.release
    return {
        "id": known["release_id"],
        "published": instant(known["published_at"]),
        "code": known["code_version"] or "not known",
        "as_of": instant(known["as_of"]),
        "event_as_of": instant(found.event["as_of"]),
    }


def _headlines(event: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the figures that stand above everything else."""
    shown = [
        (f"{event['market']}", percent(event["market_return"])),
        ("z of the market", number(event["market_z"])),
        ("members at z of -2 or less", share(event["breadth"])),
        ("lost, bn USD", billions(event["market_value_lost_usd"])),
        ("beyond the market, bn USD", billions(event["abnormal_market_value_lost_usd"])),
        ("times the limit", number(event["threshold_multiple"])),
    ]
    return [(typeset(name), typeset(words)) for name, words in shown if words]


def _articles(found: Findings) -> list[dict[str, Any]]:
    """Return the articles with their claims, each with its verdict in words."""
    claims = [
        {
            **claim,
            "verdict_words": VERDICTS[claim["verdict"]],
            "claimed": _claimed(claim),
            "observed_words": _amount(claim["observed"], claim["unit"]),
        }
        for claim in found["claims"]
    ]
    return [
        {
            **article,
            "published": moment(article["published_at"]),
            "claims": [one for one in claims if one["article_id"] == article["article_id"]],
        }
        for article in found["articles"]
    ]


def _claimed(claim: dict[str, Any]) -> str:
    """Return the values that a claim's words allow."""
    low, high = (_amount(claim[side], claim["unit"]) for side in ("claimed_low", "claimed_high"))
    if low and high:
        return low if low == high else f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


def _amount(value: float | None, unit: str) -> str:
    """Return a claimed figure in its unit."""
    if value is None:
        return ""
    if unit == "fraction":
        return typeset(percent(value))
    large = abs(value) >= 1e9  # noqa: PLR2004 - a billion
    words = f"{billions(value)} billion" if large else f"{value:,.2f}"
    return typeset(f"{words} {unit}")


def _instruments(found: Findings) -> Exhibit:
    """Return the table of everybody in the event."""
    rows = found["instruments"]
    columns: list[Any] = [
        ("ticker", "ticker", None),
        ("name", "name", None),
        ("sector", "sector", None),
        ("region", "region", None),
        ("return", "simple_return", percent),
        ("abnormal z", "abnormal_z", number),
        ("lost, bn USD", "market_value_lost_usd", billions),
        ("next session", "rebound_return", percent),
        ("lowest", "trough_return", percent),
        ("half in", "days_to_recover_half", str),
        ("all in", "days_to_recover", str),
        ("flagged bars", "n_flagged", str),
    ]
    return Exhibit(
        "instruments",
        "Everybody in the event",
        "Sorted by return; a click on a heading sorts by that column. Half in and all in: sessions "
        "until half and all of the fall were made up, empty while they are not.",
        "mart.event_losses",
        None,
        [heading for heading, *_ in columns],
        table(rows, columns),
        newest(rows),
    )


def _left_out(found: Findings) -> int:
    """Return how many instruments have no room on the page."""
    rows = found["instruments"]
    return rows[0]["n_instruments"] - len(rows) if rows else 0


def _cut(found: Findings) -> list[str]:
    """Return what else has no room, one line each: nothing is left out without a word."""
    lines = []
    for subject, table_name in CUT.items():
        rows = found[subject]
        n_more = rows[0]["n_all"] - len(rows) if rows else 0
        if n_more:
            lines.append(f"{n_more:,} more {subject} have no room here, all are in {table_name}.")
    return lines


def _quality(found: Findings) -> list[str]:
    """Return what a reader must know of the data before relying on it."""
    event, (note,) = found.event, found["simulated"] or [{"is_simulated": None}]
    said = []
    if event["has_simulated_inputs"] and note["real_from"]:
        said.append(
            f"Closes and volumes from {note['real_from']} on are real; earlier sessions, and with "
            "them z, drawdown and everything that looks back further, are simulated."
        )
    else:
        said.append("All prices are as they were delivered.")
    flagged, kept_out = event["n_flagged"], event["n_quarantined"]
    said.append(
        f"{flagged} of the bars behind the event's own figures are flagged as unusual and "
        f"{kept_out} were kept out."
    )
    if found["recovered"] and found["recovered"][0]["observed_through"]:
        last = found["recovered"][0]["observed_through"]
        said.append(f"What followed the event was observed through {last}.")
    return said + _cut(found)


def _checks(found: Findings) -> Exhibit:
    """Return what the checks of the newest run found."""
    rows = found["checks"]
    columns: list[Any] = [
        ("table", "table_name", None),
        ("check", "check_name", lambda name: name.replace("_", " ")),
        ("kind", "severity", {"ERROR": "blocking", "WARN": "warning"}.get),
        ("rows", "n_rows", "{:,}".format),
        ("contradict it", "n_violations", "{:,}".format),
    ]
    return Exhibit(
        "checks",
        "Checks that did not pass",
        "Of the newest run, over all data; warnings keep the data and flag it.",
        "meta.dq_results",
        None,
        [heading for heading, *_ in columns],
        table(rows, columns),
    )


def _flags(found: Findings) -> Exhibit:
    """Return the event's own bars that were judged unusual or kept out."""
    columns: list[Any] = [
        ("ticker", "ticker", None),
        ("session", "session_date", None),
        ("flags", "quality_flags", None),
        ("flagged bars behind it", "n_flagged", str),
        ("kept out", "n_quarantined", str),
    ]
    return Exhibit(
        "flags",
        "Bars of the event that were judged",
        "A flag says that a bar is unusual, not that it is wrong.",
        "core.daily_prices",
        None,
        [heading for heading, *_ in columns],
        table(found["flags"], columns),
    )
