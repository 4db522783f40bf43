"""Who fell, how abnormally, what was lost and what came back: from the findings to exhibits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.charts.bars import Bar, bars
from pages.charts.lines import Line, lines
from pages.charts.spans import Span, spans
from pages.exhibits import Exhibit, newest, table
from pages.figures import billions, number, p_value, percent

if TYPE_CHECKING:
    from pages.findings import Findings

MOST_BARS = 12


def prices(found: Findings) -> Exhibit:
    """Return the way of the market and of those that lost most."""
    rows = found["prices"]
    names = list(dict.fromkeys(row["ticker"] for row in rows))
    drawn = [
        Line(name, [(row["session"], row["change"]) for row in rows if row["ticker"] == name])
        for name in names
    ]
    columns = [("ticker", "ticker", None), ("session", "session_date", None)]
    return Exhibit(
        "prices",
        "Price paths",
        "Change of the close against the last close before the event, by each listing's own "
        "sessions; the market and the equities that "
        + ("lost most value" if _has_values(found) else "fell deepest")
        + ". The dashed line is the event's first session.",
        "core.daily_prices",
        lines("prices-chart", "Price paths", _told(drawn), drawn) if drawn else None,
        ["ticker", "session", "from the event", "change"],
        table(rows, [*columns, ("n", "session", "{:+d}".format), ("change", "change", percent)]),
        newest(rows),
    )


def _has_values(found: Findings) -> bool:
    """Return whether any market value lost is known, by which names are then chosen."""
    return any(row["market_value_lost_usd"] is not None for row in found["instruments"])


def _told(drawn: list[Line]) -> str:
    """Return in words where lines end."""
    return "; ".join(f"{each.name} ends at {percent(each.points[-1][1], 1)}" for each in drawn)


def abnormal_returns(found: Findings) -> Exhibit:
    """Return the cumulated abnormal returns with their bands."""
    rows = found["paths"]
    drawn = []
    for name in dict.fromkeys((row["grouping"], row["group_name"]) for row in rows):
        mine = [row for row in rows if (row["grouping"], row["group_name"]) == name]
        label = f"all of {name[1]}" if name[0] == "region" else name[1]
        points = [(row["day"], row["cumulative_abnormal_return"]) for row in mine]
        band = [
            (row["day"], row["band_low"], row["band_high"])
            for row in mine
            if row["band_low"] is not None and name[0] == "region"
        ]
        drawn.append(Line(label, points, band))
    return Exhibit(
        "abnormal",
        "Abnormal returns",
        "Mean log return beyond what the market explains, cumulated from the close before the "
        "event, forwards and backwards; the band is the 95% interval of all members' mean under a "
        "market model frozen before it. Log returns are shown times 100. The model is one of the "
        "group itself; the tests below have one for each member and leave out members without a "
        "full history, so that their means of day 0 differ.",
        "mart.car_paths",
        lines("abnormal-chart", "Cumulated abnormal returns", _told(drawn), drawn)
        if drawn
        else None,
        ["group", "session", "day", "abnormal", "cumulated", "from", "to", "listings"],
        table(
            rows,
            [
                ("group", "group_name", None),
                ("session", "session_date", None),
                ("day", "day", "{:+d}".format),
                ("abnormal", "abnormal_return", percent),
                ("cumulated", "cumulative_abnormal_return", percent),
                ("from", "band_low", percent),
                ("to", "band_high", percent),
                ("listings", "n_listings", str),
            ],
        ),
        newest(rows),
    )


def tests(found: Findings) -> Exhibit:
    """Return the tests that hold where all dates are one."""
    rows = [{**row, "window": _window(row)} for row in found["tests"]]
    return Exhibit(
        "tests",
        "How unusual that was, tested",
        "The null hypothesis is a mean abnormal return of zero. These two tests hold where all "
        "members share one date, as in a sell-off of a market: Kolari and Pynnönen's t and the "
        "generalized rank t; p adjusted for the number of groups and windows that were tested.",
        "mart.event_study_tests",
        None,
        ["group", "window", "test", "mean", "statistic", "p", "p adjusted", "members"],
        table(
            sorted(rows, key=lambda row: row["group_name"] != found.event["region"]),
            [
                ("group", "group_name", None),
                ("window", "window", None),
                ("test", "test", _test_name),
                ("mean", "mean_abnormal", percent),
                ("statistic", "statistic", number),
                ("p", "p_value", p_value),
                ("adjusted", "adjusted_p_value", p_value),
                ("n", "n", str),
            ],
        ),
        newest(rows),
        sum(row["group_name"] == found.event["region"] for row in rows),
    )


def _window(row: dict[str, Any]) -> str:
    first, last = row["window_start"], row["window_end"]
    return f"day {first}" if first == last else f"days {first} to {last}"


def _test_name(test: str) -> str:
    return {"kolari_pynnonen": "Kolari-Pynnönen t", "grank_t": "GRANK-T"}.get(test, test)


def losses(found: Findings) -> Exhibit:
    """Return the market value that the largest losers lost."""
    known = [
        row
        for row in found["instruments"]
        if row["market_value_lost_usd"] is not None
        and row["market_value_lost_usd"] > 0
        and row["is_counted"]
    ]
    rows = sorted(known, key=lambda row: (-row["market_value_lost_usd"], row["ticker"]))
    rows = rows[:MOST_BARS]
    drawn = [
        Bar(
            f"{row['name']}",
            row["market_value_lost_usd"],
            f"{billions(row['market_value_lost_usd'])} ({percent(row['simple_return'], 1)})",
        )
        for row in rows
    ]
    told = "; ".join(f"{each.name} {each.words}" for each in drawn[:5])
    return Exhibit(
        "losses",
        "Market value lost",
        "Billions of USD from the close before the event to the close of its first session, each "
        "firm once, in all regions and without those that gained, so that they add up to more than "
        f"the members' net loss; return in brackets. {_ranked(found)}",
        "mart.event_losses",
        bars("losses-chart", "Market value lost, billions of USD", told, drawn) if drawn else None,
        ["ticker", "name", "lost, bn USD", "beyond the market, bn USD", "return", "rank"],
        table(
            rows,
            [
                ("ticker", "ticker", None),
                ("name", "name", None),
                ("lost", "market_value_lost_usd", billions),
                ("abnormal", "abnormal_market_value_lost_usd", billions),
                ("return", "simple_return", percent),
                ("rank", "rank_in_history_so_far", str),
            ],
        ),
        newest(rows),
    )


def recovery(found: Findings) -> Exhibit:
    """Return how deep the largest losers went, and whether they came back."""
    rows = found["recoveries"]
    drawn = [
        Span(
            row["ticker"],
            row["simple_return"],
            row["trough_return"],
            row["last_return"],
            _came_back(row),
        )
        for row in rows
    ]
    told = "; ".join(f"{each.name}: lowest {percent(each.lowest)}, {each.words}" for each in drawn)
    return Exhibit(
        "recovery",
        "Drawdown and recovery",
        "From the close before the event: the close of its session; the lowest close until it was "
        "back, 20 sessions later at most; and the last close known, which can lie below both. "
        "After how many sessions a close first stood at half and at all of the way back.",
        "mart.selloff_metrics",
        spans("recovery-chart", "Drawdown and recovery", told, drawn) if drawn else None,
        [
            "ticker",
            "name",
            "fall",
            "next session",
            "lowest on",
            "lowest",
            "half in",
            "all in",
            "last",
        ],
        table(
            rows,
            [
                ("ticker", "ticker", None),
                ("name", "name", None),
                ("fall", "simple_return", percent),
                ("next", "rebound_return", percent),
                ("on", "trough_date", None),
                ("lowest", "trough_return", percent),
                ("half", "days_to_recover_half", str),
                ("all", "days_to_recover", str),
                ("last", "last_return", percent),
            ],
        ),
        newest(rows),
    )


def _came_back(row: dict[str, Any]) -> str:
    """Return in words how far a firm came back."""
    if row["days_to_recover"] is not None:
        return f"was back after {_sessions(row['days_to_recover'])}"
    if row["days_to_recover_half"] is not None:
        return f"half back after {_sessions(row['days_to_recover_half'])}"
    return "never half back"


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"


def _ranked(found: Findings) -> str:
    """Return what the ranks are ranks of."""
    (record,) = found["record"] or [{"n_losses": 0}]
    if not record["n_losses"]:
        return "Rank: among this event's session, since no earlier loss is on record here."
    return f"Rank: among all losses on record here until then, since {record['since']}."
