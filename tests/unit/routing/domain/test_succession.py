"""承接: what becomes of the cases of a unit that has ended, and what starts there no more (rulebook.md d.8)."""

from copy import deepcopy
from datetime import datetime

from hypothesis import given as for_all
from hypothesis import strategies as st

from libs.case.refusals import HasEnded
from libs.case.state import OPEN
from libs.case.testing import case_of, given
from libs.directory.facts.view import View
from libs.events.contracts.routing import (
    ArbitrationOpened,
    AssignmentAccepted,
    CaseDispatched,
    CoUnitAdded,
    HandlerAssigned,
    OrderPassedOn,
    ReturnRequested,
    RouteProposed,
)
from libs.events.decider import SYSTEM
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from services.routing.domain.decider import DECIDER
from services.routing.domain.dispatch import DispatchCase, ProposeRoute
from services.routing.domain.succession import PassOn
from tests.unit.directory.town import RAW, local, published, vacated
from tests.unit.examples import examples
from tests.unit.routing.givens import CHEN_LI, HOUSING, NOON, ODOUR, TEN, URBAN, VILLAGE, WATER, dispatched, facts

MIDNIGHT = local("2026-11-11 00:00")
EVE = local("2026-11-10 23:59")
PASS_ON = PassOn(MIDNIGHT, SYSTEM)
SENT = dispatched(HOUSING, "sewer-odour")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
ASSIGNED = HandlerAssigned(unit=HOUSING, handler=PersonId("zheng-kai"), assigned_by=PersonId("fang-yun"))
ASKED = CoUnitAdded(unit=WATER, added_by=PersonId("fang-yun"), task="关阀")
IN_WORK = (SENT, SIGNED, ASSIGNED)


def merged(ended: UnitId, heir: UnitId | None, *moved: str) -> View:
    """The unit ends with 10 November; these people have posts in its successor, too."""
    raw = deepcopy(RAW)
    for unit in raw["units"]:
        if unit["id"] == ended:
            unit.update({"until": "2026-11-10"} | ({"succeeded_by": heir} if heir else {}))
    for post in [one for one in raw["appointments"] if one["person"] in moved]:
        raw["appointments"].append({**post, "id": f"{post['id']}-after", "unit": heir})
    return published(raw).latest


INTO_URBAN = merged(HOUSING, URBAN)


def follows(*own: Event, view: View = INTO_URBAN, at: datetime = MIDNIGHT) -> list[Event]:
    """What the system appends to a case whose order stands so."""
    log = (*ODOUR, *((TEN, event) for event in own))
    return [*given(DECIDER, *own).when(PassOn(at, SYSTEM), facts(*log, view=view)).events]


def test_an_unsigned_case_of_a_unit_that_has_ended_is_the_successors() -> None:
    [passed] = follows(SENT)
    assert isinstance(passed, OrderPassedOn)
    assert (passed.ended, passed.unit, passed.role, passed.rule) == (HOUSING, URBAN, "lead", "SUC-2")
    after = case_of(*ODOUR, (TEN, SENT), (MIDNIGHT, passed))
    assert (after.state, after.unit, after.signed, after.units) == ("DISPATCHED", URBAN, False, (HOUSING, URBAN))


def test_a_case_in_work_stays_in_work_and_its_handler_is_relieved() -> None:
    [passed] = follows(*IN_WORK)
    assert isinstance(passed, OrderPassedOn)
    assert (passed.handler, passed.relieved) == (None, "zheng-kai")
    after = case_of(*ODOUR, *((TEN, one) for one in IN_WORK), (MIDNIGHT, passed))
    assert (after.state, after.signed, after.unit, after.handler) == ("IN_PROGRESS", True, URBAN, None)


def test_a_handler_who_has_gone_to_the_successor_keeps_the_case() -> None:
    [passed] = follows(*IN_WORK, view=merged(HOUSING, URBAN, "zheng-kai"))
    assert isinstance(passed, OrderPassedOn)
    assert (passed.handler, passed.relieved) == ("zheng-kai", None)


def test_until_the_end_of_its_last_day_the_unit_keeps_what_it_has() -> None:
    assert follows(*IN_WORK, at=EVE) == []


def test_nothing_is_passed_on_a_second_time() -> None:
    passed = follows(*IN_WORK)
    assert follows(*IN_WORK, *passed) == []


def test_the_successor_of_a_co_unit_helps_in_its_place() -> None:
    [passed] = follows(*IN_WORK, ASKED, view=merged(WATER, URBAN))
    assert isinstance(passed, OrderPassedOn)
    assert (passed.role, passed.ended, passed.unit) == ("co", WATER, URBAN)
    after = case_of(*ODOUR, *((TEN, one) for one in (*IN_WORK, ASKED)), (MIDNIGHT, passed))
    assert (after.unit, after.co_units) == (HOUSING, (URBAN,))


def test_a_lead_that_succeeds_its_co_unit_waits_for_nobody() -> None:
    passed = follows(*IN_WORK, ASKED, view=merged(WATER, HOUSING))
    after = case_of(*ODOUR, *((TEN, one) for one in (*IN_WORK, ASKED)), *((MIDNIGHT, one) for one in passed))
    assert after.co_units == ()
    assert DECIDER.fold([*IN_WORK, ASKED, *passed]).co_units == ()


def test_a_co_unit_that_succeeds_the_lead_leads() -> None:
    passed = follows(*IN_WORK, ASKED, view=merged(HOUSING, WATER))
    order = DECIDER.fold([*IN_WORK, ASKED, *passed])
    assert (order.unit, order.co_units) == (WATER, ())


def test_without_a_successor_the_case_is_proposed_anew() -> None:
    passed, *skipped, proposed = follows(*IN_WORK, view=merged(HOUSING, None))
    assert isinstance(passed, OrderPassedOn)
    assert (passed.unit, passed.rule, passed.relieved) == (None, "SUC-3", "zheng-kai")
    assert isinstance(proposed, RouteProposed)
    assert [getattr(one, "rule", None) for one in skipped] == ["SUC-1"]
    assert proposed.unit == URBAN
    after = case_of(*ODOUR, *((TEN, one) for one in IN_WORK), (MIDNIGHT, passed))
    assert (after.state, after.unit, after.left_by, after.co_units) == ("REGISTERED", None, HOUSING, ())


def test_separation_is_judged_anew_and_a_barred_successor_gets_nothing() -> None:
    """SEP-07: a village committee leads matters of self-governance only."""
    passed, *_, proposed = follows(*IN_WORK, view=merged(HOUSING, VILLAGE))
    assert isinstance(passed, OrderPassedOn)
    assert (passed.unit, passed.rule) == (None, "SUC-3")
    assert "SEP-07" in passed.zh
    assert isinstance(proposed, RouteProposed)


def test_a_dispatch_ends_the_alarm() -> None:
    passed = follows(*IN_WORK, view=merged(HOUSING, None))
    log = (*ODOUR, *((TEN, one) for one in IN_WORK), *((MIDNIGHT, one) for one in passed))
    assert case_of(*log, (MIDNIGHT, dispatched(URBAN, "sewer-odour"))).left_by is None


def test_the_successor_inherits_a_return_that_waits_and_a_seat_in_a_dispute() -> None:
    back = ReturnRequested(unit=HOUSING, requested_by=PersonId("fang-yun"), basis="职责清单", suggested_unit=WATER)
    opened = ArbitrationOpened(parties=(HOUSING, WATER), because="DISPUTED")
    returned = DECIDER.fold([SENT, back, *follows(SENT, back)])
    disputed = DECIDER.fold([SENT, back, opened, *follows(SENT, back, opened)])
    assert (returned.status, returned.unit) == ("RETURN_PENDING", URBAN)
    assert (disputed.status, disputed.unit, disputed.parties) == ("ARBITRATION", URBAN, (URBAN, WATER))


def test_a_dispute_whose_unit_nobody_succeeds_stays_before_the_arbiter() -> None:
    opened = ArbitrationOpened(parties=(HOUSING,), because="DISPUTED")
    passed = follows(SENT, opened, view=merged(HOUSING, None))
    order = DECIDER.fold([SENT, opened, *passed])
    assert (order.status, order.unit) == ("ARBITRATION", None)
    after = case_of(*ODOUR, (TEN, SENT), (NOON, opened), *((MIDNIGHT, one) for one in passed))
    assert (after.state, after.unit) == ("ARBITRATION", None)


def test_the_router_proposes_the_successor_and_says_why() -> None:
    known = facts(*ODOUR, view=merged(HOUSING, WATER))
    [proposed] = given(DECIDER).when(ProposeRoute(MIDNIGHT, SYSTEM), known).events
    assert isinstance(proposed, RouteProposed)
    # Named by its own name the water company comes after the bureau of urban management.
    assert HOUSING not in proposed.candidates
    dust = facts(*registered_dust(), view=INTO_URBAN)
    [*_, power] = given(DECIDER).when(ProposeRoute(MIDNIGHT, SYSTEM), dust).events
    assert isinstance(power, RouteProposed)
    assert power.unit == URBAN
    assert ("SUC-1", "县住建局(至 2026-11-10, 后为县城管局)由县城管局承接") in [
        (one.rule, one.zh) for one in power.chain
    ]


def registered_dust() -> tuple[tuple[datetime, Event], ...]:
    received, (at, filed) = ODOUR
    return (received, (at, filed.model_copy(update={"class_code": "construction-dust"})))


def test_a_proposal_for_a_unit_that_has_ended_is_made_anew() -> None:
    proposed = RouteProposed(unit=HOUSING, candidates=(HOUSING,), chain=(), dispatch="confirm")
    [again] = follows(proposed)
    assert isinstance(again, RouteProposed)
    assert again.unit == URBAN
    assert follows(proposed, again) == []


def test_nobody_dispatches_to_a_unit_that_has_ended() -> None:
    proposed = RouteProposed(unit=WATER, candidates=(WATER,), chain=(), dispatch="confirm")
    command = DispatchCase(MIDNIGHT, CHEN_LI, HOUSING, "雨水井属住建")
    refused = (
        given(DECIDER, proposed).when(command, facts(*ODOUR, view=INTO_URBAN)).then_refused(HasEnded, code="E-ENDED")
    )
    assert (refused.rule, refused.allowed) == ("SUC-1", (URBAN,))
    assert refused.message_zh == "县住建局至 2026-11-10 止, 由县城管局承接, 请改选"


UNITS = (HOUSING, URBAN, WATER, VILLAGE)
STANDS: tuple[tuple[Event, ...], ...] = (
    (SENT,),
    IN_WORK,
    (*IN_WORK, ASKED),
    (SENT, ReturnRequested(unit=HOUSING, requested_by=PersonId("fang-yun"), basis="清单", suggested_unit=WATER)),
    (SENT, ArbitrationOpened(parties=(HOUSING,), because="DISPUTED")),
    (RouteProposed(unit=HOUSING, candidates=(HOUSING,), chain=(), dispatch="confirm"),),
)


@examples(20)
@for_all(
    st.sampled_from(STANDS),
    st.dictionaries(st.sampled_from(UNITS), st.none() | st.sampled_from(UNITS), min_size=1, max_size=3),
    st.sets(st.sampled_from(UNITS), max_size=2),
)
def test_no_open_case_stays_with_a_unit_that_has_ended(
    own: tuple[Event, ...], ends: dict[UnitId, UnitId | None], empty: set[UnitId]
) -> None:
    """Whatever merges into whatever, and whoever is there: a living unit has it, or it is on the dispatcher's list."""
    view = town_of(ends, empty)
    passed = follows(*own, view=view)
    order = DECIDER.fold([*own, *passed])
    case = case_of(*ODOUR, *((TEN, one) for one in own), *((MIDNIGHT, one) for one in passed))
    gone = set(ends)
    assert case.state in OPEN
    assert order.unit not in gone
    assert case.unit == order.unit
    assert not set(case.co_units) & gone
    assert set(case.co_units) == set(order.co_units)
    assert case.unit or case.state in ("REGISTERED", "ARBITRATION")
    assert order.proposed not in gone or order.unit
    assert follows(*own, *passed, view=view) == []


def town_of(ends: dict[UnitId, UnitId | None], empty: set[UnitId]) -> View:
    """The town in which these units end with 10 November, and in those nobody holds a post."""
    raw = deepcopy(RAW)
    for unit in raw["units"]:
        if unit["id"] in ends:
            unit["until"] = "2026-11-10"
            heir = ends[unit["id"]]
            if heir and heir not in ends:
                unit["succeeded_by"] = heir
            elif unit["id"] == VILLAGE:
                unit["succeeded_by"] = "suishan-governance"
    for post in raw["appointments"]:
        if post["unit"] in empty:
            post["until"] = "2026-11-09"
    return published(raw).latest


def test_posts_end_with_their_unit() -> None:
    assert INTO_URBAN.members(HOUSING, EVE)
    assert INTO_URBAN.members(HOUSING, MIDNIGHT) == ()
    assert INTO_URBAN.holders("DEPT_CLERK", HOUSING, MIDNIGHT) == ()
    assert vacated("county-housing", "2026-11-10").members(HOUSING, MIDNIGHT) == ()
    assert isinstance(SENT, CaseDispatched)
