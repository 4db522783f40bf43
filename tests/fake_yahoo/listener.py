"""The wire: one thread per connection, a proxy's CONNECT, TLS inside it, HTTP/1.1 inside that."""

from __future__ import annotations

import socket
import ssl
import struct
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer

# Closed with a lingering time of zero, a connection ends in a reset.
AT_ONCE = struct.pack("ii", 1, 0)


class Listener(ThreadingTCPServer):
    """Listens on a free port of loopback; `server_close` waits for its threads."""

    request_queue_size = 256

    def __init__(self, yahoo, certificate):
        self.yahoo = yahoo
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.tls.set_alpn_protocols(["http/1.1"])
        certificate.configure_cert(self.tls)
        self._open = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Connection)

    def opened(self, connection):
        """Remember a connection; one that comes too late is closed."""
        with self._lock:
            self._open.add(connection)
        if self.yahoo.is_closing:
            _shut(connection)

    def closed(self, connection):
        """Forget a connection."""
        with self._lock:
            self._open.discard(connection)

    def hang_up(self):
        """Wake every thread that waits for its client's next request."""
        with self._lock:
            for connection in self._open:
                _shut(connection)

    def handle_error(self, request, client_address):
        """Say nothing of a client that went away; a mistake in an answer is printed."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.opened(self.connection)

    def finish(self):
        super().finish()
        self.server.closed(self.connection)
        self.connection.close()

    def do_CONNECT(self):
        host = self.path.partition(":")[0]
        if not host.endswith(".yahoo.com"):
            self.server.yahoo.note(host)
            self.send_error(403)
            return
        self.send_response(200)
        self.end_headers()
        self.server.closed(self.connection)
        # The handshake comes last: it may wait, and then somebody must be able to end it.
        self.request = self.server.tls.wrap_socket(
            self.connection, server_side=True, do_handshake_on_connect=False
        )
        self.setup()
        self.connection.do_handshake()
        # Python's own client asks for the tunnel in HTTP/1.0, which would end here.
        self.close_connection = False

    def do_GET(self):
        yahoo, host = self.server.yahoo, self.headers["Host"]
        yahoo.note(host + self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(yahoo.reply(host, self.path, body))

    do_POST = do_GET  # noqa: N815 - as above

    def _send(self, reply):
        self.close_connection = reply.ends != "whole"
        if reply.ends == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            return
        content = reply.body.encode()
        self.send_response(reply.status)
        about = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        for name, value in {**about, **dict(reply.headers)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if reply.ends == "cut" else content)

    def log_message(self, *_said):
        """Keep quiet: requests are noted in `asked`."""


def _shut(connection):
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
