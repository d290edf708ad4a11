"""The cases that supervision's tests are about, and a worker of supervision without a broker. No tests here."""

from collections.abc import Iterable
from datetime import datetime

from libs.case import lifecycle
from libs.case.facts import Facts
from libs.case.state import Case
from libs.case.testing import case_of, next_of
from libs.directory.facts.directory import Directory
from libs.directory.facts.view import View
from libs.events.contracts.intake import AppealReceived, AttachmentAdded, CaseRegistered, GridEventReported
from libs.events.contracts.routing import AssignmentAccepted, CaseDispatched, FeedbackSubmitted, HandlerAssigned
from libs.events.contracts.supervision import FeedbackAccepted, VerificationAssigned, VerificationPassed
from libs.events.decider import SYSTEM, Actor
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.events.ids import AppointmentId, ClassCode, ClockId, GridCode, PersonId, UnitId
from services.supervision.domain.clocks.case_clocks import states_of
from services.supervision.domain.clocks.fold import ClockState
from services.supervision.domain.clocks.ladder import Step
from services.supervision.domain.clocks.recount import recount
from services.supervision.domain.clocks.steps import next_step, steps_to_record
from services.supervision.domain.decider import DECIDER, State
from services.supervision.reactions import react
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN, VIEW

HOUSING = UnitId("county-housing")
LI_FANG = PersonId("li-fang")
PHOTO = "a" * 64
IN_G03 = (1_193_050_000, 321_050_000)
IN_G04 = (1_193_150_000, 321_050_000)

FOUND = GridEventReported(
    discoverer=LI_FANG,
    kind="city_management",
    class_code=ClassCode("manhole"),
    grid=GridCode("G03"),
    content="井盖周边路面破损",
    location="1193050000,321050000",
    photos=(PHOTO,),
)
APPEALED = AppealReceived(
    channel="phone",
    kind="complaint",
    content="井盖周边路面破损",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_name="某先生",
    recorded_by=PersonId("zhou-min"),
)
REGISTERED = CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="city_management",
    class_code=ClassCode("manhole"),
    urgency="U3",
    grid=GridCode("G03"),
    filing_condition="manhole-surround",
)
DISPATCHED = CaseDispatched(unit=HOUSING, dispatched_by=PersonId("chen-li"), class_code=ClassCode("manhole"))
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
HANDLER = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
REPORTED = FeedbackSubmitted(
    unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=1, result="SOLVED", reply="已修复", photos=(PHOTO,)
)
ACCEPTED = FeedbackAccepted(reviewed_by=PersonId("wu-qian"), round=1, next="VERIFYING")
ASSIGNED = VerificationAssigned(verifier=LI_FANG, assigned_by=SYSTEM.person, round=1, because="DISCOVERER")
SHOWN = AttachmentAdded(sha256=PHOTO, media_type="image/jpeg", size=90_000, sent_by=LI_FANG)
"""What the verifier took on the spot."""
PASSED = VerificationPassed(
    verifier=LI_FANG, round=1, grid=GridCode("G03"), location="1193050000,321050000", photos=(PHOTO,), next="CALLBACK"
)

FOUND_ON_PATROL: tuple[tuple[datetime, Event], ...] = (
    (china("2026-11-02 09:10"), FOUND),
    (china("2026-11-02 09:20"), REGISTERED),
    (china("2026-11-02 09:40"), DISPATCHED),
    (china("2026-11-02 10:30"), SIGNED),
    (china("2026-11-02 10:40"), HANDLER),
    (china("2026-11-05 10:00"), REPORTED),
)
"""Scenario 1 up to the feedback."""
APPEALED_BY_A_CITIZEN = (
    (china("2026-11-02 09:10"), APPEALED),
    (china("2026-11-02 09:20"), REGISTERED.model_copy(update={"kind": "complaint"})),
    *FOUND_ON_PATROL[2:],
)
NOON = china("2026-11-05 12:00")


def facts(*log: tuple[datetime, Event], directory: Directory = TOWN) -> Facts:
    """What supervision knows when the log says this."""
    return Facts(case_of(*log), directory.latest, directory)


def acting(appointment: str, view: View = VIEW) -> Actor:
    """The person of the town who holds this appointment, acting in it."""
    post = view.appointment(appointment)
    assert post is not None
    return Actor(person=post.person, role=post.role, appointment=AppointmentId(appointment), unit=post.unit)


WU_QIAN = acting("wu-qian-reviewer")
XU_JING = acting("xu-jing-callback")
HAN_FENG = acting("han-feng-supervisor")
LI_FANG_ACTING = acting("li-fang-grid")
FANG_YUN = acting("fang-yun-clerk")
ZHENG_KAI = acting("zheng-kai-handler")
MA_JUN = acting("ma-jun-leader")
TANG_JING = acting("tang-jing-clerk")


class Worker:
    """Supervision's worker on one case: reads the log, reacts, and reads its own events back."""

    def __init__(self, directory: Directory = TOWN) -> None:
        self.directory = directory
        self.log: list[tuple[datetime, Event]] = []
        self.recorded: list[Recorded] = []
        self.own: list[Event] = []
        self.state: State = DECIDER.initial
        self.case: Case | None = None

    def read(self, *facts_of_the_log: tuple[datetime, Event]) -> "Worker":
        """Facts in log order; what follows is appended and read back before the next one."""
        for at, event in facts_of_the_log:
            self.log.append((at, event))
            recorded = next_of(self.recorded, at, event)
            self.recorded.append(recorded)
            self.case = lifecycle.evolve(self.case, recorded)
            if event.owner == "supervision":
                self.own.append(event)
                self.state = DECIDER.evolve(self.state, event)
            for command in react(recorded, self.case, self.directory.latest):
                self._append(at, DECIDER.decide(self.state, command, self.facts))
        return self

    def elapse(self, watermark: datetime) -> tuple[Event, ...]:
        """The steps that a watermark licenses; recorded."""
        unit = UnitId(self.case.unit) if self.case and self.case.unit else None
        events = tuple(steps_to_record(self.state.clocks, watermark, self.facts, unit)[0])
        self._append(watermark, events)
        return events

    def recount(self, at: datetime) -> tuple[Event, ...]:
        """What follows from a calendar that the directory has by now; recorded."""
        events = tuple(recount(self.state.clocks, at, self.facts))
        self._append(at, events)
        return events

    def _append(self, at: datetime, events: Iterable[Event]) -> None:
        self.read(*((at, event) for event in events))

    @property
    def facts(self) -> Facts:
        return Facts(self.case, self.directory.latest, self.directory)

    @property
    def clocks(self) -> dict[ClockId, ClockState]:
        """Every clock that ever ran, as the whole stream says."""
        return states_of(self.state.clocks, self.facts)

    def clock(self, name: str) -> ClockState:
        """The one clock of this name."""
        (found,) = [state for state in self.clocks.values() if state.clock == name]
        return found

    @property
    def next_step(self) -> Step | None:
        return next_step(self.state.clocks, self.facts)

    def happened(self, *kinds: type[Event]) -> list[Event]:
        """Own events of these types, in order."""
        return [event for event in self.own if isinstance(event, kinds)]
