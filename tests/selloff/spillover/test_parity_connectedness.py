"""Connectedness equals what other programs found, and where it does not, the cause is theirs."""

from __future__ import annotations

import numpy as np
import pytest

from selloff.spillover.connectedness import connectedness
from selloff.spillover.vector_autoregression import fit, lag_choice
from tests.selloff.spillover.parity_connectedness import (
    REFERENCE,
    dy2012,
    expected,
    pairs,
    panel,
    rolled,
)

pytestmark = pytest.mark.skipif(
    not REFERENCE.exists(),
    reason="the reference set lies beside the repository, in ../shared, and is not there",
)
# Files of the reference set that belong to vector autoregressions fitted once or in windows.
PREFIXES = ("ca_dy20", "fc_dy20", "spillover_", "vars_", "pyconn_")


def test_every_quantity_equals_the_peers():
    far = {}
    for pair in pairs():
        ours, theirs = np.asarray(pair.ours, float), np.asarray(pair.theirs, float)
        assert ours.shape == theirs.shape, pair
        assert np.isfinite(ours).all(), pair.quantity
        difference = np.abs(ours - theirs).max()
        if difference > pair.limit:
            far[pair.quantity, pair.peer] = difference
    assert far == {}


def test_every_file_of_these_peers_is_compared():
    expected.cache_clear()
    read = set()
    for name in sorted(each.name for each in (REFERENCE / "expected").iterdir()):
        if name.startswith(PREFIXES) and "_freq_" not in name and "_BK12_" not in name:
            read.add(name)
    assert len(read) == 31
    used = set()
    original = expected.__wrapped__

    def watched(name):
        used.add(name)
        return original(name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.selloff.spillover.parity_connectedness.expected", watched)
        list(pairs())
    assert read - used == set()


def test_the_published_table_of_2012_is_reproduced():
    assert round(100 * dy2012().total[0], 1) == 12.6
    assert np.round(100 * dy2012().from_others[0], 1).tolist() == [11.2, 18.6, 6.3, 14.3]


def test_the_published_index_of_2009_is_reproduced():
    found = connectedness(panel("ca_dy2009"), lags=2, decomposition="orthogonalized")
    assert round(100 * found.total[0], 2) == 35.53


def test_rolling_windows_are_full_ones():
    found = rolled(200)
    assert len(found.dates) == 2572
    assert [str(day)[:10] for day in found.dates[[0, -1]]] == ["1999-11-05", "2010-01-29"]
    assert 100 * found.total[[0, -1]] == pytest.approx(
        [13.506221079722669, 17.368283906625702], abs=1e-10
    )


def test_connectedness_approach_takes_196_rows_for_200():
    theirs = expected("ca_dy2012_roll200_var4_H10.csv.gz").to_numpy()[:, 0] / 100
    assert len(theirs) == len(rolled(196).dates) == 2576
    assert rolled(196).total == pytest.approx(theirs, abs=1e-12)
    assert np.abs(rolled(200).total - theirs[4:]).max() > 0.005


def test_frequency_connectedness_sums_one_term_more_than_it_says():
    theirs = expected("fc_dy2012_DY12_nahead10.csv").to_numpy() / 100
    off = 1 - np.diag(theirs)
    assert off.mean() == pytest.approx(dy2012(11).total[0], abs=1e-12)
    assert abs(off.mean() - dy2012(10).total[0]) > 0.003


def test_spillover_swaps_from_and_to_in_its_rolling_tables():
    # Its dynamic.spillover on row 200 says "from" 17.4, 19.7, 7.8 and 9.1.
    assert np.round(100 * rolled(200).to_others[0], 1).tolist() == [17.4, 19.7, 7.8, 9.1]
    assert np.abs(100 * rolled(200).from_others[0] - [17.4, 19.7, 7.8, 9.1]).max() > 3


def test_systemic_risk_drops_the_second_lag_and_skips_a_term():
    # At two lags and four terms it sets no identity block in its companion matrix, so that the
    # second lag is lost, and then takes the powers 0, 1, 3, 4: 9.958602482428, as it says.
    series = panel("ca_dy2012")
    assert 100 * connectedness(series, lags=2, horizon=4).total[0] == pytest.approx(
        12.858575561231, abs=1e-11
    )
    found = fit(series.to_numpy(), 2)
    nearest = found.coefficients[:, :4]
    terms = [np.linalg.matrix_power(nearest, power) for power in (0, 1, 3, 4)]
    above = sum((term @ found.covariance) ** 2 for term in terms) / np.diag(found.covariance)
    wrong = 1 - np.diag(above / above.sum(axis=1, keepdims=True))
    assert 100 * wrong.mean() == pytest.approx(9.958602482428, abs=1e-11)


def test_a_lag_choice_from_the_full_sample_looks_ahead():
    # pyconnectedness picks the lags once: six by BIC, of which the first 500 rows know one.
    values = panel("ca_dy2012").to_numpy()
    assert lag_choice(values[:500], 10).best("bic") == 1
    assert lag_choice(values, 10).best("bic") == 6
