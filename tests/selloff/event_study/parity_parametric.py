"""What the parametric tests are held against: columns of other systems' files that may be trusted.

`ANCHORS` is the list; `comparisons` yields the numbers of it, for the tests and for a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from selloff.event_study.averages import average, path
from selloff.event_study.dependence import mean_residual_correlation
from selloff.event_study.evidence import Evidence, complete
from selloff.event_study.parametric import (
    adjusted_patell,
    bmp,
    cross_sectional,
    kolari_pynnonen,
    mackinlay_j1,
    mackinlay_j2,
    patell,
)
from selloff.event_study.portfolio import brown_warner_1980, brown_warner_1985, lamb
from selloff.event_study.skewness import (
    skewness_hall,
    skewness_johnson,
    skewness_lyon_barber_tsai,
)
from tests.selloff.event_study import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from selloff.event_study.sample import Sample


def all_names_1980(sample, first, last):
    """Take all names into a day's variance, also halted ones, as the reference does."""
    return brown_warner_1980(sample, first, last, valid_only=False)


def statistic(test: Callable) -> Callable[[Sample, int, int], float]:
    return lambda sample, first, last: test(sample, first, last).statistic


def whole(test: Callable) -> Callable[[Sample, int, int], float]:
    """Take only events with every row of the window, as the reference's windows do."""
    return lambda sample, first, last: test(complete(sample, first, last), first, last).statistic


def aar(sample, first, last):
    return path(sample, first, last).aar[0]


def caar(sample, first, last):
    return average(complete(sample, first, last), first, last).mean


def running_sum(sample, first, last):
    return path(sample, first, last).caar[-1]


def r_bar(sample, _first, _last):
    return mean_residual_correlation(sample)


class Anchor(NamedTuple):
    """A column of a peer's file, and the function of ours that must give the same.

    `read` takes the file and the column and gives windows and numbers; `file` lies under expected/,
    {panel} and {model} to be filled in.
    """

    quantity: str
    peer: str
    file: str
    column: str
    read: Callable[[pd.DataFrame, str], Iterator[tuple[int, int, float]]]
    ours: Callable[[Sample, int, int], float]
    panels: tuple[str, ...] = plain.PANELS
    models: tuple[str, ...] = tuple(plain.MODELS)


def days(frame, column):
    """Read one row per day, in order or numbered."""
    numbers = frame.get("rel", frame.get("relative_index", range(-5, 6)))
    return ((int(day), int(day), value) for day, value in zip(numbers, frame[column], strict=True))


def cumulated(frame, column):
    """Read one row per window from the first day on."""
    return ((-5, day, value) for _, day, value in days(frame, column))


def windows(frame, column):
    """Read one row per window [a, b]."""
    for first, last, value in zip(frame["a"], frame["b"], frame[column], strict=True):
        yield int(first), int(last), value


def estudy2_cars(frame, name):
    """Read estudy2's tests of windows, one row per window and test."""
    for row in frame[frame["name"] == name].itertuples():
        first, last = row.window.split(":")
        yield int(first), int(last), row.statistic


def unadjusted_bmp(frame, column):
    """Read eventstudystatistics' BMP: rows named by day or by window, without adjustment."""
    plain_rows = frame[frame["adj"].eq(other=False)]
    for row in plain_rows.itertuples():
        first, _, last = row.what.partition("=")[2].partition(",")
        if "[" in row.what:
            first, _, last = row.what.partition("[")[2].rstrip("]").partition(",")
        yield int(first), int(last or first), getattr(row, column)


def anchors(peer, read, file, columns, panels=plain.PANELS, models=tuple(plain.MODELS)):
    """Make anchors of one kind of file of a peer: (quantity, column, ours) each."""
    return tuple(
        Anchor(quantity, peer, file, column, read, ours, panels, models)
        for quantity, column, ours in columns
    )


DATED = ("clustered", "staggered")
FULL, GAPS = ("clustered",), ("missing",)
MARKET = ("market",)

ANCHORS = (
    *anchors(
        "textbook",
        days,
        "textbook/daily_{panel}_{model}",
        [
            ("AAR", "aar", aar),
            ("cross-sectional t", "csect_t", statistic(cross_sectional)),
            ("Patell Z", "patell_z", statistic(patell)),
            ("adjusted Patell Z", "kp_patell_z_cal", statistic(adjusted_patell)),
            ("BMP t", "bmp_t", statistic(bmp)),
            ("Kolari-Pynnönen t", "kp_bmp_t_cal", statistic(kolari_pynnonen)),
            (
                "skewness t, Lyon-Barber-Tsai",
                "skew_johnson_lbt_t",
                statistic(skewness_lyon_barber_tsai),
            ),
            ("skewness t, Johnson", "skew_johnson_unb_t", statistic(skewness_johnson)),
            ("skewness t, Hall", "skew_hall_unb_t", statistic(skewness_hall)),
            ("Brown-Warner 1980", "bw1980_t", statistic(all_names_1980)),
            ("Brown-Warner 1985", "cda_t_ddof1", statistic(brown_warner_1985)),
        ],
    ),
    *anchors(
        "textbook",
        windows,
        "textbook/windows_{panel}_{model}",
        [
            ("CAAR", "caar", caar),
            ("cross-sectional t", "csect_t", whole(cross_sectional)),
            ("Patell Z", "patell_z", whole(patell)),
            ("adjusted Patell Z", "kp_patell_z_cal", whole(adjusted_patell)),
            ("BMP t", "bmp_t", whole(bmp)),
            ("Kolari-Pynnönen t", "kp_bmp_t_cal", whole(kolari_pynnonen)),
            ("MacKinlay J1", "mackinlay_J1", whole(mackinlay_j1)),
            ("Brown-Warner 1985", "cda_t_ddof1", statistic(brown_warner_1985)),
            ("mean residual correlation", "r_cal", r_bar),
        ],
    ),
    # R's EventStudy has no CAPM and counts a parameter of the market-adjusted model otherwise;
    # its BMP leaves prediction errors out, which the common date's scale makes good.
    *anchors(
        "EventStudy (R)",
        days,
        "EventStudyR/multi_{panel}_{model}",
        [
            ("AAR", "aar", aar),
            ("cross-sectional t", "aar_t", statistic(cross_sectional)),
            ("Patell Z", "aar_z", statistic(patell)),
        ],
        DATED,
        ("market", "mean", "ff3", "carhart4", "ff5"),
    ),
    *anchors(
        "EventStudy (R)",
        days,
        "EventStudyR/multi_{panel}_{model}",
        [
            ("BMP t", "bmp_t", statistic(bmp)),
            ("Kolari-Pynnönen t", "kp_t", statistic(kolari_pynnonen)),
        ],
        FULL,
        MARKET,
    ),
    *anchors(
        "EventStudy (R)",
        cumulated,
        "EventStudyR/multi_{panel}_{model}",
        [
            ("CAAR", "caar", running_sum),
            ("cross-sectional t", "caar_t", statistic(cross_sectional)),
        ],
        DATED,
        ("market", "mean", "ff3", "carhart4", "ff5"),
    ),
    *anchors(
        "EventStudy (R)",
        cumulated,
        "EventStudyR/multi_{panel}_{model}",
        [
            ("BMP t", "cbmp_t", statistic(bmp)),
            ("Kolari-Pynnönen t", "ckp_t", statistic(kolari_pynnonen)),
        ],
        FULL,
        MARKET,
    ),
    *anchors(
        "estudy2 (R)",
        days,
        "estudy2/parametric_full_sim",
        [
            ("AAR", "mean", aar),
            ("cross-sectional t", "t_test_stat", statistic(cross_sectional)),
            ("BMP t", "bh_stat", statistic(bmp)),
            ("Brown-Warner 1980", "bw_1980_stat", statistic(brown_warner_1980)),
            ("Brown-Warner 1985", "bw_1985_stat", statistic(brown_warner_1985)),
            ("Lamb", "lmb_stat", statistic(lamb)),
        ],
        FULL,
        MARKET,
    ),
    *anchors(
        "estudy2 (R)",
        days,
        "estudy2/parametric_missing_sim",
        [
            ("AAR", "mean", aar),
            ("cross-sectional t", "t_test_stat", statistic(cross_sectional)),
            ("Brown-Warner 1980", "bw_1980_stat", statistic(all_names_1980)),
            ("Brown-Warner 1985", "bw_1985_stat", statistic(brown_warner_1985)),
        ],
        GAPS,
        MARKET,
    ),
    *anchors(
        "estudy2 (R)",
        days,
        "estudy2/parametric_full_mean_adj",
        [
            ("AAR", "mean", aar),
            ("cross-sectional t", "t_test_stat", statistic(cross_sectional)),
        ],
        FULL,
        ("mean",),
    ),
    *anchors(
        "estudy2 (R)",
        estudy2_cars,
        "estudy2/car_tests_full",
        [
            ("Brown-Warner 1985", "car_brown_warner_1985", statistic(brown_warner_1985)),
            ("Lamb", "car_lamb", statistic(lamb)),
        ],
        FULL,
        MARKET,
    ),
    *anchors(
        "estudy2 (R)",
        estudy2_cars,
        "estudy2/car_tests_missing",
        [("Brown-Warner 1985", "car_brown_warner_1985", statistic(brown_warner_1985))],
        GAPS,
        MARKET,
    ),
    *anchors(
        "event-studies",
        windows,
        "event_studies_pypi/tests_{panel}",
        [
            ("MacKinlay J1", "j1", statistic(mackinlay_j1)),
            ("MacKinlay J2", "j2", statistic(mackinlay_j2)),
            ("Patell Z", "j2", statistic(patell)),
        ],
        DATED,
        MARKET,
    ),
    *anchors(
        "eventstudystatistics",
        unadjusted_bmp,
        "eventstudystatistics/tests_{panel}",
        [("BMP t", "stat", statistic(bmp))],
        FULL,
        MARKET,
    ),
)


def of_anchor(anchor: Anchor) -> Iterator[tuple[str, float, float]]:
    """Yield (panel, ours, theirs) for every model and every day or window of a column."""
    for panel in anchor.panels:
        for model in anchor.models:
            sample = Evidence.of(plain.sample(panel, model))
            frame = plain.expected(anchor.file.format(panel=panel, model=model))
            for first, last, theirs in anchor.read(frame, anchor.column):
                yield panel, float(anchor.ours(sample, first, last)), float(theirs)


def comparisons() -> Iterator[tuple[str, str, str, float, float]]:
    """Yield (quantity, peer, panel, ours, theirs) of all anchors."""
    for anchor in ANCHORS:
        for panel, ours, theirs in of_anchor(anchor):
            yield anchor.quantity, anchor.peer, panel, ours, theirs
