"""The pages that feed entries lead to, where their hosts' robots.txt lets us read them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from resources.articles.fetching import FetchError, fetch
from resources.web import Pace

if TYPE_CHECKING:
    from resources.articles.article import Article
    from resources.articles.fetching import Policy
    from resources.articles.worker import Worker

AGENT = "selloff"
_PER_SECOND = 1.0


@dataclass
class Linked:
    """Fetches linked pages: allowed hosts alone, one a second each, as robots.txt permits.

    Parameters
    ----------
    policy : Policy
        Which hosts may be asked, and how.
    worker : Worker
        Reads pages within limits.
    """

    policy: Policy
    worker: Worker
    _rules: dict[str, str | None] = field(default_factory=dict)
    _paces: dict[str, Pace] = field(default_factory=dict)

    def whole(self, article: Article) -> Article:
        """Return an entry with the text of the page it leads to, or as it is, with the reason.

        What the feed states (title, date, address) goes before what the page does.
        """
        address = article.address or ""
        if urlsplit(address).hostname not in self.policy.hosts:
            return article
        try:
            if not self.may_fetch(address):
                return _remarked(article, "page not read: robots.txt forbids it")
            self._wait(address)
            page = self.worker.read(fetch(address, self.policy), ".html")[0]
        except Exception as error:  # noqa: BLE001 - whatever a page does, its entry stands
            return _remarked(article, f"page not read: {' '.join(str(error).split())[:100]}")
        return replace(article, text=page.text, author=page.author or article.author)

    def may_fetch(self, address: str) -> bool:
        """Say whether robots.txt permits an address (RFC 9309).

        A host without robots.txt permits all, one whose server fails permits nothing.
        """
        from protego import Protego

        rules = self._robots(address)
        return rules is not None and Protego.parse(rules).can_fetch(address, AGENT)

    def _robots(self, address: str) -> str | None:
        """Return the robots.txt of a host, asked once; None where it could not be had."""
        parts = urlsplit(address)
        origin = f"{parts.scheme}://{parts.netloc}"
        if origin not in self._rules:
            try:
                self._wait(address)
                body = fetch(f"{origin}/robots.txt", self.policy)
                self._rules[origin] = body.decode("utf-8", errors="replace")
            except FetchError as error:
                is_absent = str(error).startswith("http 4")
                self._rules[origin] = "" if is_absent else None
        return self._rules[origin]

    def _wait(self, address: str) -> None:
        host = urlsplit(address).netloc
        self._paces.setdefault(host, Pace(_PER_SECOND)).wait()


def _remarked(article: Article, remark: str) -> Article:
    return replace(article, remarks=(*article.remarks, remark))
