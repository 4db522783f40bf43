"""What an event study of 10,000 events costs, against peers from PyPI, and the memory it takes.

500 names x 1,512 days x 20 events each, 250 estimation and 11 event rows.

python benchmarks/event_study.py               ours, and the peers in an environment made for them
python benchmarks/event_study.py ours          ours alone
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from typing import TYPE_CHECKING, Any

from _child import ROOT
from _peers import python_with
from _records import peer, tell

if TYPE_CHECKING:
    from collections.abc import Callable

N_NAMES, N_DAYS, N_EACH = 500, 1512, 20
N_EVENTS = N_NAMES * N_EACH
FIRST, LAST, EVENT_FIRST, EVENT_LAST = -260, -11, -5, 5
WINDOWS = ((0, 0), (-5, 5))
LIMIT_SECONDS, LIMIT_TIMES = 0.3, 3
ROUNDS = 5
# event-studies calls a method that pandas 3 no longer has.
PEERS = ("event-studies==0.1.4", "EasyEventStudies==2.0", "pandas<3")
PEER_EVENTS = 500
# Measured on this class of machine when the reference set was made, extrapolated from up to 2,000
# events; not run here.
QUOTED = {
    "EventStudy 0.50.0 (R): seven tests": "about 970",
    "estudy2 0.10.0 (R): twelve tests": "1,600 to 2,200",
    "eventstudies 1.2.2 (R): market model, t": "300 to 600",
}


def inputs() -> tuple[Any, Any, Any, Any]:
    """Return log returns (days x names), the market's, and each event's name and day."""
    import numpy as np

    random = np.random.default_rng(20250127)
    market = random.normal(0.0003, 0.01, N_DAYS)
    own = random.standard_t(5, (N_DAYS, N_NAMES)) * random.uniform(0.008, 0.025, N_NAMES)
    returns = market[:, None] * random.uniform(0.5, 1.8, N_NAMES) + own
    # Each name has an event in every stretch of 62 days; no two of its event windows meet.
    starts = -FIRST + 62 * np.arange(N_EACH)
    days = starts + random.integers(0, 50, (N_NAMES, N_EACH))
    return returns, market, np.repeat(np.arange(N_NAMES), N_EACH), days.ravel()


# -- ours ------------------------------------------------------------------------------------------


def study(returns: Any, market: Any, names: Any, days: Any) -> dict[str, float]:
    """Go from returns to CARs, their exact errors, and the p-values of seven tests."""
    import numpy as np
    import pandas as pd

    from selloff.event_study.evidence import Evidence, once
    from selloff.event_study.generalized_ranks import grank_t
    from selloff.event_study.panels import Panel
    from selloff.event_study.parametric import bmp, cross_sectional, kolari_pynnonen, patell
    from selloff.event_study.portfolio import brown_warner_1985
    from selloff.event_study.ranks import corrado_rank
    from selloff.event_study.sample import window
    from selloff.event_study.studies import estimated

    dates, listings = pd.RangeIndex(returns.shape[0]), pd.RangeIndex(returns.shape[1])
    panel = Panel(dates=dates, listings=listings, returns=returns, series={"market": market})
    evidence = Evidence.of(estimated(panel, names, days).sample)
    assert evidence.n_events == len(names)  # noqa: S101 - nothing may have been left out
    tests = (
        cross_sectional,
        patell,
        bmp,
        kolari_pynnonen,
        brown_warner_1985,
        corrado_rank,
        grank_t,
    )
    found = {}
    for first, last in WINDOWS:
        cars = once(evidence, window, first, last)
        found[f"se[{first},{last}]"] = float(np.mean(cars.standard_error))
        for test in tests:
            found[f"{test.__name__}[{first},{last}]"] = test(evidence, first, last).p_value
    return found


def ours() -> float:
    """Time the study once, after a small one that pays for imports."""
    returns, market, names, days = inputs()
    study(returns[:, :5], market, names[: 5 * N_EACH], days[: 5 * N_EACH])
    return _seconds(lambda: study(returns, market, names, days))


def memory() -> float:
    """Return the peak of what the study allocates, relative to its input."""
    returns, market, names, days = inputs()
    study(returns[:, :5], market, names[: 5 * N_EACH], days[: 5 * N_EACH])
    tracemalloc.start()
    study(returns, market, names, days)
    _, peak = tracemalloc.get_traced_memory()
    return float(peak / sum(each.nbytes for each in (returns, market, names, days)))


def _seconds(work: Callable[[], Any]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


# -- peers, on fewer events ------------------------------------------------------------------------


def event_studies() -> float:
    """Market model, CAR and its variance event by event, then J1, J2, a rank and a sign test."""
    import numpy as np
    import pandas as pd
    from event_studies.models.finance import MarketModel, generalized_sign_test, j1, j2, rank_test
    from event_studies.models.finance.tests import calculate_aggregations

    warnings.simplefilter("ignore")
    returns, market, names, days = inputs()
    dates = pd.bdate_range("2019-01-01", periods=N_DAYS)
    index = pd.DataFrame({"Date": dates, "MKT": np.exp(np.cumsum(market))})
    prices = np.exp(np.cumsum(returns, axis=0))

    def event(name: int, day: int) -> dict[str, Any]:
        def closes(first: int, last: int) -> pd.DataFrame:
            rows = slice(day + first - 1, day + last + 1)
            return pd.DataFrame({"Date": dates[rows], "firm": prices[rows, name]})

        return {
            "firm": "firm",
            "date_col": "Date",
            "estimation_data": closes(FIRST, LAST),
            "event_data": closes(EVENT_FIRST, EVENT_LAST),
            "start": 0,
            "end": EVENT_LAST - EVENT_FIRST,
        }

    chosen = slice(1, N_EVENTS, N_EVENTS // PEER_EVENTS)
    sample = [event(*pair) for pair in zip(names[chosen], days[chosen], strict=True)]

    def work() -> None:
        found = calculate_aggregations(MarketModel(index, "MKT"), sample)
        for test in (j1, j2, rank_test, generalized_sign_test):
            test(found)

    return _seconds(work) / len(sample) * N_EVENTS


def easy_event_studies() -> float:
    """Market model, abnormal returns and the exact variance of the CAR event by event, no tests."""
    import pandas as pd
    from EasyEventStudies import easy_event_studies as easy

    warnings.simplefilter("ignore")
    returns, market, names, days = inputs()
    dates = pd.date_range("2019-01-01", periods=N_DAYS)  # it counts calendar days
    factors = pd.DataFrame({"Date": dates, "Mkt": market})
    chosen = slice(0, N_EVENTS, N_EVENTS // PEER_EVENTS)
    stocks = [pd.DataFrame({"Date": dates, "Daily_Return": each}) for each in returns.T]
    windows = (FIRST, LAST), (EVENT_FIRST, EVENT_LAST)

    def work() -> None:
        for name, day in zip(names[chosen], days[chosen], strict=True):
            date, stock = dates[day], stocks[name]
            x = easy.create_X_matrix(factors, windows[0], date)
            y = easy.create_Y_matrix(stock, date, windows[0])
            model, variance = easy.estimate_return_model(x, y)
            star = easy.create_X_star_matrix(date, windows[1], factors)
            actual = easy.create_Y_star_matrix(date, windows[1], stock)
            _, abnormal = easy.estimate_normal_abnormal_returns(model, star, actual)
            spread = easy.estimate_variance_of_abnormal_returns(x, y, star, actual, variance)
            easy.calculate_cumulative_abnormal_returns(abnormal, len(abnormal))
            easy.calculate_variance_of_cumulative_abnormal_returns(spread)

    return _seconds(work) / PEER_EVENTS * N_EVENTS


# -- all of them -----------------------------------------------------------------------------------

CHILDREN: dict[str, Callable[[], float]] = {
    "child-ours": ours,
    "child-memory": memory,
    "child-event-studies": event_studies,
    "child-easy": easy_event_studies,
}


def child(name: str, rounds: int, python: str = sys.executable) -> float:
    """Return the median of what a function says in processes of its own."""
    command = [python, __file__, name]
    said = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for _ in range(rounds)
    ]
    if failed := [run for run in said if run.returncode]:
        raise SystemExit(f"{name} ended with {failed[0].returncode}:\n{failed[0].stderr[-2000:]}")
    return statistics.median(float(json.loads(run.stdout.splitlines()[-1])) for run in said)


def against_peers(cpu: float) -> dict[str, float]:
    """Time the peers, print them beside what was measured of others; return those timed."""
    measured: dict[str, float] = {}
    if python := python_with("event_study", PEERS):
        measured = {
            "event-studies 0.1.4: market model, J1, J2, a rank and a sign test": (
                child("child-event-studies", 1, python)
            ),
            "EasyEventStudies 2.0: market model, exact errors, no tests": (
                child("child-easy", 1, python)
            ),
        }
    for name, seconds in measured.items():
        print(
            f"| {name}; {PEER_EVENTS} events, extrapolated | {seconds:.1f} | {seconds / cpu:.0f} |"
        )
    for name, quoted in QUOTED.items():
        print(f"| {name}; quoted, extrapolated | {quoted} | |")
    return measured


def main() -> None:
    """Print a table of CPU seconds for 10,000 events."""
    cpu, times = child("child-ours", ROUNDS), child("child-memory", 1)
    print("| 10,000 events | CPU s | times ours |")
    print("| --- | --- | --- |")
    print(
        "| ours: CAR, exact errors, CS, Patell, BMP, KP, CDA, Corrado, GRANK; two windows |", end=""
    )
    print(f" {cpu:.3f} (limit {LIMIT_SECONDS}) | 1 |", flush=True)
    timed = {} if sys.argv[1:] == ["ours"] else against_peers(cpu)
    beside = [peer(f"{name.partition(':')[0]}, extrapolated", each) for name, each in timed.items()]
    tell("10,000 events, two windows, seven tests", cpu, "CPU s", *beside, goal=LIMIT_SECONDS)
    tell("its peak memory", times, "times the input", goal=LIMIT_TIMES)
    print(f"\nPeak memory {times:.2f} times the input (limit {LIMIT_TIMES}).")
    if cpu > LIMIT_SECONDS or times > LIMIT_TIMES:
        sys.exit(1)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:] and sys.argv[1] in CHILDREN:
        print(json.dumps(CHILDREN[sys.argv[1]]()))
    else:
        main()
