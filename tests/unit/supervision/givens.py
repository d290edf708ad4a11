"""The clock that most tests begin with. No tests here."""

from datetime import timedelta

from libs.directory.rules.calendar import Limit
from libs.directory.rules.lamps import LampRule
from libs.events.contracts.parts.clock import Clock
from services.supervision.domain.clocks.fold import ClockState, fold
from services.supervision.domain.clocks.operations import Extended, Operation, Started
from tests.unit.directory.rules.calendars import CHINA, china

MICROSECOND = timedelta(microseconds=1)
ORDINARY = LampRule("U3")
FIVE_DAYS = Limit.parse("5wd")
DISPATCHED = Started(at=china("2026-11-02 09:40"), position=1, clock="handling", limit=FIVE_DAYS)
DUE = china("2026-11-09 24:00")


def clock_after(*operations: Operation, rule: LampRule = ORDINARY) -> ClockState:
    state = fold(operations, CHINA, rule)
    assert state is not None
    return state


def started(clock: Clock, limit: str, upstream: str | None = None) -> Started:
    return Started(
        at=china("2026-11-02 09:40"),
        position=1,
        clock=clock,
        limit=Limit.parse(limit),
        upstream=china(upstream) if upstream else None,
    )


def extension(at: str, limit: str, position: int = 2) -> Extended:
    parsed = Limit.parse(limit)
    assert parsed is not None
    return Extended(at=china(at), position=position, limit=parsed)
