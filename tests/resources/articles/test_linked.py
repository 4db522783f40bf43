"""Conditional requests, and the pages behind entries: robots.txt, allowed hosts, their failures."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

import pytest

from resources.articles.article import made
from resources.articles.feeds import Feed
from resources.articles.fetching import FetchError, NotModifiedError, Policy, fetch
from resources.articles.gathering import gathered
from resources.articles.linked import Linked
from resources.articles.validators import Validators
from resources.articles.worker import Worker

PAGE = "<html><body><article><p>{}</p></article></body></html>".format(
    "The whole story: shares of Nvidia fell 17% on Monday, the most since March 2020. " * 4
)


class Site(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        self.server.asked.append((path, dict(self.headers)))
        status, body, headers = self.server.pages.get(path, (404, b"", {}))
        if headers.get("ETag") and self.headers.get("If-None-Match") == headers["ETag"]:
            status, body = 304, b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        """Stay silent."""


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.pages, server.asked = {}, []
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def policy(site):
    return Policy(
        hosts=frozenset({"daily.example"}),
        ports=frozenset({site.server_port}),
        resolve=lambda _host, _port: ["127.0.0.1"],
        allows=lambda _address: True,
    )


def at(site, path):
    return f"http://daily.example:{site.server_port}{path}"


def test_a_document_is_asked_for_with_what_was_said_of_its_state(site, policy, tmp_path):
    site.pages["/feed"] = (200, b"body", {"ETag": '"1"', "Last-Modified": "Mon, 27 Jan 2025"})
    known = Validators(tmp_path)
    assert fetch(at(site, "/feed"), policy, known) == b"body"
    known.keep(at(site, "/feed"))
    with pytest.raises(NotModifiedError):
        fetch(at(site, "/feed"), policy, known)
    asked = site.asked[-1][1]
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"1"', "Mon, 27 Jan 2025")
    site.pages["/feed"] = (200, b"new", {"ETag": '"2"'})
    assert fetch(at(site, "/feed"), policy, known) == b"new"


def test_without_a_folder_every_document_is_asked_for_whole(site, policy):
    site.pages["/feed"] = (200, b"body", {"ETag": '"1"'})
    for _ in range(2):
        assert fetch(at(site, "/feed"), policy, Validators()) == b"body"
    assert all("If-None-Match" not in asked for _, asked in site.asked)


def test_an_unchanged_feed_is_a_fact_and_no_failure(site, policy, tmp_path):
    item = "<item><title>Chips</title><description>Shares fell.</description></item>"
    body = f'<rss version="2.0"><channel><title>D</title>{item}</channel></rss>'.encode()
    site.pages["/feed"] = (200, body, {"ETag": '"1"'})
    feed = Feed(at(site, "/feed"), policy, Validators(tmp_path))
    first, second = (gathered([feed]).answers[0] for _ in range(2))
    assert (first.outcome, first.n_rows) == ("delivered", 1)
    assert (second.outcome, second.reason) == ("no_data", "unchanged since it was last read")


def test_a_feed_that_could_not_be_read_comes_whole_again(site, policy, tmp_path):
    site.pages["/feed"] = (200, b"no feed", {"ETag": '"1"'})
    feed = Feed(at(site, "/feed"), policy, Validators(tmp_path))
    for _ in range(2):
        (answer,) = gathered([feed]).answers
        assert (answer.outcome, answer.cause) == ("failed", "malformed")
    assert all("If-None-Match" not in asked for _, asked in site.asked)


def test_a_broken_validator_is_no_validator(tmp_path):
    known = Validators(tmp_path)
    known.hear("a", {"ETag": "x" * 1000, "Last-Modified": "a\nb"})
    known.keep("a")
    assert known.headers("a") == {}
    next(tmp_path.glob("*.json")).write_text("{broken")
    assert known.headers("a") == {}


@pytest.mark.parametrize(
    ("robots", "may"),
    [
        ((404, b"", {}), True),
        ((200, b"User-agent: *\nDisallow: /private", {}), True),
        ((200, b"User-agent: *\nDisallow: /", {}), False),
        ((200, b"User-agent: selloff\nDisallow: /story", {}), False),
        ((503, b"", {}), False),
    ],
)
def test_robots_txt_is_respected(site, policy, robots, may):
    site.pages["/robots.txt"] = robots
    assert Linked(policy, None).may_fetch(at(site, "/story")) is may


def test_a_page_gives_its_text_and_the_feed_its_facts(site, policy):
    site.pages["/story"] = (200, PAGE.encode(), {})
    entry = made("A summary of it.", title="Chips", address=at(site, "/story"))
    with Worker() as worker:
        whole = Linked(policy, worker).whole(entry)
    assert whole.text.startswith("The whole story:")
    assert (whole.title, whole.address) == ("Chips", entry.address)


def test_a_page_that_may_not_or_cannot_be_read_leaves_the_entry_as_it_was(site, policy):
    site.pages["/robots.txt"] = (200, b"User-agent: *\nDisallow: /closed", {})
    with Worker() as worker:
        linked = Linked(policy, worker)
        for path, reason in (("/closed", "robots.txt forbids it"), ("/gone", "http 404")):
            entry = made("A summary of it.", address=at(site, path))
            found = linked.whole(entry)
            assert found.text == entry.text
            assert reason in found.remarks[0]
        other = made("A summary of it.", address="https://other.example/story")
        assert linked.whole(other) == other
    assert all("other.example" not in asked.get("Host", "") for _, asked in site.asked)


def test_robots_txt_is_asked_for_once_per_host(site, policy):
    linked = Linked(policy, None)
    for path in ("/a", "/b", "/c"):
        linked.may_fetch(at(site, path))
    assert [path for path, _ in site.asked] == ["/robots.txt"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("timeout: no answer within 20 s", "timeout"),
        ("unreachable: refused", "outage"),
        ("cut off: 5 bytes are missing", "truncated"),
        ("http 404", "not_found"),
        ("http 429", "rate_limited"),
        ("http 503", "outage"),
        ("http 403", "refused"),
        ("refused: host not allowed: x", "refused"),
        ("not a feed: no XML", "malformed"),
    ],
)
def test_every_failure_has_its_cause_in_one_word(text, cause):
    assert FetchError(text).cause == cause
