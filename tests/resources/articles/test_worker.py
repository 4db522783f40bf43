from __future__ import annotations

import os
import signal

import pytest

from resources.articles.text import UnreadableArticleError
from resources.articles.worker import Limits, Worker, _received

TEXT = b"Shares of Nvidia fell by a sixth on Monday, more than ever before in one day."
SLOW = b"<html>" + b"<div>" * 300_000
FAST_PAGE = ".fast.html"


@pytest.fixture
def worker():
    with Worker(Limits(seconds=3.0)) as started:
        yield started


def pid(worker):
    worker.read(TEXT, ".txt")
    return worker._process.pid


def test_one_process_reads_many_documents(worker):
    article, note = worker.read(TEXT, ".txt")
    assert (article.text, article.language, note) == (TEXT.decode(), "en", None)
    assert article.published_at is None
    assert pid(worker) == pid(worker)


def test_a_date_and_a_note_come_back_whole(worker):
    article, note = worker.read(b"Jan 28, 2025 - Nvidia fell at the caf\xe9.", ".txt")
    assert str(article.published_at) == "2025-01-28 00:00:00"
    assert note == "read as windows-1252: byte 37 is not utf-8"


def test_what_holds_no_article_is_its_cause_and_costs_no_process(worker):
    before = pid(worker)
    with pytest.raises(UnreadableArticleError, match=r"^empty: no text in it$"):
        worker.read(b" ", ".txt")
    with pytest.raises(UnreadableArticleError, match=r"^cannot be read: KeyError"):
        worker.read(TEXT, ".unknown")
    assert pid(worker) == before


def test_a_document_beyond_its_deadline_is_stopped_and_the_next_is_read(worker):
    before = pid(worker)
    with pytest.raises(UnreadableArticleError, match=r"^too slow: not read within 3 s$"):
        worker.read(SLOW, FAST_PAGE)
    assert pid(worker) != before


def test_a_document_beyond_its_processor_time_is_stopped():
    limits = Limits(seconds=60, cpu_seconds=1)
    with Worker(limits) as worker, pytest.raises(UnreadableArticleError) as caught:
        worker.read(SLOW, FAST_PAGE)
    assert str(caught.value) == "too slow: more than 1 s of processor time"


def test_a_document_that_needs_more_memory_than_it_may_ends_with_a_cause():
    with Worker(Limits(memory=230_000_000)) as worker:
        with pytest.raises(UnreadableArticleError, match=r"memory|died"):
            worker.read(b"a b\n" * 5_000_000, ".txt")
        assert worker.read(TEXT, ".txt")[0].language == "en"


def test_a_worker_that_dies_between_two_documents_is_started_anew(worker):
    os.kill(pid(worker), signal.SIGKILL)
    with pytest.raises(UnreadableArticleError, match="died"):
        worker.read(TEXT, ".txt")
    assert worker.read(TEXT, ".txt")[0].text == TEXT.decode()


def test_the_worker_gets_nothing_of_the_environment(worker, monkeypatch):
    monkeypatch.setenv("SECRET_TOKEN", "s3cret")
    with open(f"/proc/{pid(worker)}/environ", "rb") as file:  # noqa: PTH123 - no file of ours
        assert b"SECRET_TOKEN" not in file.read()


def test_a_stopped_worker_leaves_no_process_and_may_be_stopped_again(worker):
    number = pid(worker)
    worker.stop()
    worker.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_an_answer_that_does_not_come_is_a_time_out(worker):
    pid(worker)
    with pytest.raises(TimeoutError):
        _received(worker._process, 1, 0.0)
