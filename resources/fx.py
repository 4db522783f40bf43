"""Official exchange rates: the reference rates of the European Central Bank, in USD per unit."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import TYPE_CHECKING

from resources.batch import Batch, Reject
from resources.web import Row, WebError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from resources.batch import Days
    from resources.web import Web

HISTORY = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist.zip"
"""Every day since 1999 in one archive of some 0.6 MB, at about 16:00 CET; no key is asked for."""

# The table has 3 MB, and an archive may unpack to a thousand times what it weighs.
_MAX_BYTES = 50_000_000
_UNQUOTED = {"", "N/A"}


@dataclass(frozen=True)
class EcbRates:
    """The bank's reference rates, which it states in units of each currency per EUR.

    Parameters
    ----------
    web : Web
        Asks for the archive.
    address : str
        Where it is.
    """

    web: Web
    address: str = HISTORY

    def fetch(self, days: Days) -> Batch:
        """Return the rates of a closed range of dates, for ``raw.fx_rates``.

        A currency's price is ``(USD per EUR) / (units per EUR)``, the euro's own the first of
        these. The bank states rates on its own working days only; nothing is filled in between.

        Returns
        -------
        Batch
            One answer. What is no rate is among the rejects; a currency that was not quoted
            (``N/A``) has no row.
        """

        def read(body: bytes) -> tuple[list[Row], list[Reject]]:
            rates, rejects = list[Row](), list[Reject]()
            for number, line in _lines(body):
                for rate in _rates(line, days):
                    if isinstance(rate, str):
                        payload = json.dumps(line, ensure_ascii=False)
                        rejects.append(Reject(self.address, number, rate, payload))
                    else:
                        rates.append({**rate, "source_file": self.address, "source_row": number})
            return rates, rejects

        found = self.web.ask("reference rates", self.address, read)
        return Batch(_table(found.rows, self.web.source), [found.answer], found.rejects)


def _lines(body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Return the lines of the table in the archive, each under its number."""
    reader = csv.DictReader(io.StringIO(_unpacked(body)))
    header = reader.fieldnames or []
    if not {"Date", "USD"} <= set(header):
        raise WebError("malformed", f"no columns Date and USD: {', '.join(header)[:80]}")
    for line in reader:
        # The bank ends every line with a comma.
        yield reader.line_num, {name: value or "" for name, value in line.items() if name}


def _unpacked(body: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            (name,) = archive.namelist()
            with archive.open(name) as file:
                text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise WebError("malformed", f"unpacks to more than {_MAX_BYTES:,} bytes")
        return text.decode()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise WebError("malformed", f"no archive of one text: {error}") from error


def _rates(line: dict[str, str], days: Days) -> Iterator[Row | str]:
    """Return a day's rates, and why a figure is none."""
    try:
        day = date.fromisoformat(line["Date"])
    except ValueError:
        yield f"no date: {line['Date']!r}"
        return
    if not days.start <= day <= days.end:
        return
    usd = _positive(line["USD"])
    if usd is None:
        yield f"no rate of the dollar: {line['USD']!r}"
        return
    yield {"currency": "EUR", "rate_date": day, "usd_per_currency": usd}
    for currency, stated in line.items():
        if currency in {"Date", "USD"} or stated.strip() in _UNQUOTED:
            continue
        per_euro = _positive(stated)
        if per_euro is None:
            yield f"no rate of {currency}: {stated!r}"
        else:
            yield {"currency": currency, "rate_date": day, "usd_per_currency": usd / per_euro}


def _positive(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if isfinite(number) and number > 0 else None


def _table(rows: list[Row], source: str) -> pa.Table:
    import pyarrow as pa

    schema = pa.schema(
        {
            "currency": pa.string(),
            "rate_date": pa.date32(),
            "usd_per_currency": pa.float64(),
            "source": pa.string(),
            "source_file": pa.string(),
            "source_row": pa.int64(),
        }
    )
    return pa.Table.from_pylist([{**row, "source": source} for row in rows], schema=schema)
