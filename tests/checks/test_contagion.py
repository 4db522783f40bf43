"""Judgements on spillovers: sums that disagree, windows that are unstable, sets without figures."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from checks.contagion import JUDGEMENTS
from warehouse.tables import table

CONNECTEDNESS = table("mart.connectedness")
LINKS = table("mart.connectedness_links")
SERIES = table("core.contagion_series")
OMITTED = table("mart.omitted_series")
MONDAY = date(2025, 1, 27)
OF_WINDOW = {
    "series_set": "US sectors",
    "level": "sector",
    "session_date": MONDAY,
    "window_from": date(2024, 1, 29),
    "model": "var",
    "decomposition": "generalized",
    "window_rows": 250,
    "n_regressed": 249,
    "is_stable": True,
}


def put_measures(tables, measure, *, names=("Chips", "Power"), values=(0.4, 0.2), **changes):
    for name, value in zip(names, values, strict=True):
        said = {"measure": measure, "series_name": name, "value": value}
        tables.put(CONNECTEDNESS, **(OF_WINDOW | said | changes))


def put_links(tables, **received):
    for name, shares in received.items():
        for source, share in shares.items():
            pair = {"target_name": name, "source_name": source, "share": share}
            tables.put(LINKS, **(OF_WINDOW | pair))


@pytest.mark.parametrize(
    ("received", "is_caught"),
    [
        ({"Chips": {"Power": 0.3, "Food": 0.1}, "Power": {"Chips": 0.2}}, False),
        ({"Chips": {"Power": 0.3, "Food": 0.1}, "Power": {"Chips": 0.2 + 1e-12}}, False),
        ({"Chips": {"Power": 0.3}, "Power": {"Chips": 0.2}}, True),
        ({"Chips": {"Power": 0.4}}, True),
        ({}, True),
    ],
)
def test_what_a_series_receives_is_the_sum_of_its_links(tables, verdict, received, is_caught):
    put_measures(tables, "from_others")
    put_links(tables, **received)
    found = verdict("shares_add_up", tables)
    assert (found.severity, found.rows_checked, found.passed) == ("WARN", 2, not is_caught)
    if is_caught:
        assert found.first_failing_rows[0]["series_set"] == "US sectors"


def test_links_of_another_window_are_not_added(tables, verdict):
    put_measures(tables, "from_others", values=(0.1, 0.2))
    put_measures(tables, "from_others", values=(0.1, 0.2), window_rows=100, n_regressed=99)
    put_links(tables, Chips={"Power": 0.1}, Power={"Chips": 0.2})
    found = verdict("shares_add_up", tables)
    assert (found.rows_checked, found.rows_failed) == (4, 2)
    assert {row["window_rows"] for row in found.first_failing_rows} == {100}


@pytest.mark.parametrize(("total", "is_caught"), [(0.3, False), (0.31, True), (None, False)])
def test_a_total_is_the_mean_of_what_is_received(tables, verdict, total, is_caught):
    put_measures(tables, "from_others")
    put_measures(tables, "total", names=("",), values=(total,))
    assert verdict("totals_agree", tables).passed is not is_caught


@pytest.mark.parametrize(
    ("values", "is_caught"), [((0.2, -0.2), False), ((0.2, -0.1), True), ((None, None), False)]
)
def test_what_some_send_others_receive(tables, verdict, values, is_caught):
    put_measures(tables, "net", values=values)
    assert verdict("net_sums_to_zero", tables).passed is not is_caught


@pytest.mark.parametrize(("n_unstable", "is_caught"), [(0, False), (1, False), (2, True)])
def test_more_than_one_unstable_window_in_twenty_is_told(tables, verdict, n_unstable, is_caught):
    for place in range(20):
        day = MONDAY + timedelta(days=place)
        said = {"names": ("",), "values": (0.5,), "session_date": day}
        put_measures(tables, "total", is_stable=place >= n_unstable, **said)
    found = verdict("most_windows_are_stable", tables)
    assert (found.rows_checked, found.passed) == (1, not is_caught)
    if is_caught:
        assert found.first_failing_rows[0]["n_unstable"] == n_unstable


def put_series(tables, *names, day=MONDAY, **changes):
    for name in names:
        usual = {"series_set": "US sectors", "level": "sector", "weighting": "by_value"}
        said = {"series_name": name, "session_date": day, **changes}
        tables.put(SERIES, **(usual | said))


@pytest.mark.parametrize(("measured_on", "is_caught"), [(MONDAY, False), (date(2025, 1, 24), True)])
def test_a_set_whose_newest_session_is_not_measured_is_told(
    tables, verdict, measured_on, is_caught
):
    put_series(tables, "Chips", "Power")
    put_measures(tables, "from_others", session_date=measured_on)
    found = verdict("sets_are_measured", tables)
    assert (found.rows_checked, found.passed) == (1, not is_caught)


@pytest.mark.parametrize(
    ("name", "last", "is_caught"),
    [("", MONDAY, False), ("", date(2025, 1, 24), True), ("Chips", MONDAY, True)],
)
def test_a_set_left_out_for_a_reason_passes(tables, verdict, name, last, is_caught):
    put_series(tables, "Chips", "Power")
    span = {"session_date": date(2025, 1, 20), "last_session_date": last, "n_windows": 1}
    tables.put(OMITTED, series_set="US sectors", series_name=name, window_rows=250, **span)
    assert verdict("sets_are_measured", tables).passed is not is_caught


def test_a_session_that_some_series_lack_is_not_yet_one_of_the_set(tables, verdict):
    put_series(tables, "Chips", "Power")
    put_series(tables, "Chips", day=date(2025, 1, 28))
    put_measures(tables, "from_others")
    assert verdict("sets_are_measured", tables).passed


def test_industries_are_not_asked_for(tables, verdict):
    put_series(tables, "Chips", "Power", level="industry")
    assert verdict("sets_are_measured", tables).rows_checked == 0


@pytest.mark.parametrize("check", JUDGEMENTS)
def test_a_judgement_without_windows_passes(tables, verdict, check):
    assert verdict(check.name, tables).passed
    assert check.doc.endswith(".")
