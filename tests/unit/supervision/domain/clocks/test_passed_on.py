"""A unit ends while its clocks run: its successor has them, and no more time (SUC-2), or the centre has (SUC-3)."""

from libs.case.testing import given
from libs.directory.facts.directory import Directory
from libs.events.contracts.routing import FeedbackSubmitted, OrderPassedOn
from libs.events.contracts.supervision import DeadlineBreached, SupervisionIssued, SupervisionResponded
from libs.events.ids import PersonId, UnitId
from services.supervision.domain.decider import DECIDER
from services.supervision.domain.orders.orders import IssueSupervision, RespondSupervision
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import published, written
from tests.unit.supervision.cases import FOUND_ON_PATROL, HAN_FENG, HOUSING, REPORTED, Worker, acting, facts

URBAN = UnitId("county-urban")
MIDNIGHT = china("2026-11-05 00:00")
AT_WORK = FOUND_ON_PATROL[:5]
"""Dispatched to 住建局 on Monday 11-02 09:40, signed; five working days."""
DUE = china("2026-11-09 24:00")
MERGED: Directory = published(written("units", "id", "county-housing", until="2026-11-04", succeeded_by="county-urban"))


def passed(unit: UnitId | None, role: str = "lead") -> OrderPassedOn:
    rule = "SUC-2" if unit else "SUC-3"
    said = {"ended": HOUSING, "unit": unit, "role": role, "round": 1, "rule": rule, "zh": "撤并", "en": "ended"}
    return OrderPassedOn.model_validate(said)


def running(worker: Worker) -> list[tuple[str, str | None]]:
    tracks = worker.state.clocks.tracks.values()
    return sorted((one.clock, one.unit) for one in tracks if worker.clocks[one.clock_id].running)


def test_the_successor_has_the_clocks_as_they_run() -> None:
    worker = Worker(MERGED).read(*AT_WORK, (MIDNIGHT, passed(URBAN)))

    assert running(worker) == [("handling", URBAN), ("overall", None)]
    assert (worker.clock("handling").due_at, worker.clock("handling").started_at) == (DUE, china("2026-11-02 09:40"))
    assert worker.clock("overall").due_at == DUE


def test_an_unsigned_case_is_to_be_signed_within_the_same_limit() -> None:
    worker = Worker(MERGED).read(*FOUND_ON_PATROL[:3], (china("2026-11-03 00:00"), passed(URBAN)))

    assert ("sign", URBAN) in running(worker)
    assert worker.clock("sign").due_at == china("2026-11-03 24:00")


def test_the_successors_report_stops_what_it_took_over_and_its_breach_is_its_own() -> None:
    own: FeedbackSubmitted = REPORTED.model_copy(update={"unit": URBAN, "submitted_by": PersonId("song-tao")})
    in_time = Worker(MERGED).read(*AT_WORK, (MIDNIGHT, passed(URBAN)), (china("2026-11-06 10:00"), own))
    late = Worker(MERGED).read(*AT_WORK, (MIDNIGHT, passed(URBAN)))
    late.elapse(china("2026-11-10 00:01"))

    assert in_time.clock("handling").on_time is True
    assert {one.unit for one in late.happened(DeadlineBreached) if isinstance(one, DeadlineBreached)} == {URBAN}


def test_where_nobody_takes_over_the_centre_alone_is_charged() -> None:
    worker = Worker(MERGED).read(*AT_WORK, (MIDNIGHT, passed(None)))

    assert running(worker) == [("dispatch", None), ("overall", None)]
    assert worker.clock("handling").stopped_at == MIDNIGHT
    assert worker.clock("overall").due_at == DUE
    assert worker.case is not None
    assert (worker.case.state, worker.case.left_by) == ("REGISTERED", HOUSING)


def test_the_end_of_a_co_unit_moves_no_clock() -> None:
    before = Worker(MERGED).read(*AT_WORK)
    after = Worker(MERGED).read(*AT_WORK, (MIDNIGHT, passed(None, "co")), (MIDNIGHT, passed(URBAN, "co")))

    assert running(after) == running(before)


def test_the_successors_leader_answers_what_the_unit_was_asked() -> None:
    issued = SupervisionIssued(level=2, issued_by=PersonId("han-feng"), unit=HOUSING, order="请报计划")
    worker = Worker(MERGED).read(*AT_WORK, (china("2026-11-04 09:00"), issued), (MIDNIGHT, passed(URBAN)))
    assert ("response", URBAN) in running(worker)

    answer = RespondSupervision(china("2026-11-05 09:00"), acting("gao-feng-leader"), "周五前完成")
    [said] = given(DECIDER, *worker.own).when(answer, worker.facts).events
    assert isinstance(said, SupervisionResponded)
    assert (said.unit, said.answers_for) == (URBAN, (HOUSING,))
    worker.read((china("2026-11-05 09:00"), said))
    assert worker.state.orders.unanswered == ()
    assert ("response", URBAN) not in running(worker)


def test_a_new_order_goes_to_the_successor() -> None:
    known = facts(*AT_WORK, directory=MERGED)
    [issued] = given(DECIDER).when(IssueSupervision(MIDNIGHT, HAN_FENG, 2, "请报计划"), known).events
    assert isinstance(issued, SupervisionIssued)
    assert issued.unit == URBAN
