"""Which open cases need a look because no clock of whoever must act watches them; how long a received case may wait."""

from datetime import timedelta

import pytest

from libs.case import lifecycle
from libs.case.state import OPEN, TERMINAL, Case
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.events.contracts.parts.rulebook import PerUrgency
from libs.events.contracts.routing import OrderPassedOn
from libs.events.contracts.supervision import CaseLeftAlone
from libs.log.read.rows import ReadModel, Row
from services.supervision.api.alarms import clocked, received_by
from services.supervision.readmodel.projection import project
from services.supervision.readmodel.tables import TABLES, unattended
from services.supervision.readmodel.unattended import UNTIL_FEEDBACK, row_of
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import TOWN, VIEW
from tests.unit.supervision.cases import ACCEPTED, DISPATCHED, FOUND_ON_PATROL, HOUSING, SHOWN, Worker

SECOND = timedelta(seconds=1)
AFTER_FEEDBACK = ("review", "verification", "callback", "close")
TO_CLOSE = ACCEPTED.model_copy(update={"next": "CLOSING"})
WITHDRAWN = (china("2026-11-03 10:00"), AppealWithdrawn(proof="SECRET", continues=False))
RESTORED = (china("2026-11-03 11:00"), AppealRestored(proof="SECRET"))


def row_after(worker: Worker) -> Row | None:
    model = ReadModel(TABLES)
    case = None
    for event in log_of(*worker.log):
        case = lifecycle.evolve(case, event)
        project(model, event, case)
    return model[unattended].get(CASE_ID)


def test_a_received_case_is_looked_at_until_it_is_registered() -> None:
    row = row_after(Worker().read(*FOUND_ON_PATROL[:1]))

    assert row
    assert (row["state"], row["received_at"]) == ("RECEIVED", china("2026-11-02 09:10"))


def test_a_registered_case_has_until_the_due_instant_of_its_dispatch() -> None:
    row = row_after(Worker().read(*FOUND_ON_PATROL[:2]))

    assert row
    assert (row["unit"], row["decide_by"], row["clockless"]) == (None, china("2026-11-02 15:20"), False)


def test_a_case_that_its_unit_left_by_its_end_is_looked_at_until_it_is_dispatched_again() -> None:
    said = {"ended": HOUSING, "unit": None, "role": "lead", "round": 1, "rule": "SUC-3", "zh": "撤并", "en": "ended"}
    left = (china("2026-11-05 00:00"), OrderPassedOn.model_validate(said))
    row = row_after(Worker().read(*FOUND_ON_PATROL[:5], left))

    assert row
    assert (row["state"], row["unit"], row["left_by"]) == ("REGISTERED", None, HOUSING)
    again = (china("2026-11-05 09:00"), DISPATCHED.model_copy(update={"unit": "county-urban"}))
    assert row_after(Worker().read(*FOUND_ON_PATROL[:5], left, again)) is None


def test_a_case_whose_unit_has_a_clock_needs_no_look_nor_one_that_was_reported_or_withdrawn() -> None:
    assert row_after(Worker().read(*FOUND_ON_PATROL[:4])) is None
    assert row_after(Worker().read(*FOUND_ON_PATROL)) is None
    assert row_after(Worker().read(*FOUND_ON_PATROL, (china("2026-11-05 12:00"), ACCEPTED))) is None
    assert row_after(Worker().read(*FOUND_ON_PATROL, (china("2026-11-05 12:00"), TO_CLOSE))) is None
    assert row_after(Worker().read(*FOUND_ON_PATROL[:2], WITHDRAWN)) is None


def test_a_unit_without_a_clock_where_the_rulebook_gives_one_is_an_alarm() -> None:
    worker = Worker().read(*FOUND_ON_PATROL[:4])
    model = ReadModel(TABLES)
    case = None
    # As if supervision had never followed the dispatch.
    for event in log_of(*(fact for fact in worker.log if fact[1].owner != "supervision")):
        case = lifecycle.evolve(case, event)
        project(model, event, case)

    row = model[unattended].get(CASE_ID)
    assert row
    assert (row["state"], row["clockless"]) == ("IN_PROGRESS", True)


def before_there_were_such_clocks(worker: Worker) -> Row | None:
    """The log as a supervision wrote it that knew of no clock after the feedback."""
    model = ReadModel(TABLES)
    case = None
    for event in log_of(*(fact for fact in worker.log if getattr(fact[1], "clock", None) not in AFTER_FEEDBACK)):
        case = lifecycle.evolve(case, event)
        project(model, event, case)
    return model[unattended].get(CASE_ID)


def test_what_was_reported_before_there_was_a_clock_for_its_review_is_looked_at_until_its_next_step() -> None:
    row = before_there_were_such_clocks(Worker().read(*FOUND_ON_PATROL))

    assert row
    assert (row["state"], row["clockless"], row["told"]) == ("FEEDBACK", True, False)
    assert row_after(Worker().read(*FOUND_ON_PATROL, (china("2026-11-05 12:00"), ACCEPTED))) is None


@pytest.mark.parametrize("state", sorted(OPEN))
def test_an_open_case_that_no_clock_watches_is_looked_at_in_whatever_state(state: str) -> None:
    """Whoever adds an open state has nothing to do for it: who watches has to be said, who looks has not."""
    case = Case(case_id=CASE_ID, lane=7, state=state, unit=HOUSING, last_step_at=china("2026-11-02 09:00"))

    assert row_of(case, [])
    assert [row_of(case.model_copy(update={"state": ended}), []) for ended in TERMINAL] == [None] * len(TERMINAL)


def test_what_is_told_is_told_once_of_each_last_step() -> None:
    received, week_later = FOUND_ON_PATROL[:1], china("2026-11-09 09:10")
    left = CaseLeftAlone(alarm="NOT_REGISTERED", since=received[0][0])
    said = Worker().read(*received, (week_later, left))
    row = row_after(said)
    assert row
    assert (row["told"], row["last_step_at"]) == (True, received[0][0])

    photographed = row_after(said.read((china("2026-11-09 10:00"), SHOWN)))
    assert photographed
    assert photographed["told"] is False


def test_after_the_feedback_a_clock_should_run_only_where_the_rulebook_sets_a_limit() -> None:
    book = TOWN.latest.rulebook
    none = PerUrgency(U1="none", U2="none", U3="none", U4="none")
    unlimited = book.model_copy(update={"version": 2, "limits": {**book.limits, "review": none, "close": none}})

    assert clocked(VIEW) == (*UNTIL_FEEDBACK, "FEEDBACK", "VERIFYING", "CALLBACK")
    assert clocked(TOWN.with_event(TOWN.version + 1, unlimited).latest) == (*UNTIL_FEEDBACK, "VERIFYING", "CALLBACK")


def test_a_restored_case_is_watched_by_its_clock_again() -> None:
    assert row_after(Worker().read(*FOUND_ON_PATROL[:4], WITHDRAWN, RESTORED)) is None


def test_what_was_received_waits_for_one_working_day_at_most() -> None:
    """The day after the reception is the working day; received on a Friday, it is over at the end of Monday."""
    monday_midnight = china("2026-11-09 24:00")

    assert received_by(monday_midnight, VIEW) < china("2026-11-06 00:00")
    friday = received_by(monday_midnight + SECOND, VIEW)
    assert china("2026-11-08 23:59") < friday <= china("2026-11-09 00:00")
