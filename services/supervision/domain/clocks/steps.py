"""The steps of a case's clocks: warning, breach, ladder level, each recorded behind the watermark. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, assert_never

from libs.case.facts import Facts
from libs.events.contracts.supervision import AutoEscalated, DeadlineBreached, DeadlineWarned, Urgency
from libs.events.ids import ClockId, UnitId
from services.supervision.domain.clocks.case_clocks import Clocks, states_of
from services.supervision.domain.clocks.fold import ClockState
from services.supervision.domain.clocks.ladder import Step, StepKey, due_steps, order_of, steps
from services.supervision.domain.clocks.pinned_rules import levels, told_unit

Recordable = DeadlineWarned | DeadlineBreached | AutoEscalated
"""A step as the event that records it."""
BEFORE_ALL = datetime.min.replace(tzinfo=UTC)


def steps_to_record(
    clocks: Clocks, watermark: datetime, facts: Facts, unit: UnitId | None
) -> tuple[Sequence[Recordable], Step | None]:
    """The steps to record now, and the first one after them; later facts may still move that one.

    `unit` holds the case; it is responsible for clocks that are no unit's own.
    """
    found = all_steps(clocks, facts)
    licensed = due_steps(found, watermark, clocks.recorded)
    ahead = (step for step in found if step.instant >= watermark)
    following = next((step for step in ahead if step.key not in clocks.recorded), None)
    return [_event_of(step, clocks, facts, unit) for step in licensed], following


def next_step(clocks: Clocks, facts: Facts) -> Step | None:
    """The first step that is not recorded."""
    return steps_to_record(clocks, BEFORE_ALL, facts, None)[1]


def all_steps(clocks: Clocks, facts: Facts) -> tuple[Step, ...]:
    """All steps, past and to come, in the order of their instants, each by what its clock has pinned.

    Where clocks pin different versions the earliest step of a key counts, as among clocks of one version.
    """
    pinned: dict[tuple[int, Urgency], dict[ClockId, ClockState]] = {}
    for clock_id, state in states_of(clocks, facts).items():
        track = clocks.tracks[clock_id]
        pinned.setdefault((track.directory_version, track.urgency), {})[clock_id] = state
    found: list[Step] = []
    for (version, urgency), states in pinned.items():
        found += steps(states, levels(facts.at(version), urgency))
    first: dict[StepKey, Step] = {}
    for step in sorted(found, key=order_of) if len(pinned) > 1 else found:
        first.setdefault(step.key, step)
    return tuple(first.values())


def _event_of(step: Step, clocks: Clocks, facts: Facts, holder: UnitId | None) -> Recordable:
    track = clocks.tracks[step.clock_id]
    unit = track.unit or holder
    told: dict[str, Any] = {
        "clock_id": step.clock_id,
        "clock": step.clock,
        "round": step.round,
        "unit": unit,
        "instant": step.instant,
    }
    match step.kind:
        case "warn":
            return DeadlineWarned(**told, due_at=step.due_at)
        case "breach":
            return DeadlineBreached(**told, due_at=step.due_at)
        case "level":
            named = told_unit(unit, step.level, facts.at(track.directory_version))
            superior = (facts.directory.living_unit(named, step.instant) if named else None) or named
            return AutoEscalated(**told, level=step.level, told_unit=superior)
    assert_never(step.kind)
