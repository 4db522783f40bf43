"""How the shock went from sector to sector and from close to close: from findings to exhibits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.charts.bars import Bar, bars
from pages.charts.heat_map import heat_map
from pages.charts.network import Link, Node, network
from pages.exhibits import Exhibit, newest, table
from pages.figures import billions, instant, number, p_value, percent

if TYPE_CHECKING:
    from pages.findings import Findings

MOST_LINKS = 14


def heat(found: Findings) -> Exhibit:
    """Return the sectors' abnormal returns day by day."""
    rows = found["heat"]
    names = list(dict.fromkeys(row["sector"] for row in rows))
    days = sorted({row["day"] for row in rows})
    by_name = [
        (name, {row["day"]: row["abnormal_return"] for row in rows if row["sector"] == name})
        for name in names
    ]
    at_zero = [(name, values[0]) for name, values in by_name if 0 in values]
    told = "; ".join(f"{name} {percent(value, 1)} on day 0" for name, value in at_zero)
    return Exhibit(
        "heat",
        "Sectors, day by day",
        "Abnormal log return of each sector as a portfolio, times 100, by a market model frozen "
        "before the event; day 0 is framed. Orange falls, blue rises, the deeper the further; the "
        "figure stands in each field.",
        "mart.car_paths",
        heat_map("heat-chart", "Abnormal returns by sector and day", told, days, by_name)
        if rows
        else None,
        ["sector", "day", "abnormal return", "members"],
        table(
            rows,
            [
                ("sector", "sector", None),
                ("day", "day", "{:+d}".format),
                ("mean", "abnormal_return", percent),
                ("n", "n_listings", str),
            ],
        ),
        newest(rows),
    )


def closes(found: Findings) -> Exhibit:
    """Return who was falling at which close, around the world."""
    rows = [
        {**row, "names": ", ".join(row["tickers"]), "region": row["region"] or "elsewhere"}
        for row in found["closes"]
    ]
    drawn = [
        Bar(
            f"{instant(row['closed_at'])[5:]} {row['region']}",
            float(row["n_falls"]),
            f"{row['n_falls']}: {', '.join(row['tickers'][:2])}",
        )
        for row in rows
    ]
    told = "; ".join(f"{each.name}: {each.words}" for each in drawn)
    return Exhibit(
        "closes",
        "How it spread, close by close",
        "Equities by the close of their first unusual fall (abnormal z of -2 or less), up to the "
        "close after the event's, in the order of the closes in UTC; the most unusual are named, "
        "and none is counted twice.",
        "mart.contagion_paths",
        bars("closes-chart", "Equities by the close of their first unusual fall", told, drawn)
        if drawn
        else None,
        ["closed at", "region", "fell first", "lowest z", "the most unusual"],
        table(
            rows,
            [
                ("closed", "closed_at", None),
                ("region", "region", None),
                ("n", "n_falls", str),
                ("z", "lowest_z", number),
                ("names", "names", None),
            ],
        ),
        newest(rows),
    )


def sectors(found: Findings) -> Exhibit:
    """Return what each sector was to the sell-off."""
    rows = found["sectors"]
    drawn = [
        Bar(
            row["sector"],
            row["mean_abnormal_return"],
            f"{percent(row['mean_abnormal_return'], 1)} {row['role']}",
            is_gain=row["mean_abnormal_return"] > 0,
        )
        for row in rows
        if row["mean_abnormal_return"] is not None
    ]
    told = "; ".join(f"{each.name} {each.words}" for each in drawn)
    return Exhibit(
        "sectors",
        "Source, hit, spared",
        "Mean abnormal log return, times 100, of each sector's members on day 0. The source lost "
        "most value; hit and raised are beyond chance by a t-test of the sector's portfolio "
        "against its own past (the tests above ask another question: whether its members, as a "
        "sample, fell alike), spared are not.",
        "mart.event_contagion",
        bars("sectors-chart", "Mean abnormal return by sector", told, drawn) if drawn else None,
        [
            *("sector", "role", "members", "mean abnormal", "p adjusted", "lost beyond, bn USD"),
            *("hardest hit", "first fall", "correlation before", "after", "moved closer"),
        ],
        table(
            rows,
            [
                ("sector", "sector", None),
                ("role", "role", None),
                ("n", "n_members", str),
                ("mean", "mean_abnormal_return", percent),
                ("p", "adjusted_p_value", p_value),
                ("lost", "abnormal_market_value_lost_usd", billions),
                ("hardest", "hardest_hit_ticker", None),
                ("first", "first_falling_at", None),
                ("before", "pair_correlation_before", number),
                ("after", "pair_correlation_after", number),
                ("closer", "has_moved_closer", None),
            ],
        ),
        newest(rows),
    )


def contagion(found: Findings) -> Exhibit:
    """Return who sends shocks to whom, net, in the sessions that end after the event."""
    roles = {row["sector"]: row["role"] for row in found["sectors"]}
    nodes = [
        Node(row["sector"], row["net"], roles.get(row["sector"], "untested"))
        for row in found["nets"]
    ]
    known = {node.name for node in nodes}
    links = [
        Link(row["source_name"], row["target_name"], row["value"])
        for row in found["network"]
        if {row["source_name"], row["target_name"]} <= known
    ][:MOST_LINKS]
    told = "; ".join(f"{each.source} to {each.target} {percent(each.value, 1)}" for each in links)
    span = found["nets"][0] if found["nets"] else None
    window = f" ({span['window_from']} to {span['window_to']})" if span else ""
    return Exhibit(
        "network",
        "Contagion network",
        f"The {len(links)} strongest net spillovers between sectors{window}: the share of one "
        "sector's forecast error variance that shocks to the other explain, less the way back. "
        "Filled discs send more than they receive, hollow ones receive more; orange is the source, "
        "a dashed rim a sector that was hit.",
        "mart.contagion_pairs",
        network("network-chart", "Net spillovers between sectors", told, nodes, links)
        if nodes
        else None,
        ["from", "to", "net spillover", "before the event"],
        table(
            found["network"],
            [
                ("from", "source_name", None),
                ("to", "target_name", None),
                ("net", "value", percent),
                ("before", "net_pairwise_before", percent),
            ],
        ),
        newest(found["network"]),
    )
