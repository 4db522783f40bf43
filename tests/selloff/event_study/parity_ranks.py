"""What the rank and sign tests are held against: each statistic, by whom, on which panel.

The tests and the table of parity are made from this one list.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.evidence import Evidence, complete
from selloff.event_study.generalized_ranks import grank_t, grank_z
from selloff.event_study.ranks import (
    corrado_rank,
    corrado_zivney,
    corrado_zivney_uniform,
    wilcoxon,
)
from selloff.event_study.signs import corrado_sign, generalized_sign, sign
from tests.selloff.event_study.plain_ranks import MODELS, PANELS, WINDOWS, expected, sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from selloff.event_study.results import TestResult
    from selloff.event_study.sample import Sample

    Test = Callable[[Sample, int, int], TestResult]

DAILY: dict[str, Test] = {
    "sign_z": sign,
    "gsign_z": generalized_sign,
    "wilcoxon_Wplus": wilcoxon,
    "corrado_rank_z": corrado_rank,
    "corrado_uniform_z": corrado_zivney_uniform,
    "corrado_zivney_z": corrado_zivney,
    "corrado_sign_z": corrado_sign,
}
ESTUDY2: dict[str, Test] = {
    "sign_stat": sign,
    "gsign_stat": generalized_sign,
    "csign_stat": corrado_sign,
    "rank_stat": corrado_rank,
    "mrank_stat": corrado_zivney_uniform,
    "wlcx_stat": wilcoxon,
}
ESTUDY2_MODELS = {"sim": "market", "mean_adj": "mean", "mrkt_adj": "mktadj"}
R_MODELS = ("market", "mean", "mktadj", "ff3", "carhart4", "ff5")


@dataclass(frozen=True)
class Comparison:
    """A quantity by somebody else, and ours: one number for each row of their table."""

    quantity: str
    peer: str
    panel: str
    ours: Callable[[], list[float]]
    theirs: Callable[[], pd.Series]


def comparisons() -> Iterator[Comparison]:
    """Yield every trusted column of the reference set that a rank or sign test can be held to."""
    yield from _textbook()
    yield from _estudy2()
    yield from _others()


def parity() -> Iterator[tuple[str, str, str, list[float], list[float]]]:
    """Yield (quantity, peer, panel, ours, theirs) for each comparison."""
    for each in comparisons():
        yield each.quantity, each.peer, each.panel, each.ours(), each.theirs().tolist()


def difference(ours: list[float], theirs: list[float]) -> float:
    """Return the largest difference relative to theirs; to 0, where theirs is 0 but for rounding.

    Statistics are of order 1, so that one below 1e-12 is what rounding left of 0.
    """
    own, other = np.array(ours, float), np.array(theirs, float)
    scale = np.where(np.abs(other) < 1e-12, 1.0, np.abs(other))
    return float(np.max(np.abs(own - other) / scale))


def _textbook() -> Iterator[Comparison]:
    for panel in PANELS:
        for model in MODELS:
            name = f"{panel}_{model}.csv"
            for column, test in DAILY.items():
                yield Comparison(
                    f"{test.__name__}, days, {model}",
                    "textbook",
                    panel,
                    _daily(panel, model, test),
                    _column(f"textbook/daily_{name}", column),
                )
            for column, ours in _windows(panel, model).items():
                yield Comparison(
                    f"{column}, windows, {model}",
                    "textbook",
                    panel,
                    ours,
                    _column(f"textbook/windows_{name}", column),
                )


def _estudy2() -> Iterator[Comparison]:
    """Yield the full panel only: with rows missing, estudy2's sums are scaled wrongly."""
    for suffix, model in ESTUDY2_MODELS.items():
        for column, test in ESTUDY2.items():
            yield Comparison(
                f"{test.__name__}, days, {model}",
                "estudy2",
                "clustered",
                _daily("clustered", model, test),
                _column(f"estudy2/nonparametric_full_{suffix}.csv", column),
            )
    cars = "estudy2/car_tests_full.csv"
    yield Comparison(
        "corrado_rank, windows ranked by themselves, market",
        "estudy2",
        "clustered",
        lambda: [
            corrado_rank(cut(sample("clustered", "market"), *each), *each).statistic
            for each in ((0, 0), (0, 1), (-1, 1), (-5, 5))
        ],
        lambda: expected(cars).query("name == 'car_rank_test'")["statistic"],
    )


def _others() -> Iterator[Comparison]:
    for panel in ("clustered", "staggered"):
        for model in R_MODELS:
            table = f"EventStudyR/multi_{panel}_{model}.csv"
            for column, test in (("sign_z", sign), ("gsign_z", generalized_sign)):
                yield Comparison(
                    f"{test.__name__}, days, {model}",
                    "EventStudy (R)",
                    panel,
                    _daily(panel, model, test),
                    _column(table, column),
                )
        yield Comparison(
            "generalized_sign, windows, market",
            "event-studies (PyPI)",
            panel,
            _windows(panel, "market")["gsign_z"],
            _column(f"event_studies_pypi/tests_{panel}.csv", "gsign"),
        )


def _column(name: str, column: str) -> Callable[[], pd.Series]:
    return lambda: expected(name)[column]


def _daily(panel: str, model: str, test: Test) -> Callable[[], list[float]]:
    def ours() -> list[float]:
        evidence = Evidence.of(sample(panel, model))
        return [test(evidence, day, day).statistic for day in range(-5, 6)]

    return ours


def _windows(panel: str, model: str) -> dict[str, Callable[[], list[float]]]:
    """Return our statistics of the windows by the textbook's names.

    The textbook takes a CAR of complete windows only, but rank sums of all events.
    """

    def each(test: Test, field: str = "statistic", *, whole: bool) -> Callable[[], list[float]]:
        def ours() -> list[float]:
            known = sample(panel, model)
            held = [complete(known, *window) if whole else known for window in WINDOWS]
            results = [test(one, *window) for one, window in zip(held, WINDOWS, strict=True)]
            return [getattr(result, field) for result in results]

        return ours

    return {
        "n": each(grank_t, "n", whole=True),
        "gsign_z": each(generalized_sign, whole=True),
        "cowan_rank_z": each(corrado_rank, whole=False),
        "grank_Z": each(_grank_before_t, whole=True),
        "grank_t": each(grank_t, whole=True),
        "grank_df": each(grank_t, "degrees_of_freedom", whole=True),
        "grank_z": each(grank_z, whole=True),
    }


def _grank_before_t(known: Sample, first: int, last: int) -> TestResult:
    """Undo the last step of GRANK-T, ``t = Z sqrt((T' - 2) / (T' - 1 - Z^2))``."""
    found = grank_t(known, first, last)
    freedom = found.degrees_of_freedom
    z = found.statistic * np.sqrt((freedom + 1) / (freedom + found.statistic**2))
    return replace(found, statistic=float(z))


def cut(known: Sample, first: int, last: int) -> Sample:
    """Return a sample without the event rows outside [first, last]."""
    columns = known.columns(first, last)
    names = ("abnormal", "returns", "loadings", "positions")
    rows = {name: getattr(known, name)[:, columns] for name in names}
    return replace(known, days=known.days[columns], **rows)
