"""Blind indexes and search copies: which telephones are one, which matters look alike, what is gone on erasure."""

import hmac
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.case.lifecycle import fold
from libs.case.state import Case
from libs.case.testing import CASE_ID, log_of
from libs.events.contracts.intake import AppealReceived, CaseCorrected, PersonalDataErased
from libs.events.errors import NotFound
from libs.events.event import Sealed
from libs.events.ids import GridCode, PersonId
from libs.log.read.rows import ReadModel
from libs.log.write.seal import CaseKeys
from services.intake.domain.duplicates import (
    ALIKE,
    Matter,
    MatterUnclear,
    hint,
    is_one_matter,
    likeness,
    meant,
    metres,
    ranked,
    same_address,
    same_place,
    words,
)
from services.intake.domain.identity import index_entries, sought_entries
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
    ("written", "indexed"),
    [
        ("+86 138-0000-0000", "13800000000"),
        ("(0513) 8123-4567", "051381234567"),
        ("+852 2123 4567", "85221234567"),
        ("12345", "12345"),
    ],
)
def test_a_number_is_found_by_the_entry_that_older_versions_made_of_it(written: str, indexed: str) -> None:
    entry = hmac.new(KEY, f"telephone|{indexed}".encode(), sha256).digest()
    assert entry in index_entries(written, KEY)
    assert entry in sought_entries(written, KEY)


def test_a_local_number_and_the_whole_one_find_each_other_and_no_other_area_is_found() -> None:
    whole, local_, elsewhere = (index_entries(one, KEY) for one in ("0512-66660000", "66660000", "010-66660000"))
    assert sought_entries("66660000", KEY) & whole
    assert sought_entries("0512-66660000", KEY) & local_
    assert not sought_entries("0512-66660000", KEY) & elsewhere
    assert (index_entries("匿名", KEY), index_entries(None, KEY)) == (frozenset(), frozenset())


def test_an_index_tells_nothing_without_its_key() -> None:
    assert not index_entries("13800000000", KEY) & index_entries("13800000000", b"l" * 32)
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


TWO_NUMBERS = "13800000000/0512-66660000转802"
SEALED_APPEAL = AppealReceived.model_validate_json(
    CaseKeys(CASE_ID, {"reporter": AESGCM(bytes(32)), "case": AESGCM(b"\x01" * 32)}).seal(
        APPEAL.model_copy(update={"reporter_phone": TWO_NUMBERS})
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
    assert {row["telephone"] for row in kept[tables.caller].of_case(CASE_ID)} == index_entries(TWO_NUMBERS, KEY)
    assert len(index_entries(TWO_NUMBERS, KEY)) == 3
    sketch = kept[tables.likeness].get(CASE_ID)
    assert sketch is not None
    assert (sketch["open"], sketch["grid"], sketch["words"]) == (True, "G03", words("路灯不亮", KEY))


def test_an_erased_reporter_has_no_telephone_and_an_erased_case_no_words() -> None:
    for erased, telephone, sketch in ((("reporter",), False, True), (("case",), True, False)):
        rows = rows_after(*erased, keys=WHOLE)
        assert bool(rows[tables.caller].of_case(CASE_ID)) is telephone
        assert (rows[tables.likeness].get(CASE_ID) is not None) is sketch


def test_a_rebuild_after_the_erasure_makes_the_same_rows() -> None:
    without = CaseKeys(CASE_ID, {})
    rebuilt = rows_after("reporter", "case", keys=without)
    live = rows_after("reporter", "case", keys=WHOLE)
    for table in (tables.caller, tables.likeness):
        assert rebuilt[table].of_case(CASE_ID) == live[table].of_case(CASE_ID) == []


def test_a_corrected_telephone_takes_the_place_of_every_number_of_before() -> None:
    corrected = CaseCorrected(corrected_by=PersonId("zhou-min"), reason="听录音", reporter_phone="13900000000")
    events = log_of((NINE, SEALED_APPEAL), (NINE, corrected))
    rows = ReadModel(tables.TABLES, {one.id: copies_of(one.data, WHOLE, KEY) for one in events})
    for event in events:
        project(rows, event, rows.evolve(event))
    assert {row["telephone"] for row in rows[tables.caller].of_case(CASE_ID)} == index_entries("13900000000", KEY)


NOWHERE = (
    "暂未提供",
    "无详细地址",
    "不清楚具体位置",
    "地址保密",
    "见附件",
    "详见内容",
    "本人家中",
    "本小区",
    "村里",
    "线上",
    "1",
    "TBD",
)


@pytest.mark.parametrize(
    "written", ["无锡路3号", "未来路", "家乐福", "同心路1号", "本溪路", "村里超市旁", "人民广场", "3栋"]
)
def test_an_address_that_begins_like_none_is_one(written: str) -> None:
    here = Place(G03, address=written)
    assert same_address(here, here)


@pytest.mark.parametrize(
    "written", ["不详", "无", "同上", " 同 上。", "N/A", "-", "ｎｏｎｅ", "（地址不详）", "", *NOWHERE]
)
def test_what_stands_for_no_address_is_none(written: str) -> None:
    here = Place(G03, address=written)
    assert not same_address(here, here)


def test_noise_at_night_and_yellow_water_are_two_matters_of_one_house() -> None:
    noise, water = words("楼下烧烤店夜间噪音扰民", KEY), words("自来水发黄有异味", KEY)
    assert not is_one_matter(noise, water)
    for again in ("烧烤店夜里噪音扰民, 睡不着", "烧烤店还是噪音扰民"):
        assert is_one_matter(noise, words(again, KEY))
    assert is_one_matter(words("小区门口路灯不亮, 晚上很黑", KEY), words("路灯还是不亮", KEY))
    assert not is_one_matter(None, water)


def test_a_call_goes_to_the_case_in_whose_words_it_speaks_or_that_is_named_and_else_somebody_is_asked() -> None:
    noise, water = (Case(case_id=f"{CASE_ID[:-1]}{last}", lane=1, state="RECEIVED") for last in "ab")
    said = {noise.case_id: words("楼下烧烤店夜间噪音扰民", KEY), water.case_id: words("自来水发黄有异味", KEY)}
    his = [(one, said[one.case_id]) for one in (water, noise)]
    assert meant(his, None, words("烧烤店夜间噪音很大", KEY)) == noise.case_id
    assert meant(his, water.case_id, words("还是没有人来", KEY)) == water.case_id
    assert meant([], None, words("还是没有人来", KEY)) is None
    with pytest.raises(MatterUnclear) as asked:
        meant(his, None, words("还是没有人来", KEY))
    assert [one["case_id"] for one in asked.value.document()["open_cases"]] == [water.case_id, noise.case_id]  # type: ignore[attr-defined]
    with pytest.raises(NotFound):
        meant(his, CASE_ID, None)
