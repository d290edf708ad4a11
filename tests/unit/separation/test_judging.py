"""SEP-03, SEP-04, SEP-06, SEP-09: who may verify, review, call back, close and dispatch."""

from typing import Any

import pytest

from libs.events.ids import PersonId
from libs.separation.powers import may_close, may_dispatch, may_verify
from libs.separation.routes import verifiers
from libs.separation.rules import Closing
from tests.unit.directory.town import VIEW, local, published, stricter, written
from tests.unit.separation.parties import case, litter

NOON = local("2026-11-05 12:00")
STRICT = stricter("strict")
HANDLED = case(
    discoverers={"li-fang": ("found",)},
    dispatchers={"chen-li": ("dispatched",)},
    handlers={"fang-yun": ("signed",), "zheng-kai": ("acted", "reported")},
    units=("county-housing",),
)
DUAL_HATTED = litter(
    discoverers={"wang-jianguo": ("found",)},
    dispatchers={"chen-li": ("dispatched",)},
    handlers={"liu-guilan": ("signed",)},
)


def test_scenario_1_the_finder_may_verify_and_is_the_default() -> None:
    assert may_verify(HANDLED, PersonId("li-fang"), VIEW, NOON) is None
    assert verifiers(HANDLED, VIEW, NOON)[0] == "li-fang"


@pytest.mark.parametrize(
    ("actor", "rule", "evidence"),
    [
        ("zheng-kai", "SEP-03", ("acted", "reported")),
        ("he-wei", "SEP-03", ()),
        ("ma-jun", "SEP-03", ()),
        ("chen-li", "SEP-09", ("dispatched",)),
    ],
)
def test_neither_handler_nor_his_colleagues_nor_the_dispatcher_verify(
    actor: str, rule: str, evidence: tuple[str, ...]
) -> None:
    breach = may_verify(HANDLED, PersonId(actor), VIEW, NOON)
    assert breach is not None
    assert breach.rule == rule
    assert set(evidence) <= set(breach.evidence)
    assert breach.allowed == ("li-fang", "wang-jianguo", "zhao-qiang")


def test_who_left_the_handling_unit_before_may_verify_unless_he_handled() -> None:
    raw = written("appointments", "id", "he-wei-handler", until="2026-11-04")
    view = published(raw).latest
    assert may_verify(HANDLED, PersonId("he-wei"), view, NOON) is None
    raw = written("appointments", "id", "zheng-kai-handler", until="2026-11-04")
    breach = may_verify(HANDLED, PersonId("zheng-kai"), published(raw).latest, NOON)
    assert breach is not None
    assert breach.rule == "SEP-03"


def test_scenario_2_a_dual_hat_case_is_verified_from_another_grid() -> None:
    assert verifiers(DUAL_HATTED, VIEW, NOON) == ("li-fang",)


@pytest.mark.parametrize(
    ("actor", "rule", "also"),
    [
        ("wang-jianguo", "SEP-03", ("SEP-06",)),  # he belongs to the committee, and he is the dual-hatted finder
        ("zhao-qiang", "SEP-06", ()),  # a worker of the same grid
    ],
)
def test_scenario_2_the_cadre_and_the_own_grid_do_not_verify(actor: str, rule: str, also: tuple[str, ...]) -> None:
    breach = may_verify(DUAL_HATTED, PersonId(actor), VIEW, NOON)
    assert breach is not None
    assert (breach.rule, breach.also, breach.allowed) == (rule, also, ("li-fang",))


@pytest.mark.parametrize("grid", ["G03", "G04"])
def test_a_case_flagged_at_dispatch_stays_flagged_when_the_cadre_has_left_the_committee(grid: str) -> None:
    left = published(written("appointments", "id", "wang-jianguo-clerk", until="2026-11-04")).latest
    flagged = litter(grid=grid, discoverers={"wang-jianguo": ("found",)}, dual_hat=True)
    breach = may_verify(flagged, PersonId("wang-jianguo"), left, NOON)
    assert breach is not None
    assert (breach.rule, breach.evidence) == ("SEP-06", ("found",))


def test_without_a_grid_nobody_is_proposed_and_the_centre_chooses() -> None:
    assert verifiers(case(grid=None), VIEW, NOON) == ()
    assert verifiers(case(grid="G99"), VIEW, NOON) == ()


@pytest.mark.parametrize("power", ["review", "callback", "close"])
@pytest.mark.parametrize("actor", ["zheng-kai", "ma-jun"])
def test_scenario_1_the_housing_bureau_cannot_review_call_back_or_close(actor: str, power: Closing) -> None:
    breach = may_close(HANDLED, PersonId(actor), VIEW, NOON, power)
    assert breach is not None
    assert breach.code == "E-SEP-04"
    assert breach.allowed == (("xu-jing",) if power == "callback" else ("wu-qian",))


def test_scenario_1_the_reviewer_of_the_centre_closes() -> None:
    assert may_close(HANDLED, PersonId("wu-qian"), VIEW, NOON) is None


@pytest.mark.parametrize(
    ("strength", "power", "rule"),
    [
        ("standard", "close", "SEP-09"),
        ("standard", "review", None),
        ("standard", "callback", None),
        ("strict", "close", "SEP-09"),
        ("strict", "review", "SEP-09"),
        ("strict", "callback", "SEP-09"),
    ],
)
def test_a_dispatcher_never_closes_and_under_strict_never_reviews(
    strength: str, power: Closing, rule: str | None
) -> None:
    breach = may_close(HANDLED, PersonId("chen-li"), STRICT if strength == "strict" else VIEW, NOON, power)
    assert (breach and breach.rule) == rule


@pytest.mark.parametrize(
    ("parties", "strength", "rule"),
    [
        ({}, "standard", None),
        ({"handlers": {"chen-li": ("h",)}}, "standard", "SEP-09"),
        ({"verifiers": {"chen-li": ("v",)}}, "standard", "SEP-09"),
        ({"discoverers": {"chen-li": ("d",)}}, "standard", "SEP-09"),
        ({"closers": {"chen-li": ("x",)}}, "standard", None),
        ({"closers": {"chen-li": ("x",)}}, "strict", "SEP-09"),
    ],
)
def test_a_dispatcher_used_no_other_power_on_the_case(parties: Any, strength: str, rule: str | None) -> None:
    breach = may_dispatch(case(**parties), PersonId("chen-li"), STRICT if strength == "strict" else VIEW, NOON)
    assert (breach and breach.rule) == rule
