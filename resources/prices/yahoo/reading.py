"""What an answer of Yahoo's says: bars, corporate actions, share counts, or why there are none."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from resources.web import WebError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from resources.batch import Days, Listing
    from resources.web import Row

SOURCE = "yahoo"

# Columns of the rows for ``raw.corporate_actions`` and ``raw.shares_outstanding``.
ACTIONS = (
    "listing_id",
    "ticker",
    "ex_date",
    "action",
    "split_ratio",
    "amount",
    "currency",
    "basis",
    "source",
    "source_file",
    "source_row",
)
COUNTS = (
    "listing_id",
    "ticker",
    "share_class",
    "measured_on",
    "filed_on",
    "shares_outstanding",
    "source",
    "source_file",
    "source_row",
)

_QUOTES = ("open", "high", "low", "close", "volume")
_EVENTS = {"splits": "split", "dividends": "dividend", "capitalGains": "capital_gain"}
_WRONG_SHAPE = (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError)


class Found(NamedTuple):
    """What one answer brought."""

    rows: pa.Table
    actions: list[Row]


def bars(body: bytes, listing: Listing, symbol: str, days: Days) -> Found:
    """Return the bars and actions of a chart, inside the days.

    Values are those of the answer, null where it says null. Dates are the exchange's.

    Raises
    ------
    WebError
        ``no_data``, ``unknown_ticker``, ``wrong_symbol``, ``truncated``, ``outage`` (a page in
        place of an answer), ``refused`` or ``malformed``.
    """
    import pyarrow as pa

    result = _result(body, "chart")
    with _shaped():
        meta = result["meta"]
        _check(symbol, meta["symbol"])
        stamps = result.get("timestamp") or []
        dates = [_session(stamp, meta) for stamp in stamps]
        columns = {
            "ticker": pa.repeat(pa.scalar(listing.ticker), len(dates)),
            "session_date": pa.array(dates, pa.date32()),
            **_numbers(result["indicators"]),
            "currency": pa.repeat(pa.scalar(meta.get("currency"), pa.string()), len(dates)),
        }
        inside = [days.start <= day <= days.end for day in dates]
        rows = pa.table(columns).filter(pa.array(inside, pa.bool_()))
        actions = [
            action
            for action in _actions(result.get("events") or {}, listing, meta)
            if days.start <= action["ex_date"] <= days.end
        ]
    if not rows.num_rows:
        raise WebError("no_data", f"no bar between {days.start} and {days.end}")
    return Found(rows, actions)


def counts(body: bytes, listing: Listing, symbol: str, days: Days) -> Found:
    """Return the share counts stated for the days; raises `WebError` as `bars` does."""
    result = _result(body, "timeseries")
    with _shaped():
        _check([symbol], result["meta"]["symbol"])
        stated = zip(result.get("timestamp") or [], result.get("shares_out") or [], strict=True)
        # Yahoo stamps a count at midnight UTC of its date.
        dated = [(datetime.fromtimestamp(stamp, UTC).date(), count) for stamp, count in stated]
        rows = [
            {
                "listing_id": listing.listing_id,
                "ticker": listing.ticker,
                "share_class": "all",
                "measured_on": day,
                "shares_outstanding": _number(count),
                "source": SOURCE,
            }
            for day, count in dated
            if days.start <= day <= days.end
        ]
    if not rows:
        raise WebError("no_data", f"no count between {days.start} and {days.end}")
    return Found(table(rows, COUNTS), [])


def _result(body: bytes, name: str) -> dict[str, Any]:
    """Return an answer's one result, or raise what it says instead."""
    try:
        document = json.loads(body)
    except ValueError as error:
        begun = body.lstrip().startswith(b"{")
        start = body[:60].decode(errors="replace")
        raise WebError("truncated" if begun else "outage", f"not JSON: {start!r}") from error
    with _shaped():
        said = document.get(name) or document["finance"]
        if said.get("error"):
            raise _refusal(said["error"])
        if not said["result"]:
            raise WebError("no_data", "Yahoo answered with nothing")
        return dict(said["result"][0])


def _refusal(error: dict[str, Any]) -> WebError:
    """Return the cause behind an error that Yahoo states."""
    said = f"{error.get('code')}: {error.get('description')}"
    if "delisted" in said or "Not Found" in said:
        return WebError("unknown_ticker", f"Yahoo: {said}")
    if "Data doesn't exist" in said:
        return WebError("no_data", f"Yahoo: {said}")
    return WebError("refused", f"Yahoo: {said}")


def _check(asked: str | list[str], got: Any) -> None:
    """Raise if the answer is about something else."""
    if got != asked:
        raise WebError("wrong_symbol", f"asked for {asked}, got {got}")


def _session(stamp: int, meta: dict[str, Any]) -> date:
    """Return the date of a bar or an action in the time zone of its exchange.

    Stamps are at local midnight or at the opening; that of the running session is the time of its
    last trade. A midnight is an hour or two early where Yahoo took the clock of another season
    (Sao Paulo at 23:00 of the day before).
    """
    at = datetime.fromtimestamp(stamp, ZoneInfo(meta["exchangeTimezoneName"]))
    is_midnight = at.minute == at.second == 0 and stamp != meta.get("regularMarketTime")
    return (at + timedelta(hours=2 if is_midnight else 0)).date()


def _numbers(indicators: dict[str, Any]) -> dict[str, pa.Array]:
    """Return the columns of numbers that a chart has."""
    import pyarrow as pa

    quote = (indicators["quote"] or [{}])[0]
    given = {name: quote[name] for name in _QUOTES if quote.get(name)}
    adjusted = (indicators.get("adjclose") or [{}])[0].get("adjclose")
    if adjusted:
        given["adj_close"] = adjusted
    return {
        name: pa.array([_number(value) for value in values], pa.float64())
        for name, values in given.items()
    }


def _number(value: Any) -> float | None:
    """Return a number; an infinite one comes as text."""
    return None if value is None else float(value)


def _actions(events: dict[str, Any], listing: Listing, meta: dict[str, Any]) -> Iterator[Row]:
    """Return the splits and distributions of a chart."""
    for kind, action in _EVENTS.items():
        for event in (events.get(kind) or {}).values():
            is_split = action == "split"
            yield {
                "listing_id": listing.listing_id,
                "ticker": listing.ticker,
                "ex_date": _session(event["date"], meta),
                "action": action,
                "split_ratio": _ratio(event) if is_split else None,
                "amount": None if is_split else _number(event["amount"]),
                # Some distributions are in another currency than the price.
                "currency": event.get("currency") or meta.get("currency"),
                "basis": "split_adjusted",
                "source": SOURCE,
            }


def _ratio(split: dict[str, Any]) -> float | None:
    """Return the new shares for an old one; None where the answer divides by nothing."""
    old = float(split["denominator"])
    return float(split["numerator"]) / old if old else None


@contextmanager
def _shaped() -> Iterator[None]:
    """Give an answer of another shape its name."""
    try:
        yield
    except _WRONG_SHAPE as error:
        raise WebError("malformed", f"{type(error).__name__}: {error}") from error


def table(rows: Sequence[Row], names: Sequence[str]) -> pa.Table:
    """Return rows as a table of the named columns, null where a row has none."""
    import pyarrow as pa

    kinds = {
        **dict.fromkeys(("ex_date", "measured_on", "filed_on"), pa.date32()),
        **dict.fromkeys(("split_ratio", "amount", "shares_outstanding"), pa.float64()),
        "source_row": pa.int64(),
    }
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in names])
    return pa.Table.from_pylist(list(rows), schema=schema)
