"""The static conflict matrix: which appointments one person may not hold at the same time (rulebook.md d.3). Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Literal

from libs.directory.facts.view import View
from libs.directory.findings import Finding, notice, refused
from libs.events.contracts.directory import AppointmentPublished, Role
from libs.events.contracts.parts.rulebook import Strength
from libs.events.ids import PersonId

Group = Literal["GRID", "DISPATCH", "DEPT", "REVIEW", "DESK", "SUPERVISOR", "AUDITOR", "ADMIN"]
GROUPS: Mapping[Role, Group] = {
    "GRID_WORKER": "GRID",
    "GRID_LEADER": "GRID",
    "DISPATCHER": "DISPATCH",
    "ARBITER": "DISPATCH",
    "DEPT_CLERK": "DEPT",
    "DEPT_HANDLER": "DEPT",
    "DEPT_LEADER": "DEPT",
    "REVIEWER": "REVIEW",
    "CALLBACK_AGENT": "REVIEW",
    "OPERATOR": "DESK",
    "TOWN_COORDINATOR": "DESK",
    "POLICE_LIAISON": "DESK",
    "SUPERVISOR": "SUPERVISOR",
    "AUDITOR": "AUDITOR",
    "ADMIN": "ADMIN",
}
"""Row and column of the matrix per role; every pair of different ones conflicts, but for the exceptions below."""
COMPATIBLE: frozenset[frozenset[Group]] = frozenset({frozenset({"DESK", "DISPATCH"}), frozenset({"DESK", "REVIEW"})})
"""Command and supervision of the centre beside its desks: the acts themselves are still judged case by case."""
UNDER_STRICT: frozenset[frozenset[str]] = frozenset(
    {frozenset({"OPERATOR", "DISPATCHER"}), frozenset({"DISPATCH", "REVIEW"})}
)
"""Two roles, or two groups, that only the strength `strict` keeps apart."""


def conflict_findings(view: View) -> Iterator[Finding]:
    """Persons who hold, at the same time, appointments that exclude each other; accounts of one person count as one."""
    strength = view.rulebook.separation.strength
    held: dict[PersonId, list[AppointmentPublished]] = defaultdict(list)
    for appointment in view.appointments:
        lasts = appointment.model_copy(update={"until": view.end_of(appointment)})
        held[view.natural(appointment.person)].append(lasts)
    for appointments in held.values():
        for one, other in combinations(appointments, 2):
            if overlap(one, other) and in_conflict(one.role, other.role, strength):
                yield _finding(one, other)


def in_conflict(one: Role, other: Role, strength: Strength) -> bool:
    """Whether the matrix forbids the pair under this strength."""
    groups = frozenset({GROUPS[one], GROUPS[other]})
    if groups in UNDER_STRICT or frozenset({one, other}) in UNDER_STRICT:
        return strength == "strict"
    return len(groups) > 1 and groups not in COMPATIBLE


def overlap(one: AppointmentPublished, other: AppointmentPublished) -> bool:
    """Whether two terms share an instant."""
    return (other.until is None or one.since < other.until) and (one.until is None or other.since < one.until)


def _finding(one: AppointmentPublished, other: AppointmentPublished) -> Finding:
    grid, second = (one, other) if one.role == "GRID_WORKER" else (other, one)
    path = f"appointments.{grid.id}"
    if grid.role == "GRID_WORKER" and grid.dual_hat and GROUPS[second.role] == "DEPT":
        return notice(
            "SEP-06",
            path,
            f"兼任: 同一人同时任 {second.role} ({second.id}), 到期自动失效",
            f"dual hat: the same person also is {second.role} ({second.id}); ends by itself",
        )
    return refused(
        "E-APPT-CONFLICT",
        path,
        f"同一人不得同时任 {one.role} 与 {other.role} ({second.id})",
        f"one person may not be {one.role} and {other.role} at the same time ({second.id})",
    )
