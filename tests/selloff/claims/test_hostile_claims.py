"""Hostile text: linear time, whatever a page is filled with."""

from __future__ import annotations

import time

import pytest

from selloff.claims import claims_of
from tests.selloff.claims.reading import EVENING, lexicon

UNITS = (
    *(
        " ",
        "\n",
        "7",
        "1,",
        "(",
        "%",
        "$",
        "'",
        '"',
        "- ",
        "\u2013",
        "17% ",
        "a ",
        "and ",
        "since ",
    ),
    *("between 1% and ", "Nvidia ", "Nvidia, ", "Nvidia fell ", "Nvidia's ", "Arm ", "ASML, "),
    *("Nvidia fell 17%, ", "Nvidia fell 17%. ", "more than ", "could ", "which ", "1-2-3-"),
)
SIZE = 100_000


@pytest.mark.parametrize("unit", UNITS, ids=repr)
def test_a_page_of_one_thing_is_read_in_time(unit):
    began = time.process_time()
    claims_of(unit * (SIZE // len(unit)), EVENING, lexicon())
    # Measured: at most 0.4 s. Quadratic time would be minutes.
    assert time.process_time() - began < 20


def test_twice_the_text_gives_twice_the_claims():
    unit = "Nvidia fell 17% on Monday. "
    counts = [claims_of(unit * n, EVENING, lexicon()).num_rows for n in (50, 100)]
    assert counts == [50, 100]
