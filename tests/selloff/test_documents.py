from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selloff.documents import documents, n_independent

NOON = datetime(2025, 1, 27, 12)  # noqa: DTZ001 - tables hold naive UTC
WIRE = (
    "Shares of makers of chips fell on Monday after a laboratory said that its model needs fewer "
    "of them than any before it, and investors asked what the plans of their customers are worth."
)


def an_article(article_id, hours=0, text=WIRE, **fields):
    usual = {
        "article_id": article_id,
        "location": f"https://{article_id}.example/chips",
        "text": text,
        "language": "en",
        "published_at": NOON + timedelta(hours=hours),
        "known_from": NOON + timedelta(hours=hours + 1),
    }
    return usual | fields


def found(*articles):
    kinds = {"published_at": pa.timestamp("us"), "known_from": pa.timestamp("us")}
    names = ("article_id", "location", "text", "language", "published_at", "known_from")
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    rows = documents(pa.Table.from_pylist(list(articles), schema=schema)).to_pylist()
    return {row["article_id"]: row for row in rows}


def test_an_article_alone_is_its_document_s_only_version():
    assert found(an_article("a")) == {
        "a": {
            "article_id": "a",
            "document_id": "https://a.example/chips",
            "version": 1,
            "n_versions": 1,
            "is_newest": True,
            "changed_share": None,
            "first_article_id": "a",
            "similarity": 1.0,
            "n_copies": 1,
            "is_parsed": True,
            "not_parsed_because": None,
            "as_of": NOON + timedelta(hours=1),
        }
    }


def test_a_wire_copy_belongs_to_the_first_published_text():
    rows = found(an_article("b", hours=2), an_article("a", hours=3, text=f"{WIRE} (Wire)"))
    assert {row["first_article_id"] for row in rows.values()} == {"b"}
    assert {row["n_copies"] for row in rows.values()} == {2}
    # 32 words and one more: 30 sequences of three, and one more.
    assert rows["a"]["similarity"] == pytest.approx(
        (len(WIRE.split()) - 2) / (len(WIRE.split()) - 1)
    )
    assert all(row["is_parsed"] for row in rows.values())


def test_an_edited_article_is_a_version_and_only_the_newest_is_parsed():
    place = "https://a.example/chips"
    rows = found(
        an_article("a", location=place),
        an_article("b", hours=1, location=f"{place}?utm_source=x", text="They rose in the end."),
        an_article("c", hours=2, location=f"{place}#top", text="They rose in the end again."),
    )
    assert [rows[name]["version"] for name in "abc"] == [1, 2, 3]
    assert [rows[name]["is_newest"] for name in "abc"] == [False, False, True]
    assert [rows[name]["not_parsed_because"] for name in "abc"] == [*["an older version"] * 2, None]
    # Three sequences of the second, four of the third, three in common.
    assert [rows[name]["changed_share"] for name in "abc"] == [None, 1.0, pytest.approx(0.25)]
    assert {row["as_of"] for row in rows.values()} == {NOON + timedelta(hours=3)}


def test_versions_published_at_one_moment_stand_in_the_order_they_were_read():
    place = {"location": "https://a.example/chips", "published_at": NOON}
    rows = found(an_article("a", hours=5, **place), an_article("b", text="It rose.", **place))
    assert (rows["b"]["version"], rows["a"]["version"]) == (1, 2)


def test_without_a_date_the_moment_of_reading_stands_for_it():
    rows = found(an_article("a", hours=5, published_at=None), an_article("b", hours=2))
    assert rows["a"]["first_article_id"] == "b"


def test_a_bare_host_is_no_document():
    place = {"location": "https://news.example/"}
    rows = found(an_article("a", **place), an_article("b", text="It rose.", **place))
    assert [row["document_id"] for row in rows.values()] == ["a", "b"]


def test_files_are_documents_by_their_names():
    rows = found(
        an_article("a", location="in/a.txt"), an_article("b", hours=1, location="in/a.txt")
    )
    assert rows["b"]["document_id"] == "in/a.txt"
    assert rows["b"]["version"] == 2


@pytest.mark.parametrize(
    ("language", "text", "reason"),
    [
        ("en", WIRE, None),
        ("de", WIRE, "language de"),
        (None, "Nvidia falls 17%", None),
        (None, "Nvidia -17%", "no language known"),
        (None, "Nvidia f\u00e4llt 17%", "no language known"),
        (None, "Nvidia chute: 17%", "no language known"),
    ],
)
def test_only_english_is_parsed(language, text, reason):
    row = found(an_article("a", language=language, text=text))["a"]
    assert (row["is_parsed"], row["not_parsed_because"]) == (reason is None, reason)


def test_an_article_given_twice_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^article 'a' occurs twice$"):
        found(an_article("a"), an_article("a"))


def test_no_articles_are_no_documents():
    assert not found()


def test_what_is_unrelated_leaves_a_row_as_it_was():
    alone = found(an_article("a"))["a"]
    assert found(an_article("a"), an_article("b", hours=9, text="Oil rose."))["a"] == alone


@pytest.mark.parametrize(
    ("texts", "sources", "expected"),
    [
        ("", "", 0),
        ("w", "A", 1),
        ("www", "ABC", 1),
        ("ww", "Aa", 1),
        ("wv", "AA", 1),
        ("wv", "Aa", 1),
        ("wv", "AB", 2),
        ("wwwv", "ABCB", 2),
        ("wwvv", "ABAB", 2),
        ("wvu", "AAB", 2),
    ],
)
def test_a_wire_copy_counts_once_and_so_does_a_source(texts, sources, expected):
    assert n_independent(list(texts), list(sources)) == expected


def by_trying(pairs):
    if not pairs:
        return 0
    (text, source), *rest = pairs
    others = [pair for pair in rest if pair[0] != text and pair[1] != source]
    return max(by_trying(rest), 1 + by_trying(others))


@given(st.lists(st.tuples(st.sampled_from("wvu"), st.sampled_from("ABCD")), max_size=8))
def test_independent_sources_are_the_most_pairs_without_repetition(pairs):
    texts, sources = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    assert n_independent(texts, sources) == by_trying(sorted(set(pairs)))
