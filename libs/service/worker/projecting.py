"""What a worker does with new events: fold it into the read model in memory, then react; the reader writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

import structlog
from structlog.contextvars import bound_contextvars

from libs.directory.facts.view import View
from libs.directory.readmodel import store as directory_store
from libs.directory.readmodel.store import FactRow
from libs.events.envelope import Recorded
from libs.events.ids import EventId
from libs.events.lanes import DIRECTORY_LANE
from libs.log.process import tracing
from libs.log.read import waiting
from libs.log.read.partitions import NotYet
from libs.log.read.reader import BatchPlan, PutAside
from libs.log.read.rows import ReadModel
from libs.log.read.waiting import Waiting
from libs.log.store.event_store import Connection, lock_lanes
from libs.log.unjudged import NotJudged
from libs.log.write.command import Reaction
from libs.log.write.seal import Opener
from libs.service.clock import real_now
from libs.service.observe.metrics import BATCH_EVENTS, BATCH_SECONDS, VISIBLE_SECONDS
from libs.service.runtime import Parts, Runtime

log = structlog.get_logger()


async def project(
    conn: Connection, parts: Parts, events: Sequence[Recorded], opener: Opener | None = None
) -> ReadModel:
    """Fold events into the read model, nothing else: no clock, no directory, no side effect."""
    model = await opened(conn, parts, events, opener)
    for event in events:
        fold_one(model, parts, event)
    return model


async def opened(
    conn: Connection, parts: Parts, events: Sequence[Recorded], opener: Opener | None, *, reacts: bool = False
) -> ReadModel:
    """The read model with the cases that these events are about, and search copies where they can be opened."""
    model = ReadModel(parts.tables, await parts.copy(opener, events) if parts.copy and opener else {})
    await model.load(conn, sorted({event.subject for event in events}), reacts=reacts)
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
        """Folds in memory; the reader writes it with the progress.

        Where a case cannot be judged, events of several are refused whole (`NotJudged`) and one by itself is put aside.
        """
        if events[0].position.lane == DIRECTORY_LANE:
            return BatchPlan(within=lambda conn: save_directory(conn, events))
        began = monotonic()
        parts = self.running.parts
        model = await opened(conn, parts, events, self.running.opener, reacts=parts.react is not None)
        view = await self._directory(conn, model, events)

        def applied() -> None:
            self._measure(model, events, monotonic() - began)

        def instead(why: NotJudged) -> Exception:
            case = model.case(why.case_id)
            if len(events) > 1 or case is None:
                return why
            log.error("case_waits", **events[0].said(), reason=why.why, exc_info=why.__cause__)
            behind = [Waiting(events[0], case, why.why)]
            return PutAside(BatchPlan(model.writes(), lambda conn: wait(conn, behind), applied))

        try:
            folded = [await self._fold(model, event, view) for event in events]
        except NotJudged as why:
            raise instead(why) from why
        reactions = [one for found in folded for one in found if isinstance(one, Reaction)]
        behind = [one for found in folded for one in found if isinstance(one, Waiting)]

        async def react(conn: Connection) -> None:
            try:
                await self.running.react(conn, reactions)
            except NotJudged as why:
                raise instead(why) from why
            if behind:
                await wait(conn, behind)

        return BatchPlan(model.writes(), react if reactions or behind else None, applied)

    async def _fold(self, model: ReadModel, event: Recorded, view: View) -> Sequence[Reaction | Waiting]:
        parts = self.running.parts
        with _about(event) as here:
            fold_one(model, parts, event)
            if parts.effect:
                await parts.effect(self.running, event)
            case = model.case(event.subject)
            if parts.react is None or case is None:
                return []
            if event.subject in model.waiting:
                return [Waiting(event, case)]
            return self.running.reactions_to(event, case, view, here.traceparent)

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


async def wait(conn: Connection, behind: Sequence[Waiting]) -> None:
    """These events are read and not reacted to: their cases wait."""
    await lock_lanes(conn, {one.event.position.lane for one in behind})
    await waiting.put(conn, behind)


@contextmanager
def _about(event: Recorded) -> Iterator[tracing.Here]:
    """What is logged and traced meanwhile is about this event."""
    said = event.said()
    with bound_contextvars(**said), tracing.span(f"apply {event.type}", event.traceparent, "consumer", said) as here:
        yield here
