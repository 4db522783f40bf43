"""Samples made up for tests: random ones for identities, correlated ones for size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from selloff.event_study.evidence import given as made
from selloff.event_study.sample import Sample

seeds = st.integers(0, 2**32 - 1)


def random_sample(seed, events=None, *, missing=0.1, dates=3):
    """Draw a sample with loadings, missing rows, unequal estimation rows and shared dates."""
    random = np.random.default_rng(seed)
    number = int(random.integers(3, 14)) if events is None else events
    rows, back, width = 5, 40, 2
    scale = random.uniform(0.005, 0.05, number)[:, None]
    residuals = scale * random.standard_normal((number, back))
    residuals[random.random(residuals.shape) < missing] = np.nan
    abnormal = scale * random.standard_normal((number, rows)) - 0.5 * scale
    abnormal[random.random(abnormal.shape) < missing] = np.nan
    plain = made(abnormal, residuals, -2, back + 2 + 7 * random.integers(0, dates, number))
    n = np.isfinite(residuals).sum(axis=1)
    return replace(
        plain,
        n_parameters=np.full(number, width),
        sigma=np.sqrt(np.nansum(residuals**2, axis=1) / (n - width)),
        loadings=0.2 * random.standard_normal((number, rows, width)),
    )


def common(seed, events, correlation=0.0, variance=1.0, rows=1, back=250):
    """Draw events of one date under the null: equally correlated, fat-tailed, of raised variance.

    Student's t with 5 degrees of freedom, scaled to a daily sigma of 2%.
    """
    random = np.random.default_rng(seed)
    shared, own = np.sqrt(correlation), np.sqrt(1 - correlation)
    draws = own * random.standard_t(5, (events, back + rows)) + shared * random.standard_t(
        5, back + rows
    )
    draws *= 0.02 / np.sqrt(5 / 3)
    draws[:, back:] *= np.sqrt(variance)
    return made(draws[:, back:], draws[:, :back])


def taken(sample, order):
    """Return these events of a sample, in this order."""
    names = set(Sample.__slots__) - {"days"}
    return replace(sample, **{name: getattr(sample, name)[order] for name in names})


def with_empty_event(sample):
    """Add an event of which nothing is known."""
    longer = taken(sample, [*range(sample.n_events), 0])
    changed = {}
    for name in ("abnormal", "returns", "sigma", "loadings", "residuals"):
        changed[name] = getattr(longer, name).copy()
        changed[name][-1] = np.nan
    for name in ("positions", "estimation_positions"):
        changed[name] = getattr(longer, name).copy()
        changed[name][-1] = -1
    n = longer.n_estimation.copy()
    n[-1] = 0
    return replace(longer, n_estimation=n, **changed)


def scaled(sample, factor):
    """Measure returns in another unit."""
    names = ("abnormal", "returns", "sigma", "residuals")
    return replace(sample, **{name: factor * getattr(sample, name) for name in names})
