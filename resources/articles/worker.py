"""A worker process with limits, in which documents are read that could hang or swell.

Not here: the readers themselves (text, pdf, xml).
"""

from __future__ import annotations

import json
import os
import resource
import select
import struct
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from resources.articles.text import Article, UnreadableArticleError, detect

if TYPE_CHECKING:
    from types import TracebackType

_ROOT = Path(__file__).parents[2]
_HEAD = struct.Struct(">III")
_SIZE = struct.Struct(">I")
_MAX_ANSWER = 16_000_000
_START_SECONDS = 60.0
_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may cost; the process is killed beyond it.

    Parameters
    ----------
    seconds : float
        Wall time, seconds.
    cpu_seconds : int
        Processor time, seconds; the system ends the process.
    memory : int
        Address space of the process, bytes; an empty worker has 190 MB.
    """

    seconds: float = 10.0
    cpu_seconds: int = 10
    memory: int = 1_000_000_000


@dataclass(slots=True)
class Worker:
    """One process for many documents, started at the first and started anew after a death.

    A start costs 1.3 s (Dagster's import), a document 0.2 ms more than in the own process. Only
    bytes and JSON pass between the two: nothing that a document could make the other side run.
    """

    limits: Limits = field(default_factory=Limits)
    _process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def read(self, body: bytes, suffix: str) -> tuple[Article, str | None]:
        """Return the article in a document, and what was assumed for it.

        Parameters
        ----------
        body : bytes
            The document.
        suffix : str
            Which reader it goes to: ``.pdf``, ``.html``, ``.txt`` or ``.json``.

        Raises
        ------
        UnreadableArticleError
            It holds no article, or broke a limit.
        """
        process = self._started()
        try:
            _send(process, body, suffix, self.limits)
            answer = json.loads(self._answer(process, self.limits.seconds))
            if not (cause := answer.get("cause")):
                return _article(answer["article"]), answer["note"]
        except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
            raise UnreadableArticleError(self._cause_of_death(error)) from error
        raise UnreadableArticleError(cause)

    def stop(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-c", "from resources.articles.worker import serve; serve()"],
                bufsize=0,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Nothing of the user's environment, no keys; threads would each take 8 MB.
                env={"PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1", "LANG": "C.UTF-8"},
            )
            try:
                self._answer(self._process, _START_SECONDS)
            except (OSError, EOFError) as error:
                self.stop()
                raise UnreadableArticleError("the worker did not start") from error
        return self._process

    def _answer(self, process: subprocess.Popen[bytes], seconds: float) -> bytes:
        until = time.monotonic() + seconds
        (size,) = _SIZE.unpack(_received(process, _SIZE.size, until))
        if size > _MAX_ANSWER:
            raise ValueError("an answer too large")
        return _received(process, size, until)

    def _cause_of_death(self, error: Exception) -> str:
        """End the process and say what it died of."""
        process = self._process
        if isinstance(error, TimeoutError):
            self.stop()
            return f"too slow: not read within {self.limits.seconds:g} s"
        code = None
        if process:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=2)
        self.stop()
        if code == _CPU_KILLED:
            return f"too slow: more than {self.limits.cpu_seconds} s of processor time"
        return f"the worker that read it died (exit code {code})"


_CPU_KILLED = -24
"""Exit code of a process ended by SIGXCPU."""


def _send(process: subprocess.Popen[bytes], body: bytes, suffix: str, limits: Limits) -> None:
    kind = suffix.encode()
    asked = json.dumps([limits.cpu_seconds, limits.memory]).encode()
    head = _HEAD.pack(len(kind), len(body), len(asked))
    assert process.stdin is not None  # noqa: S101 - it was opened as a pipe
    rest = memoryview(head + kind + asked + body)
    while rest:
        rest = rest[os.write(process.stdin.fileno(), rest) :]


def _received(process: subprocess.Popen[bytes], size: int, until: float) -> bytes:
    """Return so many bytes of the worker's answer; TimeoutError at the deadline."""
    assert process.stdout is not None  # noqa: S101 - it was opened as a pipe
    pieces = bytearray()
    while len(pieces) < size:
        left = until - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            raise TimeoutError
        piece = os.read(process.stdout.fileno(), min(_CHUNK, size - len(pieces)))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)


def _article(fields: dict[str, Any]) -> Article:
    if fields["published_at"]:
        fields["published_at"] = datetime.fromisoformat(fields["published_at"])
    # JSON has no tuples.
    facts: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
    return Article(**facts)


def serve() -> None:
    """Read documents from the standard input until it ends: what the process runs."""
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    # What a library prints would break into the answers.
    sys.stdout = sys.stderr
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The language model unpacks itself into a temporary file: before no more files may be written.
    detect("Shares of the chipmaker fell by a sixth on Monday.")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _reply(sink, b"{}")
    while head := source.read(_HEAD.size):
        kind_size, body_size, asked_size = _HEAD.unpack(head)
        suffix = source.read(kind_size).decode()
        _limit(*json.loads(source.read(asked_size)))
        _reply(sink, _outcome(source.read(body_size), suffix))


def _limit(cpu_seconds: int, memory: int) -> None:
    """Set the limits of the next document: processor time counts from here."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime) + 1 + cpu_seconds
    resource.setrlimit(resource.RLIMIT_CPU, (until, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.RLIM_INFINITY))


def _outcome(body: bytes, suffix: str) -> bytes:
    from resources.articles.contents import read_here
    from resources.articles.gathering import cause

    try:
        article, note = read_here(body, suffix)
    except MemoryError:
        return json.dumps({"cause": "too large: it needs more memory than it may"}).encode()
    except Exception as error:  # noqa: BLE001 - whatever a parser raises, the others go on
        return json.dumps({"cause": cause(error)}).encode()
    return json.dumps({"article": asdict(article), "note": note}, default=str).encode()


def _reply(sink: BinaryIO, answer: bytes) -> None:
    sink.write(_SIZE.pack(len(answer)) + answer)
    sink.flush()
