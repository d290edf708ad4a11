"""Kafka → projection and reactions, once: progress moves in the transaction of what was done with the records."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import TopicPartition

from libs.events.envelope import Recorded
from libs.log.process import fault_points
from libs.log.read.progress import CheckedBatch, move
from libs.log.read.statements import Write, write
from libs.log.store.event_store import Connection

log = structlog.get_logger()


@dataclass(frozen=True)
class BatchPlan:
    """What a service makes of new events, nothing of it carried out yet."""

    writes: Sequence[Write] = ()
    within: Callable[[Connection], Awaitable[None]] | None = None
    """What needs a transaction around it: reactions. It runs after the progress has moved, before the writes."""
    applied: Callable[[], None] = lambda: None
    """Called once it is committed."""


Work = Callable[[Connection, Sequence[Recorded]], Awaitable[BatchPlan]]
"""A service's part: (connection, events) → what is to be done. It may read; who writes is the reader.

The events are of one lane or of several, each lane's in its order; those of the directory come by themselves.
"""


class PutAside(Exception):
    """The case of an event that came alone cannot be judged; this is to be done instead of what failed."""

    def __init__(self, plan: BatchPlan) -> None:
        super().__init__()
        self.plan = plan


@dataclass
class Reader:
    """Applies what was taken from partitions; knows nothing of Kafka's group."""

    work: Work
    halted: dict[TopicPartition, str] = field(default_factory=dict)

    async def apply(self, conn: Connection, steps: Sequence[CheckedBatch], instead: BatchPlan | None = None) -> None:
        """One short transaction: progress, read model, reactions of all these partitions, or nothing of any.

        What `work` read before it is still true when the progress moves: whoever writes to the lanes' rows moves it.
        `instead` is what it made of these events before, where one of them could not be judged.
        """
        if further := [step for step in steps if step.next_offset > step.start.next_offset]:
            events = [event for step in further for event in step.events]
            done = instead or (await self.work(conn, events) if events else BatchPlan())
            await self._commit(conn, further, done)
            fault_points.here("reader.after_commit")
            done.applied()
        for step in steps:
            if step.broken:
                self.halted[step.start.partition] = step.broken
                log.error("partition_halted", partition=step.start.partition.partition, reason=step.broken)

    async def _commit(self, conn: Connection, steps: Sequence[CheckedBatch], done: BatchPlan) -> None:
        if done.within is None:
            fault_points.here("reader.before_commit")
            await move(conn, steps, done.writes)
            return
        async with conn.transaction():
            await move(conn, steps)
            await done.within(conn)
            if done.writes:
                await write(conn, done.writes)
            fault_points.here("reader.before_commit")
