"""Cases that came in as several and look like one matter: what they have in common, and that they are not. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Literal

from libs.case.facts import Facts
from libs.case.state import Case
from libs.events.contracts.intake import CasesToldApart, NewCaseReason
from libs.events.decider import Actor
from libs.events.errors import Malformed
from libs.events.event import Event
from libs.events.ids import CaseId
from libs.events.telephones import find
from services.intake.domain.case_state import State, must_be_open
from services.intake.domain.duplicates import ALIKE, METRES_PER_E7, Hint, Matter, hint, is_one_matter, written_address
from services.intake.domain.identity import keyed

About = Literal["caller", "address", "point"]
SQUARE_E7 = round(200 / METRES_PER_E7)
"""Edge of the squares of the map, in 1e-7 degrees: of two points half of it apart one of four nets has both [P]."""

# Commands


@dataclass(frozen=True)
class TellCasesApart:
    """非同一事项: what was taken for the same matter is another one (rulebook.md d.5)."""

    at: datetime
    by: Actor
    others: tuple[CaseId, ...]
    reason: NewCaseReason


# Refusals


class ToldApartFromItself(Malformed):
    """A case is the same matter as itself."""

    zh = "不能把案件与其自身区分"
    en = "a case cannot be told apart from itself"


# Decisions


def tell_apart(state: State, command: TellCasesApart, facts: Facts) -> Sequence[Event]:
    """By the operator, while the case is open; whoever was told apart already is left out."""
    command.by.must_be("OPERATOR")
    must_be_open(state, facts.case)
    if facts.case and facts.case.case_id in command.others:
        raise ToldApartFromItself()
    others = tuple(sorted(set(command.others) - state.told_apart))
    return [CasesToldApart(told_by=command.by.person, others=others, reason=command.reason)] if others else []


# What cases have in common


def clues_of_caller(telephone: str | None, key: bytes) -> frozenset[bytes]:
    """Of each number that is somebody's, under every entry by which it could be found."""
    numbers = [one for one in find(telephone) if one.is_somebodys]
    return frozenset(keyed(name, key) for one in numbers for name in one.indexed_as | one.sought_as)


def clues_of_address(address: str | None, key: bytes) -> frozenset[bytes]:
    """Of what is an address, whatever its spaces, widths and signs."""
    written = written_address(address)
    return frozenset({keyed(f"address|{written}", key)} if written else ())


def clues_of_point(location: str | None, key: bytes) -> frozenset[bytes]:
    """The squares of the map in which a point (`longitude,latitude` in 1e-7 degrees) lies, in four overlapping nets."""
    if not location:
        return frozenset()
    longitude, latitude = (int(part) for part in location.split(","))
    shifts = [(east, north) for east in (0, SQUARE_E7 // 2) for north in (0, SQUARE_E7 // 2)]
    squares = [
        (east, north, (longitude + east) // SQUARE_E7, (latitude + north) // SQUARE_E7) for east, north in shifts
    ]
    return frozenset(keyed("square|{}|{}|{}|{}".format(*one), key) for one in squares)


@dataclass(frozen=True)
class Known:
    """An open case with what it is about."""

    case: Case
    matter: Matter


@dataclass(frozen=True)
class Suspicion:
    """Why two open cases look like one matter."""

    same_number: bool
    found: Hint

    def reasons(self) -> tuple[str, str]:
        """Chinese and English."""
        zh, en = self.found.reasons()
        return (f"同一来电号码，{zh}", f"the same number, {en}") if self.same_number else (zh, en)


def suspicion(one: Known, other: Known, radius_m: int, *, same_number: bool) -> Suspicion | None:
    """One number that speaks twice of the same thing in one grid or at one place, or anybody at one place.

    None where nothing says so. A grid alone is no place, but a caller who says the same again need not name another.
    """
    found = hint(one.matter, other.case, other.matter, radius_m)
    if found is None:
        return None
    here = found.near or found.same_address
    alike = is_one_matter(one.matter.words, other.matter.words)
    again = same_number and alike and (here or one.case.grid == other.case.grid)
    if again or (here and (found.same_class or found.likeness >= ALIKE)):
        return Suspicion(same_number, found)
    return None


Pair = tuple[str, str]


def pairs(clues: Iterable[tuple[str, bytes, About]]) -> dict[Pair, bool]:
    """Two cases that share a clue → whether a number is among what they share; each pair in the order of its ids."""
    having: dict[bytes, list[tuple[str, About]]] = defaultdict(list)
    for case_id, clue, about in clues:
        having[clue].append((case_id, about))
    found: dict[Pair, bool] = {}
    for cases in having.values():
        for (one, about), (other, _) in combinations(sorted(cases), 2):
            found[one, other] = found.get((one, other), False) or about == "caller"
    return found


def groups(suspected: Collection[Pair]) -> Iterator[list[str]]:
    """Cases that hang together by suspicions, each group once."""
    beside: dict[str, set[str]] = defaultdict(set)
    for one, other in suspected:
        beside[one].add(other)
        beside[other].add(one)
    seen: set[str] = set()
    for case_id in beside:
        if case_id in seen:
            continue
        group, ahead = [], [case_id]
        while ahead:
            if (here := ahead.pop()) not in seen:
                seen.add(here)
                group.append(here)
                ahead += beside[here] - seen
        yield sorted(group)
