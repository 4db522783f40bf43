"""Articles as received, which of them are one document or one text, and whom they name."""

from __future__ import annotations

from warehouse import columns as c
from warehouse.contract import Column, Table

ARTICLE_ID = Column("article_id", "VARCHAR", "SHA-256 of the article's whole text.")
PUBLISHED_AT = Column(
    "published_at",
    "TIMESTAMP",
    "When it was published; NULL where nothing says so.",
    unit="UTC",
    nullable=True,
)
LISTING_FROM = Column(
    "listing_from",
    "VARCHAR",
    "What decided between the listings of the name: only (it has one), ticker, place (Amsterdam, "
    "US-listed ...), currency, session (the one that could trade when it was written), primary "
    "(nothing said which: the firm's primary listing).",
    one_of=("only", "ticker", "place", "currency", "session", "primary"),
)
PUBLISHER = c.SOURCE.but(doc="Publisher or host, else the file's name.")

ARTICLES = Table(
    layer="raw",
    name="articles",
    doc="One row per article text; the same text from two places is one article.",
    columns=(
        ARTICLE_ID,
        Column("title", "VARCHAR", "Headline.", nullable=True),
        Column("author", "VARCHAR", "Byline, as written.", nullable=True),
        Column("dateline", "VARCHAR", "Place that the dateline names, as written.", nullable=True),
        PUBLISHER,
        Column("location", "VARCHAR", "File name or address the text came from."),
        PUBLISHED_AT,
        Column(
            "published_from",
            "VARCHAR",
            "How `published_at` was found.",
            one_of=("field", "metadata", "feed", "header", "dateline", "none"),
        ),
        Column(
            "published_zone",
            "VARCHAR",
            "Zone that was stated with it (+01:00, America/New_York); NULL where none was, and UTC "
            "was taken.",
            nullable=True,
        ),
        Column("language", "VARCHAR", "Language of the text, ISO 639-1.", nullable=True),
        Column(
            "text",
            "VARCHAR",
            "Main text, boilerplate and comments removed; where the body may not be kept, its "
            "opening and the sentences that state a figure. Untrusted.",
        ),
        Column(
            "is_whole",
            "BOOLEAN",
            "Whether `text` is the whole text; false for an extract.",
            default="true",
        ),
        c.ROW_HASH,
        c.LOAD_ID,
        Column("known_from", "TIMESTAMP", "When it was first read.", unit="UTC"),
    ),
    grain=("article_id",),
    versions_of=("article_id",),
)

DOCUMENTS = Table(
    layer="core",
    name="documents",
    doc=(
        "One row per article: which version of which document it is, of which text it is a near "
        "copy, and whether it is parsed for claims."
    ),
    columns=(
        ARTICLE_ID,
        Column(
            "document_id",
            "VARCHAR",
            "The document: the same address, cleaned of what only tracks the reader.",
        ),
        Column("version", "BIGINT", "1 for its first text.", minimum=1),
        Column("n_versions", "BIGINT", "Texts it has had.", unit="versions", minimum=1),
        Column("is_newest", "BOOLEAN", "Whether it is the document's newest text."),
        Column(
            "changed_share",
            "DOUBLE",
            "Share of three-word sequences that it and the version before do not have in common; "
            "NULL for a first version.",
            unit="fraction",
            nullable=True,
            minimum=0,
            maximum=1,
        ),
        Column(
            "first_article_id",
            "VARCHAR",
            "The first published of the texts that are nearly the same: itself where it is.",
        ),
        Column(
            "similarity",
            "DOUBLE",
            "Share of three-word sequences that it has in common with that one.",
            unit="fraction",
            minimum=0,
            maximum=1,
        ),
        Column("n_copies", "BIGINT", "Near copies, itself included.", unit="articles", minimum=1),
        Column(
            "is_parsed",
            "BOOLEAN",
            "Whether mentions and claims are taken from it: English, and the newest version.",
        ),
        Column("not_parsed_because", "VARCHAR", "Why not; NULL where it is.", nullable=True),
        c.AS_OF,
    ),
    grain=("article_id",),
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
        Column(
            "alias_kind",
            "VARCHAR",
            "What that name is.",
            one_of=("company", "product", "person", "ticker"),
        ),
        LISTING_FROM,
        Column("n_mentions", "BIGINT", "How often it is named.", unit="mentions", minimum=1),
        Column("first_offset", "BIGINT", "Where it is first named.", unit="characters", minimum=0),
        c.AS_OF,
    ),
    grain=("article_id", "listing_id"),
)

_COUNT = Column("n_words", "BIGINT", "Words of the text.", unit="words", minimum=0)

ARTICLE_TONES = Table(
    layer="core",
    name="article_tones",
    doc=(
        "One row per parsed article: its words on the lists of Loughran and McDonald (2011). Weak: "
        "it counts words and understands nothing. Empty without `SELLOFF_TONE_WORDS`."
    ),
    columns=(
        ARTICLE_ID,
        _COUNT,
        _COUNT.but(name="n_positive", doc="Words on the positive list."),
        _COUNT.but(name="n_negative", doc="Words on the negative list."),
        _COUNT.but(name="n_uncertain", doc="Words on the list of uncertainty."),
        Column(
            "tone",
            "DOUBLE",
            "(positive - negative) / (positive + negative); NULL without either.",
            unit="ratio",
            nullable=True,
            minimum=-1,
            maximum=1,
        ),
        c.AS_OF,
    ),
    grain=("article_id",),
)
