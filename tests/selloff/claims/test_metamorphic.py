"""What a change of words must do to a claim: nothing, flip it, rescale it, remove it."""

from __future__ import annotations

from datetime import date, datetime, time

from hypothesis import given, settings

from selloff.claims import claims_of
from selloff.claims.scoring import score, stated
from tests.selloff.claims.reading import lexicon, names
from tests.selloff.claims.templates import PARTS, lists

ISSUERS = {row["ticker"]: row["issuer_id"] for row in names().to_pylist()}


def outcome(passage):
    at = datetime.combine(date.fromisoformat(passage.published), time(21, 30))
    rows = claims_of(passage.text, at, lexicon()).to_pylist()
    found = {passage.text: [stated(row, passage.text, ISSUERS) for row in rows]}
    total = score(found, [passage]).total
    return total.matched, total.false, total.missed


@settings(deadline=None, max_examples=200)
@given(PARTS)
def test_a_template_is_read_as_it_was_made_in_every_frame(parts):
    matched, false, missed = outcome(parts.passage())
    assert (false, missed) == (0, 0)
    assert matched >= 1


@settings(deadline=None, max_examples=100)
@given(PARTS)
def test_the_opposite_verb_flips_the_claim(parts):
    assert outcome(parts.flipped().passage())[1:] == (0, 0)


@settings(deadline=None, max_examples=100)
@given(lists())
def test_a_list_with_respectively_gives_each_its_own(made):
    matched, false, missed = outcome(made)
    assert (false, missed) == (0, 0)
    assert matched >= 2
