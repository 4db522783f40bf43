"""Whether a vendor is asked again where that helps, left in peace where it asks for it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.prices.yahoo import gate as module
from resources.prices.yahoo.gate import Gate
from resources.web import WebError

TRANSIENT = ("rate_limited", "outage", "timeout", "truncated")
PERMANENT = ("unknown_ticker", "wrong_symbol", "malformed", "no_data", "refused")


@pytest.fixture
def slept(monkeypatch):
    """Sleeping takes no time, but the clock goes on."""
    lock, now, naps = threading.Lock(), [1000.0], []

    def sleep(seconds):
        with lock:
            naps.append(seconds)
            now[0] += seconds

    monkeypatch.setattr(module.time, "sleep", sleep)
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return naps


def gate(**given):
    return Gate(**{"tries": 3, "breaker": 3, "pause": 1.0, "cooldown": 30, "longest": 120, **given})


def script(*outcomes):
    """Answer with one outcome after the other: a cause, a (cause, quiet) or what was found."""
    left = list(outcomes)

    def question():
        outcome = left.pop(0)
        cause, quiet = outcome if isinstance(outcome, tuple) else (outcome, 0.0)
        if cause in TRANSIENT + PERMANENT:
            raise WebError(cause, "said Yahoo", quiet)
        return outcome

    return question


def cause_of(held, *outcomes):
    with pytest.raises(WebError) as caught:
        held.ask(script(*outcomes))
    return caught.value.cause, caught.value.n_tries


def test_an_answer_costs_one_try_and_no_pause(slept):
    assert gate().ask(script("bars")) == ("bars", 1)
    assert slept == []


@pytest.mark.parametrize("cause", TRANSIENT)
def test_what_may_pass_is_asked_again_until_the_tries_are_used_up(slept, cause):
    assert gate().ask(script(cause, cause, "bars")) == ("bars", 3)
    assert cause_of(gate(breaker=9), cause, cause, cause, "too late") == (cause, 3)
    assert slept


@pytest.mark.parametrize("cause", PERMANENT)
def test_what_cannot_pass_is_not_asked_again(slept, cause):
    assert cause_of(gate(), cause, "never asked") == (cause, 1)
    assert slept == []


def test_pauses_double_are_drawn_from_nought_and_have_a_bound(slept, monkeypatch):
    bounds = []
    monkeypatch.setattr(module.random, "uniform", lambda low, high: bounds.append((low, high)) or 0)
    cause_of(gate(tries=7, longest=5.0), *["outage"] * 7)
    assert bounds == [(0, 1.0), (0, 2.0), (0, 4.0), (0, 5.0), (0, 5.0), (0, 5.0)]
    assert slept == [0] * 6


@given(st.floats(0.001, 10), st.integers(1, 8))
def test_no_pause_is_longer_than_the_longest(longest, tries):
    naps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module.time, "sleep", naps.append)
        cause_of(gate(tries=tries, longest=longest), *["timeout"] * tries)
    assert len(naps) == tries - 1
    assert all(0 <= nap <= longest for nap in naps)


def test_a_rate_limit_is_followed_by_the_quiet_that_was_asked_for(slept):
    gate().ask(script(("rate_limited", 7.0), "bars"))
    assert slept == [7.0]


def test_a_rate_limit_that_states_no_time_is_followed_by_a_quiet_that_doubles(slept):
    gate(breaker=4).ask(script("rate_limited", "rate_limited", "bars"))
    assert slept == [30, 60]


def test_no_quiet_of_our_own_is_longer_than_the_longest(slept):
    limits = ["rate_limited"] * 3
    gate(tries=4, breaker=9, cooldown=50, longest=120).ask(script(*limits, "bars"))
    assert slept == [50, 100, 120]


def test_one_workers_rate_limit_holds_the_others_back(slept):
    held = gate()
    assert cause_of(held, ("rate_limited", 9.0), "malformed") == ("malformed", 2)
    held.ask(script("bars"))
    assert slept == [9.0]
    held._shut(held._n_pauses, 5.0)
    held.ask(script("bars"))
    assert slept == [9.0, 5.0]


def test_limits_in_a_row_open_the_circuit_and_then_nobody_asks(slept):
    held = gate(tries=1)
    for _ in range(3):
        assert cause_of(held, "rate_limited") == ("rate_limited", 1)
    assert held.gives_up
    assert cause_of(held, "never asked") == ("circuit_open", 0)
    assert len(slept) == 2


def test_who_was_limited_when_the_circuit_opened_says_so(slept):
    held = gate(tries=5, breaker=2)
    assert cause_of(held, "rate_limited", "rate_limited", "never asked") == ("rate_limited", 2)
    assert len(slept) == 1


def test_an_answer_in_between_ends_the_row(slept):
    held = gate(tries=1, breaker=2)
    for _ in range(3):
        cause_of(held, "rate_limited")
        held.ask(script("bars"))
    assert not held.gives_up
    assert held.n_limits == 3
    assert len(slept) == 3


def test_a_vendor_that_wants_more_quiet_than_we_have_is_left_alone(slept):
    held = gate()
    assert cause_of(held, ("rate_limited", 3600.0), "never asked") == ("rate_limited", 1)
    assert cause_of(held, "never asked") == ("circuit_open", 0)
    assert slept == []


def test_workers_that_run_into_one_limit_together_shut_the_gate_once():
    held, together = gate(tries=2, breaker=2, cooldown=0.05), threading.Barrier(16)

    def question():
        if held.n_limits < 16 and not together.broken:
            together.wait()
            raise WebError("rate_limited", "said Yahoo")
        return "bars"

    with ThreadPoolExecutor(16) as pool:
        found = [pool.submit(held.ask, question) for _ in range(16)]
        assert [each.result() for each in found] == [("bars", 2)] * 16
    assert (held.n_limits, held._n_pauses) == (16, 1)


def test_who_waits_when_the_circuit_opens_does_not_wait_to_the_end():
    held = gate(cooldown=20.0, tries=1, breaker=2, longest=20.0)
    cause_of(held, "rate_limited")
    started = time.monotonic()
    held._shut(held._n_pauses, 0.0)
    assert cause_of(held, "never asked") == ("circuit_open", 0)
    assert time.monotonic() - started < 10
