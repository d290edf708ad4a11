"""The steps that a case of the demo town must have, worked out from its facts. No line of supervision's own code.

It holds for U3 complaints and reports (4 working hours to dispatch, 1 working day to sign and to reach the reporter, 5
to handle, 1 each to review, verify, call back and close, 2 to try again) on ordinary working days, without returns,
rework, merges or suspensions: what the clients of this folder do, and no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

TOWN = ZoneInfo("Asia/Shanghai")
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WINDOWS = ((8 * HOUR, 12 * HOUR), (14 * HOUR, 18 * HOUR))
TO_DISPATCH = 4 * HOUR
LEVELS = {1: 0, 2: 1, 3: 3, 4: 5, 5: 10}
"""Level of the ladder → working days after the due instant."""
CLIMBING = ("handling", "overall")
NEXT = {"VERIFYING": "verification", "CALLBACK": "callback", "CLOSING": "close"}
TERMINAL = ("intake.appeal-withdrawn.v1", "intake.case-voided.v1", "supervision.case-closed.v1")
STEPS = {
    "supervision.deadline-warned.v1": "warn",
    "supervision.deadline-breached.v1": "breach",
    "supervision.auto-escalated.v1": "level",
}


@dataclass(frozen=True)
class LoggedEvent:
    """One event of a case: its type, when it was recorded, its body as in JSON."""

    type: str
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, order=True)
class Step:
    """`warn`, `breach` or `level` (1 to 5, else 0) of a clock, at its instant."""

    instant: datetime
    kind: str
    clock: str
    level: int = 0


@dataclass(frozen=True)
class _Clock:
    name: str
    start: datetime
    until: datetime | None
    yellow: datetime
    due: datetime

    def reaches(self, instant: datetime) -> datetime | None:
        met = max(instant, self.start)
        return met if self.until is None or met < self.until else None


def steps_of(log: Iterable[LoggedEvent]) -> set[Step]:
    """Every step of a case, past and to come, as long as nothing else happens to it."""
    clocks = list(_clocks(list(log)))
    found = {Step(at, "breach", one.name) for one in clocks if (at := one.reaches(one.due))}
    found |= {
        Step(at, "warn", one.name) for one in clocks if one.name not in CLIMBING and (at := one.reaches(one.yellow))
    }
    climbing = [one for one in clocks if one.name in CLIMBING]
    wanted = [("warn", 0, {one: one.yellow for one in climbing})]
    wanted += [("level", level, {one: days_after(one.due, n) for one in climbing}) for level, n in LEVELS.items()]
    for kind, level, instants in wanted:
        met = [(at, CLIMBING.index(one.name)) for one, instant in instants.items() if (at := one.reaches(instant))]
        if met:
            at, rank = min(met)
            found.add(Step(at, kind, CLIMBING[rank], level))
    return found


def recorded(log: Iterable[LoggedEvent]) -> Counter[Step]:
    """The steps that supervision has recorded."""
    return Counter(
        Step(datetime.fromisoformat(one.body["instant"]), STEPS[one.type], one.body["clock"], one.body.get("level", 0))
        for one in log
        if one.type in STEPS
    )


def false_verdicts(case: str, log: Sequence[LoggedEvent], now: datetime) -> list[str]:
    """Steps of a case before `now` that are missing, wrong or doubled."""
    there = recorded(log)
    expected = {step for step in steps_of(log) if step.instant < now}
    found = [f"verdict missing: {case} {step}" for step in sorted(expected - there.keys())]
    found += [f"verdict false: {case} {step}" for step in sorted(there.keys() - expected)]
    return found + [f"verdict twice: {case} {step}" for step, times in there.items() if times > 1]


def _clocks(log: Sequence[LoggedEvent]) -> Iterable[_Clock]:
    registered = _first(log, "intake.case-registered.v1")
    dispatched = _first(log, "routing.case-dispatched.v1")
    signed = _first(log, "routing.assignment-accepted.v1", "routing.assignment-deemed-accepted.v1")
    reported = _first(log, "routing.feedback-submitted.v1")
    end = _first(log, *TERMINAL)

    def running(name: str, start: datetime, stop: datetime | None, yellow: datetime, due: datetime) -> Iterable[_Clock]:
        if end is None or start < end:
            yield _Clock(name, start, min((at for at in (stop, end) if at), default=None), yellow, due)

    if registered:
        to_dispatch = hours_after(registered, TO_DISPATCH)
        yield from running(
            "dispatch", registered, dispatched, hours_after(registered, TO_DISPATCH * 2 / 3), to_dispatch
        )
        yield from running("overall", registered, reported, *counted(to_dispatch, 5))
    if dispatched:
        yield from running("sign", dispatched, signed, *counted(dispatched, 1))
        yield from running("handling", dispatched, reported, *counted(dispatched, 5))
        if any(one.body.get("reporter_kind") == "NAMED" for one in log):
            reached = [one.at for one in log if one.type == "routing.citizen-contacted.v1" and one.body["reached"]]
            answered = min((at for at in (*reached, reported) if at), default=None)
            yield from running("first_contact", dispatched, answered, *counted(dispatched, 1))
    stages = sorted(_stages(log))
    for number, (start, name, days) in enumerate(stages, 1):
        yield from running(name, start, stages[number][0] if number < len(stages) else None, *counted(start, days))


def _stages(log: Iterable[LoggedEvent]) -> Iterable[tuple[datetime, str, int]]:
    """What the centre does after the feedback, one after another: since when, and in how many working days."""
    for one in log:
        match one.type:
            case "routing.feedback-submitted.v1":
                yield one.at, "review", 1
            case "supervision.feedback-accepted.v1" | "supervision.verification-passed.v1":
                yield one.at, NEXT[one.body["next"]], 1
            case "supervision.callback-attempted.v1" if one.body["attempt"] == 1 and not one.body["reached"]:
                yield one.at, "callback", 2
            case "supervision.callback-completed.v1":
                yield one.at, "close", 1


def _first(log: Iterable[LoggedEvent], *types: str) -> datetime | None:
    return min((one.at for one in log if one.type in types), default=None)


# Working time, counted on the fingers


def days_after(instant: datetime, days: int) -> datetime:
    """The end of the n-th working day after the day that ends, or lies, at this due instant."""
    local = instant.astimezone(TOWN)
    day = local.date() - DAY if local.time() == time(0) else local.date()
    if days == 0:
        return instant
    return _at(_working_day(day, days), DAY)


def hours_after(instant: datetime, hours: timedelta) -> datetime:
    """So much working time later."""
    local = instant.astimezone(TOWN)
    day = local.date()
    while True:
        for opens, closes in WINDOWS if day.weekday() < 5 else ():
            start = max(local, _at(day, opens))
            left = _at(day, closes) - start
            if hours <= left:
                return start + hours
            hours -= max(left, timedelta())
        day += DAY


def counted(start: datetime, days: int) -> tuple[datetime, datetime]:
    """(when two thirds of so many working days are used, when they are over); the first is the one after `start`'s."""
    day = start.astimezone(TOWN).date()
    used = hours_after(_at(_working_day(day, 1), timedelta()), days * 8 * HOUR * 2 / 3)
    return used, _at(_working_day(day, days), DAY)


def _working_day(day: date, number: int) -> date:
    while number:
        day += DAY
        number -= day.weekday() < 5
    return day


def _at(day: date, since_midnight: timedelta) -> datetime:
    return datetime.combine(day, time(0), TOWN) + since_midnight
