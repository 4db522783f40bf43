from __future__ import annotations

import gzip
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
import trustme

from resources.articles import Articles
from resources.articles.feeds import entries
from resources.articles.fetching import FetchError, Policy, fetch, is_public

ITEM = (
    "<item><title>Chips fall</title><link>https://daily.example/chips</link>"
    "<description>&lt;p&gt;Shares of Nvidia fell 17%&lt;/p&gt;&lt;p&gt;on Monday.&lt;/p&gt;"
    "</description><pubDate>Tue, 28 Jan 2025 01:30:00 +0100</pubDate></item>"
)
NOT_PUBLIC = """
    127.0.0.1 127.1.2.3 0.0.0.0 10.0.0.1 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1
    192.0.0.8 192.0.2.1 192.88.99.1 198.18.0.1 203.0.113.5 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 fe80::1 fe80::1%eth0
    fc00::1 fd12::1 fec0::1 ff02::1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::808:808 2001::1
    2001:db8::1 2002:7f00:1:: 2002:a00:1:: 2002:c0a8:101::1 3fff::1 100::1 5f00::1
"""


def rss(*items):
    return (
        f'<rss version="2.0"><channel><title>The Daily</title>{"".join(items)}</channel></rss>'
    ).encode()


class Handler(BaseHTTPRequestHandler):
    """Serve the paths that the tests ask for; `/to?ADDRESS` redirects there."""

    def do_GET(self):
        path = urlsplit(self.path)
        self.server.asked.append(self.path)
        if path.path == "/to":
            self.send_response(302)
            self.send_header("Location", path.query)
            self.end_headers()
        elif path.path == "/drip":
            self.send_response(200)
            self.end_headers()
            self.drip()
        elif path.path.startswith("/status/"):
            self.send_error(int(path.path.rpartition("/")[2]))
        else:
            self.send_body(path.path)

    def send_body(self, path):
        bodies = {"/big": b"x" * 2_000, "/html": b"<html>no feed</html>", "/zip": b"", "/cut": b"x"}
        body = bodies.get(path, rss(ITEM))
        body = gzip.compress(rss(ITEM)) if path == "/zip" else body
        self.send_response(200)
        if path == "/zip":
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body) + 500 * (path == "/cut")))
        self.end_headers()
        self.wfile.write(body)

    def drip(self):
        while not self.server.stopped.wait(0.05):
            try:
                self.wfile.write(b"<")
            except OSError:
                return

    def log_message(self, *args):
        """Stay quiet."""


@pytest.fixture
def serve():
    """Start servers on loopback, with TLS where a context is given."""
    running = []

    def start(context=None):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.asked, server.stopped = [], threading.Event()
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        running.append((server, thread))
        return server

    yield start
    for server, thread in running:
        server.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()


def loopback(server, **changes):
    """Return a policy that takes the server for feeds.example at a public address."""
    settings = {
        "hosts": frozenset({"feeds.example"}),
        "ports": frozenset({server.server_port}),
        "resolve": lambda _host, _port: ["127.0.0.1"],
        "allows": lambda address: address == "127.0.0.1",
        "seconds": 5.0,
    }
    return Policy(**{**settings, **changes})


def at(server, path, scheme="http"):
    return f"{scheme}://feeds.example:{server.server_port}{path}"


def refusal(address, policy):
    with pytest.raises(FetchError) as caught:
        fetch(address, policy)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", ["64:ff9b::808:808", "2002:808:808::1"])
def test_an_embedded_public_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("address", NOT_PUBLIC.split())
def test_a_private_special_or_embedded_address_is_not_public(address):
    assert not is_public(address)


def test_a_feed_is_fetched_from_the_pinned_address(serve):
    server, asked = serve(), []

    def resolve(host, port):
        asked.append((host, port))
        return ["127.0.0.1"]

    body = fetch(at(server, "/feed?a=1"), loopback(server, resolve=resolve))
    assert body == rss(ITEM)
    assert asked == [("feeds.example", server.server_port)]
    assert server.asked == ["/feed?a=1"]


def test_a_feed_is_fetched_over_tls_under_its_own_name(serve):
    authority = trustme.CA()
    mine, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("feeds.example").configure_cert(mine)
    authority.configure_trust(theirs)
    server = serve(mine)
    address = at(server, "/feed", "https")
    assert fetch(address, loopback(server, trust=lambda: theirs)) == rss(ITEM)
    assert "CERTIFICATE_VERIFY_FAILED" in refusal(address, loopback(server))


def test_a_certificate_for_another_name_is_refused(serve):
    authority = trustme.CA()
    mine, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("other.example").configure_cert(mine)
    authority.configure_trust(theirs)
    server = serve(mine)
    reason = refusal(at(server, "/feed", "https"), loopback(server, trust=lambda: theirs))
    assert reason.startswith("unreachable: ")
    assert server.asked == []


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("file:///etc/passwd", "refused: not http or https"),
        ("ftp://feeds.example/", "refused: not http or https"),
        ("feeds.example/feed", "refused: not http or https"),
        ("http://other.example/", "refused: host not allowed: other.example"),
        ("http://feeds.example@other.example/", "refused: host not allowed: other.example"),
        ("http://feeds.example.other.example/", "refused: host not allowed"),
        ("http://127.0.0.1/", "refused: host not allowed"),
        ("http://feeds.example:22/", "refused: port not allowed: 22"),
        ("http://feeds.example:99999/", "unreachable: Port out of range"),
        ("http://[feeds.example/", "unreachable: Invalid IPv6 URL"),
        ("", "refused: not http or https"),
    ],
)
def test_an_address_outside_the_policy_is_refused_before_it_is_resolved(address, cause):
    def resolve(host, _port):
        raise AssertionError(host)

    policy = Policy(hosts=frozenset({"feeds.example"}), resolve=resolve)
    assert refusal(address, policy).startswith(cause)


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], ["169.254.169.254"]]
)
def test_a_name_with_any_private_address_is_refused(addresses):
    policy = Policy(hosts=frozenset({"feeds.example"}), resolve=lambda _host, _port: addresses)
    reason = refusal("http://feeds.example/", policy)
    assert reason.startswith("refused: feeds.example is not at a public address: ")


def test_a_redirect_is_followed_under_the_same_policy(serve):
    server = serve()
    address = at(server, f"/to?{at(server, '/feed')}")
    assert fetch(address, loopback(server)) == rss(ITEM)
    inside = at(server, "/to?http://169.254.169.254/latest/meta-data")
    assert refusal(inside, loopback(server)) == "refused: host not allowed: 169.254.169.254"


def test_a_redirect_to_a_name_that_turned_private_is_refused(serve):
    server, answers = serve(), iter([["127.0.0.1"], ["10.0.0.1"]])
    policy = loopback(server, resolve=lambda _host, _port: next(answers))
    reason = refusal(at(server, "/to?/feed"), policy)
    assert reason == "refused: feeds.example is not at a public address: 10.0.0.1"
    assert server.asked == ["/to?/feed"]


def test_the_fourth_redirect_is_refused(serve):
    server = serve()
    reason = refusal(at(server, "/to?"), loopback(server))
    assert reason == "refused: more than 3 redirects"
    assert len(server.asked) == 4


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/status/503", "http 503"),
        ("/status/404", "http 404"),
        ("/big", "too large: more than 1,000 bytes"),
        ("/zip", "refused: a compressed answer, which was not asked for"),
        ("/cut", "cut off: 500 bytes are missing"),
    ],
)
def test_a_bad_answer_is_a_typed_failure(serve, path, cause):
    server = serve()
    assert refusal(at(server, path), loopback(server, max_bytes=1_000)) == cause


def test_an_answer_that_drips_is_cut_at_the_deadline(serve):
    server, start = serve(), time.monotonic()
    reason = refusal(at(server, "/drip"), loopback(server, seconds=0.4))
    assert reason == "timeout: no answer within 0.4 s"
    assert time.monotonic() - start < 15


def test_a_closed_port_is_unreachable(serve):
    server = serve()
    port = server.server_port
    server.server_close()
    policy = loopback(server)
    assert refusal(f"http://feeds.example:{port}/", policy).startswith("unreachable: ")


def test_proxies_of_the_environment_are_not_used(serve, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server = serve()
    assert fetch(at(server, "/feed"), loopback(server)) == rss(ITEM)


def test_an_entry_is_an_article():
    ((article,), rejects) = entries(rss(ITEM), "https://daily.example/feed")
    assert article.title == "Chips fall"
    assert article.text == "Chips fall\n\nShares of Nvidia fell 17%\non Monday."
    assert (article.source, article.address) == ("The Daily", "https://daily.example/chips")
    assert (str(article.published_at), article.published_from) == ("2025-01-28 00:30:00", "feed")
    assert rejects == []


def test_the_full_content_goes_before_the_summary():
    atom = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Daily</title><entry>
      <title>Chips fall</title><summary>Short.</summary><updated>2025-01-28T00:30:00Z</updated>
      <content type="html">&lt;p&gt;The whole story of Monday.&lt;/p&gt;</content>
    </entry></feed>"""
    ((article,), _) = entries(atom, "https://daily.example/feed")
    assert (article.text, article.title) == ("The whole story of Monday.", "Chips fall")
    assert str(article.published_at) == "2025-01-28 00:30:00"


def test_an_entry_without_text_is_a_reject_with_its_number():
    empty = "<item><link>https://daily.example/empty</link></item>"
    articles, (reject,) = entries(rss(ITEM, empty), "https://daily.example/feed")
    assert len(articles) == 1
    assert (reject.source_file, reject.source_row) == ("https://daily.example/feed", 2)
    assert reject.reason == "entry 2: empty: no text in it"
    assert "daily.example/empty" in reject.payload


def test_markup_in_a_feed_becomes_text_without_script():
    item = (
        "<item><title>A &lt;b&gt;bold&lt;/b&gt; headline</title><link>javascript:alert(1)</link>"
        "<description>&lt;script&gt;alert(1)&lt;/script&gt;Fell "
        "&amp;lt;script&amp;gt;</description></item>"
    )
    ((article,), _) = entries(rss(item), "https://daily.example/feed")
    assert article.title == "A bold headline"
    assert article.text == "A bold headline\n\nFell <script>"
    assert article.address is None


@pytest.mark.parametrize(
    "body",
    [b"", b"<html></html>", b"{}", b"\x00\xff", b"<rss", b"plain words"],
    ids=["empty", "page", "json", "bytes", "cut", "words"],
)
def test_what_is_no_feed_is_refused(body):
    with pytest.raises(FetchError, match=r"^not a feed: "):
        entries(body, "https://daily.example/feed")


def test_bytes_that_name_a_local_file_do_not_open_it(tmp_path):
    path = tmp_path / "secret.xml"
    path.write_bytes(rss(ITEM))
    with pytest.raises(FetchError, match=r"^not a feed: "):
        entries(str(path).encode(), "https://daily.example/feed")


def bomb(encoding):
    names = [f"<!ENTITY e{i} '{f'&e{i - 1};' * 10 if i else 'ha' * 10}'>" for i in range(10)]
    text = f"<!DOCTYPE rss [{''.join(names)}]>{rss('<item><title>&e9;</title></item>').decode()}"
    return text.encode(encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_bomb_of_entities_does_not_expand(encoding):
    start = time.process_time()
    with pytest.raises(FetchError, match=r"^not a feed: "):
        entries(bomb(encoding), "https://daily.example/feed")
    assert time.process_time() - start < 5


def test_an_external_entity_is_not_read(tmp_path):
    (tmp_path / "secret").write_text("secret")
    body = f"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file://{tmp_path}/secret'>]>".encode() + rss(
        "<item><title>&x;</title></item>"
    )
    with pytest.raises(FetchError, match="it defines entities"):
        entries(body, "https://daily.example/feed")


@pytest.mark.parametrize("unit", ["&lt;!--", "&lt;", "&amp;", "&lt;a ", "<![CDATA[<a ]]>"])
def test_a_hostile_feed_is_read_in_linear_time(unit):
    item = f"<item><title>T</title><description>{unit * 100_000}</description></item>"
    start = time.process_time()
    entries(rss(item), "https://daily.example/feed")
    # feedparser's own sanitiser needs 18 s for the first of these.
    assert time.process_time() - start < 8


class Local(Articles):
    """Articles whose policy takes loopback for the public network."""

    port: int

    def policy(self):
        return Policy(
            hosts=super().policy().hosts,
            ports=frozenset({self.port}),
            resolve=lambda _host, _port: ["127.0.0.1"],
            allows=lambda _address: True,
        )


def test_feeds_and_files_are_one_batch(serve, tmp_path):
    server = serve()
    (tmp_path / "a.txt").write_text("Chips fell once more, and widely.")
    feeds = [at(server, path) for path in ("/feed", "/status/503", "/html", "/feed2")]
    batch = Local(path=str(tmp_path), feeds=feeds, port=server.server_port).fetch()
    outcomes = [(answer.outcome, answer.reason, answer.n_rows) for answer in batch.answers]
    assert outcomes == [
        ("delivered", None, 1),
        ("delivered", None, 1),
        ("failed", "http 503", 0),
        ("failed", "not a feed: neither RSS nor Atom", 0),
        ("no_data", "the same text as https://daily.example/chips", 0),
    ]
    row = batch.rows.to_pylist()[1]
    assert (row["source"], row["location"]) == ("The Daily", "https://daily.example/chips")
    assert (row["source_file"], row["published_from"]) == (feeds[0], "feed")


def test_by_default_only_the_hosts_of_the_feeds_may_be_fetched():
    feeds = ["https://Feeds.example/a", "https://b.example:443/b", "not an address"]
    assert Articles(feeds=feeds).policy().hosts == {"feeds.example", "b.example", ""}
    named = Articles(feeds=feeds, allowed_hosts=["C.example"])
    assert named.policy().hosts == {"c.example"}
