"""Web addresses: which of them are one document."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

_TRACKING = frozenset(
    (
        *("amp", "cmpid", "cmp", "dclid", "fbclid", "gclid", "gaa_at", "guccounter", "igshid"),
        *("mc_cid", "mc_eid", "mod", "msclkid", "ncid", "outputtype", "partner", "ref", "ref_src"),
        *("smid", "smtyp", "soc_src", "soc_trk", "src", "srnd", "taid", "tsrc", "twclid", "yptr"),
    )
)
"""Parameters that name the reader's way to a page, not the page."""
_DEFAULT_PORTS = (None, 80, 443)


def canonical_address(address: str) -> str:
    """Return a web address without what does not name the document.

    Scheme (https for http) and host are in lower case; user, default port, fragment, trailing
    slashes, the /amp of a mobile copy and parameters that track the reader (utm_*, fbclid, ...) are
    gone, the other parameters sorted. What is no web address comes back as it is.

    Parameters
    ----------
    address : str
        As a feed or page states it.

    Returns
    -------
    str
        The address, or `address` itself.

    Examples
    --------
    >>> canonical_address("HTTP://News.Example:80/chips-fall/amp/?utm_source=x&page=2#top")
    'https://news.example/chips-fall?page=2'
    >>> canonical_address("inbox/Chips fall.txt")
    'inbox/Chips fall.txt'
    """
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        return address
    if parts.scheme not in {"http", "https"} or not host or " " in address:
        return address
    named = f"[{host}]" if ":" in host else host
    place = named if port in _DEFAULT_PORTS else f"{named}:{port}"
    path = parts.path.rstrip("/").removesuffix("/amp").rstrip("/")
    return urlunsplit(("https", place, path, _without_tracking(parts.query), ""))


def _without_tracking(query: str) -> str:
    kept = (part for part in query.split("&") if part and not _tracks(part))
    return "&".join(sorted(kept))


def _tracks(parameter: str) -> bool:
    name = parameter.partition("=")[0].lower()
    return name.startswith("utm_") or name in _TRACKING
