"""Answers as they came, kept before anybody reads them: files named after what they hold."""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


class PayloadError(Exception):
    """A kept answer is not there or is not what its name says; the message is one line."""


@dataclass(frozen=True)
class Payloads:
    """A folder of answers, each compressed under ``<first two digits>/<sha256>.gz``.

    The name is the SHA-256 of the bytes as they came, so that the same answer is kept once, and
    a kept one can be proved. What was asked, when and by which client stands in ``raw.fetches``.

    Parameters
    ----------
    folder : Path, optional
        Where they lie; None keeps nothing.
    """

    folder: Path | None = None

    def keep(self, body: bytes, *, request: str, client: str, fetched_at: datetime) -> str | None:
        """Keep the bytes; return their SHA-256, None where nothing is kept.

        The file appears whole or not at all: a process may be killed at any moment.
        """
        del request, client, fetched_at  # for keepers that file them beside the bytes
        if self.folder is None:
            return None
        sha256 = hashlib.sha256(body).hexdigest()
        target = self._path(self.folder, sha256)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            handle, staged = tempfile.mkstemp(dir=target.parent, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                # Without the time of day, the same bytes give the same file.
                file.write(gzip.compress(body, mtime=0))
            Path(staged).replace(target)
        else:
            target.touch()  # came again: only what has not for long may go (`retention`)
        return sha256

    def read(self, sha256: str) -> bytes:
        """Return the bytes of a kept answer.

        Raises
        ------
        PayloadError
            If they are not there, or are not those that were kept.
        """
        path = self._path(self.folder, sha256) if self.folder else None
        if path is None or not path.exists():
            raise PayloadError(f"no answer is kept under {sha256}")
        try:
            body = gzip.decompress(path.read_bytes())
        except (OSError, EOFError, zlib.error) as error:
            raise PayloadError(f"{path}: cannot be read: {error}") from None
        if hashlib.sha256(body).hexdigest() != sha256:
            raise PayloadError(f"{path}: holds something else than its name says")
        return body

    @staticmethod
    def _path(folder: Path, sha256: str) -> Path:
        return folder / sha256[:2] / f"{sha256}.gz"
