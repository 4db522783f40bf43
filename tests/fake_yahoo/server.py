"""The server: Yahoo's hosts on loopback, behind a proxy that ends TLS by its own authority."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

from .answers import Reply, news, not_found, refusing, search, shares
from .listener import Listener

if TYPE_CHECKING:
    from .answers import Answer, Article

CHART = "/v8/finance/chart"
SHARES = "/ws/fundamentals-timeseries/v1/finance/timeseries"
NEWS = "/xhr/ncp"
SEARCH = "/v1/finance/search"
CRUMB = "/v1/test/getcrumb"
HOSTS = ("*.yahoo.com", "*.finance.yahoo.com")

# yfinance keeps the cookie A3 on disk, and reads it again only if it has an expiry.
COOKIE = ("Set-Cookie", "A3=d=x; Domain=.yahoo.com; Path=/; Max-Age=31536000")


@dataclass
class FakeYahoo:
    """Answers by symbol, while it is entered as a context.

    Parameters
    ----------
    charts, shares : dict
        By symbol: a `Series`, or any other answer. A symbol without one is unknown to Yahoo.
    news : dict
        By symbol: a list of `Article`. The search looks through them and through `charts`.
    crumb : answer
        Of the crumb's endpoint.
    latency : float
        Seconds before every reply.
    asked : list of str
        Host, path and query of every request in the order of arrival. A host that is not Yahoo's
        is noted and refused.
    """

    charts: dict[str, Answer] = field(default_factory=dict)
    shares: dict[str, Answer] = field(default_factory=dict)
    news: dict[str, list[Article]] = field(default_factory=dict)
    crumb: Answer = field(default_factory=lambda: refusing(200, "crumb"))
    latency: float = 0.0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self):
        self._authority = trustme.CA()
        self._counts = Counter()
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="fake-yahoo-")
        self.write_authority(self.authority)
        self._listener = Listener(self, self._authority.issue_cert(*HOSTS))
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def __exit__(self, *_error):
        self._closing.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.hang_up()
        self._listener.server_close()
        self._folder.cleanup()

    @property
    def proxy(self) -> str:
        """The address to set as the proxy of HTTPS."""
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    @property
    def authority(self) -> Path:
        """The file of the authority that a client must trust."""
        return Path(self._folder.name, "ca.pem")

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to take this server for Yahoo, and a cache that ends with it."""
        return {
            **dict.fromkeys(("HTTPS_PROXY", "https_proxy"), self.proxy),
            **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
            **dict.fromkeys(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(self.authority)),
            "XDG_CACHE_HOME": self._folder.name,
        }

    def session(self):
        """Return a session such as yfinance makes itself, to be given to it as `session=`."""
        from curl_cffi.requests import Session

        proxies = {"https": self.proxy}
        return Session(impersonate="chrome", proxies=proxies, verify=str(self.authority))

    def write_authority(self, path: Path) -> None:
        """Write the certificate that a client must trust."""
        self._authority.cert_pem.write_to_path(str(path))

    def n_asked(self, part: str) -> int:
        """Return how many requests had this in host, path or query."""
        with self._lock:
            return sum(part in address for address in self.asked)

    @property
    def is_closing(self) -> bool:
        """Whether the server is about to end."""
        return self._closing.is_set()

    def note(self, address: str) -> None:
        """Write a request down."""
        with self._lock:
            self.asked.append(address)

    def reply(self, host: str, target: str, body: bytes) -> Reply:
        """Return Yahoo's reply to a request, once its time has come."""
        url = urlsplit(target)
        with self._lock:
            self._counts[host, url.path] += 1
            n_asked = self._counts[host, url.path]
        answer = self._answer(host, unquote(url.path), body)
        reply = Reply(*answer(parse_qs(url.query), n_asked))
        self._closing.wait(self.latency + reply.delay)
        return reply

    def _answer(self, host, path, body):
        folder, _, symbol = path.rpartition("/")
        if folder == CHART:
            return self.charts.get(symbol) or not_found(symbol)
        if folder == SHARES:
            return self.shares.get(symbol) or shares(symbol, [])
        if path == NEWS:
            return news(self._articles(json.loads(body)["serviceConfig"]["s"]))
        if path == SEARCH:
            return search(self.charts, self._articles(self.news))
        if host.startswith("fc."):
            return refusing(404, "", COOKIE)
        return self.crumb if path == CRUMB else refusing(404, "{}")

    def _articles(self, symbols):
        return [article for symbol in symbols for article in self.news.get(symbol, [])]
