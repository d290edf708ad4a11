"""The fold and the ladder against a clock that ticks hour by hour, on operations drawn at random."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.directory.rules.calendar import Limit, Unit
from libs.directory.rules.lamps import LampRule
from libs.events.contracts.parts.clock import Clock
from libs.events.ids import ClockId
from services.supervision.domain.clocks.fold import fold
from services.supervision.domain.clocks.ladder import Step, due_steps, steps
from services.supervision.domain.clocks.operations import (
    Continued,
    Ended,
    Extended,
    Held,
    Operation,
    Paused,
    Released,
    Reopened,
    Resumed,
    Started,
    Stopped,
)
from tests.unit.directory.rules.calendars import CHINA
from tests.unit.examples import examples

MIDNIGHT = datetime(2026, 11, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
# The longest life: thirteen limits of 24 hours, 60 hours of pauses, and the last level.
LAST_HOUR = 400
RULE = LampRule("U2")
LEVELS = {1: None, 2: Limit(3, Unit.HOUR), 3: Limit(9, Unit.HOUR)}
HANDLING = ClockId("handling")
OVERALL = ClockId("overall")

# Limits are multiples of three hours, so that two thirds of them are whole hours and the ticking clock meets them.
limits = st.integers(1, 8).map(lambda thirds: Limit(3 * thirds, Unit.HOUR))
plain = st.sampled_from([Stopped, Continued, Paused, Resumed, Held, Released, Ended, Reopened])
Move = tuple[int, Callable[..., Operation] | Limit]
Life = tuple[Limit, int, list[Move]]
moves: st.SearchStrategy[Move] = st.tuples(st.integers(0, 60), st.one_of(plain, plain, limits))
lives: st.SearchStrategy[Life] = st.tuples(limits, st.integers(0, 10), st.lists(moves, max_size=12))
OPPOSITES: dict[type[Operation], type[Operation]] = {
    Continued: Stopped,
    Resumed: Paused,
    Released: Held,
    Reopened: Ended,
}


@dataclass
class Ticking:
    """A clock told hour by hour; `used` grows by each hour that is charged. Clocks of one case share a `ladder`."""

    ladder: dict[str, int]
    total: int = 0
    used: int = 0
    state: str = "new"
    obstacles: set[type[Operation]] = field(default_factory=set)
    exempt: bool = False
    breach: int | None = None

    def live(self, operations: list[Operation], hour: int) -> None:
        """Take what happens at the beginning of an hour, then let the hour pass."""
        for operation in operations:
            if operation.at == MIDNIGHT + hour * HOUR:
                self.take(operation)
        if self.state == "started" and self.obstacles <= {Held}:
            self.pass_hour(hour)

    def take(self, operation: Operation) -> None:
        final = self.obstacles & {Stopped, Ended}
        if isinstance(operation, Started):
            self.state = "dead" if Stopped in final else "waiting" if final else "started"
            self.total = operation.limit.amount if operation.limit else 0
        elif isinstance(operation, Extended):
            if self.state == "started" and not final:
                self.total += operation.limit.amount
                self.exempt = self.exempt and self.used >= self.total
        elif type(operation) in OPPOSITES:
            self.obstacles.discard(OPPOSITES[type(operation)])
            if isinstance(operation, Reopened) and self.state == "waiting":
                self.state = "started"
        else:
            self.obstacles.add(type(operation))

    def pass_hour(self, hour: int) -> None:
        if self.obstacles:
            self.exempt = self.exempt or self.used == self.total
        elif not self.exempt:
            self.climb(hour)
            if self.used >= self.total and self.breach is None:
                self.breach = hour
        self.used += 1

    def climb(self, hour: int) -> None:
        thresholds = {"level 1": self.total, "level 2": self.total + 3, "level 3": self.total + 9}
        reached = [step for step, threshold in thresholds.items() if self.used >= threshold]
        if 3 * self.used >= 2 * self.total:
            reached.append("warn 0")
        for step in reached:
            self.ladder.setdefault(step, hour)

    def verdict(self) -> tuple[bool, bool | None] | None:
        """(exempt, on time) when the case has ended; None for a clock that never ran."""
        if self.state != "started":
            return None
        return self.exempt, False if self.breach is not None else None if self.exempt else True


@examples(500)
@given(lives, lives)
def test_the_steps_of_two_clocks_are_those_of_two_clocks_that_tick(first: Life, second: Life) -> None:
    lives_of = {HANDLING: list(operations_of(first)), OVERALL: list(operations_of(second, "overall"))}
    ladder: dict[str, int] = {}
    ticking = {clock_id: Ticking(ladder) for clock_id in lives_of}
    for hour in range(LAST_HOUR):
        for clock_id, clock in ticking.items():
            clock.live(lives_of[clock_id], hour)

    clocks = {clock_id: fold(operations, CHINA, RULE) for clock_id, operations in lives_of.items()}
    found = steps({clock_id: clock for clock_id, clock in clocks.items() if clock}, LEVELS)
    climbed = {f"{step.kind} {step.level}": hour_of(step) for step in found if step.kind != "breach"}
    breached = {step.clock_id: hour_of(step) for step in found if step.kind == "breach"}
    assert climbed == ladder
    assert breached == {clock_id: clock.breach for clock_id, clock in ticking.items() if clock.breach is not None}


@examples(500)
@given(lives)
def test_the_verdict_of_a_clock_is_that_of_a_clock_that_ticks(life: Life) -> None:
    operations = [*operations_of(life), Ended(at=MIDNIGHT + 100 * HOUR, position=99)]
    ticking = Ticking({})
    for hour in range(LAST_HOUR):
        ticking.live(operations, hour)

    clock = fold(operations, CHINA, RULE)
    assert (clock and (clock.exempt, clock.on_time)) == ticking.verdict()


@given(lives.map(lambda life: list(operations_of(life))), st.data())
def test_the_order_of_arrival_does_not_matter(operations: list[Operation], data: st.DataObject) -> None:
    arrived = data.draw(st.permutations(operations))

    assert fold(arrived, CHINA, RULE) == fold(operations, CHINA, RULE)


@given(lives, st.integers(0, 60))
def test_steps_before_the_watermark_stand_whatever_is_read_later(life: Life, hour: int) -> None:
    watermark = MIDNIGHT + hour * HOUR
    operations = list(operations_of(life))
    early = fold([operation for operation in operations if operation.at < watermark], CHINA, RULE)
    final = fold(operations, CHINA, RULE)

    before = due_steps(steps({HANDLING: early}, LEVELS) if early else (), watermark, ())
    after = due_steps(steps({HANDLING: final}, LEVELS) if final else (), watermark, ())
    assert before == after


@given(lives)
def test_a_clock_that_stopped_by_its_due_instant_has_no_breach(life: Life) -> None:
    limit, start, moves = life
    gentle: list[Move] = [(after, move) for after, move in moves if move is not Held and not isinstance(move, Limit)]
    clock = fold(operations_of((limit, start, gentle)), CHINA, RULE)

    if clock and clock.stopped_at and clock.stopped_at <= clock.due_at:
        assert clock.on_time


@given(st.integers(1, 20), st.lists(st.tuples(st.integers(0, 600), st.integers(1, 15)), max_size=4))
def test_an_extension_never_makes_a_deadline_earlier(days: int, extensions: list[tuple[int, int]]) -> None:
    operations: list[Operation] = [Started(at=MIDNIGHT, position=0, clock="handling", limit=Limit(days, Unit.WORK_DAY))]
    dues = []
    for position, (hour, more) in enumerate(sorted(extensions), start=1):
        dues.append(fold(operations, CHINA, RULE))
        limit = Limit(more, Unit.WORK_DAY)
        operations.append(Extended(at=MIDNIGHT + hour * HOUR, position=position, limit=limit))
    dues.append(fold(operations, CHINA, RULE))

    instants = [clock.due_at for clock in dues if clock]
    assert instants == sorted(set(instants))
    assert len(instants) == len(extensions) + 1


def operations_of(life: Life, clock: Clock = "handling") -> Iterator[Operation]:
    limit, start, moves = life
    yield Started(at=MIDNIGHT + start * HOUR, position=0, clock=clock, limit=limit)
    for position, (hour, move) in enumerate(sorted(moves, key=lambda one: one[0]), start=1):
        at = MIDNIGHT + hour * HOUR
        if isinstance(move, Limit):
            yield Extended(at=at, position=position, limit=move)
        else:
            yield move(at=at, position=position)


def hour_of(step: Step) -> float:
    return (step.instant - MIDNIGHT) / HOUR
