"""When things happen: jobs, schedules and sensors, by moment of the day and local time zone."""

import hashlib
import json
import os
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from checks.freshness import CHECKS as FRESHNESS
from resources import retention
from resources.batch import BACKFILL_TAG, Days, naive_utc
from resources.warehouse import Warehouse, WarehouseError

if TYPE_CHECKING:
    import duckdb

# One run at a time per warehouse (dagster.yaml limits the tag to one), an hour at the most.
ONE_AT_A_TIME = {"selloff/warehouse": "core", "dagster/max_runtime": "3600"}
# A listing's first fetch brings the 260 sessions its market model looks back on, and a few more.
FIRST_HISTORY = timedelta(days=420)
ALERT_SESSIONS = 5

_CHECKED = dg.AssetSelection.all() - dg.AssetSelection.checks(*FRESHNESS)

daily = dg.define_asset_job(
    "daily",
    selection=_CHECKED,
    tags=ONE_AT_A_TIME,
    description="Everything: fetch, keep, measure, check, publish. One session or a range.",
)
core_only = dg.define_asset_job(
    "core_only",
    selection=dg.AssetSelection.groups("raw", "core") & _CHECKED,
    tags=ONE_AT_A_TIME,
    description="Fetch and keep, up to the abnormal returns; for markets closing before New York.",
)
range_backfill = dg.define_asset_job(
    "range_backfill",
    selection=_CHECKED,
    tags={**ONE_AT_A_TIME, BACKFILL_TAG: "true"},
    description="The daily job over a range of dates as one run; raises no alerts.",
)
_OF_ARTICLES = dg.AssetSelection.assets(["raw", "articles"]).downstream() & _CHECKED
read_articles = dg.define_asset_job(
    "read_articles",
    selection=_OF_ARTICLES,
    tags=ONE_AT_A_TIME,
    description="Read what is new, hold its claims against the prices, and publish that.",
)
check_freshness = dg.define_asset_job(
    "check_freshness",
    selection=dg.AssetSelection.checks(*FRESHNESS),
    tags=ONE_AT_A_TIME,
    description="Is the last settled session of every exchange here?",
)
publish = dg.define_asset_job(
    "publish",
    selection=dg.AssetSelection.assets(["meta", "releases"]).downstream() & _CHECKED,
    tags=ONE_AT_A_TIME,
    description="A release of the warehouse as it is, and its pages; nothing is fetched.",
)


@dg.op(required_resource_keys={"warehouse", "clock"})
def old_things(context: dg.OpExecutionContext) -> None:
    """Remove what retention lets go: releases, answers, runs, leftovers."""
    gone = retention.prune(
        context.resources.warehouse,
        context.instance,
        now=context.resources.clock.now(),
        limits=retention.limits(),
    )
    for each in gone:
        context.log.info("removed %s %s: %s", each.kind, each.name, each.reason)


@dg.job(tags=ONE_AT_A_TIME, description="Let old releases, answers and runs go, by age.")
def remove_old_things() -> None:
    """Let old releases, answers and runs go, by age."""
    old_things()


JOBS = [
    *(daily, core_only, range_backfill, read_articles, publish, check_freshness),
    remove_old_things,
]


def after_close(
    name: str,
    *,
    at: str,
    zone: str,
    markets: list[str],
    beside: tuple[str, ...] = (),
    job: Any,
    doc: str,
) -> dg.ScheduleDefinition:
    """Return the schedule that runs a job after a market's close.

    It skips the holidays of `markets` with a reason, and its run covers every session since the
    last one the warehouse holds: a night the machine was off is caught up. What trades `beside`
    them is fetched along: futures have sessions on most of the stock exchanges' holidays.
    """
    mics = [*markets, *beside]

    @dg.schedule(
        name=name,
        cron_schedule=at,
        execution_timezone=zone,
        job=job,
        description=doc,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        required_resource_keys={"warehouse", "calendars"},
    )
    def evaluate(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        today = context.scheduled_execution_time.date()
        calendars = context.resources.calendars
        if not any(calendars.is_open(mic, today) for mic in markets):
            return dg.SkipReason(f"{' and '.join(markets)} closed on {today}: no session to fetch")
        missed = Days(first_missing(context.resources.warehouse, mics, today), today)
        config: dict[str, Any] = {"ops": {"raw__price_vintages": {"config": {"exchanges": mics}}}}
        if not os.environ.get("SELLOFF_PRICES"):
            config["resources"] = {"price_provider": {"config": {"provider": "yahoo"}}}
        return dg.RunRequest(run_key=f"{name} {today}", tags=missed.tags(), run_config=config)

    return evaluate


def first_missing(warehouse: Warehouse, mics: list[str], today: date) -> date:
    """Return the day after the last session that all of these exchanges have here.

    Of those that have any: an exchange none of whose listings was ever fetched holds nobody up.
    """
    with warehouse.reading() as con:
        last = con.execute(
            """
            SELECT min(last_session) FROM (
              SELECT max(p.session_date) AS last_session FROM core.daily_prices AS p
              JOIN core.instruments AS i USING (listing_id)
              WHERE list_contains($mics, i.exchange_mic)
              GROUP BY i.exchange_mic
            )
            """,
            {"mics": mics},
        ).fetchall()[0][0]
    return min(last + timedelta(days=1), today) if last else today - FIRST_HISTORY


after_us_close = after_close(
    "after_us_close",
    at="30 17 * * 1-5",
    zone="America/New_York",
    markets=["XNYS", "XNAS", "ARCX"],
    beside=("CMES",),
    job=daily,
    doc="An hour and a half after New York: prices, then every measure, then a release.",
)
after_europe_close = after_close(
    "after_europe_close",
    at="0 19 * * 1-5",
    zone="Europe/Berlin",
    markets=["XETR", "XAMS"],
    job=core_only,
    doc="An hour and a half after Frankfurt and Amsterdam: prices and returns.",
)
after_tokyo_close = after_close(
    "after_tokyo_close",
    at="0 17 * * 1-5",
    zone="Asia/Tokyo",
    markets=["XTKS"],
    job=core_only,
    doc="An hour and a half after Tokyo: prices and returns.",
)


@dg.schedule(
    description="Hold what we have against the exchanges' calendars, before anyone relies on it.",
    cron_schedule="0 6 * * *",
    execution_timezone="UTC",
    job=check_freshness,
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def every_morning() -> dg.RunRequest:
    """Hold what we have against the calendars, before anyone relies on it."""
    return dg.RunRequest()


@dg.schedule(
    description="Let old releases, answers and runs go, as SELLOFF_KEEP_... say; `selloff prune`.",
    cron_schedule="0 8 * * 0",
    execution_timezone="UTC",
    job=remove_old_things,
    default_status=dg.DefaultScheduleStatus.STOPPED,
)
def every_sunday() -> dg.RunRequest:
    """Let old things go when no exchange is open."""
    return dg.RunRequest()


SCHEDULES = [after_us_close, after_europe_close, after_tokyo_close, every_morning, every_sunday]


@dg.sensor(
    description="Alert once per event and multiple of the threshold, for the last five sessions.",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    required_resource_keys={"warehouse", "alerts", "clock"},
)
def new_selloffs(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Alert once per event and multiple of a threshold, of late ones, never for backfills."""
    known: dict[str, int] = json.loads(context.cursor or "{}")
    try:
        with context.resources.warehouse.reading_release() as con:
            found = recent_events(con, context.resources.clock.now())
    except WarehouseError as nothing_published:
        return dg.SensorResult(skip_reason=str(nothing_published))
    for event_id, step, text, is_backfill in found:
        if step > known.get(event_id, 0) and not is_backfill:
            context.resources.alerts.send(text, context.log)
    seen = {event_id: max(step, known.get(event_id, 0)) for event_id, step, _, _ in found}
    return dg.SensorResult(
        cursor=json.dumps({**known, **seen}), skip_reason=f"{len(seen)} recent events"
    )


def recent_events(
    con: "duckdb.DuckDBPyConnection", now: datetime
) -> list[tuple[str, int, str, bool]]:
    """Return event, multiple, text and whether a backfill published, newest sessions only."""
    rows = con.execute(
        """
        WITH recent AS (
          SELECT min(session_date) AS first_session FROM (
            SELECT DISTINCT session_date FROM core.sessions WHERE closes_at <= $now
            ORDER BY session_date DESC LIMIT $sessions
          )
        )
        SELECT event_id, session_date, scope, region, threshold_multiple, market_return, breadth,
               (SELECT arg_max(is_backfill, published_at) FROM meta.releases)
        FROM mart.selloff_events
        WHERE status = 'detected' AND last_session_date >= (SELECT first_session FROM recent)
          AND NOT has_simulated_inputs
        ORDER BY session_date, event_id
        """,
        {"now": naive_utc(now), "sessions": ALERT_SESSIONS},
    ).fetchall()
    return [
        (
            event_id,
            int(multiple),
            (
                f"sell-off {event_id}: {region} {scope} on {day}, {multiple:.2f} x threshold, "
                f"market {market_return:+.2%}, {breadth or 0:.0%} of listings falling"
            ),
            bool(is_backfill),
        )
        for event_id, day, scope, region, multiple, market_return, breadth, is_backfill in rows
    ]


@dg.sensor(
    job=read_articles,
    description="Read the drop folder when a file in it is new or changed.",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.STOPPED,
    required_resource_keys={"article_source"},
)
def dropped_articles(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Read the drop folder when a file in it is new or changed."""
    folder = context.resources.article_source.path
    if not folder:
        return dg.SkipReason("no drop folder is configured (SELLOFF_ARTICLES_PATH)")
    files = sorted(
        (str(path), path.stat().st_mtime_ns, path.stat().st_size)
        for path in Path(folder).rglob("*")
        if path.is_file() and not path.name.startswith(".")
    )
    state = hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]
    if not files or state == context.cursor:
        return dg.SkipReason(f"{len(files)} files in {folder}, none new")
    context.update_cursor(state)
    return dg.RunRequest(run_key=state)


@dg.run_failure_sensor(default_status=dg.DefaultSensorStatus.STOPPED)
def failed_runs(context: dg.RunFailureSensorContext, alerts: dg.ResourceParam[Any]) -> None:
    """Alert when a run fails, with its first line of cause."""
    cause = (context.failure_event.message or "").partition("\n")[0]
    alerts.send(f"run {context.dagster_run.job_name} failed: {cause}", context.log)


SENSORS = [new_selloffs, dropped_articles, failed_runs]
