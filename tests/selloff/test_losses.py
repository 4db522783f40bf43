from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from selloff.losses import selloff_metrics
from warehouse.tables.instruments import INSTRUMENTS, SESSIONS, SHARES_OUTSTANDING
from warehouse.tables.prices import DAILY_PRICES
from warehouse.tables.returns import ABNORMAL_RETURNS
from warehouse.tables.selloffs import SELLOFF_EVENTS, SELLOFF_METRICS
from warehouse.tables.valuation import FX_RATES


@pytest.fixture
def measure(bench, make):
    """Return the metrics of an event in the sixth session, begun at New York's close before."""
    days = make.days(90)

    def run(bars, instruments=None, shares=None, status="detected", rates=None, at=5):
        if instruments is None:
            instruments = make.listings(*dict.fromkeys(bars["ticker"]))
        event = {
            "event_id": "market-us-unknown-2024-01-08",
            "session_date": days[at],
            "last_session_date": days[at],
            "started_at": days[at - 1] + pd.Timedelta("21h"),
            "n_falling": 0,
            "n_listings": 0,
            "severity": 1.0,
            "status": status,
        }
        bars = bars.sort_values(["ticker", "session_date"], ignore_index=True)
        previous = bars.groupby("ticker")[["close", "session_date"]].shift()
        is_rebased = bars.get("quality_flags", pd.Series("", bars.index)) == "unapplied_split"
        measured = bars[["ticker", "session_date"]].assign(
            previous_session_date=previous["session_date"],
            simple_return=(bars["close"] / previous["close"] - 1).mask(is_rebased),
            abnormal_return=-0.1,
            abnormal_z=-3.0,
        )
        sessions = [make.sessions("XNYS", days), make.sessions("XTKS", days, "06:00")]
        found = selloff_metrics(
            bench.put(SELLOFF_EVENTS, pd.DataFrame([event])),
            bench.put(DAILY_PRICES, bars),
            bench.put(ABNORMAL_RETURNS, measured),
            bench.put(INSTRUMENTS, instruments),
            bench.put(SESSIONS, pd.concat(sessions, ignore_index=True)),
            bench.put(SHARES_OUTSTANDING, make.shares() if shares is None else shares),
            bench.put(FX_RATES, make.rates("USD", []) if rates is None else rates),
        )
        return bench.hold(SELLOFF_METRICS, found).set_index("ticker")

    return run


def test_the_fall_of_the_event_itself_is_in_every_figure(measure, make):
    found = measure(make.bars("A", [100, 110, 105, 104, 100, 80, 82]), shares=make.shares(A=1e6))
    row = found.loc["A"]
    assert row["session_date"] == make.days(6)[5]
    assert row["previous_session_date"] == make.days(5)[4]
    assert (row["close"], row["previous_close"]) == (80, 100)
    assert row["simple_return"] == pytest.approx(-0.2, rel=1e-14)
    assert row["drawdown"] == pytest.approx(80 / 110 - 1, rel=1e-14)
    assert row["market_value_lost_usd"] == 2e7
    abnormal = 1e8 * (1 - np.exp(-0.1))
    assert row["abnormal_market_value_lost_usd"] == pytest.approx(abnormal, rel=1e-14)
    assert row["usd_per_currency"] == 1
    assert row["shares_outstanding"] == 1e6


def test_a_gain_is_a_negative_loss_and_a_new_high_no_drawdown(measure, make):
    row = measure(make.bars("A", [100, 90, 90, 90, 90, 120]), shares=make.shares(A=10)).loc["A"]
    assert row["market_value_lost_usd"] == -300
    assert row["drawdown"] == 0
    assert row["days_to_recover"] == 0


def test_each_listing_is_measured_in_its_own_first_session_after_the_start(measure, make):
    bars = pd.concat([make.bars("N", range(1, 21)), make.bars("T", range(1, 21))])
    listed = make.listings("N", "T", exchange_mic=["XNYS", "XTKS"])
    late = measure(bars, listed)
    # Tokyo's close of the same date, 06:00 UTC, is after New York's of the day before.
    assert late["session_date"].tolist() == [make.days(6)[5]] * 2


def test_a_listing_that_did_not_trade_in_that_session_has_no_row(measure, make):
    bars = pd.concat([make.bars("A", [1, 1, 1, 1, 1, None, 2]), make.bars("B", [1] * 7)])
    assert measure(bars).index.tolist() == ["B"]


@pytest.mark.parametrize("mic", [None, "XNOWHERE"])
def test_without_a_calendar_the_first_bar_within_a_week_counts(measure, make, mic):
    soon = make.bars("A", [1, 1, 1, 1, 1, None, 2])
    late = make.bars("B", [1, 1, 1, 1, 1, *[None] * 6, 2])
    found = measure(pd.concat([soon, late]), make.listings("A", "B", exchange_mic=mic))
    assert found.index.tolist() == ["A"]
    assert found.loc["A", "session_date"] == make.days(7)[6]


def test_a_first_bar_has_no_return_and_no_loss(measure, make):
    bars = make.bars("A", [None] * 5 + [9, 8])
    row = measure(bars, shares=make.shares(A=10)).loc["A"]
    names = ["previous_close", "simple_return", "market_value_lost_usd", "days_to_recover"]
    assert row[names].isna().all()
    assert row["drawdown"] == 0


@pytest.mark.parametrize(
    ("after", "days"),
    [([99, 100], 2), ([100], 1), ([99, 101, 90], 2), ([99, 98], None), ([], None)],
)
def test_recovery_counts_the_sessions_until_the_last_close_before(measure, make, after, days):
    row = measure(make.bars("A", [100] * 5 + [80, *after])).loc["A"]
    assert pd.isna(row["days_to_recover"]) if days is None else row["days_to_recover"] == days
    # What follows the close that regained all of the fall says nothing more of it.
    last = make.days(6 + len(after))[-1 if days is None else 5 + days]
    assert pd.isna(row["observed_through"]) if not after else row["observed_through"] == last


def test_the_newest_share_count_before_the_event_is_used_and_dated(measure, make):
    days = make.days(10)
    shares = pd.concat([make.shares(A=10), make.shares(A=20), make.shares(A=40)])
    shares["known_on"] = [days[0], days[4], days[5]]
    row = measure(make.bars("A", [100] * 5 + [90]), shares=shares).loc["A"]
    assert row["shares_outstanding"] == 20
    assert row["shares_known_on"] == days[4]
    assert row["market_value_lost_usd"] == 200


@pytest.mark.parametrize(
    ("currency", "known", "rates", "rate"),
    [
        ("EUR", "EUR", [1.0, 1.1, 1.2, 1.3, 1.4, 9.0], 1.4),
        ("JPY", "JPY", [0.01, 0.009, 0.008, 0.007, 0.0065, 1.0], 0.0065),
        ("EUR", "EUR", [1.0, 1.1, None, None, None, 9.0], 1.1),
        ("EUR", "GBP", [1.25] * 6, None),
        ("EUR", "EUR", [None] * 5 + [1.1], None),
        (None, "EUR", [1.1] * 6, None),
    ],
)
def test_foreign_losses_use_the_rate_of_the_close_before(
    measure, make, currency, known, rates, rate
):
    bars = make.bars("A", [100] * 5 + [90], currency=currency)
    listed = make.listings("A", currency=currency)
    row = measure(bars, listed, make.shares(A=1000), rates=make.rates(known, rates)).loc["A"]
    if rate is None:
        assert row[["usd_per_currency", "market_value_lost_usd"]].isna().all()
    else:
        assert row["usd_per_currency"] == pytest.approx(rate, rel=1e-14)
        assert row["market_value_lost_usd"] == pytest.approx(10_000 * rate, rel=1e-12)


def test_an_instruments_currency_stands_in_for_a_bars(measure, make):
    bars = make.bars("A", [100] * 5 + [90], currency=None)
    row = measure(bars, make.listings("A", currency="USD"), make.shares(A=10)).loc["A"]
    assert row["currency"] == "USD"
    assert row["market_value_lost_usd"] == 100


def test_without_a_share_count_the_loss_is_unknown(measure, make):
    row = measure(make.bars("A", [100] * 5 + [90])).loc["A"]
    names = ["market_value_lost_usd", "abnormal_market_value_lost_usd", "shares_known_on"]
    assert row[names].isna().all()


# Ten shares of the firm; its first listing falls from 100 to 95, its second to 94.
FIRMS = {
    "GOOGL GOOG": ("alphabet", "GOOGL", ["USD", "USD"], 50.0),
    "ASML.AS ASML": ("asml", "ASML.AS", ["EUR", "USD"], 55.0),
    "TSM 2330.TW": ("tsmc", "2330.TW", ["USD", "TWD"], 10.0),
    "ENR.DE SMNEY": ("siemens-energy", "ENR.DE", ["EUR", "USD"], 55.0),
}


@pytest.mark.parametrize("tickers", FIRMS)
def test_one_listing_of_a_firm_carries_its_value(measure, make, tickers):
    issuer, primary, currencies, lost = FIRMS[tickers]
    names = tickers.split()
    closes = {names[0]: 95, names[1]: 94}
    bars = [
        make.bars(name, [100] * 5 + [closes[name]], currency=currency)
        for name, currency in zip(names, currencies, strict=True)
    ]
    listed = make.listings(*names, issuer_id=issuer, is_primary=[n == primary for n in names])
    rates = [make.rates("EUR", [1.1] * 6), make.rates("TWD", [1 / 6] * 6)]
    found = measure(
        pd.concat(bars), listed, make.shares(**dict.fromkeys(names, 10)), rates=pd.concat(rates)
    )
    assert found["market_value_lost_usd"].notna().all()
    counted = found[found["is_counted"]]
    assert counted.index.tolist() == [primary]
    assert counted["market_value_lost_usd"].sum() == pytest.approx(lost, rel=1e-12)


def test_flags_and_simulation_up_to_the_event_are_told(measure, make):
    marks = ["", "stale", "", "", "jump", "", "stale"]
    simulated = [True, False, False, False, False, False, False]
    absent = [1, 0, 0, 2, 0, 3, 9]
    bars = make.bars(
        "A", [100] * 7, quality_flags=marks, is_simulated=simulated, n_quarantined=absent
    )
    clean = make.bars("B", [100] * 7, quality_flags="", is_simulated=False, n_quarantined=0)
    found = measure(pd.concat([bars, clean]))
    assert found["n_flagged"].tolist() == [2, 0]
    assert found["n_quarantined"].tolist() == [6, 0]
    assert found["has_simulated_inputs"].tolist() == [True, False]


def test_as_of_covers_the_outcome_too(measure, make):
    stamps = ["2025-04-01" if row == 6 else "2025-01-01" for row in range(7)]
    found = measure(make.bars("A", [100] * 7, as_of=stamps))
    assert found["as_of"].tolist() == [pd.Timestamp("2025-04-01")]


def test_a_withdrawn_event_has_no_metrics(measure, make):
    assert measure(make.bars("A", [100] * 7), status="withdrawn").empty


def test_the_fall_is_split_between_night_and_day(measure, make):
    opens = [None, 100, 100, 100, 100, 90]
    row = measure(make.bars("A", [100] * 5 + [80], open=opens)).loc["A"]
    assert row["overnight_log_return"] == pytest.approx(np.log(0.9), rel=1e-12)
    assert row["intraday_log_return"] == pytest.approx(np.log(80 / 90), rel=1e-12)
    total = row["overnight_log_return"] + row["intraday_log_return"]
    assert total == pytest.approx(np.log1p(row["simple_return"]), rel=1e-12)


def test_without_an_open_the_fall_is_not_split(measure, make):
    row = measure(make.bars("A", [100] * 5 + [80])).loc["A"]
    assert row[["overnight_log_return", "intraday_log_return"]].isna().all()


def test_the_next_session_and_the_lowest_close_are_told_in_the_events_dollars(measure, make):
    bars = make.bars("A", [100] * 5 + [80, 60, 90, 100], currency="EUR")
    rates = make.rates("EUR", [1.0, 1.1, 1.2, 1.3, 1.5, 9.0, 9.0])
    row = measure(bars, shares=make.shares(A=10), rates=rates).loc["A"]
    assert row["rebound_return"] == pytest.approx(-0.25)
    assert row["trough_date"] == make.days(7)[6]
    assert row["trough_return"] == pytest.approx(-0.4)
    assert row["peak_to_trough_market_value_lost_usd"] == pytest.approx(10 * 40 * 1.5)
    assert (row["days_to_recover_half"], row["days_to_recover"]) == (2, 3)


@pytest.mark.parametrize(
    ("closes", "severity"),
    [
        # Of 60 returns: none lower, one lower, all lower.
        ([100] * 60 + [80], 1.0),
        ([100] * 30 + [50] * 30 + [45], 59 / 60),
        ([100 - n for n in range(60)] + [120], 1 / 60),
    ],
)
def test_severity_is_the_share_of_returns_so_far_that_were_no_lower(
    measure, make, closes, severity
):
    later = [1, 200, 1]  # worse days to come change nothing
    row = measure(make.bars("A", [*closes, *later]), at=60).loc["A"]
    assert row["return_severity"] == pytest.approx(severity, rel=1e-12)


def test_without_sixty_returns_there_is_no_severity(measure, make):
    row = measure(make.bars("A", [100] * 59 + [80]), at=59).loc["A"]
    assert pd.isna(row["return_severity"])


def test_a_split_between_count_and_event_changes_no_loss(measure, make):
    known = measure(
        make.bars("A", [10] * 5 + [9]), shares=make.shares(A=1000).assign(split_ratio_after=10.0)
    )
    before = measure(make.bars("A", [100] * 5 + [90]), shares=make.shares(A=1000))
    assert known["market_value_lost_usd"].tolist() == before["market_value_lost_usd"].tolist()
    assert before["market_value_usd"].tolist() == [100_000]
    assert known["shares_outstanding"].tolist() == [10_000]


def test_an_unapplied_split_is_neither_loss_nor_drawdown_nor_fall(measure, make):
    flags = ["", "", "", "", "", "unapplied_split", ""]
    bars = make.bars("A", [100] * 5 + [10, 11], quality_flags=flags)
    row = measure(bars, shares=make.shares(A=1000)).loc["A"]
    names = [
        "market_value_lost_usd",
        "abnormal_market_value_lost_usd",
        "peak_to_trough_market_value_lost_usd",
        "trough_return",
        "days_to_recover",
        "overnight_log_return",
    ]
    assert row[names].isna().all()
    assert row["drawdown"] == 0


def test_an_unapplied_consolidation_after_the_event_is_no_recovery(measure, make):
    flags = [""] * 8 + ["unapplied_split"]
    bars = make.bars("A", [100] * 5 + [80, 81, 82, 820], quality_flags=flags)
    row = measure(bars).loc["A"]
    assert pd.isna(row["days_to_recover"])
    assert row["observed_through"] == make.days(8)[7]
