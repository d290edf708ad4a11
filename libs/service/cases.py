"""What every service answers about a case, and how lists are cut into pages. Reading only."""

from __future__ import annotations

import base64
from typing import Any

import orjson

from libs.events.errors import Malformed, NotFound
from libs.events.handle import etag
from libs.events.lifecycle import Case
from libs.events.store import Connection
from libs.service.access import sight
from libs.service.http import Person
from libs.service.runtime import Runtime


class CursorMalformed(Malformed):
    """A page cursor that no list of ours has answered."""

    code = "E-CURSOR"
    zh = "cursor 不是本系统返回的分页标记"
    en = "cursor is not one that a list answered"


async def visible_case(running: Runtime, conn: Connection, person: Person, case_id: str) -> Case:
    """The case, if the caller may see it; raises `NotFound` for both reasons alike."""
    case = await running.case(conn, case_id)
    if case is None or not sight(person.actor, person.directory).sees(case):
        raise NotFound()
    return case


async def etag_of(running: Runtime, conn: Connection, case: Case) -> str:
    """Own version and the last event applied: what `If-Match` is compared with."""
    version = await conn.fetchval("select version from log.stream_head where stream = $1", f"case-{case.case_id}")
    return etag(version or 0, case)


def case_document(case: Case) -> dict[str, Any]:
    """The case in words that every service shares; nothing personal in it."""
    return {
        "case_id": case.case_id,
        "state": case.state,
        "found": case.found,
        "channel": case.channel,
        "kind": case.kind,
        "class_code": case.class_code,
        "urgency": case.urgency,
        "grid": case.grid,
        "unit": case.unit,
        "handler": case.handler,
        "round": case.round,
        "dual_hat": case.dual_hat,
        "supervision_level": case.supervision_level,
        "close_kind": case.close_kind,
        "received_at": case.received_at,
        "last_event_id": case.last_event_id,
        "last_event_type": case.last_type,
        "last_recorded_at": case.last_recorded_at,
        "erased": list(case.erased),
    }


def encode_cursor(*key: Any) -> str:
    """An opaque page cursor: the sort key of the last row."""
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


def decode_cursor(cursor: str | None, length: int) -> list[Any] | None:
    """The sort key back; raises `CursorMalformed`."""
    if cursor is None:
        return None
    try:
        key = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise CursorMalformed() from error
    if not isinstance(key, list) or len(key) != length:
        raise CursorMalformed()
    return key
