"""Blind indexes and search copies: which telephones are one, which matters look alike, what is gone on erasure."""

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.case.lifecycle import fold
from libs.case.state import Case
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import AppealReceived, PersonalDataErased
from libs.events.event import Sealed
from libs.events.ids import GridCode, PersonId
from libs.log.read.rows import ReadModel
from libs.log.write.seal import CaseKeys
from services.intake.domain.duplicates import (
    ALIKE,
    Matter,
    hint,
    likeness,
    metres,
    ranked,
    same_address,
    same_place,
    words,
)
from services.intake.domain.identity import blind_index, digits_of
from services.intake.domain.reception import Place
from services.intake.readmodel import tables
from services.intake.readmodel.projection import project
from services.intake.readmodel.search_copies import copies_of
from tests.unit.directory.town import local
from tests.unit.intake.domain.test_decider import APPEAL, REGISTERED

KEY = b"k" * 32
NINE = local("2026-11-02 09:10")
G03 = GridCode("G03")
LAMP = Place(G03, 1_193_050_000, 321_050_000)
THREE_STEPS_ON = Place(G03, 1_193_050_200, 321_050_000)
NEXT_STREET = Place(G03, 1_193_060_000, 321_050_000)
BY_ADDRESS = Place(G03, address="建设路 12 号, 3 号楼")


@pytest.mark.parametrize(
    "written", ["138 0000 0000", "+86 138-0000-0000", "008613800000000", "8613800000000", "１３８００００００００"]
)
def test_a_mobile_number_is_one_number_however_it_is_written(written: str) -> None:
    assert digits_of(written) == "13800000000"
    assert blind_index(written, KEY) == blind_index("13800000000", KEY)


def test_a_landline_from_abroad_gets_its_zero_back_and_a_short_number_is_none() -> None:
    assert digits_of("+86 513 8123 4567") == digits_of("(0513) 8123-4567") == "051381234567"
    assert (digits_of("110"), digits_of("匿名"), digits_of(None), blind_index("", KEY)) == (None, None, None, None)


def test_an_index_tells_nothing_without_its_key() -> None:
    assert blind_index("13800000000", KEY) != blind_index("13800000000", b"l" * 32)
    assert words("路灯不亮", KEY) != words("路灯不亮", b"l" * 32)


def test_fifty_metres_or_the_same_address_is_one_place_and_a_grid_alone_is_none() -> None:
    assert metres(LAMP, THREE_STEPS_ON) == pytest.approx(1.9, abs=0.1)
    assert same_place(LAMP, THREE_STEPS_ON, 50)
    assert not same_place(LAMP, NEXT_STREET, 50)
    assert same_address(BY_ADDRESS, Place(G03, address="建设路１２号3号楼"))
    assert not same_address(BY_ADDRESS, Place(GridCode("G04"), address="建设路12号3号楼"))
    assert not same_place(Place(G03), Place(G03), 50)


def test_what_is_said_in_other_words_is_still_alike() -> None:
    first, second = words("小区门口路灯不亮，晚上很黑", KEY), words("晚上小区门口的路灯不亮", KEY)
    other = words("村口垃圾堆积无人清理", KEY)
    assert likeness(first, first) == 1.0
    assert likeness(first, second) > ALIKE > likeness(first, other)
    assert (words("", KEY), words("亮", KEY) == words("亮", KEY), likeness(None, first)) == (None, True, 0.0)


def matter(place: Place, text: str = "路灯不亮", kind: str = "help", class_code: str | None = "street-light") -> Matter:
    return Matter(place, kind, class_code, words(text, KEY))


def case(number: int = 1) -> Case:
    found = fold(log_of((NINE, APPEAL), (NINE, REGISTERED), case_id=f"0191f2a0-0000-7000-8000-00000000000{number}"))
    assert found
    return found


def test_a_hint_says_in_words_why_it_is_shown() -> None:
    found = hint(matter(LAMP), case(), matter(THREE_STEPS_ON, "路灯不亮很黑"), 50)
    assert found is not None
    assert found.reasons() == (
        "相距约2米，同一类别，内容相似60%",
        "about 2 m apart, same class, words alike 60%",
    )


def test_another_matter_far_away_in_other_words_is_no_hint() -> None:
    assert hint(matter(LAMP), case(), matter(NEXT_STREET, "树枝断了"), 50) is None
    assert hint(matter(LAMP, kind="praise", class_code=None), case(), matter(LAMP), 50) is None


def test_the_nearest_of_the_same_class_comes_first() -> None:
    same_words = hint(matter(LAMP), case(1), matter(NEXT_STREET), 50)
    near = hint(matter(LAMP), case(2), matter(THREE_STEPS_ON, "树枝断了"), 50)
    of_the_kind = hint(matter(LAMP, class_code=None), case(3), matter(LAMP), 50)
    assert [one.case.case_id[-1] for one in ranked([same_words, None, of_the_kind, near], 10)] == ["2", "3", "1"]
    assert len(ranked([same_words, near], 1)) == 1


SEALED_APPEAL = AppealReceived.model_validate_json(
    CaseKeys(CASE_ID, {"reporter": AESGCM(bytes(32)), "case": AESGCM(b"\x01" * 32)}).seal(
        APPEAL.model_copy(update={"reporter_phone": "13800000000"})
    )
)


def rows_after(*kinds: str, keys: CaseKeys) -> ReadModel:
    """The search copies after an appeal and an erasure of these kinds, as far as `keys` open the appeal."""
    erased = PersonalDataErased(erased_by=PersonId("he-jun"), kinds=kinds, ground="OTHER_LAW")
    events = log_of((NINE, SEALED_APPEAL), (NINE, erased), (NINE, REGISTERED))
    rows = ReadModel(tables.TABLES, {events[0].id: copies_of(SEALED_APPEAL, keys, KEY)})
    for event in events:
        project(rows, event, rows.evolve(event))
    return rows


WHOLE = CaseKeys(CASE_ID, {"reporter": AESGCM(bytes(32)), "case": AESGCM(b"\x01" * 32)})


def test_a_telephone_and_a_sketch_are_kept_as_long_as_their_key() -> None:
    assert isinstance(SEALED_APPEAL.reporter_phone, Sealed)
    kept = rows_after(keys=WHOLE)
    row = kept[tables.caller].get(CASE_ID)
    assert row is not None
    assert row["telephone"] == blind_index("13800000000", KEY)
    sketch = kept[tables.likeness].get(CASE_ID)
    assert sketch is not None
    assert (sketch["open"], sketch["grid"], sketch["words"]) == (True, "G03", words("路灯不亮", KEY))


def test_an_erased_reporter_has_no_telephone_and_an_erased_case_no_words() -> None:
    for erased, telephone, sketch in ((("reporter",), False, True), (("case",), True, False)):
        rows = rows_after(*erased, keys=WHOLE)
        assert (rows[tables.caller].get(CASE_ID) is not None) is telephone
        assert (rows[tables.likeness].get(CASE_ID) is not None) is sketch


def test_a_rebuild_after_the_erasure_makes_the_same_rows() -> None:
    without = CaseKeys(CASE_ID, {})
    rebuilt = rows_after("reporter", "case", keys=without)
    live = rows_after("reporter", "case", keys=WHOLE)
    for table in (tables.caller, tables.likeness):
        assert rebuilt[table].get(CASE_ID) is live[table].get(CASE_ID) is None
