"""Articles as received, and the instruments they name."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

ARTICLE_ID = Column("article_id", "VARCHAR", "SHA-256 of the article's text.")

ARTICLES = Table(
    layer="raw",
    name="articles",
    doc="One row per article text; the same text from two places is one article.",
    columns=(
        ARTICLE_ID,
        Column("title", "VARCHAR", "Headline.", nullable=True),
        c.SOURCE.but(doc="Publisher or host, else the file's name."),
        Column("location", "VARCHAR", "File name or address the text came from."),
        Column(
            "published_at",
            "TIMESTAMP",
            "When it was published; NULL where nothing says so.",
            unit="UTC",
            nullable=True,
        ),
        Column(
            "published_from",
            "VARCHAR",
            "How `published_at` was found.",
            one_of=("field", "metadata", "feed", "dateline", "none"),
        ),
        Column("language", "VARCHAR", "Language of the text, ISO 639-1.", nullable=True),
        Column("text", "VARCHAR", "Main text, boilerplate and comments removed. Untrusted."),
        c.ROW_HASH,
        c.LOAD_ID,
        Column("known_from", "TIMESTAMP", "When it was first read.", unit="UTC"),
    ),
    grain=("article_id",),
    versions_of=("article_id",),
)

MENTIONS = Table(
    layer="core",
    name="mentions",
    doc="One row per article and listing that it names.",
    columns=(
        ARTICLE_ID,
        c.LISTING_ID,
        c.TICKER,
        Column("alias", "VARCHAR", "The name that matched, as written at its first mention."),
        Column("n_mentions", "BIGINT", "How often it is named.", unit="mentions", minimum=1),
        Column("first_offset", "BIGINT", "Where it is first named.", unit="characters", minimum=0),
        c.AS_OF,
    ),
    grain=("article_id", "listing_id"),
)
