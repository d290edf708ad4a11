"""SEP-01, SEP-02, SEP-12, SEP-14: who may use a handling power (rulebook.md d.1, d.2, scenarios 1 and 2)."""

from copy import deepcopy

import pytest

from libs.directory.facts.view import View
from libs.events.ids import PersonId
from libs.separation.powers import may_discover, may_handle
from tests.unit.directory.town import RAW, VIEW, local, published, ruled, stricter, unasked, written
from tests.unit.separation.parties import case, litter

NOON = local("2026-11-04 12:00")
ZHENG_KAI = PersonId("zheng-kai")
WANG = PersonId("wang-jianguo")
LIU = PersonId("liu-guilan")
COMPATIBLE, STRICT = stricter("compatible"), stricter("strict")
APPOINTED_TO_G04 = "e-" + str(next(f.version for k, f in VIEW.facts.items() if k[1] == "wang-jianguo-grid"))


def test_scenario_1_the_handler_of_the_housing_bureau_handles_what_li_fang_found() -> None:
    found = case(discoverers={"li-fang": ("found",)}, units=("county-housing",))
    assert may_handle(found, ZHENG_KAI, VIEW, NOON) is None


def test_scenario_2_a_dual_hatted_cadre_cannot_sign_what_he_reported_and_is_told_who_can() -> None:
    breach = may_handle(litter(discoverers={"wang-jianguo": ("found",)}), WANG, VIEW, NOON)
    assert breach is not None
    assert (breach.code, breach.also) == ("E-SEP-01", ("SEP-02",))
    assert breach.evidence == ("found", APPOINTED_TO_G04)
    assert breach.allowed == ("liu-guilan",)


def test_scenario_2_another_member_of_the_committee_can_sign() -> None:
    assert may_handle(litter(discoverers={"wang-jianguo": ("found",)}), LIU, VIEW, NOON) is None


def test_who_patrols_the_grid_cannot_handle_what_another_found_there() -> None:
    breach = may_handle(litter(discoverers={"zhao-qiang": ("found",)}), WANG, VIEW, NOON)
    assert breach is not None
    assert (breach.rule, breach.also, breach.evidence) == ("SEP-02", (), (APPOINTED_TO_G04,))


@pytest.mark.parametrize(
    ("view", "grid", "rule"),
    [
        (VIEW, "G04", "SEP-02"),
        (VIEW, "G03", "SEP-02"),  # not his grid, but the committee handles through people without a grid post
        (STRICT, "G03", "SEP-02"),
        (COMPATIBLE, "G04", "SEP-02"),
        (COMPATIBLE, "G03", None),
    ],
)
def test_a_grid_worker_of_the_village_committee_is_barred_as_the_strength_says(
    view: View, grid: str, rule: str | None
) -> None:
    breach = may_handle(litter(grid=grid), WANG, view, NOON)
    assert (breach and breach.rule) == rule


def dual_hatted_in_housing(strength: str) -> View:
    """A handler of the housing bureau holds an imported grid post in G04."""
    raw = written(
        "appointments",
        "id",
        "zheng-kai-grid",
        person="zheng-kai",
        unit="suishan-centre",
        role="GRID_WORKER",
        grids=["G04"],
        since="2026-10-01",
        until="2026-11-30",
        dual_hat=True,
        basis="imported",
    )
    raw["rulebook"] = raw["rulebook"] | {"separation": {"strength": strength}}
    return published(raw).latest


@pytest.mark.parametrize(
    ("strength", "grid", "rule"),
    [
        ("strict", "G03", "SEP-02"),
        ("strict", "G04", "SEP-02"),
        ("standard", "G03", None),
        ("standard", "G04", "SEP-02"),
        ("compatible", "G03", None),
        ("compatible", "G04", "SEP-02"),
    ],
)
def test_standard_bars_from_own_grids_and_strict_from_every_case(strength: str, grid: str, rule: str | None) -> None:
    breach = may_handle(case(grid=grid, units=("county-housing",)), ZHENG_KAI, dual_hatted_in_housing(strength), NOON)
    assert (breach and breach.rule) == rule


def test_a_grid_leader_is_barred_in_his_own_grid_only_even_under_strict() -> None:
    strict = published(ruled(separation={"strength": "strict"}))
    view = unasked(
        strict,
        id="sun-deming-leads",
        person="sun-deming",
        unit="suishan-centre",
        role="GRID_LEADER",
        grids=["G03"],
        since="2026-10-01",
        basis="assigned",
    ).latest
    own = may_handle(case(grid="G03"), PersonId("sun-deming"), view, NOON)
    assert own is not None
    assert own.rule == "SEP-02"
    assert may_handle(case(grid="G04"), PersonId("sun-deming"), view, NOON) is None


# d.2 #3, #4: the fold puts a grid worker who typed or phoned a report into D(c); the recorder is nobody's finder.
def test_an_operator_who_only_recorded_a_report_may_later_handle_it() -> None:
    recorded = case(discoverers={"li-fang": ("typed",)}, units=("county-housing",))
    assert may_handle(recorded, PersonId("zhou-min"), VIEW, NOON) is None
    assert may_handle(recorded, PersonId("li-fang"), VIEW, NOON) is not None


def test_a_camera_that_found_a_case_bars_nobody() -> None:
    seen = case(discoverers={"device:camera-7": ("seen",)}, units=("county-housing",))
    assert may_handle(seen, ZHENG_KAI, VIEW, NOON) is None


def test_an_inspector_who_found_a_case_leaves_it_to_a_colleague() -> None:
    found = case(discoverers={"zheng-kai": ("inspected",)}, units=("county-housing",))
    breach = may_handle(found, ZHENG_KAI, VIEW, NOON)
    assert breach is not None
    assert (breach.rule, breach.allowed) == ("SEP-01", ("fang-yun", "he-wei"))
    assert may_handle(found, PersonId("he-wei"), VIEW, NOON) is None


# d.2 #13: the post ends at 10:00, the department signs him up at 14:00.
RESIGNED = published(written("appointments", "id", "wang-jianguo-grid", until="2026-11-04T10:00:00+08:00")).latest


@pytest.mark.parametrize(
    ("at", "rule"),
    [("2026-11-04 09:59:59.999999", "SEP-02"), ("2026-11-04 10:00", None), ("2026-11-04 14:00", None)],
)
def test_sep_02_ends_with_the_grid_post_to_the_microsecond(at: str, rule: str | None) -> None:
    breach = may_handle(litter(discoverers={"zhao-qiang": ("found",)}), WANG, RESIGNED, local(at))
    assert (breach and breach.rule) == rule


@pytest.mark.parametrize("at", ["2026-11-04 14:00", "2027-11-05 09:00"])
def test_sep_01_remains_after_the_grid_post_ended_and_after_a_reopening(at: str) -> None:
    breach = may_handle(litter(discoverers={"wang-jianguo": ("found",)}), WANG, RESIGNED, local(at))
    assert breach is not None
    assert (breach.rule, breach.also, breach.evidence) == ("SEP-01", (), ("found",))


def with_second_account(person: str, account: str) -> View:
    raw = deepcopy(RAW)
    raw["people"].append({"id": account, "name_zh": "甲", "name_en": "A", "same_as": person})
    return published(raw).latest


def test_a_second_account_of_the_finder_is_the_finder() -> None:
    view = with_second_account("zheng-kai", "zk-2")
    by_person = case(discoverers={"zheng-kai": ("found",)}, units=("county-housing",))
    by_account = case(discoverers={"zk-2": ("found",)}, units=("county-housing",))
    assert [may_handle(by_person, PersonId(one), view, NOON) is None for one in ("zk-2", "he-wei")] == [False, True]
    assert may_handle(by_account, ZHENG_KAI, view, NOON) is not None


@pytest.mark.parametrize(
    ("parties", "rule"),
    [
        ({"verifiers": {"zheng-kai": ("v",)}}, "SEP-03"),
        ({"closers": {"zheng-kai": ("x",)}}, "SEP-04"),
        ({"dispatchers": {"zheng-kai": ("r",)}}, "SEP-09"),
    ],
)
def test_who_judged_or_dispatched_an_earlier_round_cannot_handle_the_next(
    parties: dict[str, dict[str, tuple[str, ...]]], rule: str
) -> None:
    breach = may_handle(case(units=("county-housing",), **parties), ZHENG_KAI, VIEW, NOON)
    assert breach is not None
    assert breach.rule == rule


def test_who_handled_a_case_cannot_become_its_finder() -> None:
    handled = case(handlers={"zheng-kai": ("signed",)})
    breach = may_discover(handled, ZHENG_KAI, VIEW, NOON)
    assert breach is not None
    assert (breach.rule, breach.evidence) == ("SEP-01", ("signed",))
    assert may_discover(handled, PersonId("li-fang"), VIEW, NOON) is None
