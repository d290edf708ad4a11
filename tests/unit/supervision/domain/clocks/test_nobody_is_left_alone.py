"""First contact, review, verification, call-back, closing: each has a clock while it is due (rulebook.md e.2)."""

from datetime import datetime

import pytest

from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.events.contracts.routing import ArbitrationRuled, CaseDispatched, CitizenContacted, ReturnApproved
from libs.events.contracts.supervision import (
    AutoEscalated,
    CallbackAttempted,
    CallbackCompleted,
    CaseClosed,
    DeadlineBreached,
    DeadlineWarned,
    FeedbackRejected,
    ReworkOrdered,
    VerificationAssigned,
    VerificationFailed,
)
from libs.events.decider import SYSTEM
from libs.events.event import Event
from libs.events.ids import GridCode, PersonId, UnitId
from services.supervision.domain.clocks.fold import ClockState
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN
from tests.unit.supervision.cases import (
    ACCEPTED,
    APPEALED,
    APPEALED_BY_A_CITIZEN,
    ASSIGNED,
    DISPATCHED,
    FOUND_ON_PATROL,
    HOUSING,
    LI_FANG,
    PASSED,
    REPORTED,
    Worker,
)

Log = tuple[tuple[datetime, Event], ...]
WATER = UnitId("county-water")
ZHENG_KAI, XU_JING, WU_QIAN = PersonId("zheng-kai"), PersonId("xu-jing"), PersonId("wu-qian")
REACHED = CitizenContacted(contacted_by=ZHENG_KAI, reached=True)
MISSED = CitizenContacted(contacted_by=ZHENG_KAI, reached=False)
TO_CALL_BACK = ACCEPTED.model_copy(update={"next": "CALLBACK"})
TO_CLOSE = ACCEPTED.model_copy(update={"next": "CLOSING"})
ANSWERED = CallbackCompleted(agent=XU_JING, round=1, valid=True, contacted=True, solved=True, satisfaction="SATISFIED")
REJECTED = FeedbackRejected(reviewed_by=WU_QIAN, round=1, reason="未附照片")
AGAIN = ReworkOrdered(round=2, ordered_by=WU_QIAN, because="REVIEWER", reason="未修好")
CLOSED = CaseClosed(closed_by=WU_QIAN, close_kind="HANDLED", round=1)
LEFT, BACK = AppealWithdrawn(proof="SECRET", continues=True), AppealRestored(proof="SECRET")
WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
AT_HOUSING: Log = APPEALED_BY_A_CITIZEN[:4]
"""Dispatched to 住建局 on Monday 11-02 09:40, signed 10:30; U3: one working day for each stage."""
TUESDAY_MIDNIGHT = china("2026-11-03 24:00")


def tried(attempt: int, *, reached: bool = False) -> CallbackAttempted:
    day = china("2026-11-06 09:00").date()
    return CallbackAttempted(agent=XU_JING, round=1, attempt=attempt, day=day, half="AM", reached=reached)


def after(*later: tuple[str, Event], log: Log = APPEALED_BY_A_CITIZEN) -> Worker:
    """Reported on Thursday 11-05 10:00, and what came then."""
    return Worker().read(*log, *((china(at), event) for at, event in later))


def stages(worker: Worker) -> dict[str, datetime]:
    """Clocks of the centre's own stages that run, with their due instants."""
    kinds = ("first_contact", "review", "verification", "callback", "close")
    return {one.clock: one.due_at for one in worker.clocks.values() if one.running and one.clock in kinds}


def every(worker: Worker, name: str) -> list[ClockState]:
    return [one for one in worker.clocks.values() if one.clock == name]


def test_the_unit_has_a_working_day_to_reach_the_reporter() -> None:
    worker = Worker().read(*AT_HOUSING)
    assert stages(worker) == {"first_contact": TUESDAY_MIDNIGHT}

    worker.read((china("2026-11-02 11:00"), MISSED))
    assert stages(worker) == {"first_contact": TUESDAY_MIDNIGHT}

    worker.read((china("2026-11-02 14:00"), REACHED))
    assert stages(worker) == {}
    assert worker.clock("first_contact").on_time


def test_where_there_is_nobody_to_reach_there_is_no_clock_for_it() -> None:
    anonymous = APPEALED.model_copy(update={"reporter_kind": "ANONYMOUS", "reporter_name": None})

    assert every(Worker().read(*FOUND_ON_PATROL), "first_contact") == []
    assert every(Worker().read((AT_HOUSING[0][0], anonymous), *AT_HOUSING[1:]), "first_contact") == []


def test_the_feedback_is_the_last_word_on_the_first_contact() -> None:
    worker = Worker().read(*APPEALED_BY_A_CITIZEN)
    worker.read((china("2026-11-05 12:00"), REJECTED))

    assert worker.clock("first_contact").on_time is False
    assert "first_contact" not in stages(worker)


def test_another_unit_has_to_reach_him_itself_and_one_that_keeps_the_case_gains_no_time() -> None:
    returned = Worker().read(*AT_HOUSING, (china("2026-11-03 09:00"), ReturnApproved(unit=HOUSING, decided_by=WU_QIAN)))
    assert stages(returned) == {}

    to_water = DISPATCHED.model_copy(update={"unit": WATER})
    assert stages(returned.read((china("2026-11-04 09:00"), to_water))) == {"first_contact": china("2026-11-05 24:00")}

    kept = Worker().read(*AT_HOUSING)
    kept.read((china("2026-11-03 09:00"), ArbitrationRuled(ruled_by=WU_QIAN, unit=HOUSING, reason="属其职责")))
    kept.read((china("2026-11-03 09:00"), CaseDispatched(**DISPATCHED.model_dump())))
    assert stages(kept) == {"first_contact": TUESDAY_MIDNIGHT}


def test_one_stage_of_the_centre_follows_the_other_up_to_the_closing() -> None:
    friday, monday = china("2026-11-06 24:00"), china("2026-11-09 24:00")
    worker = after()
    assert stages(worker) == {"review": friday}

    worker.read((china("2026-11-05 12:00"), ACCEPTED))
    assert stages(worker) == {"verification": friday}

    worker.read((china("2026-11-06 09:00"), PASSED))
    assert stages(worker) == {"callback": monday}

    worker.read((china("2026-11-06 10:00"), tried(1, reached=True)), (china("2026-11-06 10:00"), ANSWERED))
    assert stages(worker) == {"close": monday}

    worker.read((china("2026-11-06 11:00"), CLOSED))
    assert stages(worker) == {}
    assert [worker.clock(name).on_time for name in ("review", "verification", "callback", "close")] == [True] * 4


@pytest.mark.parametrize(("accepted", "stage"), [(TO_CALL_BACK, "callback"), (TO_CLOSE, "close")])
def test_what_need_not_be_checked_goes_on_at_once(accepted: Event, stage: str) -> None:
    assert list(stages(after(("2026-11-05 12:00", accepted)))) == [stage]


def test_a_check_is_due_from_the_acceptance_on_whoever_is_asked_to_make_it() -> None:
    by_another = VerificationAssigned(
        verifier=PersonId("zhao-qiang"), assigned_by=WU_QIAN, round=1, because="REVIEWER", relieved=LI_FANG
    )
    worker = after(("2026-11-05 12:00", ACCEPTED), ("2026-11-05 12:00", ASSIGNED), ("2026-11-06 17:00", by_another))

    assert stages(worker) == {"verification": china("2026-11-06 24:00")}


@pytest.mark.parametrize("stage", ["review", "verification", "callback", "close"])
def test_each_stage_of_the_centre_warns_and_breaches_and_climbs_no_ladder(stage: str) -> None:
    road = {
        "review": (),
        "verification": (("2026-11-05 10:00", ACCEPTED),),
        "callback": (("2026-11-05 10:00", TO_CALL_BACK),),
        "close": (("2026-11-05 10:00", TO_CLOSE),),
    }
    worker = after(("2026-11-04 09:00", REACHED), *road[stage])

    steps = [step for step in worker.elapse(china("2026-11-26 10:00")) if getattr(step, "clock", None) == stage]
    assert [(type(step), step.instant) for step in steps if isinstance(step, DeadlineWarned | DeadlineBreached)] == [
        (DeadlineWarned, china("2026-11-06 15:20")),
        (DeadlineBreached, china("2026-11-06 24:00")),
    ]
    assert not any(isinstance(step, AutoEscalated) for step in steps)


def test_feedback_that_was_sent_back_is_reviewed_anew_once_it_comes_again() -> None:
    worker = after(("2026-11-05 12:00", REJECTED))
    assert stages(worker) == {}

    worker.read((china("2026-11-09 09:00"), REPORTED))
    assert stages(worker) == {"review": china("2026-11-10 24:00")}
    assert [one.on_time for one in every(worker, "review")] == [True, None]


@pytest.mark.parametrize("before", [(), (ACCEPTED,), (TO_CALL_BACK,), (TO_CLOSE,), (ACCEPTED, PASSED)])
def test_rework_ends_whatever_stage_the_centre_was_at(before: tuple[Event, ...]) -> None:
    worker = after(*((f"2026-11-05 1{hour}:00", event) for hour, event in enumerate(before, 1)))

    worker.read((china("2026-11-06 09:00"), AGAIN))
    assert stages(worker) == {}


def test_a_failed_check_ends_the_clock_of_the_check() -> None:
    failed = VerificationFailed(verifier=LI_FANG, round=1, grid=GridCode("G03"), location="1,1", photos=())
    rework = ReworkOrdered(round=2, ordered_by=SYSTEM.person, because="VERIFICATION_FAILED")
    worker = after(("2026-11-05 12:00", ACCEPTED), ("2026-11-06 09:00", failed), ("2026-11-06 09:00", rework))

    assert (stages(worker), worker.clock("verification").on_time) == ({}, True)


# Call-back: the first try within its limit, all tries within `callback.within`


def test_a_reporter_who_was_not_reached_is_tried_again_within_the_rulebooks_time() -> None:
    worker = after(("2026-11-05 12:00", TO_CALL_BACK))
    assert stages(worker) == {"callback": china("2026-11-06 24:00")}

    worker.read((china("2026-11-06 09:00"), tried(1)))
    assert stages(worker) == {"callback": china("2026-11-10 24:00")}

    worker.read((china("2026-11-06 15:00"), tried(2)))
    assert stages(worker) == {"callback": china("2026-11-10 24:00")}

    over = CallbackCompleted(agent=XU_JING, round=1, valid=False)
    worker.read((china("2026-11-11 09:00"), tried(3)), (china("2026-11-11 09:00"), over))
    assert stages(worker) == {"close": china("2026-11-12 24:00")}
    assert [one.on_time for one in every(worker, "callback")] == [True, False]


def test_another_time_for_further_tries_moves_the_due_instant_and_none_leaves_the_first() -> None:
    book = TOWN.latest.rulebook

    def due_by(within: str) -> dict[str, datetime]:
        changed = book.callback.model_copy(update={"within": within})
        directory = TOWN.with_event(TOWN.version + 1, book.model_copy(update={"version": 2, "callback": changed}))
        log = ((china("2026-11-05 12:00"), TO_CALL_BACK), (china("2026-11-06 09:00"), tried(1)))
        return stages(Worker(directory).read(*APPEALED_BY_A_CITIZEN, *log))

    assert due_by("4wd") == {"callback": china("2026-11-12 24:00")}
    assert due_by("none") == {"callback": china("2026-11-06 24:00")}


# Who leaves, and who comes back


def test_nobody_has_to_call_a_reporter_who_left_a_matter_that_goes_on() -> None:
    at_the_unit = Worker().read(*AT_HOUSING, (china("2026-11-02 11:00"), LEFT))
    assert stages(at_the_unit) == {}

    to_be_called = after(("2026-11-05 12:00", TO_CALL_BACK), ("2026-11-05 14:00", LEFT))
    assert stages(to_be_called) == {"close": china("2026-11-06 24:00")}


def test_who_left_while_the_check_was_made_is_not_to_be_called() -> None:
    worker = after(("2026-11-05 12:00", ACCEPTED), ("2026-11-06 08:59", LEFT), ("2026-11-06 09:00", PASSED))

    assert stages(worker) == {"close": china("2026-11-09 24:00")}


def test_who_comes_back_before_the_closing_is_called_back() -> None:
    worker = after(("2026-11-05 12:00", TO_CALL_BACK), ("2026-11-05 14:00", LEFT), ("2026-11-05 15:00", BACK))

    assert stages(worker) == {"callback": china("2026-11-06 24:00")}


def test_who_comes_back_after_he_was_called_leaves_the_closing_where_it_is() -> None:
    worker = after(("2026-11-05 12:00", TO_CALL_BACK), ("2026-11-05 13:00", ANSWERED))
    worker.read((china("2026-11-05 14:00"), LEFT), (china("2026-11-05 15:00"), BACK))

    assert stages(worker) == {"close": china("2026-11-06 24:00")}
    assert len(every(worker, "close")) == 1


def test_a_withdrawal_ends_the_stage_and_its_restoring_lets_it_go_on() -> None:
    worker = after(("2026-11-05 12:00", TO_CALL_BACK), ("2026-11-06 10:00", WITHDRAWN))
    assert stages(worker) == {}

    worker.read((china("2026-11-06 11:00"), BACK))
    assert stages(worker) == {"callback": china("2026-11-06 24:00")}


def test_an_acceptance_that_crossed_a_withdrawal_has_its_clock_once_the_case_lives_again() -> None:
    worker = after(("2026-11-06 10:00", WITHDRAWN), ("2026-11-06 10:05", ACCEPTED))
    assert stages(worker) == {}

    worker.read((china("2026-11-06 11:00"), BACK))
    assert stages(worker) == {"verification": china("2026-11-09 24:00")}


# What happened before there were such clocks


def test_a_case_of_before_gets_the_clock_of_its_next_step_and_none_for_what_was() -> None:
    """Its feedback was followed by a supervision that knew of no review clock."""
    worker = after()
    worker.state = type(worker.state)()
    assert stages(worker) == {}

    worker.read((china("2026-11-05 12:00"), ACCEPTED))
    assert stages(worker) == {"verification": china("2026-11-06 24:00")}
