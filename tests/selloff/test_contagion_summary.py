from __future__ import annotations

import pandas as pd
import pytest

from selloff.contagion_summary import summarized
from warehouse.tables.contagion import CONTAGION_MEASURES
from warehouse.tables.selloffs import SELLOFF_EVENTS

TECH, POWER = "Information Technology", "Utilities"
EVENTS = pd.DataFrame({"event_id": ["one", "two"], "region": ["US", "JP"]})
COLUMNS = ("event_id", "series_set", "source_name", "target_name", "measure", "period", "value")


@pytest.fixture
def said(bench):
    """Return what the summary makes of rows in the order of `COLUMNS`."""

    def ask(*rows):
        frame = pd.DataFrame(rows, columns=COLUMNS)
        frame["is_origin"] = frame["source_name"] == TECH
        frame["adjusted_p_value"] = 0.03
        frame["detectable"] = 0.5
        bench.put(SELLOFF_EVENTS, EVENTS, strict=False)
        bench.put(CONTAGION_MEASURES, frame, strict=False)
        tables = map(bench.table, (SELLOFF_EVENTS, CONTAGION_MEASURES))
        return summarized(*tables).to_pandas().set_index(["event_id", "sector"]).sort_index()

    return ask


def test_pairs_from_the_origin_and_sectors_alone_are_told_apart(said):
    found = said(
        ("one", "US sectors", TECH, POWER, "correlation_shift", "shift", 0.2),
        ("one", "US sectors", POWER, TECH, "correlation_shift", "shift", 0.9),
        ("one", "US sectors", TECH, POWER, "spillover_share", "before", 0.11),
        ("one", "US sectors", TECH, POWER, "spillover_share", "after", 0.22),
        ("one", "US sectors", POWER, POWER, "net", "before", -0.3),
        ("one", "US sectors", TECH, TECH, "net", "before", 0.3),
        ("one", "US sectors", TECH, POWER, "delta_covar", "before", -0.01),
    )
    power = found.loc[("one", POWER)]
    assert power["correlation_shift"] == 0.2
    assert (power["correlation_shift_p_value"], power["correlation_shift_detectable"]) == (
        0.03,
        0.5,
    )
    assert power["spillover_from_source_before"] == 0.11
    assert power["spillover_from_source_after"] == 0.22
    assert (power["net_spillover_before"], power["delta_covar_of_source"]) == (-0.3, -0.01)
    assert pd.isna(power["net_spillover_after"])
    tech = found.loc[("one", TECH)]
    assert tech["net_spillover_before"] == 0.3
    assert pd.isna(tech["correlation_shift"])


def test_only_the_sectors_of_the_events_own_region_count(said):
    found = said(
        ("one", "US sectors by value", TECH, POWER, "correlation_shift", "shift", 0.2),
        ("one", "JP sectors", TECH, POWER, "correlation_shift", "shift", 0.2),
        ("two", "JP sectors", TECH, POWER, "correlation_shift", "shift", 0.4),
    )
    assert found["correlation_shift"].to_dict() == {("two", POWER): 0.4}
