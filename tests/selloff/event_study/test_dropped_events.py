"""An event that cannot be judged is left out with its reason; the others are judged without it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selloff.event_study import models
from selloff.event_study.events import Dropped, Reason, Windows, overlapping, session_after
from selloff.event_study.garch import Garch
from selloff.event_study.models import LinearModel
from selloff.event_study.studies import estimated
from tests.selloff.event_study.model_worlds import WINDOWS, world

DAY = 100


def one_event(found, listing="L0", row=DAY):
    """Ask for one event beside another that can be judged."""
    day = found.returns.index[row] if isinstance(row, int) else pd.Timestamp(row)
    good = found.returns.index[DAY]
    found.events = pd.DataFrame({"listing_id": [listing, "L4"], "session_date": [day, good]})
    return found


def reason(found, model=models.MARKET_MODEL, tolerate=()):
    """Return the reason of the one event, once the other has been judged."""
    studied = found.study(model, tolerate=tolerate)
    assert studied.events["listing_id"].tolist() == ["L4"]
    assert np.isfinite(studied.sample.abnormal).all()
    assert studied.dropped["listing_id"].tolist() == [found.events["listing_id"][0]]
    return studied.dropped["reason"].item()


def test_a_listing_that_the_panel_does_not_have():
    assert reason(one_event(world(1), "NONE")) == "unknown_listing"


@pytest.mark.parametrize("day", [99, "2023-12-29"])
def test_an_event_before_the_listing_had_returns(day):
    found = one_event(world(1), row=day)
    found.returns.loc[found.returns.index[:100], "L0"] = np.nan
    assert reason(found) == "before_listing"


@pytest.mark.parametrize("day", [101, "2025-12-29"])
def test_an_event_after_the_listings_last_row(day):
    found = one_event(world(1), row=day)
    found.returns.loc[found.returns.index[101:], "L0"] = np.nan
    assert reason(found) == "after_the_last_row"


def test_an_event_on_a_week_end():
    assert reason(one_event(world(1), row="2024-05-18")) == "event_on_a_holiday"


def test_an_event_on_a_holiday_of_the_listings_own_exchange():
    found = one_event(world(1))
    sessions = pd.DataFrame(True, found.returns.index, found.returns.columns)  # noqa: FBT003
    sessions.loc[found.returns.index[DAY], "L0"] = False
    studied = found.study(models.MARKET_MODEL, tolerate=(), sessions=sessions)
    assert studied.dropped["reason"].tolist() == ["event_on_a_holiday"]


def test_a_listing_that_was_halted_on_the_event_day():
    found = one_event(world(1))
    found.returns.loc[found.returns.index[DAY], "L0"] = np.nan
    assert reason(found) == "halted_on_the_event_day"
    kept = found.study(models.MARKET_MODEL, tolerate=[Reason.HALTED_ON_THE_EVENT_DAY])
    assert np.flatnonzero(np.isnan(kept.sample.abnormal[0])).tolist() == [3]


@pytest.mark.parametrize(("n", "is_kept"), [(20, True), (19, False)])
def test_a_listing_with_too_few_estimation_rows(n, is_kept):
    found = one_event(world(1))
    inside = found.returns.index[DAY - 70 : DAY - 5]
    found.returns.loc[inside[n:], "L0"] = np.nan
    if is_kept:
        assert found.study(models.MARKET_MODEL).sample.n_estimation.tolist() == [n, 65]
    else:
        assert reason(found) == "too_few_estimation_rows"


def test_a_market_with_too_few_estimation_rows_or_without_the_event_day():
    for gap in (slice(DAY - 70 + 19, DAY - 5), slice(DAY, DAY + 1)):
        found = one_event(world(1))
        own = pd.DataFrame(dict.fromkeys(found.returns, found.market))
        own.loc[found.returns.index[gap], "L0"] = np.nan
        found.market = own
        assert reason(found) == "no_benchmark"
        assert reason(found, models.MARKET_ADJUSTED) == "no_benchmark"


@pytest.mark.parametrize(
    "model", [models.CONSTANT_MEAN, models.MARKET_ADJUSTED, models.CAPM], ids=lambda one: one.name
)
@pytest.mark.parametrize("growth", [0.0, 0.1])
def test_constant_prices_and_constant_growth(model, growth):
    found = one_event(world(1))
    found.returns["L0"] = growth
    assert reason(found, model) == "constant_prices"


def test_factors_that_are_copies_of_each_other_or_do_not_move():
    found = one_event(world(1))
    found.factors["twin"] = 3 * found.factors["mktrf"] + 2 * found.factors["smb"] + 1
    found.factors["still"] = 0.1
    for factors in (("mktrf", "smb", "twin"), ("mktrf", "still")):
        own = LinearModel("own", factors)
        with pytest.raises(ValueError, match="no event is left: 2 collinear_factors"):
            found.study(own)


def test_a_copy_of_the_market_has_no_residual_variance():
    found = one_event(world(1))
    found.returns["L0"] = 2 * found.market + 0.001
    assert reason(found) == "no_residual_variance"


def test_a_likelihood_without_a_maximum(monkeypatch):
    found = one_event(world(1))
    answers = iter([np.full(5, np.nan), np.array([0, 1, 1e-4, 0.1, 0.8])])
    monkeypatch.setattr("selloff.event_study.garch._parameters", lambda *_: next(answers))
    monkeypatch.setattr("selloff.event_study.garch._arch_model", lambda: None)
    assert reason(found, Garch()) == "not_converged"


def test_of_overlapping_events_of_a_firm_the_first_is_kept():
    found = world(1)
    rows = [110, 95, 103, 102, 94]
    listings = ["L0", "L0", "L0", "L1", "L0"]
    days = found.returns.index[rows]
    found.events = pd.DataFrame({"listing_id": listings, "session_date": days})
    studied = found.study(models.MARKET_MODEL, tolerate=())
    # Rows 91 to 98 are the first event's; 92 lies among them, 100 to 107 and 107 to 114 do not.
    assert studied.events.index.tolist() == [2, 3, 4]
    assert studied.dropped["reason"].to_dict() == {0: "overlapping_events", 1: "overlapping_events"}


def test_events_of_a_firm_that_only_touch_are_kept():
    found = world(1)
    for gap, reasons in ((8, []), (7, ["overlapping_events"])):
        days = found.returns.index[[95, 95 + gap]]
        found.events = pd.DataFrame({"listing_id": ["L0", "L0"], "session_date": days})
        studied = found.study(models.MARKET_MODEL, tolerate=())
        assert studied.dropped["reason"].tolist() == reasons
        kept = found.study(models.MARKET_MODEL, tolerate=[Reason.OVERLAPPING_EVENTS])
        assert len(kept.events) == 2


def test_two_share_classes_are_one_firm():
    found = world(1)
    days = found.returns.index[[100, 100]]
    found.events = pd.DataFrame({"listing_id": ["L1", "L0"], "session_date": days})
    assert found.study(models.MARKET_MODEL, tolerate=()).dropped.empty
    firms = {"L0": "alphabet", "L1": "alphabet"}
    studied = found.study(models.MARKET_MODEL, tolerate=(), firms=firms)
    assert studied.events["listing_id"].tolist() == ["L1"]
    assert studied.dropped["reason"].tolist() == ["overlapping_events"]


def test_an_event_that_cannot_be_judged_keeps_no_other_out():
    found = world(1)
    days = found.returns.index[[96, 100]]
    found.events = pd.DataFrame({"listing_id": ["L0", "L0"], "session_date": days})
    found.returns.loc[days[0], "L0"] = np.nan
    studied = found.study(models.MARKET_MODEL, tolerate=())
    assert studied.dropped["reason"].tolist() == ["halted_on_the_event_day"]
    assert studied.events.index.tolist() == [1]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 60)), max_size=30), st.integers(0, 12))
@settings(deadline=None, max_examples=60)
def test_no_kept_events_of_a_firm_overlap_and_none_is_dropped_without_need(asked, length):
    firms = np.array([firm for firm, _ in asked], dtype=int)
    first = np.array([row for _, row in asked], dtype=int)
    dropped = overlapping(firms, first, first + length)
    for firm in set(firms.tolist()):
        kept = np.sort(first[(firms == firm) & ~dropped])
        assert (np.diff(kept) > length).all()
        for row in first[(firms == firm) & dropped]:
            assert ((kept <= row) & (row <= kept + length)).any()


def test_a_request_that_leaves_nothing_says_why():
    found = one_event(world(1), "NONE")
    found.events.loc[1, "session_date"] = pd.Timestamp("2024-05-18")
    text = "no event is left: 1 event_on_a_holiday, 1 unknown_listing"
    with pytest.raises(ValueError, match=text):
        found.study(models.MARKET_MODEL)
    found.events = found.events.iloc[:0]
    with pytest.raises(ValueError, match="no event is left: none was asked for"):
        found.study(models.MARKET_MODEL)


def test_other_columns_of_the_events_come_back_with_them():
    found = one_event(world(1), "NONE")
    found.events = found.events.assign(event_id=["a", "b"]).set_index(pd.Index([7, 9]))
    studied = found.study(models.MARKET_MODEL)
    assert studied.events["event_id"].to_dict() == {9: "b"}
    assert studied.dropped["event_id"].to_dict() == {7: "a"}
    assert studied.fits.index.tolist() == [9]
    assert studied.sample.firms.tolist() == [4]
    assert studied.model == "market_model"


def test_events_may_be_given_by_numbers():
    found = estimated(
        world(1).panel(), np.array([2, -1, 0]), np.array([100, 100, -1]), windows=WINDOWS
    )
    assert found.kept.tolist() == [0]
    assert found.dropped == [
        Dropped(1, Reason.UNKNOWN_LISTING),
        Dropped(2, Reason.EVENT_ON_A_HOLIDAY),
    ]


def test_only_what_leaves_figures_can_be_tolerated():
    with pytest.raises(ValueError, match="halted_on_the_event_day and overlapping_events"):
        world(1).study(models.MARKET_MODEL, tolerate=[Reason.CONSTANT_PRICES])


@pytest.mark.parametrize(
    "rows",
    [
        {"first": -10},
        {"last": -5},
        {"event_first": 1},
        {"event_last": -1},
        {"minimum": 0},
        {"minimum": 251},
        {"first": -100},
    ],
)
def test_windows_that_make_no_sense_are_refused(rows):
    with pytest.raises(ValueError, match="estimation rows"):
        Windows(**rows)


CLOSES = pd.to_datetime(["2025-01-27T21:00", "2025-01-28T21:00"]).to_numpy()


def test_news_belongs_to_the_first_session_that_closes_after_it():
    news = ["2025-01-20", "2025-01-27T20:59:59", "2025-01-27T21:00", "2025-01-28T21:00", "NaT"]
    assert session_after(news, CLOSES).tolist() == [0, 0, 1, -1, -1]


def test_closes_out_of_order_are_refused():
    with pytest.raises(ValueError, match="ascending"):
        session_after(["2025-01-20"], CLOSES[::-1])


def test_instants_with_a_time_zone_are_taken_at_it():
    local = pd.DatetimeIndex(["2025-01-27T15:59", "2025-01-27T16:00"], tz="America/New_York")
    assert session_after(local, CLOSES).tolist() == [0, 1]
