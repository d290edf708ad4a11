"""Lamps, and the steps of the clocks of one case: warnings, breaches, ladder levels (rulebook.md f.1, f.2). Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from libs.case.lamp import Lamp, lamp
from libs.directory.rules.calendar import Limit, add
from libs.directory.rules.ladder import Levels
from libs.events.contracts.parts.clock import Clock
from libs.events.ids import ClockId
from services.supervision.domain.clocks.fold import ClockState, Span

CLIMBING: tuple[Clock, ...] = ("handling", "rework", "overall")
"""They climb one ladder per (case, round); the others only warn and breach (CLK-09)."""
RANKS = {clock: rank for rank, clock in enumerate(CLIMBING)}
StepKind = Literal["warn", "breach", "level"]
KINDS: tuple[StepKind, ...] = ("warn", "breach", "level")
StepKey = tuple[StepKind, str]


@dataclass(frozen=True, slots=True)
class Step:
    """What a clock comes to at `instant`: `warn` (L0), `breach`, or a ladder `level` from 1 up (else 0)."""

    kind: StepKind
    clock_id: ClockId
    clock: Clock
    round: int
    level: int
    instant: datetime
    due_at: datetime

    @property
    def key(self) -> StepKey:
        """The step is recorded once per key."""
        return step_key(self.kind, self.clock, self.clock_id, self.round, self.level)


def step_key(kind: StepKind, clock: Clock, clock_id: ClockId, round: int, level: int = 0) -> StepKey:  # noqa: A002
    """One breach per clock; one L0, L1, … per round of the case, whichever clock comes first; else one per clock."""
    climbs = kind != "breach" and clock in CLIMBING
    return kind, f"round {round} level {level}" if climbs else clock_id


def lamp_at(clock: ClockState, at: datetime) -> Lamp:
    """The lamp at an instant; while the clock does not run it stays as it was."""
    span = next((span for span in reversed(clock.spans) if span.start <= at), None)
    if span is None:
        return "GREEN"
    turns = {"due_at": span.due_at, "yellow_at": span.yellow_at, "long_red_at": span.long_red_at}
    return lamp(at, **turns, stopped_at=span.end)


def steps(clocks: Mapping[ClockId, ClockState], levels: Levels) -> tuple[Step, ...]:
    """All steps, past and to come, of all clocks of one case, in the order of their instants.

    What a clock came to before its order moved in is no step. A step exists only while its clock still runs at that
    instant: stopped exactly then is in time (CLK-14). The handling (or rework) clock and the overall clock climb
    together: the earlier due instant of those running counts.
    """
    found: list[Step | None] = []
    climbing = {clock_id: clock for clock_id, clock in clocks.items() if clock.clock in CLIMBING}
    for clock_id, clock in clocks.items():
        found.append(_first({clock_id: clock}, "breach", 0, lambda span: span.due_at))
        if clock_id not in climbing:
            found.append(_first({clock_id: clock}, "warn", 0, lambda span: span.yellow_at))
    for round_ in {span.round for clock in climbing.values() for span in clock.spans}:
        found.append(_first(climbing, "warn", 0, lambda span: span.yellow_at, round_))
        for level, after in levels.items():
            found.append(_first(climbing, "level", level, _after_due(after), round_))
    return tuple(sorted((step for step in found if step), key=order_of))


def due_steps(all_steps: Iterable[Step], watermark: datetime, recorded: Collection[StepKey]) -> tuple[Step, ...]:
    """The steps to record now: strictly before the watermark, so that no fact at or before them can still come."""
    return tuple(step for step in all_steps if step.instant < watermark and step.key not in recorded)


def _first(
    clocks: Mapping[ClockId, ClockState],
    kind: StepKind,
    level: int,
    instant: Callable[[Span], datetime],
    round_: int | None = None,
) -> Step | None:
    """The earliest of the clocks' steps of one kind, in one round or (None) in any."""
    reached = [
        Step(kind, clock_id, clock.clock, span.round, level, met, span.due_at)
        for clock_id, clock in clocks.items()
        for span in clock.spans
        if round_ in (None, span.round) and (met := span.reached(instant(span)))
        if clock.quiet_until is None or met > clock.quiet_until
    ]
    return min(reached, key=order_of) if len(reached) > 1 else next(iter(reached), None)


def _after_due(after: Limit | None) -> Callable[[Span], datetime]:
    return lambda span: add(span.due_at, after, span.calendar) if after else span.due_at


def order_of(step: Step) -> tuple[object, ...]:
    """Sort key: by instant; of several at once warnings first, then breaches, then levels."""
    return step.instant, KINDS.index(step.kind), step.level, RANKS.get(step.clock, len(RANKS)), step.clock_id
