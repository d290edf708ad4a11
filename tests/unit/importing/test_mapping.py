"""A mapping that cannot be used says where: file, line and column of every mistake."""

from pathlib import Path

import pytest

from importing.loading import MappingRefused, check_columns, load
from importing.rows import columns
from operations.installation import ROOT

GOOD = """\
name: register
external_id: {column: no}
appeal:
  channel: {constant: phone}
  kind: {constant: help}
  content: {column: text}
  place: {grid: {constant: G03}}
"""


def mapping(folder: Path, text: str) -> Path:
    file = folder / "m.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def refusal(folder: Path, text: str) -> list[str]:
    with pytest.raises(MappingRefused) as refused:
        load(mapping(folder, text))
    return [line.removeprefix(f"{folder}/") for line in str(refused.value).splitlines()]


@pytest.mark.parametrize("name", ["boston", "haikou", "town"])
def test_mappings_of_the_examples_are_valid(name: str) -> None:
    loaded, _ = load(ROOT / "examples" / "mappings" / f"{name}.yaml")
    assert loaded.registration is not None


def test_unknown_field_is_named_where_it_stands(tmp_path: Path) -> None:
    told = refusal(
        tmp_path, GOOD.replace("  kind: {constant: help}", "  kind: {constant: help}\n  colour: {column: c}")
    )
    assert [line.partition(" / ")[0] for line in told] == ["m.yaml:6:3 appeal.colour: 未知字段"]


def test_missing_field_is_named_at_its_parent(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD.replace("  content: {column: text}\n", ""))
    assert [line.partition(" / ")[0] for line in told] == ["m.yaml:3:1 appeal.content: 缺少必填字段"]


def test_field_with_two_origins_is_refused(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD.replace("{column: text}", "{column: text, constant: x}"))
    assert told[0].startswith("m.yaml:6:3 appeal.content: column、columns、constant")


def test_code_that_the_contract_does_not_know_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD.replace("{constant: help}", "{column: k, table: {A: help, B: hlep}}"))
    assert told[0].startswith("m.yaml:5:41 appeal.kind.table.B: 取值须为")


def test_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD.replace("{constant: phone}", "{column: c, table: channels}"))
    assert told[0].startswith("m.yaml:4:31 appeal.channel.table: 没有这个代码表")


def test_unknown_time_zone_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD + "zone: Asia/Suishan\n")
    assert told[0].startswith("m.yaml:8:7 zone: 时区未知")


def test_key_that_stands_twice_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD + "name: again\n")
    assert told == ["m.yaml:8:1 name: 同一键出现两次 / the same key stands twice"]


def test_text_that_is_no_yaml_is_named(tmp_path: Path) -> None:
    told = refusal(tmp_path, GOOD + "zone: [\n")
    assert told[0].startswith("m.yaml:9:1 文件无法读取")


def test_column_that_the_file_does_not_have_is_named(tmp_path: Path) -> None:
    file = mapping(tmp_path, GOOD)
    data = tmp_path / "d.csv"
    data.write_text("no,content\n1,x\n", encoding="utf-8")
    loaded, places = load(file)
    with pytest.raises(MappingRefused, match=r"m\.yaml:6:3 appeal\.content: 数据文件没有列“text”"):
        check_columns(file, loaded, places, columns(data, loaded))


@pytest.mark.parametrize("said", ["yyyy-MM-dd", "%H:%M", "%Q", "%m/%d"])
def test_a_format_by_which_no_day_is_read_is_refused_before_the_first_row(tmp_path: Path, said: str) -> None:
    told = refusal(tmp_path, GOOD + f"received_at: {{column: t, format: '{said}'}}\n")
    assert [line.partition(" / ")[0] for line in told] == [
        "m.yaml:8:34 received_at.format: 须为 strptime 格式并含年月日, 如 %Y-%m-%d %H:%M"
    ]
