"""A source of documents on loopback: what it answers, and how it fails, is set by path."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass
class Reply:
    """An answer; `length` is what it claims to have, `delay` seconds pass before every byte."""

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)
    length: int | None = None
    delay: float = 0.0


FAULTS = {
    "rate_limited": Reply(b"Too many requests", 429),
    "outage": Reply(b"<html>Will be right back</html>", 503),
    "truncated": Reply(b'{"half', length=5000),
    "timeout": Reply(b"x" * 100, delay=0.02),
}
"""Faults that pass, by the cause they are known by."""


class FakeWeb:
    """Answers by path: the replies one after the other, the last one for ever."""

    def __init__(self, address):
        self.address = address
        self.replies = {}
        self.asked = []
        self.agents = []
        self.times = []

    def set(self, path, *replies):
        self.replies[path] = list(replies)
        return self.address + path

    def count(self, path):
        return sum(urlsplit(asked).path == path for asked in self.asked)

    def reply(self, target):
        left = self.replies.get(urlsplit(target).path, [Reply(b"not here", 404)])
        return left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def serving():
    """Give a source that runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            fake.asked.append(self.path)
            fake.agents.append(self.headers.get("User-Agent"))
            fake.times.append(time.monotonic())
            reply = fake.reply(self.path)
            with suppress(OSError):
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(reply.length or len(reply.body)))
                self.end_headers()
                step = 1 if reply.delay else max(1, len(reply.body))
                for start in range(0, len(reply.body), step):
                    time.sleep(reply.delay)
                    self.wfile.write(reply.body[start : start + step])

        def log_message(self, *_args):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    fake = FakeWeb(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Kept:
    """Keeps payloads in memory."""

    bodies: dict = field(default_factory=dict)

    def keep(self, body, *, request, client, fetched_at):
        name = f"sha-{len(self.bodies)}"
        self.bodies[name] = (body, request, client, fetched_at)
        return name
