"""Price providers: bars from vendors, from files, or from the embedded replay, by configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import dagster as dg

from resources.batch import Batch, Days
from resources.prices.refetch import Held, history, windows, with_new_actions
from warehouse.columns import BASIS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pyarrow as pa

    from resources.batch import Answer, Listing
    from resources.prices.bars import Provider

ACTIONS = "raw.corporate_actions"
SYMBOLS = ("today", "of_the_day")
# Vendors that are asked listing by listing and restate what they delivered.
REMOTE = ("yahoo", "eastmoney")


class Prices(dg.ConfigurableResource):
    """Daily bars of one provider, or of several that are held against each other.

    Parameters
    ----------
    provider : str
        ``replay`` (embedded: January 2025), ``files``, ``yahoo``; several, separated by spaces,
        are all asked, and their bars reconciled.
    path : str
        The file or folder that ``files`` reads.
    tickers : list of str
        What is asked for, spelt exactly as the provider spells it. Empty: all that ``files``
        and ``replay`` hold, all listings for vendors.
    columns : dict of str to str
        For ``files``: our column name -> theirs, where a header is not recognised.
    zone : str
        For ``files``: time zone of stamps that state a time and no zone. Empty: the exchange's.
    basis : str
        For ``files``: ``split_adjusted`` or ``as_traded``.
    symbols : str
        For ``files``: ``today``, or ``of_the_day`` where each bar stands under the symbol that the
        listing had then.
    payloads : str
        Folder that keeps vendors' answers as they came; empty keeps none.
    """

    provider: str = "replay"
    path: str = ""
    tickers: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    columns: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults
    zone: str = ""
    basis: str = "split_adjusted"
    symbols: str = "today"
    payloads: str = ""

    @property
    def providers(self) -> tuple[str, ...]:
        """The providers asked, in the order they were named."""
        return tuple(dict.fromkeys(self.provider.replace(",", " ").split()))

    @property
    def kind(self) -> Literal["replay", "real"]:
        """Whether the bars are the replay's or real; a warehouse never mixes the two."""
        return "replay" if self.providers == ("replay",) else "real"

    def fetch(self, listings: Sequence[Listing], days: Days, held: Held | None = None) -> Batch:
        """Return the bars of a closed range of exchange dates.

        Vendors are asked for more than that of listings which the warehouse holds: the last ten
        sessions, in turn the whole history, and the whole history where an action is new.

        Parameters
        ----------
        listings : sequence of Listing
            The instruments we know. A delivered ticker that none of them has gets the key
            ``FILE:<ticker>``.
        days : Days
            Rows outside are left out; rows without a readable date are kept for the quarantine.
        held : Held, optional
            What the warehouse holds; nothing, if not given.

        Returns
        -------
        Batch
            Values as delivered (text from CSV, null where nothing stands), one answer per
            file, per ticker asked for by name, or per listing. `beside` has the corporate actions
            that came along.

        Raises
        ------
        ValueError
            The configuration is wrong. Problems with data are answers and rejects.
        """
        held = held or Held()
        batch = together(
            _refetched(provider, self._wanted(listings), days, held)
            if name in REMOTE
            else provider.fetch(listings, days)
            for name, provider in self._chosen().items()
        )
        return replace(batch, answers=_in_all(batch.answers))

    def coverage(self) -> Days | None:
        """Return the first and last date the providers hold; None for vendors, or with no data."""
        found = [provider.coverage() for provider in self._chosen().values()]
        spans = [span for span in found if span]
        if not spans:
            return None
        return Days(min(span.start for span in spans), max(span.end for span in spans))

    def _wanted(self, listings: Sequence[Listing]) -> list[Listing]:
        """Return the listings that are asked for."""
        return [each for each in listings if not self.tickers or each.ticker in self.tickers]

    def refuse_misuse(self) -> None:
        """Raise ValueError if the configuration is wrong."""
        self._chosen()

    def _chosen(self) -> dict[str, Provider]:
        """Return the providers that the configuration names."""
        known = ", ".join(_PROVIDERS)
        for name in self.providers or (self.provider,):
            if name not in _PROVIDERS:
                raise ValueError(f"unknown price provider '{name}'; there are: {known}")
        if len(self.providers) > 1 and "replay" in self.providers:
            raise ValueError("the price provider 'replay' is never mixed with others")
        return {name: _PROVIDERS[name](self) for name in self.providers}


def together(batches: Iterable[Batch]) -> Batch:
    """Put batches of bars under one another."""
    import pyarrow as pa

    from resources.prices.bars import together as under

    parts = list(batches)
    actions = [part.beside[ACTIONS] for part in parts if ACTIONS in part.beside]
    return Batch(
        rows=under([part.rows for part in parts]),
        answers=[answer for part in parts for answer in part.answers],
        rejects=[reject for part in parts for reject in part.rejects],
        beside={ACTIONS: pa.concat_tables(actions)} if actions else {},
    )


def _in_all(answers: list[Answer]) -> list[Answer]:
    """Return the answers where not to know a ticker is no failure if another provider does."""
    delivered = {answer.requested for answer in answers if answer.outcome == "delivered"}
    return [
        replace(answer, outcome="no_data")
        if answer.cause == "unknown_ticker" and answer.requested in delivered
        else answer
        for answer in answers
    ]


def _refetched(provider: Provider, listings: list[Listing], days: Days, held: Held) -> Batch:
    """Ask a vendor for the days and for what it may have restated."""
    asked = windows(listings, days, held)
    batch = together(provider.fetch(each, span) for span, each in asked.items())
    spans = {one.listing_id: span for span, each in asked.items() for one in each}
    news = [
        one
        for one in with_new_actions(listings, batch.beside.get(ACTIONS), held)
        if history(one, days, held).start < spans[one.listing_id].start
    ]
    if not news:
        return batch
    again = provider.fetch(news, Days(min(held.first[one.listing_id] for one in news), days.end))
    return _superseded(batch, again)


def _superseded(batch: Batch, again: Batch) -> Batch:
    """Return a batch in which a ticker's later answer, if it brought bars, stands for the first."""
    anew = {answer.requested for answer in again.answers if answer.outcome == "delivered"}
    first, second = _of_tickers(batch, anew, inside=False), _of_tickers(again, anew, inside=True)
    return together([first, second])


def _of_tickers(batch: Batch, tickers: set[str], *, inside: bool) -> Batch:
    """Return what a batch says of some tickers, or of all others."""
    import pyarrow as pa

    def kept(table: pa.Table) -> pa.Table:
        among = [(ticker in tickers) == inside for ticker in table["ticker"].to_pylist()]
        return table.filter(pa.array(among, pa.bool_()))

    return replace(
        batch,
        rows=kept(batch.rows),
        answers=[answer for answer in batch.answers if (answer.requested in tickers) == inside],
        beside={name: kept(table) for name, table in batch.beside.items()},
    )


def _yahoo(prices: Prices) -> Provider:
    from resources.payloads import Payloads
    from resources.prices.yahoo import Yahoo

    folder = Path(prices.payloads) if prices.payloads else None
    return Yahoo(payloads=Payloads(folder), say=dg.get_dagster_logger().info)


def _eastmoney(_prices: Prices) -> Provider:
    from resources.prices.eastmoney import Eastmoney

    return Eastmoney()


def _files(prices: Prices) -> Provider:
    from resources.prices.files import Files
    from resources.prices.layouts import SYNONYMS
    from resources.reference import Reference

    if not prices.path:
        raise ValueError("the price provider 'files' needs a path (a file or a folder)")
    if strange := sorted(set(prices.columns) - set(SYNONYMS)):
        known = ", ".join(SYNONYMS)
        raise ValueError(f"columns: no such column of ours: {', '.join(strange)}; use: {known}")
    if prices.basis not in BASIS.one_of:
        raise ValueError(f"unknown basis '{prices.basis}'; there are: {', '.join(BASIS.one_of)}")
    if prices.symbols not in SYMBOLS:
        raise ValueError(f"unknown symbols '{prices.symbols}'; there are: {', '.join(SYMBOLS)}")
    dated = Reference(prices_path=prices.path).symbols() if prices.symbols != "today" else None
    return Files(
        prices.path, tuple(prices.tickers), prices.columns, prices.zone, prices.basis, dated
    )


def _replay(prices: Prices) -> Provider:
    from resources.prices.replay import Replay

    return Replay(tuple(prices.tickers))


_PROVIDERS: dict[str, Callable[[Prices], Provider]] = {
    "yahoo": _yahoo,
    "eastmoney": _eastmoney,
    "files": _files,
    "replay": _replay,
}
