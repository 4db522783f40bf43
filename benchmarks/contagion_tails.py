"""What rolling measures of tails cost over 20 years of 11 series, beside statsmodels' QuantReg.

python benchmarks/contagion_tails.py           a table in Markdown; ends with 1 beyond a limit
"""

from __future__ import annotations

import os

# Small matrices: a second thread of BLAS costs more than it brings.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from _child import ROOT
from _records import peer, tell

if TYPE_CHECKING:
    from collections.abc import Callable

N_SERIES, N_DAYS, WINDOW, QUANTILE = 11, 5040, 250, 0.05
N_WINDOWS = N_DAYS - WINDOW + 1
# CPU microseconds of a quantile line of one window.
LIMIT_OF_A_LINE = 100.0
PEER_WINDOWS = 40
ROUNDS = 3


class Cost(NamedTuple):
    """CPU time of a measure over all windows; a limit in microseconds per window and pair."""

    measure: str
    seconds: float
    microseconds: float
    limit: float | None = None


def series() -> Any:
    """Return fat-tailed returns with one common factor, the first column the market's."""
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(20250127)
    market = 0.01 * random.standard_t(4, (N_DAYS, 1))
    own = 0.008 * random.standard_t(4, (N_DAYS, N_SERIES - 1))
    values = np.hstack([market, market * random.uniform(0.5, 1.5, N_SERIES - 1) + own])
    names = ["market", *(f"sector {place}" for place in range(1, N_SERIES))]
    return pd.DataFrame(values, pd.bdate_range("2005-01-03", periods=N_DAYS), names)


def costs(returns: Any) -> list[Cost]:
    """Return what each measure takes over all windows, the median of some rounds."""
    from selloff.quantile_regression import rolling_quantile_line
    from selloff.tails.betas import market_betas
    from selloff.tails.coexceedances import coexceedance_test, coexceedances
    from selloff.tails.dependence import tail_dependence
    from selloff.tails.rolling_covar import rolling_delta_covar
    from selloff.tails.shortfalls import marginal_expected_shortfall

    market, sectors = returns["market"].to_numpy(), returns.to_numpy().T[1:]
    exceeds = coexceedances(returns, QUANTILE, window=WINDOW).exceeds
    others, pairs = N_SERIES - 1, N_SERIES * (N_SERIES - 1)
    measures: list[tuple[str, int, float | None, Callable[[], Any]]] = [
        (
            "quantile line of 10 sectors on the market",
            others,
            LIMIT_OF_A_LINE,
            lambda: rolling_quantile_line(sectors, market, WINDOW, QUANTILE),
        ),
        (
            "Delta-CoVaR, all pairs",
            pairs,
            LIMIT_OF_A_LINE,
            lambda: rolling_delta_covar(returns, WINDOW, QUANTILE),
        ),
        (
            "marginal expected shortfall",
            others,
            None,
            lambda: marginal_expected_shortfall(returns, "market", QUANTILE, window=WINDOW),
        ),
        (
            "downside beta",
            others,
            None,
            lambda: market_betas(returns, "market", window=WINDOW),
        ),
        (
            "tail dependence, all pairs, with p-values",
            pairs // 2,
            None,
            lambda: tail_dependence(returns, QUANTILE, window=WINDOW),
        ),
        (
            "coexceedances",
            N_SERIES,
            None,
            lambda: coexceedances(returns, QUANTILE, window=WINDOW),
        ),
        (
            "test of coexceedances, 499 draws",
            N_SERIES,
            None,
            lambda: coexceedance_test(exceeds),
        ),
    ]
    found = []
    for name, count, limit, run in measures:
        seconds = statistics.median(_cpu(run) for _ in range(ROUNDS))
        found.append(Cost(name, seconds, 1e6 * seconds / count / N_WINDOWS, limit))
    return found


def against_statsmodels(returns: Any) -> Cost:
    """Return what statsmodels' QuantReg takes, extrapolated from some windows of the same line.

    Its iterations end near a vertex: none of its lines may have a lower loss than ours.
    """
    import numpy as np
    from statsmodels.regression.quantile_regression import QuantReg

    from selloff.quantile_regression import quantile_line

    x, y = returns["market"].to_numpy(), returns.to_numpy()[:, 1]
    seconds = 0.0
    for last in np.linspace(WINDOW, N_DAYS, PEER_WINDOWS, dtype=int):
        rows = slice(last - WINDOW, last)
        columns = np.column_stack([np.ones(WINDOW), x[rows]])
        model = QuantReg(y[rows], columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            start = time.process_time()
            theirs = model.fit(QUANTILE).params
            seconds += time.process_time() - start
        ours = np.array(quantile_line(y[rows], x[rows], QUANTILE))
        if _loss(y[rows] - columns @ ours) > _loss(y[rows] - columns @ theirs) + 1e-12:
            raise SystemExit(f"a line of statsmodels is better in the rows up to {last}")
    each = 1e6 * seconds / PEER_WINDOWS
    return Cost("statsmodels QuantReg, the same line", each * N_WINDOWS * 10 / 1e6, each)


def _loss(residual: Any) -> float:
    return float((residual * (QUANTILE - (residual < 0))).sum())


def _cpu(run: Callable[[], Any]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> int:
    """Print the table."""
    sys.path.insert(0, str(ROOT))
    returns = series()
    print(f"{N_SERIES} series x {N_DAYS} days, windows of {WINDOW} rows, quantile {QUANTILE}\n")
    print("| measure | CPU seconds | microseconds per window and pair | limit |")
    print("| --- | ---: | ---: | ---: |")
    rows = [*costs(returns), against_statsmodels(returns)]
    *ours, theirs = rows
    for row in ours:
        beside = [peer(theirs.measure, theirs.microseconds)] if row is ours[0] else []
        unit = "microseconds a window and pair"
        tell(row.measure, row.microseconds, unit, *beside, goal=row.limit)
    for row in rows:
        limit = "" if row.limit is None else f"{row.limit:g}"
        print(f"| {row.measure} | {row.seconds:.3g} | {row.microseconds:.3g} | {limit} |")
    return int(any(row.limit is not None and row.microseconds > row.limit for row in rows))


if __name__ == "__main__":
    sys.exit(main())
