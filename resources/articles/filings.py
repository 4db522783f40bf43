"""Current reports (8-K) of US firms, from the SEC: official text, with the moment of acceptance."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from resources.articles.article import Article
from resources.articles.dates import instant
from resources.articles.gathering import Delivery, guarded
from resources.web import Pace, Patience, Web, WebError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from resources.batch import Reject
    from resources.web import Keeper, Row

    Reader = Callable[[bytes], Article]

DIRECTORY = "https://www.sec.gov/files/company_tickers.json"
SUBMISSIONS = "https://data.sec.gov/submissions/CIK{cik:010d}.json"
DOCUMENT = "https://www.sec.gov/Archives/edgar/data/{cik}/{folder}/{name}"
FORMS = frozenset({"8-K", "8-K/A", "6-K"})
NEWEST = 5
"""Reports of a firm that are read: a firm files one or two a month."""
# The SEC allows ten requests a second and blocks an address that asks more for ten minutes.
_PER_SECOND = 8.0


def filings(tickers: list[str], contact: str, payloads: Keeper | None = None) -> Filings:
    """Return the SEC as a source of current reports.

    Parameters
    ----------
    tickers : list of str
        Whose reports, by today's symbols in the United States.
    contact : str
        Name and e-mail address, which the SEC wants every request to state.
    payloads : Keeper, optional
        Keeps the answers.
    """
    web = Web("sec", f"selloff {contact}", payloads, Patience(Pace(_PER_SECOND)))
    return Filings(tickers, web)


@dataclass(frozen=True)
class Filings:
    """The newest current reports of some firms.

    Parameters
    ----------
    tickers : list of str
        Whose.
    web : Web
        Asks the SEC.
    directory, submissions, document : str
        Where the directory of filers is, the list of a firm's filings (by ``cik``), and one
        document (by ``cik``, ``folder`` and ``name``).
    """

    tickers: list[str]
    web: Web
    directory: str = DIRECTORY
    submissions: str = SUBMISSIONS
    document: str = DOCUMENT

    def deliveries(self) -> Iterator[Delivery]:
        """Yield what each report brought; its text is in the public domain, and kept whole."""
        from resources.articles.worker import Worker

        listed = self.web.ask("sec: directory", self.directory, guarded(_filers))
        if not listed.rows:
            yield Delivery(listed.answer.requested, answer=listed.answer)
            return
        ciks = {row["ticker"]: row["cik"] for row in listed.rows}
        with Worker() as worker:
            for ticker in self.tickers:
                if ticker in ciks:
                    yield from self._of(ticker, ciks[ticker], worker)
                else:
                    error = WebError("unknown_ticker", f"the SEC knows no {ticker}")
                    answer = error.answer(f"sec: {ticker}", "sec", self.web.clock())
                    yield Delivery(answer.requested, answer=answer)

    def _of(self, ticker: str, cik: int, worker: Any) -> Iterator[Delivery]:
        """Yield the newest reports of one firm."""
        found = self.web.ask(f"sec: {ticker}", self.submissions.format(cik=cik), guarded(_reports))
        if not found.rows:
            yield Delivery(found.answer.requested, answer=found.answer)
        for report in found.rows:
            folder = report["accession"].replace("-", "")
            address = self.document.format(cik=cik, folder=folder, name=report["name"])
            title = f"{ticker} {report['form']} {report['items']}".strip()

            def read(body: bytes) -> Article:
                return worker.read(body, ".html")[0]

            asked = self.web.ask(
                f"sec: {ticker} {report['accession']}",
                address,
                _reading(read, title, address, report["accepted_at"]),
            )
            yield Delivery(
                asked.answer.requested,
                [Article(**row) for row in asked.rows],
                asked.rejects,
                answer=asked.answer,
            )


def _filers(body: bytes) -> tuple[list[Row], list[Reject]]:
    """Read the directory of filers."""
    entries = _json(body)
    return [
        {"ticker": str(entry["ticker"]), "cik": int(entry["cik_str"])}
        for entry in entries.values()
        if isinstance(entry, dict) and "ticker" in entry and "cik_str" in entry
    ], []


def _reports(body: bytes) -> tuple[list[Row], list[Reject]]:
    """Read the newest current reports of a firm, the newest first."""
    recent = _json(body).get("filings", {}).get("recent", {})
    names = ("form", "accessionNumber", "primaryDocument", "acceptanceDateTime", "items")
    columns = [recent.get(name, []) for name in names]
    rows = [
        {
            "form": form,
            "accession": accession,
            "name": name,
            "accepted_at": instant(accepted),
            "items": items,
        }
        for form, accession, name, accepted, items in zip(*columns, strict=True)
        if form in FORMS and name
    ]
    return sorted(rows, key=lambda row: row["accepted_at"], reverse=True)[:NEWEST], []


def _reading(
    read: Reader, title: str, address: str, accepted_at: datetime
) -> Callable[[bytes], tuple[list[Row], list[Reject]]]:
    """Return what makes a row of a document's bytes."""

    def rows(body: bytes) -> tuple[list[Row], list[Reject]]:
        try:
            article = read(body)
        except Exception as error:  # whatever a parser raises, the other reports go on
            raise WebError("malformed", " ".join(str(error).split())[:120]) from error
        known = replace(
            article,
            title=title,
            address=address,
            source="SEC",
            published_at=accepted_at,
            published_from="field",
            published_zone="UTC",
        )
        return [asdict(known)], []

    return rows


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise WebError("malformed", f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise WebError("malformed", "not a JSON object")
    return found
