"""Aliases of a whole market: the names that texts use, from the names as registered."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

_LONGEST = 120
_CUT = re.compile(
    r" - | \(| (?:Class|Series|Cl) [A-Z]\b| (?:Common|Ordinary|Capital|Depositary|American"
    r"|Preferred|Warrants?|Rights?|Units?|Notes?|Registry|Subordinate|Voting|New York|Sponsored"
    r"|Shares?|Stock|Cumulative|Perpetual|Beneficial)\b| \d"
)
_FORM = re.compile(
    r",? (?:Inc|Incorporated|Corp|Corporation|Co|Company|Companies|Ltd|Limited|plc|PLC|LLC|L\.?P|LP"
    r"|N\.?V|S\.?A|S\.?p\.?A|AG|SE|SA|NV|A/S|AB|ASA|KGaA|Group|Holdings?|Holding|Trust|& Co"
    r"|and Company|\.com)\.?$"
)
_FUND = re.compile(
    r"\b(?:ETF|ETN|Fund|Funds|Index|Portfolio|Acquisition|Bull|Bear|SPAC|Income|Municipal|Treasury"
    r"|Bond|Trust|Warrants?|Rights?|Units?)\b",
    re.IGNORECASE,
)
_WORDS = frozenset(
    re.findall(
        r"\w+",
        """
        Access Active Advance Air Alliance Allied Ally Alpha Alpine American Apex Apple Arm
        Arrow Atlas Aurora Avenue Axis Ball Bank Beacon Best Beyond Big Bill Block Bloom
        Boston Box Bridge Bright Cable California Capital Carnival Catalyst Caterpillar
        Central Century Charter Chase Chevron China Citizens Clean Clear Coach Coherent
        Columbia Compass Constellation Core Credit Crown Delta Diamond Digital Direct
        Discover Dollar Dominion Duke Dynamic Eagle Eastern Element Energy Equity Essential
        Evolution Express Fair Federal Fidelity First Five Focus Ford Forward Fox Freedom
        Frontier Gap Garden Gates General Global Golden Grab Grace Graham Green Grid Guess
        Harmony Heritage Hope Horizon Impact Independence Insight International Iron Jack
        Jackson Key Landmark Legacy Legend Lemonade Level Liberty Life Light Lilly Lincoln
        Live Loop Lucid Main Marathon Mark Match Mercury Meta Mission Model Monster Morning
        Motion National Nature New News North Northern Oak Ocean Old Olympic One Open Option
        Oracle Orbit Pacific Paramount Park Patrick Pegasus Phoenix Pilot Pioneer Planet
        Pool Power Premier Prime Progress Progressive Prospect Public Pulse Pure Quest
        Radiant Range Ranger Realty Red Regions Reliance Republic Rocket Root Royal Rush
        Sage Select Service Shift Silver Snap Solid Sonic Sound Southern Spark Spirit Square
        Standard Star State Sterling Strategy Summit Sun Sunrise Target Texas Toast
        Travelers Trinity Triumph Union United Unity Universal Urban Valley Vector Venture
        Victory Visa Vista Wave West Western Workday World York Zoom
        """,
    )
)
"""Names that are also words, places or persons: a cue must stand beside them."""


def alias_of(name: str) -> str | None:
    """Return what texts call the firm of a registered name.

    Parameters
    ----------
    name : str
        The name as registered, with legal form, share class and descriptors.

    Returns
    -------
    str or None
        The name without them; None for a fund, a shell company, a right or a name without rest.

    Examples
    --------
    >>> alias_of("ASML Holding N.V. - New York Registry Shares"), alias_of("Oracle Corp")
    ('ASML', 'Oracle')
    """
    plain = " ".join(name[:_LONGEST].split())
    if _FUND.search(plain):
        return None
    if cut := _CUT.search(plain):
        plain = plain[: cut.start()]
    plain = " " + plain.removeprefix("The ")
    while match := _FORM.search(plain):
        plain = plain[: match.start()]
    plain = plain.strip(" ,.&")
    return plain if len(plain) > 1 and plain[0].isalnum() else None


def aliases_from_names(instruments: pa.Table, own: pa.Table | None = None) -> pa.Table:
    """Derive the alias table of a market from registered names.

    Parameters
    ----------
    instruments : pyarrow.Table
        `listing_id`, `ticker` and `name` (NULL: no alias).
    own : pyarrow.Table, optional
        Rows of `listing_id` and `alias` that are written by hand: their listings get no other.

    Returns
    -------
    pyarrow.Table
        `listing_id`, `ticker`, `alias`, `alias_kind`, `needs_cue`, `valid_from`, `valid_to` (both
        NULL), in the order of the instruments. An alias that is a common word or a place, has
        three characters or fewer, or belongs to several listings needs a cue.

    Examples
    --------
    >>> import pyarrow as pa
    >>> row = {"listing_id": "XNYS:ORCL", "ticker": "ORCL", "name": "Oracle Corp"}
    >>> found = aliases_from_names(pa.Table.from_pylist([row]))
    >>> found.select(["alias", "needs_cue"]).to_pylist()
    [{'alias': 'Oracle', 'needs_cue': True}]
    """
    import pyarrow as pa

    known = set(own["listing_id"].to_pylist()) if own is not None else set()
    derived = [
        (row["listing_id"], row["ticker"], written)
        for row in instruments.select(["listing_id", "ticker", "name"]).to_pylist()
        if row["listing_id"] not in known and (alias := alias_of(row["name"] or ""))
        for written in _ways(alias)
    ]
    shared = Counter(alias for _, _, alias in derived)
    texts = [(name, pa.string()) for name in ("listing_id", "ticker", "alias", "alias_kind")]
    days = [("valid_from", pa.date32()), ("valid_to", pa.date32())]
    rows = [
        {
            **dict(zip(("listing_id", "ticker", "alias"), row, strict=True)),
            "alias_kind": "company",
            "needs_cue": _is_word(row[2]) or shared[row[2]] > 1,
        }
        for row in derived
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([*texts, ("needs_cue", pa.bool_()), *days]))


def _is_word(alias: str) -> bool:
    return alias in _WORDS or alias.capitalize() in _WORDS or len(alias) <= 3  # noqa: PLR2004


def _ways(alias: str) -> list[str]:
    """Return the alias and, of a word registered in capitals, how texts write it (Nvidia)."""
    is_shouted = alias.isupper() and alias.isalpha() and len(alias) > 4  # noqa: PLR2004
    return [alias, alias.capitalize()] if is_shouted else [alias]
