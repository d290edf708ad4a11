"""What reads a log in these tests: work that writes down each event, a worker around it, and what it has seen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from libs.events.contracts.intake import CaseNotAccepted
from libs.events.envelope import Position, Recorded, WireRecord
from libs.events.errors import Unavailable
from libs.events.lanes import decode_meta
from libs.log.read.progress import CheckedBatch, check_batch, read_cursor
from libs.log.read.reader import BatchPlan
from libs.log.store.event_store import Connection, stored_position
from libs.log.worker import Worker
from libs.service.clock import real_now
from libs.service.worker.process import wind_up
from operations.embedded.processes import NotReady
from tests.integration.logs import NOTED, SOURCE, Log, eventually
from tests.keys import KEYS, signature

POISON = NOTED.model_copy(update={"alternative": "poison"})
SEEN = "insert into seen (lane, seq) values ($1, $2)"


class CannotProject(Exception):
    """A bug of a projection."""


@dataclass
class Noting:
    """Work that writes down each event; (lane, seq) is a key, so an event applied twice would be an error."""

    away: bool = False
    applied: list[tuple[int, int]] = field(default_factory=list)

    async def __call__(self, conn: Connection, events: Sequence[Recorded]) -> BatchPlan:
        async def note(conn: Connection) -> None:
            for event in events:
                await conn.execute(SEEN, event.position.lane, event.position.seq)
                if isinstance(event.data, CaseNotAccepted) and event.data.alternative == "poison":
                    raise CannotProject
            if self.away:
                raise Unavailable
            self.applied += [(event.position.lane, event.position.seq) for event in events]

        return BatchPlan(within=note)


@asynccontextmanager
async def working(log: Log, work: Noting) -> AsyncIterator[Worker]:
    """A worker with all its loops, ended without a word."""
    worker = Worker(SOURCE, log.pool, log.bootstrap, KEYS, work, real_now, manual=True, idle_seconds=0.01)
    loops = [asyncio.create_task(loop, name=name) for name, loop in worker.loops().items()]
    try:
        await eventually(worker.joined.is_set, "the worker has joined its group")
        yield worker
    finally:
        died = [loop for loop in loops if loop.done()]
        await wind_up(loops)
        for loop in died:
            loop.result()


async def seen(log: Log, lane: int) -> list[int]:
    """What the read model has of a lane, in the order in which it was written."""
    rows = await log.pool.fetch("select seq from seen where lane = $1 order by no", lane)
    return [row["seq"] for row in rows]


async def has_seen(log: Log, lane: int, *seqs: int) -> None:
    async def there() -> bool:
        return await seen(log, lane) == list(seqs)

    try:
        await eventually(there, f"lane {lane} is applied up to {seqs}")
    except NotReady:
        assert await seen(log, lane) == list(seqs)


async def wire(log: Log, lane: int) -> list[WireRecord]:
    """The lane's rows as a partition of their own would hold them, from offset 0."""
    return [
        WireRecord(place, SOURCE, decode_meta(row["meta"]), row["body"], row["seq"] - 1, signed(place))
        for row in await log.chain(lane)
        if (place := stored_position(row))
    ]


def signed(place: Position) -> bytes:
    """As if each event had been a batch of its own."""
    return signature(SOURCE, place.lane, place.seq, place.hash)


async def taken_from(conn: Connection, lane: int, records: Sequence[WireRecord]) -> CheckedBatch:
    cursor = await read_cursor(conn, TopicPartition("case.events", lane))
    return check_batch(cursor, records, [cursor.next_offset + n for n in range(len(records))], KEYS.proves)
