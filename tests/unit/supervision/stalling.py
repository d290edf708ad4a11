"""A case whose sources, relays, heartbeats and readers stall, crash and overtake one another. No tests here."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from libs.case import lifecycle
from libs.case.facts import Facts
from libs.case.state import Case
from libs.case.testing import CASE_ID
from libs.events.envelope import EPOCH, Position, Recorded
from libs.events.event import Event
from libs.events.ids import ClockId, UnitId
from libs.events.lanes import lane_of
from libs.log.watermarks.watermark import Beat, Watermarks
from services.supervision.domain.clocks.case_clocks import states_of
from services.supervision.domain.clocks.fold import ClockState
from services.supervision.domain.clocks.steps import Recordable, steps_to_record
from services.supervision.domain.decider import DECIDER, State
from services.supervision.jobs.timers import SOURCES
from services.supervision.reactions import react
from tests.unit.directory.town import TOWN
from trials.faults.verdicts import LoggedEvent

LANE = lane_of(CASE_ID)
Fact = tuple[datetime, Event]
NEEDS = {
    "intake": {},
    "routing": {"/xunban/intake": 2},
    "supervision": {"/xunban/intake": 2, "/xunban/routing": 5},
}
"""Owner of a command → how many events of others its decision must have read: received and registered; the report."""


@dataclass
class Source:
    """One service's lane: what it recorded, what its relay has sent of it, and the beats on their way."""

    name: str
    at: datetime = EPOCH
    events: list[Recorded] = field(default_factory=list)
    sent: int = 0
    beats: list[Beat] = field(default_factory=list)

    def record(self, event: Event, given: datetime, event_id: str) -> None:
        """Append under the lane's lock: never before what was said before."""
        self.at = max(self.at, given)
        seq = len(self.events) + 1
        self.events.append(recorded_event(self.name, seq, self.at, event, event_id))

    def beat(self, now: datetime) -> None:
        """Touch the lane and say how far it has come."""
        self.at = max(self.at, now)
        self.beats.append(Beat(self.name, now, ((LANE, len(self.events), self.at),)))


def recorded_event(source: str, seq: int, at: datetime, event: Event, event_id: str) -> Recorded:
    attributes = {
        "ce_id": event_id,
        "ce_source": source,
        "ce_type": event.ce_type,
        "ce_subject": CASE_ID,
        "ce_stream": f"case-{CASE_ID}",
        "ce_time": at.isoformat(),
        "ce_actor": "somebody",
        "ce_directoryversion": str(TOWN.version),
    }
    return Recorded(Position(LANE, seq, seq, at, b"", b""), attributes, event, event.model_dump_json().encode())


@dataclass
class Stalling:
    """Supervision's worker behind a log that comes as it likes. The rules of who may do what are architecture.md §5."""

    now: datetime
    sources: dict[str, Source] = field(default_factory=lambda: {name: Source(name) for name in SOURCES})
    log: list[Recorded] = field(default_factory=list)
    read: int = 0
    case: Case | None = None
    marks: Watermarks = field(default_factory=Watermarks)
    stored: dict[str, datetime] = field(default_factory=dict)
    state: State = field(default_factory=State)
    decided: tuple[int, tuple[Event, ...]] | None = None

    def __post_init__(self) -> None:
        self.marks.restore({"source": name, "lane": LANE, "seq": 0, "at": EPOCH, "sent": EPOCH} for name in SOURCES)

    @property
    def own(self) -> list[Recorded]:
        return self.sources["/xunban/supervision"].events

    @property
    def facts(self) -> Facts:
        return Facts(self.case, TOWN.latest, TOWN)

    # What the world does ---------------------------------------------------------------------------------------------

    def happens(self, fact: Fact, number: int) -> None:
        """A command is carried out at its instant; its decision had read from the log what it needs, and no more."""
        at, event = fact
        self.now = max(self.now, at)
        for needed, count in NEEDS[event.owner].items():
            self.relay(needed, count - self.sources[needed].sent)
        self._record(f"/xunban/{event.owner}", event, self.now, f"fact-{number}")

    def pass_to(self, instant: datetime) -> None:
        """Time goes on, and nobody says so yet."""
        self.now = max(self.now, instant)

    def beat(self, source: str) -> None:
        """A source says how complete its lane is; the beat is on its way."""
        self.sources[source].beat(self.now)

    def relay(self, source: str, count: int) -> None:
        """A relay sends its next events."""
        one = self.sources[source]
        batch = one.events[one.sent : one.sent + max(count, 0)]
        self.log += batch
        one.sent += len(batch)

    # What supervision's worker does ----------------------------------------------------------------------------------

    def hear(self, source: str) -> None:
        """The newest beat of a source arrives, whatever it has sent of its events."""
        if self.sources[source].beats:
            self.marks.beat(self.sources[source].beats.pop())

    def consume(self, count: int) -> None:
        """Read on, react, and commit both with the progress."""
        for event in self.log[self.read : self.read + count]:
            self.case = lifecycle.evolve(self.case, event)
            for command in react(event, self.case, TOWN.latest):
                self._append(DECIDER.decide(self.state, command, self.facts), event.recorded_at)
            self.marks.apply(event.source, LANE, event.position.seq, event.recorded_at)
            self.read += 1

    def look(self) -> None:
        """Decide which steps the watermark licenses; they are not recorded yet."""
        watermark = self.marks.lane(LANE, SOURCES)
        if self.case:
            unit = UnitId(self.case.unit) if self.case.unit else None
            steps, _ = steps_to_record(self.state.clocks, watermark, self.facts, unit)
            self.decided = len(self.own), tuple(steps)

    def fire(self) -> None:
        """Record what was decided, however long ago, unless the stream has moved on meanwhile."""
        decided, self.decided = self.decided, None
        if decided and decided[0] == len(self.own):
            self._append(decided[1], None)

    def store(self) -> None:
        """Write the watermarks down."""
        self.stored = {source: at for (source, _), at in self.marks.at.items()}

    def crash(self) -> None:
        """The worker dies; another one knows what was committed and what was written down, and hears new beats."""
        self.decided = None
        applied = self.marks.applied
        rows = [
            {
                "source": name,
                "lane": LANE,
                "seq": applied[name, LANE],
                "at": self.stored.get(name, EPOCH),
                "sent": EPOCH,
            }
            for name in SOURCES
        ]
        self.marks = Watermarks()
        self.marks.restore(rows)

    def _append(self, events: Iterable[Event], cause: datetime | None) -> None:
        own = self.sources["/xunban/supervision"]
        events = list(events)
        given = cause or max((event.instant for event in events if isinstance(event, Recordable)), default=EPOCH)
        for event in events:
            self._record(own.name, event, given, f"own-{len(own.events)}")

    def _record(self, source: str, event: Event, given: datetime, event_id: str) -> None:
        self.sources[source].record(event, given, event_id)
        if event.owner == "supervision":
            self.state = DECIDER.evolve(self.state, event)

    # The end ---------------------------------------------------------------------------------------------------------

    def settle(self, still: Collection[str] = ()) -> None:
        """Everything that was on its way arrives, up to now; but the relays of some sources stand still."""
        while True:
            before = len(self.own), self.read
            for name, source in self.sources.items():
                self.relay(name, 0 if name in still else len(source.events))
                self.beat(name)
                self.hear(name)
            self.consume(len(self.log))
            self.look()
            self.fire()
            if before == (len(self.own), self.read):
                return

    @property
    def said(self) -> list[LoggedEvent]:
        """The resulting log, in the order in which it stands."""
        return [LoggedEvent(event.type, event.recorded_at, event.data.model_dump(mode="json")) for event in self.log]

    @property
    def clocks(self) -> dict[ClockId, ClockState]:
        """Every clock that ever ran."""
        return states_of(self.state.clocks, self.facts)
