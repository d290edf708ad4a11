"""Whatever stalls, and for how long: steps and verdicts are those of the facts, counted independently (CLK-14, §5)."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from libs.events.contracts.intake import AppealWithdrawn
from libs.events.contracts.routing import CitizenContacted
from libs.events.contracts.supervision import CallbackAttempted, CallbackCompleted, CaseClosed
from libs.events.event import Event
from libs.events.ids import PersonId
from services.supervision.jobs.timers import SOURCES
from tests.unit.directory.rules.calendars import china
from tests.unit.examples import examples
from tests.unit.supervision.cases import ACCEPTED, APPEALED, DISPATCHED, HANDLER, PASSED, REGISTERED, REPORTED, SIGNED
from tests.unit.supervision.stalling import Fact, Stalling
from trials.faults.verdicts import (
    Step,
    counted,
    recorded,
    steps_of,
)

MONDAY = china("2026-11-02 00:00")
MINUTE = timedelta(minutes=1)
LONG_AFTER = china("2026-12-30 00:00")
"""Long after the last level of everything that can still be due."""
ROAD: tuple[Event, ...] = (
    APPEALED,
    REGISTERED.model_copy(update={"kind": "complaint", "filing_condition": None}),
    DISPATCHED,
    SIGNED,
    HANDLER,
    CitizenContacted(contacted_by=PersonId("zheng-kai"), reached=True),
    REPORTED,
    ACCEPTED,
    PASSED,
    CallbackAttempted(agent=PersonId("xu-jing"), round=1, attempt=1, day=MONDAY.date(), half="AM", reached=True),
    CallbackCompleted(agent=PersonId("xu-jing"), round=1, valid=True),
    CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1),
)
WITHDRAWN = AppealWithdrawn(proof="SECRET", continues=False)
ACTIONS = ("beat", "relay", "hear", "consume", "look", "fire", "store", "crash", "pass")
Accident = tuple[str, str, int]
Between = tuple[set[str], list[Accident]]
"""Between two facts: whose relays stand still, and what else goes wrong."""

# Midnight is the end of a working day; 15:20 uses two thirds of a working day.
minutes = st.one_of(st.sampled_from([0, 1, 1439, 9 * 60, 11 * 60 + 40, 15 * 60 + 20]), st.integers(0, 1439))
instants = st.tuples(st.integers(0, 14), minutes).map(lambda one: MONDAY + one[0] * timedelta(days=1) + one[1] * MINUTE)
accidents = st.lists(st.tuples(st.sampled_from(ACTIONS), st.sampled_from(SOURCES), st.integers(1, 5)), max_size=5)
stalled = st.sets(st.sampled_from(SOURCES))


@st.composite
def lives(draw: st.DrawFn) -> list[Fact]:
    """A case as far as it comes; a withdrawal may cross whatever others do that have not read of it."""
    road = list(ROAD[: draw(st.integers(2, len(ROAD)))])
    if draw(st.booleans()):
        road.insert(draw(st.integers(2, len(road))), WITHDRAWN)
    times = draw(st.lists(instants, min_size=len(road), max_size=len(road), unique=True))
    return list(zip(sorted(times), road, strict=True))


@examples(80)
@given(lives(), st.lists(st.tuples(stalled, accidents), min_size=len(ROAD) + 1, max_size=len(ROAD) + 1))
def test_steps_and_verdicts_are_those_of_the_facts_whatever_stalled(life: list[Fact], stalls: list[Between]) -> None:
    worker, calm = disturbed(life, stalls), undisturbed(life)

    expected, found = steps_of(worker.said), recorded(worker.said)
    assert dict(found) == dict.fromkeys(expected, 1)
    breached = {step.clock for step in found if step.kind == "breach"}
    verdicts = {clock.clock: clock.on_time for clock in worker.clocks.values() if clock.stopped_at}
    assert verdicts == {name: name not in breached for name in verdicts}
    assert breached.isdisjoint(answered_in_time(life))
    assert (found, judged(worker)) == (recorded(calm.said), judged(calm))


def test_the_counting_of_this_test_is_that_of_the_rule_book() -> None:
    """Scenario 1 of the demo: dispatched on Monday 09:40, warned on Friday 10:40, due on the Monday after, 24:00."""
    life = list(zip((china(f"2026-11-02 {at}") for at in ("09:10", "09:20", "09:40", "10:30")), ROAD, strict=False))

    steps = steps_of(undisturbed(life).said)
    assert Step(china("2026-11-06 10:40"), "warn", "handling") in steps
    assert Step(china("2026-11-09 24:00"), "breach", "handling") in steps
    assert Step(china("2026-11-23 24:00"), "level", "handling", 5) in steps
    assert not [step for step in steps if step.clock in {"dispatch", "sign"}]


def answered_in_time(life: list[Fact]) -> set[str]:
    """Clocks whose one answer was recorded by the end of their last working day."""
    at = {type(event): instant for instant, event in life}
    answers: dict[str, tuple[Event, Event, int]] = {
        "sign": (DISPATCHED, SIGNED, 1),
        "handling": (DISPATCHED, REPORTED, 5),
    }
    answers |= {"review": (REPORTED, ACCEPTED, 1), "verification": (ACCEPTED, PASSED, 1)}
    return {
        clock
        for clock, (begun, answer, days) in answers.items()
        if type(answer) in at and at[type(answer)] <= counted(at[type(begun)], days)[1]
    }


def disturbed(life: list[Fact], stalls: list[Between]) -> Stalling:
    worker = Stalling(MONDAY)
    ends = [at for at, _ in life[1:]] + [LONG_AFTER]
    for number, (fact, until, (still, accidents)) in enumerate(zip(life, ends, stalls, strict=False)):
        worker.happens(fact, number)
        for action, source, count in accidents:
            disturb(worker, action, source, count, until)
        worker.pass_to(until)
        worker.settle(still)
    return at_the_end(worker)


def undisturbed(life: list[Fact]) -> Stalling:
    worker = Stalling(MONDAY)
    for number, fact in enumerate(life):
        worker.pass_to(fact[0])
        worker.settle()
        worker.happens(fact, number)
    return at_the_end(worker)


def at_the_end(worker: Stalling) -> Stalling:
    worker.settle()
    worker.pass_to(LONG_AFTER)
    worker.settle()
    return worker


def disturb(worker: Stalling, action: str, source: str, count: int, until: datetime) -> None:
    match action:
        case "beat" | "hear":
            getattr(worker, action)(source)
        case "relay":
            worker.relay(source, count)
        case "consume":
            worker.consume(count)
        case "pass":
            worker.pass_to(worker.now + (until - worker.now) * count / 5)
        case _:
            getattr(worker, action)()


def judged(worker: Stalling) -> dict[str, tuple[bool | None, datetime | None, datetime]]:
    """Verdict, breach and due instant by clock."""
    return {key: (clock.on_time, clock.breach_at, clock.due_at) for key, clock in worker.clocks.items()}
