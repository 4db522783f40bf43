"""Every nasty file: the run ends, the good neighbour is kept, the bad one has its cause."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
import zlib

import pytest

from resources.articles import Articles
from resources.articles.archives import Unpacking, members
from resources.articles.files import Folder
from resources.articles.worker import Limits, Worker

TEXT = "Tuesday, January 28, 2025 - Shares of Nvidia fell by a sixth on Monday, more than ever.\n"


@pytest.fixture
def beside_a_good_one(tmp_path):
    """Return a way to read one file beside a good one: its answer and its reject."""

    def read(name, content=None):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        (tmp_path / "zz_good.txt").write_text(TEXT)
        batch = Articles(path=str(tmp_path)).fetch()
        assert "zz_good.txt" in batch.rows["location"].to_pylist()
        answers = {answer.requested: answer for answer in batch.answers}
        rejects = {reject.source_file: reject for reject in batch.rejects}
        return answers, rejects

    return read


def deep(n):
    return b"<a>" * n + b"x" + b"</a>" * n


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><article><body>&c;</body></article>'
)
BLOW_UP = (
    b'<!DOCTYPE l [<!ENTITY a "'
    + b"a" * 50_000
    + b'">]><article>'
    + b"&a;" * 50_000
    + b"</article>"
)
OUTSIDE = (
    b'<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><article><body>&x;</body></article>'
)


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("laughs.xml", LAUGHS, "refused: it defines entities"),
        ("laughs16.xml", LAUGHS.decode().encode("utf-16"), "refused: it defines entities"),
        ("blow_up.xml", BLOW_UP, "refused: it defines entities"),
        ("outside.xml", OUTSIDE, "refused: it defines entities"),
        ("deep.xml", deep(100_000), "not XML: "),
        ("cut.xml", b"<article><body>Nvidia", "not XML: "),
        ("other.xml", b"<recipe>Salt</recipe>", "no article in it: <recipe> is no known kind"),
        ("undefined.xml", b"<article><body>&x;</body></article>", "not XML: Entity 'x'"),
        ("image.txt", b"\x89PNG\r\n\x1a\n\x00\x00", "binary: it begins like a PNG image"),
        ("image.html", b"\xff\xd8\xff\xe0\x00\x10JFIF", "binary: it begins like a JPEG image"),
        ("report.txt", b"%PDF-1.7\n", "binary: it begins like a PDF"),
        ("nul.txt", b"Nvidia fell\x00 a lot", "binary: byte 11 is NUL"),
        ("nomark.txt", TEXT.encode("utf-16-le"), "binary: byte 1 is NUL"),
        ("control.txt", b"\x01\x02\x03\x04" * 50, "binary: full of control characters"),
        ("mixed.txt", "naïve café".encode() + b"\xe9 x", "bad encoding: byte 12 is not utf-8"),
        ("nowhere.txt", b"a \x81 b", "bad encoding: byte 2 is not utf-8, and not all are windows"),
        ("lying.html", b'<meta charset="utf-8"><p>caf\xe9 x', "bad encoding: byte 28 is not utf-8"),
        ("no.pdf", b"MZ not a PDF", "not a PDF: it does not begin with %PDF"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", "damaged PDF: "),
        ("no.zip", b"not a zip", "damaged archive: File is not a zip file"),
        ("deep.json", b"[" * 500_000, "not JSON: "),
    ],
)
def test_a_hostile_file_is_quarantined_with_its_cause(beside_a_good_one, name, content, cause):
    answers, rejects = beside_a_good_one(name, content)
    assert answers[name].outcome == "failed"
    assert answers[name].reason.startswith(cause)
    assert rejects[name].reason == answers[name].reason
    payload = json.loads(rejects[name].payload)
    assert payload["size"] == len(content)
    assert payload["sha256"] == hashlib.sha256(content).hexdigest()
    assert payload["begins"].isprintable() or not payload["begins"]
    assert len(payload["begins"]) <= 200


def test_what_a_device_a_pipe_or_a_link_out_of_the_folder_holds_is_not_read(
    beside_a_good_one, tmp_path, tmp_path_factory
):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "secret.txt").write_text("A secret that stands outside of the folder.")
    (tmp_path / "link.txt").symlink_to(elsewhere / "secret.txt")
    (tmp_path / "folder.txt").symlink_to(elsewhere)
    (tmp_path / "zero.txt").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.txt")
    answers, rejects = beside_a_good_one("x.part", b"half an art")
    out = "refused: a link out of the folder"
    assert {name: answers[name].reason for name in sorted(answers)} == {
        "folder.txt": out,
        "link.txt": out,
        "pipe.txt": "refused: no regular file",
        "x.part": "not an article: still being written (.part)",
        "zero.txt": out,
        "zz_good.txt": None,
    }
    assert set(rejects) == {"folder.txt", "link.txt", "pipe.txt", "zero.txt"}


def test_a_file_that_may_not_be_read_fails_alone(beside_a_good_one, monkeypatch):
    real = os.open

    def refusing(path, *rest, **named):
        if str(path).endswith("closed.txt"):
            raise PermissionError(13, "Permission denied")
        return real(path, *rest, **named)

    monkeypatch.setattr("resources.articles.files.os.open", refusing)
    answers, _ = beside_a_good_one("closed.txt", b"x")
    assert answers["closed.txt"].reason == "cannot be read: Permission denied"


def test_a_file_that_changes_while_it_is_read_is_refused(beside_a_good_one, tmp_path, monkeypatch):
    real = os.fstat
    path = tmp_path / "growing.txt"

    def growing(handle):
        found = real(handle)
        if path.exists() and found.st_ino == path.stat().st_ino:
            with path.open("a") as file:
                file.write("more")
        return found

    monkeypatch.setattr("resources.articles.files.os.fstat", growing)
    answers, _ = beside_a_good_one("growing.txt", b"Nvidia fell")
    assert answers["growing.txt"].reason.startswith("it changed while it was read")


@pytest.mark.parametrize(
    ("content", "text", "note"),
    [
        ("Café fell.".encode("utf-16"), "Café fell.", None),
        (b"\xff\xfe\x00\x00" + "Café fell.".encode("utf-32-le"), "Café fell.", None),
        (b"\xfe\xff" + "Café fell.".encode("utf-16-be"), "Café fell.", None),
        (b"\xef\xbb\xbfCaf\xc3\xa9 fell.", "Café fell.", None),
        (b"Caf\xe9 fell \x80 5.", "Café fell € 5.", "read as windows-1252: byte 3 is not utf-8"),
        ("It fell 5 €".encode()[:-1], "It fell 5", "cut off: its last character"),
        ("CafÃ© fell.".encode(), "CafÃ© fell.", None),
    ],
)
def test_an_encoding_is_read_by_a_rule_and_an_assumption_is_said(tmp_path, content, text, note):
    (tmp_path / "a.txt").write_bytes(content)
    batch = Articles(path=str(tmp_path)).fetch()
    assert batch.rows["text"].to_pylist() == [text]
    (answer,) = batch.answers
    assert answer.outcome == "delivered"
    assert (answer.reason or "").startswith(note or "")
    assert bool(answer.reason) == bool(note)


def zipped(*files, **named):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*files, *named.items()]:
            archive.writestr(name, content)
    return packed.getvalue()


def read_zip(body, **limits):
    with Worker() as worker:
        found = list(members("a.zip", body, worker, Unpacking(**limits)))
    return {
        delivery.requested: str(delivery.error) if delivery.error else delivery.reason
        for delivery in found
    }


def test_a_member_is_an_article_under_the_name_of_its_archive(beside_a_good_one):
    body = zipped(("in/a.txt", "Chips fell again, and widely."), ("b.doc", b"x"), (".c.txt", b"x"))
    answers, _ = beside_a_good_one("news.zip", body)
    assert {name: (answer.outcome, answer.reason) for name, answer in answers.items()} == {
        "news.zip/in/a.txt": ("delivered", None),
        "news.zip/b.doc": ("no_data", "not an article: .doc"),
        "news.zip/.c.txt": ("no_data", "not an article: hidden"),
        "zz_good.txt": ("delivered", None),
    }


def test_a_member_that_leads_out_is_a_link_or_an_archive_is_refused_and_the_good_one_kept():
    link = zipfile.ZipInfo("link.txt")
    link.external_attr = 0o120777 << 16
    out = "refused: its name leads out of the archive"
    body = zipped(
        ("../up.txt", TEXT),
        ("/top.txt", TEXT),
        ("in/../../x.txt", TEXT),
        ("..\\back.txt", TEXT),
        (link, "/etc/passwd"),
        ("in.zip", zipped(("a.txt", TEXT))),
        ("good.txt", TEXT),
    )
    found = read_zip(body)
    assert found.pop("a.zip/good.txt") is None
    assert found.pop("a.zip/link.txt") == "refused: a symbolic link"
    assert found.pop("a.zip/in.zip") == "refused: an archive in an archive"
    assert list(found.values()) == [out] * 4


def test_an_encrypted_member_is_refused():
    body = bytearray(zipped(("a.txt", TEXT)))
    body[6] |= 1
    body[body.rfind(b"PK\x01\x02") + 8] |= 1
    assert read_zip(bytes(body)) == {"a.zip/a.txt": "encrypted: the member asks for a password"}


def test_a_bomb_stops_at_its_ratio_and_at_its_total():
    bomb = zipped(("a.txt", b" " * 1_900_000), ("good.txt", TEXT))
    found = read_zip(bomb)
    assert found["a.zip/a.txt"] == "refused: it unpacks to more than 200 times its size"
    assert found["a.zip/good.txt"] is None
    total = "refused: the archive's total is spent"
    assert read_zip(bomb, total=50_000)["a.zip/a.txt"] == total
    assert read_zip(bomb, total=50_000)["a.zip"] == "refused: it unpacks to more than 50,000 bytes"
    assert "a.zip/good.txt" not in read_zip(bomb, total=50_000)


def test_a_member_too_large_and_an_archive_of_too_many_are_refused():
    noise = bytes(range(32, 127)) * 30_000
    large = "too large: at most 2,000,000 bytes"
    assert read_zip(zipped(("a.txt", noise)), ratio=10_000) == {"a.zip/a.txt": large}
    many = zipped(*((f"{number}.txt", b"") for number in range(11)))
    assert read_zip(many, members=10) == {"a.zip": "refused: more than 10 members"}


def test_a_header_that_lies_about_a_size_or_a_checksum_is_damage():
    body = bytearray(zipped(("a.txt", TEXT), ("good.txt", TEXT)))
    directory = body.find(b"PK\x01\x02")
    body[directory + 16] ^= 0xFF
    found = read_zip(bytes(body))
    assert found["a.zip/a.txt"].startswith("damaged archive: Bad CRC-32")
    assert found["a.zip/good.txt"] is None
    body[directory + 24 : directory + 28] = (5).to_bytes(4, "little")
    assert read_zip(bytes(body))["a.zip/a.txt"].startswith("damaged archive")


def pdf(*objects):
    """Return a PDF of these objects, numbered from 1; the first is the catalogue."""
    body = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    start = len(body)
    size = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    info = b" /Info %d 0 R" % len(objects) if objects[-1].startswith(b"<</Title") else b""
    return body + b"trailer\n<</Size %d /Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        size,
        info,
        start,
    )


def page_of(content, extra=b"", *more):
    return pdf(
        b"<</Type /Catalog /Pages 2 0 R>>",
        b"<</Type /Pages /Kids [3 0 R] /Count 1>>",
        b"<</Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R"
        b" /Resources <</Font <</F 5 0 R>>>>>>",
        b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(content), extra, content),
        b"<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
        *more,
    )


SHOWN = b"BT /F 12 Tf 50 700 Td (Shares of Nvidia fell by a sixth on Monday.) Tj ET"


def test_a_pdf_is_read_with_the_title_and_the_date_it_states(tmp_path):
    facts = b"<</Title (Chips fall) /CreationDate (D:20250127180000-05'00')>>"
    (tmp_path / "a.pdf").write_bytes(page_of(SHOWN, b"", facts))
    (row,) = Articles(path=str(tmp_path)).fetch().rows.to_pylist()
    assert row["text"] == "Shares of Nvidia fell by a sixth on Monday."
    assert (row["title"], row["published_from"]) == ("Chips fall", "metadata")
    assert str(row["published_at"]) == "2025-01-27 23:00:00"


def test_a_pdf_without_text_one_with_a_loop_and_one_that_swells_end_with_a_cause(
    beside_a_good_one, tmp_path
):
    loop = pdf(
        b"<</Type /Catalog /Pages 2 0 R>>", b"<</Type /Pages /Kids [2 0 R 2 0 R] /Count 9999999>>"
    )
    swollen = zlib.compress(b"(x) Tj " * 30_000_000, 9)
    (tmp_path / "loop.pdf").write_bytes(loop)
    (tmp_path / "scan.pdf").write_bytes(page_of(b"0 0 m 9 9 l S"))
    answers, _ = beside_a_good_one("swollen.pdf", page_of(swollen, b" /Filter /FlateDecode"))
    assert answers["scan.pdf"].reason == "empty: no text in the PDF (a scan?)"
    for name in ("loop.pdf", "swollen.pdf"):
        assert answers[name].outcome == "failed"
        assert answers[name].reason
        assert "\n" not in answers[name].reason


def test_an_encrypted_pdf_is_refused(beside_a_good_one):
    from pypdf import PdfWriter

    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    writer.encrypt("secret", algorithm="RC4-40")
    body = io.BytesIO()
    writer.write(body)
    answers, _ = beside_a_good_one("a.pdf", body.getvalue())
    assert answers["a.pdf"].reason == "encrypted: the PDF asks for a password"


def test_a_page_that_takes_too_long_is_stopped_and_its_neighbours_are_read(tmp_path):
    large = b"<html><body><article>" + b"<p>Shares of Nvidia fell by a sixth.</p>" * 40_000
    (tmp_path / "a.html").write_bytes(large)
    (tmp_path / "b.html").write_bytes(large)
    (tmp_path / "c.txt").write_text(TEXT)
    first, second, third = Folder(tmp_path, Limits(seconds=0.02)).deliveries()
    for stopped in (first, second):
        assert str(stopped.error) == "too slow: not read within 0.02 s"
        assert [reject.reason for reject in stopped.rejects] == [str(stopped.error)]
    assert len(third.articles) == 1
