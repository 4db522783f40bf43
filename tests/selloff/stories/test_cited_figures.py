"""An article is cited for the figure it states, and the most exact figure of a fact is told."""

from __future__ import annotations

import pytest

from selloff.stories.summaries import Checked, summary

INSTRUMENTS = {"XNAS:NVDA": {"name": "Nvidia", "ticker": "NVDA"}}


def said(number, magnitude, bound, resolution=0.01):
    figures = {"magnitude_low": magnitude, "magnitude_high": magnitude, "resolution": resolution}
    claim = {**figures, "bound": bound, "unit": "fraction", "direction": "down", "period": "day"}
    claim |= {"alias": "Nvidia", "start_offset": 0, "end_offset": 4}
    check = {"verdict": "supported", "listing_id": "XNAS:NVDA", "metric": "price_change"}
    check |= {"session_date": "2025-01-27", "from_session_date": "2025-01-24"}
    check |= {"observed": -0.1697, "reading": "as_stated", "claim_id": str(number)}
    article = {"article_id": str(number), "source": f"desk {number}", "location": "a.txt"}
    return Checked(claim, check, article | {"text": "fell", "published_at": number})


@pytest.mark.parametrize(
    ("claims", "told", "cited"),
    [
        ([(0.17, "nearly"), (0.16, "above"), (0.10, "above")], "nearly 17%", "desk 1"),
        ([(0.10, "above"), (0.17, "exact")], "17%", "desk 2"),
        ([(0.17, "exact"), (0.1697, "exact", 0.0001)], "16.97%", "desk 2"),
    ],
)
def test_only_who_states_the_figure_is_cited_for_it(claims, told, cited):
    text, notes = summary([said(n, *each) for n, each in enumerate(claims, 1)], INSTRUMENTS)
    assert text == f"Nvidia (NVDA) fell {told} on 2025-01-27 [1]."
    assert notes.startswith(f"[1] {cited},")
    assert "\n" not in notes


def test_all_who_state_the_same_figure_are_cited():
    text, _ = summary([said(1, 0.17, "exact"), said(2, 0.17, "exact")], INSTRUMENTS)
    assert text == "Nvidia (NVDA) fell 17% on 2025-01-27 [1][2]."
