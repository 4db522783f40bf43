"""What the tests of the grammar share: the labelled names, and claims in a short form."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from selloff.claims import claims_of
from selloff.mentions import Lexicon

LABELLED = Path(__file__).parent / "labelled"
# After the close in New York, on the same date there and in Europe.
EVENING = datetime.fromisoformat("2025-01-28T21:30")


@cache
def names() -> pa.Table:
    """Return the alias table of the labelled sentences."""
    options = pyarrow.csv.ConvertOptions(
        column_types={"valid_from": pa.date32(), "valid_to": pa.date32()},
        null_values=[""],
        strings_can_be_null=True,
    )
    return pyarrow.csv.read_csv(LABELLED / "names.csv", convert_options=options)


@cache
def lexicon() -> Lexicon:
    """Return the lexicon of these names."""
    return Lexicon(names())


def rows(text: str, at: datetime | None = EVENING) -> list[dict]:
    """Return what a text claims."""
    return claims_of(text, at, lexicon()).to_pylist()


def told(text: str, at: datetime | None = EVENING) -> list[str]:
    """Return the claims of a text in short: ticker, direction, figure, what is not usual."""
    return [short(row) for row in rows(text, at)]


def short(row: dict) -> str:
    """Return a claim in short; price changes in fractions need no metric and no unit."""
    low, high = row["magnitude_low"], row["magnitude_high"]
    pieces = [row["ticker"], row["direction"] or "at", f"{low:.10g}"]
    pieces += [f"to {high:.10g}"] if high != low else []
    if (row["metric"], row["unit"]) != ("price_change", "fraction"):
        pieces += [row["metric"], row["unit"]]
    pieces += [row["qualifier"]] if row["qualifier"] else []
    pieces += [_of(row)] if row["period"] != "unstated" else []
    return " ".join(pieces)


def _of(row: dict) -> str:
    day: date | None = row["claimed_on"]
    if row["period"] == "day" and day:
        return f"on {day}"
    return f"{row['period']} {day}" if day else row["period"]
