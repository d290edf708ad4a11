"""Rows of files as they come – plain, zipped, workbook – and what is sent of each, or why nothing is."""

import gzip
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import openpyxl
import pytest
import xlwt
from openpyxl.worksheet.formula import ArrayFormula

from importing.cells import RowUnusable
from importing.counting import records
from importing.entries import Entry, entry_of
from importing.loading import load
from importing.mapping import Mapping, Source
from importing.rows import (
    Row,
    columns,
    read,
)
from importing.sheets import FileUnreadable
from importing.survey import survey
from operations.installation import ROOT

EXAMPLES = ROOT / "examples" / "mappings"
TOWN, _ = load(EXAMPLES / "town.yaml")
BOSTON, _ = load(EXAMPLES / "boston.yaml")
CELLS = {
    "编号": "SS-1",
    "来电时间": "2026-11-02 09:10:00",
    "渠道": "电话",
    "类别": "下水道",
    "内容": "下水道异味",
    "网格": "G03",
    "地址": "绥山路 12 号",
    "姓名": "张三示例",
    "电话": "13800000000",
    "答复期限": "",
}
BOSTON_CELLS = {
    "case_enquiry_id": "1",
    "open_dt": "2011-07-01 08:00:00",
    "target_dt": "",
    "source": "Constituent Call",
    "type": "Pothole",
    "case_title": "A hole",
    "department": "PWDx",
    "longitude": "-71.06",
    "latitude": "42.36",
}


def town(**cells: str) -> Entry:
    return entry_of(Row(2, {**CELLS, **cells}), TOWN)


def boston(**cells: str) -> Entry:
    return entry_of(Row(2, {**BOSTON_CELLS, **cells}), BOSTON)


def test_row_becomes_an_appeal_and_its_registration() -> None:
    entry = town(答复期限="2026-11-09 18:00:00")
    assert entry.received_at == datetime(2026, 11, 2, 1, 10, tzinfo=UTC)
    assert entry.appeal == {
        "case_id": entry.case_id,
        "external_id": "SS-1",
        "channel": "phone",
        "kind": "complaint",
        "content": "下水道异味",
        "place": {"grid": "G03", "longitude": None, "latitude": None, "address": "绥山路 12 号"},
        "reporter_name": "张三示例",
        "reporter_phone": "13800000000",
        "found_by": None,
        "upstream_due_at": "2026-11-09T10:00:00+00:00",
    }
    assert entry.registration == {
        "class_code": "sewer-odour",
        "urgency": "U3",
        "kind": None,
        "filing_condition": None,
    }


def test_case_of_a_row_follows_from_mapping_and_external_id_alone() -> None:
    assert town().case_id == town(内容="另一段文字").case_id
    assert town().case_id != town(编号="SS-2").case_id
    assert town().case_id != entry_of(Row(2, CELLS), TOWN.model_copy(update={"name": "other"})).case_id


def test_code_outside_its_table_is_refused_and_named() -> None:
    with pytest.raises(RowUnusable) as refused:
        town(渠道="传真")
    assert str(refused.value) == "渠道: 代码表中没有此代码“传真” / the code '传真' is not in the table"


def test_code_outside_its_table_takes_the_default_where_there_is_one() -> None:
    assert boston(source="Twitter").appeal["channel"] == "import"


def test_empty_cell_of_a_needed_field_is_refused() -> None:
    with pytest.raises(RowUnusable, match="内容: 不能为空"):
        town(内容="  ")


@pytest.mark.parametrize("written", ["13800000000/61", "1380000000", "138****0000", "请联系物业"])
def test_telephone_that_nobody_can_call_is_refused_with_its_column_and_not_repeated(written: str) -> None:
    with pytest.raises(RowUnusable, match="转801") as refused:
        town(电话=written)
    assert str(refused.value).startswith("电话: ")
    assert written not in str(refused.value)


@pytest.mark.parametrize("written", ["张三丰示例", "SS 1", "SS-1；SS-2", "1" * 65])
def test_id_that_is_a_text_is_refused_with_its_column(written: str) -> None:
    with pytest.raises(RowUnusable, match="编号: 编号只能含字母"):
        town(编号=written)


@pytest.mark.parametrize("written", ["无", "-", "——", "N/A", "未留", " / ", "ＮＵＬＬ"])
def test_what_is_written_where_nobody_left_a_telephone_is_none(written: str) -> None:
    assert town(电话=written).appeal["reporter_phone"] is None


def test_telephone_is_sent_as_it_was_written() -> None:
    written = "13800000000转801（3号楼502）"
    assert town(电话=written).appeal["reporter_phone"] == written


def test_instant_that_is_none_is_refused() -> None:
    with pytest.raises(RowUnusable, match="答复期限: 不是有效时间"):
        town(答复期限="2026-13-01")


def test_hour_that_occurs_twice_is_taken_as_its_first_one() -> None:
    assert boston(open_dt="2011-11-06 01:30:00").received_at == datetime(2011, 11, 6, 5, 30, tzinfo=UTC)


def test_point_is_sent_as_whole_numbers_and_wins_over_the_grid() -> None:
    point = {"grid": None, "longitude": -710_600_000, "latitude": 423_600_000, "address": None}
    assert boston().appeal["place"] == point


def test_a_file_says_in_which_datum_its_points_are_measured() -> None:
    fields = BOSTON.appeal.model_copy(update={"place": BOSTON.appeal.place.model_copy(update={"datum": "GCJ02"})})
    entry = entry_of(Row(2, BOSTON_CELLS), BOSTON.model_copy(update={"appeal": fields}))
    assert entry.appeal["place"]["datum"] == "GCJ02"
    assert "datum" not in boston().appeal["place"]


def test_half_a_point_is_no_point() -> None:
    nowhere: dict[str, Any] = {"grid": "BOS", "longitude": None, "latitude": None, "address": None}
    assert boston(latitude="").appeal["place"] == nowhere


@pytest.mark.parametrize("cell", ["north", "NaN", "Infinity"])
def test_degrees_that_are_no_number_are_refused(cell: str) -> None:
    with pytest.raises(RowUnusable, match="latitude: 不是有效经纬度"):
        boston(latitude=cell)


def test_row_with_another_number_of_cells_is_refused() -> None:
    with pytest.raises(RowUnusable, match="列数与表头不符"):
        entry_of(Row(2, CELLS, whole=False), TOWN)


def test_line_of_a_row_is_the_one_on_which_it_begins() -> None:
    rows = list(read(EXAMPLES / "town.csv", TOWN))
    assert [row.line for row in rows] == [2, 3, 4, 5]
    assert rows[3].values["内容"] == "雨后下水道返水,\n影响出行"


def test_zipped_file_reads_like_the_plain_one(tmp_path: Path) -> None:
    zipped = tmp_path / "town.csv.gz"
    zipped.write_bytes(gzip.compress((EXAMPLES / "town.csv").read_bytes()))
    assert list(read(zipped, TOWN)) == list(read(EXAMPLES / "town.csv", TOWN))


def test_workbook_reads_like_text(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(list(CELLS))
    typed = {"来电时间": datetime(2026, 11, 2, 9, 10), "电话": 13800000000.0, "答复期限": None}  # noqa: DTZ001
    sheet.append(list({**CELLS, **typed}.values()))
    sheet.append([])
    sheet.append(["SS-2", "", "传真"])
    book.save(tmp_path / "town.xlsx")
    rows = list(read(tmp_path / "town.xlsx", TOWN))
    assert rows[0] == Row(2, CELLS)
    assert [row.line for row in rows] == [2, 4]


def test_workbook_without_the_sheet_is_refused(tmp_path: Path) -> None:
    openpyxl.Workbook().save(tmp_path / "town.xlsx")
    wanted: Mapping = TOWN.model_copy(update={"sheet": "来件"})
    with pytest.raises(FileUnreadable, match="没有工作表"):
        columns(tmp_path / "town.xlsx", wanted)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'"open'])
def test_file_that_cannot_be_read_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(FileUnreadable):
        columns(tmp_path / "bad.csv", TOWN)


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_the_header_stands_where_the_mapping_says_and_above_it_a_title(tmp_path: Path, suffix: str) -> None:
    file, titled = tmp_path / f"calls.{suffix}", TOWN.model_copy(update={"header": 3})
    lines = [["绥山镇 12345 工单, 十一月"], [], [*CELLS], [*CELLS.values()]]
    if suffix == "csv":
        file.write_text("".join(",".join(line) + "\n" for line in lines), "utf-8")
    else:
        book = openpyxl.Workbook()
        sheet = book.create_sheet("calls", 0)
        for line in lines:
            sheet.append(line)
        book.save(file)
    assert columns(file, titled) == [*CELLS]
    assert [(row.line, row.values, row.whole) for row in read(file, titled)] == [(4, CELLS, True)]


def test_a_cell_merged_over_several_rows_is_meant_in_each_of_them(tmp_path: Path) -> None:
    file, book = tmp_path / "calls.xlsx", openpyxl.Workbook()
    sheet = book.create_sheet("calls", 0)
    sheet.append([*CELLS])
    for number in (1, 2, 3):
        sheet.append([*(CELLS | {"编号": f"SS-{number}", "地址": f"绥山路 {number} 号"}).values()])
    sheet.append([*(CELLS | {"编号": "SS-4", "地址": ""}).values()])
    column = [*CELLS].index("地址") + 1
    sheet.merge_cells(start_row=2, end_row=4, start_column=column, end_column=column)
    sheet.merge_cells(start_row=5, end_row=9, start_column=1, end_column=1)
    book.save(file)
    assert [row.values["地址"] for row in read(file, TOWN)] == ["绥山路 1 号"] * 3 + [""]


def test_a_file_of_refused_rows_begins_with_its_header_whatever_stood_above_it(tmp_path: Path) -> None:
    file, titled = tmp_path / "errors.csv", TOWN.model_copy(update={"header": 3})
    names = [*CELLS, "error_line", "error_reason"]
    file.write_text(",".join(names) + "\n" + ",".join([*CELLS.values(), "4", "x"]) + "\n", "utf-8")
    assert columns(file, titled) == [*CELLS]
    assert [row.values["编号"] for row in read(file, titled)] == ["SS-1"]


def test_file_of_errors_is_read_without_its_own_columns(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("编号,error_line,error_reason\n1,7,why\n", encoding="utf-8")
    assert columns(tmp_path / "e.csv", TOWN) == ["编号"]


# Spreadsheets that lie


def workbook(path: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    for row in ([*CELLS], *rows):
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)
    return path


def with_cell(**changed: Any) -> list[Any]:
    return [changed.get(name, value) for name, value in CELLS.items()]


def refused(file: Path, mapping: Mapping = TOWN) -> list[str | None]:
    """Why each row cannot be sent; None for one that can."""
    found: list[str | None] = []
    for row in read(file, mapping):
        try:
            entry_of(row, mapping)
            found.append(None)
        except RowUnusable as why:
            found.append(str(why).partition(":")[0])
    return found


def test_a_number_whose_digits_a_spreadsheet_dropped_is_no_name(tmp_path: Path) -> None:
    long = [with_cell(编号=20261127000000012345), with_cell(编号=20261127000000012399), with_cell(编号=2026112700001)]
    assert refused(workbook(tmp_path / "ids.xlsx", *long)) == ["编号", "编号", None]
    dropped = {"编号": "20261127000000000000"}
    for cells, named in (({"编号": "2.02611E+19"}, "编号"), (dropped, "编号"), ({"电话": "1.38E+10"}, "电话")):
        with pytest.raises(RowUnusable, match=named):
            town(**cells)


@pytest.mark.parametrize(
    "cell", ["=B2+5", "=NA()", "#NAME?", "#N/A", "#SPILL!", "#GETTING_DATA", "Err:508", "########"]
)
def test_a_cell_that_looks_filled_and_holds_nothing_is_named(tmp_path: Path, cell: str) -> None:
    file = workbook(tmp_path / "formulas.xlsx", with_cell(答复期限=cell), with_cell(内容=cell), with_cell())
    assert refused(file) == ["答复期限", "内容", None]


def test_a_formula_over_several_cells_without_a_result_is_no_empty_cell(tmp_path: Path) -> None:
    file = workbook(tmp_path / "array.xlsx", with_cell(地址=ArrayFormula("D2:D3", "=UPPER(D4:D5)")), with_cell())
    assert refused(file)[0] == "地址"


@pytest.mark.parametrize("text", ["#3号楼", "12#", "#A", "Error", "=="])
def test_a_text_with_such_a_sign_is_a_text(text: str) -> None:
    assert town(内容=text).appeal["content"] == text


def test_what_a_workbook_writes_of_a_line_end_is_a_line_end(tmp_path: Path) -> None:
    (row,) = read(workbook(tmp_path / "lines.xlsx", with_cell(内容="一_x000D_\n二")), TOWN)
    assert row.values["内容"] == "一\r\n二"


@pytest.mark.parametrize(
    "at", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "9999-12-31 23:59:59", "2026-11-02 09:09:00"]
)
def test_an_impossible_deadline_is_refused_with_its_row(at: str) -> None:
    with pytest.raises(RowUnusable):
        town(答复期限=at)


def test_a_file_that_says_that_it_is_utf8_is_read_so_whatever_the_mapping_says(tmp_path: Path) -> None:
    file = tmp_path / "refused.csv"
    file.write_text(",".join(CELLS) + "\n" + ",".join(CELLS.values()) + "\n", encoding="utf-8-sig")
    (row,) = read(file, TOWN.model_copy(update={"encoding": "cp1252"}))
    assert row.values == CELLS


@pytest.mark.parametrize("content", [b"no zip at all", b"PK\x03\x04 cut", b""])
def test_a_workbook_that_is_none_is_said_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "broken.xlsx"
    file.write_bytes(content)
    with pytest.raises(FileUnreadable):
        list(read(file, TOWN))


def test_broken_gzip_is_said_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv.gz"
    whole = gzip.compress((",".join(CELLS) + "\n").encode() * 500)
    for broken in (whole[:-12], whole[:20] + b"\xff" * 40 + whole[60:], b"\x1f\x8b nothing"):
        file.write_bytes(broken)
        with pytest.raises(FileUnreadable):
            list(read(file, TOWN))


def test_a_file_that_unpacks_to_one_endless_line_ends_where_nobody_writes_on(tmp_path: Path) -> None:
    file = tmp_path / "bomb.csv.gz"
    file.write_bytes(gzip.compress(b"x" * 40_000_000))
    tracemalloc.start()
    with pytest.raises(FileUnreadable):
        list(read(file, TOWN))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_a_workbook_that_unpacks_to_thousands_of_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    file = workbook(tmp_path / "bomb.xlsx", with_cell())
    with ZipFile(file, "a", ZIP_DEFLATED) as parts:
        parts.writestr("xl/more.xml", b" " * 70_000_000)
    with pytest.raises(FileUnreadable):
        list(read(file, TOWN))


def test_one_lonely_cell_at_the_end_of_a_sheet_is_no_million_of_rows(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in ([*CELLS], with_cell()):
        sheet.append(row)
    sheet["XFD1048576"] = "x"
    book.save(tmp_path / "lonely.xlsx")
    assert len(list(read(tmp_path / "lonely.xlsx", TOWN))) == 1


# What real files have


def test_true_dates_and_dates_as_text_stand_in_one_column(tmp_path: Path) -> None:
    fields = TOWN.appeal.model_copy(update={"upstream_due_at": Source(column="答复期限", format="%Y/%m/%d %H:%M")})
    mapping = TOWN.model_copy(update={"appeal": fields})
    file = workbook(
        tmp_path / "dates.xlsx",
        with_cell(编号="SS-1", 答复期限=datetime(2026, 11, 9, 18, 0)),  # noqa: DTZ001
        with_cell(编号="SS-2", 答复期限="2026/11/09 18:00"),
    )
    assert [entry_of(row, mapping).appeal["upstream_due_at"] for row in read(file, mapping)] == [
        "2026-11-09T10:00:00+00:00"
    ] * 2


@pytest.mark.parametrize("written", ["2026-11-09", "2026-11-09 "])
def test_a_deadline_without_a_time_is_the_end_of_that_day(written: str) -> None:
    assert town(答复期限=written).appeal["upstream_due_at"] == "2026-11-09T16:00:00+00:00"


def test_a_mapping_says_otherwise_what_a_date_without_a_time_means() -> None:
    due = Source(column="答复期限", format="%Y/%m/%d", date_only="start")
    mapping = TOWN.model_copy(update={"appeal": TOWN.appeal.model_copy(update={"upstream_due_at": due})})
    entry = entry_of(Row(2, {**CELLS, "答复期限": "2026/11/09"}), mapping)
    assert entry.appeal["upstream_due_at"] == "2026-11-08T16:00:00+00:00"
    assert town(来电时间="2026-11-02").received_at == datetime(2026, 11, 1, 16, tzinfo=UTC)


def test_a_date_of_a_sheet_that_shows_no_time_has_none(tmp_path: Path) -> None:
    file = workbook(tmp_path / "dates.xlsx", with_cell(), with_cell(编号="SS-2"))
    book = openpyxl.load_workbook(file)
    for line, shown in ((2, "yyyy-mm-dd"), (3, "yyyy-mm-dd hh:mm")):
        cell: Any = book.worksheets[0].cell(line, [*CELLS].index("答复期限") + 1)
        cell.value, cell.number_format = datetime(2026, 11, 9), shown  # noqa: DTZ001
    book.save(file)
    assert [entry_of(row, TOWN).appeal["upstream_due_at"] for row in read(file, TOWN)] == [
        "2026-11-09T16:00:00+00:00",
        "2026-11-08T16:00:00+00:00",
    ]


@pytest.mark.parametrize("written", ["NA", "-", "无", "N/A", "——"])
def test_what_is_written_where_there_is_nothing_is_nothing(written: str) -> None:
    entry = town(答复期限=written, 地址=written, 姓名=written)
    assert (entry.appeal["upstream_due_at"], entry.appeal["place"]["address"]) == (None, None)
    assert entry.appeal["reporter_name"] is None
    assert town(内容=written).appeal["content"] == written


def test_columns_that_stand_twice_matter_where_the_mapping_asks_for_them(tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    file.write_text(",".join([*CELLS, "备注", "备注"]) + "\n" + ",".join([*CELLS.values(), "一", "二"]) + "\n", "utf-8")
    assert columns(file, TOWN) == [*CELLS, "备注", "备注 (2)"]
    assert [(row.values["备注"], row.values["备注 (2)"], row.whole) for row in read(file, TOWN)] == [("一", "二", True)]
    file.write_text(",".join([*CELLS, "内容"]) + "\n", "utf-8")
    with pytest.raises(FileUnreadable, match="列名重复"):
        columns(file, TOWN)


def test_notes_right_of_the_header_of_a_sheet_belong_to_no_row(tmp_path: Path) -> None:
    file = workbook(tmp_path / "notes.xlsx", [*with_cell(), "", "请核对"], with_cell(编号="SS-2"))
    assert [(entry_of(row, TOWN).external_id, row.noted) for row in read(file, TOWN)] == [
        ("SS-1", True),
        ("SS-2", False),
    ]
    assert next(survey(file, TOWN).told()).endswith("1 行 / rows")


def test_an_old_workbook_reads_like_a_new_one(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("来件")
    cells: list[list[Any]] = [[*CELLS], with_cell(电话=13800000000.0), [], with_cell(编号=20261127000000012345.0)]
    cells[1][[*CELLS].index("答复期限")] = datetime(2026, 11, 9)  # noqa: DTZ001
    for line, row in enumerate(cells):
        for column, value in enumerate(row):
            style = xlwt.easyxf(num_format_str="YYYY-MM-DD" if isinstance(value, datetime) else "General")
            sheet.write(line, column, value, style)
    sheet.write(1, len(CELLS) + 1, "请核对")
    book.save(str(tmp_path / "old.xls"))
    rows = list(read(tmp_path / "old.xls", TOWN))
    assert [(row.line, row.noted) for row in rows] == [(2, True), (4, False)]
    assert entry_of(rows[0], TOWN).appeal["upstream_due_at"] == "2026-11-09T16:00:00+00:00"
    assert rows[0].values["电话"] == "13800000000"
    assert refused(tmp_path / "old.xls") == [None, "编号"]
    assert records(tmp_path / "old.xls", TOWN) == 2


def test_an_old_workbook_that_is_none_is_said_in_one_line(tmp_path: Path) -> None:
    for content in (b"<html><table></table></html>", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 cut", b""):
        (tmp_path / "old.xls").write_bytes(content)
        with pytest.raises(FileUnreadable):
            columns(tmp_path / "old.xls", TOWN)


def test_codes_that_no_table_has_are_told_once_with_how_often(tmp_path: Path) -> None:
    file = workbook(tmp_path / "codes.xlsx", *[with_cell(编号=f"SS-{n}", 渠道="传真") for n in range(3)], with_cell())
    assert [line.rpartition(": ")[2] for line in survey(file, TOWN).told()] == ["“传真” ×3"]


# Counted without the reader


def test_records_are_counted_without_the_reader(tmp_path: Path) -> None:
    for file in (EXAMPLES / "town.csv", workbook(tmp_path / "a.xlsx", with_cell(), [], ["", None], with_cell())):
        assert records(file, TOWN) == len(list(read(file, TOWN)))
    odd = tmp_path / "odd.csv"
    lines = ["绥山镇", "", "编号,内容", '1,"一\n二""三,"', ",", '"",""', "", '2,5" 管', '3,"\n"', '4,""""', "5,x"]
    odd.write_bytes("\r\n".join(lines).encode())
    titled = TOWN.model_copy(update={"header": 3})
    assert records(odd, titled) == len(list(read(odd, titled))) == 5
    zipped = tmp_path / "odd.csv.gz"
    zipped.write_bytes(gzip.compress(odd.read_bytes()))
    assert records(zipped, titled) == 5
