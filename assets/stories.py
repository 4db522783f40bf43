"""Stories: articles and sell-offs together, with what is known of an event."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from warehouse.tables.articles import ARTICLE_TONES
from warehouse.tables.stories import EVENT_ARTICLES, EVENT_COVERAGE, MENTION_BURSTS

if TYPE_CHECKING:
    from resources.articles import Articles


@table_asset(ARTICLE_TONES)
def article_tones(articles: Any, documents: Any, article_source: Articles) -> Any:
    """Count the words of each article on the lists of Loughran and McDonald, where they are."""
    from resources.tone_words import read_tone_words
    from selloff.article_tones import article_tones

    named = article_source.tone_words
    return article_tones(
        _rows(articles), _rows(documents), read_tone_words(Path(named) if named else None)
    )


@table_asset(EVENT_ARTICLES)
def event_articles(
    selloff_events: Any,
    selloff_metrics: Any,
    instruments: Any,
    articles: Any,
    documents: Any,
    mentions: Any,
) -> Any:
    """Link the articles to the sell-offs they tell of."""
    from selloff.stories.event_articles import event_articles

    fell = selloff_metrics.select("event_id", "listing_id", "abnormal_z")
    read = (selloff_events, fell, instruments, articles, documents, mentions)
    return event_articles(*map(_rows, read))


@table_asset(MENTION_BURSTS)
def mention_bursts(
    mentions: Any, articles: Any, documents: Any, sessions: Any, instruments: Any
) -> Any:
    """Find the sessions in which a listing is named unusually often."""
    from selloff.stories.mention_bursts import mention_bursts

    return mention_bursts(*map(_rows, (mentions, articles, documents, sessions, instruments)))


@table_asset(EVENT_COVERAGE)
def event_coverage(
    selloff_events: Any,
    event_articles: Any,
    instruments: Any,
    articles: Any,
    documents: Any,
    article_tones: Any,
    claims: Any,
    claim_checks: Any,
) -> Any:
    """Sum up what articles tell of each event, and what of it the prices bear out."""
    from selloff.stories.event_coverage import event_coverage

    texts = (articles, documents, article_tones, claims, claim_checks)
    return event_coverage(*map(_rows, (selloff_events, event_articles, instruments, *texts)))


def _rows(table: Any) -> list[dict[str, Any]]:
    """Return a table as rows; of articles and claims there are thousands, not millions."""
    return table.to_pyarrow().to_pylist()


ASSETS = [article_tones, event_articles, mention_bursts, event_coverage]
