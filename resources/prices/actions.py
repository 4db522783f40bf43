"""Corporate actions that lie beside files of prices: `corporate_actions.csv`."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

from resources.batch import Reject

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from resources.batch import Listing

FILE_NAME = "corporate_actions.csv"
REQUIRED = ("ticker", "ex_date", "action")
OPTIONAL = ("split_ratio", "amount", "currency")


def beside(prices: Path, by_ticker: Mapping[str, Listing]) -> tuple[pa.Table | None, list[Reject]]:
    """Return the actions that lie in the folder of the prices, or beside their file.

    A dividend is stated as it was paid, in the shares of its ex-date.

    Parameters
    ----------
    prices : Path
        The file or folder of prices.
    by_ticker : mapping of str to Listing
        A ticker without a listing gets the key ``FILE:<ticker>``, as among the prices.

    Returns
    -------
    tuple
        Rows for ``raw.corporate_actions``, values as delivered (the contract judges them), None
        where there is no file; and what is no row.
    """
    path = (prices if prices.is_dir() else prices.parent) / FILE_NAME
    if not path.is_file():
        return None, []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            if missing := [name for name in REQUIRED if name not in reader.fieldnames]:
                return None, [Reject(FILE_NAME, 1, f"column missing: {', '.join(missing)}", "")]
            lines = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        return None, [Reject(FILE_NAME, None, f"not a CSV file in UTF-8: {error}", "")]
    good = [(number, row) for number, row in lines if None not in row and None not in row.values()]
    rejects = [
        Reject(
            FILE_NAME, number, "more or fewer cells than columns", json.dumps(list(row.values()))
        )
        for number, row in lines
        if None in row or None in row.values()
    ]
    return _table(good, by_ticker), rejects


def _table(lines: list[tuple[int, dict[str, str]]], by_ticker: Mapping[str, Listing]) -> pa.Table:
    """Return the rows in our columns, all text."""
    import pyarrow as pa

    tickers = [row["ticker"].strip() for _, row in lines]
    listings = [by_ticker.get(ticker) for ticker in tickers]
    stated = {
        name: [row.get(name, "").strip() or None for _, row in lines]
        for name in (*REQUIRED[1:], *OPTIONAL)
    }
    ids = [
        listing.listing_id if listing else f"FILE:{ticker}"
        for ticker, listing in zip(tickers, listings, strict=True)
    ]
    currencies = [
        said or (listing.currency if listing else None)
        for said, listing in zip(stated["currency"], listings, strict=True)
    ]
    columns = {
        "listing_id": ids,
        "ticker": tickers,
        **stated,
        "currency": currencies,
        "basis": ["as_traded"] * len(lines),
        "source": ["files"] * len(lines),
        "source_file": [FILE_NAME] * len(lines),
    }
    texts = {name: pa.array(values, pa.string()) for name, values in columns.items()}
    return pa.table({**texts, "source_row": pa.array([n for n, _ in lines], pa.int64())})
