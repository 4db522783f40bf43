"""Bytes fetched from the web by a strict policy: allowed hosts, public addresses, limits."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from threading import Timer
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from resources.articles.validators import Validators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_REDIRECTS = (301, 302, 303, 307, 308)
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# Special-purpose blocks that `is_global` of Python 3.11 takes for public ones.
_SPECIAL = tuple(
    ipaddress.ip_network(block)
    for block in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "3fff::/20")
)


class FetchError(Exception):
    """A document could not be had; the message says why in one line."""

    @property
    def cause(self) -> str:
        """The cause in one word, as `resources.web.WebError` has them."""
        text = str(self)
        found = next((cause for start, cause in _CAUSES.items() if text.startswith(start)), None)
        return found or ("outage" if text.startswith("http 5") else "refused")


class NotModifiedError(FetchError):
    """The document is as it was when it was last fetched: a fact, no failure."""


_CAUSES = {
    "timeout": "timeout",
    "unreachable": "outage",
    "cut off": "truncated",
    "too large": "refused",
    "not a feed": "malformed",
    "http 404": "not_found",
    "http 429": "rate_limited",
}


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a host, as the system's resolver gives them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Say whether an address is global unicast, also after unwrapping an embedded IPv4 address."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None
        ip = ip.ipv4_mapped or ip.sixtofour or embedded or ip
        if ip.version == 6 and ip not in _GLOBAL_UNICAST:  # noqa: PLR2004 - IPv6
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in block for block in _SPECIAL)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be fetched: these hosts over http(s), at public addresses, within the limits.

    The defaults keep a feed's address, or a redirect, from reaching into the user's own network:
    a name is resolved once, every address it has must be allowed, and the connection goes to the
    address that was checked. Proxies of the environment are not used.
    """

    hosts: frozenset[str]
    ports: frozenset[int] = frozenset({80, 443})
    redirects: int = 3
    max_bytes: int = 5_000_000
    seconds: float = 20.0
    """For the whole fetch, redirects included; the system's resolver has its own time-out."""
    resolve: Callable[[str, int], list[str]] = resolve
    allows: Callable[[str], bool] = is_public
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context


def fetch(address: str, policy: Policy, validators: Validators | None = None) -> bytes:
    """Return the body at a web address; FetchError where the policy or the world refuses.

    Parameters
    ----------
    address : str
        Where it is.
    policy : Policy
        What may be fetched.
    validators : Validators, optional
        What is known of its state: where it has not changed, NotModifiedError is raised.
    """
    known, asked = validators or Validators(), address
    until = time.monotonic() + policy.seconds
    try:
        for _ in range(policy.redirects + 1):
            headers = known.headers(asked)
            with _answer(_checked(address, policy), policy, until, headers) as response:
                if response.status == HTTPStatus.NOT_MODIFIED and headers:
                    raise NotModifiedError("unchanged since it was last read")
                if response.status not in _REDIRECTS:
                    body = _body(response, policy, until)
                    known.hear(asked, dict(response.headers.items()))
                    return body
                address = urljoin(address, response.headers.get("Location", ""))
    except (OSError, HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= until:
            raise FetchError(f"timeout: no answer within {policy.seconds:g} s") from error
        cause = " ".join(str(error).split())[:120] or type(error).__name__
        raise FetchError(f"unreachable: {cause}") from error
    raise FetchError(f"refused: more than {policy.redirects} redirects")


def _checked(address: str, policy: Policy) -> SplitResult:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"}:
        raise FetchError(f"refused: not http or https: {address[:80]}")
    if parts.hostname not in policy.hosts:
        raise FetchError(f"refused: host not allowed: {parts.hostname}")
    if _port(parts) not in policy.ports:
        raise FetchError(f"refused: port not allowed: {_port(parts)}")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (443 if parts.scheme == "https" else 80)


@contextmanager
def _answer(
    parts: SplitResult, policy: Policy, until: float, headers: dict[str, str]
) -> Iterator[HTTPResponse]:
    """Ask the pinned address; a timer cuts the connection at the deadline, however it drips."""
    host, port = str(parts.hostname), _port(parts)
    addresses = policy.resolve(host, port)
    if refused := [address for address in addresses if not policy.allows(address)]:
        raise FetchError(f"refused: {host} is not at a public address: {refused[0]}")
    connection = HTTPConnection(host, port)
    connection.sock = socket.create_connection((addresses[0], port), _left(until))
    cable = connection.sock.dup()
    timer = Timer(_left(until), _cut, (cable,))
    timer.daemon = True
    timer.start()
    try:
        if parts.scheme == "https":
            trust, bare = policy.trust(), connection.sock
            connection = HTTPSConnection(host, port, context=trust)
            connection.sock = trust.wrap_socket(bare, server_hostname=host)
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        connection.request(
            "GET", path, headers={"User-Agent": "selloff", "Accept": "*/*", **headers}
        )
        with connection.getresponse() as response:
            yield response
    finally:
        timer.cancel()
        cable.close()
        connection.close()


def _cut(cable: socket.socket) -> None:
    with suppress(OSError):
        cable.shutdown(socket.SHUT_RDWR)


def _left(until: float) -> float:
    if (left := until - time.monotonic()) <= 0:
        raise TimeoutError
    return left


def _body(response: HTTPResponse, policy: Policy, until: float) -> bytes:
    if response.status != HTTPStatus.OK:
        raise FetchError(f"http {response.status}")
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise FetchError("refused: a compressed answer, which was not asked for")
    body = response.read(policy.max_bytes + 1)
    _left(until)
    if len(body) > policy.max_bytes:
        raise FetchError(f"too large: more than {policy.max_bytes:,} bytes")
    if response.length:
        raise FetchError(f"cut off: {response.length:,} bytes are missing")
    return body
