"""Several rows of one order, its whole life in columns, and what a source says of confidentiality."""

from pathlib import Path
from typing import Any

import pytest

from importing.cells import RowUnusable
from importing.entries import Entry, entry_of
from importing.loading import MappingRefused, check_columns, load
from importing.mapping import Mapping
from importing.orders import gathered, order_of
from importing.rows import Row

ARCHIVE = """\
name: archive
external_id: {column: 编号}
received_at: {column: 来件}
empty: [NA, "-", 无]
appeal:
  channel: {constant: phone}
  kind: {constant: complaint}
  content: {column: 内容}
  place: {grid: {constant: G03}}
  upstream_due_at: {column: 期限}
registration:
  class_code: {column: 类别, table: {下水道: sewer-odour}}
  urgency: {constant: U3}
confidential: {column: 是否保密}
life:
  several_rows: true
  state: {column: 状态, table: {已办结: closed, 办理中: open}}
  closed_at: {column: 办结}
  satisfaction: {column: 满意度}
  facts:
    延期: {column: 延期}
  turn:
    unit_name: {column: 承办}
    answered_at: {column: 答复时间}
    reply: {column: 答复}
    rework: {column: 返工}
"""
CELLS = {
    "编号": "A-1",
    "来件": "2020-03-02 09:10",
    "内容": "下水道异味",
    "期限": "2020-03-09",
    "类别": "下水道",
    "是否保密": "否",
    "状态": "已办结",
    "办结": "2020-03-09",
    "满意度": "满意",
    "延期": "-",
    "承办": "住建局",
    "答复时间": "2020-03-06 17:00",
    "答复": "已疏通",
    "返工": "否",
}


@pytest.fixture
def archive(tmp_path: Path) -> Mapping:
    (tmp_path / "archive.yaml").write_text(ARCHIVE, encoding="utf-8")
    mapping, _ = load(tmp_path / "archive.yaml")
    return mapping


def row(line: int = 2, **cells: str) -> Row:
    return Row(line, {**CELLS, **cells})


def life(entry: Entry) -> dict[str, Any]:
    assert entry.life is not None
    return entry.life


def test_a_whole_life_is_carried_in_columns(archive: Mapping) -> None:
    entry = entry_of(row(), archive)
    assert entry.appeal["upstream_due_at"] == "2020-03-09T16:00:00+00:00"
    assert life(entry) == {
        "registered_at": None,
        "closed": True,
        "closed_at": "2020-03-09T16:00:00+00:00",
        "turns": [
            {
                "unit": None,
                "unit_name": "住建局",
                "assigned_at": None,
                "answered_at": "2020-03-06T09:00:00+00:00",
                "reply": "已疏通",
                "rework": 0,
            }
        ],
        "rework": 0,
        "satisfaction": "满意",
        "facts": {},
    }
    assert entry.kept == {"turn": 1, "reply": 1, "satisfaction": 1}


def test_rows_of_one_number_are_turns_of_one_order_wherever_they_stand(archive: Mapping) -> None:
    rows = [row(2), row(3, 编号="A-2"), row(4, 承办="城管局", 答复="", 返工="2", 内容="", 办结="")]
    orders = [order_of(some, archive) for some in gathered(rows, archive)]
    assert [(one.external_id, one.line) for one in orders] == [("A-1", 2), ("A-2", 3)]
    assert [turn["unit_name"] for turn in life(orders[0])["turns"]] == ["住建局", "城管局"]
    assert orders[0].kept["rework"] == 2


def test_rows_that_contradict_one_another_are_refused_together(archive: Mapping) -> None:
    (rows,) = gathered([row(2), row(5, 内容="路灯不亮")], archive)
    with pytest.raises(RowUnusable, match=r"内容: 同一工单各行 \(2, 5\) 不一致"):
        order_of(rows, archive)


@pytest.mark.parametrize("said", ["是", "保密", "机密", "Yes"])
def test_a_row_that_says_confidential_is_refused_for_that(archive: Mapping, said: str) -> None:
    with pytest.raises(RowUnusable, match="是否保密: 来源标明保密"):
        entry_of(row(是否保密=said), archive)


def test_what_may_or_may_not_mean_confidential_is_refused_and_named(archive: Mapping) -> None:
    with pytest.raises(RowUnusable, match="无法判断“内部”是否保密"):
        entry_of(row(是否保密="内部"), archive)
    assert entry_of(row(是否保密="NA"), archive).external_id == "A-1"


def test_a_column_of_confidentiality_is_never_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "silent.yaml"
    file.write_text(ARCHIVE.replace("confidential: {column: 是否保密}\n", ""), encoding="utf-8")
    mapping, places = load(file)
    with pytest.raises(MappingRefused, match="列“是否保密”像是保密标识"):
        check_columns(file, mapping, places, CELLS)
    check_columns(file, mapping.model_copy(update={"ignored": ("是否保密",)}), places, CELLS)


def test_an_open_order_with_an_instant_of_closing_is_refused(archive: Mapping) -> None:
    with pytest.raises(RowUnusable, match="状态为未办结, 却有办结时间"):
        entry_of(row(状态="办理中"), archive)


def test_an_order_closed_without_a_class_needs_none(archive: Mapping) -> None:
    assert entry_of(row(类别="无"), archive).registration is None
    with pytest.raises(RowUnusable, match="类别: 不能为空"):
        entry_of(row(类别="无", 状态="办理中", 办结=""), archive)
