"""What facts of the log do to the clocks of a case: CLK-09, CLK-13, CLK-14; architecture.md §5."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.events.contracts.directory import RulebookPublished
from libs.events.contracts.intake import CaseNotAccepted, CaseVoided
from libs.events.contracts.routing import AssignmentDeemedAccepted
from libs.events.contracts.supervision import (
    CaseClosed,
    ClocksEnded,
    DeadlineSet,
    FeedbackRejected,
    ReworkOrdered,
    StageContinued,
    StageFinished,
    SupervisionIssued,
    SupervisionLifted,
    SupervisionResponded,
)
from libs.events.decider import SYSTEM
from libs.events.event import Event
from libs.events.ids import ClassCode, PersonId, UnitId
from services.supervision.domain.clocks.from_facts import FollowClocks
from services.supervision.domain.decider import DECIDER
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN
from tests.unit.examples import examples
from tests.unit.supervision.cases import (
    APPEALED,
    DISPATCHED,
    FOUND_ON_PATROL,
    HOUSING,
    REGISTERED,
    REPORTED,
    SIGNED,
    Worker,
)

WU_QIAN = PersonId("wu-qian")
REJECTED = FeedbackRejected(reviewed_by=WU_QIAN, round=1, reason="未附照片")
REWORK = ReworkOrdered(round=2, ordered_by=WU_QIAN, because="REVIEWER")
CLOSED = CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1)
VOIDED = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录入")


def test_registration_starts_the_dispatch_and_the_overall_clock() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2])

    assert sorted(state.clock for state in worker.clocks.values()) == ["dispatch", "overall"]
    assert worker.clock("dispatch").due_at == china("2026-11-02 15:20")
    assert worker.clock("overall").due_at == china("2026-11-09 24:00")


def test_the_event_pins_directory_and_urgency_and_says_the_whole_clock() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2])

    dispatch, _ = worker.happened(DeadlineSet)
    assert dispatch == DeadlineSet(
        clock_id="e-2/dispatch",
        clock="dispatch",
        round=1,
        at=china("2026-11-02 09:20"),
        because="e-2",
        started_at=china("2026-11-02 09:20"),
        due_at=china("2026-11-02 15:20"),
        yellow_at=china("2026-11-02 11:60"),
        long_red_at=china("2026-11-03 09:20"),
        breach_at=china("2026-11-02 15:20"),
        limit="4wh",
        urgency="U3",
        directory_version=TOWN.version,
        calendar_version=TOWN.version,
    )


def test_dispatch_stops_its_clock_and_starts_sign_and_handling_for_the_unit() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:3])

    assert worker.clock("dispatch").stopped_at == china("2026-11-02 09:40")
    assert worker.clock("sign").due_at == china("2026-11-03 24:00")
    assert worker.clock("handling").due_at == china("2026-11-09 24:00")
    units = {event.clock: event.unit for event in worker.happened(DeadlineSet) if isinstance(event, DeadlineSet)}
    assert units == {"dispatch": None, "overall": None, "sign": HOUSING, "handling": HOUSING}


def test_scenario_1_signing_at_half_past_ten_does_not_move_the_due_instant() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:4])

    assert worker.clock("sign").on_time
    assert worker.clock("handling").due_at == china("2026-11-09 24:00")


def test_a_signature_deemed_given_stops_the_sign_clock_too_late() -> None:
    deemed = AssignmentDeemedAccepted(unit=HOUSING, clock_id="e-3/sign")
    worker = Worker().read(*FOUND_ON_PATROL[:3], (china("2026-11-04 00:01"), deemed))

    assert worker.clock("sign").on_time is False


def test_feedback_stops_handling_and_overall_at_its_recordedat() -> None:
    worker = Worker().read(*FOUND_ON_PATROL)

    reported_at = china("2026-11-05 10:00")
    assert {worker.clock(name).stopped_at for name in ("handling", "overall")} == {reported_at}
    assert {worker.clock(name).on_time for name in ("handling", "overall")} == {True}


def test_rejected_feedback_lets_the_same_clock_and_the_overall_clock_go_on() -> None:
    worker = Worker().read(*FOUND_ON_PATROL, (china("2026-11-09 15:00"), REJECTED))

    assert worker.clock("handling").running
    assert worker.clock("handling").due_at == china("2026-11-11 24:00")
    assert worker.clock("overall").running
    assert [event.clock for event in worker.happened(StageContinued) if isinstance(event, StageContinued)] == [
        "handling",
        "overall",
    ]


def test_scenario_8_rework_starts_a_clock_of_its_own_and_freezes_the_first_verdict() -> None:
    worker = Worker().read(*FOUND_ON_PATROL, (china("2026-11-11 16:00"), REWORK))

    assert worker.clock("handling").on_time
    assert worker.clock("rework").due_at == china("2026-11-16 24:00")
    assert (worker.clock("rework").round, worker.clock("overall").round) == (2, 2)
    assert worker.clock("overall").running


def test_feedback_of_the_second_round_stops_the_rework_clock() -> None:
    again = REPORTED.model_copy(update={"round": 2})
    worker = Worker().read(*FOUND_ON_PATROL, (china("2026-11-11 16:00"), REWORK), (china("2026-11-17 09:00"), again))

    assert worker.clock("rework").on_time is False
    assert worker.clock("handling").on_time


def test_another_unit_opens_its_own_clocks_and_the_overall_clock_never_resets() -> None:
    water = DISPATCHED.model_copy(update={"unit": UnitId("county-water")})
    worker = Worker().read(*FOUND_ON_PATROL[:3], (china("2026-11-04 10:00"), water))

    handling = {state.due_at: state.stopped_at for state in worker.clocks.values() if state.clock == "handling"}
    assert handling == {
        china("2026-11-09 24:00"): china("2026-11-04 10:00"),
        china("2026-11-11 24:00"): None,
    }
    assert worker.clock("overall").due_at == china("2026-11-09 24:00")


def test_closing_ends_every_clock_with_one_event() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:4], (china("2026-11-06 09:00"), CLOSED))

    (ended,) = worker.happened(ClocksEnded)
    assert isinstance(ended, ClocksEnded)
    assert sorted(known.clock for known in ended.clocks) == ["dispatch", "handling", "overall", "sign"]
    assert worker.clock("handling").stopped_at == china("2026-11-06 09:00")
    assert worker.next_step is None


def test_a_dispatch_read_after_an_earlier_void_starts_no_clock() -> None:
    worker = Worker().read(
        *FOUND_ON_PATROL[:2], (china("2026-11-02 09:30"), VOIDED), (china("2026-11-02 09:40"), DISPATCHED)
    )

    assert sorted(state.clock for state in worker.clocks.values()) == ["dispatch", "overall"]
    assert worker.next_step is None


def test_a_void_read_after_a_later_dispatch_takes_its_place_by_its_instant() -> None:
    in_time = Worker().read(
        *FOUND_ON_PATROL[:2], (china("2026-11-02 09:30"), VOIDED), (china("2026-11-02 09:40"), DISPATCHED)
    )
    late = Worker().read(
        *FOUND_ON_PATROL[:2], (china("2026-11-02 09:40"), DISPATCHED), (china("2026-11-02 09:30"), VOIDED)
    )

    assert sorted(map(str, late.clocks.values())) == sorted(map(str, in_time.clocks.values()))
    (ended,) = late.happened(ClocksEnded)
    assert isinstance(ended, ClocksEnded)
    never_ran = [known.clock for known in ended.clocks if known.started_at is None]
    assert never_ran == ["sign", "handling"]


def test_the_senders_deadline_replaces_the_overall_limit_and_bounds_handling() -> None:
    due = china("2026-11-04 17:00")
    upstream = REGISTERED.model_copy(update={"upstream_due_at": due})
    worker = Worker().read(FOUND_ON_PATROL[0], (china("2026-11-02 09:20"), upstream), FOUND_ON_PATROL[2])

    assert (worker.clock("overall").due_at, worker.clock("handling").due_at) == (due, due)
    assert worker.clock("sign").due_at == china("2026-11-03 24:00")


def test_no_limit_and_no_upstream_deadline_is_no_clock() -> None:
    praise = REGISTERED.model_copy(
        update={"kind": "praise", "class_code": ClassCode("suggestion"), "filing_condition": None}
    )
    worker = Worker().read((china("2026-11-02 09:10"), APPEALED), (china("2026-11-02 09:20"), praise))
    worker.read((china("2026-11-02 09:40"), DISPATCHED))

    assert sorted(state.clock for state in worker.clocks.values()) == ["dispatch", "first_contact", "sign"]


def test_a_refused_appeal_had_no_clock_and_nothing_is_recorded() -> None:
    refused = CaseNotAccepted(
        refused_by=PersonId("zhou-min"), reason_code="OTHER_POWER", legal_basis="条例", alternative="法院"
    )
    worker = Worker().read((china("2026-11-02 09:10"), APPEALED), (china("2026-11-02 09:20"), refused))

    assert worker.own == []


def test_the_response_clock_runs_from_the_order_to_the_answer() -> None:
    order = SupervisionIssued(level=2, issued_by=PersonId("han-feng"), unit=HOUSING, order="请报计划")
    answer = SupervisionResponded(responded_by=PersonId("ma-jun"), unit=HOUSING, plan="周五前完成")
    issued = Worker().read(*FOUND_ON_PATROL[:4], (china("2026-11-09 10:00"), order))
    answered = Worker().read(
        *FOUND_ON_PATROL[:4], (china("2026-11-09 10:00"), order), (china("2026-11-11 10:00"), answer)
    )

    assert issued.clock("response").due_at == china("2026-11-11 24:00")
    assert answered.clock("response").on_time


def test_lifting_ends_what_is_left_to_answer() -> None:
    order = SupervisionIssued(level=1, issued_by=PersonId("han-feng"), unit=HOUSING, order="请尽快")
    lifted = SupervisionLifted(lifted_by=PersonId("han-feng"), level=0, reason="已办")
    worker = Worker().read(
        *FOUND_ON_PATROL[:4], (china("2026-11-09 10:00"), order), (china("2026-11-10 10:00"), lifted)
    )

    assert worker.clock("response").stopped_at == china("2026-11-10 10:00")


def test_a_fact_that_was_followed_is_not_followed_again() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2])
    again = FollowClocks(china("2026-11-02 09:20"), SYSTEM, REGISTERED, "e-2")

    assert DECIDER.decide(worker.state, again, worker.facts) == []


def test_a_rulebook_published_later_does_not_move_a_running_clock() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:3])
    shorter_days = TOWN.latest.rulebook.clock.model_copy(update={"windows": ("09:00-10:00",), "day_end": "COB"})
    rulebook = TOWN.latest.rulebook.model_copy(update={"version": 2, "clock": shorter_days})
    assert isinstance(rulebook, RulebookPublished)
    worker.directory = TOWN.with_event(TOWN.version + 1, rulebook)
    worker.read(FOUND_ON_PATROL[3])

    assert worker.clock("handling").due_at == china("2026-11-09 24:00")
    finished = [event for event in worker.happened(StageFinished) if isinstance(event, StageFinished)]
    assert finished[-1].due_at == china("2026-11-03 24:00")


def test_clocks_that_start_later_follow_the_rulebook_of_their_day() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2])
    to_close_of_business = TOWN.latest.rulebook.clock.model_copy(update={"day_end": "COB"})
    rulebook = TOWN.latest.rulebook.model_copy(update={"version": 2, "clock": to_close_of_business})
    worker.directory = TOWN.with_event(TOWN.version + 1, rulebook)
    worker.read(FOUND_ON_PATROL[2])

    assert worker.clock("handling").due_at == china("2026-11-09 18:00")
    assert worker.clock("overall").due_at == china("2026-11-09 24:00")


HOUR = timedelta(hours=1)
DAY_ONE = china("2026-11-02 09:00")


def instants(count: int) -> st.SearchStrategy[list[datetime]]:
    """Not before one another; often at the very same instant."""
    gaps = st.lists(st.integers(0, 20), min_size=count, max_size=count)
    return gaps.map(lambda hours: [DAY_ONE + sum(hours[: n + 1]) * HOUR for n in range(count)])


@examples(200)
@given(instants(5), st.integers(0, 100), st.integers(0, 4))
def test_in_whatever_order_the_log_has_the_facts_of_two_services_the_clocks_are_the_same(
    at: list[datetime], voided_after: int, place: int
) -> None:
    registered = (DAY_ONE, REGISTERED)
    of_routing: list[tuple[datetime, Event]] = [
        (at[0], DISPATCHED),
        (at[1], SIGNED),
        (at[2], REPORTED),
        (at[3], REPORTED.model_copy(update={"photos": ()})),
    ]
    voided = (DAY_ONE + voided_after * HOUR + timedelta(minutes=1), VOIDED)

    by_instant = sorted([*of_routing, voided], key=lambda fact: fact[0])
    as_in_the_log = [*of_routing[:place], voided, *of_routing[place:]]
    clocks = [
        sorted(str(state) for state in Worker().read(FOUND_ON_PATROL[0], registered, *order).clocks.values())
        for order in (by_instant, as_in_the_log)
    ]
    assert clocks[0] == clocks[1]
