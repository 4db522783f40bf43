"""How a vendor is asked again: pauses, one for all after a rate limit, and when to let it be."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from resources.web import WebError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_TRANSIENT = frozenset({"rate_limited", "outage", "timeout", "truncated"})


@dataclass
class Gate:
    """What every worker passes before a request; after a rate limit it is shut for all of them.

    The requests that were under way when it was shut run into the same limit: they shut it no
    second time. Limits in a row without an answer in between open the circuit: the gate lets
    nobody pass any more.

    Parameters
    ----------
    tries, breaker : int
        Tries of one question; rate limits in a row that open the circuit.
    pause, cooldown, longest : float
        Seconds: at most before the second try (doubles each time), of quiet after a rate limit
        that states none (likewise), and at most for either.
    n_limits : int
        Rate limits heard so far.
    """

    tries: int
    breaker: int
    pause: float
    cooldown: float
    longest: float
    n_limits: int = 0
    _in_a_row: int = 0
    _n_pauses: int = 0
    _opens_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def gives_up(self) -> bool:
        """Whether nobody asks any more."""
        return self._in_a_row >= self.breaker

    def ask(self, question: Callable[[], T]) -> tuple[T, int]:
        """Return what a question brings and the tries it took, or raise its last failure.

        Raises
        ------
        WebError
            What the question raised last; ``circuit_open`` if it was not even asked.
        """
        failure = WebError("circuit_open", f"not asked after {self.breaker} rate limits in a row")
        failure.n_tries = 0
        for tried in range(1, self.tries + 1):
            n_pauses = self._wait()
            if self.gives_up:
                break
            try:
                found = question()
            except WebError as error:
                failure = error
                failure.n_tries = tried
                if error.cause == "rate_limited":
                    self._shut(n_pauses, error.retry_after)
                elif error.cause not in _TRANSIENT:
                    break
                elif tried < self.tries:
                    self._rest(tried)
            else:
                self._in_a_row = 0
                return found, tried
        raise failure

    def _wait(self) -> int:
        """Return when the gate is open; tell how often it has been shut."""
        while not self.gives_up and (left := self._opens_at - time.monotonic()) > 0:
            time.sleep(left)
        return self._n_pauses

    def _shut(self, n_pauses: int, stated: float) -> None:
        """Shut the gate after a rate limit on a request that passed it after so many pauses."""
        with self._lock:
            self.n_limits += 1
            if n_pauses < self._n_pauses:
                return
            self._n_pauses += 1
            self._in_a_row += 1
            seconds = stated or self.cooldown * 2 ** (self._in_a_row - 1)
            if stated > self.longest:
                self._in_a_row = self.breaker
            self._opens_at = time.monotonic() + min(seconds, self.longest)

    def _rest(self, tried: int) -> None:
        """Wait before the next try, at random up to a bound that doubles: workers spread out."""
        bound = min(self.pause * 2 ** (tried - 1), self.longest)
        time.sleep(random.uniform(0, bound))  # noqa: S311 - spreads requests, hides nothing
