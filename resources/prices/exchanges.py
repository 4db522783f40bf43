"""How files name exchanges, and what follows from an exchange for a listing that nobody knows."""

# pyright: reportAttributeAccessIssue=false
# (pyarrow.compute makes its functions at run time, which no type checker sees)

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from resources.calendars import is_known

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

# What vendors write, in capitals; a market identifier code (ISO 10383) speaks for itself.
_NAMES = {
    "NASDAQ": "XNAS",
    "NYSE": "XNYS",
    "AMEX": "XASE",
    "NYSE AMERICAN": "XASE",
    "NYSE MKT": "XASE",
    "ARCA": "ARCX",
    "NYSE ARCA": "ARCX",
    "NYSEARCA": "ARCX",
    "CBOE": "BATS",
}
_NEW_YORK = ("US", "USD")
_EURO = ("EU", "EUR")
# Region and currency of what an exchange lists. London quotes in pounds and in pence: its listings
# need a line in instruments.csv.
PLACES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("XNAS", "XNYS", "XASE", "ARCX", "BATS"), _NEW_YORK),
    **dict.fromkeys(("XAMS", "XBRU", "XETR", "XHEL", "XLIS", "XMAD", "XMIL", "XPAR"), _EURO),
    "XTKS": ("JP", "JPY"),
}


def mic_of(name: str | None) -> str | None:
    """Return the market identifier code of an exchange as files write it; None for a stranger."""
    plain = " ".join((name or "").upper().split())
    found = _NAMES.get(plain, plain)
    return found if re.fullmatch(r"[A-Z0-9]{4}", found) and is_known(found) else None


def mics_of(names: pa.ChunkedArray) -> tuple[pa.Array, Counter[str]]:
    """Return the code of every row's exchange, and how often which name was a stranger."""
    import pyarrow as pa
    import pyarrow.compute as pc

    coded = pc.dictionary_encode(names).combine_chunks()
    mics = {name: mic_of(name) for name in coded.dictionary.to_pylist()}
    counts = {each["values"]: each["counts"] for each in pc.value_counts(names).to_pylist()}
    strangers = Counter(
        {name: counts[name] for name, mic in mics.items() if name.strip() and mic is None}
    )
    return pa.array(list(mics.values()), pa.string()).take(coded.indices), strangers


def completed(known: pa.Table, delivered: pa.Table) -> pa.Table:
    """Add to the instruments what the exchange that comes with prices says of their listings.

    Parameters
    ----------
    known : pyarrow.Table
        Columns of ``core.instruments``, as files of reference data have them.
    delivered : pyarrow.Table
        `listing_id`, `ticker`, `currency` and `exchange_mic` of the prices; the last two may be
        null.

    Returns
    -------
    pyarrow.Table
        The known rows, where their exchange is null with the delivered one and what follows from
        it, and a row for every listing that only the prices know: an equity of its exchange's
        region. What is known is never replaced.
    """
    import pyarrow as pa

    news = {row["listing_id"]: _placed(row) for row in delivered.to_pylist()}
    rows = known.to_pylist()
    for row in rows:
        found = news.pop(row["listing_id"], {})
        if row["exchange_mic"] is None:
            row.update({name: value for name, value in found.items() if row[name] is None})
    usual = {"asset_class": "equity", "is_primary": True, "registered_from": "prices"}
    return pa.Table.from_pylist(
        [*rows, *({**usual, **row} for row in news.values())], schema=known.schema
    )


def of_one_firm(instruments: pa.Table, speakers: Mapping[str, str]) -> pa.Table:
    """Give one issuer to listings that are lines of one firm, where nobody said whose they are.

    Parameters
    ----------
    instruments : pyarrow.Table
        Columns of ``core.instruments``.
    speakers : mapping of str to str
        `listing_id` to that of the listing that speaks for its firm (`selloff.issuers`).

    Returns
    -------
    pyarrow.Table
        The rows. A firm in which any line has an issuer is left as it was stated; of the others
        the speaker is the primary listing, and the issuer has its id.
    """
    import pyarrow as pa

    rows = instruments.to_pylist()
    stated = {speakers.get(row["listing_id"]) for row in rows if row["issuer_id"]}
    for row in rows:
        speaker = speakers.get(row["listing_id"])
        if speaker and speaker not in stated:
            row["issuer_id"] = f"of {speaker}"
            row["is_primary"] = row["listing_id"] == speaker
    return pa.Table.from_pylist(rows, schema=instruments.schema)


def _placed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a delivered listing with the region and currency of its exchange."""
    region, currency = PLACES.get(row["exchange_mic"], (None, None))
    return {**row, "region": region, "currency": row["currency"] or currency}
