"""Price providers: bars from Yahoo, from files, or from the embedded replay, by configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from resources.batch import Batch, Days, Listing
    from resources.prices.bars import Provider


class Prices(dg.ConfigurableResource):
    """Daily bars of one provider.

    Parameters
    ----------
    provider : str
        ``replay`` (embedded: January 2025), ``files`` or ``yahoo``.
    path : str
        The file or folder that ``files`` reads.
    tickers : list of str
        What is asked for, spelt exactly as the provider spells it. Empty: all that ``files``
        and ``replay`` hold, all listings for ``yahoo``.
    columns : dict of str to str
        For ``files``: our column name -> theirs, where a header is not recognised.
    """

    provider: str = "replay"
    path: str = ""
    tickers: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    columns: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults

    @property
    def kind(self) -> Literal["replay", "real"]:
        """Whether the bars are the replay's or real; a warehouse never mixes the two."""
        return "replay" if self.provider == "replay" else "real"

    def fetch(self, listings: Sequence[Listing], days: Days) -> Batch:
        """Return the bars of a closed range of exchange dates.

        Parameters
        ----------
        listings : sequence of Listing
            The instruments we know. A delivered ticker that none of them has gets the key
            ``FILE:<ticker>``.
        days : Days
            Rows outside are left out; rows without a readable date are kept for the quarantine.

        Returns
        -------
        Batch
            Values as delivered (text from CSV, null where nothing stands), one answer per
            file, per ticker asked for by name, or per listing.

        Raises
        ------
        ValueError
            The configuration is wrong. Problems with data are answers and rejects.
        """
        return self._chosen().fetch(listings, days)

    def coverage(self) -> Days | None:
        """Return the first and last date the provider holds; None for Yahoo, or with no data."""
        return self._chosen().coverage()

    def _chosen(self) -> Provider:
        """Return the provider that the configuration names."""
        if self.provider not in _PROVIDERS:
            known = ", ".join(_PROVIDERS)
            raise ValueError(f"unknown price provider '{self.provider}'; there are: {known}")
        return _PROVIDERS[self.provider](self)


def _yahoo(prices: Prices) -> Provider:
    from resources.prices.yahoo import Yahoo

    return Yahoo(tuple(prices.tickers))


def _files(prices: Prices) -> Provider:
    from resources.prices.files import Files
    from resources.prices.layouts import SYNONYMS

    if not prices.path:
        raise ValueError("the price provider 'files' needs a path (a file or a folder)")
    if strange := sorted(set(prices.columns) - set(SYNONYMS)):
        known = ", ".join(SYNONYMS)
        raise ValueError(f"columns: no such column of ours: {', '.join(strange)}; use: {known}")
    return Files(prices.path, tuple(prices.tickers), prices.columns)


def _replay(prices: Prices) -> Provider:
    from resources.prices.replay import Replay

    return Replay(tuple(prices.tickers))


_PROVIDERS: dict[str, Callable[[Prices], Provider]] = {
    "yahoo": _yahoo,
    "files": _files,
    "replay": _replay,
}
