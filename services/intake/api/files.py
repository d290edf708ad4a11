"""The sealed bytes of attachments beside the log: kept for a day, and for ever once an event names them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from libs.case.evidence import PhotoNotSent
from libs.case.state import Case
from libs.log.store.event_store import Connection, Pool
from services.intake.domain.attachments import Attachment

KEEPING = timedelta(days=1)
"""How long a file waits for the report that names it."""
INSERT = """
    insert into attachments.attachment as a (case_id, sha256, media_type, size, sent_by, sent_at, sealed, kept_until)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (case_id, sha256) do update set kept_until = greatest(a.kept_until, excluded.kept_until)
     where a.kept_until is not null
"""
HOLD = """
    update attachments.attachment set kept_until = case when kept_until is not null then greatest(kept_until, $3) end
     where case_id = $1 and sent_by = $2 and sealed is not null
    returning encode(sha256, 'hex') as sha256
"""
"""Whoever is to name files soon keeps them meanwhile: the sweep looks at a row again once it has waited for it."""
SETTLE = "update attachments.attachment set kept_until = null where case_id = $1 and sha256 = any($2)"
OVERDUE = """
    with overdue as (
      select case_id, sha256, exists (
               select from log.event e where e.stream = 'case-' || a.case_id
                  and position(encode(a.sha256, 'hex') in convert_from(e.body, 'UTF8')) > 0) as named
        from attachments.attachment a where a.kept_until <= $1),
    settled as (
      update attachments.attachment a set kept_until = null
        from overdue o where (a.case_id, a.sha256) = (o.case_id, o.sha256) and o.named)
    delete from attachments.attachment a using overdue o
     where (a.case_id, a.sha256) = (o.case_id, o.sha256) and not o.named and a.kept_until <= $1
    returning a.case_id
"""
"""What no event names is gone after its day; what one names stays, though its settling was lost with a process."""
FORGET = "update attachments.attachment set sealed = null where case_id = $1 and sealed is not null"
"""With the key of the case its files are unreadable; they go as well."""


@dataclass(frozen=True)
class File:
    """One row of the table, in the order of its columns."""

    case_id: str
    sha256: bytes
    media_type: str
    size: int
    sent_by: str
    sent_at: datetime
    sealed: bytes
    kept_until: datetime

    @staticmethod
    def waiting(case_id: str, kept: Attachment, sent_by: str, at: datetime, sealed: bytes) -> File:
        """One that nothing names yet."""
        name, size = bytes.fromhex(kept.sha256), len(kept.content)
        return File(case_id, name, kept.media_type, size, sent_by, at, sealed, at + KEEPING)

    def document(self) -> dict[str, Any]:
        """What its sender is answered."""
        return {
            "case_id": self.case_id,
            "sha256": self.sha256.hex(),
            "media_type": self.media_type,
            "size": self.size,
        }


async def keep(conn: Connection, file: File) -> None:
    """Take the file in; sent again it waits longer."""
    await conn.execute(INSERT, *astuple(file))


async def waiting_of(conn: Connection, person: str) -> int:
    """How many files of this person nothing names yet."""
    return int(
        await conn.fetchval(
            "select count(*) from attachments.attachment where sent_by = $1 and kept_until is not null", person
        )
    )


async def is_reserved(conn: Connection, case_id: str, person: str) -> bool:
    """Whether this person's first file made the id of a case that is still to come."""
    return bool(
        await conn.fetchval(
            "select exists (select from attachments.attachment where case_id = $1 and sent_by = $2)", case_id, person
        )
    )


async def hold(conn: Connection, case_id: str, person: str, photos: Collection[str], at: datetime) -> None:
    """Before a report names its photos; raises `PhotoNotSent` unless this person sent all of them for that case."""
    found = {row["sha256"] for row in await conn.fetch(HOLD, case_id, person, at + KEEPING)}
    if not set(photos) <= found:
        raise PhotoNotSent(allowed=sorted(found))


async def settle(pool: Pool, case_id: str, photos: Collection[str]) -> None:
    """An event names them."""
    await pool.execute(SETTLE, case_id, [bytes.fromhex(one) for one in photos])


async def named_so(conn: Connection, name: bytes) -> list[Any]:
    """The files of this hash, of whichever case: whose, who sent them, and whether an event names them."""
    rows: list[Any] = await conn.fetch(
        "select case_id::text as case_id, media_type, sent_by, kept_until is null as named"
        " from attachments.attachment where sha256 = $1 order by case_id limit 50",
        name,
    )
    return rows


async def sealed(conn: Connection, case_id: str, name: bytes) -> bytes | None:
    """The bytes as they are kept; None once they are erased."""
    kept: bytes | None = await conn.fetchval(
        "select sealed from attachments.attachment where case_id = $1 and sha256 = $2", case_id, name
    )
    return kept


async def sweep(pool: Pool, now: datetime) -> int:
    """Drop what waited a day for nothing; how many."""
    return len(await pool.fetch(OVERDUE, now))


async def shown(conn: Connection, case: Case) -> list[dict[str, Any]]:
    """What the case's events name and is not erased; who sent it first.

    Also what was taken for the case before an attachment was an event: it does not wait for any.
    """
    rows = await conn.fetch(
        "select encode(sha256, 'hex') as sha256, media_type, size, sent_by from attachments.attachment"
        " where case_id = $1 and sealed is not null and (kept_until is null or encode(sha256, 'hex') = any($2))"
        " order by sent_at, sha256",
        case.case_id,
        [one.sha256 for one in case.attachments],
    )
    units = {one.sha256: one.unit for one in reversed(case.attachments)}
    return [dict(row) | {"unit": units.get(row["sha256"])} for row in rows]
