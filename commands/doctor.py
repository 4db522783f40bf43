"""`selloff doctor`: what is configured, what is reachable, what is stale."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from commands.reaching import Json, resources, show
from commands.running import ROOT
from resources.answers import fetch

YAHOO = ("query2.finance.yahoo.com", 443)


def doctor(*, json: Json = False) -> None:
    """Say what is configured, what is reachable, what is stale."""
    given = resources()
    lines = {**_configured(given), **_published(given)}
    rows = [{"what": name, "state": state} for name, state in lines.items()]
    show(rows, "json" if json else "table")


def _configured(given: dict[str, Any]) -> dict[str, str]:
    """Return what the settings name, and whether it is there."""
    file, prices = given["warehouse"].file, given["price_provider"]
    articles = given["article_source"].path
    return {
        "prices": f"{prices.provider} {prices.path}".strip(),
        "price source": _reachable(prices),
        "articles": articles or ("the replay's own texts" if prices.kind == "replay" else "none"),
        "article folder": "readable" if not articles or Path(articles).is_dir() else "MISSING",
        "warehouse": f"{file}, {_size(file)}",
        "engine": _engine(given["warehouse"]),
        "dagster home": os.environ.get("DAGSTER_HOME", str(ROOT / ".dagster")),
    }


def _published(given: dict[str, Any]) -> dict[str, str]:
    """Return what the release holds, and how far behind its prices are."""
    from checks.freshness import LATENESS
    from resources.batch import naive_utc
    from resources.warehouse import WarehouseError

    lines: dict[str, str] = {}
    try:
        with given["warehouse"].reading_release() as con:
            kind = fetch(con, "FROM meta.warehouse")
            lines["holds"] = kind[0]["kind"] if kind else "nothing yet"
            newest = fetch(con, "FROM meta.releases ORDER BY release_id DESC LIMIT 1")[0]
            lines["release"] = f"{newest['release_id']}, {newest['n_rows']:,} rows"
            settled = naive_utc(given["clock"].now())
            for row in fetch(con, LATENESS, {"settled": settled}):
                lines[f"prices of {row['exchange_mic']}"] = (
                    f"to {row['last_session']}, {row['sessions_behind']} sessions behind"
                )
    except WarehouseError as nothing:
        lines["release"] = str(nothing)
    return lines


def _reachable(prices: Any) -> str:
    if prices.provider == "files":
        is_there = prices.path and Path(prices.path).exists()
        return "readable" if is_there else f"MISSING: {prices.path or 'SELLOFF_PRICES_PATH'}"
    if prices.provider == "replay":
        return "in the repository"
    if prices.provider != "yahoo":
        return "UNKNOWN: one of yahoo, files, replay"
    import socket

    try:
        socket.create_connection(YAHOO, timeout=3).close()
    except OSError as error:
        return f"UNREACHABLE: {error}"
    return "reachable"


def _engine(warehouse: Any) -> str:
    """Return what computes the tables, or what is wrong with the choice of it."""
    from resources.engine import problems

    wrong = "; ".join(problems(warehouse.engine, warehouse.lake_folder))
    return wrong or warehouse.engine


def _size(path: Path) -> str:
    return f"{path.stat().st_size / 2**20:.1f} MB" if path.exists() else "not there yet"
