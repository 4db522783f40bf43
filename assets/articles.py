"""Articles: as read, and the listings they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from selloff.mentions import mentions as mentions_of
from warehouse.tables.articles import ARTICLES, MENTIONS

if TYPE_CHECKING:
    from resources.articles import Articles
    from resources.batch import Batch
    from resources.prices import Prices


@table_asset(ARTICLES)
def articles(article_source: Articles, price_provider: Prices) -> Batch:
    """Read the drop folder and the feeds; a text that is known already adds nothing."""
    return article_source.fetch(is_replay=price_provider.kind == "replay")


@table_asset(MENTIONS)
def mentions(articles: Any, instrument_aliases: Any) -> Any:
    """Find which listings each article names."""
    texts = articles.to_pyarrow()
    vintages = texts.select(["article_id", "known_from"]).rename_columns(["article_id", "as_of"])
    found = mentions_of(texts, instrument_aliases.to_pyarrow())
    return found.join(vintages, "article_id", join_type="inner")


ASSETS = [articles, mentions]
