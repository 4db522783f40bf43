"""Stories: articles and sell-offs together, with what is known of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from warehouse.tables.articles import ARTICLE_TONES
from warehouse.tables.stories import EVENT_ARTICLES, EVENT_COVERAGE, MENTION_BURSTS

if TYPE_CHECKING:
    from resources.articles import Articles


@table_asset(ARTICLE_TONES)
def article_tones(articles: Any, documents: Any, article_source: Articles) -> Any:
    """Count the words of each article on the lists of Loughran and McDonald, where they are."""
    from resources.tone_words import tone_words
    from selloff.article_tones import article_tones

    return article_tones(_rows(_parsed(articles, documents)), tone_words(article_source.tone_words))


@table_asset(EVENT_ARTICLES)
def event_articles(
    selloff_events: Any, selloff_metrics: Any, articles: Any, documents: Any, mentions: Any
) -> Any:
    """Link the articles to the sell-offs they tell of."""
    from selloff.stories.event_articles import event_articles

    fell = selloff_metrics.select("event_id", "listing_id", "simple_return", "abnormal_z")
    texts, names = _parsed(articles, documents), mentions.select("article_id", "listing_id")
    return event_articles(*map(_rows, (selloff_events, fell, texts, names)))


@table_asset(MENTION_BURSTS)
def mention_bursts(
    mentions: Any, articles: Any, documents: Any, sessions: Any, instruments: Any
) -> Any:
    """Find the sessions in which a listing is named unusually often."""
    from selloff.stories.mention_bursts import mention_bursts

    named = mentions.join(documents.select("article_id", "first_article_id"), "article_id")
    dated = named.join(articles.select("article_id", "published_at"), "article_id")
    listed = instruments.filter(instruments.exchange_mic.notnull())
    exchanges = listed.select("listing_id", "exchange_mic").to_pyarrow().to_pydict().values()
    return mention_bursts(_rows(dated), _rows(sessions), dict(zip(*exchanges, strict=True)))


@table_asset(EVENT_COVERAGE)
def event_coverage(
    event_articles: Any,
    selloff_events: Any,
    articles: Any,
    documents: Any,
    article_tones: Any,
    claim_checks: Any,
    claims: Any,
    instruments: Any,
) -> Any:
    """Sum up what articles tell of each event, and what of it the prices bear out."""
    from selloff.stories.event_coverage import event_coverage

    texts = articles.join(documents.select("article_id", "first_article_id"), "article_id")
    known = texts.select(
        *("article_id", "source", "title", "location", "published_at", "first_article_id")
    )
    said = claims.select("claim_id", "magnitude_low", "resolution", "qualifier")
    names = instruments.select("listing_id", name=instruments.name.coalesce(instruments.ticker))
    checks = claim_checks.join(said, "claim_id").join(names, "listing_id")
    heard = article_tones.filter(article_tones.tone.notnull()).select("article_id", "tone")
    tones = {row["article_id"]: row["tone"] for row in _rows(heard)}
    return event_coverage(
        _rows(event_articles), _rows(selloff_events), _rows(known), tones, _rows(checks)
    )


def _parsed(articles: Any, documents: Any) -> Any:
    """Return the texts that are parsed."""
    kept = documents.filter(documents.is_parsed).select("article_id")
    texts = articles.semi_join(kept, "article_id")
    return texts.select("article_id", "text", "published_at", "known_from")


def _rows(table: Any) -> list[dict[str, Any]]:
    return table.to_pyarrow().to_pylist()


ASSETS = [article_tones, event_articles, mention_bursts, event_coverage]
