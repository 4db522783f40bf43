"""What contagion costs: our figures against their limits, and against peers from PyPI.

python benchmarks/contagion.py                       all, the peers in an environment made for them
python benchmarks/contagion.py ours                  ours alone
python benchmarks/contagion.py ours connectedness    one section

A section is a list of lines in `SECTIONS`; each line runs in a process of its own, with one thread.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import tracemalloc
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from _child import ROOT
from _peers import python_with
from _records import peer, tell

if TYPE_CHECKING:
    from collections.abc import Callable

# Before numpy is imported, here and in every child: with two threads BLAS takes up to ten times the
# CPU time for matrices this small.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

ROUNDS = 5
PEERS = ("pyconnectedness==0.1.0", "statsmodels==0.15.0")


class Line(NamedTuple):
    """One figure.

    Parameters
    ----------
    what : str
        What is measured.
    run : callable
        Measures it, in a process of its own.
    limit : float, optional
        What it may be at most.
    rival : str
        `what` of the line of ours that does the same; empty if it is ours.
    unit : str
        Of the figure.
    """

    what: str
    run: Callable[[], float]
    limit: float | None = None
    rival: str = ""
    unit: str = "CPU s"


class Quoted(NamedTuple):
    """What a program that cannot be run here took on the same work, on this class of machine."""

    what: str
    seconds: float
    rival: str


def cpu(work: Callable[[], Any], repeats: int = 1) -> float:
    """Return the CPU seconds of one run of the work."""
    started = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - started) / repeats


# -- connectedness ---------------------------------------------------------------------------------

ASSETS = "4 series, 2,572 windows of 200, VAR(4), H = 10"
SECTORS = "11 series, 4,791 windows of 250, VAR(2), H = 10"
PEER_WINDOWS = 100


def simulated(rows: int, n_series: int) -> Any:
    """Return a frame of log volatilities that last and move together."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20250127)
    shocks = random.standard_normal((rows, 1)) + random.standard_normal((rows, n_series))
    values = np.empty((rows, n_series))
    last = np.zeros(n_series)
    for row in range(rows):
        last = values[row] = 0.6 * last + 0.5 * shocks[row]
    days = pd.bdate_range("2005-01-03", periods=rows)
    return pd.DataFrame(values - 9.0, days, [f"S{number}" for number in range(n_series)])


def assets() -> tuple[Any, dict[str, int]]:
    """Return series of the shape of Diebold and Yilmaz (2012), and what is asked of them."""
    return simulated(2771, 4), {"window": 200, "lags": 4, "horizon": 10}


def sectors() -> tuple[Any, dict[str, int]]:
    """Return twenty years of eleven sectors, and what is asked of them."""
    return simulated(5040, 11), {"window": 250, "lags": 2, "horizon": 10}


def rolling(world: Callable[[], tuple[Any, dict[str, int]]], *, has_radius: bool) -> float:
    """Time all windows, after a few that pay for imports."""
    from selloff.spillover.connectedness import rolling_connectedness

    series, how = world()
    rolling_connectedness(series.iloc[:300], **how)
    return cpu(lambda: rolling_connectedness(series, **how, has_radius=has_radius))


def one_day() -> float:
    """Time the last window alone, with its radius and with the checks of the whole frame."""
    from selloff.spillover.connectedness import rolling_connectedness

    series, how = sectors()
    rolling_connectedness(series, **how, since=series.index[-1])
    return cpu(lambda: rolling_connectedness(series, **how, since=series.index[-1]), 20)


def memory(years: int) -> float:
    """Return the peak of what is allocated, relative to the shares that come out."""
    from selloff.spillover.connectedness import rolling_connectedness

    series, how = simulated(252 * years, 11), sectors()[1]
    rolling_connectedness(series.iloc[:300], **how)
    tracemalloc.start()
    found = rolling_connectedness(series, **how, has_radius=False)
    _, peak = tracemalloc.get_traced_memory()
    return float(peak / found.shares.nbytes)


def bootstrap() -> float:
    """Time 500 draws of one window."""
    from selloff.spillover.uncertainty import bootstrap_connectedness

    series = assets()[0].iloc[-200:]
    bootstrap_connectedness(series, lags=4, draws=10)
    return cpu(lambda: bootstrap_connectedness(series, lags=4, draws=500).band("total"))


def r_squared() -> float:
    """Time the R-squared kind, today and one day before."""
    from selloff.spillover.r_squared import rolling_r_squared_connectedness

    series = sectors()[0]
    rolling_r_squared_connectedness(series.iloc[:300], window=250, lags=1)
    return cpu(lambda: rolling_r_squared_connectedness(series, window=250, lags=1))


def pyconnectedness(world: Callable[[], tuple[Any, dict[str, int]]]) -> float:
    """Time some windows, and say what all would take."""
    import pyconnectedness as peer

    warnings.simplefilter("ignore")
    series, how = world()
    some = series.iloc[: how["window"] + PEER_WINDOWS - 1]
    peer.static_connectedness(some.iloc[: how["window"]], horizon=10, lags=how["lags"])
    took = cpu(lambda: peer.dynamic_connectedness(some, how["window"], 10, lags=how["lags"]))
    return took / PEER_WINDOWS * (len(series) - how["window"] + 1)


def statsmodels(world: Callable[[], tuple[Any, dict[str, int]]]) -> float:
    """Time some windows of the only decomposition it has, Cholesky's; say what all would take."""
    from statsmodels.tsa.api import VAR

    warnings.simplefilter("ignore")
    values, how = (each.to_numpy() if hasattr(each, "to_numpy") else each for each in world())
    window = how["window"]

    def one(start: int) -> Any:
        return VAR(values[start : start + window]).fit(how["lags"]).fevd(10).decomp

    one(0)
    took = cpu(lambda: [one(start) for start in range(PEER_WINDOWS)])
    return took / PEER_WINDOWS * (len(values) - window + 1)


CONNECTEDNESS = [
    Line(ASSETS, lambda: rolling(assets, has_radius=False), 0.05),
    Line(f"{ASSETS}, with spectral radii", lambda: rolling(assets, has_radius=True)),
    Line(SECTORS, lambda: rolling(sectors, has_radius=False), 0.25),
    Line(f"{SECTORS}, with spectral radii", lambda: rolling(sectors, has_radius=True)),
    Line("one new day of 11 series, with its radius", one_day, 0.02),
    Line("500 bootstrap draws of one window, 4 series, VAR(4)", bootstrap, 0.06),
    Line("R-squared kind, 11 series, 4,791 windows, one lag", r_squared),
    Line("peak memory, 10 years of 11 series", lambda: memory(10), 8, unit="times the shares"),
    Line("peak memory, 40 years of 11 series", lambda: memory(40), 3, unit="times the shares"),
    Line("pyconnectedness 0.1.0, extrapolated", lambda: pyconnectedness(assets), rival=ASSETS),
    Line("pyconnectedness 0.1.0, extrapolated", lambda: pyconnectedness(sectors), rival=SECTORS),
    Line("statsmodels 0.15.0, Cholesky, extrapolated", lambda: statsmodels(assets), rival=ASSETS),
    Line("statsmodels 0.15.0, Cholesky, extrapolated", lambda: statsmodels(sectors), rival=SECTORS),
]
CONNECTEDNESS_QUOTED = [
    Quoted("ConnectednessApproach 1.0.4 (R)", 32.9, ASSETS),
    Quoted("Spillover 0.1.1 (R)", 22.9, ASSETS),
    Quoted("frequencyConnectedness 0.2.4 (R)", 19.4, ASSETS),
    Quoted("ConnectednessApproach 1.0.4 (R), extrapolated", 428, SECTORS),
    Quoted("Spillover 0.1.1 (R), extrapolated", 142, SECTORS),
    Quoted("frequencyConnectedness 0.2.4 (R)", 134, SECTORS),
]

# -- time-varying, bands, quantiles ----------------------------------------------------------------

MOVING = "11 series, 3,883 rows, TVP-VAR(1), H = 20"
BANDS = "4 series, one VAR(4), bands at 10 and 40"


def moving(lags: int) -> float:
    """Time the filter and the shares of every row after the first 250."""
    from selloff.spillover.time_varying import time_varying_connectedness

    series = simulated(3883, 11)
    time_varying_connectedness(series.iloc[:300], training=250, lags=lags)
    how = {"training": 250, "lags": lags, "horizon": 20}
    return cpu(lambda: time_varying_connectedness(series, **how))


def moving_one_day() -> float:
    """Time one row from the state of the day before."""
    from selloff.spillover.forgetting_filter import follow, initial_state
    from selloff.spillover.time_varying import path_connectedness

    series = simulated(3883, 11)
    state = follow(series.iloc[:-1], initial_state(series, training=250)).state
    today = series.iloc[-1:]
    return cpu(lambda: path_connectedness(follow(today, state), 20), 200)


def moving_memory() -> float:
    """Return the peak of what is allocated, relative to the shares that come out."""
    from selloff.spillover.time_varying import time_varying_connectedness

    series = simulated(3883, 11)
    time_varying_connectedness(series.iloc[:300], training=250)
    tracemalloc.start()
    found = time_varying_connectedness(series, training=250, horizon=20)
    _, peak = tracemalloc.get_traced_memory()
    return float(peak / found.shares.nbytes)


def bands(world: Callable[[], tuple[Any, dict[str, int]]]) -> float:
    """Time three bands of all windows, after a few that pay for imports."""
    from selloff.spillover.bands import band_connectedness

    series, how = world()
    asked = {"window": how["window"], "lags": how["lags"]}
    band_connectedness(series.iloc[:300], **asked)
    return cpu(lambda: band_connectedness(series, **asked))


def bands_once() -> float:
    """Time three bands of all rows."""
    from selloff.spillover.bands import band_connectedness

    series = assets()[0]
    band_connectedness(series, lags=4)
    return cpu(lambda: band_connectedness(series, lags=4), 20)


def pyconnectedness_bands() -> float:
    """Time the same from 100 Fourier bins."""
    from pyconnectedness.connectedness import frequency

    warnings.simplefilter("ignore")
    series = assets()[0]

    def one() -> Any:
        return frequency.frequency_connectedness(series, 100, periods=(10, 40), lags=4)

    one()
    return cpu(one, 20)


def quantile(windows: int) -> float:
    """Time the last windows at the lower tail, one lag."""
    from selloff.spillover.quantile_var import quantile_connectedness

    series = sectors()[0]
    how = {"quantile": 0.05, "window": 250, "since": series.index[-windows]}
    quantile_connectedness(series, **how)
    return cpu(lambda: quantile_connectedness(series, **how))


TIME_VARYING = [
    Line(MOVING, lambda: moving(1), 1.0),
    Line("the same with two lags", lambda: moving(2), 2.0),
    Line("one new day of it from a state", moving_one_day, 0.002),
    Line("peak memory of it", moving_memory, 6, unit="times the shares"),
    Line("three bands, 4 series, 2,572 windows of 200, VAR(4)", lambda: bands(assets), 1.0),
    Line("three bands, 11 series, 4,791 windows of 250, VAR(2)", lambda: bands(sectors), 6.0),
    Line(BANDS, bands_once, 0.02),
    Line("quantile 0.05, 11 series, 100 windows of 250, one lag", lambda: quantile(100), 0.5),
    Line("pyconnectedness 0.1.0", pyconnectedness_bands, rival=BANDS),
]
TIME_VARYING_QUOTED = [Quoted("ConnectednessApproach 1.0.4 (R), 1.3 GB", 19.3, MOVING)]

# -- all of them -----------------------------------------------------------------------------------

SECTIONS: dict[str, list[Line]] = {
    "connectedness": CONNECTEDNESS,
    "time_varying": TIME_VARYING,
}
QUOTED: dict[str, list[Quoted]] = {
    "connectedness": CONNECTEDNESS_QUOTED,
    "time_varying": TIME_VARYING_QUOTED,
}


def child(section: str, place: int, rounds: int, python: str = sys.executable) -> float:
    """Return the median of a line's figure, measured in processes of their own."""
    command = [python, __file__, "child", section, str(place)]
    said = [
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        for _ in range(rounds)
    ]
    if failed := [run for run in said if run.returncode]:
        what = SECTIONS[section][place].what
        raise SystemExit(f"{what} ended with {failed[0].returncode}:\n{failed[0].stderr[-2000:]}")
    return statistics.median(float(json.loads(run.stdout.splitlines()[-1])) for run in said)


def ours(section: str) -> dict[str, float]:
    """Measure our lines of a section, and print them beside their limits."""
    print(f"\n| {section} | measured | limit |\n| --- | --- | --- |")
    found = {}
    for place, line in enumerate(SECTIONS[section]):
        if not line.rival:
            found[line.what] = child(section, place, ROUNDS)
            limit = "" if line.limit is None else f"{line.limit:g}"
            print(f"| {line.what} | {found[line.what]:.3g} {line.unit} | {limit} |", flush=True)
    return found


def against(section: str, found: dict[str, float], python: str) -> list[Quoted]:
    """Measure the peers of a section, print how many times ours they take; return them."""
    measured = []
    print(f"\n| {section}, peers | the same work | CPU s | times ours |\n| --- | --- | --- | --- |")
    for place, line in enumerate(SECTIONS[section]):
        if line.rival:
            seconds = child(section, place, 1, python)
            measured.append(Quoted(line.what, seconds, line.rival))
            times = seconds / found[line.rival]
            print(f"| {line.what} | {line.rival} | {seconds:.3g} | {times:,.0f} |", flush=True)
    for quoted in QUOTED.get(section, []):
        times = quoted.seconds / found[quoted.rival]
        print(f"| {quoted.what}; quoted | {quoted.rival} | {quoted.seconds} | {times:,.0f} |")
    return measured


def told(section: str, found: dict[str, float], measured: list[Quoted]) -> None:
    """Put our lines of a section on record, each beside the peers that do the same work."""
    for line in SECTIONS[section]:
        if not line.rival:
            same = (each for each in measured if each.rival == line.what)
            beside = [peer(each.what, each.seconds) for each in same]
            tell(line.what, found[line.what], line.unit, *beside, goal=line.limit)


def is_over(section: str, found: dict[str, float]) -> bool:
    """Return whether a figure of a section is above its limit."""
    return any(
        line.limit is not None and found[line.what] > line.limit
        for line in SECTIONS[section]
        if not line.rival
    )


def main(arguments: list[str]) -> int:
    """Print the tables; return 1 if a limit is broken."""
    wanted = [name for name in arguments if name in SECTIONS] or list(SECTIONS)
    found = {section: ours(section) for section in wanted}
    python = None if "ours" in arguments else python_with("contagion", PEERS)
    for section in wanted:
        told(section, found[section], against(section, found[section], python) if python else [])
    return int(any(is_over(section, found[section]) for section in wanted))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(SECTIONS[sys.argv[2]][int(sys.argv[3])].run()))
    else:
        sys.exit(main(sys.argv[1:]))
