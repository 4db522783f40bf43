"""The page that lists every event, with a search."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.documents import render
from pages.figures import billions, instant, percent, share, typeset
from pages.sentences import kind
from resources.exports.released import file_stem

if TYPE_CHECKING:
    from collections.abc import Iterable


def index_page(events: Iterable[dict[str, Any]], release: dict[str, Any]) -> str:
    """Return the list of all events as HTML that needs nothing but itself.

    Parameters
    ----------
    events : iterable of dict
        From `findings.events`.
    release : dict
        From `findings.release`.
    """
    return render(
        "index.html",
        title="Sell-offs",
        events=[_line(event) for event in events],
        release=release,
        as_of=instant(release["as_of"]) or "not known",
    )


def file_name(event_id: str) -> str:
    """Return the name of an event's page.

    >>> file_name("sector-us-energy-2025-01-27")
    'sector-us-energy-2025-01-27.html'
    """
    return f"{file_stem(event_id)}.html"


def _line(event: dict[str, Any]) -> dict[str, Any]:
    return {
        **event,
        "file": file_name(event["event_id"]),
        "title": kind(event),
        "moved": typeset(percent(event["market_return"])),
        "severity": share(event["market_severity"]),
        "lost": typeset(billions(event["market_value_lost_usd"])),
    }
