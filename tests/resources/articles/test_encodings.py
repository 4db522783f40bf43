from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.articles.archives import members
from resources.articles.encodings import decoded_with_note
from resources.articles.text import UnreadableArticleError
from resources.articles.worker import Worker

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1)


@given(LETTERS, st.sampled_from(["utf-8-sig", "utf-16", "utf-32"]))
def test_a_mark_decides_the_encoding(text, encoding):
    text = text.lstrip("\ufeff") or "x"
    assert decoded_with_note(text.encode(encoding), ".txt") == (text, None)


@given(st.binary(max_size=300), st.sampled_from([".txt", ".html", ".xml", ".json"]))
def test_any_bytes_are_read_or_refused_with_a_cause(body, suffix):
    try:
        text, _ = decoded_with_note(body, suffix)
    except UnreadableArticleError as error:
        assert "\n" not in str(error)  # noqa: PT017 - either end is a good one
    else:
        assert isinstance(text, str)


@given(st.text(st.characters(codec="utf-8", min_codepoint=0xA0), min_size=2, max_size=50))
def test_a_text_cut_within_its_last_character_loses_that_character_alone(text):
    body = ("x" + text).encode()[:-1]
    assert decoded_with_note(body, ".txt") == (
        "x" + text[:-1],
        "cut off: its last character was incomplete and is dropped",
    )


@pytest.mark.parametrize(
    ("body", "suffix", "text"),
    [
        (b'<meta charset="windows-1252"><p>\x80 5', ".html", "€ 5"),
        (b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', ".xml", "é"),
        (b'<meta charset="idna"><p>5', ".html", "5"),
        (b'<meta charset="utf-16"><p>\xc3\xa9', ".html", "é"),
    ],
)
def test_what_a_document_declares_is_believed_if_it_is_an_encoding_of_text(body, suffix, text):
    found, note = decoded_with_note(body, suffix)
    assert text in found
    assert note is None


def test_a_word_that_begins_like_a_program_is_text():
    for word in (b"MZ Group fell by a sixth.", b"BZh fell by a sixth.", b"GIF89 fell."):
        assert decoded_with_note(word, ".txt") == (word.decode(), None)


def test_a_byte_that_breaks_utf8_among_others_that_are_is_not_guessed():
    with pytest.raises(UnreadableArticleError, match="byte 7 is not utf-8, though others are"):
        decoded_with_note("Café, ".encode() + b"\xe9 and more", ".txt")


@pytest.mark.parametrize("value", [0x00, 0x01, 0x2F, 0x40, 0x7F, 0xFF])
def test_an_archive_with_any_byte_changed_is_read_or_refused_and_never_raises(value):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", "Shares of Nvidia fell by a sixth on Monday.")
        archive.writestr("in/b.txt", "Others fell as well.")
    body = packed.getvalue()
    with Worker() as worker:
        for place in range(len(body)):
            changed = body[:place] + bytes([value]) + body[place + 1 :]
            for delivery in members("a.zip", changed, worker):
                assert delivery.requested.startswith("a.zip")
                assert delivery.articles or delivery.error or delivery.reason
