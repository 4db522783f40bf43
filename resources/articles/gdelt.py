"""GDELT's list of articles: titles and addresses from the world's news sites, no bodies.

Three months of them can be asked, one question in five seconds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from resources.articles.article import Article, made
from resources.articles.cleaning import UnreadableArticleError
from resources.articles.gathering import Delivery, guarded
from resources.batch import Reject
from resources.web import Pace, Patience, Web, WebError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resources.web import Keeper, Row

ADDRESS = "https://api.gdeltproject.org/api/v2/doc/doc"
MOST = 250
"""Articles of one answer; GDELT gives no more."""
PER_SECOND = 0.2
_SEEN = "%Y%m%dT%H%M%SZ"
# GDELT writes languages out; those it finds most.
_LANGUAGES = {"English": "en", "German": "de", "French": "fr", "Spanish": "es", "Chinese": "zh"}


def gdelt(queries: list[str], payloads: Keeper | None = None) -> Gdelt:
    """Return GDELT as a source, asked at the pace that it allows.

    Parameters
    ----------
    queries : list of str
        What is asked, in GDELT's own language: ``nvidia sourcelang:english``.
    payloads : Keeper, optional
        Keeps the answers.
    """
    return Gdelt(queries, Web("gdelt", payloads=payloads, patience=Patience(Pace(PER_SECOND))))


@dataclass(frozen=True)
class Gdelt:
    """Articles that GDELT knows for some questions, of the last three days.

    Parameters
    ----------
    queries : list of str
        One request each.
    web : Web
        Asks GDELT.
    address : str
        Where it is.
    """

    queries: list[str]
    web: Web
    address: str = ADDRESS

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each question brought: the text of an article is its title."""
        for query in self.queries:
            asked = {"query": query, "mode": "artlist", "format": "json", "timespan": "3d"}
            address = f"{self.address}?{urlencode({**asked, 'maxrecords': MOST})}"
            found = self.web.ask(f"gdelt: {query}", address, guarded(_read))
            articles = [Article(**row) for row in found.rows]
            is_cut = len(articles) + len(found.rejects) >= MOST
            remark = f"{MOST} articles, the most GDELT gives: there may be more" if is_cut else None
            yield Delivery(
                found.answer.requested,
                articles,
                found.rejects,
                is_kept=False,
                answer=replace(found.answer, reason=found.answer.reason or remark),
            )


def _read(body: bytes) -> tuple[list[Row], list[Reject]]:
    """Read an answer; GDELT tells of its troubles in plain text, with status 200."""
    text = body.decode("utf-8", errors="replace").strip()
    try:
        listed: Any = json.loads(text or "{}")
    except ValueError as error:
        cause = "rate_limited" if "limit requests" in text else "malformed"
        raise WebError(cause, " ".join(text.split())[:120]) from error
    entries = listed.get("articles", []) if isinstance(listed, dict) else None
    if not isinstance(entries, list):
        raise WebError("malformed", "no list of articles")
    rows, rejects = list[Any](), list[Reject]()
    for number, entry in enumerate(entries, start=1):
        try:
            rows.append(asdict(_article(entry)))
        except (UnreadableArticleError, AttributeError, ValueError) as error:
            payload = json.dumps(entry)[:200]
            rejects.append(Reject("gdelt", number, f"article {number}: {error}", payload))
    return rows, rejects


def _article(entry: dict[str, Any]) -> Article:
    """Return one entry; `published_at` is when GDELT saw it, minutes after it appeared."""
    title = str(entry.get("title") or "")
    return made(
        title,
        title=title,
        source=entry.get("domain"),
        address=entry.get("url"),
        language=_LANGUAGES.get(str(entry.get("language"))),
        published_at=datetime.strptime(str(entry.get("seendate")), _SEEN),  # noqa: DTZ007 - UTC
        published_from="feed",
        published_zone="UTC",
    )
