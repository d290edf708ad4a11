"""No sequence of accepted acts ever breaks SEP-01 … SEP-04 or SEP-09, at any prefix (rulebook.md d.1)."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.case.state import Case
from libs.directory.facts.view import View
from libs.events.ids import PersonId, UnitId
from libs.separation.powers import may_close, may_discover, may_dispatch, may_handle, may_verify
from libs.separation.routes import Dispatchable, dispatchable
from tests.unit.directory.town import RAW, local, published
from tests.unit.examples import examples
from tests.unit.separation.parties import case

PEOPLE = (
    "li-fang",
    "zhao-qiang",
    "wang-jianguo",
    "liu-guilan",
    "fang-yun",
    "zheng-kai",
    "chen-li",
    "wu-qian",
    "xu-jing",
)
ACCOUNTS = {"wj-2": "wang-jianguo", "zk-2": "zheng-kai", "wq-2": "wu-qian"}
UNITS = ("shiqiao-committee", "county-housing", "suishan-sanitation", "suishan-centre")
POWERS = ("discover", "dispatch", "handle", "verify", "review", "close")
INSTANTS = (local("2026-09-01 09:00"), local("2026-11-04 09:00"), local("2026-12-20 09:00"))
"""Before, during and after the cadre's grid post."""


def with_accounts(strength: str) -> View:
    people = [*RAW["people"], *({"id": a, "name_zh": "甲", "name_en": "A", "same_as": p} for a, p in ACCOUNTS.items())]
    rulebook = RAW["rulebook"] | {"separation": {"strength": strength}}
    return published(RAW | {"people": people, "rulebook": rulebook}).latest


VIEWS = {strength: with_accounts(strength) for strength in ("strict", "standard", "compatible")}
ACTS = st.tuples(
    st.sampled_from(POWERS), st.sampled_from([*PEOPLE, *ACCOUNTS]), st.sampled_from(UNITS), st.sampled_from(INSTANTS)
)


def after(now: Case, act: tuple[str, str, str, datetime], view: View) -> Case:
    """The case after the act where it is accepted, else as it was."""
    power, who, unit, at = act
    person, event = PersonId(who), ("e",)
    if power == "discover" and not may_discover(now, person, view, at):
        return now.model_copy(update={"discoverers": now.discoverers | {who: event}})
    if power == "dispatch" and not may_dispatch(now, person, view, at):
        taken = dispatchable(UnitId(unit), now, view, at)
        if isinstance(taken, Dispatchable):
            changes = {"units": (*now.units, unit), "dispatchers": now.dispatchers | {who: event}}
            return now.model_copy(update=changes | {"dual_hat": now.dual_hat or bool(taken.dual_hats)})
    if power == "handle" and not may_handle(now, person, view, at, UnitId(unit)):
        return now.model_copy(update={"handlers": now.handlers | {who: event}})
    if power == "verify" and not may_verify(now, person, view, at):
        return now.model_copy(update={"verifiers": now.verifiers | {who: event}})
    if power == "review" and not may_close(now, person, view, at, "review"):
        return now.model_copy(update={"closers": now.closers | {who: event}})
    if power == "close" and not may_close(now, person, view, at):
        return now.model_copy(update={"closers": now.closers | {who: event}, "close_kind": "HANDLED"})
    return now


def people(used: dict[str, tuple[str, ...]]) -> set[str]:
    """Natural persons, by the test's own table of accounts."""
    return {ACCOUNTS.get(who, who) for who in used}


@pytest.mark.parametrize("strength", ["strict", "standard", "compatible"])
@examples(150)
@given(grid=st.sampled_from(["G03", "G04"]), acts=st.lists(ACTS, max_size=30))
def test_no_person_ever_combines_powers_that_the_rules_separate(
    strength: str, grid: str, acts: list[tuple[str, str, str, datetime]]
) -> None:
    now = case(grid=grid, class_code="village-litter")
    for act in acts:
        now = after(now, act, VIEWS[strength])
        found, sent, handled = people(now.discoverers), people(now.dispatchers), people(now.handlers)
        verified, closed = people(now.verifiers), people(now.closers)
        assert not handled & (found | sent | verified | closed)
        assert not sent & verified
        assert not (strength == "strict" and sent & closed)


@pytest.mark.parametrize(
    ("strength", "grids"), [("strict", {"G03", "G04"}), ("standard", {"G04"}), ("compatible", {"G04"})]
)
@examples(100)
@given(grid=st.sampled_from(["G03", "G04"]), who=st.sampled_from(["zhao-qiang", "wang-jianguo", "wj-2"]))
def test_nobody_handles_in_a_grid_that_he_patrols(strength: str, grids: set[str], grid: str, who: str) -> None:
    breach = may_handle(case(grid=grid), PersonId(who), VIEWS[strength], INSTANTS[1])
    assert (breach is not None) == (grid in grids)


@examples(150)
@given(acts=st.lists(ACTS.map(lambda act: (*act[:3], INSTANTS[1])), max_size=30))
def test_no_unit_judges_the_work_that_it_does(acts: list[tuple[str, str, str, datetime]]) -> None:
    now, view = case(grid="G04", class_code="village-litter"), VIEWS["standard"]
    for act in acts:
        now = after(now, act, view)
        judges = {unit for who in (*now.verifiers, *now.closers) for unit in view.units_of(PersonId(who), act[3])}
        assert not judges & set(now.units)
