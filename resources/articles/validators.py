"""What a source said of the state of a document: asked with it, it answers only what is new."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ASKED = {"ETag": "If-None-Match", "Last-Modified": "If-Modified-Since"}
LONGEST = 500
"""Characters of a validator that are kept: a longer one is no validator."""


@dataclass(frozen=True, slots=True)
class Validators:
    """A folder of validators, a small file for each address.

    Parameters
    ----------
    folder : Path, optional
        Where they lie; None keeps nothing, and every document is asked for whole.
    """

    folder: Path | None = None
    _pending: dict[str, dict[str, str]] = field(default_factory=dict)

    def headers(self, address: str) -> dict[str, str]:
        """Return the headers with which an address is asked again."""
        path = self._path(address)
        try:
            kept = json.loads(path.read_text(encoding="utf-8")) if path else {}
        except (OSError, ValueError):
            return {}
        return {_ASKED[name]: value for name, value in kept.items() if name in _ASKED}

    def hear(self, address: str, answered: Mapping[str, str]) -> None:
        """Take what an answer says of the document's state, until it is known to be readable."""
        self._pending[address] = {
            name: value
            for name in _ASKED
            if (value := answered.get(name)) and len(value) <= LONGEST and value.isprintable()
        }

    def keep(self, address: str) -> None:
        """Keep what was heard: a document that could not be read must come whole again."""
        path, kept = self._path(address), self._pending.pop(address, None)
        if path is None or kept is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".part")
        staged.write_text(json.dumps(kept), encoding="utf-8")
        staged.replace(path)

    def _path(self, address: str) -> Path | None:
        name = hashlib.sha256(address.encode()).hexdigest()[:32]
        return self.folder / f"{name}.json" if self.folder else None
