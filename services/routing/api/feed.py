"""A unit's feed of changes, and the reconciliation with which its own system proves that it has missed none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import JSONResponse

from libs.events.envelope import EPOCH, microseconds
from libs.events.errors import Malformed, NotFound
from libs.events.lanes import CASE_LANES
from libs.log.store.event_store import Connection
from libs.service.http.answers import DocumentAnswer
from libs.service.http.cases import CursorMalformed, MinPosition, decode_cursor, encode_cursor
from libs.service.http.dependencies import CallerDep, Person, RuntimeDep
from libs.service.http.freshness import as_of, wait_for_position
from libs.service.http.headers import Instant
from libs.service.http.shapes import told
from services.routing.api.answers import BucketEntries, Feed, Reconciliation
from services.routing.api.clock_columns import text_or_none
from services.routing.api.lists import LISTED, own_sight
from services.routing.readmodel.tables import feed_entry

router = APIRouter(tags=["派遣·办理 routing"])

UnitRef = Annotated[str, Path(max_length=64, description="单位 / unit", examples=["county-housing"])]
BucketRef = Annotated[str, Path(pattern=r"^\d{1,2}\.\d{1,16}\.\d{1,16}$", description="分桶 / lane.from.to")]
Limit = Annotated[int, Query(ge=1, le=1000)]
From = Annotated[Instant, Query(alias="from", examples=["2026-11-02T00:00:00+08:00"])]
To = Annotated[Instant, Query(examples=["2026-11-03T00:00:00+08:00"])]
LONGEST: Mapping[str, timedelta] = {"lane": timedelta(days=31), "hour": timedelta(days=2)}
HOUR = timedelta(hours=1)
TOLD = [str(column.name) for column in feed_entry.columns if column.name != "unit"]

FEED = """
with news as materialized (
  select h.lane, coalesce(c.seq, 0) as seen, h.sequence - coalesce(c.seq, 0) as waiting
    from unit_lane h left join unnest($2::smallint[], $3::bigint[]) c(lane, seq) on c.lane = h.lane
   where h.unit = $1 and h.sequence > coalesce(c.seq, 0)
)
select e.*, (select sum(waiting)::bigint from news) as waiting
  from news n cross join lateral (
    select * from feed_entry where unit = $1 and lane = n.lane and sequence > n.seen
     order by sequence limit (select ceil($4 / count(*)::float8)::bigint from news)
  ) e
 order by e.sequence - n.seen, e.lane limit $4
"""
AHEAD = """
select exists (select from unnest($2::smallint[], $3::bigint[]) c(lane, seq)
                 left join unit_lane h on h.unit = $1 and h.lane = c.lane where c.seq > coalesce(h.sequence, 0))
"""
BUCKETS = """
select lane, {hour} as hour, count(*) as count, encode(sha256(convert_to(
         string_agg(case_id || ' ' || version || e'\\n', '' order by sequence), 'UTF8')), 'hex') as digest
  from feed_entry where unit = $1 and recorded_at >= $2 and recorded_at < $3 group by 1, 2 order by 1, 2
"""
BUCKET = """
select * from feed_entry where unit = $1 and lane = $2 and recorded_at >= $3 and recorded_at < $4 and sequence > $5
 order by sequence limit $6
"""


class RangeUnfit(Malformed):
    """`to` lies before `from`, or too far after it."""

    code = "E-RANGE"
    zh = "时间范围有误: 按 lane 不超过 31 天, 按 hour 不超过 2 天"
    en = "from must lie before to, at most 31 days by lane or 2 days by hour"


@router.get("/units/{unit}/feed", summary="单位变更流 / every change of the orders a unit holds", responses=told(Feed))
async def read_feed(  # noqa: PLR0917 - FastAPI passes them by name
    unit: UnitRef,
    running: RuntimeDep,
    person: CallerDep,
    after: Annotated[str | None, Query(max_length=2500)] = None,
    limit: Limit = 200,
    min_position: MinPosition = None,
) -> JSONResponse:
    """What changed after the cursor `after`, without gaps: `sequence` runs 1, 2, 3 … in each `lane` of the unit.

    Read again with `next_cursor`, which is never null; `more` says that more is there now, `count` how much there was
    after `after`. `role` null: the unit has lost the order. Entries of one case come in the order of the log.
    """
    require_own(person, unit)
    seen = decode_after(after, unit)
    await wait_for_position(running, min_position)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        if after and await conn.fetchval(AHEAD, unit, list(seen), list(seen.values())):
            raise CursorMalformed()  # Of another town, or of a feed that was rebuilt: waiting would be for ever.
        rows = await conn.fetch(FEED, unit, list(seen), list(seen.values()), limit)
    waiting = rows[0]["waiting"] if rows else 0
    newest = seen | {row["lane"]: row["sequence"] for row in rows}
    following = encode_cursor(unit, [newest.get(lane, 0) for lane in range(CASE_LANES)])
    page = {"items": [entry(row) for row in rows], "count": waiting, "more": waiting > len(rows)}
    return DocumentAnswer({"unit": unit, **page, "next_cursor": following, **fresh.document()})


@router.get(
    "/units/{unit}/reconciliation",
    summary="对账 / count and digest of the feed per bucket",
    responses=told(Reconciliation),
)
async def reconcile(  # noqa: PLR0917 - FastAPI passes them by name
    unit: UnitRef, running: RuntimeDep, person: CallerDep, since: From, to: To, by: Literal["lane", "hour"] = "lane"
) -> JSONResponse:
    """Of what was recorded from `from` to before `to`, per lane, or per lane and hour (UTC): how much, and its digest.

    `digest` = SHA-256 over the lines `<case_id> <version>\\n` in the order of `sequence`. A bucket without entries is
    not listed. `complete`: nothing can be added to it any more.
    """
    require_own(person, unit)
    if not timedelta(0) < to - since <= LONGEST[by]:
        raise RangeUnfit()
    hour = "date_trunc('hour', recorded_at)" if by == "hour" else "null::timestamptz"
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        known = await watermarks(conn)
        rows = await conn.fetch(BUCKETS.format(hour=hour), unit, since, to)
    buckets = [bucket(row, since, to, known[row["lane"]]) for row in rows]
    count = sum(row["count"] for row in rows)
    return DocumentAnswer({"unit": unit, "by": by, "buckets": buckets, "count": count, **fresh.document()})


@router.get(
    "/units/{unit}/reconciliation/{bucket}",
    summary="分桶明细 / ids and versions of one bucket",
    responses=told(BucketEntries),
)
async def read_bucket(  # noqa: PLR0917 - FastAPI passes them by name
    unit: UnitRef,
    bucket: BucketRef,
    running: RuntimeDep,
    person: CallerDep,
    limit: Limit = 200,
    cursor: Annotated[str | None, Query(max_length=300)] = None,
) -> JSONResponse:
    """The entries of one bucket by `sequence`, each with case id and version, as the feed had them."""
    require_own(person, unit)
    lane, since, to = bucket.split(".")
    between = EPOCH + timedelta(microseconds=int(since)), EPOCH + timedelta(microseconds=int(to))
    (after,) = decode_cursor(cursor, sequence) or (0,)
    async with running.pool.acquire() as conn:
        fresh = await as_of(conn, LISTED, running.settings.stale_after_seconds)
        rows = await conn.fetch(BUCKET, unit, int(lane), *between, after, limit + 1)
    following = encode_cursor(rows[limit - 1]["sequence"]) if len(rows) > limit else None
    items = [entry(row) for row in rows[:limit]]
    return DocumentAnswer(
        {"unit": unit, "bucket": bucket, "items": items, "next_cursor": following, **fresh.document()}
    )


def require_own(person: Person, unit: str) -> None:
    """Raises `NotYourOrder`, or `NotFound` for a unit that the directory does not know."""
    seen = own_sight(person, unit)
    if person.directory.unit(unit) is None or not (seen.everything or seen.units):
        raise NotFound()


def decode_after(after: str | None, unit: str) -> dict[int, int]:
    """Lane → newest sequence that the client has; raises `CursorMalformed`, also for another unit's cursor."""
    of_unit, seen = decode_cursor(after, str, list) or (unit, [0] * CASE_LANES)
    if of_unit != unit or len(seen) != CASE_LANES:
        raise CursorMalformed()
    return {lane: sequence(seq) for lane, seq in enumerate(seen)}


def sequence(value: Any) -> int:
    """A sequence number inside a cursor; raises `CursorMalformed`."""
    if not isinstance(value, int) or not 0 <= value < 2**63:
        raise CursorMalformed()
    return value


async def watermarks(conn: Connection) -> dict[int, datetime]:
    """Lane → everything that was recorded before is known here."""
    rows = await conn.fetch(
        "select lane, min(at) as at from watermark where source = any($1) group by lane", list(LISTED)
    )
    return {row["lane"]: row["at"] for row in rows}


def bucket(row: Any, since: datetime, to: datetime, known: datetime) -> dict[str, Any]:
    """One bucket: where it begins and ends, how much is in it, and whether anything can still come."""
    begin = max(row["hour"], since) if row["hour"] else since
    end = min(row["hour"] + HOUR, to) if row["hour"] else to
    return {
        "bucket": f"{row['lane']}.{microseconds(begin)}.{microseconds(end)}",
        "lane": row["lane"],
        "from": begin.astimezone(UTC).isoformat(),
        "to": end.astimezone(UTC).isoformat(),
        "count": row["count"],
        "digest": row["digest"],
        "complete": end <= known,
    }


def entry(row: Any) -> dict[str, Any]:
    """One change as the unit is told of it; nothing personal in it."""
    shown = {name: row[name] for name in TOLD}
    dues = ("recorded_at", "sign_due_at", "due_at", "overall_due_at", "stopped_at")
    ids = {"case_id": str(row["case_id"]), "event_id": str(row["event_id"])}
    return shown | ids | {name: text_or_none(row[name]) for name in dues}
