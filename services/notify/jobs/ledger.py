"""What the ledger says is to be sent now: which messages, how many, and when the next one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from libs.events.contracts.notify import MessageDropped
from libs.events.envelope import Recorded
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.service.runtime import Runtime
from services.notify.domain.fates import UNTOLD
from services.notify.jobs import drafts
from services.notify.readmodel.tables import tells_of

log = structlog.get_logger()

OPEN = """
    select message_id, case_id::text as case_id, event_id::text as event_id, event_type, template, recipient, channel,
           details, attempts, due_at, send_at, digest, alike
      from message where lane = any($1) and state in ('DUE', 'FAILED') and channel = any($2)
       and message_id <> all($3) and recipient <> all($4)
       and (send_at is null or send_at <= log.business_now()) and (retry_at is null or retry_at <= $5)
       and lane not in (select h.lane from log.lane_head h where h.closed is not null)
     order by due_at, message_id limit $6
"""
PENDING = """
    select count(*) filter (where send_at is null or send_at <= $1) as due,
           min(send_at) filter (where send_at > $1) as next
      from message where state = 'DUE'
"""


def stream_of(row: Any) -> str:
    """Where it stands what became of a message."""
    return f"{'case' if tells_of(row) == 'case' else 'notice'}-{row['case_id']}"


async def pending(_: Runtime, conn: Connection) -> tuple[int, datetime | None]:
    """How many messages are due and not tried yet, and until when the next one is held."""
    row = await conn.fetchrow(PENDING, await event_store.business_now(conn))
    untold = await drafts.pending(conn)
    return (row["due"] + untold, row["next"]) if row else (untold, None)


async def report_untold(_: Runtime, event: Recorded) -> None:
    """Somebody should have been told and was not: said in the log at once; `GET /untold` lists what nobody was told."""
    if isinstance(event.data, MessageDropped) and event.data.reason in UNTOLD:
        log.warning("message_untold", case_id=event.subject, message_id=event.data.message_id, why=event.data.reason)
