"""Whether answers are kept whole, once, and under a name that proves them."""

from __future__ import annotations

import gzip
import hashlib
import os
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.payloads import PayloadError, Payloads

NOW = datetime.fromisoformat("2025-01-27T22:00")
BODY = b'{"chart": {"result": [1, 2, 3]}}' * 100


@pytest.fixture
def payloads(tmp_path):
    return Payloads(tmp_path / "payloads")


def keep(payloads, body=BODY):
    return payloads.keep(body, request="https://example.org/x", client="us 1.0", fetched_at=NOW)


def files(payloads):
    return sorted(path for path in payloads.folder.rglob("*") if path.is_file())


def test_the_name_is_the_hash_of_the_bytes_and_the_file_is_smaller(payloads):
    name = keep(payloads)
    assert name == hashlib.sha256(BODY).hexdigest()
    (path,) = files(payloads)
    assert path.relative_to(payloads.folder).as_posix() == f"{name[:2]}/{name}.gz"
    assert path.stat().st_size < len(BODY) / 10
    assert gzip.decompress(path.read_bytes()) == BODY
    assert payloads.read(name) == BODY


def test_the_same_answer_is_kept_once(payloads):
    first = keep(payloads)
    (path,) = files(payloads)
    before = path.stat().st_ino
    assert keep(payloads) == first
    assert files(payloads) == [path]
    assert path.stat().st_ino == before
    assert keep(payloads, BODY + b" ") != first
    assert len(files(payloads)) == 2


def test_an_answer_that_comes_again_is_as_young_as_its_last_coming(payloads):
    keep(payloads)
    (path,) = files(payloads)
    os.utime(path, (1e9, 1e9))
    keep(payloads)
    assert path.stat().st_mtime > 1.5e9


def test_the_same_bytes_give_the_same_file_whenever_they_come(payloads, tmp_path, monkeypatch):
    keep(payloads)
    monkeypatch.setattr("time.time", lambda: 1.0)
    later = Payloads(tmp_path / "later")
    keep(later)
    assert files(payloads)[0].read_bytes() == files(later)[0].read_bytes()


def test_without_a_folder_nothing_is_kept():
    nowhere = Payloads()
    assert keep(nowhere) is None
    with pytest.raises(PayloadError, match="no answer is kept under abc"):
        nowhere.read("abc")


def test_what_is_not_there_is_said(payloads):
    with pytest.raises(PayloadError, match="no answer is kept under ff"):
        payloads.read("ff" * 32)


def test_a_file_that_was_changed_is_not_believed(payloads):
    name = keep(payloads)
    (path,) = files(payloads)
    path.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(PayloadError, match="holds something else than its name says"):
        payloads.read(name)
    whole = path.read_bytes()
    # Cut off; of another kind; broken inside.
    for damaged in (whole[:-6], b"not compressed", whole[:12] + b"\xff" * 8 + whole[20:]):
        path.write_bytes(damaged)
        with pytest.raises(PayloadError, match="cannot be read"):
            payloads.read(name)


def test_a_write_that_breaks_off_leaves_no_answer(payloads, monkeypatch):
    def killed(_body, **_given):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gzip, "compress", killed)
        with pytest.raises(KeyboardInterrupt):
            keep(payloads)
    assert not [path for path in files(payloads) if path.suffix == ".gz"]
    assert payloads.read(keep(payloads)) == BODY


@given(body=st.binary(max_size=2000))
def test_every_answer_comes_back_as_it_came(tmp_path_factory, body):
    payloads = Payloads(tmp_path_factory.mktemp("payloads"))
    assert payloads.read(keep(payloads, body)) == body
