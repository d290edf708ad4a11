"""迁入: what an order brings along, what is refused of it, and that it is one event (rulebook.md c.8)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from libs.case.facts import Facts
from libs.case.testing import given
from libs.directory.rules.limits import UnknownClass
from libs.events.contracts.intake import CaseImported
from libs.events.errors import Forbidden, Malformed
from libs.events.ids import ClassCode, GridCode, PersonId, UnitId
from services.intake.domain.decider import DECIDER
from services.intake.domain.moving_in import ConfidentialNotKept, ImportCase, ImpossibleLife, Life, Turn
from services.intake.domain.reception import AlreadyThere, Place, PlaceUnknown, SubmitAppeal
from services.intake.domain.registration import RegisterCase
from tests.unit.directory.town import VIEW, local
from tests.unit.routing.givens import ZHOU_MIN, acting

NOW = local("2026-11-02 09:10")
RECEIVED, DUE, CLOSED = local("2020-03-02 09:00"), local("2020-03-06 18:00"), local("2020-03-05 17:00")
NEW = Facts(None, VIEW)
APPEAL = SubmitAppeal(
    NOW,
    ZHOU_MIN,
    "phone",
    "complaint",
    "下水道异味",
    Place(GridCode("G03")),
    reporter_name="某女士",
    upstream_due_at=DUE,
)
REGISTRATION = RegisterCase(NOW, ZHOU_MIN, ClassCode("sewer-odour"), "U3")
TURNS = (Turn(unit_name="住建局", reply="已疏通", answered_at=CLOSED), Turn(unit=UnitId("county-housing"), rework=1))
LIFE = Life(closed=True, closed_at=CLOSED, turns=TURNS, satisfaction="满意", facts={"延期": "5天"})


def order(life: Life = LIFE, **changed: Any) -> ImportCase:
    return replace(ImportCase(NOW, ZHOU_MIN, "old-hotline", APPEAL, REGISTRATION, RECEIVED, life), **changed)


def moved_in(command: ImportCase) -> CaseImported:
    (event,) = DECIDER.decide(DECIDER.initial, command, NEW)
    assert isinstance(event, CaseImported)
    return event


def test_an_order_moves_in_as_one_event_with_what_its_source_says() -> None:
    event = moved_in(order())
    assert (event.closed, event.closed_at, event.received_at, event.upstream_due_at) == (True, CLOSED, RECEIVED, DUE)
    assert [(turn.unit, turn.rework) for turn in event.turns] == [(None, 0), ("county-housing", 1)]
    assert json.loads(str(event.record)) == {
        "turns": [{"unit": "住建局", "reply": "已疏通"}, {"unit": None, "reply": None}],
        "satisfaction": "满意",
        "facts": {"延期": "5天"},
    }


@pytest.mark.parametrize(
    ("life", "registration", "status"),
    [(LIFE, REGISTRATION, "CLOSED"), (Life(), REGISTRATION, "REGISTERED"), (Life(), None, "RECEIVED")],
)
def test_it_is_what_it_was(life: Life, registration: RegisterCase | None, status: str) -> None:
    event = moved_in(order(life, registration=registration))
    assert DECIDER.fold([event]).status == status


def test_what_is_confidential_is_refused_for_that() -> None:
    given(DECIDER).when(order(replace(LIFE, confidential=True)), NEW).then_refused(
        ConfidentialNotKept, code="E-CONFIDENTIAL"
    )


@pytest.mark.parametrize(
    "impossible",
    [
        order(replace(LIFE, closed=False)),
        order(replace(LIFE, closed_at=local("2020-03-01 09:00"))),
        order(replace(LIFE, closed_at=local("2026-11-03 09:00"))),
        order(replace(LIFE, registered_at=local("2020-03-05 18:00"))),
        order(replace(LIFE, turns=(Turn(answered_at=local("2026-11-03 09:00")),))),
        order(received_at=local("2026-11-03 09:00")),
        order(received_at=DUE),
    ],
)
def test_instants_that_contradict_one_another_or_lie_ahead_are_refused(impossible: ImportCase) -> None:
    given(DECIDER).when(impossible, NEW).then_refused(ImpossibleLife, code="E-LIFE")


def test_what_receiving_and_registering_would_refuse_is_refused() -> None:
    nowhere = replace(APPEAL, place=Place(GridCode("G99")))
    given(DECIDER).when(order(appeal=nowhere), NEW).then_refused(PlaceUnknown, code="E-PLACE")
    unknown = replace(REGISTRATION, class_code=ClassCode("no-such-matter"))
    given(DECIDER).when(order(registration=unknown), NEW).then_refused(UnknownClass, code="E-CLASS")
    given(DECIDER).when(order(Life(turns=(Turn(unit=UnitId("nobody")),))), NEW).then_refused(Malformed)
    given(DECIDER).when(order(by=acting("chen-li-dispatcher")), NEW).then_refused(Forbidden)
    given(DECIDER, moved_in(order())).when(order(), NEW).then_refused(AlreadyThere, code="E-IDEM")


def test_a_dangerous_class_is_urgent_here_too() -> None:
    manhole = replace(REGISTRATION, class_code=ClassCode("manhole"))
    item = VIEW.catalogue(ClassCode("manhole"))
    assert moved_in(order(registration=manhole)).urgency == ("U1" if item and item.safety else "U3")
    assert moved_in(order()).imported_by == PersonId("zhou-min")
