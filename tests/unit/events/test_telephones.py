"""Telephones as strangers type them: which numbers they name, what cannot be read, and which two are one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.events.telephones import LONGEST, NoTelephone, find, read, same_caller

MOBILE, LANDLINE = "13800000000", "051266660000"


def digits(written: str) -> list[str]:
    return [one.digits for one in read(written)]


@pytest.mark.parametrize(
    "written",
    [
        "138 0000 0000",
        "+86 138-0000-0000",
        "008613800000000",
        "86-13800000000",
        "013800000000",
        "１３８００００００００",
        "13800000000（3号楼502）",
        "13800000000（20261127前有效）",
        "13800000000 李先生 2026-11-27",
        "13800000000 2026年11月27日来电",
        "2026/1/7 13800000000",
        "13800000000.0",
        "13800000000 3号楼502",
        "手机: 13800000000",
        "13800000000、13800000000",
    ],
)
def test_a_mobile_number_is_one_number_however_it_is_written(written: str) -> None:
    assert [(one.digits, one.kind, one.extension) for one in read(written)] == [(MOBILE, "MOBILE", None)]


@pytest.mark.parametrize(
    "written",
    [
        "0512-66660000",
        "(0512)66660000",
        "（０５１２） ６６６６００００",
        "+86 512 6666 0000",
        "0086-0512-66660000",
        "0512—66660000",
    ],
)
def test_a_landline_keeps_its_area_code_and_gets_its_zero_back(written: str) -> None:
    assert [(one.digits, one.kind, one.subscriber) for one in read(written)] == [(LANDLINE, "LANDLINE", "66660000")]


@pytest.mark.parametrize(
    "written",
    [
        "{}转801",
        "{} 转 801",
        "{}转分机801",
        "{}分机:801",
        "{}-801",
        "{} 801",
        "{}#801",
        "{} ext. 801",
        "{}转８０１（办）",
    ],
)
@pytest.mark.parametrize("number", [MOBILE, "0512-66660000"])
def test_an_extension_is_no_part_of_the_number(written: str, number: str) -> None:
    (one,) = read(written.format(number))
    assert (one.digits, one.extension) == (number.replace("-", ""), "801")


@pytest.mark.parametrize(
    "written",
    [
        "13800000000/13900000000",
        "13800000000 13900000000",
        "13800000000-13900000000",
        "本人13800000000，爱人13900000000",
        "13800000000或13900000000",
        "13800000000（儿子13900000000）",
        "138 0000 0000; +86 139 0000 0000",
    ],
)
def test_several_numbers_in_one_field_are_each_found(written: str) -> None:
    assert digits(written) == [MOBILE, "13900000000"]


@pytest.mark.parametrize(
    ("written", "number", "kind", "dialled"),
    [
        ("+852 5123 4567", "85251234567", "MOBILE", "+85251234567"),
        ("00852-51234567", "85251234567", "MOBILE", "+85251234567"),
        ("852 5123 4567", "85251234567", "MOBILE", "+85251234567"),
        ("+852 2123 4567", "85221234567", "LANDLINE", "+85221234567"),
        ("400-800-1234", "4008001234", "OTHER", "4008001234"),
        ("12345", "12345", "SERVICE", "12345"),
        ("95588", "95588", "SERVICE", "95588"),
        ("6666 0000", "66660000", "LOCAL", "66660000"),
        ("14012345678", "14012345678", "MOBILE", "14012345678"),
    ],
)
def test_what_else_people_are_called_by(written: str, number: str, kind: str, dialled: str) -> None:
    assert [(one.digits, one.kind, one.dialled) for one in read(written)] == [(number, kind, dialled)]


@pytest.mark.parametrize(
    "written",
    [
        *("", "无", "不详", "110", "119", "1380000000", "138000000001", "138****0000", "1.38E+10", "0000 0000"),
        *("13800000000/61", "13800000000,801", "13800000000/1390000000", "1" * 11, "9" * 40),
        f"{MOBILE}{' ' * LONGEST}",
    ],
)
def test_what_nobody_can_call_is_refused(written: str) -> None:
    with pytest.raises(NoTelephone) as refused:
        read(written)
    assert (refused.value.code, find(written), find(None)) == ("E-TELEPHONE", (), ())


@pytest.mark.parametrize(
    ("known", "calling"),
    [
        (f"{MOBILE}转801", MOBILE),
        ("13900000000/13800000000", MOBILE),
        ("13800000000（3号楼502）", "+86 138 0000 0000"),
        ("0512-66660000-802", "051266660000"),
        ("0512-66660000转802", "(0512)66660000#802"),
        ("66660000", "0512-66660000"),
        ("0512-66660000", "6666 0000"),
    ],
)
def test_the_same_line_is_the_same_caller(known: str, calling: str) -> None:
    assert same_caller(known, calling)
    assert same_caller(calling, known)


@pytest.mark.parametrize(
    ("known", "calling"),
    [
        (MOBILE, "13800000001"),
        ("0512-66660000转801", "0512-66660000转802"),
        ("0512-66660000", "010-66660000"),
        ("12345", "12345"),
        (None, MOBILE),
        ("无", "无"),
    ],
)
def test_another_line_or_one_that_everybody_dials_is_nobodys_proof(known: str | None, calling: str) -> None:
    assert not same_caller(known, calling)


MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
BETWEEN = st.sampled_from(["/", " ", "、", ", ", "；", "-", "或"])
BEHIND = st.sampled_from(["", "转801", "（3号楼502）", "-12", " 分机9"])


@given(MOBILES, BEHIND, BETWEEN, MOBILES, BEHIND)
def test_any_two_mobile_numbers_of_a_field_are_read(one: str, after: str, between: str, two: str, last: str) -> None:
    assert set(digits(f"{one}{after}{between}{two}{last}")) == {one, two}


@given(st.text(max_size=LONGEST) | st.text("0123456789()（）-/转+86 、#", max_size=LONGEST))
def test_whatever_is_typed_is_read_or_refused_and_what_was_read_is_read_again(written: str) -> None:
    for one in find(written):
        (again,) = read(one.dialled)
        assert (again.digits, again.kind) == (one.digits, one.kind)
        assert again.is_line_of(one)
