"""Faults: what goes wrong on the way (answers) and in the data (`Series.having`).

A fault on the way is an answer, for ever; ``at_first(n, fault, good)`` makes it n times. A fault of
the data takes a series and the row that it befalls; several are put on one after the other. Each
was seen at Yahoo: the figures after the names are issues of yfinance where users report it.
"""

from __future__ import annotations

from dataclasses import replace

from .answers import Reply, refusing

DAY = 86_400  # s


def rate_limited(retry_after=None):
    """Too many requests; for how many seconds to keep quiet is said if given."""
    headers = [] if retry_after is None else [("Retry-After", str(retry_after))]
    return refusing(429, "Too Many Requests\r\n", *headers)


def server_error():
    """Something broke at Yahoo, and it says so in plain text."""
    return refusing(500, "Internal Server Error")


def maintenance():
    """Yahoo's page for times when it is down."""
    html = "<html><title>Yahoo!</title><body><h1>Will be right back...</h1></body></html>"
    return refusing(503, html, ("Content-Type", "text/html"))


def truncated(good):
    """Only half of the promised body arrives."""
    return lambda query, n_asked: Reply(*good(query, n_asked))._replace(ends="cut")


def slow(seconds, good):
    """Nothing arrives for so many seconds."""
    return lambda query, n_asked: Reply(*good(query, n_asked))._replace(delay=seconds)


def reset():
    """The connection is torn down in place of a reply."""
    return lambda _query, _n_asked: Reply(200, "", ends="reset")


def once_its_zone_is_known(bad, good):
    """Answer well while yfinance asks for one day only, to learn the time zone; then badly."""
    return lambda query, n_asked: (good if "range" in query else bad)(query, n_asked)


def absent_row(series, row):
    """A session is missing (2964, 2930)."""
    return _with_bars(series, row, [])


def null_row(series, row):
    """A session is there without any value (624, 134)."""
    return _changed(series, row, **_nulls(series.bars[row]), volume=None)


def null_prices(series, row):
    """A session has a volume and no prices (2925)."""
    return _changed(series, row, **_nulls(series.bars[row]))


def weekend_row(series, row):
    """A session stands on the Saturday after it as well (415)."""
    bar, day = series.bars[row], series.date(series.bars[row])
    saturday = bar._replace(at=bar.at + (5 - day.weekday()) * DAY)
    return replace(series, bars=tuple(sorted((*series.bars, saturday), key=lambda each: each.at)))


def hundredfold(series, row):
    """One session is in pence, the others in pounds (280)."""
    return _with_bars(series, row, [series.bars[row].times(100)])


def unit_switch(series, row):
    """From one session on all prices are a hundredth of what they were (1145)."""
    bars = (bar.times(0.01) for bar in series.bars[row:])
    return replace(series, bars=(*series.bars[:row], *bars))


def unapplied_split(series, row):
    """A ten-for-one split is announced, and what lies before is not restated for it (1531)."""
    bars = (bar.times(0.1) for bar in series.bars[row:])
    return phantom_split(replace(series, bars=(*series.bars[:row], *bars)), row)


def phantom_split(series, row):
    """A ten-for-one split is announced that no price shows (2660)."""
    return series.announcing("splits", row, numerator=10, denominator=1)


def infinite_adj_close(series, row):
    """An adjusted close is infinite, as a string (2890)."""
    return _changed(series, row, adj_close="Infinity")


def zero_open_and_low(series, row):
    """Open and low are zero."""
    return _changed(series, row, open=0.0, low=0.0)


def low_above_close(series, row):
    """The low lies above the close: an impossible candle (900)."""
    return _changed(series, row, low=series.bars[row].close * 1.05)


def negative_volume(series, row):
    """Less than nothing was traded (59)."""
    return _changed(series, row, volume=-5)


def zero_volume(series, row):
    """Prices moved, and nothing was traded (2397)."""
    return _changed(series, row, volume=0)


def stale_bar(series, row):
    """A session repeats all values of the one before."""
    return _with_bars(series, row, [series.bars[row - 1]._replace(at=series.bars[row].at)])


def unadjusted_dividend(series, row):
    """A dividend is paid for which no adjusted close is lowered (1543)."""
    return series.announcing("dividends", row, amount=0.02 * series.bars[row - 1].close)


def duplicated_date(series, row):
    """A session stands there twice (573)."""
    return _with_bars(series, row, [series.bars[row]] * 2)


IN_DATA = (
    absent_row,
    null_row,
    null_prices,
    weekend_row,
    hundredfold,
    unit_switch,
    unapplied_split,
    phantom_split,
    infinite_adj_close,
    zero_open_and_low,
    low_above_close,
    negative_volume,
    zero_volume,
    stale_bar,
    unadjusted_dividend,
    duplicated_date,
)


def _with_bars(series, row, bars):
    return replace(series, bars=(*series.bars[:row], *bars, *series.bars[row + 1 :]))


def _changed(series, row, **values):
    return _with_bars(series, row, [series.bars[row]._replace(**values)])


def _nulls(bar):
    return dict.fromkeys(bar.prices)
