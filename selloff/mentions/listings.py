"""Which listing of a firm a text means: by ticker, place, currency, session, or the primary one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from selloff.mentions.lexicon import Name, Span

_PLACES: tuple[tuple[str, frozenset[str]], ...] = (
    (
        r"Nasdaq|NASDAQ|New York|NYSE|Wall Street|US-listed|US-traded|ADRs?\b|American depositary",
        frozenset({"XNAS", "XNYS", "ARCX", "OTCM"}),
    ),
    (r"Amsterdam|Dutch|the Netherlands", frozenset({"XAMS"})),
    (r"Frankfurt|Xetra|XETRA|German(?:y|'s)?\b", frozenset({"XETR", "XFRA"})),
    (r"Paris|French|France", frozenset({"XPAR"})),
    (r"London|British|FTSE|the UK\b|Britain", frozenset({"XLON"})),
    (r"Tokyo|Japan(?:ese)?\b|Nikkei", frozenset({"XTKS"})),
    (r"Hong Kong|Hang Seng", frozenset({"XHKG"})),
    (r"Taipei|Taiwan-listed", frozenset({"XTAI"})),
    (r"Seoul|Kospi|Korean?\b", frozenset({"XKRX"})),
    (r"Mumbai|Sensex|Nifty|India(?:n)?\b|BSE\b|NSE\b", frozenset({"XNSE", "XBOM"})),
    (r"Zurich|Swiss|Switzerland", frozenset({"XSWX"})),
    (r"Copenhagen|Danish|Denmark", frozenset({"XCSE"})),
    (
        r"Europe(?:an)?\b|STOXX|Stoxx",
        frozenset({"XAMS", "XETR", "XFRA", "XPAR", "XLON", "XSWX", "XCSE", "XMIL", "XMAD", "XSTO"}),
    ),
)
_PLACE = tuple((re.compile(rf"\b(?:{words})"), mics) for words, mics in _PLACES)
_CURRENCIES = (
    (re.compile(r"\u20ac|\beuros?\b"), "EUR"),
    (re.compile(r"\u00a3|\bpence\b|\bpounds?\b"), "GBP"),
    (re.compile(r"\u00a5|\byen\b"), "JPY"),
    (re.compile(r"\$|\bdollars?\b"), "USD"),
)


@dataclass(frozen=True, slots=True)
class Context:
    """What may say which listing is meant, from near to far.

    Parameters
    ----------
    clause, sentence : str
        The words around the name, with plain quotes.
    ticker : str
        The ticker in brackets behind the name.
    open_mics : frozenset of str
        Exchanges that could trade that day before the article was written; empty: not known.
    """

    clause: str = ""
    sentence: str = ""
    ticker: str = ""
    open_mics: frozenset[str] = frozenset()


def resolve(span: Span, context: Context) -> tuple[Name, str]:
    """Return the listing that a name means in its context, and what decided.

    In this order: it has one listing; the ticker in brackets; a place named in the clause, then in
    the sentence (Amsterdam-listed, on Nasdaq, In Europe); a currency in the clause; the one listing
    that could trade before the article was written; the primary listing.

    Parameters
    ----------
    span : Span
        Where the text names the firm.
    context : Context
        What stands around it.

    Returns
    -------
    tuple of Name and str
        The listing, and `listing_from` as the contract of core.mentions has it.
    """
    names = span.names
    if len(names) == 1:
        return names[0], "ticker" if span.kind == "ticker" else "only"
    tries: tuple[tuple[str, Callable[[], Name | None]], ...] = (
        ("ticker", lambda: _only(names, "ticker", frozenset({context.ticker}))),
        ("place", lambda: _by_place(names, context.clause)),
        ("place", lambda: _by_place(names, context.sentence)),
        ("currency", lambda: _only(names, "currency", _currencies(context.clause))),
        ("session", lambda: _only(names, "exchange_mic", context.open_mics)),
    )
    for how, look in tries:
        if name := look():
            return name, how
    return names[0], "primary"


@lru_cache(maxsize=4096)
def _by_place(names: tuple[Name, ...], text: str) -> Name | None:
    """Return the listing at the place that is named, if one alone is."""
    found = {
        name.listing_id: name
        for form, mics in _PLACE
        if form.search(text)
        for name in names
        if name.exchange_mic in mics
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _only(names: tuple[Name, ...], field: str, allowed: frozenset[str]) -> Name | None:
    """Return the one listing whose field is among those allowed."""
    found = [name for name in names if getattr(name, field) in allowed]
    return found[0] if len(found) == 1 else None


def _currencies(text: str) -> frozenset[str]:
    return frozenset(code for form, code in _CURRENCIES if form.search(text))
