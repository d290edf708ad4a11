"""What a unit holds and hears: its list, its counts, and a feed whose sequence has no gap in any lane."""

from datetime import datetime
from typing import Any

from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import CaseVoided
from libs.events.contracts.notify import MessageDue
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentAccepted,
    CoUnitAdded,
    CoUnitReported,
    FeedbackSubmitted,
    ReturnApproved,
    ReturnRequested,
    RouteProposed,
    WorkOrderCancelled,
)
from libs.events.contracts.supervision import ClocksEnded, DeadlineSet, ReworkOrdered, StageFinished
from libs.events.event import Event
from libs.events.ids import ClockId, PersonId
from libs.log.read.rows import ReadModel
from services.routing.readmodel.holdings import ALL_UNITS, NEVER
from services.routing.readmodel.projection import project
from services.routing.readmodel.tables import TABLES, feed_entry, held_order, unit_lane, work_order
from tests.unit.directory.town import local
from tests.unit.routing.givens import HOUSING, NINE, NOON, ODOUR, TEN, URBAN, dispatched

LANE = 56
ANOTHER = "0191f2a0-0000-7000-8000-00000000003b"
FANG_YUN, CHEN_LI = PersonId("fang-yun"), PersonId("chen-li")
DUE, YELLOW = local("2026-11-11 00:00"), local("2026-11-06 12:00")
TO_HOUSING = dispatched(HOUSING, "sewer-odour")
TO_URBAN = dispatched(URBAN, "sewer-odour")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=FANG_YUN)
ASKED_BACK = ReturnRequested(unit=HOUSING, requested_by=FANG_YUN, basis="三定方案", suggested_unit=URBAN)
TAKEN_BACK = ReturnApproved(unit=HOUSING, decided_by=CHEN_LI)
HELPED = CoUnitAdded(unit=URBAN, added_by=FANG_YUN, task="占道协助清理")
HELP_DONE = CoUnitReported(unit=URBAN, reported_by=PersonId("tang-jing"), report="已清理")
CLOCK: dict[str, Any] = {
    "clock_id": ClockId("e-3/handling"),
    "clock": "handling",
    "round": 1,
    "started_at": TEN,
    "due_at": DUE,
    "yellow_at": YELLOW,
}
SET = DeadlineSet(**CLOCK, at=TEN, because="e-3", urgency="U3", directory_version=1)
DONE = StageFinished(**CLOCK, at=NOON, because="e-5", stopped_at=NOON)
FEEDBACK = FeedbackSubmitted(unit=HOUSING, submitted_by=FANG_YUN, round=1, result="SOLVED", reply="已疏通")


def read(*log: tuple[datetime, Event], model: ReadModel | None = None, case_id: str = CASE_ID) -> ReadModel:
    """The read model after these events, on top of what was there."""
    model = model or ReadModel(TABLES)
    for event in log_of(*log, case_id=case_id):
        project(model, event, model.evolve(event))
    return model


def feed(model: ReadModel, unit: str, *, lane: int = LANE) -> list[dict[str, Any]]:
    """What the unit has been told in this lane, in the order of the sequence."""
    entries: list[dict[str, Any]] = []
    while entry := model[feed_entry].get(unit, lane, len(entries) + 1):
        entries.append(entry)
    return entries


def told(model: ReadModel, unit: str) -> list[tuple[str, str | None]]:
    """Event and role, one by one."""
    return [(entry["type"].split(".")[1], entry["role"]) for entry in feed(model, unit)]


def counts(model: ReadModel, unit: str) -> dict[str, int]:
    row = model[unit_lane].get(unit, LANE)
    return row["counts"] if row else {}


def test_a_unit_hears_of_an_order_from_its_dispatch_on() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (NOON, SIGNED))
    assert told(model, HOUSING) == [("case-dispatched", "lead"), ("assignment-accepted", "lead")]
    assert [entry["sequence"] for entry in feed(model, HOUSING)] == [1, 2]
    assert [entry["state"] for entry in feed(model, HOUSING)] == ["DISPATCHED", "IN_PROGRESS"]


def test_the_version_counts_every_event_of_the_case() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (NOON, SIGNED))
    assert [entry["version"] for entry in feed(model, HOUSING)] == [3, 4]


def test_a_unit_that_loses_the_order_sees_the_loss_and_nothing_after_it() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, ASKED_BACK), (NOON, TAKEN_BACK), (NOON, TO_URBAN))
    assert told(model, HOUSING)[-1] == ("return-approved", None)
    assert told(model, URBAN) == [("case-dispatched", "lead")]
    assert model[held_order].get(CASE_ID, HOUSING) is None


def test_a_dispatch_to_another_unit_is_a_loss_for_the_one_before() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (NOON, TO_URBAN))
    assert told(model, HOUSING) == [("case-dispatched", "lead"), ("case-dispatched", None)]
    assert feed(model, HOUSING)[-1]["lead_unit"] == URBAN


def test_a_co_unit_hears_of_the_order_until_it_has_reported() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, SIGNED), (NOON, HELPED), (NOON, HELP_DONE), (NOON, FEEDBACK))
    assert told(model, URBAN) == [("co-unit-added", "co"), ("co-unit-reported", None)]
    assert [step for step, _ in told(model, HOUSING)][-3:] == [
        "co-unit-added",
        "co-unit-reported",
        "feedback-submitted",
    ]


def test_rework_void_and_cancellation_are_told() -> None:
    rework = ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="verification")
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, SIGNED), (NOON, FEEDBACK), (NOON, rework))
    assert (told(model, HOUSING)[-1][0], feed(model, HOUSING)[-1]["round"]) == ("rework-ordered", 2)
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    gone = WorkOrderCancelled(unit=HOUSING, because="intake.case-voided.v1")
    model = read(*ODOUR, (TEN, TO_HOUSING), (NOON, voided), (NOON, gone))
    assert [entry["state"] for entry in feed(model, HOUSING)] == ["DISPATCHED", "VOID", "VOID"]


def test_a_clock_is_told_when_a_due_time_has_moved_and_only_then() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, SET), (TEN, SET))
    assert told(model, HOUSING) == [("case-dispatched", "lead"), ("deadline-set", "lead")]
    assert feed(model, HOUSING)[-1]["due_at"] == DUE


def test_messages_about_the_case_are_not_told() -> None:
    due = MessageDue(
        message_id="m-1",
        event_id="e-3",
        event_type=TO_HOUSING.ce_type,
        template="dispatched",
        recipient="person:fang-yun",
        channel="file",
    )
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, due))
    assert told(model, HOUSING) == [("case-dispatched", "lead")]


def test_the_sequence_runs_on_over_cases_of_one_lane_and_over_batches() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING))
    read(*ODOUR, (TEN, TO_HOUSING), (TEN, SIGNED), model=model, case_id=ANOTHER)
    cases = [(entry["case_id"], entry["sequence"]) for entry in feed(model, HOUSING)]
    assert cases == [(CASE_ID, 1), (ANOTHER, 2), (ANOTHER, 3)]


def test_orders_held_are_counted_by_role_and_state() -> None:
    model = read(*ODOUR, (TEN, TO_HOUSING), (TEN, SIGNED), (NOON, HELPED))
    assert counts(model, HOUSING) == {"lead IN_PROGRESS": 1}
    assert counts(model, URBAN) == {"co IN_PROGRESS": 1}
    assert counts(model, ALL_UNITS) == {"lead IN_PROGRESS": 1, "co IN_PROGRESS": 1}


def test_an_order_that_was_returned_counts_for_nobody_but_the_queue() -> None:
    proposed = RouteProposed(unit=HOUSING, candidates=(HOUSING,), chain=(), dispatch="confirm")
    model = read(*ODOUR, (TEN, proposed), (TEN, TO_HOUSING), (TEN, ASKED_BACK), (NOON, TAKEN_BACK))
    assert counts(model, HOUSING) == {}
    assert counts(model, ALL_UNITS) == {"queue routed": 1}


def test_a_dispute_before_any_unit_has_the_case_waits_in_the_queue_and_one_about_an_order_does_not() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED")
    returned = ((TEN, TO_HOUSING), (TEN, ASKED_BACK), (NOON, TAKEN_BACK))
    assert counts(read(*ODOUR, *returned, (NOON, opened)), ALL_UNITS) == {"queue disputed": 1}
    assert counts(read(*ODOUR, *returned, (NOON, opened), (NOON, TO_URBAN)), ALL_UNITS) == {"lead DISPATCHED": 1}
    assert counts(read(*ODOUR, (TEN, TO_HOUSING), (NOON, opened)), ALL_UNITS) == {"lead ARBITRATION": 1}


def test_a_case_that_no_rule_fits_is_counted_apart() -> None:
    nobody = RouteProposed(unit=None, candidates=(), chain=(), dispatch="confirm")
    assert counts(read(*ODOUR), ALL_UNITS) == {"queue routed": 1}
    assert counts(read(*ODOUR, (TEN, nobody)), ALL_UNITS) == {"queue unrouted": 1}
    assert counts(read(*ODOUR, (TEN, nobody), (NOON, TO_URBAN)), ALL_UNITS) == {"lead DISPATCHED": 1}


def held(*log: tuple[datetime, Event]) -> dict[str, Any]:
    """The order as the housing bureau holds it."""
    row = read(*ODOUR, (TEN, TO_HOUSING), *log)[held_order].get(CASE_ID, HOUSING)
    assert row is not None
    return row


def test_what_is_due_is_sorted_by_its_due_time_and_what_is_not_comes_last() -> None:
    assert held((TEN, SET))["red_from"] == DUE
    assert held()["red_from"] == NEVER
    assert held((TEN, SET), (TEN, SIGNED), (NOON, FEEDBACK), (NOON, DONE))["red_from"] == NEVER


def test_a_lamp_that_was_not_reached_before_the_stop_is_never_reached() -> None:
    running = held((TEN, SET))
    assert (running["yellow_from"], running["red_from"]) == (YELLOW, DUE)
    stopped = held((TEN, SET), (TEN, SIGNED), (NOON, FEEDBACK), (NOON, DONE))
    assert (stopped["yellow_from"], stopped["red_from"], stopped["long_red_from"]) == (NEVER, NEVER, NEVER)


def test_an_order_without_a_clock_has_no_lamp_to_look_for() -> None:
    assert held()["yellow_from"] is None


def test_the_end_of_all_clocks_stops_the_lamp() -> None:
    ended = ClocksEnded(at=NOON, because="e-5", clocks=(DONE,))
    row = read(*ODOUR, (TEN, TO_HOUSING), (TEN, SET), (NOON, ended))[work_order].get(CASE_ID)
    assert row is not None
    assert (row["due_at"], row["stopped_at"]) == (DUE, NOON)


def test_an_ended_case_is_no_open_order() -> None:
    assert held()["open"]
    assert not held((NOON, CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")))["open"]


def test_nobody_is_told_before_the_dispatch() -> None:
    model = read(*ODOUR, (NINE, RouteProposed(unit=HOUSING, candidates=(HOUSING,), chain=(), dispatch="confirm")))
    assert feed(model, HOUSING) == []
