"""Who reads contact points in the directory: everybody of the town is asked, in each of his appointments."""

from __future__ import annotations

from typing import Any

import pytest

from libs.directory.publish.files import read_files
from operations.installation import ROOT
from tests.integration.http_edge import Edge

TOWN = read_files(ROOT / "examples" / "town").raw
POSTS = {post["role"]: post for post in TOWN["appointments"]}
"""One appointment of each role that the town has."""
READERS = {"ADMIN", "AUDITOR", "SUPERVISOR"}
ADDRESSES = {one["id"]: one["contacts"][0]["address"] for one in TOWN["people"] if one.get("contacts")}


async def shown(edge: Edge, what: str, **how: Any) -> dict[str, Any]:
    answer = await Edge(edge.stack, "routing").send("GET", f"/directory/{what}", **how)
    assert answer.status_code == 200, answer.text
    return {one["id"]: one for one in answer.json()["items"]}


@pytest.mark.parametrize("role", POSTS)
async def test_each_role_reads_the_contact_points_that_concern_it(untouched: Edge, role: str) -> None:
    post = POSTS[role]
    how = {"person": post["person"], "headers": {"Xunban-Appointment": post["id"]}}
    people, units = await shown(untouched, "people", **how), await shown(untouched, "units", **how)
    seen = {key: one["contacts"] for key, one in people.items() if one["contacts"] is not None}
    own = {key for key, one in units.items() if one["contacts"] is not None}
    if role in READERS:
        assert seen.keys() == people.keys()
        assert own == {*units}
        assert {key: points[0]["address"] for key, points in seen.items() if points} == ADDRESSES
    else:
        assert seen.keys() == {post["person"]}
        assert own == ({post["unit"]} if role.startswith("DEPT_") else set())


@pytest.mark.parametrize(("scope", "sees"), [("read", set[str]()), ("unit:county-housing", {"county-housing"})])
async def test_a_machine_reads_its_own_unit_s(untouched: Edge, scope: str, sees: set[str]) -> None:
    token = untouched.stack.token(client="county-system", scopes=(scope,))
    how = {"person": None, "headers": {"Authorization": f"Bearer {token}"}}
    units = await shown(untouched, "units", **how)
    assert {key for key, one in units.items() if one["contacts"] is not None} == sees
    assert all(one["contacts"] is None for one in (await shown(untouched, "people", **how)).values())
