"""Which listing of a firm is meant: by ticker, place, currency, session, or the primary one."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from selloff.mentions import Context, Lexicon, Name, Span, located, plain, resolve, sentences

AMSTERDAM = Name(
    "XAMS:ASML.AS", "ASML.AS", "ASML", issuer_id="asml", exchange_mic="XAMS", currency="EUR"
)
NASDAQ = Name(
    "XNAS:ASML",
    "ASML",
    "ASML",
    issuer_id="asml",
    exchange_mic="XNAS",
    currency="USD",
    is_primary=False,
)
SPAN = Span(0, 4, "ASML", "company", (AMSTERDAM, NASDAQ))


@pytest.mark.parametrize(
    ("context", "name", "how"),
    [
        (Context(), AMSTERDAM, "primary"),
        (Context(ticker="ASML", clause="in Amsterdam"), NASDAQ, "ticker"),
        (Context(clause="ASML's US-listed shares"), NASDAQ, "place"),
        (Context(clause="ASML fell 5.8% on Nasdaq"), NASDAQ, "place"),
        (Context(clause="the Amsterdam-listed shares of ASML"), AMSTERDAM, "place"),
        (Context(sentence="In Europe, chip equipment maker ASML fell"), AMSTERDAM, "place"),
        (Context(clause="ASML at $700", sentence="ASML at $700"), NASDAQ, "currency"),
        (Context(clause="ASML at \u20ac640"), AMSTERDAM, "currency"),
        (Context(clause="ASML in Amsterdam, on Nasdaq"), AMSTERDAM, "primary"),
        (Context(open_mics=frozenset({"XNAS"})), NASDAQ, "session"),
    ],
)
def test_the_nearest_sign_decides(context, name, how):
    assert resolve(SPAN, context) == (name, how)


def test_a_firm_with_one_listing_needs_no_sign():
    only = Span(0, 4, "ASML", "company", (NASDAQ,))
    assert resolve(only, Context(clause="in Amsterdam")) == (NASDAQ, "only")
    assert resolve(Span(0, 4, "ASML", "ticker", (NASDAQ,)), Context()) == (NASDAQ, "ticker")


def table(*rows):
    fields = ("listing_id", "ticker", "alias", "issuer_id", "exchange_mic", "is_primary")
    return pa.Table.from_pylist(
        [
            dict(zip(fields, row, strict=True))
            | {"needs_cue": False, "valid_from": None, "valid_to": None}
            for row in rows
        ]
    )


def test_a_text_decides_span_by_span():
    lexicon = Lexicon(
        table(
            ("XAMS:ASML.AS", "ASML.AS", "ASML", "asml", "XAMS", True),
            ("XNAS:ASML", "ASML", "ASML", "asml", "XNAS", False),
        )
    )
    text = "ASML fell 7% in Amsterdam. ASML fell 5.8% on Nasdaq. ASML (ASML) said nothing."
    spans = lexicon.spans(text, date(2025, 1, 28))
    found = [(name.ticker, how) for _, name, how in located(text, plain(text), spans)]
    assert found == [
        ("ASML.AS", "place"),
        ("ASML", "place"),
        ("ASML", "ticker"),
        ("ASML", "ticker"),
    ]


def test_a_name_of_two_firms_is_nobodys():
    lexicon = Lexicon(
        table(
            ("XNYS:A", "A", "Acme", "acme-steel", "XNYS", True),
            ("XNYS:B", "B", "Acme", "acme-soap", "XNYS", True),
        )
    )
    assert lexicon.spans("Acme fell 3%.", None) == []
    assert [span.written for span in lexicon.spans("Acme ($B) fell 3%.", None)] == ["B"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two.", ["One.", "Two."]),
        ("Amazon.com Inc. fell 2%. It rose.", ["Amazon.com Inc. fell 2%.", "It rose."]),
        ("He sold Apple Inc. The stock fell.", ["He sold Apple Inc.", "The stock fell."]),
        ("On Jan. 27 it fell.", ["On Jan. 27 it fell."]),
        ("It fell 3.5% in the U.S. on Monday.", ["It fell 3.5% in the U.S. on Monday."]),
        ("A headline\n\nThe text.", ["A headline", "The text."]),
        ("A line\nthat goes on.", ["A line\nthat goes on."]),
        ("\u201cIt fell.\u201d He left.", ["\u201cIt fell.\u201d He left."]),
        ("", []),
    ],
)
def test_sentences_end_where_a_reader_would_pause(text, expected):
    assert [text[start:end] for start, end in sentences(text)] == expected
