"""What would strand a case is refused, every other hole is remarked; a town may be built up in several publications."""

from copy import deepcopy
from typing import Any

import pytest

from libs.directory.facts.directory import Directory
from libs.directory.findings import DocumentsRefused
from libs.directory.publish.apply import ApplyPlan, decide_apply
from libs.directory.publish.documents import read_documents
from tests.unit.directory.town import RAW, appended, notices, refusals


def without(*roles: str, unit: str | None = None) -> dict[str, Any]:
    """The town without the posts of these roles, of one unit or of all."""
    raw = deepcopy(RAW)
    raw["appointments"] = [
        one for one in raw["appointments"] if one["role"] not in roles or unit not in (None, one["unit"])
    ]
    return raw


def remarks(raw: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one.code, one.path) for one in notices(raw)}


@pytest.mark.parametrize("role", ["DISPATCHER", "REVIEWER", "CALLBACK_AGENT", "GRID_WORKER"])
def test_a_post_through_which_every_case_of_a_class_passes_must_be_held(role: str) -> None:
    assert refusals(without(role)) == {f"E-POSTS appointments.{role}"}


@pytest.mark.parametrize("role", ["SUPERVISOR", "ARBITER"])
def test_a_post_that_is_only_missed_is_remarked(role: str) -> None:
    assert ("E-POSTS", f"appointments.{role}") in remarks(without(role))


def test_a_class_that_does_without_a_step_needs_nobody_for_it() -> None:
    raw = without("CALLBACK_AGENT", "DISPATCHER")
    for item in raw["catalogue"]:
        item |= {"callback": False, "dispatch": "auto"}
    assert refusals(raw) == set()


def test_a_leading_unit_without_clerk_or_handler_is_remarked_at_each_of_its_classes() -> None:
    found = remarks(without("DEPT_CLERK", "DEPT_HANDLER", unit="county-housing"))
    assert ("SEP-07", "catalogue.manhole.leads") in found


def test_a_town_in_which_nothing_can_be_registered_yet_may_have_every_hole() -> None:
    first = without("DISPATCHER", "REVIEWER", "OPERATOR")
    plan = decide_apply(Directory().latest, read_documents(first))
    assert {"appointments.DISPATCHER", "appointments.REVIEWER", "appointments.OPERATOR"} <= {
        one.path for one in plan.findings
    }

    town = appended(Directory(), plan.changes).latest
    alone = [one for one in RAW["appointments"] if one["role"] == "OPERATOR"]
    with pytest.raises(DocumentsRefused):
        decide_apply(town, read_documents({"appointments": alone}, "Asia/Shanghai"))

    rest = [one for one in RAW["appointments"] if one["role"] in ("OPERATOR", "DISPATCHER", "REVIEWER")]
    whole: ApplyPlan = decide_apply(town, read_documents({"appointments": rest}, "Asia/Shanghai"))
    assert len(whole.created) == len(rest)


def test_a_town_without_any_calendar_is_remarked() -> None:
    raw = deepcopy(RAW)
    del raw["years"]
    assert ("CLK-15", "years") in remarks(raw)
