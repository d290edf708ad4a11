"""What a worker does with a lane's batch, in one transaction: fold it into the read model, then react."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from structlog.contextvars import bound_contextvars

from libs.directory import store as directory_store
from libs.directory.facts import Facts
from libs.directory.store import FactRow
from libs.directory.view import View
from libs.events import tracing
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded
from libs.events.ids import EventId
from libs.events.lanes import DIRECTORY_LANE
from libs.events.readmodel import ReadModel
from libs.events.store import Connection, lock_lane
from libs.events.worker import NotYet
from libs.service.clock import real_now
from libs.service.metrics import BATCH_EVENTS, BATCH_SECONDS, VISIBLE_SECONDS
from libs.service.runtime import Opener, Parts, Runtime


async def project(
    conn: Connection, parts: Parts, events: Sequence[Recorded], opener: Opener | None = None
) -> ReadModel:
    """Fold a lane's events into the read model, nothing else: no clock, no directory, no side effect."""
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
    """The `work` of a worker: projection and reactions of one lane's batch."""

    running: Runtime

    async def __call__(self, conn: Connection, lane: int, events: Sequence[Recorded]) -> None:
        """Runs inside the transaction that moved the progress."""
        if lane == DIRECTORY_LANE:
            await save_directory(conn, events)
            return
        parts = self.running.parts
        began = monotonic()
        view = await self._directory(conn, events)
        model = await opened(conn, parts, events, self.running.opener)
        locked = False
        touched: set[str] = set()
        for event in events:
            with _about(event) as here:
                fold_one(model, parts, event)
                if parts.effect:
                    await parts.effect(self.running, event)
                case = model.case(event.subject)
                if parts.react is None or case is None:
                    continue
                for command in parts.react(event, case, view):
                    if not locked:
                        await lock_lane(conn, lane)
                        locked = True
                    facts = Facts(case, view, self.running.directory.directory)
                    await self._react(conn, command, facts, event, here.traceparent)
                    touched.add(event.subject)
        if parts.after and touched:
            await parts.after(self.running, conn, sorted(touched))
        await model.write(conn)
        self._measure(model, events, monotonic() - began)

    async def _react(
        self, conn: Connection, command: Any, facts: Facts, cause: Recorded, traceparent: str | None
    ) -> None:
        given = cause.recorded_at if self.running.manual else None
        await self.running.desk.react(
            conn, command, facts, cause=cause, actor=SYSTEM, given=given, traceparent=traceparent
        )

    def _measure(self, model: ReadModel, events: Sequence[Recorded], seconds: float) -> None:
        if count := self.running.parts.count:
            for event in events:
                count(model, event)
        BATCH_EVENTS.observe(len(events))
        BATCH_SECONDS.observe(seconds)
        if not self.running.manual:
            VISIBLE_SECONDS.observe(max(0.0, (real_now() - events[-1].recorded_at).total_seconds()))

    async def _directory(self, conn: Connection, events: Sequence[Recorded]) -> View:
        """The newest directory here; raises `NotYet` while an event quotes a version that has not arrived."""
        quoted = max(event.directory_version for event in events)
        view = await self.running.directory.latest(conn)
        if view.version < quoted:
            raise NotYet(f"directory version {quoted}")
        return view


@contextmanager
def _about(event: Recorded) -> Iterator[tracing.Here]:
    """What is logged and traced meanwhile is about this event."""
    said = event.said()
    with bound_contextvars(**said), tracing.span(f"apply {event.type}", event.traceparent, "consumer", said) as here:
        yield here
