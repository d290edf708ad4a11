"""Who holds the posts that must be told, by the directory at the instant of the event. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from libs.case.access import sight
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.contracts.directory import Role, UnitPublished
from libs.events.contracts.notify import DropReason
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import PersonId, UnitId

OF_THE_CENTRE = ("dispatch", "return_decision", "arbitration", "review", "verification", "callback", "close")
"""Clocks that no handling unit can stop."""


@dataclass(frozen=True)
class Occasion:
    """The event of which somebody is told, the case right after it, and who held which post then."""

    event: Event
    case: Case
    view: View
    at: datetime

    @property
    def unit(self) -> UnitId | None:
        """The unit that the event names, else the one that holds the case; nobody's before dispatch."""
        if getattr(self.event, "clock", None) in OF_THE_CENTRE:
            return None
        unit = getattr(self.event, "unit", None) or self.case.unit
        return UnitId(unit) if unit else None


@dataclass(frozen=True)
class Addressee:
    """One recipient, or the post that nobody holds."""

    recipient: str
    dropped: DropReason | None = None


Audience = Callable[[Occasion], Iterator[Addressee]]


def operators(to: Occasion) -> Iterator[Addressee]:
    """受理员 next to the case."""
    return _nearest("OPERATOR", to)


def dispatchers(to: Occasion) -> Iterator[Addressee]:
    """分办员 of the centre next to the case."""
    return _nearest("DISPATCHER", to)


def arbiters(to: Occasion) -> Iterator[Addressee]:
    """裁定人 next to the case."""
    return _nearest("ARBITER", to)


def reviewers(to: Occasion) -> Iterator[Addressee]:
    """审核员 of the centre next to the case."""
    return _nearest("REVIEWER", to)


def agents(to: Occasion) -> Iterator[Addressee]:
    """回访员 of the centre next to the case."""
    return _nearest("CALLBACK_AGENT", to)


def supervisors(to: Occasion) -> Iterator[Addressee]:
    """督办员 of the centre next to the case."""
    return _nearest("SUPERVISOR", to)


def informed_supervisors(to: Occasion) -> Iterator[Addressee]:
    """督办员, where the urge found the unit late or silent."""
    return supervisors(to) if getattr(to.event, "supervisor_told", False) else iter(())


def town(to: Occasion) -> Iterator[Addressee]:
    """镇街统筹."""
    return _nearest("TOWN_COORDINATOR", to)


def clerks(to: Occasion) -> Iterator[Addressee]:
    """联络员 of the unit; its leader where it has none."""
    return _clerks_of([to.unit] if to.unit else [], to)


def lead(to: Occasion) -> Iterator[Addressee]:
    """联络员 of the lead unit, of whichever unit the event tells."""
    return _clerks_of([UnitId(to.case.unit)] if to.case.unit else [], to)


def parties(to: Occasion) -> Iterator[Addressee]:
    """联络员 of the units that dispute whose the case is."""
    return _clerks_of(getattr(to.event, "parties", None) or map(UnitId, dict.fromkeys(to.case.returns)), to)


def _clerks_of(units: Iterable[UnitId], to: Occasion) -> Iterator[Addressee]:
    for unit in units:
        held = to.view.holders("DEPT_CLERK", unit, to.at) or to.view.holders("DEPT_LEADER", unit, to.at)
        yield from _people(held, f"unit:{unit}", to)
        if (known := to.view.unit(unit)) and known.contacts:
            yield Addressee(f"unit:{unit}")


def leaders(to: Occasion) -> Iterator[Addressee]:
    """承办单位负责人."""
    if to.unit:
        yield from _people(to.view.holders("DEPT_LEADER", to.unit, to.at), f"unit:{to.unit}", to)


def handler(to: Occasion) -> Iterator[Addressee]:
    """经办人, once there is one."""
    person = getattr(to.event, "handler", None) or to.case.handler
    return _people([PersonId(person)], f"person:{person}", to) if person else iter(())


def keeping_on(to: Occasion) -> Iterator[Addressee]:
    """The handler who goes on with it in another unit."""
    person = getattr(to.event, "handler", None)
    return _people([person], f"person:{person}", to) if person else iter(())


def verifier(to: Occasion) -> Iterator[Addressee]:
    """Whoever is to stand at the place."""
    person = getattr(to.event, "verifier", None) or to.case.verifier
    return _people([PersonId(person)] if person else [], "role:GRID_WORKER", to)


def relieved(to: Occasion) -> Iterator[Addressee]:
    """Whose task somebody else has now: he may not see the case any more, and must hear that much."""
    person = getattr(to.event, "relieved", None)
    return iter([Addressee(f"person:{person}")] if person else ())


def called_off(to: Occasion) -> Iterator[Addressee]:
    """Who was to stand at the place of a case that its reporter has withdrawn."""
    waits = to.case.before_withdrawal == "VERIFYING" and to.case.verifier
    return iter([Addressee(f"person:{to.case.verifier}")] if waits else ())


def responsible(to: Occasion) -> Iterator[Addressee]:
    """Who must act before a clock runs out: handler and clerks of the unit, else who has the stage in the centre.

    Of a check also the reviewer hears, who may ask somebody else.
    """
    match getattr(to.event, "clock", None):
        case "arbitration":
            yield from arbiters(to)
        case "review" | "close":
            yield from reviewers(to)
        case "verification":
            yield from verifier(to) if to.case.verifier else ()
            yield from reviewers(to)
        case "callback":
            yield from agents(to)
        case _ if to.unit is None:
            yield from dispatchers(to)
        case _:
            yield from handler(to)
            yield from clerks(to)


def desk(to: Occasion) -> Iterator[Addressee]:
    """Who must act in the state in which the case stands, whether a clock says so or not."""
    match to.case.state:
        case "RECEIVED" | "SCREENING" | "PRECHECK":
            yield from operators(to)
        case "REGISTERED" | "RETURN_PENDING":
            yield from dispatchers(to)
        case "ARBITRATION":
            yield from arbiters(to)
        case "FEEDBACK" | "VERIFYING" | "CALLBACK":
            yield from verifier(to) if to.case.state == "VERIFYING" and to.case.verifier else ()
            yield from agents(to) if to.case.state == "CALLBACK" else ()
            yield from reviewers(to)
        case _:
            yield from handler(to)
            yield from clerks(to)


def superior(to: Occasion) -> Iterator[Addressee]:
    """The body above the unit that is responsible, as the ladder names it: whoever reads its post."""
    if told := getattr(to.event, "told_unit", None):
        yield Addressee(f"unit:{told}")


def finder(to: Occasion) -> Iterator[Addressee]:
    """Who brought the case: the reporter, if he can be reached, or those who found it on patrol."""
    if to.case.found == "GRID_REPORT":
        return _people(map(PersonId, to.case.discoverers), "role:GRID_WORKER", to)
    return iter([Addressee("reporter", unreachable(to.case))])


def reporter(to: Occasion) -> Iterator[Addressee]:
    """诉求人; what was found on patrol has none."""
    return iter(()) if to.case.found == "GRID_REPORT" else finder(to)


def unreachable(case: Case) -> DropReason | None:
    """Why the reporter cannot be told, if so."""
    if case.found == "GRID_REPORT":
        return "NO_REPORTER"
    if "reporter" in case.erased:
        return "ERASED"
    return None if case.reporter_kind == "NAMED" else "ANONYMOUS"


def _nearest(role: Role, to: Occasion) -> Iterator[Addressee]:
    """Holders of a role in the town of the case or its centre, else one level up, and so on."""
    for body in to.view.bodies_of(to.case.grid or "", to.at):
        centres = [unit.id for unit in to.view.units if unit.kind == "CENTRE" and _is_below(unit, body, to)]
        held = {person for unit in (body, *centres) for person in to.view.holders(role, unit, to.at)}
        if held:
            return _people(sorted(held), f"role:{role}", to)
    return _people(to.view.holders(role, None, to.at), f"role:{role}", to)


def _is_below(unit: UnitPublished, body: UnitId, to: Occasion) -> bool:
    return unit.parent is not None and body in (unit.parent, to.view.living_unit(unit.parent, to.at))


def _people(people: Iterable[PersonId], post: str, to: Occasion) -> Iterator[Addressee]:
    """These people; those who may not see the case are not told of it, and a post that nobody holds is said."""
    held = list(people)
    if not held:
        yield Addressee(post, "NO_RECIPIENT")
    for person in held:
        yield Addressee(f"person:{person}", None if may_know(person, to.case, to.view, to.at) else "NOT_ALLOWED")


def may_know(person: PersonId, case: Case, view: View, at: datetime) -> bool:
    """Whether the person may see the case in one of the posts that he holds then."""
    posts = view.appointments_of(person, at)
    actors = [Actor(PersonId(person), post.role, post.id, post.unit) for post in posts]
    return any(sight(actor, view, at).sees(case) for actor in actors)
