"""Personal fields of a case: sealed, bound to their place, erased. Keys are made here; no vault."""

import base64
from pathlib import Path

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from libs.events.contracts.intake import AppealReceived, CaseRegistered
from libs.events.errors import Erased
from libs.events.event import Sealed
from libs.events.ids import ClassCode, GridCode, PersonId
from libs.log.write.seal import MASKED, CaseKeys, Vault, plain_body
from tests.unit.log.chains import CASE

OTHER_CASE = "0191f2a0-0000-7000-80000 000000000002"
APPEAL = AppealReceived(
    channel="phone",
    kind="help",
    content="三号楼门口路灯不亮",
    grid=GridCode("G03"),
    address="示例路 1 号",
    reporter_kind="NAMED",
    reporter_name="甲某",
    reporter_phone="0000 0000",
)


def keys(case_id: str = CASE) -> CaseKeys:
    return CaseKeys(case_id, {kind: AESGCM(AESGCM.generate_key(256)) for kind in ("reporter", "case")})


def sealed_appeal(by: CaseKeys) -> AppealReceived:
    return AppealReceived.model_validate_json(by.seal(APPEAL))


def test_what_is_personal_is_opened_with_the_cases_keys_only() -> None:
    mine, others = keys(), keys()
    appeal = sealed_appeal(mine)
    assert [mine.open(value) for value in (appeal.content, appeal.reporter_phone)] == [
        "三号楼门口路灯不亮",
        "0000 0000",
    ]
    assert others.open(appeal.content) == MASKED


def test_nothing_personal_is_left_in_the_bytes() -> None:
    body = keys().seal(APPEAL).decode()
    assert not [text for text in ("路灯", "示例路", "甲某", "0000 0000") if text in body]
    assert orjson.loads(body)["grid"] == "G03"


def test_a_field_that_is_absent_stays_absent() -> None:
    assert orjson.loads(keys().seal(APPEAL))["location"] is None


def test_a_value_moved_to_another_field_does_not_open() -> None:
    mine = keys()
    appeal = sealed_appeal(mine)
    assert isinstance(appeal.content, Sealed)
    assert mine.open(appeal.content.model_copy(update={"field": "address"})) == MASKED


def test_a_value_moved_to_another_type_does_not_open() -> None:
    mine = keys()
    appeal = sealed_appeal(mine)
    assert isinstance(appeal.content, Sealed)
    assert mine.open(appeal.content.model_copy(update={"type": "intake.grid-event-reported.v1"})) == MASKED


def test_a_value_moved_to_another_case_does_not_open_even_with_the_same_key() -> None:
    mine = keys()
    appeal = sealed_appeal(mine)
    assert isinstance(appeal.content, Sealed)
    theirs = CaseKeys(OTHER_CASE, mine.keys)
    assert theirs.open(appeal.content.model_copy(update={"sealed": f"{OTHER_CASE}/case"})) == MASKED


def test_a_value_of_the_other_key_does_not_open() -> None:
    one_key = AESGCM(AESGCM.generate_key(256))
    mine = CaseKeys(CASE, {"reporter": one_key, "case": one_key})
    appeal = sealed_appeal(mine)
    assert isinstance(appeal.content, Sealed)
    assert mine.open(appeal.content.model_copy(update={"sealed": f"{CASE}/reporter"})) == MASKED


@pytest.mark.parametrize("part", ["nonce", "data"])
@pytest.mark.parametrize("value", ["", "AAAA", "no base64!", "中"])
def test_a_damaged_value_is_masked(part: str, value: str) -> None:
    mine = keys()
    appeal = sealed_appeal(mine)
    assert isinstance(appeal.content, Sealed)
    assert mine.open(appeal.content.model_copy(update={part: value})) == MASKED


def test_after_erasing_the_reporter_his_fields_are_masked_and_the_matter_is_readable() -> None:
    mine = keys()
    appeal = sealed_appeal(mine)
    left = CaseKeys(CASE, {"case": mine.keys["case"]})
    assert (left.open(appeal.reporter_name), left.open(appeal.content)) == (MASKED, "三号楼门口路灯不亮")


def test_nothing_can_be_sealed_for_an_erased_case() -> None:
    with pytest.raises(Erased) as refusal:
        CaseKeys(CASE, {}).seal(APPEAL)
    assert refusal.value.code == "E-ERASED"


def test_an_event_without_personal_fields_needs_no_key() -> None:
    registered = CaseRegistered(
        registered_by=PersonId("zhou-min"),
        kind="help",
        class_code=ClassCode("road-damage"),
        urgency="U3",
        grid=GridCode("G03"),
    )
    assert CaseRegistered.model_validate_json(CaseKeys(CASE, {}).seal(registered)) == registered


def test_a_value_that_is_sealed_already_is_passed_on_as_it_is() -> None:
    appeal = sealed_appeal(keys())
    assert AppealReceived.model_validate_json(CaseKeys(CASE, {}).seal(appeal)) == appeal


def test_a_reaction_never_appends_plain_personal_text() -> None:
    with pytest.raises(AssertionError, match="content must be sealed"):
        plain_body(APPEAL)
    appeal = sealed_appeal(keys())
    assert AppealReceived.model_validate_json(plain_body(appeal)) == appeal


def test_the_same_text_never_looks_the_same_twice() -> None:
    mine = keys()
    one, two = sealed_appeal(mine).content, sealed_appeal(mine).content
    assert isinstance(one, Sealed)
    assert isinstance(two, Sealed)
    assert one.nonce != two.nonce
    assert one.data != two.data
    assert len(base64.b64decode(one.nonce)) == 12


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_whatever_is_sealed_opens_to_the_same_text(text: str) -> None:
    mine = keys()
    sealed = AppealReceived.model_validate_json(mine.seal(APPEAL.model_copy(update={"content": text}))).content
    assert mine.open(sealed) == text


def test_a_master_key_of_another_length_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "master.key"
    short.write_bytes(b"x" * 31)
    with pytest.raises(ValueError, match="32 bytes"):
        Vault.master_key(short)
