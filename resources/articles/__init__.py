"""Article sources behind one `fetch`: a drop folder, and RSS or Atom feeds.

Not here: what an article says (selloff.mentions, selloff.claims).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import dagster as dg

from resources.articles.feeds import Feed
from resources.articles.fetching import Policy
from resources.articles.files import Folder
from resources.articles.filings import filings
from resources.articles.gathering import gathered
from resources.articles.gdelt import gdelt
from resources.articles.validators import Validators
from resources.articles.warc import WebArchives
from resources.articles.yahoo_news import YahooNews
from resources.payloads import Payloads

if TYPE_CHECKING:
    from resources.articles.gathering import Source
    from resources.batch import Batch

REPLAY = Path(__file__).parents[1] / "data" / "replay" / "articles"


class Articles(dg.ConfigurableResource):
    """Articles from a folder and from feeds, behind one `fetch`."""

    path: str = ""
    """Folder (with its subfolders) or file."""
    feeds: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Addresses of RSS or Atom feeds."""
    allowed_hosts: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Hosts that feeds and their redirects may be fetched from; empty for the feeds' own."""

    gdelt: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Questions to GDELT, in its own language; titles and addresses come back."""
    news: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Tickers whose news Yahoo is asked for: titles and summaries."""
    filings: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Tickers whose current reports (8-K) the SEC is asked for."""
    sec_contact: str = ""
    """Name and e-mail address, which the SEC wants with every request."""
    payloads: str = ""
    """Folder in which answers are kept as they came; empty for none."""
    full_text: bool = False
    """Whether the pages that feed entries lead to are read, where robots.txt permits."""
    archives: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Web archives (WARC) or folders of them."""
    keep_bodies: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    """Hosts whose bodies may be stored whole; "all" for every host. Of others, extracts are."""
    tone_words: str = ""
    """CSV of Loughran and McDonald's master dictionary; without it there are no tones."""

    def fetch(self, *, is_replay: bool = True) -> Batch:
        """Read every file in sorted order, then every feed.

        Parameters
        ----------
        is_replay : bool
            Whether, without a folder, the replay's own articles are read: beside real prices
            they would be real articles.

        Returns
        -------
        Batch
            Rows: `article_id`, `title`, `source`, `location`, `published_at` (UTC without a zone,
            or null), `published_from`, `language`, `text`, `source_file` and `source_row` (null).
            The same text twice is one row, the first. One answer per file and feed; files that
            are no articles are ``no_data``, unreadable ones ``failed``. Feed entries without text
            are rejects.
        """
        own = is_replay and not self.path
        sources: list[Source] = []
        if self.path or own:
            sources.append(Folder(REPLAY if own else Path(self.path)))
        known = Validators(Path(self.payloads) / "validators" if self.payloads else None)
        sources += [
            Feed(address, self.policy(), known, self.full_text)
            for address in dict.fromkeys(self.feeds)
        ]
        sources += self._web()
        sources += [WebArchives(Path(path)) for path in self.archives]
        batch = gathered(sources, frozenset(self.keep_bodies))
        return replace(batch, kind="replay" if own else None)

    def _web(self) -> list[Source]:
        """Return the sources on the web that are configured."""
        keeper = Payloads(Path(self.payloads)) if self.payloads else None
        sources: list[Source] = []
        if self.gdelt:
            sources.append(gdelt(self.gdelt, keeper))
        if self.news:
            sources.append(YahooNews(self.news, keeper))
        if self.filings:
            sources.append(filings(self.filings, self.sec_contact, keeper))
        return sources

    def policy(self) -> Policy:
        """Return what may be fetched."""
        own = (urlsplit(address).hostname or "" for address in self.feeds)
        return Policy(hosts=frozenset(host.lower() for host in self.allowed_hosts or own))
