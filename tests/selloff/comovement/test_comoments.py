from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from selloff.comovement.comoments import COMOMENTS, comoment_shifts
from selloff.series import SeriesError

CRISIS = np.arange(500) >= 250


def frame(rng, rho, wider=1.0, targets=1, crisis=CRISIS):
    """Return a source and targets of one linkage; the source is `wider` in the crisis."""
    n = len(crisis)
    source = rng.normal(size=n) * np.where(crisis, wider, 1.0)
    rest = rng.normal(size=(n, targets))
    values = np.column_stack([source, rho / np.sqrt(1 - rho**2) * source[:, None] + rest])
    return pd.DataFrame(values, columns=["source", *(f"T{n}" for n in range(targets))])


def shifts(series, crisis=CRISIS, **options):
    return comoment_shifts(series, "source", stable=~crisis, turmoil=crisis, **options)


def rejections(rho, wider, samples, **options):
    """Return how many of the samples are rejected at 5%, by comoment."""
    rng = np.random.default_rng(7)
    found = [
        shifts(frame(rng, rho, wider), **options).set_index("comoment")["p_value"]
        for _ in range(samples)
    ]
    return (pd.concat(found, axis=1) < 0.05).sum(axis=1)


@pytest.mark.parametrize(("rho", "wider"), [(0.0, 1.0), (0.6, 3.0)])
def test_constant_linkage_is_found_to_shift_in_5_percent_of_samples(rho, wider):
    found = rejections(rho, wider, 500)
    low, high = binom.ppf([0.0005, 0.9995], 500, 0.05)
    assert found.between(low, high).all(), found.to_dict()


def test_standardised_by_their_own_period_returns_have_their_own_correlation():
    # With the adjusted correlation in its place a wider source alone is taken for contagion.
    found = rejections(0.4, 3.0, 40, linkage="adjusted")
    assert found[["CK13", "CK31", "CV22"]].min() > 36


def test_counted_p_values_keep_their_size_in_short_turmoils():
    rng, crisis = np.random.default_rng(11), np.arange(100) >= 80
    found = {"counted": [], "chi-square": []}
    for _ in range(150):
        series = frame(rng, 0.5, crisis=crisis)
        for name, draws in (("counted", 300), ("chi-square", 0)):
            table = shifts(series, crisis, draws=draws).set_index("comoment")["p_value"]
            found[name].append(table < 0.05)
    counts = {name: pd.concat(each, axis=1).sum(axis=1) for name, each in found.items()}
    low, high = binom.ppf([0.001, 0.999], 150, 0.05)
    assert counts["counted"].between(low, high).all()
    # By chi-square, a twentieth of the samples would be nearly none of CK and CV.
    assert counts["chi-square"][["CK13", "CK31", "CV22"]].sum() < 12


def test_counted_p_values_are_those_of_chi_square_in_long_periods():
    series = frame(np.random.default_rng(13), 0.4, targets=3)
    one, other = shifts(series, draws=2000), shifts(series)
    np.testing.assert_allclose(one["p_value"], other["p_value"], atol=0.06)
    assert (one["statistic"] == other["statistic"]).all()
    pd.testing.assert_frame_equal(one, shifts(series, draws=2000))
    with pytest.raises(ValueError, match="observed linkage only"):
        shifts(series, draws=100, linkage="adjusted")


def hermite_variance(first, second, rho):
    """Return the variance of a bivariate Hermite polynomial: the permanent of the covariances."""
    kinds = [0] * first + [1] * second
    covariance = np.array([[1.0, rho], [rho, 1.0]])
    return sum(np.prod(covariance[kinds, list(order)]) for order in permutations(kinds))


@pytest.mark.parametrize("name", COMOMENTS)
@pytest.mark.parametrize("rho", [-0.7, 0.0, 0.3, 0.9])
def test_variances_are_those_of_hermite_polynomials(name, rho):
    kind = COMOMENTS[name]
    assert kind.variance(np.array(rho)) == pytest.approx(hermite_variance(*kind.powers, rho))


@pytest.mark.parametrize("name", COMOMENTS)
def test_variances_hold_with_means_variances_and_correlation_estimated(name):
    rng, n = np.random.default_rng(3), 400
    crisis = np.arange(2 * n) >= n
    found = []
    for _ in range(150):
        table = shifts(frame(rng, 0.5, targets=1, crisis=crisis), crisis).set_index("comoment")
        found += [table.loc[name, "stable"], table.loc[name, "turmoil"]]
    expected = COMOMENTS[name].variance(np.array(0.5))
    # Monte Carlo error of a variance from 300 draws is 8%; fat tails of the draws add to it.
    assert n * np.var(found) == pytest.approx(expected, rel=0.3)


def test_every_comoment_by_hand():
    series = frame(np.random.default_rng(1), 0.5)
    table = shifts(series).set_index("comoment")
    parts = []
    for rows in (~CRISIS, CRISIS):
        z = (series[rows] - series[rows].mean()) / series[rows].std(ddof=0)
        parts.append((z["source"], z["T0"], np.corrcoef(z.T)[0, 1]))
    (x, y, rho), (u, v, nu) = parts
    expected = {
        "CS12": ((u * v**2).mean() - (x * y**2).mean(), 4 * nu**2 + 4 * rho**2 + 4),
        "CS21": ((u**2 * v).mean() - (x**2 * y).mean(), 4 * nu**2 + 4 * rho**2 + 4),
        "CK13": (
            (u * v**3).mean() - 3 * nu - (x * y**3).mean() + 3 * rho,
            18 * nu**2 + 18 * rho**2 + 12,
        ),
        "CK31": (
            (u**3 * v).mean() - 3 * nu - (x**3 * y).mean() + 3 * rho,
            18 * nu**2 + 18 * rho**2 + 12,
        ),
        "CV22": (
            (u**2 * v**2).mean() - 2 * nu**2 - (x**2 * y**2).mean() + 2 * rho**2,
            4 * nu**4 + 16 * nu**2 + 4 * rho**4 + 16 * rho**2 + 8,
        ),
    }
    for name, (difference, variance) in expected.items():
        assert table.loc[name, "statistic"] == pytest.approx(difference**2 / (variance / 250))
        rise = table.loc[name, "turmoil"] - table.loc[name, "stable"]
        assert rise == pytest.approx(difference)


@given(st.integers(0, 100))
def test_source_and_target_change_places(seed):
    series = frame(np.random.default_rng(seed), 0.3)
    one = shifts(series).set_index("comoment")["statistic"]
    swapped = series.set_axis(["T0", "source"], axis=1)
    other = shifts(swapped).set_index("comoment")["statistic"]
    for name, mirror in (("CS12", "CS21"), ("CK13", "CK31"), ("CV22", "CV22")):
        assert one[name] == pytest.approx(other[mirror], rel=1e-9)


@given(st.integers(0, 100), st.floats(0.01, 100), st.floats(-1, 1))
def test_units_and_means_do_not_matter(seed, scale, shift):
    series = frame(np.random.default_rng(seed), 0.3)
    np.testing.assert_allclose(
        shifts(series)["statistic"],
        shifts(series * scale + shift)["statistic"],
        rtol=1e-6,
        atol=1e-9,
    )


def test_volatility_that_spreads_is_covolatility_alone():
    rng = np.random.default_rng(5)
    crisis = np.arange(1500) >= 750
    series = frame(rng, 0.3, targets=2, crisis=crisis)
    restless = np.exp(rng.normal(0, 0.7, 1500))
    series[["source", "T1"]] *= np.where(crisis, restless, 1.0)[:, None]
    # The source's fat tails are its own: with T0, whose volatility is steady, CV22 finds nothing.
    table = shifts(series, crisis).set_index(["target", "comoment"])["p_value"]
    assert table["T1", "CV22"] < 1e-6
    assert table["T0", "CV22"] > 0.01


def test_what_cannot_be_tested_is_refused():
    series = frame(np.random.default_rng(1), 0.3)
    with pytest.raises(ValueError, match="'observed' or 'adjusted'"):
        shifts(series, linkage="raw")
    with pytest.raises(SeriesError, match="a source and a target"):
        shifts(series[["source"]])
    series.loc[CRISIS, "T0"] = 0.01
    with pytest.raises(SeriesError, match=r"T0 is constant from .* in the turmoil"):
        shifts(series)
