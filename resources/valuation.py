"""Where share counts and exchange rates come from; without configuration nothing is asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import dagster as dg

from resources.batch import Answer, Batch, Days
from resources.prices.bars import utc_now
from resources.prices.refetch import is_turn

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    from resources.batch import Listing
    from resources.payloads import Payloads
    from resources.reference import Reference


BEFORE = timedelta(days=10)


class Valuation(dg.ConfigurableResource):
    """Sources of share counts and exchange rates.

    Parameters
    ----------
    shares : list of str
        ``yahoo``, ``sec``, both or neither (then the repository's own counts are all there is).
    rates : list of str
        ``ecb`` or nothing (then the currency pairs among the prices are all there is).
    sec_contact : str
        Name and e-mail address that the SEC wants with every request.
    payloads : str
        Folder that keeps the answers as they came; empty keeps none.
    """

    shares: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    rates: list[str] = []  # noqa: RUF012 - pydantic copies defaults
    sec_contact: str = ""
    payloads: str = ""

    def share_counts(self, reference: Reference, days: Days, known: set[str]) -> Batch:
        """Return the repository's counts, and what is filed of listings whose turn it is.

        It is the turn of a listing without any count, and in turn of all others.

        Parameters
        ----------
        reference : Reference
            The instruments we know, and the repository's counts.
        days : Days
            The days of the run; the last one decides whose turn it is.
        known : set of str
            Listings of which a count is held.

        Returns
        -------
        Batch
            Rows for ``raw.shares_outstanding``.

        Raises
        ------
        ValueError
            The configuration is wrong.
        """
        due = [
            each
            for each in reference.listings()
            if each.listing_id not in known or is_turn(each.listing_id, days.end)
        ]
        asked = [_SHARES[name](self)(due, days) for name in self._known("SHARES")]
        return _under([_own(reference), *asked], kind="real" if asked else None)

    def fx_rates(self, days: Days) -> Batch:
        """Return the exchange rates of the days and of those before, for ``raw.fx_rates``."""
        # A bank has holidays, and the rate before them is the one that counts.
        span = Days(days.start - BEFORE, days.end)
        asked = [_RATES[name](self)(span) for name in self._known("FX")]
        nothing = [_nothing("exchange rates", "SELLOFF_FX")]
        return _under(asked or nothing, kind="real" if asked else None)

    def refuse_misuse(self) -> None:
        """Raise ValueError if the configuration is wrong."""
        for name in self._known("SHARES"):
            _SHARES[name](self)
        self._known("FX")

    def kept(self) -> Payloads:
        """Return what keeps the answers."""
        from resources.payloads import Payloads

        return Payloads(Path(self.payloads) if self.payloads else None)

    def _known(self, key: str) -> list[str]:
        """Return the sources that a setting names."""
        names, sources = (self.shares, _SHARES) if key == "SHARES" else (self.rates, _RATES)
        for name in names:
            if name not in sources:
                known = ", ".join(sources)
                raise ValueError(f"SELLOFF_{key}: unknown source '{name}'; one or more of {known}")
        return names


def _yahoo(source: Valuation) -> Callable[[Sequence[Listing], Days], Batch]:
    from resources.prices.yahoo import Yahoo

    return Yahoo(payloads=source.kept(), say=dg.get_dagster_logger().info).shares


def _sec(source: Valuation) -> Callable[[Sequence[Listing], Days], Batch]:
    from resources.shares import sec

    filings = sec(source.sec_contact, source.kept())
    return lambda listings, _days: filings.fetch(listings)


def _ecb(source: Valuation) -> Callable[[Days], Batch]:
    from resources.fx import EcbRates
    from resources.web import Web

    return EcbRates(Web("ecb", payloads=source.kept())).fetch


_SHARES = {"yahoo": _yahoo, "sec": _sec}
_RATES = {"ecb": _ecb}


def _own(reference: Reference) -> Batch:
    """Return the repository's counts, known from the day that stands beside them."""
    import pyarrow as pa

    counts = reference.shares()
    dated = counts.rename_columns({"known_on": "filed_on"}).append_column(
        "measured_on", counts["known_on"]
    )
    rows = dated.append_column("share_class", pa.array(["all"] * len(dated), pa.string()))
    answer = Answer("shares_outstanding.csv", "delivered", None, len(rows), utc_now())
    return Batch(rows, [replace(answer, source="repository")])


def _nothing(subject: str, key: str) -> Batch:
    """Return a batch that says why nothing came."""
    import pyarrow as pa

    reason = f"no source of them is configured ({key})"
    answer = Answer(subject, "no_data", reason, 0, utc_now(), cause="no_data", source="none")
    return Batch(pa.table({"source_file": pa.array([], pa.string())}), [answer])


def _under(batches: list[Batch], kind: Literal["real"] | None) -> Batch:
    """Put batches under one another."""
    import pyarrow as pa

    tables: list[pa.Table] = [each.rows for each in batches]
    return Batch(
        rows=pa.concat_tables(tables, promote_options="permissive"),
        answers=[answer for each in batches for answer in each.answers],
        rejects=[reject for each in batches for reject in each.rejects],
        kind=kind,
    )
