"""The cases that wait to be judged, and what waits with them – events, a look of the service's own –, in its order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from libs.case.state import Case
from libs.events.envelope import Position, Recorded, recorded
from libs.events.lanes import Headers
from libs.log.store.event_store import Connection

OF_CASES = "array(select distinct case_id::text from log.waiting where case_id = any($1::uuid[])) as waiting"
PUT = """
    insert into log.waiting (lane, case_id, event_id, recorded_at, why, event, body, case_then)
    select * from unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::timestamptz[], $5::text[], $6::jsonb[],
                         $7::bytea[], $8::jsonb[])
"""
CASES = "select distinct lane, case_id::text as case_id from log.waiting where lane = any($1) order by lane, case_id"
PUT_LOOK = """
    insert into log.waiting (lane, case_id, event_id, recorded_at, why, event)
    select v.lane, v.case_id, (v.doc ->> 'last_event_id')::uuid, log.business_now(), $2,
           jsonb_build_object('look', $3::text, 'headers', jsonb_build_object('ce_type', v.doc ->> 'last_type'))
      from case_view v where v.case_id = $1 and not exists (select from log.waiting w where w.case_id = v.case_id)
    returning lane
"""
NOT_WAITING = "not exists (select from log.waiting w where w.case_id = {}.case_id)"
"""For the looks of a service: of a case that waits nothing is said by anybody."""
TAKEN = "select event, body, case_then from log.waiting where case_id = $1 order by number"
GONE = "delete from log.waiting where case_id = $1"
HELD = "update progress set rebuilt = rebuilt + 1 where topic = 'case.events' and partition = $1"
"""Whoever has read meanwhile that the case waits may not write: his transaction fails, and he looks again."""


@dataclass(frozen=True)
class Waiting:
    """An event whose case waits, with the case right after it; `why` names what the first of them met."""

    event: Recorded
    case: Case
    why: str = ""


@dataclass(frozen=True)
class Look:
    """A look at the case that the service takes of itself – a timer's, an alarm's –, by its name in `Parts.looks`."""

    name: str


async def put_look(conn: Connection, case_id: str, look: Look, why: str) -> None:
    """The case waits from its newest event on, unless it does already; in a transaction that holds its lane."""
    lane = await conn.fetchval(PUT_LOOK, case_id, why, look.name)
    if lane is not None:
        await conn.execute(HELD, lane)


async def put(conn: Connection, waiting: Sequence[Waiting]) -> None:
    """Behind what waits already; in the transaction that says they are read."""
    rows = [
        (
            one.event.position.lane,
            one.event.subject,
            one.event.id,
            one.event.recorded_at,
            one.why,
            orjson.dumps(_said(one.event)).decode(),
            one.event.body,
            one.case.model_dump_json(exclude_defaults=True),
        )
        for one in waiting
    ]
    await conn.execute(PUT, *(list(column) for column in zip(*rows, strict=True)))


async def cases(conn: Connection, lanes: Sequence[int]) -> list[tuple[int, str]]:
    """(lane, case) of everything that waits in these lanes."""
    return [(row["lane"], row["case_id"]) for row in await conn.fetch(CASES, list(lanes))]


async def take(conn: Connection, lane: int, case_id: str) -> list[Waiting | Look]:
    """All that waits of a case, which nobody else may add to before this transaction ends. Raises `UnknownEvent`."""
    await conn.execute(HELD, lane)
    rows = await conn.fetch(TAKEN, case_id)
    return [_taken(orjson.loads(row["event"]), row["body"], row["case_then"]) for row in rows]


async def done(conn: Connection, case_id: str) -> None:
    """The case waits no more."""
    await conn.execute(GONE, case_id)


def _said(event: Recorded) -> dict[str, object]:
    place = event.position
    chain = {"prev_hash": place.prev_hash.hex(), "hash": place.hash.hex()}
    numbers = {"lane": place.lane, "seq": place.seq, "streamversion": place.streamversion}
    return {**numbers, **chain, "recorded_at": place.recorded_at.isoformat(), "headers": dict(event.attributes)}


def _taken(said: dict[str, Any], body: bytes | None, case_then: str | None) -> Waiting | Look:
    if body is None or case_then is None:
        return Look(said["look"])
    place = Position(
        said["lane"],
        said["seq"],
        said["streamversion"],
        datetime.fromisoformat(said["recorded_at"]),
        bytes.fromhex(said["prev_hash"]),
        bytes.fromhex(said["hash"]),
    )
    headers: Headers = [(name, value.encode()) for name, value in said["headers"].items()]
    return Waiting(recorded(place, headers, body), Case.model_validate_json(case_then))
