"""Who is told of which event in the demo town (rulebook.md f.1, f.2)."""

from datetime import timedelta
from pathlib import Path

import pytest

from libs.case.state import Case
from libs.case.testing import log_of
from libs.directory.facts.view import View
from libs.events.contracts import intake, registry, routing, supervision
from libs.events.contracts.directory import Role
from libs.events.event import Event, Sealed
from libs.events.ids import PersonId
from services.notify.reactions import ESCALATED, NOTICES, QUIET, react
from tests.unit.directory.town import VIEW, published, written
from tests.unit.notify.cases import (
    ASSIGNED,
    CLOSED,
    DISPATCHED,
    HOUSING,
    MONDAY,
    NOT_ACCEPTED,
    REGISTERED,
    VERIFICATION,
    appeal,
    breached,
    escalated,
    warned,
)

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens"
SEALED = Sealed(sealed="k/case", type="t", field="reason", nonce="", data="")


def told(event: Event, case: Case, view: View = VIEW) -> dict[str, str | None]:
    """Recipient → why he is not told, None where he is."""
    (recorded,) = log_of((MONDAY, event), case_id=case.case_id)
    return {one.recipient: one.dropped for command in react(recorded, case, view) for one in command.messages}


def recipients(event: Event, case: Case) -> set[str]:
    assert set(told(event, case).values()) <= {None}
    return set(told(event, case))


def without(role: Role) -> View:
    """The town whose posts of one role have ended."""
    raw = published(written("people", "id", "li-fang")).latest
    facts = {key: fact for key, fact in raw.facts.items() if getattr(fact.event, "role", None) != role}
    return View(raw.version, facts)


def test_a_registered_case_is_told_to_the_dispatchers_of_the_towns_centre() -> None:
    assert recipients(REGISTERED, appeal(unit=None, units=())) == {"person:chen-li"}


def test_when_a_unit_has_ended_its_successor_is_told_and_who_loses_the_task_or_who_must_dispatch_it_again() -> None:
    said = {
        "ended": "county-water",
        "unit": HOUSING,
        "role": "lead",
        "round": 1,
        "rule": "SUC-2",
        "zh": "撤并",
        "en": "-",
    }
    taken = routing.OrderPassedOn.model_validate({**said, "relieved": "yuan-hao"})
    kept = routing.OrderPassedOn.model_validate({**said, "handler": "zheng-kai"})
    lost = taken.model_copy(update={"unit": None, "rule": "SUC-3"})
    co_lost = lost.model_copy(update={"role": "co", "relieved": None})

    assert recipients(taken, appeal()) == {"person:fang-yun", "person:yuan-hao"}
    assert recipients(kept, appeal(handler="zheng-kai")) == {"person:fang-yun", "person:zheng-kai"}
    assert recipients(lost, appeal(unit=None, state="REGISTERED")) == {"person:chen-li", "person:yuan-hao"}
    assert recipients(co_lost, appeal()) == {"person:fang-yun"}


def test_whoever_loses_a_task_is_told_with_whoever_gets_it() -> None:
    handling = ASSIGNED.model_copy(update={"relieved": PersonId("ma-jun")})
    assert recipients(handling, appeal(handler="zheng-kai")) == {"person:zheng-kai", "person:ma-jun"}
    verifying = VERIFICATION.model_copy(update={"relieved": PersonId("li-fang")})
    assert {"person:zhao-qiang", "person:li-fang"} <= recipients(
        verifying, appeal(state="VERIFYING", verifier="zhao-qiang")
    )


def test_so_is_who_handled_what_is_given_back_and_who_was_to_look_at_what_is_done_again_or_withdrawn() -> None:
    given_back = routing.ReturnApproved(unit=HOUSING, decided_by=PersonId("chen-li"), relieved=PersonId("ma-jun"))
    assert "person:ma-jun" in recipients(given_back, appeal(unit=None))
    again = supervision.ReworkOrdered(
        round=2, ordered_by=PersonId("wu-qian"), because="REVIEWER", relieved=PersonId("li-fang")
    )
    assert "person:li-fang" in recipients(again, appeal(handler="zheng-kai"))
    withdrawn = appeal(state="WITHDRAWN", before_withdrawal="VERIFYING", verifier="li-fang", handler="zheng-kai")
    cancelled = routing.WorkOrderCancelled(unit=HOUSING, because="e-1")
    assert recipients(cancelled, withdrawn) == {"person:li-fang", "person:zheng-kai", "person:fang-yun"}


def test_a_work_order_is_told_to_the_clerk_of_the_unit() -> None:
    assert recipients(DISPATCHED, appeal()) == {"person:fang-yun"}


def test_a_unit_without_a_clerk_is_told_through_its_leader() -> None:
    assert told(DISPATCHED, appeal(), without("DEPT_CLERK")) == {"person:ma-jun": None}


def test_an_event_that_finds_nobody_is_reported_as_a_dropped_message() -> None:
    nobody = without("DEPT_CLERK")
    facts = {key: fact for key, fact in nobody.facts.items() if getattr(fact.event, "role", None) != "DEPT_LEADER"}

    assert told(DISPATCHED, appeal(), View(nobody.version, facts)) == {"unit:county-housing": "NO_RECIPIENT"}
    assert told(REGISTERED, appeal(), without("DISPATCHER")) == {"role:DISPATCHER": "NO_RECIPIENT"}


def test_the_assigned_handler_and_the_verifier_are_told() -> None:
    assert recipients(ASSIGNED, appeal(handler="zheng-kai")) == {"person:zheng-kai"}
    assert recipients(VERIFICATION, appeal(verifier="zhao-qiang")) == {"person:zhao-qiang"}


def test_feedback_is_told_to_the_reviewers() -> None:
    feedback = routing.FeedbackSubmitted(
        unit=HOUSING, submitted_by=PersonId("zheng-kai"), round=1, result="SOLVED", reply=SEALED
    )

    assert recipients(feedback, appeal()) == {"person:wu-qian"}


def test_a_rejection_and_a_rework_are_told_to_handler_and_clerk() -> None:
    rejected = supervision.FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason=SEALED)
    rework = supervision.ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="e-1")
    case = appeal(handler="zheng-kai")

    assert recipients(rejected, case) == {"person:zheng-kai", "person:fang-yun"}
    assert recipients(rework, case) == {"person:zheng-kai", "person:fang-yun"}


def test_yellow_is_told_to_handler_and_clerk_and_red_also_to_leader_and_town() -> None:
    case = appeal(handler="zheng-kai")

    assert recipients(warned("handling"), case) == {"person:zheng-kai", "person:fang-yun"}
    assert recipients(breached("handling"), case) == {
        "person:zheng-kai",
        "person:fang-yun",
        "person:ma-jun",
        "person:luo-min",
    }
    assert recipients(escalated(1, "county-housing"), case) == recipients(breached("handling"), case)


def test_the_dispatch_limit_is_the_centres_own_even_when_the_case_has_a_unit_by_now() -> None:
    assert recipients(warned("dispatch", None), appeal()) == {"person:chen-li"}
    assert recipients(breached("dispatch", None), appeal()) == {"person:chen-li", "person:luo-min"}


def test_the_second_level_is_told_to_the_supervisors_and_the_body_above() -> None:
    assert recipients(escalated(2, "county-government"), appeal()) == {
        "person:ma-jun",
        "person:han-feng",
        "unit:county-government",
    }


def test_a_supervision_order_is_told_to_the_leader() -> None:
    order = supervision.SupervisionIssued(level=2, issued_by=PersonId("han-feng"), unit=HOUSING, order=SEALED)

    assert recipients(order, appeal()) == {"person:ma-jun"}


def test_a_named_reporter_is_told_of_the_end() -> None:
    assert recipients(CLOSED, appeal()) == {"reporter"}
    assert recipients(NOT_ACCEPTED, appeal(unit=None)) == {"reporter"}


def test_an_anonymous_or_erased_reporter_is_dropped_with_the_reason() -> None:
    assert told(CLOSED, appeal(reporter_kind="ANONYMOUS")) == {"reporter": "ANONYMOUS"}
    assert told(CLOSED, appeal(erased=("reporter",))) == {"reporter": "ERASED"}


def test_what_a_grid_worker_found_is_told_to_him_when_it_is_closed() -> None:
    found = appeal(found="GRID_REPORT", reporter_kind=None, discoverers={"li-fang": ("e-1",)})

    assert recipients(CLOSED, found) == {"person:li-fang"}


def test_nobody_is_told_of_a_case_that_he_may_not_see() -> None:
    elsewhere = appeal(verifier=None, grid="G03")

    assert told(VERIFICATION, elsewhere) == {"person:zhao-qiang": "NOT_ALLOWED"}


def test_a_person_with_two_reasons_to_be_told_gets_one_message() -> None:
    (recorded,) = log_of((MONDAY, breached("handling")))
    (command,) = react(recorded, appeal(handler="fang-yun"), VIEW)

    assert [one.recipient for one in command.messages].count("person:fang-yun") == 1


def test_posts_are_judged_at_the_instant_of_the_event() -> None:
    (early,) = log_of((MONDAY - timedelta(days=365), DISPATCHED))
    (command,) = react(early, appeal(), VIEW)

    assert [one.dropped for one in command.messages] == ["NO_RECIPIENT"]


def test_the_values_of_a_message_hold_ids_codes_and_instants_only() -> None:
    (recorded,) = log_of((MONDAY, warned("handling")))
    (command,) = react(recorded, appeal(), VIEW)

    assert command.messages[0].values == {
        "class_code": "manhole",
        "urgency": "U3",
        "grid": "G03",
        "unit": "county-housing",
        "round": "1",
        "clock": "handling",
        "due_at": "2026-11-09T16:00:00.000000Z",
    }


@pytest.mark.parametrize("kind", [*NOTICES, supervision.AutoEscalated])
def test_only_registered_events_of_other_services_are_told(kind: type[Event]) -> None:
    assert registry.TYPES[kind.ce_type] is kind
    assert kind.owner != "notify"


def test_every_event_of_the_others_is_told_or_left_untold_on_purpose() -> None:
    untold = [kind for kinds in QUIET.values() for kind in kinds]

    assert sorted(kind.ce_type for kind in (*NOTICES, *untold)) == sorted(
        kind.ce_type for owner in (intake, routing, supervision) for kind in owner.EVENTS
    )


def test_the_first_level_of_the_ladder_is_said_differently_from_the_others() -> None:
    assert ESCALATED.template != NOTICES[supervision.AutoEscalated].template
