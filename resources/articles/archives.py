"""Zip archives: each member a document of its own, as long as the archive is no bomb."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from resources.articles.contents import SUFFIXES, delivery, refused, size_limit
from resources.articles.gathering import Delivery
from resources.articles.text import UnreadableArticleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from resources.articles.worker import Worker

MAX_ARCHIVE = 50_000_000
_ENTRY = b"PK\x01\x02"
_CHUNK = 65_536
_ENCRYPTED = 0x1
_NESTED = frozenset({".zip", ".gz", ".bz2", ".xz", ".7z", ".tar", ".tgz", ".rar"})


@dataclass(slots=True)
class Unpacking:
    """What an archive may still unpack to; counted as bytes come, whatever its headers say.

    Parameters
    ----------
    members : int
        Members of one archive.
    total : int
        Bytes that all members together may unpack to.
    ratio : int
        Bytes unpacked for a byte packed, from `ratio_from` bytes on. Deflate reaches 1,032; web
        pages reach 20.
    """

    members: int = 2_000
    total: int = 200_000_000
    ratio: int = 200
    ratio_from: int = 100_000


@dataclass(slots=True)
class _Zip:
    """One archive that is being read."""

    requested: str
    archive: ZipFile
    packed: int
    worker: Worker
    limits: Unpacking
    unpacked: int = 0
    names: set[str] = field(default_factory=set)

    def deliveries(self) -> Iterator[Delivery]:
        """Yield a delivery for each member that is a file; none after the total is spent."""
        for info in self.archive.infolist():
            # Not is_dir(), which fails for an empty name.
            if not info.filename.endswith("/"):
                yield self._of_member(info)
            if self.unpacked > self.limits.total:
                cause = f"refused: it unpacks to more than {self.limits.total:,} bytes"
                yield refused(self.requested, b"", UnreadableArticleError(cause))
                return

    def _of_member(self, info: ZipInfo) -> Delivery:
        shown = info.filename.encode(errors="replace").decode()
        name = f"{self.requested}/{''.join(filter(str.isprintable, shown))[:200]}"
        path = PurePosixPath(info.filename)
        suffix = path.suffix.lower()
        try:
            self._refuse(info, path)
            if any(part.startswith(".") for part in path.parts):
                return Delivery(name, reason="not an article: hidden")
            if suffix not in SUFFIXES:
                return Delivery(name, reason=f"not an article: {suffix or 'no suffix'}")
            body = self._body(info, size_limit(suffix))
        except Exception as error:  # noqa: BLE001 - whatever a bad archive raises, the others go on
            return refused(name, b"", _as_unreadable(error))
        return delivery(name, body, suffix, self.worker)

    def _refuse(self, info: ZipInfo, path: PurePosixPath) -> None:
        """Raise for a member that no honest archive of articles has."""
        name = info.orig_filename.replace("\\", "/")
        is_outside = name.startswith("/") or ".." in name.split("/") or name[1:2] == ":"
        reasons = {
            "refused: its name leads out of the archive": is_outside or "\x00" in name,
            "refused: a symbolic link": stat.S_ISLNK(info.external_attr >> 16),
            "encrypted: the member asks for a password": info.flag_bits & _ENCRYPTED,
            "refused: an archive in an archive": path.suffix.lower() in _NESTED,
            "refused: neither stored nor deflated": info.compress_type
            not in {ZIP_STORED, ZIP_DEFLATED},
            "refused: a second member of this name": info.filename in self.names,
        }
        self.names.add(info.filename)
        if cause := next((cause for cause, holds in reasons.items() if holds), None):
            raise UnreadableArticleError(cause)

    def _body(self, info: ZipInfo, limit: int) -> bytes:
        """Unpack a member piece by piece, at most one byte beyond its limit."""
        packed = min(info.compress_size, self.packed)
        body = bytearray()
        with self.archive.open(info) as member:
            while len(body) <= limit and (piece := member.read(min(_CHUNK, limit + 1))):
                body += piece
                self.unpacked += len(piece)
                if self.unpacked > self.limits.total:
                    raise UnreadableArticleError("refused: the archive's total is spent")
                is_large = len(body) > self.limits.ratio_from
                if is_large and len(body) > self.limits.ratio * max(packed, 1):
                    cause = f"refused: it unpacks to more than {self.limits.ratio} times its size"
                    raise UnreadableArticleError(cause)
        return bytes(body[: limit + 1])


def members(
    requested: str, body: bytes, worker: Worker, limits: Unpacking | None = None
) -> Iterator[Delivery]:
    """Yield what each member of a zip archive brought, under ``archive.zip/member.html``.

    Parameters
    ----------
    requested : str
        The archive's name.
    body : bytes
        The archive, at most `MAX_ARCHIVE`.
    worker : Worker
        Where members are read that could hang or swell.
    limits : Unpacking, optional
        What it may unpack to.

    Yields
    ------
    Delivery
        One per member that is a file, in the archive's order; a member that leads out of the
        archive, is a link, encrypted, an archive itself or a bomb is a failed one. An archive
        that is none, or has too many members, is one failed delivery under its own name.
    """
    limits = limits or Unpacking()
    try:
        archive = _opened(body, limits)
    except Exception as error:  # noqa: BLE001 - whatever a bad archive raises, the others go on
        yield refused(requested, body, _as_unreadable(error))
        return
    with archive:
        if not archive.namelist():
            yield Delivery(requested, reason="no files in the archive")
        yield from _Zip(requested, archive, len(body), worker, limits).deliveries()


def _opened(body: bytes, limits: Unpacking) -> ZipFile:
    if len(body) > MAX_ARCHIVE:
        raise UnreadableArticleError(f"too large: at most {MAX_ARCHIVE:,} bytes")
    # Before the directory is read: each entry of it costs memory, and its count is a claim.
    if body.count(_ENTRY) > limits.members:
        raise UnreadableArticleError(f"refused: more than {limits.members:,} members")
    return ZipFile(BytesIO(body))


def _as_unreadable(error: Exception) -> UnreadableArticleError:
    if isinstance(error, UnreadableArticleError):
        return error
    cause = " ".join(str(error).split())[:120] or type(error).__name__
    return UnreadableArticleError(f"damaged archive: {cause}")
