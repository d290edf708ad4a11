"""What notify measures: the fates of messages as the log tells them, and what still waits. Names no recipient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import Counter, Gauge

from libs.events.contracts.notify import MessageDropped, MessageFailed, MessageSent
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.log.read.rows import ReadModel
from libs.log.store.event_store import Connection
from services.notify.domain.fates import UNTOLD
from services.notify.readmodel.tables import message

FATES: Mapping[type[Event], str] = {MessageSent: "sent", MessageFailed: "failed", MessageDropped: "dropped"}
MESSAGES = Counter(
    "xunban_messages", "Fates of messages; `failed` is one try, others are final.", ["channel", "result"]
)
NOT_TOLD = Counter(
    "xunban_messages_untold",
    "Messages that somebody should have got and will not; `GET /untold` lists them.",
    ["reason"],
)
OPEN = Gauge("xunban_messages_open", "Messages of the owned lanes that are neither sent nor dropped.", ["channel"])
OLDEST = Gauge("xunban_messages_oldest_seconds", "How long the oldest of them has been due, in business time.")

WAITING = """
    select channel, count(*) as messages,
           extract(epoch from log.business_now() - min(coalesce(send_at, due_at)))::float8 as seconds
      from message where lane = any($1) and state in ('DUE', 'FAILED') group by channel
"""


def count(model: ReadModel, event: Recorded) -> None:
    """An event of the live log; never called in a rebuild."""
    match event.data:
        case MessageSent() | MessageFailed() | MessageDropped() as fate:
            if row := model[message].get(fate.message_id):
                MESSAGES.labels(row["channel"], FATES[type(fate)]).inc()
            if isinstance(fate, MessageDropped) and fate.reason in UNTOLD:
                NOT_TOLD.labels(fate.reason).inc()


async def measure(conn: Connection, lanes: Sequence[int]) -> None:
    """What waits in these lanes."""
    rows = await conn.fetch(WAITING, list(lanes))
    OPEN.clear()
    for row in rows:
        OPEN.labels(row["channel"]).set(row["messages"])
    OLDEST.set(max((max(0.0, row["seconds"]) for row in rows), default=0.0))
