"""What the case page shows of a dispute, and what is offered to whom in it."""

from datetime import datetime
from typing import Any

from libs.case.lifecycle import fold
from libs.case.state import Case
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import CaseCorrected
from libs.events.contracts.parts.clock import Clock
from libs.events.contracts.routing import ArbitrationOpened, ArbitrationRuled, RouteProposed, RouteRejected
from libs.events.contracts.supervision import DeadlineSet, StageFinished
from libs.events.event import Event
from libs.events.ids import ClassCode, ClockId, PersonId
from libs.log.read.rows import ReadModel
from services.routing.readmodel.projection import project
from services.routing.readmodel.tables import TABLES, dispute, work_order
from tests.unit.routing.disputes import (
    ASKED,
    DUTY,
    FIRST_RETURN,
    PROPOSED,
    REJECTED,
    SENT,
    THIRD_UNIT_HAS_IT,
    WHY,
    WINDOW,
    log,
    sent,
)
from tests.unit.routing.givens import (
    HOUSING,
    NOON,
    TEN,
    URBAN,
    WATER,
)

THIRD = ArbitrationOpened(
    parties=(HOUSING, WATER, URBAN),
    because="RET-3",
    requested_by=PersonId("tang-jing"),
    basis="县城管局职责清单第7条",
    suggested_unit=HOUSING,
)


def shown(*facts: tuple[datetime, Event]) -> ReadModel:
    """The read model after these events."""
    model = ReadModel(TABLES)
    for event in log_of(*facts):
        project(model, event, model.evolve(event))
    return model


def question(*facts: tuple[datetime, Event]) -> dict[str, Any]:
    """Whose the case is, as the read model has it."""
    row = shown(*facts)[dispute].get(CASE_ID)
    assert row is not None
    return row


def case(*own: Event) -> Case:
    """The case after these facts of routing."""
    known = fold(log_of(*log(*own)))
    assert known is not None
    return known


def clock(name: Clock) -> dict[str, Any]:
    """A clock that is due at noon."""
    started: dict[str, Any] = {"at": TEN, "because": "e-3", "started_at": TEN, "due_at": NOON, "round": 1}
    return {"clock_id": ClockId("e-9"), "clock": name, **started}


def test_a_dispatch_says_until_when_the_unit_may_return_the_case() -> None:
    row = question(*log(PROPOSED, SENT))
    assert (row["return_until"], row["no_return"], row["returns"], row["parties"]) == (WINDOW, False, [], [])


def test_a_return_shows_its_basis_whom_it_names_and_how_it_was_decided() -> None:
    [asked] = question(*log(PROPOSED, SENT, ASKED))["returns"]
    assert (asked["unit"], asked["basis"], asked["suggested_unit"]) == (HOUSING, DUTY, WATER)
    assert (asked["decided"], asked["groundless"]) == (None, None)
    [rejected] = question(*log(PROPOSED, SENT, ASKED, REJECTED))["returns"]
    assert (rejected["decided"], rejected["groundless"]) == ("REJECTED", True)
    [agreed] = question(*log(*FIRST_RETURN))["returns"]
    assert (agreed["decided"], agreed["groundless"]) == ("APPROVED", False)


def test_an_arbitration_shows_the_parties_and_the_request_that_was_one_too_many() -> None:
    row = question(*log(*THIRD_UNIT_HAS_IT, THIRD))
    assert (row["because"], row["parties"]) == ("RET-3", [HOUSING, WATER, URBAN])
    assert [(one["unit"], one["decided"]) for one in row["returns"]] == [
        (HOUSING, "APPROVED"),
        (WATER, "APPROVED"),
        (URBAN, "ARBITRATION"),
    ]


def test_a_ruling_says_whose_return_had_no_ground() -> None:
    """RET-5."""
    ruled = ArbitrationRuled(ruled_by=PersonId("deng-hui"), unit=URBAN, groundless=(URBAN,), reason="由城管养护")
    row = question(*log(*THIRD_UNIT_HAS_IT, THIRD, ruled, sent(URBAN, None, no_return=True)))
    assert [one["groundless"] for one in row["returns"]] == [False, False, True]
    assert (row["no_return"], row["return_until"]) == (True, None)


def test_the_due_time_of_a_decision_is_shown_while_it_waits() -> None:
    begun = DeadlineSet(**clock("return_decision"), urgency="U3", directory_version=1)
    waiting = (*log(PROPOSED, SENT, ASKED), (TEN, begun))
    assert question(*waiting)["decision_due_at"] == NOON
    over = StageFinished(**clock("return_decision"), stopped_at=TEN)
    assert question(*waiting, (TEN, over))["decision_due_at"] is None


def test_a_new_proposal_shows_only_why_its_own_candidates_were_skipped() -> None:
    no_power = RouteRejected(unit=URBAN, rule="POW-1", zh="没有职权", en="no power")
    gave_back = RouteRejected(unit=HOUSING, rule="RET-2", zh="已退单", en="returned")
    again = RouteProposed(unit=WATER, candidates=(HOUSING, WATER, URBAN), chain=WHY, dispatch="confirm")
    first = (no_power, PROPOSED.model_copy(update={"candidates": (URBAN, HOUSING)}))
    row = shown(*log(*first, SENT, ASKED, *FIRST_RETURN[3:], gave_back, again))[work_order].get(CASE_ID)
    assert row is not None
    assert row["rejected"] == [gave_back.model_dump(mode="json")]


def test_a_correction_shows_in_the_order() -> None:
    corrected = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="分类", class_code=ClassCode("street-stall"))
    row = shown(*log(PROPOSED, SENT), (NOON, corrected))[work_order].get(CASE_ID)
    assert row is not None
    assert (row["class_code"], row["unit"]) == ("street-stall", HOUSING)
