"""A Yahoo of our own: TLS on loopback, reached by the real yfinance through HTTPS_PROXY."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import trustme

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Reply = tuple[int, str]
    Chart = Callable[[dict[str, list[str]], int], Reply]


def chart(symbol, bars, *, currency="USD", zone="America/New_York", said=None):
    """Answer with bars of (unix time, open, high, low, close, volume) inside the asked period."""

    def reply(query, _n_asked):
        first = int(query.get("period1", ["0"])[0])
        last = int(query.get("period2", ["99999999999"])[0])
        inside = [bar for bar in bars if first <= bar[0] < last]
        meta = {
            "symbol": said or symbol,
            "currency": currency,
            "instrumentType": "EQUITY",
            "exchangeTimezoneName": zone,
            "timezone": "EST",
            "gmtoffset": -18000,
            "regularMarketTime": bars[-1][0] if bars else 0,
            "firstTradeDate": 0,
            "validRanges": ["1d", "5d", "1mo", "max"],
        }
        result = {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
        if inside:
            columns = list(zip(*inside, strict=True))
            names = ("open", "high", "low", "close", "volume")
            quote = dict(zip(names, columns[1:], strict=True))
            result["timestamp"] = columns[0]
            result["indicators"] = {"quote": [quote], "adjclose": [{"adjclose": quote["close"]}]}
        return 200, json.dumps({"chart": {"result": [result], "error": None}})

    return reply


def refusing(status, text):
    """Answer every request with the same status and body."""
    return lambda _query, _n_asked: (status, text)


def at_first(n_times, bad, good):
    """Answer badly so many times, then well."""
    return lambda query, n_asked: (bad if n_asked <= n_times else good)(query, n_asked)


def not_found(symbol):
    error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
    body = json.dumps({"chart": {"result": None, "error": error}, "symbol": symbol})
    return refusing(404, body)


@dataclass
class FakeYahoo:
    """Serves charts by symbol; `asked` holds the path of every request."""

    charts: dict[str, Chart]
    asked: list[str] = field(default_factory=list)

    def __post_init__(self):
        authority = trustme.CA()
        self._authority = authority
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.set_alpn_protocols(["http/1.1"])
        names = ("*.yahoo.com", "*.finance.yahoo.com")
        authority.issue_cert(*names).configure_cert(self._tls)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    @property
    def proxy(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def write_authority(self, path: Path):
        self._authority.cert_pem.write_to_path(str(path))

    def __enter__(self):
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error):
        # A blocked accept only wakes up when somebody shuts the listener down.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            # The handshake happens in the worker: a slow client must not block the others.
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, suppress(OSError):
            if not _request(connection).startswith("CONNECT "):
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._tls.wrap_socket(connection, server_side=True) as secure:
                while request := _request(secure):
                    secure.sendall(self._reply(request))

    def _reply(self, request):
        target = request.split(" ", 2)[1]
        host = next(
            line.split(":", 1)[1].strip()
            for line in request.splitlines()
            if line.lower().startswith("host:")
        )
        with self._lock:
            self.asked.append(host + target)
        status, body, cookie = self._answer(host, urlsplit(target))
        head = f"HTTP/1.1 {status} Any\r\nContent-Type: application/json\r\n{cookie}"
        return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()

    def _answer(self, host, target):
        if host.startswith("fc."):
            expires = "Expires=Fri, 31 Dec 2027 23:59:59 GMT; Max-Age=31536000"
            return 404, "", f"Set-Cookie: A3=d=x; Domain=.yahoo.com; Path=/; {expires}\r\n"
        if target.path.endswith("/getcrumb"):
            return 200, "crumb", ""
        if "/v8/finance/chart/" in target.path:
            symbol = target.path.rpartition("/")[2]
            with self._lock:
                self._counts[symbol] = self._counts.get(symbol, 0) + 1
                n_asked = self._counts[symbol]
            return *self.charts[symbol](parse_qs(target.query), n_asked), ""
        return 404, "{}", ""


def _request(connection):
    """Read one request's head; these requests have no body."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            return ""
        head += piece
    return head.decode("latin-1")
