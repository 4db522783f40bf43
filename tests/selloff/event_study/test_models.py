"""Expected returns: each event as if it were the only one, whatever stands beside it."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study import models
from selloff.event_study.events import TOLERABLE, Windows
from selloff.event_study.models import LinearModel
from selloff.event_study.panels import Panel
from selloff.event_study.sample import together, window
from selloff.event_study.studies import estimated, study
from tests.selloff.event_study.model_worlds import WINDOWS, plain, world

MODELS = [
    models.RAW,
    models.CONSTANT_MEAN,
    models.MARKET_ADJUSTED,
    models.MARKET_MODEL,
    models.CAPM,
    models.FAMA_FRENCH_3,
    models.CARHART,
    models.FAMA_FRENCH_5,
    LinearModel("own", ("market", "smb", "cma")),
]
ESTIMATED = [model for model in MODELS if model.has_intercept]
every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
seeds = st.integers(0, 2**32 - 1)
few = settings(deadline=None, max_examples=12)


def same(ours, theirs, rtol=1e-9):
    np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=1e-15, equal_nan=True)


def same_sample(one, other, **how):
    """Hold two samples against each other, estimation rows included."""
    for name in ("abnormal", "returns", "sigma", "n_estimation", "n_parameters"):
        same(getattr(one, name), getattr(other, name), **how)
    same((one.loadings**2).sum(axis=2), (other.loadings**2).sum(axis=2), **how)
    same(np.asarray(one.residuals), np.asarray(other.residuals), **how)


def series(found, name):
    return {"market": found.market, **found.factors}[name].to_numpy()


@pytest.mark.parametrize("model", ESTIMATED, ids=lambda model: model.name)
@given(seed=seeds, share=st.sampled_from([0.0, 0.15]))
@few
def test_every_event_is_least_squares_on_its_own_valid_pairs(model, seed, share):
    found = world(seed, share_missing=share)
    studied = found.study(model)
    sample, numbers = studied.sample, studied.events.index
    columns = [np.ones(len(found.returns)), *(series(found, name) for name in model.factors)]
    residuals = np.asarray(sample.residuals)
    for at, event in enumerate(numbers):
        listing, day = found.events.loc[event]
        response = found.returns[listing].to_numpy()
        baseline = series(found, model.baseline) if model.baseline else 0.0
        row = found.returns.index.get_loc(day)
        expected = plain(response - baseline, np.stack(columns, axis=1), row)
        same(sample.abnormal[at], expected.abnormal)
        same(sample.sigma[at], expected.sigma)
        assert sample.n_estimation[at] == expected.n
        same(studied.fits.iloc[at, 4:].to_numpy(dtype=float), expected.coefficients, rtol=1e-7)
        same(residuals[at], expected.residuals)
        loads = sample.loadings[at]
        known = np.isfinite(loads).all(axis=1)
        covariance = sample.sigma[at] ** 2 * (np.eye(len(loads)) + loads @ loads.T)
        same(covariance[np.ix_(known, known)], expected.covariance[np.ix_(known, known)])


@given(seed=seeds)
@few
def test_the_variance_of_a_car_is_that_of_the_dense_covariance(seed):
    found = world(seed)
    sample = found.study(models.FAMA_FRENCH_3).sample
    names = ["mktrf", "smb", "hml"]
    regressors = np.c_[np.ones(len(found.returns)), found.factors[names].to_numpy()]
    cumulated = window(sample, -1, 4)
    for at, (listing, day) in enumerate(found.events.itertuples(index=False)):
        response = (found.returns[listing] - found.factors["rf"]).to_numpy()
        dense = plain(response, regressors, found.returns.index.get_loc(day)).covariance[2:, 2:]
        same(cumulated.standard_error[at] ** 2, dense.sum())


@pytest.mark.parametrize("share", [0.0, 0.2])
def test_nothing_estimated_means_sigma_about_the_mean_and_no_prediction_error(share):
    found = world(4, share_missing=share)
    for model, market in ((models.RAW, 0 * found.market), (models.MARKET_ADJUSTED, found.market)):
        studied = found.study(model)
        for at, (listing, day) in enumerate(studied.events.itertuples(index=False)):
            excess = found.returns[listing] - (market if model.baseline else 0)
            row = found.returns.index.get_loc(day)
            same(studied.sample.abnormal[at], excess.iloc[row - 3 : row + 5])
            same(studied.sample.sigma[at], excess.iloc[row - 70 : row - 5].std(ddof=1))
        assert studied.sample.loadings.shape[2] == 0
        assert (studied.sample.degrees_of_freedom == studied.sample.n_estimation - 1).all()


@every_model
@given(seed=seeds, scale=st.floats(1e-3, 1e3))
@few
def test_another_unit_of_returns_changes_no_standardised_one(model, seed, scale):
    found = world(seed)
    other = replace(
        found,
        returns=found.returns * scale,
        market=found.market * scale,
        factors=found.factors * scale,
    )
    one, two = window(found.study(model).sample, -3, 4), window(other.study(model).sample, -3, 4)
    same(two.scar, one.scar, rtol=1e-8)
    same(two.car, one.car * scale, rtol=1e-8)


@every_model
@given(seed=seeds)
@few
def test_the_order_of_listings_and_of_events_does_not_matter(model, seed):
    found = world(seed, share_missing=0.1)
    order = np.random.default_rng(seed).permutation(len(found.events))
    shuffled = replace(
        found,
        returns=found.returns.sample(frac=1, axis=1, random_state=seed % 1000),
        events=found.events.iloc[order],
    )
    one, two = found.study(model), shuffled.study(model)
    assert sorted(two.events.index) == list(one.events.index)
    back = np.argsort(two.events.index.to_numpy())
    same(two.sample.abnormal[back], one.sample.abnormal, rtol=0)
    same(np.asarray(two.sample.residuals)[back], np.asarray(one.sample.residuals), rtol=0)
    assert list(two.events["listing_id"]) == list(
        shuffled.events.loc[two.events.index]["listing_id"]
    )


@every_model
def test_a_firm_without_data_changes_nothing(model):
    found = world(1, share_missing=0.1)
    asked = pd.DataFrame({"listing_id": ["NONE"], "session_date": found.returns.index[90]})
    more = replace(
        found,
        returns=found.returns.assign(NONE=np.nan),
        events=pd.concat([asked, found.events], ignore_index=True),
    )
    one, two = found.study(model), more.study(model)
    assert two.dropped["reason"].tolist() == ["before_listing"]
    same_sample(one.sample, two.sample, rtol=0)


@every_model
@given(seed=seeds, ahead=st.integers(0, 4))
@few
def test_what_comes_after_a_row_changes_no_figure_of_it(model, seed, ahead):
    found = world(seed, n_listings=2, share_missing=0.05)
    found.events = found.events.iloc[:1]
    day = found.returns.index.get_loc(found.events["session_date"].iloc[0])
    cut = slice(0, day + ahead + 1)
    known = replace(
        found,
        returns=found.returns.iloc[cut],
        market=found.market.iloc[cut],
        factors=found.factors.iloc[cut],
    )
    try:
        whole = found.study(model).sample
    except ValueError:  # the only event has no benchmark
        return
    if np.isnan(known.returns[found.events["listing_id"].iloc[0]].iloc[day:]).all():
        return  # a listing that ends before the event
    part = known.study(model).sample
    rows = slice(0, 3 + ahead + 1)
    assert np.array_equal(part.abnormal[:, rows], whole.abnormal[:, rows], equal_nan=True)
    assert np.array_equal(part.sigma, whole.sigma)
    assert np.array_equal(part.loadings[:, rows], whole.loadings[:, rows], equal_nan=True)
    assert np.isnan(part.abnormal[:, rows.stop :]).all()
    assert (part.positions[:, rows.stop :] == -1).all()


@given(seed=seeds, shift=st.floats(-0.5, 0.5), factor=st.floats(0.1, 10))
@few
def test_a_market_moved_and_stretched_explains_as_much(seed, shift, factor):
    found = world(seed)
    moved = replace(found, market=shift + factor * found.market)
    same_sample(
        moved.study(models.MARKET_MODEL).sample, found.study(models.MARKET_MODEL).sample, rtol=1e-7
    )


@given(seed=seeds)
@few
def test_what_the_factors_explain_is_not_abnormal(seed):
    found = world(seed)
    loads = np.random.default_rng(seed).normal(0, 1, 3)
    explained = found.factors[["mktrf", "smb", "hml"]] @ loads + 0.003
    more = replace(found, returns=found.returns.add(explained, axis=0))
    one, two = (each.study(models.FAMA_FRENCH_3) for each in (found, more))
    same(two.sample.abnormal, one.sample.abnormal, rtol=1e-7)
    same(two.sample.sigma, one.sample.sigma, rtol=1e-8)
    away = two.fits[["mktrf", "smb", "hml"]] - one.fits[["mktrf", "smb", "hml"]]
    np.testing.assert_allclose(away, np.broadcast_to(loads, away.shape), atol=1e-9)


def test_factors_that_are_nearly_the_same_are_told_apart():
    found = world(3)
    twin = found.factors["mktrf"] + 1e-4 * found.factors["smb"]
    found.factors["twin"] = twin
    alike = found.study(LinearModel("alike", ("mktrf", "twin"))).sample
    apart = found.study(LinearModel("apart", ("mktrf", "smb"))).sample
    same(alike.abnormal, apart.abnormal, rtol=1e-7)
    same((alike.loadings**2).sum(axis=2), (apart.loadings**2).sum(axis=2), rtol=1e-6)


def test_each_listing_may_have_a_market_of_its_own():
    found = world(5)
    rng = np.random.default_rng(5)
    own = found.returns * 0.5 + rng.normal(0, 0.01, found.returns.shape)
    each = study(
        replace(found, market=own).panel(), found.events, windows=WINDOWS, tolerate=TOLERABLE
    )
    for at, (listing, _) in enumerate(found.events.itertuples(index=False)):
        alone = replace(found, market=own[listing], events=found.events.iloc[[at]])
        same(each.sample.abnormal[[at]], alone.study(models.MARKET_MODEL).sample.abnormal)


def test_listings_of_two_exchanges_count_their_own_sessions():
    found = world(6, n_rows=200, n_listings=4)
    rng = np.random.default_rng(6)
    closed = rng.random((200, 2)) < 0.1
    sessions = pd.DataFrame(True, found.returns.index, found.returns.columns)  # noqa: FBT003
    sessions.iloc[:, :2] = ~closed[:, :1]
    sessions.iloc[:, 2:] = ~closed[:, 1:]
    found.returns = found.returns.where(sessions)
    both = found.study(models.MARKET_MODEL, sessions=sessions)
    assert set(both.dropped["reason"]) <= {"event_on_a_holiday"}
    assert both.events.index.is_monotonic_increasing
    numbers = both.events["listing_id"].map(list(sessions).index)
    assert both.sample.firms.tolist() == numbers.tolist()
    assert both.sample.n_estimation.tolist() == [65] * len(both.events)
    for at, (event, (listing, _)) in enumerate(both.events.iterrows()):
        rows = sessions[listing].to_numpy()
        alone = replace(
            found,
            returns=found.returns.loc[rows, [listing]],
            market=found.market[rows],
            factors=found.factors[rows],
            events=found.events.loc[[event]],
        ).study(models.MARKET_MODEL)
        same(both.sample.abnormal[at], alone.sample.abnormal[0])
        same(both.sample.residuals[at : at + 1], np.asarray(alone.sample.residuals))
        places = np.flatnonzero(rows)[alone.sample.positions[0]]
        assert both.sample.positions[at].tolist() == places.tolist()
        places = np.flatnonzero(rows)[alone.sample.estimation_positions[0:1]]
        assert both.sample.estimation_positions[at : at + 1].tolist() == places.tolist()


def test_positions_name_the_rows_of_the_calendar():
    found = world(7)
    sample = found.study(models.MARKET_MODEL).sample
    (block,) = sample.blocks()
    for at, (listing, day) in enumerate(found.events.itertuples(index=False)):
        row = found.returns.index.get_loc(day)
        assert sample.positions[at].tolist() == list(range(row - 3, row + 5))
        assert block.positions[at].tolist() == list(range(row - 70, row - 5))
        same(sample.returns[at], found.returns[listing].iloc[row - 3 : row + 5])


def test_rows_before_the_first_of_the_calendar_are_missing():
    found = world(8)
    found.events = found.events.iloc[:1].assign(session_date=found.returns.index[40])
    sample = found.study(models.MARKET_MODEL).sample
    assert sample.n_estimation.tolist() == [35]
    residuals = np.asarray(sample.residuals)[0]
    assert np.isnan(residuals[:30]).all()
    assert np.isfinite(residuals[30:]).all()
    assert np.asarray(sample.estimation_positions)[0].tolist() == [-1] * 30 + list(range(35))


@pytest.mark.parametrize("size", [1, 3, 512])
def test_blocks_of_any_size_hold_the_same_rows(size):
    sample = world(9, share_missing=0.1).study(models.CARHART).sample
    rows = [block.residuals for block in sample.blocks(size)]
    assert all(len(each) <= size for each in rows)
    np.testing.assert_array_equal(np.concatenate(rows), np.asarray(sample.residuals))


def test_samples_of_different_models_may_be_put_together():
    found = world(10)
    parts = [found.study(model).sample for model in (models.RAW, models.CARHART)]
    both = together(parts)
    n = parts[0].n_events
    assert both.n_parameters.tolist() == [1] * n + [5] * n
    expected = np.concatenate([window(part, -3, 4).scar for part in parts])
    same(window(both, -3, 4).scar, expected, rtol=1e-14)
    rows = np.concatenate([np.asarray(part.residuals) for part in parts])
    np.testing.assert_array_equal(both.residuals[n - 2 : n + 2], rows[n - 2 : n + 2])
    other = found.study(models.RAW, replace(WINDOWS, first=-60)).sample
    with pytest.raises(ValueError, match="different estimation rows"):
        together([parts[0], other])
    other = found.study(models.RAW, replace(WINDOWS, event_last=3)).sample
    with pytest.raises(ValueError, match="different event rows"):
        together([parts[0], other])


def test_a_model_says_what_the_panel_lacks():
    found = world(11)
    with pytest.raises(ValueError, match="needs the series 'credit'; the panel has cma"):
        found.study(LinearModel("credit", ("credit",)))
    with pytest.raises(ValueError, match="7 pairs are too few for 6 parameters"):
        found.study(models.FAMA_FRENCH_5, replace(WINDOWS, minimum=7))
    with pytest.raises(ValueError, match="has an intercept"):
        LinearModel("own", ("market",), has_intercept=False)


def peak_of(n_listings):
    """Return the bytes of the returns, and the most that a study of them took beside them."""
    rng = np.random.default_rng(12)
    returns = rng.normal(0, 0.02, (1512, n_listings))
    panel = Panel(
        dates=pd.RangeIndex(1512),
        listings=pd.RangeIndex(n_listings),
        returns=returns,
        series={"market": rng.normal(0, 0.01, 1512)},
    )
    listing = np.repeat(np.arange(n_listings), 20)
    date = np.tile(np.arange(300, 1500, 60), n_listings)
    tracemalloc.start()
    found = estimated(panel, listing, date, windows=Windows())
    assert np.isfinite(window(found.sample, -5, 5).scar).all()
    for block in found.sample.blocks():
        assert np.isfinite(block.residuals).all()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return returns.nbytes, peak


def test_memory_grows_with_the_input_and_at_most_threefold():
    (small, low), (large, high) = peak_of(100), peak_of(300)
    assert high - low <= 3 * (large - small)
