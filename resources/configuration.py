"""What is wrong with the settings, said before anything is asked for: one line each.

Not here: what is wrong with data (answers, rejects, the quarantine).
"""

from __future__ import annotations

import difflib
import os
import zoneinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from resources.calendars import is_known
from resources.prices import REMOTE
from resources.warehouse import WarehouseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from resources.articles import Articles
    from resources.batch import Listing
    from resources.prices import Prices
    from resources.reference import Reference
    from resources.valuation import Valuation
    from resources.warehouse import Warehouse

SUGGESTIONS = 3
_HTTP = {"http", "https"}


def problems(resources: dict[str, Any]) -> list[str]:
    """Return what is wrong with the configured resources, each naming the key and what it takes.

    Parameters
    ----------
    resources : dict of str to resource
        As `definitions.defs` has them.
    """
    prices, reference = resources["price_provider"], resources["reference"]
    return [
        *price_problems(prices, reference.listings()),
        *_of_valuation(resources["valuation_source"]),
        *_of_articles(resources["article_source"]),
        *_of_events(reference),
        *_of_warehouse(resources["warehouse"]),
    ]


def refuse(found: Iterable[str]) -> None:
    """Raise WarehouseError with the problems, if there are any: trying again cannot help."""
    if lines := "; ".join(found):
        raise WarehouseError(lines)


def exchange_problems(exchanges: Iterable[str], listings: Iterable[Listing]) -> list[str]:
    """Return what is wrong with a choice of exchanges: MICs that none of the listings keeps."""
    known = sorted({each.exchange_mic for each in listings if each.exchange_mic})
    return [
        f"exchanges: '{mic}' "
        + ("has none of the listings" if is_known(mic) else "has no trading calendar")
        + f"; one or more of {', '.join(known)}"
        for mic in sorted(exchanges)
        if mic not in known
    ]


def price_problems(prices: Prices, listings: list[Listing]) -> Iterator[str]:
    """Yield what is wrong with the choice of providers, files, tickers and time zone."""
    try:
        prices.refuse_misuse()
    except ValueError as error:
        yield f"SELLOFF_PRICES: {error}"
        return
    if "files" in prices.providers and not Path(prices.path).exists():
        yield f"SELLOFF_PRICES_PATH: {prices.path}: no such file or folder of .csv or .parquet"
    if prices.zone and prices.zone not in zoneinfo.available_timezones():
        hint = _closest(prices.zone, zoneinfo.available_timezones())
        yield (
            f"SELLOFF_PRICES_ZONE: unknown time zone '{prices.zone}'; "
            f"a name of the IANA list such as {hint or 'America/New_York'}"
        )
    if set(prices.providers) <= {*REMOTE}:
        yield from _of_tickers(prices.tickers, listings)


def _of_tickers(tickers: list[str], listings: list[Listing]) -> Iterator[str]:
    known = {each.ticker for each in listings}
    for ticker in tickers:
        if ticker not in known:
            hint = _closest(ticker, known)
            near = f"nearest: {hint}; " if hint else ""
            yield (
                f"SELLOFF_TICKERS: unknown ticker '{ticker}'; {near}"
                f"one or more of the {len(known)} in instruments.csv"
            )


def _of_valuation(source: Valuation) -> Iterator[str]:
    try:
        source.refuse_misuse()
    except ValueError as error:
        yield str(error)


def _of_articles(articles: Articles) -> Iterator[str]:
    if articles.path and not Path(articles.path).exists():
        yield f"SELLOFF_ARTICLES_PATH: {articles.path}: no such file or folder"
    if articles.filings and "@" not in articles.sec_contact:
        yield (
            "SELLOFF_SEC_CONTACT: the SEC wants a name and an e-mail address with every request, "
            "such as 'Jane Doe jane@example.org'"
        )
    for archive in articles.archives:
        if not Path(archive).exists():
            yield f"SELLOFF_ARCHIVES: {archive}: no such file or folder"
    if articles.tone_words and not Path(articles.tone_words).is_file():
        yield f"SELLOFF_TONE_WORDS: {articles.tone_words}: no such file"
    for address in articles.feeds:
        if urlsplit(address).scheme not in _HTTP or not urlsplit(address).hostname:
            yield f"SELLOFF_FEEDS: '{address}' is no address; http://... or https://..."


def _of_events(reference: Reference) -> Iterator[str]:
    if reference.events_path and not Path(reference.events_path).is_file():
        yield f"SELLOFF_EVENTS: {reference.events_path}: no such file"


def _of_warehouse(warehouse: Warehouse) -> Iterator[str]:
    folder = warehouse.file.parent
    existing = next(each for each in (folder, *folder.parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield f"SELLOFF_WAREHOUSE: {existing} cannot be written to; a file in a folder of yours"
    if warehouse.engine != "duckdb":
        from resources import engine

        yield from engine.problems(warehouse.engine, warehouse.lake_folder)


def _closest(word: str, known: Iterable[str]) -> str:
    """Return the few known words that look like this one."""
    return ", ".join(difflib.get_close_matches(word, sorted(known), SUGGESTIONS))
