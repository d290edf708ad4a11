"""A withdrawal and what departments do meanwhile: however they cross, order and case agree once it is taken back."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from libs.case.facts import Facts
from libs.case.lifecycle import fold
from libs.case.state import Case
from libs.case.testing import log_of, next_of
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentAccepted,
    FeedbackSubmitted,
    HandlingResumed,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import CaseClosed, FeedbackRejected, ReworkOrdered
from libs.events.envelope import Recorded
from libs.events.event import Event
from libs.events.ids import PersonId
from services.routing.domain.decider import DECIDER
from services.routing.domain.work_order import Status, WorkOrder
from services.routing.reactions import react
from tests.unit.directory.town import VIEW
from tests.unit.examples import examples
from tests.unit.routing.givens import HOUSING, NINE, ODOUR, WATER, dispatched

FANG_YUN, ZHENG_KAI, WU_QIAN, CHEN_LI = map(PersonId, ("fang-yun", "zheng-kai", "wu-qian", "chen-li"))
SENT = dispatched(HOUSING, "sewer-odour")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=FANG_YUN)
RETURNED = ReturnRequested(unit=HOUSING, requested_by=FANG_YUN, basis="职责清单第12条", suggested_unit=WATER)
KEPT = ReturnRejected(unit=HOUSING, decided_by=CHEN_LI, reason="属本单位职责")
TAKEN_BACK = ReturnApproved(unit=HOUSING, decided_by=CHEN_LI)
DISPUTED = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED", opened_by=CHEN_LI)
REPORTED = FeedbackSubmitted(unit=HOUSING, submitted_by=ZHENG_KAI, round=1, result="SOLVED", reply="已疏通")
SENT_BACK = FeedbackRejected(reviewed_by=WU_QIAN, round=1, reason="未附照片")
AGAIN = ReworkOrdered(round=2, ordered_by=WU_QIAN, because="review")
CLOSED = CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1)
WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
RESTORED = AppealRestored(proof="SECRET")
OF_DEPARTMENTS: tuple[tuple[Event, ...], ...] = (
    (SENT, SIGNED, REPORTED),
    (SENT, SIGNED, REPORTED, SENT_BACK),
    (SENT, SIGNED, REPORTED, AGAIN),
    (SENT, SIGNED, RETURNED, KEPT),
    (SENT, RETURNED, KEPT, SIGNED),
    (SENT, RETURNED, TAKEN_BACK, DISPUTED),
    (SENT, SIGNED, RETURNED, DISPUTED),
)
"""What happens to the order meanwhile: routing's own acts, and the answers of the reviewer."""
STATES: dict[Status, str] = {"NONE": "REGISTERED", "PROPOSED": "REGISTERED"}
"""Of a case; the other ones are called alike."""


class Log:
    """The log of one case, and routing's worker, which is free to read it later."""

    def __init__(self) -> None:
        self.events: list[Recorded] = list(log_of(*ODOUR))
        self.order: WorkOrder = DECIDER.initial
        self.read = 0

    def add(self, event: Event) -> None:
        """Somebody's act is in the log; what routing itself did, it knows at once."""
        self.events.append(next_of(self.events, NINE + len(self.events) * timedelta(minutes=1), event))
        if event.owner == "routing":
            self.order = DECIDER.evolve(self.order, event)

    def read_all(self) -> None:
        """Routing reads what it has not read, its own reactions too."""
        while self.read < len(self.events):
            self.read += 1
            seen = self.events[: self.read]
            case = fold(seen)
            assert case is not None
            for command in react(seen[-1], case, VIEW):
                for event in DECIDER.decide(self.order, command, Facts(case, VIEW)):
                    self.add(event)

    @property
    def case(self) -> Case:
        case = fold(self.events)
        assert case is not None
        return case


def with_withdrawal(acts: tuple[Event, ...], withdrawn: int, restored: int, reading: set[int]) -> Log:
    """The acts in their order; the withdrawal, its restoring and routing's reading anywhere between them."""
    log = Log()
    log.read_all()
    step = count()
    for place in range(len(acts) + 1):
        for at, event in ((withdrawn, WITHDRAWN), (restored, RESTORED)):
            if at == place:
                log.add(event)
            if next(step) in reading and still_possible(log, acts[place:]):
                log.read_all()
        if place < len(acts):
            log.add(acts[place])
    log.read_all()
    return log


def still_possible(log: Log, to_come: tuple[Event, ...]) -> bool:
    """Nobody decides anything of routing's on an order that he can see is cancelled."""
    pending = any(event.data is WITHDRAWN for event in log.events[log.read :]) or log.order.status == "CANCELLED"
    restored = any(event.data is RESTORED for event in log.events)
    return restored or not pending or all(event.owner != "routing" for event in to_come)


@examples(300)
@given(st.sampled_from(OF_DEPARTMENTS), st.data())
def test_however_a_withdrawal_crosses_the_departments_acts_order_and_case_agree_after_it(
    acts: tuple[Event, ...], data: st.DataObject
) -> None:
    withdrawn = data.draw(st.integers(0, len(acts)), "withdrawn")
    restored = data.draw(st.integers(withdrawn, len(acts)), "restored")
    reading = data.draw(st.sets(st.integers(0, 2 * len(acts) + 2)), "reading")
    log = with_withdrawal(acts, withdrawn, restored, reading)

    assert log.case.state == STATES.get(log.order.status, log.order.status)
    assert (log.case.unit, log.case.round) == (log.order.unit, log.order.round)


def test_a_signature_that_crossed_the_withdrawal_is_one_when_the_withdrawal_is_taken_back() -> None:
    log = with_withdrawal((SENT, SIGNED), withdrawn=1, restored=2, reading=set())

    assert (log.case.state, log.order.status) == ("IN_PROGRESS", "IN_PROGRESS")


def test_a_rework_that_crossed_the_withdrawal_begins_when_the_withdrawal_is_taken_back() -> None:
    log = with_withdrawal((SENT, SIGNED, REPORTED, AGAIN), withdrawn=3, restored=4, reading={6, 7})

    assert [event.because for event in happened(log)] == [AGAIN.ce_type, RESTORED.ce_type]
    assert (log.case.state, log.order.status, log.order.round) == ("IN_PROGRESS", "IN_PROGRESS", 2)


def test_a_case_that_was_closed_meanwhile_stays_closed_and_its_order_cancelled() -> None:
    log = with_withdrawal((SENT, SIGNED, REPORTED, CLOSED), withdrawn=3, restored=4, reading={6, 7})

    assert (log.case.state, log.order.status) == ("CLOSED", "CANCELLED")


def happened(log: Log) -> Iterator[HandlingResumed]:
    """When the order was resumed, or is to be."""
    return (event.data for event in log.events if isinstance(event.data, HandlingResumed))
