"""A small sound log in memory, chained as the event store chains it, to plant faults in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from libs.events.contracts import intake, routing
from libs.events.decider import Actor
from libs.events.envelope import Position, Provenance, draft, microseconds
from libs.events.event import Event
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId
from libs.events.lanes import decode_meta, genesis, lane_of, leaf_hash, link_hash
from libs.log.write.seal import plain_body

CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a01"
LANE = 2
OTHER_CASE = "0199a5b0-7c1e-7d3a-9f00-2b6c1d5e8a05"
MORNING = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
CLERK = Actor(PersonId("fang-yun"), "DEPT_CLERK")

REGISTERED = intake.CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="complaint",
    class_code=ClassCode("manhole"),
    urgency="U3",
    grid=GridCode("G03"),
)
DISPATCHED = routing.CaseDispatched(
    unit=UnitId("county-housing"), dispatched_by=PersonId("chen-li"), class_code=ClassCode("manhole")
)
SIGNED = routing.AssignmentAccepted(unit=UnitId("county-housing"), accepted_by=PersonId("fang-yun"))
ASSIGNED = routing.HandlerAssigned(
    unit=UnitId("county-housing"), handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun")
)
RESUMED = routing.HandlingResumed(unit=UnitId("county-housing"), round=2, because="verification failed")
CANCELLED = routing.WorkOrderCancelled(unit=UnitId("county-housing"), because="voided")


@dataclass
class WrittenRecord:
    """A Kafka record as a client gives it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


@dataclass
class Writer:
    """Appends events to one partition after another, each service in its own chain."""

    records: list[WrittenRecord] = field(default_factory=list)
    _heads: dict[tuple[str, int], tuple[int, bytes]] = field(default_factory=dict)
    _versions: dict[tuple[str, str], int] = field(default_factory=dict)

    def append(self, event: Event, case: str = CASE, at: datetime | None = None, kind: str = "case") -> WrittenRecord:
        """One event of its owner, a minute after the one before."""
        source, lane, stream = f"/xunban/{event.owner}", lane_of(case), f"{kind}-{case}"
        at = at or MORNING + timedelta(minutes=len(self.records))
        made = draft(
            event, plain_body(event), source=source, subject=case, stream=stream, at=at, by=Provenance(CLERK, 12)
        )
        seq, prev = self._heads.get((source, lane), (0, genesis(source, lane)))
        version = self._versions.get((source, stream), 0) + 1
        leaf = leaf_hash(lane, seq + 1, version, microseconds(at), made.meta, made.body)
        position = Position(lane, seq + 1, version, at, prev, link_hash(prev, leaf))
        self._heads[source, lane] = (seq + 1, position.hash)
        self._versions[source, stream] = version
        offset = sum(record.partition == lane for record in self.records)
        headers = [*decode_meta(made.meta), *position.headers()]
        self.records.append(WrittenRecord("case.events", lane, offset, case.encode(), made.body, headers))
        return self.records[-1]


def sound_log() -> list[WrittenRecord]:
    """One case through intake and routing: intake 2/1, routing 2/1 … 2/5, all in lane 2."""
    writer = Writer()
    for event in (REGISTERED, DISPATCHED, SIGNED, ASSIGNED, RESUMED, CANCELLED):
        writer.append(event)
    return writer.records


def with_header(record: WrittenRecord, name: str, value: bytes | None) -> WrittenRecord:
    """A copy with one header changed, or (None) without it."""
    headers = [(key, value if key == name else old) for key, old in record.headers]
    kept = [(key, content) for key, content in headers if content is not None]
    return WrittenRecord(record.topic, record.partition, record.offset, record.key, record.value, kept)
