"""Lane 64: what the directory says is appended here, once, from its own strong state. Knows no HTTP and no YAML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from libs.directory.facts.directory import Directory, stream_of
from libs.directory.facts.view import View
from libs.directory.publish.apply import ApplyPlan, decide_apply
from libs.directory.publish.documents import read_documents
from libs.events.contracts.directory import LogOpened, RulebookPublished
from libs.events.contracts.registry import decode
from libs.events.decider import SYSTEM, Actor
from libs.events.envelope import Provenance, draft
from libs.events.event import Event
from libs.events.ids import EventId
from libs.events.lanes import DIRECTORY_LANE
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.write.seal import plain_body

SOURCE = "/xunban/directory"
ALL_FACTS = "select seq, type, body, event_id::text from log.event where lane = 64 order by seq"


async def open_log(conn: Connection, mode: str) -> bool:
    """Append the log's first fact, its mode, where lane 64 is empty; True if this call did. For the admin step."""
    async with conn.transaction():
        view = await _state(conn)
        if view.version:
            return False
        await _append(conn, view, [("log", LogOpened.model_validate({"mode": mode}))], SYSTEM, None)
    return True


async def publish(conn: Connection, raw: dict[str, Any], by: Actor, given: datetime | None) -> tuple[ApplyPlan, int]:
    """Append what the documents change; the plan, and the directory's version after it. In the caller's transaction.

    Raises `DocumentsRefused`; then nothing is appended.
    """
    view = await _state(conn)
    known = (RulebookPublished, "") in view.facts
    plan = decide_apply(view, read_documents(raw, view.rulebook.clock.tz if known else None))
    return plan, await _append(conn, view, plan.changes, by, given)


async def _state(conn: Connection) -> View:
    """The directory as the event table has it; the lane stays locked, so nothing can come between."""
    await event_store.lock_lane(conn, DIRECTORY_LANE)
    rows = await conn.fetch(ALL_FACTS)
    facts = ((row["seq"], decode(row["type"], row["body"]), EventId(row["event_id"])) for row in rows)
    return Directory().with_events(facts).latest


async def _append(
    conn: Connection,
    view: View,
    changes: Sequence[tuple[str, Event]],
    by: Actor,
    given: datetime | None,
) -> int:
    """Each event quotes the version that the publication saw."""
    at = given or await event_store.business_now(conn)
    stands_on = Provenance(by, view.version)
    last = view.version
    for stream, group in groupby(changes, key=lambda change: stream_of(change[1])):
        drafts = [
            draft(event, plain_body(event), source=SOURCE, subject=stream, stream=stream, at=at, by=stands_on)
            for _, event in group
        ]
        last = (await event_store.append(conn, stream, drafts, expected=None, given=given)).seq
    return last
