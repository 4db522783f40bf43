"""Events in which nothing happened, drawn under the conditions that mislead tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from selloff.event_study.sample import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from selloff.event_study.results import TestResult

    Test = Callable[[Sample, int, int], TestResult]

N_EVENTS, N_ESTIMATION, N_ROWS = 30, 250, 6
T5_SIGMA = np.sqrt(5 / 3)  # of Student's t with 5 degrees of freedom


@dataclass(frozen=True)
class World:
    """What is true of the draws: no abnormal return, on one date for all events.

    Parameters
    ----------
    correlation : float
        Between the residuals of two firms on the same day.
    variance : float
        Of residuals in the event rows, relative to those in the estimation rows.
    is_turbulent : bool
        Whether a wild day is wild for all firms (residuals of a day are multivariate t), rather
        than tails a firm's own matter (a normal factor beside own residuals that are t).
    """

    correlation: float
    variance: float
    is_turbulent: bool = False


def draw(random: np.random.Generator, world: World) -> Sample:
    """Return events whose residuals have the tails of t with 5 degrees of freedom.

    Expectations are the market model's. Betas are 0, which changes no residual of a regression;
    the market's returns are normal.
    """
    rows = N_ESTIMATION + N_ROWS
    returns = random.uniform(0.01, 0.03, (N_EVENTS, 1)) * _standard(random, world, rows)
    returns[:, N_ESTIMATION:] *= np.sqrt(world.variance)
    market = random.normal(0, 0.01, rows)
    centred = market - market[:N_ESTIMATION].mean()
    length = np.sqrt(centred[:N_ESTIMATION] @ centred[:N_ESTIMATION])
    # Columns of unit length, orthogonal: intercept and market.
    design = np.column_stack([np.full(rows, N_ESTIMATION**-0.5), centred / length])
    rest = returns - returns[:, :N_ESTIMATION] @ design[:N_ESTIMATION] @ design.T
    residuals, abnormal = rest[:, :N_ESTIMATION], rest[:, N_ESTIMATION:]
    places = np.broadcast_to(np.arange(rows), (N_EVENTS, rows))
    return Sample(
        days=np.arange(N_ROWS),
        abnormal=abnormal,
        returns=returns[:, N_ESTIMATION:],
        sigma=np.sqrt((residuals**2).sum(axis=1) / (N_ESTIMATION - 2)),
        n_estimation=np.full(N_EVENTS, N_ESTIMATION),
        n_parameters=np.full(N_EVENTS, 2),
        loadings=np.broadcast_to(design[N_ESTIMATION:], (N_EVENTS, N_ROWS, 2)),
        positions=places[:, N_ESTIMATION:],
        firms=np.arange(N_EVENTS),
        residuals=residuals,
        estimation_positions=places[:, :N_ESTIMATION],
    )


def _standard(random: np.random.Generator, world: World, rows: int) -> NDArray[np.float64]:
    """Return residuals of variance 1."""
    shared = random.normal(size=rows) * np.sqrt(world.correlation)
    if world.is_turbulent:
        own = random.normal(size=(N_EVENTS, rows)) * np.sqrt(1 - world.correlation)
        return (shared + own) / np.sqrt(random.chisquare(5, rows) / 5) / T5_SIGMA
    own = random.standard_t(5, (N_EVENTS, rows)) / T5_SIGMA * np.sqrt(1 - world.correlation)
    return shared + own


def fallen(sample: Sample, sigmas: float) -> Sample:
    """Return the events after a fall of so many of their own sigmas on day 0."""
    abnormal = sample.abnormal.copy()
    abnormal[:, 0] -= sigmas * sample.sigma
    return replace(sample, abnormal=abnormal)


def rejection_rates(
    tests: Iterable[Test], samples: Iterable[Sample], windows: Iterable[tuple[int, int]]
) -> dict[tuple[int, int], dict[str, float]]:
    """Return how often each test finds something at the 5% level, by window and name."""
    found: dict[tuple[int, int], dict[str, list[bool]]] = {window: {} for window in windows}
    for sample in samples:
        for window, by_name in found.items():
            for test in tests:
                result = test(sample, *window)
                by_name.setdefault(result.test, []).append(result.p_value < 0.05)
    return {
        window: {name: float(np.mean(rejected)) for name, rejected in by_name.items()}
        for window, by_name in found.items()
    }
