"""The matrix of posts is whole: every pair of roles, as the rulebook's table has it (d.3)."""

from itertools import product
from typing import get_args

import pytest

from libs.directory.publish.conflicts import GROUPS, in_conflict
from libs.events.contracts.directory import Role
from libs.events.contracts.parts.rulebook import Strength
from operations.installation import ROOT
from tests.unit.directory.town import refusals, written

ROLES: tuple[Role, ...] = get_args(Role)
STRENGTHS: tuple[Strength, ...] = get_args(Strength)
HEAD = "### d.3 Conflict matrix of posts"


def roles_of(label: str) -> list[Role]:
    """`DEPT_*`, `REVIEWER, CALLBACK_AGENT` → the roles."""
    names = [one.strip() for one in label.split(",")]
    return [role for role in ROLES for one in names if role == one or (one[-1] == "*" and role.startswith(one[:-1]))]


def table() -> dict[tuple[Role, Role], str]:
    """Every pair of roles → the cell of the rulebook's table."""
    section = (ROOT / "docs/rulebook.md").read_text().partition(HEAD)[2].partition("###")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.split("\n") if line[:1] == "|"]
    head, _, *lines = rows
    cells: dict[tuple[Role, Role], str] = {}
    for label, *row in lines:
        for other, cell in zip(head[1:], row, strict=True):
            cells |= dict.fromkeys(product(roles_of(label), roles_of(other)), cell)
    return cells


def said(cell: str, one: Role, other: Role, strength: Strength) -> bool:
    """Whether the table forbids the pair under this strength."""
    if cell.startswith("ok, OPERATOR with DISPATCHER"):
        return {one, other} == {"OPERATOR", "DISPATCHER"} and strength == "strict"
    return cell.startswith("✗") and ("strict" not in cell or strength == "strict")


def test_every_role_has_its_row() -> None:
    assert len(ROLES) == 15
    assert set(GROUPS) == set(ROLES)
    assert set(table()) == set(product(ROLES, ROLES))


@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_pair_of_roles_is_judged_as_the_rulebook_says(strength: Strength) -> None:
    differing = [
        (one, other)
        for (one, other), cell in table().items()
        if in_conflict(one, other, strength) != said(cell, one, other, strength)
    ]
    assert differing == []


@pytest.mark.parametrize(
    ("person", "role", "unit"),
    [
        ("zhou-min", "DEPT_HANDLER", "county-housing"),
        ("deng-hui", "DEPT_LEADER", "county-housing"),
        ("luo-min", "SUPERVISOR", "suishan-centre"),
    ],
)
def test_a_post_beside_one_that_excludes_it_is_refused(person: str, role: str, unit: str) -> None:
    changes = {"person": person, "role": role, "unit": unit, "since": "2026-03-01", "basis": "assigned"}
    found = refusals(written("appointments", "id", "one-more", **changes))
    assert {one.split()[0] for one in found} == {"E-APPT-CONFLICT"}


def test_a_grid_leader_leads_no_unit_and_has_no_dual_hat() -> None:
    post = {"person": "ma-jun", "role": "GRID_LEADER", "unit": "suishan-centre", "grids": ["G03"]}
    raw = written("appointments", "id", "ma-jun-grids", since="2026-03-01", basis="assigned", **post)
    assert refusals(raw) == {"E-APPT-CONFLICT appointments.ma-jun-leader"}
