"""The market model with GARCH errors: fitted on demand, on the valid pairs of each event."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from selloff.event_study.garch import Garch
from selloff.event_study.models import MARKET_MODEL
from selloff.event_study.sample import window
from tests.selloff.event_study.model_worlds import world

CALM = 0.005


def clustered(seed=1, n_rows=420):
    """Return a world whose one listing has GARCH(1,1) errors, and an event near the end."""
    found, rng = world(seed, n_rows=n_rows, n_listings=1), np.random.default_rng(seed)
    errors, variance = np.zeros(n_rows), CALM**2
    for row in range(1, n_rows):
        variance = 0.1 * CALM**2 + 0.3 * errors[row - 1] ** 2 + 0.6 * variance
        errors[row] = np.sqrt(variance) * rng.standard_normal()
    found.returns["L0"] = 0.0005 + 1.3 * found.market + errors
    found.events = pd.DataFrame({"listing_id": ["L0"], "session_date": found.returns.index[[-9]]})
    return found


@pytest.fixture
def rows():
    from selloff.event_study.events import Windows

    return Windows(first=-400, last=-6, event_first=-3, event_last=4, minimum=60)


def test_the_line_is_found_and_judges_the_event_rows(rows):
    pytest.importorskip("arch")
    found = clustered()
    studied = found.study(Garch(), rows)
    alpha, beta = studied.fits[["alpha", "market"]].to_numpy()[0]
    assert beta == pytest.approx(1.3, abs=0.06)
    assert studied.fits["arch"].item() + studied.fits["garch"].item() < 1
    expected = found.returns["L0"] - alpha - beta * found.market
    np.testing.assert_allclose(studied.sample.abnormal[0], expected.iloc[-12:-4], rtol=1e-9)
    residuals = np.asarray(studied.sample.residuals)[0]
    np.testing.assert_allclose(residuals[-10:], expected.iloc[-24:-14], rtol=1e-9)
    assert studied.sample.sigma[0] == pytest.approx(
        np.sqrt(np.nansum(residuals**2) / (np.isfinite(residuals).sum() - 2)), rel=1e-12
    )
    ordinary = found.study(MARKET_MODEL, rows)
    assert window(studied.sample, 0, 4).standard_error == pytest.approx(
        window(ordinary.sample, 0, 4).standard_error, rel=0.01
    )


def test_missing_rows_are_left_out(rows):
    pytest.importorskip("arch")
    found = clustered()
    found.returns.iloc[[50, 51, 200], 0] = np.nan
    found.market.iloc[300] = np.nan
    studied = found.study(Garch(), rows)
    assert studied.sample.n_estimation.tolist() == [391]
    assert studied.fits["market"].item() == pytest.approx(1.3, abs=0.06)


def test_an_event_without_enough_rows_is_not_fitted(rows):
    found = clustered()
    found.returns.iloc[:360, 0] = np.nan
    with pytest.raises(ValueError, match="1 too_few_estimation_rows"):
        found.study(Garch(), rows)


def test_without_arch_it_says_what_to_install(monkeypatch, rows):
    monkeypatch.setitem(sys.modules, "arch", None)
    with pytest.raises(ImportError, match=r"install selloff\[garch\]"):
        clustered().study(Garch(), rows)
