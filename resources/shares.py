"""Share counts as filed: the company facts of the SEC, free of charge and without a key."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from resources.batch import Batch, Reject
from resources.reference import DATA
from resources.web import Found, Pace, Patience, Row, Web, WebError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from resources.batch import Listing
    from resources.web import Keeper

CONTACT = "SELLOFF_SEC_CONTACT"
TICKERS = "https://www.sec.gov/files/company_tickers.json"
FACTS = "https://data.sec.gov/api/xbrl/companyfacts/CIK{cik:010d}.json"

# The SEC allows ten requests a second and blocks an address that asks more for ten minutes.
_PER_SECOND = 8.0
# Firms with several classes put 1, 100 or 1,000 where their classes' counts belong. Listed firms
# have more: of those with few, Seaboard has just under a million.
_FEWEST = 100_000
_US_EXCHANGES = frozenset({"ARCX", "BATS", "XASE", "XNAS", "XNYS"})
_COVER = ("dei", "EntityCommonStockSharesOutstanding")
_BALANCE_SHEET = ("us-gaap", "CommonStockSharesOutstanding")


def sec(contact: str, payloads: Keeper | None = None) -> SecShares:
    """Return the SEC as a source of share counts.

    Parameters
    ----------
    contact : str
        Name and e-mail address, which the SEC wants every request to state.
    payloads : Keeper, optional
        Keeps the answers.

    Raises
    ------
    ValueError
        If there is no contact with an e-mail address; nothing is asked then.
    """
    if "@" not in contact:
        raise ValueError(
            f"{CONTACT}: the SEC wants a name and an e-mail address with every request, "
            f"such as 'Jane Doe jane@example.org', not {contact!r}"
        )
    return SecShares(Web("sec", f"selloff {contact}", payloads, Patience(Pace(_PER_SECOND))))


def share_classes() -> pa.Table:
    """Return the classes of firms whose line is not simply their one class of shares.

    Returns
    -------
    pyarrow.Table
        `listing_id`, `share_class` and `units_per_share`: units of the listing's line that one
        share of the class stands for. Several rows of a listing are several classes of its
        firm, one row is a depositary receipt.
    """
    import pyarrow as pa

    with (DATA / "share_classes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    ratios = [float(Fraction(row["units_per_share"])) for row in rows]
    return pa.table(
        {
            "listing_id": pa.array([row["listing_id"] for row in rows], pa.string()),
            "share_class": pa.array([row["share_class"] for row in rows], pa.string()),
            "units_per_share": pa.array(ratios, pa.float64()),
        }
    )


def _classes() -> dict[str, tuple[str, ...]]:
    """Return the classes of a listing's firm, by listing."""
    found: dict[str, tuple[str, ...]] = {}
    for row in share_classes().to_pylist():
        listing_id = row["listing_id"]
        found[listing_id] = (*found.get(listing_id, ()), row["share_class"])
    return found


@dataclass(frozen=True)
class SecShares:
    """Share counts of cover pages and balance sheets.

    Parameters
    ----------
    web : Web
        Asks the SEC.
    classes : dict of str to tuple of str
        By listing: the classes of its firm where there are several, or what a depositary receipt
        stands for.
    tickers, facts : str
        Where the directory of filers is, and the facts of one of them (by ``cik``).
    """

    web: Web
    classes: dict[str, tuple[str, ...]] = field(default_factory=_classes)
    tickers: str = TICKERS
    facts: str = FACTS

    def fetch(self, listings: Sequence[Listing]) -> Batch:
        """Return every count that the listings' firms filed, for ``raw.shares_outstanding``.

        Both the cover page's and the balance sheet's counts are delivered; of one filing the
        cover page's is the later measured. Of a firm with several classes the company facts hold
        no count by class, and a cover count without one would be of one class alone: there the
        balance sheet's total is all there is. The SEC knows its filers under the symbols of
        today: a symbol that another firm had before leads to the firm of today.

        Returns
        -------
        Batch
            One answer for the directory of filers, and one per listing on an exchange of the
            United States if there is a directory. Placeholders are rejects.
        """
        directory = self.web.ask("directory of filers", self.tickers, _filers)
        ciks = {row["ticker"]: row["cik"] for row in directory.rows}
        listed = [one for one in listings if ciks and one.exchange_mic in _US_EXCHANGES]
        found = [self._of_listing(one, ciks.get(one.ticker.replace(".", "-"))) for one in listed]
        return Batch(
            _table([row for each in found for row in each.rows]),
            [each.answer for each in (directory, *found)],
            [reject for each in found for reject in each.rejects],
        )

    def _of_listing(self, listing: Listing, cik: int | None) -> Found:
        """Return the counts of one firm."""
        if cik is None:
            unlisted = WebError("no_data", "the SEC lists no filer under this symbol")
            return Found(unlisted.answer(listing.ticker, self.web.source, self.web.clock()))
        address = self.facts.format(cik=cik)

        def read(body: bytes) -> tuple[list[Row], list[Reject]]:
            return self._counts(listing, address, _facts(body, cik))

        found = self.web.ask(listing.ticker, address, read)
        if found.answer.cause != "not_found":
            return found
        reason = "the filer states no facts"
        return Found(replace(found.answer, outcome="no_data", cause="no_data", reason=reason))

    def _counts(
        self, listing: Listing, address: str, facts: dict[str, Any]
    ) -> tuple[list[Row], list[Reject]]:
        """Return the counts among a firm's facts; a fact stated twice counts once."""
        classes = self.classes.get(listing.listing_id, ("all",))
        is_one = len(classes) == 1
        kept: dict[tuple[Any, ...], Row] = {}
        rejects: list[Reject] = []
        for fact in _stated(facts, (_COVER, _BALANCE_SHEET) if is_one else (_BALANCE_SHEET,)):
            count = _count(fact)
            if isinstance(count, str):
                rejects.append(Reject(address, None, count, json.dumps(fact)))
                continue
            kept[tuple(count.values())] = {
                "listing_id": listing.listing_id,
                "ticker": listing.ticker,
                "share_class": classes[0] if is_one else "all",
                **count,
                "source": self.web.source,
                "source_file": address,
            }
        return list(kept.values()), rejects


def _filers(body: bytes) -> tuple[list[Row], list[Reject]]:
    """Return the filers' symbols and numbers."""
    found = _object(body).values()
    try:
        return [{"ticker": str(one["ticker"]), "cik": int(one["cik_str"])} for one in found], []
    except (KeyError, TypeError, ValueError) as error:
        raise WebError("malformed", f"no directory of filers: {error!r}") from error


def _facts(body: bytes, cik: int) -> dict[str, Any]:
    """Return what a filer states, by taxonomy."""
    document = _object(body)
    if document.get("cik") != cik:
        raise WebError("wrong_symbol", f"asked for filer {cik}, got {document.get('cik')}")
    facts = document.get("facts")
    if not isinstance(facts, dict):
        raise WebError("malformed", "a filer without facts")
    return facts


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise WebError("malformed", f"not JSON: {body[:40]!r}") from error
    if not isinstance(document, dict):
        raise WebError("malformed", f"not a JSON object: {body[:40]!r}")
    return document


def _stated(facts: dict[str, Any], concepts: Sequence[tuple[str, str]]) -> Iterator[Any]:
    """Return the facts about some concepts, in shares."""
    for taxonomy, concept in concepts:
        try:
            yield from facts.get(taxonomy, {}).get(concept, {}).get("units", {}).get("shares", [])
        except (AttributeError, TypeError) as error:
            raise WebError("malformed", f"{concept}: {error}") from error


def _count(fact: Any) -> Row | str:
    """Return a count with its two dates, or why the fact is none."""
    try:
        shares = float(fact["val"])
        measured, filed = date.fromisoformat(fact["end"]), date.fromisoformat(fact["filed"])
    except (KeyError, TypeError, ValueError) as error:
        return f"no share count: {error!r}"
    if not isfinite(shares):
        return f"no share count: {shares}"
    if shares < _FEWEST:
        return f"placeholder: fewer than {_FEWEST:,} shares"
    if filed < measured:
        return "filed before the date it speaks of"
    return {"measured_on": measured, "filed_on": filed, "shares_outstanding": shares}


def _table(rows: list[Row]) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema(
        {
            "listing_id": pa.string(),
            "ticker": pa.string(),
            "share_class": pa.string(),
            "measured_on": pa.date32(),
            "filed_on": pa.date32(),
            "shares_outstanding": pa.float64(),
            "source": pa.string(),
            "source_file": pa.string(),
            "source_row": pa.int64(),
        }
    )
    return pa.Table.from_pylist(rows, schema=schema)
