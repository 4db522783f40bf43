"""What happened, in four sentences with figures: what, who, how it spread, what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pages.figures import billions, day, instant, number, percent, share, typeset

if TYPE_CHECKING:
    from pages.findings import Findings

SCOPES = {
    "single_name": "confined to a single name",
    "industry": "of one industry",
    "sector": "of one sector",
    "market": "of the whole market",
    "global": "of markets in several regions",
}
RULES = {
    "market": "the market's fall",
    "breadth": "the breadth of falls",
    "share_lost": "the value that fell away in few names",
    "sector": "a sector's fall",
    "industry": "an industry's fall",
    "single_name": "one firm's loss",
}
REGIONS = {"US": "the US", "EU": "Europe", "JP": "Japan"}


def title(event: dict[str, Any]) -> str:
    """Return what the event is called: its own name, else its scope, place and date."""
    return f"{kind(event)}, {_when(event)}"


def kind(event: dict[str, Any]) -> str:
    """Return its own name, else how far it reached and where."""
    scope = event["scope"].replace("_", "-").capitalize()
    place = REGIONS.get(event["region"], event["region"])
    return event["event_name"] or f"{scope} sell-off in {place}"


def sentences(found: Findings) -> list[str]:
    """Return four sentences, or fewer where nothing is known of a part."""
    parts = (_what(found.event), _who(found), _how(found), _since(found))
    return [typeset(part) for part in parts if part]


def _when(event: dict[str, Any]) -> str:
    first, last = event["session_date"], event["last_session_date"]
    return day(first) if first == last else f"{day(first)} to {day(last)}"


def _what(event: dict[str, Any]) -> str:
    """Return how far the market moved, how unusual that was, and how many fell with it."""
    moved = event["market_return"]
    if moved is None:
        return f"On {_when(event)} a sell-off was declared; the market's return is not known."
    verb = "fell" if moved < 0 else "rose" if moved > 0 else "ended where it was,"
    unusual = []
    if event["market_z"] is not None:
        unusual.append(f"z {number(event['market_z'])}")
    if event["market_severity"] is not None:
        unusual.append(f"{share(event['market_severity'])} of its sessions so far were no worse")
    beside = f" ({', '.join(unusual)})" if unusual else ""
    falling = (
        ""
        if event["breadth"] is None
        else f", with an abnormal z of -2 or less at {event['n_falling']} of the "
        f"{event['n_listings']} members watched"
    )
    return (
        f"On {_when(event)} {event['market']} {verb} {_size(moved)}{beside}{falling}: "
        f"a sell-off {SCOPES[event['scope']]}{_found_by(event)}."
    )


def _found_by(event: dict[str, Any]) -> str:
    if event["threshold_multiple"] is None:
        return ", declared by hand"
    multiple = number(event["threshold_multiple"])
    rules = _listed([RULES[rule] for rule in str(event["detected_by"]).split()])
    return f", found by {rules} at {multiple} times the limit"


def _who(found: Findings) -> str:
    """Return what was lost, and who lost most."""
    event = found.event
    worst = next((r for r in found["instruments"] if r["ticker"] == event["worst_ticker"]), None)
    said = []
    if event["market_value_lost_usd"] is not None:
        value, beyond = event["market_value_lost_usd"], event["abnormal_market_value_lost_usd"]
        verb = "lost" if value >= 0 else "gained"
        lost = f"The members together {verb} {_amount(abs(value))} of market value"
        said.append(
            lost if beyond is None else f"{lost}, {_amount(beyond)} beyond what the market explains"
        )
    if worst is not None:
        (record,) = found["record"] or [{"n_losses": 0}]
        said.append(_worst(worst, record, as_start=not said))
    return f"{'; '.join(said)}." if said else ""


def _worst(worst: dict[str, Any], record: dict[str, Any], *, as_start: bool) -> str:
    """Return who lost most beyond the market, and whether that is a record."""
    words = "the largest loss beyond the market was that of"
    start = words.capitalize() if as_start else words
    lost = worst["market_value_lost_usd"]
    cost = f", {_amount(lost)} lost" if lost is not None and lost > 0 else ""
    rank = worst["rank_in_history_so_far"]
    since = (
        f", the largest one-day loss here since {day(record['since'])}"
        if cost and rank == 1 and record["n_losses"]
        else ""
    )
    z = number(worst["abnormal_z"])
    unusual = f", abnormal z {z}" if z else ""
    fall = percent(worst["simple_return"])
    return f"{start} {worst['name']} ({worst['ticker']}): {fall}{unusual}{cost}{since}"


def _how(found: Findings) -> str:
    """Return where it came from, where it was seen first, and which sectors it hit."""
    event, sectors = found.event, found["sectors"]
    said = []
    if event["origin_sector"]:
        said.append(f"came from {event['origin_sector']}")
    if event["first_ticker"]:
        place = REGIONS.get(event["first_region"], event["first_region"])
        at = instant(event["first_fell_at"])
        said.append(f"showed first at {event['first_ticker']} in {place} (close of {at})")
    hit, raised = (
        _listed([_sector(row) for row in sectors if row["role"] == role])
        for role in ("hit", "raised")
    )
    if hit:
        said.append(f"hit, by mean abnormal log return, {hit}")
    rose = f"; {raised} rose beyond what the market explains" if raised else ""
    return f"It {_listed(said)}{rose}." if said else ""


def _sector(row: dict[str, Any]) -> str:
    mean = row["mean_abnormal_return"]
    return row["sector"] if mean is None else f"{row['sector']} ({mean:+.3f})"


def _since(found: Findings) -> str:
    """Return how many came back, and what articles claimed."""
    said = []
    (back,) = found["recovered"] or [None]
    if back and back["n_fell"]:
        said.append(
            f"by {day(back['observed_through'])} {back['n_all']} of the {back['n_fell']} equities "
            "that fell had at some close been back where they were before, and "
            f"{back['n_half']} had made up half"
        )
    (claims,) = found["verdicts"] or [None]
    if claims and claims["n_claims"]:
        articles = "article" if claims["n_articles"] == 1 else "articles"
        said.append(
            f"of {claims['n_claims']} figures in {claims['n_articles']} {articles} the prices bear "
            f"out {claims['supported']} and contradict {claims['contradicted']}"
        )
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _size(value: float) -> str:
    return percent(abs(value)).lstrip("+")


def _amount(value: float) -> str:
    return f"{billions(value)} billion USD"


def _listed(parts: list[str]) -> str:
    """Return parts as English lists them."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
