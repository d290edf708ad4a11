"""SEP-06 and SEP-07: which unit the router may choose, and why it skips one."""

from typing import Any

import pytest

from libs.directory.facts.view import View
from libs.events.ids import UnitId
from libs.separation.routes import Dispatchable, UnitRejected, dispatchable
from tests.unit.directory.town import VIEW, local, published, stricter, written
from tests.unit.separation.parties import case, litter

NOON = local("2026-11-04 12:00")
COMMITTEE = UnitId("shiqiao-committee")
HOUSING = UnitId("county-housing")
COMPATIBLE, STRICT = stricter("compatible"), stricter("strict")


def test_a_unit_takes_a_case_through_those_who_are_free() -> None:
    taken = dispatchable(HOUSING, case(units=(), discoverers={"zheng-kai": ("inspected",)}), VIEW, NOON)
    assert isinstance(taken, Dispatchable)
    assert (taken.clerks, taken.handlers, taken.dual_hats) == (("fang-yun",), ("he-wei",), ("zheng-kai",))


def test_scenario_2_the_committee_takes_the_case_flagged_as_dual_hat() -> None:
    taken = dispatchable(COMMITTEE, litter(units=(), discoverers={"wang-jianguo": ("found",)}), VIEW, NOON)
    assert isinstance(taken, Dispatchable)
    assert (taken.clerks, taken.handlers, taken.dual_hats) == (("liu-guilan",), ("liu-guilan",), ("wang-jianguo",))


def test_scenario_2_a_committee_of_finders_is_skipped_with_the_reason_and_the_evidence() -> None:
    found = litter(units=(), discoverers={"wang-jianguo": ("found-1",), "liu-guilan": ("found-2",)})
    rejected = dispatchable(COMMITTEE, found, VIEW, NOON)
    assert isinstance(rejected, UnitRejected)
    assert (rejected.rule, rejected.unit) == ("SEP-07", COMMITTEE)
    assert {"found-1", "found-2"} <= set(rejected.evidence)
    assert isinstance(dispatchable(UnitId("suishan-sanitation"), found, VIEW, NOON), Dispatchable)


@pytest.mark.parametrize("unit", ["suishan-government", "county-staffing", "no-such-unit"])
def test_a_unit_in_which_nobody_handles_is_skipped(unit: str) -> None:
    rejected = dispatchable(UnitId(unit), case(), VIEW, NOON)
    assert isinstance(rejected, UnitRejected)
    assert rejected.zh == "该单位没有联络员或经办人"


def test_a_unit_is_skipped_before_its_people_are_appointed() -> None:
    assert isinstance(dispatchable(HOUSING, case(), VIEW, local("2025-12-31 23:59")), UnitRejected)


@pytest.mark.parametrize(
    ("view", "class_code", "taken"),
    [
        (VIEW, "village-litter", True),
        (VIEW, "construction-dust", False),
        (VIEW, None, False),
        (STRICT, "construction-dust", False),
        (COMPATIBLE, "construction-dust", True),
    ],
)
def test_a_village_committee_leads_self_governance_matters_only(
    view: View, class_code: str | None, taken: bool
) -> None:
    outcome = dispatchable(COMMITTEE, litter(units=(), class_code=class_code), view, NOON)
    assert isinstance(outcome, Dispatchable) is taken


@pytest.mark.parametrize(
    ("parties", "rule"), [({"verifiers": {"he-wei": ("v",)}}, "SEP-03"), ({"closers": {"he-wei": ("x",)}}, "SEP-04")]
)
def test_the_unit_of_who_judged_an_earlier_round_cannot_do_the_work(parties: Any, rule: str) -> None:
    rejected = dispatchable(HOUSING, case(**parties), VIEW, NOON)
    assert isinstance(rejected, UnitRejected)
    assert rejected.rule == rule


def test_a_unit_whose_only_clerk_is_barred_cannot_sign_and_is_skipped() -> None:
    rejected = dispatchable(HOUSING, case(discoverers={"fang-yun": ("found",)}), VIEW, NOON)
    assert isinstance(rejected, UnitRejected)
    assert rejected.evidence == ("found",)


def test_a_member_whose_grid_post_ended_is_available_again() -> None:
    raw = written("appointments", "id", "wang-jianguo-grid", until="2026-11-03")
    outcome = dispatchable(COMMITTEE, litter(units=()), published(raw).latest, NOON)
    assert isinstance(outcome, Dispatchable)
    assert outcome.clerks == ("liu-guilan", "wang-jianguo")
