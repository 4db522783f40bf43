"""Articles: as read, which of them are one document, whom they name and what they claim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from assets._table import table_asset
from warehouse.tables.articles import ARTICLES, DOCUMENTS, MENTIONS
from warehouse.tables.claims import CLAIM_CHECKS, CLAIMS, SOURCE_RECORDS

if TYPE_CHECKING:
    from resources.articles import Articles
    from resources.batch import Batch
    from resources.prices import Prices

_LISTED = ("listing_id", "issuer_id", "exchange_mic", "currency", "region", "is_primary")


@table_asset(ARTICLES)
def articles(article_source: Articles, price_provider: Prices) -> Batch:
    """Read what the sources bring; a text that is known already adds nothing."""
    return article_source.fetch(is_replay=price_provider.kind == "replay")


@table_asset(DOCUMENTS)
def documents(articles: Any) -> Any:
    """Tell versions of a document and near copies of a text, and what is parsed."""
    from selloff.documents import documents

    return documents(articles.to_pyarrow())


@table_asset(MENTIONS)
def mentions(articles: Any, documents: Any, instrument_aliases: Any, instruments: Any) -> Any:
    """Find which listings each article names."""
    from selloff.mentions import mentions

    texts = _parsed(articles, documents)
    return _known(mentions(texts, _names(instrument_aliases, instruments)), texts)


@table_asset(CLAIMS)
def claims(articles: Any, documents: Any, instrument_aliases: Any, instruments: Any) -> Any:
    """Read what the articles claim of prices."""
    from selloff.claims import claims

    texts = _parsed(articles, documents)
    return _known(claims(texts, _names(instrument_aliases, instruments)), texts)


@table_asset(CLAIM_CHECKS)
def claim_checks(
    claims: Any,
    articles: Any,
    daily_prices: Any,
    quarantined_bars: Any,
    sessions: Any,
    instruments: Any,
    shares_outstanding: Any,
    fx_rates: Any,
) -> Any:
    """Hold every claim against the bars, under each reading that its words allow."""
    from selloff.claim_checks.known import Market
    from selloff.claim_checks.verdicts import claim_checks

    traded = (daily_prices, quarantined_bars, sessions, instruments)
    return claim_checks(claims, articles, Market(*traded, shares_outstanding, fx_rates))


@table_asset(SOURCE_RECORDS)
def source_records(claim_checks: Any, documents: Any) -> Any:
    """Count how far the claims of each source are borne out."""
    from selloff.source_records import source_records

    checks, known = claim_checks.to_pyarrow(), documents.to_pyarrow()
    return source_records(checks.to_pylist(), known.to_pylist())


def _parsed(articles: Any, documents: Any) -> Any:
    """Return the texts from which mentions and claims are taken."""
    kept = documents.filter(documents.is_parsed).select("article_id")
    texts = articles.semi_join(kept, "article_id")
    return texts.select("article_id", "text", "published_at", "known_from").to_pyarrow()


def _names(instrument_aliases: Any, instruments: Any) -> Any:
    """Return the names with what is known of their listings."""
    names = instrument_aliases.left_join(instruments.select(*_LISTED), "listing_id")
    return names.drop("listing_id_right").to_pyarrow()


def _known(found: Any, texts: Any) -> Any:
    """Return the rows with the moment from which their text was known."""
    vintages = texts.select(["article_id", "known_from"]).rename_columns(["article_id", "as_of"])
    return found.join(vintages, "article_id", join_type="inner")


ASSETS = [articles, documents, mentions, claims, claim_checks, source_records]
