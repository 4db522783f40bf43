"""A Yahoo for tests: the real, unmodified yfinance talks to it over TLS on loopback."""

from . import faults
from .answers import Article, Reply, at_first, news, not_found, refusing, shares
from .charts import Bar, Series, chart, sessions, walk
from .server import FakeYahoo

__all__ = [
    "Article",
    "Bar",
    "FakeYahoo",
    "Reply",
    "Series",
    "at_first",
    "chart",
    "faults",
    "news",
    "not_found",
    "refusing",
    "sessions",
    "shares",
    "walk",
]
