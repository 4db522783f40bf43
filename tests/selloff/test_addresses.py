from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.addresses import canonical_address


@pytest.mark.parametrize(
    "address",
    [
        "https://news.example/chips-fall",
        "http://news.example/chips-fall/",
        "HTTPS://NEWS.example:443/chips-fall",
        "http://news.example:80/chips-fall#comments",
        "https://news.example/chips-fall?utm_source=feed&utm_medium=rss&fbclid=abc",
        "https://news.example/chips-fall?",
        "https://reader:secret@news.example/chips-fall",
        "https://news.example/chips-fall/amp",
        "https://news.example/chips-fall/amp/?amp=1",
        "https://news.example/chips-fall?outputType=amp",
    ],
)
def test_what_only_tracks_the_reader_is_no_other_document(address):
    assert canonical_address(address) == "https://news.example/chips-fall"


@pytest.mark.parametrize(
    "address",
    [
        "https://news.example/Chips-Fall",
        "https://news.example/chips-fall/2",
        "https://news.example/chips-fall?id=2",
        "https://other.example/chips-fall",
        "https://news.example:8443/chips-fall",
        "https://news.example/amplifiers",
    ],
)
def test_another_document_keeps_an_address_of_its_own(address):
    assert canonical_address(address) == address


def test_the_order_of_parameters_names_nothing():
    assert canonical_address("https://a.example/?b=2&a=1") == "https://a.example?a=1&b=2"


@pytest.mark.parametrize(
    "location",
    [
        *("inbox/a.txt", "a.zip/b.html", "", "https://", "https://[::1", "ftp://a.example/b"),
        *("https://a.example:99999/b", "https://a.example/feed (3f2a)"),
    ],
)
def test_what_is_no_web_address_stays_as_it_is(location):
    assert canonical_address(location) == location


@given(st.text() | st.text().map(lambda text: f"https://a.example/{text}"))
def test_a_canonical_address_is_its_own(location):
    once = canonical_address(location)
    assert canonical_address(once) == once
