"""Scenario 4 in facts: a sewer's odour that three units do not want. No tests here."""

from datetime import datetime

from libs.events.contracts.routing import (
    AssignmentAccepted,
    CaseDispatched,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
    RouteProposed,
    RuleStep,
)
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from tests.unit.directory.town import local
from tests.unit.routing.givens import HOUSING, ODOUR, TEN, URBAN, WATER, dispatched

FIVE = local("2026-11-03 17:00")
NEXT_DAY = local("2026-11-04 10:00")
WINDOW = local("2026-11-05 00:00")
"""1 wd from Tuesday ends with Wednesday."""
LATER_WINDOW = local("2026-11-06 00:00")
WHY = (RuleStep(rule="R5", zh="事项“下水道异味”", en="sewer odour"),)
DUTY = "县住建局职责清单第12条"

PROPOSED = RouteProposed(unit=HOUSING, candidates=(HOUSING, URBAN, WATER), chain=WHY, dispatch="confirm")


def sent(unit: UnitId, until: datetime | None = WINDOW, *, no_return: bool = False) -> CaseDispatched:
    """The unit has the case, and may return it until then."""
    order = dispatched(unit, "sewer-odour")
    return order.model_copy(update={"return_until": until, "no_return": no_return, "chain": WHY})


def returned(unit: UnitId, by: str, to: UnitId) -> ReturnRequested:
    """The unit says that the case is another one's."""
    return ReturnRequested(unit=unit, requested_by=PersonId(by), basis=DUTY, suggested_unit=to)


def approved(unit: UnitId) -> ReturnApproved:
    """陈立 agreed."""
    return ReturnApproved(unit=unit, decided_by=PersonId("chen-li"))


SENT = sent(HOUSING)
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
ASKED = returned(HOUSING, "fang-yun", WATER)
REJECTED = ReturnRejected(unit=HOUSING, decided_by=PersonId("chen-li"), reason="小区内管网由住建监管")
FIRST_RETURN = (PROPOSED, SENT, ASKED, approved(HOUSING))
TO_WATER = PROPOSED.model_copy(update={"unit": WATER, "candidates": (WATER, HOUSING, URBAN)})
SECOND_RETURN = (
    *FIRST_RETURN,
    TO_WATER,
    sent(WATER),
    returned(WATER, "cao-ying", URBAN),
    approved(WATER),
    PROPOSED.model_copy(update={"unit": URBAN, "candidates": (URBAN, HOUSING, WATER)}),
)
THIRD_UNIT_HAS_IT = (*SECOND_RETURN, sent(URBAN, LATER_WINDOW))


def log(*own: Event) -> tuple[tuple[datetime, Event], ...]:
    """The registered case, then these facts of routing."""
    return (*ODOUR, *((TEN, event) for event in own))
