from __future__ import annotations

import time

import pytest

from resources.articles.text import UnreadableArticleError
from resources.articles.xml import from_xml

G2 = """<?xml version="1.0" encoding="UTF-8"?>
<newsMessage xmlns="http://iptc.org/std/nar/2006-10-01/"><itemSet>
<newsItem guid="a"><itemMeta><provider literal="Daily Wire"/>
<versionCreated>2025-01-27T18:00:00-05:00</versionCreated></itemMeta>
<contentMeta><contentCreated>2025-01-27T16:30:00-05:00</contentCreated>
<headline>Chips fall</headline></contentMeta>
<contentSet><inlineXML><html xmlns="http://www.w3.org/1999/xhtml">
<head><title>No text</title></head>
<body><p>Nvidia fell by a <b>sixth</b>.</p><p>Others fell too.</p><script>x()</script></body>
</html></inlineXML></contentSet></newsItem>
<newsItem guid="b"><contentMeta><headline>Empty</headline></contentMeta></newsItem>
</itemSet></newsMessage>"""
NITF = """<?xml version="1.0"?><!DOCTYPE nitf SYSTEM "http://www.nitf.org/nitf-3-2.dtd">
<nitf><head><title>Other</title><docdata><date.issue norm="20250127T213000Z"/>
<doc.copyright holder="Daily Wire"/></docdata></head>
<body><body.head><hedline><hl1>Chips fall</hl1></hedline><dateline>NEW YORK</dateline></body.head>
<body.content><block><p>Nvidia fell by a sixth.</p><p>Others fell too.</p></block></body.content>
</body></nitf>"""
PLAIN = """<articles><article><title>Chips fall</title>
<date>Mon, 27 Jan 2025 16:30:00 -0500</date>
<source>Daily Wire</source><link href="https://daily.example/1"/>
<text>Nvidia fell by a <![CDATA[sixth]]>.<!-- no --><br/>Others fell too.</text></article>
</articles>"""
RSS = """<?xml version="1.0" encoding="UTF-16"?><rss version="2.0"><channel>
<title>Daily Wire</title>
<item><title>Chips fall</title><description>Nvidia fell by a sixth.</description>
<pubDate>Mon, 27 Jan 2025 21:30:00 GMT</pubDate></item><item/></channel></rss>"""


@pytest.mark.parametrize("document", [G2, NITF, PLAIN])
def test_each_kind_gives_title_text_date_and_source_from_its_own_elements(document):
    (article,), _ = from_xml(document.encode(), "a.xml")
    assert [line for line in article.text.split("\n") if line] == [
        "Nvidia fell by a sixth.",
        "Others fell too.",
    ]
    assert (article.title, article.source) == ("Chips fall", "Daily Wire")
    assert str(article.published_at) == "2025-01-27 21:30:00"
    assert article.published_from == "field"


def test_an_item_without_text_is_a_reject_with_its_number():
    _, (reject,) = from_xml(G2.encode(), "a.xml")
    assert (reject.source_file, reject.source_row) == ("a.xml", 2)
    assert reject.reason == "item 2: empty: no text in it"


def test_a_plain_document_may_state_its_address():
    (article,), _ = from_xml(PLAIN.encode(), "a.xml")
    assert article.address == "https://daily.example/1"


def test_a_feed_in_a_file_is_read_as_a_feed_is_whatever_its_encoding():
    (article,), (reject,) = from_xml(RSS.encode("utf-16"), "feed.xml")
    assert article.text == "Chips fall\n\nNvidia fell by a sixth."
    assert (article.source, article.published_from) == ("Daily Wire", "feed")
    assert (reject.source_file, reject.source_row) == ("feed.xml", 2)


def test_a_declared_encoding_is_believed():
    document = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><article><body>Café fell.</body></article>'
    )
    (article,), _ = from_xml(document.encode("latin-1"), "a.xml")
    assert article.text == "Café fell."


def test_a_date_that_is_none_refuses_the_item_and_says_so():
    document = b"<article><date>soon</date><body>Chips fell.</body></article>"
    articles, (reject,) = from_xml(document, "a.xml")
    assert articles == []
    assert reject.reason.startswith("item 1: published_at is not an ISO 8601 date: 'soon'")


def test_an_article_within_an_article_is_part_of_it():
    document = b"<article><body>Chips <article><body>fell.</body></article></body></article>"
    (article,), rejects = from_xml(document, "a.xml")
    assert (article.text, rejects) == ("Chips fell.", [])


@pytest.mark.parametrize(
    "document",
    [
        b"<article>" + b"<p>" * 240 + b"x " * 50_000 + b"</p>" * 240 + b"</article>",
        b"<article><body>" + b"<p>x</p>" * 20_000 + b"</body></article>",
        b"<article><body>" + b"<!-- x -->" * 20_000 + b"</body></article>",
        b"<article>" + b"<body>" * 240 + b"<p/>" * 100_000 + b"</body>" * 240 + b"</article>",
        b"<article>" * 240 + b"<p>x</p>" * 20_000 + b"</article>" * 240,
        b"<a>" + b"<article><body>x</body></article>" * 5_000 + b"</a>",
        b"<article " + b" ".join(b'a%d="x"' % n for n in range(20_000)) + b"/>",
    ],
)
def test_hostile_documents_end_soon(document):
    started = time.process_time()
    try:
        from_xml(document, "a.xml")
    except UnreadableArticleError as error:
        assert str(error).startswith("not XML")  # noqa: PT017 - either end is a good one
    assert time.process_time() - started < 10
