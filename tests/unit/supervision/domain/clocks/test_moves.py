"""What returns, arbitration, withdrawals and corrections do to the clocks of a case: CLK-09, RET-5, c.3 #41a, (c.4)."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.events.contracts.intake import AnsweredDirectly, AppealRestored, AppealWithdrawn, CaseCorrected
from libs.events.contracts.routing import (
    ArbitrationOpened,
    ArbitrationRuled,
    CaseDispatched,
    ReturnApproved,
    ReturnRejected,
    ReturnRequested,
)
from libs.events.contracts.supervision import CaseClosed, ClocksEnded, ClocksRevived, FeedbackRejected
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId
from services.supervision.domain.clocks.fold import ClockState
from tests.unit.directory.rules.calendars import china
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

WATER, URBAN = UnitId("county-water"), UnitId("county-urban")
CHEN_LI = PersonId("chen-li")
RETURNED = ReturnRequested(
    unit=HOUSING, requested_by=PersonId("fang-yun"), basis="《供水条例》第十条", suggested_unit=WATER
)
APPROVED = ReturnApproved(unit=HOUSING, decided_by=CHEN_LI)
REFUSED = ReturnRejected(unit=HOUSING, decided_by=CHEN_LI, reason="属本单位职责")
OPENED = ArbitrationOpened(parties=(HOUSING, WATER, URBAN), because="RET-3")
WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
RESTORED = AppealRestored(proof="SECRET")
CLOSED = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)
URGENT = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="有人受伤", urgency="U2")
AT_HOUSING = FOUND_ON_PATROL[:4]
"""Registered 11-02 09:20, dispatched to 住建局 09:40, signed 10:30; five working days."""
DUE = china("2026-11-09 24:00")


def to(unit: UnitId) -> CaseDispatched:
    return DISPATCHED.model_copy(update={"unit": unit})


def ruled(unit: UnitId) -> ArbitrationRuled:
    return ArbitrationRuled(ruled_by=PersonId("sun-wei"), unit=unit, reason="属其职责")


def of(worker: Worker, name: str, unit: UnitId | None) -> list[ClockState]:
    """The clocks of one name and unit, oldest first."""
    tracks = worker.state.clocks.tracks.values()
    return [worker.clocks[one.clock_id] for one in tracks if (one.clock, one.unit) == (name, unit)]


def running(worker: Worker) -> list[str]:
    return sorted(state.clock for state in worker.clocks.values() if state.running)


def test_a_return_starts_the_decision_clock_and_stops_nothing() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED))

    assert running(worker) == ["handling", "overall", "return_decision"]
    assert worker.clock("return_decision").due_at == china("2026-11-03 11:00")
    assert worker.clock("handling").due_at == DUE


def test_a_groundless_return_is_charged_to_the_unit() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 10:00"), REFUSED))

    assert worker.clock("return_decision").on_time
    assert (running(worker), worker.clock("handling").due_at) == (["handling", "overall"], DUE)


def test_after_a_justified_return_the_dispatcher_is_charged_and_the_unit_no_longer() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 09:00"), APPROVED))

    assert running(worker) == ["dispatch", "overall"]
    assert worker.clock("handling").stopped_at == china("2026-11-03 09:00")
    assert [state.due_at for state in of(worker, "dispatch", None)] == [
        china("2026-11-02 15:20"),
        china("2026-11-03 15:00"),
    ]


def test_a_unit_that_had_not_signed_owes_no_signature_after_its_return() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:3], (china("2026-11-02 17:00"), RETURNED))
    worker.read((china("2026-11-03 09:00"), APPROVED))

    assert worker.clock("sign").stopped_at == china("2026-11-03 09:00")


def test_the_next_unit_has_its_own_clocks_under_the_same_overall_clock() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 09:00"), APPROVED))
    worker.read((china("2026-11-03 09:30"), to(WATER)))

    assert running(worker) == ["handling", "overall", "sign"]
    assert [state.due_at for state in of(worker, "handling", WATER)] == [china("2026-11-10 24:00")]
    assert worker.clock("overall").due_at == DUE


def test_a_late_return_leaves_the_units_breach() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-09 17:00"), RETURNED), (china("2026-11-10 09:00"), APPROVED))

    assert worker.clock("handling").on_time is False


def test_scenario_4_the_third_return_is_ruled_on_and_the_overall_clock_never_stops() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-02 17:30"), APPROVED))
    of_water = {"unit": WATER, "suggested_unit": URBAN}
    worker.read(
        (china("2026-11-02 17:40"), to(WATER)),
        (china("2026-11-03 10:00"), RETURNED.model_copy(update=of_water)),
        (china("2026-11-03 10:30"), APPROVED.model_copy(update={"unit": WATER})),
        (china("2026-11-03 11:00"), to(URBAN)),
        (china("2026-11-03 16:00"), OPENED),
    )

    assert running(worker) == ["arbitration", "handling", "overall", "sign"]
    assert worker.clock("arbitration").due_at == china("2026-11-04 24:00")

    worker.read((china("2026-11-04 15:00"), ruled(HOUSING)), (china("2026-11-04 15:00"), to(HOUSING)))
    assert worker.clock("arbitration").on_time
    assert running(worker) == ["handling", "overall", "sign"]
    assert [state.running for state in of(worker, "handling", HOUSING)] == [False, True]
    assert [state.running for state in of(worker, "handling", URBAN)] == [False]
    overall = worker.clock("overall")
    assert (overall.due_at, len([span for span in overall.spans if span.end is None])) == (DUE, 1)


def test_a_unit_that_is_ruled_to_keep_the_case_signs_anew_and_gains_no_time() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 16:00"), OPENED))
    worker.read((china("2026-11-04 15:00"), ruled(HOUSING)), (china("2026-11-04 15:00"), to(HOUSING)))

    assert worker.clock("handling").due_at == DUE
    assert [state.running for state in of(worker, "sign", HOUSING)] == [False, True]


def test_an_arbitration_takes_the_case_out_of_the_dispatchers_hands() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 09:00"), APPROVED))
    worker.read((china("2026-11-03 10:00"), OPENED))

    assert running(worker) == ["arbitration", "overall"]


def test_the_silence_of_the_dispatcher_is_his_breach() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 11:01"), OPENED))

    assert worker.clock("return_decision").on_time is False


def test_a_rejected_feedback_lets_only_the_units_newest_clock_go_on() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 17:00"), RETURNED), (china("2026-11-03 09:00"), APPROVED))
    worker.read((china("2026-11-03 10:00"), to(HOUSING)), (china("2026-11-05 10:00"), REPORTED))
    rejected = FeedbackRejected(reviewed_by=PersonId("wu-qian"), round=1, reason="未附照片")
    worker.read((china("2026-11-05 11:00"), rejected))

    assert [state.running for state in of(worker, "handling", HOUSING)] == [False, True]


def test_scenario_14_a_withdrawal_ends_the_clocks_and_its_restoring_shifts_them_by_the_pause() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 23:00"), WITHDRAWN))
    assert (running(worker), worker.next_step) == ([], None)

    worker.read((china("2026-11-04 00:30"), RESTORED))
    assert running(worker) == ["handling", "overall"]
    assert worker.clock("handling").due_at == china("2026-11-10 24:00")
    (revived,) = worker.happened(ClocksRevived)
    assert isinstance(revived, ClocksRevived)
    assert {known.clock for known in revived.clocks if known.stopped_at is None} == {"handling", "overall"}


def test_a_matter_of_public_interest_goes_on_without_its_reporter_and_with_its_clocks() -> None:
    continues = WITHDRAWN.model_copy(update={"continues": True})
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 10:00"), continues), (china("2026-11-03 11:00"), RESTORED))

    assert running(worker) == ["handling", "overall"]
    assert worker.clock("handling").due_at == DUE
    assert worker.happened(ClocksEnded, ClocksRevived) == []


def test_a_case_that_was_closed_before_its_withdrawal_is_not_revived() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 10:00"), CLOSED), (china("2026-11-03 10:01"), WITHDRAWN))
    worker.read((china("2026-11-03 11:00"), RESTORED))

    assert (running(worker), worker.happened(ClocksRevived)) == ([], [])


def test_an_end_that_is_read_after_the_restoring_stands_whatever_its_instant() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 10:00"), WITHDRAWN), (china("2026-11-03 11:00"), RESTORED))
    worker.read((china("2026-11-03 10:30"), CLOSED))

    assert (running(worker), worker.next_step) == ([], None)


def test_a_restored_case_is_withdrawn_and_restored_again() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-03 23:00"), WITHDRAWN), (china("2026-11-04 00:30"), RESTORED))
    worker.read((china("2026-11-04 23:00"), WITHDRAWN), (china("2026-11-05 00:30"), RESTORED))

    assert worker.clock("handling").due_at == china("2026-11-11 24:00")


def test_a_dispatch_that_crossed_the_withdrawal_has_its_clocks_once_the_withdrawal_is_taken_back() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2], (china("2026-11-02 09:40"), DISPATCHED))
    worker.read((china("2026-11-02 09:30"), WITHDRAWN))
    assert (running(worker), worker.next_step) == ([], None)

    worker.read((china("2026-11-03 09:40"), RESTORED))
    assert running(worker) == ["handling", "overall", "sign"]
    assert worker.clock("handling").due_at == china("2026-11-10 24:00")


def test_a_direct_answer_ends_every_clock() -> None:
    answered = AnsweredDirectly(answered_by=PersonId("zhou-min"), knowledge_entry="K-1", reply="请携带身份证")
    worker = Worker().read(*FOUND_ON_PATROL[:2], (china("2026-11-02 09:30"), answered))

    assert running(worker) == []
    assert worker.clock("overall").on_time


def test_a_correction_moves_no_clock_that_runs_and_counts_for_those_that_start_later() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:2], (china("2026-11-02 09:30"), URGENT))
    assert worker.clock("dispatch").due_at == china("2026-11-02 15:20")
    assert worker.clock("overall").due_at == DUE

    worker.read(FOUND_ON_PATROL[2])
    assert worker.clock("sign").due_at == china("2026-11-02 10:40")


def test_a_correction_after_dispatch_leaves_the_limit_of_the_case_as_it_was() -> None:
    worker = Worker().read(*AT_HOUSING, (china("2026-11-02 11:00"), URGENT))

    assert {worker.clock(name).due_at for name in ("handling", "overall")} == {DUE}


HOUR = timedelta(hours=1)
DAY_ONE = china("2026-11-02 09:00")
OF_ROUTING: tuple[Event, ...] = (
    DISPATCHED,
    SIGNED,
    RETURNED,
    APPROVED,
    to(WATER),
    OPENED,
    ruled(HOUSING),
    to(HOUSING),
    REPORTED,
)


def instants(count: int) -> st.SearchStrategy[list[datetime]]:
    """Not before one another; often at the very same instant."""
    gaps = st.lists(st.integers(0, 20), min_size=count, max_size=count)
    return gaps.map(lambda hours: [DAY_ONE + sum(hours[: n + 1]) * HOUR for n in range(count)])


@examples(150)
@given(instants(len(OF_ROUTING)), st.integers(0, 120), st.integers(0, len(OF_ROUTING)))
def test_in_whatever_order_a_withdrawal_and_the_dispute_of_units_are_read_the_clocks_are_the_same(
    at: list[datetime], withdrawn_after: int, place: int
) -> None:
    of_routing = list(zip(at, OF_ROUTING, strict=True))
    withdrawn = (DAY_ONE + withdrawn_after * HOUR + timedelta(minutes=1), WITHDRAWN)
    logs = [
        sorted([*of_routing, withdrawn], key=lambda fact: fact[0]),
        [*of_routing[:place], withdrawn, *of_routing[place:]],
    ]

    clocks = [clocks_after(order) for order in logs]
    assert clocks[0] == clocks[1]


@examples(150)
@given(instants(len(OF_ROUTING)), st.integers(0, 120), st.integers(0, 40), st.data())
def test_taking_a_withdrawal_back_is_the_same_whenever_it_is_read(
    at: list[datetime], withdrawn_after: int, pause: int, data: st.DataObject
) -> None:
    """Each act, whether recorded before, during or after the pause, may be read before or after either."""
    first = DAY_ONE + withdrawn_after * HOUR + timedelta(minutes=1)
    second = first + pause * HOUR
    of_routing = list(zip(at, OF_ROUTING, strict=True))
    of_intake: list[tuple[datetime, Event]] = [(first, WITHDRAWN), (second, RESTORED)]
    places = sorted(data.draw(st.lists(st.integers(0, len(of_routing)), min_size=2, max_size=2)))
    as_in_the_log = [*of_routing[: places[0]], of_intake[0], *of_routing[places[0] : places[1]], of_intake[1]]

    by_instant = sorted([*of_routing, *of_intake], key=lambda fact: fact[0])
    assert clocks_after(by_instant) == clocks_after([*as_in_the_log, *of_routing[places[1] :]])


def clocks_after(log: list[tuple[datetime, Event]]) -> list[str]:
    registered = [(DAY_ONE, APPEALED), (DAY_ONE, REGISTERED)]
    return sorted(str(state) for state in Worker().read(*registered, *log).clocks.values())
