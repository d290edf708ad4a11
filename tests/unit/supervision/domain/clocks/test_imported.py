"""Clocks of orders that moved in: judged by their source, and silent about all that lies before (rulebook.md c.8)."""

from datetime import datetime
from typing import Any

import pytest

from libs.events.contracts.intake import CaseImported, CaseRegistered
from libs.events.contracts.supervision import AutoEscalated, ClockImported, DeadlineSet
from libs.events.ids import ClassCode, GridCode, PersonId
from services.supervision.domain.clocks.steps import all_steps
from tests.unit.directory.rules.calendars import china
from tests.unit.supervision.cases import DISPATCHED, Worker

NOW = china("2026-11-02 09:00")
ZHOU_MIN = PersonId("zhou-min")


def imported(**told: Any) -> CaseImported:
    known: dict[str, Any] = {
        "imported_by": ZHOU_MIN,
        "source": "old-hotline",
        "channel": "phone",
        "kind": "complaint",
        "content": "下水道异味",
        "grid": GridCode("G03"),
        "reporter_kind": "ANONYMOUS",
        "received_at": china("2020-03-02 09:00"),
        "class_code": ClassCode("sewer-odour"),
        "urgency": "U3",
    }
    return CaseImported(**(known | told))


def closed(at: datetime | None, **told: Any) -> CaseImported:
    return imported(closed=True, closed_at=at, **told)


@pytest.mark.parametrize(("at", "in_time"), [("2020-03-06 18:00", True), ("2020-03-06 18:01", False)])
def test_a_closed_order_is_judged_by_the_deadline_of_its_source(at: str, in_time: bool) -> None:
    worker = Worker().read((NOW, closed(china(at), upstream_due_at=china("2020-03-06 18:00"))))

    clock = worker.clock("overall")
    assert (clock.started_at, clock.stopped_at, clock.on_time) == (china("2020-03-02 09:00"), china(at), in_time)
    assert [event.at for event in worker.happened(ClockImported) if isinstance(event, ClockImported)] == [NOW]
    assert all_steps(worker.state.clocks, worker.facts) == ()


def test_without_a_deadline_limit_and_calendar_judge() -> None:
    worker = Worker().read((NOW, closed(china("2020-03-09 23:00"))))
    assert worker.clock("overall").due_at == china("2020-03-09 24:00")
    assert worker.clock("overall").on_time


def test_an_order_closed_nobody_knows_when_has_no_verdict() -> None:
    worker = Worker().read((NOW, closed(None, upstream_due_at=china("2020-03-06 18:00"))))
    assert worker.clocks == {}


def test_an_order_closed_without_a_class_is_judged_by_its_deadline_alone() -> None:
    nameless = {"class_code": None, "urgency": None, "upstream_due_at": china("2020-03-06 18:00")}
    assert Worker().read((NOW, closed(china("2020-03-05 10:00"), **nameless))).clock("overall").on_time
    assert Worker().read((NOW, closed(china("2020-03-05 10:00"), **nameless | {"upstream_due_at": None}))).clocks == {}


def test_an_open_order_long_overdue_has_no_step_left() -> None:
    worker = Worker().read((NOW, imported(upstream_due_at=china("2020-03-06 18:00"))))
    assert [state.clock for state in worker.clocks.values()] == ["overall"]
    assert worker.clock("overall").running
    assert all_steps(worker.state.clocks, worker.facts) == ()


def test_what_falls_due_after_the_import_is_a_step_as_ever() -> None:
    worker = Worker().read((NOW, imported(upstream_due_at=china("2026-11-02 18:00"))))
    kinds = [(step.kind, step.level) for step in all_steps(worker.state.clocks, worker.facts)]
    assert ("breach", 0) in kinds
    assert ("level", 1) in kinds


def test_a_unit_that_gets_it_has_limits_of_its_own_and_their_steps() -> None:
    worker = Worker().read(
        (NOW, imported(upstream_due_at=china("2020-03-06 18:00"))), (china("2026-11-02 09:40"), DISPATCHED)
    )
    assert worker.clock("handling").due_at == china("2026-11-09 24:00")
    found = all_steps(worker.state.clocks, worker.facts)
    assert min(step.instant for step in found) > NOW
    assert {step.clock for step in found if step.kind == "level"} == {"handling"}


def test_one_that_is_registered_here_is_quiet_about_its_past_too() -> None:
    due = china("2020-03-06 18:00")
    registered = CaseRegistered(
        registered_by=ZHOU_MIN,
        kind="complaint",
        class_code=ClassCode("sewer-odour"),
        urgency="U3",
        grid=GridCode("G03"),
        upstream_due_at=due,
    )
    nameless = imported(class_code=None, urgency=None, upstream_due_at=due)
    worker = Worker().read((NOW, nameless), (china("2026-11-03 10:00"), registered))
    assert sorted(state.clock for state in worker.clocks.values()) == ["dispatch", "overall"]
    assert {step.clock for step in all_steps(worker.state.clocks, worker.facts)} == {"dispatch"}
    assert worker.happened(AutoEscalated) == []
    assert len(worker.happened(DeadlineSet)) == 1
