"""The page of Great Expectations' results: readable, complete, and harmless whatever was delivered.

Pages are read here with the parser of the standard library, not the one that cleans them.
"""

from __future__ import annotations

import base64
import hashlib
import re
from copy import deepcopy
from datetime import datetime
from html.parser import HTMLParser

import great_expectations as gx
import pandas as pd
import pytest
from great_expectations import expectations as gxe
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view import DefaultJinjaPageView
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml.etree import ParserError

from resources import data_docs, expectations
from resources.summary import Summary

NOW = datetime.fromisoformat("2025-01-28T12:00")
HARMLESS = "unknown"
HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=https://evil.example/x.js>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "<svg/onload=alert(1)>",
    "</div></td></table><style>@import url(https://evil.example/x.css)</style>",
    "<a href='https://evil.example'>prices</a>",
    "<a href='javascript:alert(1)'>prices</a>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example'>",
    "<b>bold</b>",
    "<!-- the rest is a comment",
    "<![CDATA[ x ]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;",
    "{{ 7 * 7 }}{% raw %}",
    "$value ${value} $$ $v__0 $PARAMETER",
    "{at} {policy}",
]
RUNS = {"script", "link", "img", "iframe", "object", "embed", "svg", "form", "base"}

FRAME = {"charset", "content", "http-equiv", "lang", "name"}  # attributes of the page's head


class Page(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.style = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(attrs)))

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] == "style" and not self.style:
            self.style = data
        self.texts.append(data)

    @property
    def tags(self):
        return {tag for tag, _ in self.elements}

    @property
    def attributes(self):
        return {(name, value) for _, attrs in self.elements for name, value in attrs}

    @property
    def text(self):
        return " ".join("".join(self.texts).split())


def held(frame, *wanted, name="raw.bars"):
    """Hold a frame against expectations, as they come from Great Expectations."""
    source = expectations._context().data_sources.add_pandas("delivered")
    definition = source.add_dataframe_asset("bars").add_batch_definition_whole_dataframe("load")
    return definition.get_batch({"dataframe": frame}).validate(
        gx.ExpectationSuite(name=name, expectations=list(wanted)),
        result_format={"result_format": "SUMMARY", "partial_unexpected_count": 5},
    )


def refused(text):
    """Return the result where a text breaks an expectation of every kind that shows values."""
    frame = pd.DataFrame({"ticker": [text] * 2, "title": [text] * 2, "close": [-1.5, 2.0]})
    return held(
        frame,
        gxe.ExpectColumnValuesToBeInSet(column="ticker", value_set=["NVDA"]),
        gxe.ExpectColumnValuesToMatchRegex(column="title", regex=r"^never \d$"),
        gxe.ExpectColumnValuesToBeUnique(column="ticker"),
        gxe.ExpectCompoundColumnsToBeUnique(column_list=["ticker", "title"]),
        gxe.ExpectColumnValuesToBeBetween(column="close", min_value=0.0),
    )


def shown(*results):
    return Page(data_docs.page(results, at=NOW))


@pytest.fixture(scope="module")
def result():
    return refused(HARMLESS)


@pytest.fixture(scope="module")
def harmless(result):
    return shown(result)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_from_outside_is_shown_as_text_and_changes_no_element(text, harmless):
    page = shown(refused(text))
    assert page.elements == harmless.elements
    assert page.text == harmless.text.replace(HARMLESS, text)
    assert harmless.text.count(HARMLESS) == 5  # once per column that four expectations speak of


@pytest.mark.parametrize("text", HOSTILE)
def test_what_got_past_the_escaping_would_be_cut_out(text, monkeypatch):
    monkeypatch.setattr(data_docs, "_escaped", lambda value: value)
    try:
        page = shown(refused(text))
    except ParserError:  # it broke the sections apart: there is no page at all
        return
    assert not page.tags & RUNS
    assert {name for name, _ in page.attributes} <= FRAME | {"class", "href", "id"}
    assert [tag for tag, _ in page.elements].count("meta") == 3
    assert [tag for tag, _ in page.elements].count("style") == 1


def test_as_great_expectations_writes_its_pages_the_same_text_would_run():
    document = ValidationResultsPageRenderer().render(refused("<script>alert(1)</script>"))
    page = DefaultJinjaPageView().render(document)
    assert "<script>alert(1)</script>" in page
    assert len(set(re.findall(r"(?:href|src)=\"https://([^/\"]+)", page))) >= 6


@settings(max_examples=50, deadline=None)
@given(text=st.text(max_size=60))
def test_whatever_the_text_the_elements_of_the_page_are_the_same(result, text):
    def page(value):
        changed = deepcopy(result)
        for item in changed.results:
            item.result["partial_unexpected_counts"] = [{"value": value, "count": 2}]
        return shown(changed)

    assert page(text).elements == page(HARMLESS).elements


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_of_an_error_changes_no_element_and_shows_no_folder(text):
    def page(message):
        result = held(pd.DataFrame({"a": [1.0]}), gxe.ExpectColumnValuesToBeUnique(column="b"))
        for failure in result.results[0].exception_info.values():
            failure["exception_message"] = message
        return shown(result)

    assert page(text).elements == page(HARMLESS).elements
    assert "site-packages" not in page(text).text
    assert "Show exception" not in page(text).text


def test_an_expectation_that_could_not_be_tried_says_why():
    page = shown(held(pd.DataFrame({"a": [1.0]}), gxe.ExpectColumnValuesToBeUnique(column="b")))
    assert 'Error: The column "b" in BatchData does not exist.' in page.text
    assert ("i", (("class", "fas fa-exclamation-triangle text-warning"),)) in page.elements


def test_nothing_on_the_page_is_fetched_or_run_and_every_link_stays_on_it():
    page = shown(refused(HOSTILE[0]), held(pd.DataFrame({"a": [1.0]}), name="raw.other"))
    assert not page.tags & RUNS
    assert {name for name, _ in page.attributes} == FRAME | {"class", "href", "id"}
    links = {value for name, value in page.attributes if name == "href"}
    assert links == {"#raw.bars", "#raw.other"}
    assert {f"#{value}" for name, value in page.attributes if name == "id"} == links
    assert not re.search(r"url\(|@import|//", page.style)


def test_the_policy_of_the_page_allows_its_own_style_and_nothing_else():
    page = shown(refused(HARMLESS))
    (policy,) = [
        dict(attrs)["content"]
        for tag, attrs in page.elements
        if tag == "meta" and ("http-equiv", "Content-Security-Policy") in attrs
    ]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        f"style-src 'sha256-{digest}'",
    ]
    assert [tag for tag, _ in page.elements].count("style") == 1


def test_the_page_tells_what_was_met_what_was_not_and_by_how_many_rows():
    frame = pd.DataFrame({"close": [-1.5, -1.5, 2.0, 3.0], "source": ["files"] * 4})
    page = shown(
        held(
            frame,
            gxe.ExpectColumnValuesToBeBetween(column="close", min_value=0.0),
            gxe.ExpectColumnValuesToNotBeNull(column="source"),
        ),
        held(frame, gxe.ExpectColumnValuesToNotBeNull(column="close"), name="raw.good"),
    )
    assert "on 2025-01-28 12:00 UTC" in page.text
    assert "raw.bars: 1 of 2 expectations met" in page.text
    assert "raw.good: 1 of 1 expectations met" in page.text
    assert "2 unexpected values found. 50% of 4 total rows." in page.text
    assert "-1.5" in page.text
    counted = [tag for tag in page.elements if tag == ("span", (("class", "missed"),))]
    assert len(counted) == 2  # in the contents and over the table's section
    icons = [dict(attrs)["class"].split()[1] for tag, attrs in page.elements if tag == "i"]
    assert sorted(icons) == ["fa-check-circle", "fa-check-circle", "fa-times"]


def test_every_mark_has_a_word_of_its_own_in_the_style():
    words = dict(re.findall(r"\.(fa-[a-z-]+)::before \{ content: \"([a-z ]+)\"", data_docs.STYLE))
    assert words == {
        "fa-check-circle": "met",
        "fa-times": "not met",
        "fa-exclamation-triangle": "not tried",
    }


def test_a_long_text_is_cut_and_what_cannot_be_seen_is_dropped():
    long = shown(refused("x" * 5_000))
    assert "x" * 200 + "…" in long.text
    assert "x" * 201 not in long.text
    assert shown(refused("A\u202eB\u200b\x07C")).elements == shown(refused("ABC")).elements
    assert "ABC" in shown(refused("A\u202eB\u200b\x07C")).text


def test_the_result_itself_keeps_its_values_as_they_came():
    result = refused("<b>")
    before = result.to_json_dict()
    shown(result)
    assert result.to_json_dict() == before


def test_the_page_replaces_the_last_one_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "new" / "data_docs"
    path = data_docs.write(folder, [refused("NVDA!")], at=NOW)
    assert path == folder / "index.html"
    assert "NVDA!" in path.read_text(encoding="utf-8")
    data_docs.write(folder, [refused("sécond")], at=NOW)
    kept = path.read_text(encoding="utf-8")
    assert "sécond" in kept
    assert "NVDA!" not in kept
    with pytest.raises(AttributeError):
        data_docs.write(folder, ["no result"], at=NOW)
    assert path.read_text(encoding="utf-8") == kept
    assert list(folder.iterdir()) == [path]


@pytest.fixture
def made(monkeypatch):
    """The tables whose counts Great Expectations is asked about."""
    found, plain = [], Summary.validated

    def validated(summary):
        found.append(summary.table)
        return plain(summary)

    monkeypatch.setattr(Summary, "validated", validated)
    return found


def test_a_section_is_made_again_only_where_the_counts_are_others(tmp_path, made):
    def counts(n):
        return [
            Summary("core.sessions", {"grain_is_unique": (0, "critical"), "b": (1, "warning")}),
            Summary("core.splits", {"grain_is_unique": (n, "critical")}),
        ]

    first = data_docs.write(tmp_path, counts(0), at=NOW).read_text()
    assert made == ["core.sessions", "core.splits"]
    assert data_docs.write(tmp_path, counts(0), at=NOW).read_text() == first
    assert made == ["core.sessions", "core.splits"]
    changed = data_docs.write(tmp_path, counts(7), at=NOW).read_text()
    assert made == ["core.sessions", "core.splits", "core.splits"]
    assert changed == data_docs.page(counts(7), at=NOW)
    assert '<a href="#history of core.splits">' in changed
    assert "0 of 1 expectations met" in changed


def test_a_section_of_values_that_came_from_outside_is_never_taken_from_before(tmp_path):
    loads = [refused("one"), refused("two")]
    pages = [data_docs.write(tmp_path, [load], at=NOW).read_text() for load in loads]
    assert pages[0] != pages[1]
    assert "data-of" not in pages[1]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_name_of_a_check_ends_its_section(hostile):
    """Names are ours, but a page that trusted them would not tell when they are not."""
    names = [f"{hostile}</section>", "plain"]
    summaries = [Summary(f"core.{name}", {name: (1, "warning")}) for name in names]
    page = data_docs.page(summaries, at=NOW)
    assert data_docs.page(summaries, at=NOW, before=page) == page
    assert len(data_docs.KNOWN.findall(page)) == len(names)
    assert not Page(page).tags & RUNS


@pytest.mark.parametrize(
    "other",
    [
        Summary("core.another", {"a": (0, "critical"), "b": (1, "warning")}),
        Summary("core.table", {"a": (0, "critical"), "b": (2, "warning")}),
        Summary("core.table", {"a": (0, "warning"), "b": (1, "warning")}),
        Summary("core.table", {"a": (0, "critical"), "c": (1, "warning")}),
        Summary("core.table", {"a": (0, "critical")}),
    ],
)
def test_the_key_tells_apart_whatever_is_shown(other):
    counts = {"a": (0, "critical"), "b": (1, "warning")}
    one = Summary("core.table", counts)
    assert data_docs.key_of(one) != data_docs.key_of(other)
    again = Summary("core.table", dict(reversed(counts.items())))
    assert data_docs.key_of(one) == data_docs.key_of(again)


def test_the_key_changes_with_the_code_that_makes_the_section(monkeypatch):
    one = Summary("core.table", {"a": (0, "critical")})
    before = data_docs.key_of(one)
    monkeypatch.setattr(data_docs, "_form", lambda: "another")
    assert data_docs.key_of(one) != before
