"""核实: who looks at the place, and what he finds there (rulebook.md c.3 #34, #35; SEP-03, SEP-06). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from libs.case.evidence import require_sent
from libs.case.facts import Facts
from libs.case.refusals import EvidenceMissing
from libs.case.state import Attached, Case
from libs.directory.facts.view import View
from libs.events.contracts.supervision import (
    ReworkOrdered,
    VerificationAssigned,
    VerificationFailed,
    VerificationPassed,
)
from libs.events.decider import SYSTEM, Actor
from libs.events.errors import Forbidden, Malformed
from libs.events.event import Event
from libs.events.ids import GridCode, PersonId
from libs.separation.powers import may_verify
from libs.separation.routes import verifiers
from services.supervision.domain.closing.completion import Completion, forbidden, not_here, owes_a_callback, unbarred

# Commands


@dataclass(frozen=True)
class AssignVerification:
    """Somebody who did not handle the case is to check it: named by a reviewer, or (None) chosen by the system."""

    at: datetime
    by: Actor
    verifier: PersonId | None = None


@dataclass(frozen=True)
class SubmitVerification:
    """What the verifier found; the place in 1e-7 degrees, photos as SHA-256 of attachments."""

    at: datetime
    by: Actor
    passed: bool
    longitude: int
    latitude: int
    photos: tuple[str, ...] = ()
    note: str | None = None


# Refusals


class NotAVerifier(Malformed):
    """The named person is no grid worker now."""

    code = "E-VERIFIER"
    zh = "该人员目前不是网格员, 不能核实"
    en = "the person is not a grid worker now"


class NotAssigned(Forbidden):
    """Somebody else was asked to check."""

    code = "E-SCOPE"
    zh = "本次核实未指派给您"
    en = "this verification is assigned to somebody else"


class PlaceNotShown(EvidenceMissing):
    """The check is made at the place, with at least one photo."""

    zh = "核实须在案件所在网格内定位, 并至少上传一张照片"
    en = "a verification needs a location inside the case's grid and at least one photo"


# Decisions


def assign(own: Completion, command: AssignVerification, facts: Facts) -> Sequence[Event]:
    """The system asks once; a reviewer may ask somebody else until the answer is there."""
    if command.by.role == "SYSTEM":
        return assign_by_system(own, command, facts)
    case = unbarred(facts, command.by, command.at, "review", "AssignVerification")
    command.by.must_be("REVIEWER")
    if case.ended or not own.accepted or own.checked:
        raise not_here(own, case)
    verifier = facts.directory.natural(command.verifier or PersonId(""))
    if breach := may_verify(case, verifier, facts.directory, command.at):
        raise forbidden(breach, "AssignVerification", verifier, command.by.unit)
    if not facts.directory.is_grid_worker(verifier, command.at):
        raise NotAVerifier(allowed=verifiers(case, facts.directory, command.at))
    if own.verifier == verifier:
        return []
    return [assignment(own, verifier, command.by, "REVIEWER")]


def assign_by_system(own: Completion, command: AssignVerification, facts: Facts) -> Sequence[Event]:
    """Nobody left = the reviewer must find somebody."""
    case = facts.known_case()
    if case.ended or not own.accepted or own.checked or own.verifier:
        return []
    choice = default_verifier(case, facts.directory, command.at)
    return [assignment(own, *choice)] if choice else []


def default_verifier(case: Case, directory: View, at: datetime) -> tuple[PersonId, Actor, str] | None:
    """The grid worker who found it, if allowed (d.2 #1); else of its own grid, the village, the town."""
    able = verifiers(case, directory, at)
    finders = {directory.natural(PersonId(person)) for person in case.discoverers}
    for person in (*(one for one in able if one in finders), *able):
        own_grid = case.grid in directory.grids_of(person, at)
        because = "DISCOVERER" if person in finders else "OWN_GRID" if own_grid else "NEIGHBOUR_GRID"
        return person, SYSTEM, because
    return None


def assignment(own: Completion, verifier: PersonId, by: Actor, because: str) -> VerificationAssigned:
    """The order to look."""
    return VerificationAssigned(
        verifier=verifier, assigned_by=by.person, round=own.round, because=because, relieved=own.verifier
    )


def submit(own: Completion, command: SubmitVerification, facts: Facts) -> Sequence[Event]:
    """A failed verification orders the rework in the same breath: it must not reach the citizen as done."""
    case = facts.known_case()
    if breach := may_verify(case, command.by.person, facts.directory, command.at):
        raise forbidden(breach, "SubmitVerification", command.by.person, command.by.unit)
    command.by.must_be("GRID_WORKER")
    if own.verified and command.passed and own.verifier == command.by.person:
        return []
    if case.ended or not own.accepted or own.checked:
        raise not_here(own, case)
    if own.verifier != facts.directory.natural(command.by.person):
        raise NotAssigned(allowed=[own.verifier] if own.verifier else [])
    grid = facts.directory.grid_of(command.longitude, command.latitude, command.at)
    if grid is None or grid != case.grid or not command.photos:
        raise PlaceNotShown(allowed=["location", "photos"])
    require_sent(command.photos, seen_on_site(own, case))
    return found(own, command, case, grid)


def seen_on_site(own: Completion, case: Case) -> Iterator[Attached]:
    """What the verifier himself sent since he was asked: a photo of the finding shows nothing of what was done."""
    stage = (own.verifier, own.round, "VERIFYING")
    return (one for one in case.attachments if (one.by, one.round, one.during) == stage)


def found(own: Completion, command: SubmitVerification, case: Case, grid: GridCode) -> Sequence[Event]:
    """The verifier's finding, and the rework where it was not done."""
    location = f"{command.longitude},{command.latitude}"
    if command.passed:
        return [
            VerificationPassed(
                verifier=command.by.person,
                round=own.round,
                grid=grid,
                location=location,
                photos=command.photos,
                note=command.note,
                next="CALLBACK" if owes_a_callback(own, case) else "CLOSING",
            )
        ]
    failed = VerificationFailed(
        verifier=command.by.person,
        round=own.round,
        grid=grid,
        location=location,
        photos=command.photos,
        note=command.note,
    )
    rework = ReworkOrdered(round=own.round + 1, ordered_by=SYSTEM.person, because="VERIFICATION_FAILED")
    return [failed, rework]
