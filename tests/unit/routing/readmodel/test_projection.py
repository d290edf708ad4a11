"""The work order as the log tells it, and the lamp that a list derives from it."""

from datetime import datetime
from typing import Any

from libs.case.lamp import lamp_of
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import CaseVoided
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.routing import (
    AssignmentAccepted,
    AssignmentDeemedAccepted,
    HandlerAssigned,
    RouteProposed,
    RouteRejected,
    RuleStep,
)
from libs.events.contracts.supervision import DeadlineSet, ReworkOrdered, StageFinished
from libs.events.event import Event
from libs.events.ids import ClockId, PersonId
from libs.log.read.rows import ReadModel
from services.routing.readmodel.projection import project
from services.routing.readmodel.tables import TABLES, work_order
from tests.unit.directory.town import local
from tests.unit.routing.givens import HOUSING, NINE, NOON, ODOUR, TEN, URBAN, dispatched

SENT = dispatched(HOUSING, "sewer-odour")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
DUE = local("2026-11-11 00:00")
YELLOW = local("2026-11-06 12:00")
LONG_RED = local("2026-11-18 00:00")


def row(*log: tuple[datetime, Event]) -> dict[str, Any] | None:
    """The order after these events."""
    model = ReadModel(TABLES)
    for event in log_of(*log):
        project(model, event, model.evolve(event))
    return model[work_order].get(CASE_ID)


def clock(name: Clock, due_at: datetime | None, in_round: int = 1) -> DeadlineSet:
    """A clock that began at ten."""
    return DeadlineSet(
        clock_id=ClockId("e-9"),
        clock=name,
        round=in_round,
        at=TEN,
        because="e-3",
        started_at=TEN,
        due_at=due_at,
        urgency="U3",
        directory_version=1,
    )


def test_an_order_begins_when_the_case_is_registered() -> None:
    assert row(ODOUR[0]) is None
    begun = row(*ODOUR)
    assert begun is not None
    assert (begun["state"], begun["class_code"], begun["registered_at"]) == ("REGISTERED", "sewer-odour", NINE)


def test_the_queue_shows_the_proposal_and_why_others_were_skipped() -> None:
    skipped = RouteRejected(unit=URBAN, rule="POW-1", zh="没有职权", en="no power")
    why = (RuleStep(rule="R5", zh="候选", en="candidates"),)
    proposed = RouteProposed(unit=HOUSING, candidates=(URBAN, HOUSING), chain=why, dispatch="confirm")
    waiting = row(*ODOUR, (TEN, skipped), (TEN, proposed))
    assert waiting is not None
    assert (waiting["proposed"], waiting["dispatch"]) == (HOUSING, "confirm")
    assert waiting["rejected"] == [{"unit": "county-urban", "rule": "POW-1", "zh": "没有职权", "en": "no power"}]
    assert waiting["chain"] == [{"rule": "R5", "zh": "候选", "en": "candidates"}]


def test_a_signed_order_shows_unit_signature_and_handler() -> None:
    named = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
    order = row(*ODOUR, (TEN, SENT), (NOON, SIGNED), (NOON, named))
    assert order is not None
    assert (order["unit"], order["dispatched_at"], order["signed_at"]) == (HOUSING, TEN, NOON)
    assert (order["handler"], order["deemed_signed"], order["state"]) == ("zheng-kai", False, "IN_PROGRESS")


def test_an_order_signed_by_silence_says_so() -> None:
    deemed = AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-9")
    order = row(*ODOUR, (TEN, SENT), (NOON, deemed))
    assert order is not None
    assert (order["signed_at"], order["deemed_signed"]) == (NOON, True)


def test_due_times_are_those_that_supervision_said() -> None:
    order = row(*ODOUR, (TEN, SENT), (TEN, clock("handling", DUE)), (TEN, clock("sign", NOON)))
    assert order is not None
    assert (order["due_at"], order["sign_due_at"], order["stopped_at"]) == (DUE, NOON, None)


def test_the_rework_clock_follows_the_handling_clock_and_no_late_word_on_round_one_takes_its_place() -> None:
    ordered = ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="verification")
    rework = clock("rework", LONG_RED, 2)
    finished = StageFinished(
        clock_id=ClockId("e-9"),
        clock="handling",
        round=1,
        at=NOON,
        because="e-5",
        started_at=TEN,
        due_at=DUE,
        stopped_at=NOON,
    )
    order = row(*ODOUR, (TEN, SENT), (TEN, clock("handling", DUE)), (NOON, ordered), (NOON, rework), (NOON, finished))
    assert order is not None
    assert (order["round"], order["due_at"], order["stopped_at"]) == (2, LONG_RED, None)


def test_a_voided_case_leaves_the_open_orders() -> None:
    order = row(*ODOUR, (TEN, CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")))
    assert order is not None
    assert order["state"] == "VOID"


def at_work(**changes: datetime) -> dict[str, Any]:
    """The clock of an order."""
    return {"due_at": DUE, "yellow_at": YELLOW, "long_red_at": LONG_RED, "stopped_at": None, **changes}


def test_the_lamp_turns_with_the_clock() -> None:
    assert lamp_of(at_work(), local("2026-11-06 11:59")) == "GREEN"
    assert lamp_of(at_work(), YELLOW) == "YELLOW"
    assert lamp_of(at_work(), DUE) == "YELLOW"
    assert lamp_of(at_work(), local("2026-11-11 00:01")) == "RED"
    assert lamp_of(at_work(), LONG_RED) == "RED"
    assert lamp_of(at_work(), local("2026-11-18 00:01")) == "LONG_RED"


def test_the_lamp_stands_still_when_the_clock_was_stopped() -> None:
    assert lamp_of(at_work(stopped_at=NOON), LONG_RED) == "GREEN"


def test_an_order_without_a_clock_has_no_lamp() -> None:
    assert lamp_of({**at_work(), "due_at": None}, LONG_RED) is None
