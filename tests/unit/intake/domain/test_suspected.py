"""Cases that look like one matter: what they have in common, which groups they make, and that some are told apart."""

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.state import Case
from libs.case.testing import CASE_ID, case_of, given
from libs.events.contracts.intake import CasesToldApart, CaseVoided
from libs.events.errors import Forbidden, NotFound
from libs.events.ids import CaseId, GridCode, PersonId
from services.intake.domain.decider import DECIDER
from services.intake.domain.duplicates import Matter, words
from services.intake.domain.reception import Place
from services.intake.domain.suspected import (
    Known,
    TellCasesApart,
    ToldApartFromItself,
    clues_of_address,
    clues_of_caller,
    clues_of_point,
    groups,
    pairs,
    suspicion,
)
from tests.unit.directory.town import VIEW, local
from tests.unit.intake.domain.test_decider import APPEAL
from tests.unit.routing.givens import FANG_YUN, ZHOU_MIN

KEY = b"k" * 32
NINE = local("2026-11-02 09:00")
OTHER, THIRD, FOURTH = (CaseId(f"0191f2a0-0000-7000-8000-0000000000{last}") for last in ("aa", "bb", "cc"))
APART = TellCasesApart(NINE, ZHOU_MIN, (OTHER, THIRD), "OTHER_OBJECT")
TOLD = CasesToldApart(told_by=PersonId("zhou-min"), others=(OTHER, THIRD), reason="OTHER_OBJECT")
OPEN = Facts(case_of((NINE, APPEAL)), VIEW)


def test_two_numbers_of_one_person_and_the_ways_to_write_them_share_a_clue() -> None:
    whole = clues_of_caller("0512-66660000/13800000000（妻）", KEY)
    for written in ("+86 138 0000 0000", "66660000", "051266660000转802"):
        assert clues_of_caller(written, KEY) & whole
    assert not clues_of_caller("13900000000", KEY) & whole
    assert not clues_of_caller("13800000000", b"l" * 32) & whole


@pytest.mark.parametrize("written", ["12345", "匿名", None])
def test_what_is_nobody_s_number_tells_no_two_callers_to_be_one(written: str | None) -> None:
    assert clues_of_caller(written, KEY) == frozenset()


def test_an_address_is_one_whatever_its_widths_and_what_stands_for_none_is_none() -> None:
    assert clues_of_address("建设路１２号 3号楼", KEY) == clues_of_address("建设路12号3号楼", KEY) != frozenset()
    assert clues_of_address("（地址不详）", KEY) == clues_of_address(None, KEY) == frozenset()


def test_points_within_a_hundred_metres_share_a_square_wherever_they_lie_and_far_ones_none() -> None:
    for number in range(40):
        east, north = 1_193_050_000 + 1_373 * number, 321_050_000 + 977 * number
        here = clues_of_point(f"{east},{north}", KEY)
        assert here & clues_of_point(f"{east + 8_000},{north + 8_000}", KEY)
        assert not here & clues_of_point(f"{east + 40_000},{north}", KEY)
    assert clues_of_point(None, KEY) == frozenset()


def known(text: str, number: int = 1, grid: str = "G03", **place: object) -> Known:
    case = Case(case_id=f"{CASE_ID[:-1]}{number}", lane=1, state="RECEIVED", kind="help", grid=grid)
    where = Place(GridCode(grid), **place)  # type: ignore[arg-type]
    return Known(case, Matter(where, "help", None, words(text, KEY)))


def test_who_says_the_same_twice_in_one_grid_is_suspected_though_he_names_no_place() -> None:
    one, again = known("小区门口路灯不亮"), known("路灯不亮, 小区门口", 2)
    found = suspicion(one, again, 50, same_number=True)
    assert found is not None
    assert found.reasons()[0].startswith("同一来电号码，同一网格，")
    assert found.reasons()[1].startswith("the same number, same grid, ")
    assert suspicion(one, again, 50, same_number=False) is None
    assert suspicion(one, known("路灯不亮, 小区门口", 2, "G04"), 50, same_number=True) is None


def test_another_thing_of_the_same_caller_at_one_address_is_no_suspicion() -> None:
    noise = known("楼下烧烤店夜间噪音扰民", address="建设路12号")
    assert suspicion(noise, known("自来水发黄有异味", 2, address="建设路12号"), 50, same_number=True) is None


def test_two_callers_at_one_place_in_alike_words_are_suspected() -> None:
    lamp = known("小区门口路灯不亮", longitude=1_193_050_000, latitude=321_050_000)
    near = known("门口的路灯不亮了", 2, longitude=1_193_053_000, latitude=321_050_000)
    found = suspicion(lamp, near, 50, same_number=False)
    assert found is not None
    assert found.reasons()[0].startswith("相距约28米，")
    assert suspicion(lamp, near, 20, same_number=False) is None


def test_what_hangs_together_by_pairs_is_one_group() -> None:
    shared = [("a", b"1", "caller"), ("b", b"1", "caller"), ("b", b"2", "point"), ("c", b"2", "point")]
    found = pairs([*shared, ("d", b"3", "point"), ("e", b"3", "point"), ("a", b"4", "point"), ("b", b"4", "point")])  # type: ignore[list-item]
    assert found == {("a", "b"): True, ("b", "c"): False, ("d", "e"): False}
    assert sorted(groups(found)) == [["a", "b", "c"], ["d", "e"]]


def test_the_operator_tells_cases_apart_and_says_it_once() -> None:
    given(DECIDER, APPEAL).when(APART, OPEN).then(TOLD)
    given(DECIDER, APPEAL, TOLD).when(APART, OPEN).then()
    fourth = TellCasesApart(NINE, ZHOU_MIN, (THIRD, FOURTH), "OTHER_MATTER")
    left = TOLD.model_copy(update={"others": (FOURTH,), "reason": "OTHER_MATTER"})
    given(DECIDER, APPEAL, TOLD).when(fourth, OPEN).then(left)


def test_nobody_else_tells_them_apart_nor_once_the_case_has_ended_nor_a_case_from_itself() -> None:
    given(DECIDER, APPEAL).when(TellCasesApart(NINE, FANG_YUN, (OTHER,), "OTHER_OBJECT"), OPEN).then_refused(Forbidden)
    given(DECIDER).when(APART, Facts(None, VIEW)).then_refused(NotFound)
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    ended = Facts(case_of((NINE, APPEAL), (NINE, voided)), VIEW)
    given(DECIDER, APPEAL, voided).when(APART, ended).then_refused(NotInThisState, code="E-STATE")
    itself = TellCasesApart(NINE, ZHOU_MIN, (CaseId(CASE_ID),), "OTHER_OBJECT")
    given(DECIDER, APPEAL).when(itself, OPEN).then_refused(ToldApartFromItself)
