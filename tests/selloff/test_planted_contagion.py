"""Contagion planted into a market of three clocks is found where it is, and nowhere else.

All bands are binomial, two-sided, 0.1% in all unless said. 200 seeds of 600 days.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr
from scipy.stats import binom

from selloff.comovement.clocks import lead_lag_correlations
from selloff.comovement.spillover_coefficients import spillover_coefficients
from selloff.event_study.multiplicity import benjamini_hochberg
from tests.selloff.planted_market import CLOSES, HOURS, NAMES, NOTHING, REGIONS, Planted, market

SEEDS, DAYS, LEVEL = 200, 600, 0.05
PLANTED = Planted()


def links_of(found):
    chosen = found[found["is_link"]]
    return set(zip(chosen["source"], chosen["target"], strict=True))


def runs(planted, seeds=SEEDS, days=DAYS, **options):
    return [
        spillover_coefficients(market(n, days, planted, **options), CLOSES) for n in range(seeds)
    ]


def at_most(count, share):
    """Return the largest number of hits of a share in so many draws that is not a surprise."""
    return binom.ppf(0.999, count, share)


@pytest.fixture(scope="module")
def planted():
    return runs(PLANTED)


def single_source(found):
    """Return the series with the most outgoing links, None where two have as many."""
    counts = found.loc[found["is_link"], "source"].value_counts()
    if not len(counts) or (counts == counts.iloc[0]).sum() > 1:
        return None
    return counts.index[0]


def test_the_source_is_the_series_with_most_links_in_nearly_every_market(planted):
    assert sum(single_source(found) == PLANTED.source for found in planted) >= 0.99 * SEEDS


def test_every_planted_link_is_found_in_most_markets(planted):
    counts = pd.Series(0, index=sorted(PLANTED.links()))
    for found in planted:
        for link in links_of(found) & PLANTED.links():
            counts[link] += 1
    shares = counts / SEEDS
    # Tokyo's next session shares 15 hours of news with New York's, which costs precision.
    assert shares.min() > 0.75
    assert shares[[link for link in shares.index if "TYO" not in link[1]]].min() > 0.98


def test_the_direction_is_right(planted):
    reverse = {(target, source) for source, target in PLANTED.links()}
    assert sum(bool(links_of(found) & reverse) for found in planted) <= at_most(SEEDS, LEVEL)


def test_the_coefficient_is_within_two_standard_errors_in_95_percent_of_markets(planted):
    inside = 0
    low, high = binom.ppf([0.0001, 0.9999], SEEDS, 0.9545)
    for target in PLANTED.targets:
        rows = pd.concat(
            found[(found["source"] == PLANTED.source) & (found["target"] == target)]
            for found in planted
        )
        off = (rows["coefficient"] - PLANTED.coefficient) / rows["standard_error"]
        assert low <= (off.abs() < 2).sum() <= high, target
        # No bias beyond a Monte Carlo error of a mean, 3.3 of them at 0.1%.
        assert abs(rows["coefficient"].mean() - PLANTED.coefficient) < 3.5 * (
            rows["coefficient"].std() / np.sqrt(SEEDS)
        ), target
        inside += (off.abs() < 2).sum()
    assert 0.93 < inside / (SEEDS * len(PLANTED.targets)) < 0.975


def test_beside_planted_links_few_are_false(planted):
    shares = [len(links_of(f) - PLANTED.links()) / max(1, len(links_of(f))) for f in planted]
    # 4% measured; the band is the mean's Monte Carlo error.
    assert np.mean(shares) < LEVEL + 3 * np.std(shares) / np.sqrt(SEEDS)


def test_a_source_that_strikes_a_whole_region_is_found():
    region = tuple(name for name in NAMES if name.startswith("TYO"))
    planted = Planted(targets=region, coefficient=0.3)
    found = runs(planted, seeds=30, days=1250)
    assert sum(single_source(each) == planted.source for each in found) >= 26
    shares = [len(links_of(f) - planted.links()) / max(1, len(links_of(f))) for f in found]
    assert np.mean(shares) < 0.12


@pytest.mark.parametrize(
    "kind",
    [{}, {"degrees_of_freedom": 5}, {"is_restless": True}],
    ids=["normal", "fat", "restless"],
)
def test_where_nothing_is_planted_false_links_stay_at_the_stated_rate(kind):
    found = runs(NOTHING, **kind)
    # Every link is false: the false discovery rate is the share of markets with any.
    assert sum(each["is_link"].any() for each in found) <= at_most(SEEDS, LEVEL)


def naive_links(series):
    """Regress each series on each other's last session, as if the clock were nothing."""
    values = (series - series.mean()).to_numpy()
    n, found = len(values) - 1, []
    for source, name in enumerate(NAMES):
        for target, other in enumerate(NAMES):
            if source == target:
                continue
            is_before = CLOSES[name] < CLOSES[other]
            x = values[1:, source] if is_before else values[:-1, source]
            rho = np.corrcoef(x, values[1:, target])[0, 1]
            found.append(rho * np.sqrt((n - 2) / (1 - rho**2)))
    return benjamini_hochberg(2 * ndtr(-np.abs(found))) <= LEVEL


def test_without_regard_to_clocks_hundreds_of_links_are_found_where_there_is_none():
    found = [naive_links(market(seed, DAYS)) for seed in range(3)]
    # Of 1,056 pairs, 726 lie across regions.
    assert min(each.sum() for each in found) > 500


@pytest.mark.parametrize(
    "planted",
    [
        Planted("LON S02", ("TYO S04", "TYO S05", "LON S07")),
        Planted("TYO S02", ("NYC S04", "LON S05", "TYO S01")),
    ],
    ids=["London", "Tokyo"],
)
def test_sources_elsewhere_are_found_too(planted):
    found = runs(planted, seeds=40)
    assert sum(single_source(each) == planted.source for each in found) >= 39


@pytest.mark.parametrize("kind", [{"degrees_of_freedom": 4}, {"is_restless": True}])
def test_neither_fat_tails_nor_spells_of_volatility_hide_the_source(kind):
    found = runs(PLANTED, seeds=40, **kind)
    assert sum(single_source(each) == PLANTED.source for each in found) >= 38


def test_what_a_clock_leaves_uncertain_is_stated_as_uncertain():
    # New York closes 4.5 hours after London: four fifths of its session are London's too.
    found = runs(Planted("LON S02", ("NYC S01",)), seeds=40)
    pair = pd.concat(f[(f["source"] == "LON S02") & (f["target"] == "NYC S01")] for f in found)
    assert pair["standard_error"].median() > 0.2
    assert pair["is_link"].mean() < 0.2
    off = (pair["coefficient"] - 0.5) / pair["standard_error"]
    assert (off.abs() < 2).sum() >= binom.ppf(0.001, 40, 0.9545)


def test_news_that_does_not_come_evenly_must_be_told():
    # Two thirds of the variance in the hours between London's and New York's close.
    stretches = np.array([2.0, 2.0, 8.0])
    half = stretches[1] / 21
    flow = np.full(24, stretches[0] / 9)
    flow[6:16], flow[16], flow[17:21] = (stretches[1] - half) / 10, 2 * half, (8.0 - half) / 4
    told, untold = 0, 0
    for seed in range(30):
        series = market(seed, DAYS, stretches=stretches)
        told += spillover_coefficients(series, CLOSES, flow=flow)["is_link"].any()
        untold += spillover_coefficients(series, CLOSES)["is_link"].any()
    assert told <= at_most(30, LEVEL)
    assert untold == 30


def test_the_lead_lag_sum_restores_correlations_that_clocks_hide():
    series = market(1, 6000)[[f"{region} S01" for region in REGIONS]]
    found = lead_lag_correlations(series, CLOSES)
    # A sector with itself abroad: (0.6^2 + 0.5^2) / (0.6^2 + 0.5^2 + 0.3^2 + 0.55^2).
    truth = 0.61 / 1.0025
    assert ((found["correlation"] - truth).abs() < 4 * found["standard_error"]).all()
    shares = 1 - found["hours_between_closes"] / 24
    np.testing.assert_allclose(found["same_date"] / truth, shares, atol=0.05)
    assert HOURS["NYC"] - HOURS["TYO"] == 15.0
