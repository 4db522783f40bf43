"""What holds of every verdict, whatever the bars."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from selloff.claim_checks.known import Known
from selloff.claim_checks.readings import Bar
from selloff.claim_checks.verdicts import check_claim, claimed_interval

DAYS = [date(2025, 1, 6) + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 9)]
PLACE = 6
RETURNS = st.lists(
    st.floats(-0.3, 0.3).map(lambda value: round(value, 4)), min_size=len(DAYS), max_size=len(DAYS)
)


def _bars(returns, scale=1.0):
    bars, close = [], 100.0
    for day, change in zip(DAYS, returns, strict=True):
        before, close = close, close * (1 + change)
        edges = (before, max(before, close), min(before, close), close, close)
        scaled = [price * scale for price in edges]
        as_of = datetime.fromisoformat("2025-02-01")
        bars.append(Bar(day, *scaled, 5.0, "USD", "", 0, is_simulated=False, as_of=as_of))
    return bars


def _check(bars, change, **other):
    closes = [datetime.fromisoformat(f"{day}T21:00") for day in DAYS]
    facts = Known({"A": bars}, {"A": DAYS[: len(bars)]}, {"A": (closes, DAYS)}, {}, {}, {}, {})
    claim = {
        "listing_id": "A",
        "metric": "price_change",
        "direction": "down" if change < 0 else "up",
        "magnitude_low": abs(change),
        "magnitude_high": abs(change),
        "unit": "fraction",
        "resolution": 0.0001,
        "bound": "exact",
        "period": "day",
        "n_sessions": None,
        "claimed_from": None,
        "claimed_on": DAYS[PLACE],
        "is_ambiguous": False,
        "published_at": closes[PLACE] + timedelta(hours=2),
        **other,
    }
    return check_claim(claim, claimed_interval(claim), facts)


@given(RETURNS)
@settings(deadline=None)
def test_an_exact_claim_built_from_a_bar_is_supported(returns):
    check = _check(_bars(returns), returns[PLACE])
    assert (check.verdict, check.reading) == ("supported", "as_stated"), check.reason


@given(RETURNS, st.floats(-0.3, 0.3), st.sampled_from([0.25, 3.0, 1024.0]))
@settings(deadline=None)
def test_scaling_all_prices_changes_no_verdict_on_returns(returns, claimed, scale):
    # Off the edges of the interval, where the last bit of a product may decide.
    assume(all(abs(abs(claimed - change) - 0.00005) > 1e-9 for change in returns))
    one, other = (_check(_bars(returns, by), claimed) for by in (1.0, scale))
    assert (one.verdict, one.reading) == (other.verdict, other.reading)


@given(RETURNS)
@settings(deadline=None)
def test_the_opposite_sign_contradicts_unless_another_reading_says_so(returns):
    change = returns[PLACE]
    assume(abs(change) >= 0.05)
    check = _check(_bars(returns), -change)
    assert check.verdict in {"contradicted", "supported_other_reading"}
    assert check.verdict == "contradicted" or check.reading != "as_stated"


@given(RETURNS, st.floats(-0.3, 0.3), st.floats(0.5, 2.0))
@settings(deadline=None)
def test_bars_after_publication_change_nothing(returns, claimed, factor):
    bars = _bars(returns)
    last = replace(bars[-1], close=bars[-1].close * factor, low=0.1, high=1e6)
    checks = [_check(some, claimed) for some in (bars, [*bars[:-1], last], bars[:-1])]
    assert checks[0] == checks[1] == checks[2]


@given(RETURNS)
@settings(deadline=None)
def test_a_week_starts_at_the_last_close_before_it_and_longer_periods_need_older_bars(returns):
    bars = _bars(returns)
    friday = bars[4]
    change = bars[PLACE].close / friday.close - 1
    check = _check(bars, change, period="week")
    assert check.verdict == "supported"
    assert check.move.before == friday
    for period in ("month", "quarter", "year_to_date", "year"):
        assert _check(bars, change, period=period).verdict == "not_verifiable"
