from __future__ import annotations

import hashlib
import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.articles.text import (
    MAX_TEXT,
    UnreadableArticleError,
    clean,
    dateline,
    decoded,
    detect,
    from_html,
    from_json,
    from_txt,
    instant,
    plain,
)

BODY = "Shares of a maker of chips fell by a sixth on the news that models need fewer of them. " * 3


def page(head="", body=BODY):
    return f"<html><head>{head}</head><body><article><p>{body}</p></article></body></html>"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tuesday, January 28, 2025 - Chips fell", "2025-01-28"),
        ("2025-01-28", "2025-01-28"),
        ("2025-01-28T10:15:00Z", "2025-01-28"),
        ("28 January 2025\nChips fell", "2025-01-28"),
        ("28. January 2025 | Chips fell", "2025-01-28"),
        ("NEW YORK, Jan. 27, 2025 (Reuters) - Chips fell", "2025-01-27"),
        ("San Francisco, Sept 3rd, 2024 \u2014 Chips fell", "2024-09-03"),
        ("Updated: January 28, 2025 at 10:15 GMT", "2025-01-28"),
        ("By Jane Doe, 28 January 2025", "2025-01-28"),
        ("A headline\n\nMon, 27 Jan 2025: it fell", "2025-01-27"),
        ("Date: February 29, 2024", "2024-02-29"),
    ],
)
def test_a_dateline_dates_the_article(text, expected):
    assert str(dateline(text)) == f"{expected} 00:00:00"


@pytest.mark.parametrize(
    "text",
    [
        "On January 20, 2025, the laboratory launched a model",
        "January 20, 2025 was the day of the launch",
        "The model of January 20, 2025 - a surprise - fell 17% on Monday",
        "17% on Monday",
        "February 30, 2025 - Chips fell",
        "2025-13-01",
        "NEW YORK, Jan 27 (Reuters) - Chips fell",
        "one\ntwo\nthree\nfour\nfive\nJanuary 28, 2025 - Chips fell",
        "",
    ],
)
def test_a_date_that_is_no_dateline_dates_nothing(text):
    assert dateline(text) is None


def test_the_first_line_is_the_title_where_a_blank_line_or_a_dateline_follows():
    assert from_txt(f"Chips fall\n\n{BODY}").title == "Chips fall"
    assert from_txt(f"Chips fall\nJanuary 28, 2025 - {BODY}").title == "Chips fall"


@pytest.mark.parametrize(
    "text",
    [
        f"Chips fell on Monday\nand rose on Tuesday. {BODY}",
        f"Chips fell.\n\n{BODY}",
        f"January 28, 2025\n\n{BODY}",
        f"{'Chips fall ' * 20}\n\n{BODY}",
        "Chips fall",
    ],
)
def test_a_first_line_of_the_body_is_no_title(text):
    assert from_txt(text).title is None


def test_the_title_stays_in_the_text():
    assert from_txt(f"Nvidia falls\n\n{BODY}").text.startswith("Nvidia falls\n\nShares")


def test_the_id_is_the_hash_of_the_text_and_of_nothing_else():
    first = from_json(json.dumps({"text": BODY, "title": "A", "source": "B"}))
    second = from_json(json.dumps({"text": f"  {BODY}\r\n", "url": "https://a.example/b"}))
    assert first.article_id == second.article_id
    assert first.article_id == hashlib.sha256(BODY.strip().encode()).hexdigest()


def test_text_is_composed_single_spaced_and_without_anything_invisible():
    dirty = (
        "Zu\u0308rich\u200b \t a\u202eb\x00c\ufeff"
        "\r\n\r\n\r\n\r\nnext\u00a0\u00adline\ud800\u2028end"
    )
    assert clean(dirty) == "Z\u00fcrich abc\n\nnext line\nend"


@given(st.text())
def test_cleaning_twice_changes_nothing_more(text):
    once = clean(text)
    assert clean(once) == once
    once.encode()
    assert "  " not in once
    assert unicodedata.normalize("NFC", once) == once


@pytest.mark.parametrize("unit", [" ", "a", "(", "\n", "\u0301\u0316", "\u0f73\u0f75", "January "])
def test_hostile_text_is_cleaned_and_dated_in_linear_time(unit):
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    dateline(clean(text))
    dateline(text)
    # Composing the combining marks at once would take minutes.
    assert time.process_time() - start < 10


def test_text_beyond_the_limit_is_refused_not_cut():
    assert from_txt("a" * MAX_TEXT).text == "a" * MAX_TEXT
    with pytest.raises(UnreadableArticleError, match=r"^too large: 200,001 bytes of text"):
        from_txt("a" * (MAX_TEXT + 1))


@pytest.mark.parametrize("text", ["", " \n\t ", "\u200b\ufeff", "\x00"])
def test_a_text_without_a_visible_character_is_empty(text):
    with pytest.raises(UnreadableArticleError, match=r"^empty"):
        from_txt(text)


def test_a_page_gives_its_text_title_site_and_date():
    head = (
        '<meta property="og:title" content="Chips fall">'
        '<meta property="og:site_name" content="The Daily">'
        '<meta property="article:published_time" content="2025-01-28T01:30:00+02:00">'
    )
    found = from_html(page(head))
    assert (found.title, found.source) == ("Chips fall", "The Daily")
    assert str(found.published_at) == "2025-01-27 23:30:00"
    assert found.published_from == "metadata"
    assert found.text == BODY.strip()


def test_a_page_is_not_dated_by_its_body_its_comments_or_its_copyright():
    body = BODY + "It was launched on January 20, 2025."
    comments = '<div class="comments"><p>On 3 May 2019 I sold everything I had.</p></div>'
    found = from_html(page(body=f"{body}</p></article>{comments}<p>Copyright 2019</p>"))
    assert (found.published_at, found.published_from) == (None, "none")
    assert "I sold" not in found.text


def test_a_page_without_metadata_is_dated_by_its_dateline():
    found = from_html(page(body=f"Tuesday, January 28, 2025 - {BODY}"))
    assert str(found.published_at) == "2025-01-28 00:00:00"
    assert found.published_from == "dateline"


def test_script_in_a_text_stays_text():
    found = from_html(page(body=f"{BODY} &lt;script&gt;alert(1)&lt;/script&gt;"))
    assert found.text.endswith("<script>alert(1)</script>")
    assert from_txt(f"<script>alert(1)</script> {BODY}").text.startswith("<script>alert(1)")


@pytest.mark.parametrize("text", ["", "<html></html>", "<div>" * 5_000, "<" * 100_000])
def test_a_page_without_main_text_is_empty(text):
    with pytest.raises(UnreadableArticleError, match=r"^empty"):
        from_html(text)


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2025-01-28T01:00:00+01:00", "2025-01-28 00:00:00"),
        ("2025-01-28T01:00:00Z", "2025-01-28 01:00:00"),
        ("2025-01-28T01:00:00", "2025-01-28 01:00:00"),
        ("2025-01-28", "2025-01-28 00:00:00"),
    ],
)
def test_a_stated_instant_is_utc_and_a_date_its_midnight(stated, expected):
    found = from_json(json.dumps({"text": BODY, "published_at": stated}))
    assert str(found.published_at) == expected
    assert found.published_from == "field"
    assert found.published_at.tzinfo is None


@pytest.mark.parametrize(
    "stated", ["yesterday", "28.01.2025", 17, "0001-01-01T00:00:00+14:00", [1]]
)
def test_a_date_that_cannot_be_read_is_refused(stated):
    with pytest.raises(UnreadableArticleError, match=r"^published_at is not an ISO 8601 date"):
        instant(stated)


def test_json_states_everything():
    stated = {
        "title": "Chips  fall\n",
        "text": BODY,
        "source": "The Daily",
        "url": "https://daily.example/chips",
        "language": "en-US",
    }
    found = from_json(json.dumps(stated))
    assert (found.title, found.source, found.language) == ("Chips fall", "The Daily", "en")
    assert found.address == "https://daily.example/chips"


def test_what_json_states_goes_before_what_its_page_says():
    html = page(
        '<meta property="og:title" content="Page"><meta property="og:site_name" content="S">'
    )
    found = from_json(json.dumps({"html": html, "title": "Field", "published_at": "2025-01-28"}))
    assert (found.title, found.source, found.published_from) == ("Field", "S", "field")
    assert found.text == BODY.strip()


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///etc/passwd", "not an address", 5])
def test_only_a_web_address_is_an_address(url):
    assert from_json(json.dumps({"text": BODY, "url": url})).address is None


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ('{"text": ' + "9" * 5_000 + "}", "not JSON"),
        ("[]", "not a JSON object"),
        ('"text"', "not a JSON object"),
        ("{}", "JSON without text"),
        ('{"text": "  ", "html": null}', "JSON without text"),
        ('{"text": 5}', "JSON without text"),
        ('{"text": "a", "published_at": "soon"}', "published_at is not"),
    ],
)
def test_json_that_holds_no_article_is_refused_in_one_line(text, cause):
    with pytest.raises(UnreadableArticleError, match=rf"^{cause}") as caught:
        from_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_lone_surrogate_in_json_does_not_reach_the_text():
    assert from_json('{"text": "fell \\ud800 17%", "title": "\\udfff"}').text == "fell 17%"


def test_a_page_is_decoded_as_it_declares():
    body = '<meta charset="windows-1252"><p>Z\u00fcrich \u20ac</p>'.encode("cp1252")
    assert decoded(body, ".html").endswith("<p>Z\u00fcrich \u20ac</p>")
    assert decoded("\ufeffZ\u00fcrich".encode(), ".txt") == "Z\u00fcrich"


@pytest.mark.parametrize("charset", ["punycode", "utf-7", "unicode_escape", "zlib", "hex", "none"])
def test_a_page_cannot_choose_an_encoding_that_is_none_of_text(charset):
    assert decoded(f'<meta charset="{charset}">+ADw-'.encode(), ".html").endswith("+ADw-")


def test_other_bytes_are_refused_with_their_place():
    with pytest.raises(UnreadableArticleError, match=r"^bad encoding: byte 3 is not utf-8$"):
        decoded("Gen\u00e8ve".encode("latin-1"), ".txt")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (BODY, "en"),
        ("Die Aktien des Herstellers fielen am Montag um ein Sechstel.", "de"),
        ("Les actions du fabricant ont perdu un sixi\u00e8me de leur valeur lundi.", "fr"),
        ("Chips fell", None),
    ],
)
def test_the_language_is_detected_where_there_is_enough_text(text, language):
    assert detect(text) == language


def test_a_fragment_gives_its_words_by_block_and_no_script():
    fragment = (
        "<p>Nvi<b>dia</b></p>fell<br>17%<script>alert(1)</script><!-- x --><style>p{}</style>"
    )
    assert clean(plain(fragment)) == "Nvidia\nfell\n17%"


@pytest.mark.parametrize("text", ["", "<", "<html>", "<!--", "\ud800\x00", "<![CDATA[", "&"])
def test_a_broken_fragment_breaks_nothing(text):
    assert clean(plain(text)) in {"", "<", "&"}


@given(st.text(alphabet="<>/!-&;ap =\"'", max_size=60))
def test_no_fragment_breaks_the_reader(fragment):
    assert isinstance(plain(fragment), str)
