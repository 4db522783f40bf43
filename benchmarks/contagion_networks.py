"""What Granger networks, absorption ratios and turbulence cost: 11 series x 5,040 days.

    .venv/bin/python benchmarks/contagion_networks.py

`rows` is what other scripts print; the pairs of one network are timed beside statsmodels, in the
same process, and must agree with it.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from _child import ROOT
from _records import peer, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

N_DAYS, N_SERIES, WINDOW = 5040, 11, 252
N_WINDOWS = N_DAYS - WINDOW + 1
ROUNDS = 5
# To be set before numpy is imported: matrices this small are slower on several threads.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Windows in the rolling network that is timed; the rest is extrapolated.
SOME = 400
LIMIT_ABSORPTION = 0.08


class Row(NamedTuple):
    """One thing that is done, by whom, and the CPU seconds it takes."""

    what: str
    by: str
    seconds: float
    limit: float | None = None


def series() -> Any:
    """Return daily returns with one common factor and fat tails."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20250127)
    market = 0.008 * random.standard_t(5, (N_DAYS, 1))
    values = market + 0.008 * random.standard_t(5, (N_DAYS, N_SERIES))
    days = pd.bdate_range("2005-01-03", periods=N_DAYS)
    return pd.DataFrame(values, days, [f"S{number}" for number in range(N_SERIES)])


def rows() -> Iterator[Row]:
    """Time everything, ours and the peer's."""
    from selloff.network.absorption import absorption_ratio
    from selloff.network.granger import granger_network
    from selloff.network.rolling_granger import rolling_granger
    from selloff.network.turbulence import turbulence

    every = series()
    year = every.tail(WINDOW)
    since = every.index[-SOME]
    windows = f"{N_WINDOWS:,} windows"
    yield Row(
        f"absorption ratio, {windows}",
        "ours",
        _seconds(lambda: absorption_ratio(every, window=WINDOW)),
        LIMIT_ABSORPTION,
    )
    yield Row(f"turbulence, {N_WINDOWS - 1:,} days", "ours", _seconds(lambda: turbulence(every)))
    rolled = _seconds(lambda: rolling_granger(every, WINDOW, since=since)) / SOME * N_WINDOWS
    yield Row(f"Granger networks, {windows}, extrapolated from {SOME}", "ours", rolled)
    pairs = f"Granger network, {N_SERIES * (N_SERIES - 1)} pairs"
    yield Row(f"{pairs}: F, Newey-West, adjusted", "ours", _seconds(lambda: granger_network(year)))
    yield Row(f"{pairs}: F and three others", "statsmodels", _seconds(lambda: _statsmodels(year)))
    _agree(granger_network(year).f, _statsmodels(year))


def _statsmodels(year: Any) -> Any:
    """Return the F of each pair by statsmodels: rows are sources, columns targets."""
    import numpy as np
    from statsmodels.tsa.stattools import grangercausalitytests

    found = np.full((N_SERIES, N_SERIES), np.nan)
    values = year.to_numpy()
    for source in range(N_SERIES):
        for target in range(N_SERIES):
            if source != target:
                tests = grangercausalitytests(values[:, [target, source]], [1])[1][0]
                found[source, target] = tests["ssr_ftest"][0]
    return found


def _agree(ours: Any, theirs: Any) -> None:
    import numpy as np

    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def _seconds(work: Callable[[], Any]) -> float:
    """Return the median CPU seconds, after a first run that pays for imports."""
    work()
    seen = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        seen.append(time.process_time() - started)
    return statistics.median(seen)


def main() -> None:
    """Print a table of CPU seconds."""
    warnings.simplefilter("ignore")
    print("| what | by | CPU s | limit |")
    print("| --- | --- | --- | --- |")
    too_slow = False
    measured = list(rows())
    theirs = next(row for row in measured if row.by != "ours")
    for row in measured:
        if row.by == "ours":
            is_same = row.what.partition(":")[0] == theirs.what.partition(":")[0]
            beside = [peer(theirs.by, theirs.seconds)] if is_same else []
            tell(row.what, row.seconds, "CPU s", *beside, goal=row.limit)
        limit = "" if row.limit is None else f"{row.limit:g}"
        print(f"| {row.what} | {row.by} | {row.seconds:.4f} | {limit} |", flush=True)
        too_slow |= row.limit is not None and row.seconds > row.limit
    if too_slow:
        sys.exit(1)


if __name__ == "__main__":
    os.environ.update(ONE_THREAD)
    sys.path.insert(0, str(ROOT))
    main()
