"""What the ledger says is to be sent now: which messages, how many, and when the next one."""

from __future__ import annotations

from datetime import datetime

from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.service.runtime import Runtime

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


async def pending(_: Runtime, conn: Connection) -> tuple[int, datetime | None]:
    """How many messages are due and not tried yet, and until when the next one is held."""
    row = await conn.fetchrow(PENDING, await event_store.business_now(conn))
    return (row["due"], row["next"]) if row else (0, None)
