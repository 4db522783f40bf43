from __future__ import annotations

import gzip

import pytest

from resources.articles.archived_pages import forbids
from resources.articles.gathering import gathered
from resources.articles.warc import WebArchives
from resources.articles.worker import Limits

SENTENCE = "Shares of Nvidia fell by a sixth on Monday, the most that they ever did in a day. "


def page(number, head=""):
    body = f"<p>Story {number}. {SENTENCE * 5}</p>" * 2
    whole = f"<html><head><title>Chips fall {number}</title>{head}</head><body><article>{body}"
    return f"{whole}</article></body></html>".encode()


def record(number, html=None, *, kind="response", header="", status=200, mime="text/html"):
    """Return a record as Common Crawl writes it."""
    html = page(number) if html is None else html
    http = f"HTTP/1.1 {status} X\r\nContent-Type: {mime}\r\n{header}\r\n".encode() + html
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: https://daily.example/{number}\r\n"
        "WARC-Date: 2025-01-27T15:00:00Z\r\n"
        "Content-Type: application/http; msgtype=response\r\n"
        f"Content-Length: {len(http)}\r\n\r\n"
    )
    return head.encode() + http + b"\r\n\r\n"


@pytest.fixture
def read(tmp_path):
    def of(body, name="a.warc", **named):
        (tmp_path / name).write_bytes(body)
        (found,) = WebArchives(tmp_path / name, **named).deliveries()
        return found

    return of


def numbers(delivery):
    return [int(article.address.rpartition("/")[2]) for article in delivery.articles]


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_the_pages_of_responses_are_articles_at_their_address_dated_by_the_crawl(read, name):
    pack = gzip.compress if name.endswith(".gz") else bytes
    records = [
        record(1),
        record(2, kind="request"),
        record(3, status=404),
        record(4, b"{}", mime="application/json"),
        record(5, page(5, '<meta property="article:published_time" content="2025-01-26">')),
        record(6, page(6, '<meta property="article:published_time" content="2031-01-01">')),
    ]
    found = read(b"".join(map(pack, records)), name)
    assert numbers(found) == [1, 5, 6]
    assert (found.rejects, found.error, found.is_kept) == ([], None, False)
    dates = [(str(each.published_at), each.published_from) for each in found.articles]
    crawled = ("2025-01-27 15:00:00", "header")
    assert dates == [crawled, ("2025-01-26 00:00:00", "metadata"), crawled]
    assert found.articles[0].title == "Chips fall 1"
    assert found.articles[0].text.startswith("Story 1. Shares of Nvidia fell")
    (answer,) = gathered([_Once(found)]).answers
    assert (answer.outcome, answer.n_rows) == ("delivered", 3)


class _Once:
    def __init__(self, delivery):
        self.delivery = delivery

    def deliveries(self):
        yield self.delivery


def test_a_page_that_asks_not_to_be_archived_is_not_and_the_answer_counts_it(read):
    meta = page(1, '<meta name="robots" content="index, NOARCHIVE">')
    tag = record(2, header="X-Robots-Tag: noarchive\r\n")
    found = read(record(1, meta) + tag + record(3))
    assert numbers(found) == [3]
    assert (found.reason, found.rejects) == ("2 pages ask not to be archived", [])


@pytest.mark.parametrize(
    ("directives", "expected"),
    [("noarchive", True), ("index, None", True), ("noindex", False), ("", False)],
)
def test_directives_forbid_a_copy_by_their_word(directives, expected):
    assert forbids(directives) is expected


def test_a_truncated_archive_keeps_what_came_before_and_says_where_it_ends(read):
    for pack, name in ((gzip.compress, "a.warc.gz"), (bytes, "a.warc")):
        whole = [pack(record(number)) for number in range(4)]
        found = read(b"".join(whole)[:-100], name)
        assert numbers(found) == [0, 1, 2]
        (reject,) = found.rejects
        place = sum(map(len, whole[:3]))
        assert reject.source_row == place
        assert reject.reason.startswith(f"at byte {place:,}: damaged record")


def test_a_damaged_record_costs_itself_alone(read):
    whole = [gzip.compress(record(number)) for number in range(4)]
    broken = bytearray(whole[1])
    broken[30] ^= 0xFF
    broken[40] ^= 0x55
    found = read(whole[0] + bytes(broken) + whole[2] + whole[3], "a.warc.gz")
    assert [number for number in numbers(found) if number != 1] == [0, 2, 3]
    assert found.rejects


def test_rubbish_between_records_and_a_length_that_lies_cost_no_other_record(read):
    lying = record(1).replace(b"Content-Length: ", b"Content-Length: 9")
    found = read(record(0) + b"rubbish\n" * 20 + lying + record(2) + record(3))
    assert numbers(found) == [0, 2, 3]
    assert all("damaged record" in reject.reason for reject in found.rejects)


def test_a_page_too_large_or_without_text_is_a_reject_with_its_address(read):
    found = read(record(1, b"<p>" + b"x " * 1_000_001) + record(2, b"<html></html>") + record(3))
    assert numbers(found) == [3]
    large, empty = (reject.reason for reject in found.rejects)
    assert large.endswith("too large: at most 2,000,000 bytes: https://daily.example/1")
    assert empty.endswith("empty: no main text in the page: https://daily.example/2")


def test_a_page_that_hangs_the_extraction_is_stopped_and_too_many_end_the_archive(read):
    nested = b"<div>" * 300_000
    found = read(
        record(1, nested) + record(2, nested) + record(3),
        limits=Limits(seconds=1.0, cpu_seconds=10),
        max_damages=2,
    )
    assert numbers(found) == []
    assert ["too slow" in reject.reason for reject in found.rejects] == [True, True, False]
    assert "given up" in found.rejects[-1].reason


def test_a_header_names_the_encoding_of_a_page(read):
    html = page(1).replace(b"Nvidia", b"Caf\xe9 Nvidia \x93chips\x94")
    found = read(record(1, html, mime="text/html; charset=ISO-8859-1"))
    assert "Café Nvidia “chips”" in found.articles[0].text


def test_a_page_is_unpacked_as_its_header_says_and_a_bomb_is_too_large(read):
    packed = "Content-Encoding: gzip\r\n"
    bomb = gzip.compress(b" " * 50_000_000)
    found = read(
        record(1, gzip.compress(page(1)), header=packed)
        + record(2, bomb, header=packed)
        + record(3, b"5\r\n<p>Nv\r\n0\r\n\r\n" + page(3), header="Transfer-Encoding: chunked\r\n")
        + record(4)
    )
    assert {1, 4} <= set(numbers(found))
    assert found.articles[0].text.startswith("Story 1.")
    assert "too large: at most 2,000,000 bytes" in found.rejects[0].reason


def test_what_is_no_archive_is_a_reject_and_an_empty_folder_has_a_reason(read, tmp_path):
    found = read(b"no archive at all")
    assert (found.articles, found.reason) == ([], "no pages in it")
    assert [reject.source_row for reject in found.rejects] == [0]
    (empty,) = WebArchives(tmp_path / "none").deliveries()
    assert empty.reason == "no web archives there"
