"""What a worker does with new events: fold it into the read model in memory, then react; the reader writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from structlog.contextvars import bound_contextvars

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.directory.readmodel import store as directory_store
from libs.directory.readmodel.store import FactRow
from libs.events.envelope import Recorded
from libs.events.ids import EventId
from libs.events.lanes import DIRECTORY_LANE
from libs.log.process import tracing
from libs.log.read.partitions import NotYet
from libs.log.read.reader import BatchPlan
from libs.log.read.rows import ReadModel
from libs.log.store.event_store import Connection, lock_lanes
from libs.log.write.command import Reaction
from libs.log.write.seal import Opener
from libs.service.clock import real_now
from libs.service.observe.metrics import BATCH_EVENTS, BATCH_SECONDS, VISIBLE_SECONDS
from libs.service.runtime import Parts, Runtime


async def project(
    conn: Connection, parts: Parts, events: Sequence[Recorded], opener: Opener | None = None
) -> ReadModel:
    """Fold events into the read model, nothing else: no clock, no directory, no side effect."""
    model = await opened(conn, parts, events, opener)
    for event in events:
        fold_one(model, parts, event)
    return model


async def opened(conn: Connection, parts: Parts, events: Sequence[Recorded], opener: Opener | None) -> ReadModel:
    """The read model with the cases that these events are about, and search copies where they can be opened."""
    model = ReadModel(parts.tables, await parts.copy(opener, events) if parts.copy and opener else {})
    await model.load(conn, sorted({event.subject for event in events}))
    return model


def fold_one(model: ReadModel, parts: Parts, event: Recorded) -> None:
    """One event into the case and into the service's own tables."""
    case = model.evolve(event)
    if parts.project:
        parts.project(model, event, case)


async def save_directory(conn: Connection, events: Sequence[Recorded]) -> None:
    """The directory's read model: every event of lane 64 as it came."""
    await directory_store.save(
        conn,
        [FactRow(event.position.seq, EventId(event.id), event.type, event.body) for event in events],
    )


@dataclass(frozen=True)
class Projecting:
    """The `work` of a worker: projection and reactions."""

    running: Runtime

    async def __call__(self, conn: Connection, events: Sequence[Recorded]) -> BatchPlan:
        """Folds in memory; the reader writes it with the progress."""
        if events[0].position.lane == DIRECTORY_LANE:
            return BatchPlan(within=lambda conn: save_directory(conn, events))
        began = monotonic()
        model = await opened(conn, self.running.parts, events, self.running.opener)
        view = await self._directory(conn, model, events)
        reactions = [one for event in events for one in await self._fold(model, event, view)]

        async def react(conn: Connection) -> None:
            await lock_lanes(conn, {one.cause.position.lane for one in reactions})
            await self.running.handler.react(conn, reactions)
            if after := self.running.parts.after:
                await after(self.running, conn, sorted({one.cause.subject for one in reactions}))

        def applied() -> None:
            self._measure(model, events, monotonic() - began)

        return BatchPlan(model.writes(), react if reactions else None, applied)

    async def _fold(self, model: ReadModel, event: Recorded, view: View) -> list[Reaction]:
        parts = self.running.parts
        with _about(event) as here:
            fold_one(model, parts, event)
            if parts.effect:
                await parts.effect(self.running, event)
            case = model.case(event.subject)
            if parts.react is None or case is None:
                return []
            facts = Facts(case, view, self.running.directory.directory)
            given = event.recorded_at if self.running.manual else None
            return [Reaction(one, facts, event, here.traceparent, given) for one in parts.react(event, case, view)]

    def _measure(self, model: ReadModel, events: Sequence[Recorded], seconds: float) -> None:
        if count := self.running.parts.count:
            for event in events:
                count(model, event)
        BATCH_EVENTS.observe(len(events))
        BATCH_SECONDS.observe(seconds)
        if not self.running.manual:
            VISIBLE_SECONDS.observe(max(0.0, (real_now() - events[-1].recorded_at).total_seconds()))

    async def _directory(self, conn: Connection, model: ReadModel, events: Sequence[Recorded]) -> View:
        """The newest directory here; raises `NotYet` while an event quotes a version that has not arrived."""
        quoted = max(event.directory_version for event in events)
        if model.directory < quoted:
            raise NotYet(f"directory version {quoted}")
        if model.directory > self.running.directory.directory.version:
            await self.running.directory.refresh(conn)
        return self.running.directory.directory.latest


@contextmanager
def _about(event: Recorded) -> Iterator[tracing.Here]:
    """What is logged and traced meanwhile is about this event."""
    said = event.said()
    with bound_contextvars(**said), tracing.span(f"apply {event.type}", event.traceparent, "consumer", said) as here:
        yield here
