"""Which open cases need a look because no clock of a unit watches them; how long a received case may wait."""

from datetime import timedelta

from libs.case import lifecycle
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import AppealRestored, AppealWithdrawn
from libs.log.read.rows import ReadModel, Row
from services.supervision.api.alarms import received_by
from services.supervision.readmodel.projection import project
from services.supervision.readmodel.tables import TABLES, unattended
from tests.unit.directory.rules.calendars import china
from tests.unit.directory.town import VIEW
from tests.unit.supervision.cases import FOUND_ON_PATROL, Worker

SECOND = timedelta(seconds=1)
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


def test_a_case_whose_unit_has_a_clock_needs_no_look_nor_one_that_was_reported_or_withdrawn() -> None:
    assert row_after(Worker().read(*FOUND_ON_PATROL[:4])) is None
    assert row_after(Worker().read(*FOUND_ON_PATROL)) is None
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


def test_a_restored_case_is_watched_by_its_clock_again() -> None:
    assert row_after(Worker().read(*FOUND_ON_PATROL[:4], WITHDRAWN, RESTORED)) is None


def test_what_was_received_waits_for_one_working_day_at_most() -> None:
    """The day after the reception is the working day; received on a Friday, it is over at the end of Monday."""
    monday_midnight = china("2026-11-09 24:00")

    assert received_by(monday_midnight, VIEW) < china("2026-11-06 00:00")
    friday = received_by(monday_midnight + SECOND, VIEW)
    assert china("2026-11-08 23:59") < friday <= china("2026-11-09 00:00")
