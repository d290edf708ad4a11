"""Rows of one batch and the statements that write them; no database here."""

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, SmallInteger, Table
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.read.rows import ReadModel, Rows

task = Table(
    "task",
    MetaData(),
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("no", SmallInteger, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("due_at", DateTime(timezone=True)),
    Column("doc", JSONB),
)
mark = Table("mark", MetaData(), Column("case_id", UUID(as_uuid=False), primary_key=True))
ONE = {"case_id": "c-1", "no": 1, "lane": 5, "due_at": None, "doc": {"路": 1}}


def written(rows: Rows) -> list[tuple[Any, ...]]:
    return [(one.sql, *one.values) for one in rows.writes()]


def found(row: dict[str, Any]) -> Rows:
    rows = Rows(task)
    rows.take([{**row, "doc": '{"路": 1}'}])
    return rows


def test_new_rows_are_written_with_one_statement_column_by_column() -> None:
    rows = Rows(task)
    rows.put(ONE)
    ((statement, *columns),) = written(rows)
    assert statement == (
        "insert into task (case_id, no, lane, due_at, doc)"
        " select * from unnest($1::UUID[], $2::SMALLINT[], $3::SMALLINT[], $4::TIMESTAMP WITH TIME ZONE[], $5::JSONB[])"
        " where exists (select from moved)"
    )
    assert columns == [["c-1"], [1], [5], [None], ['{"路":1}']]


def test_a_row_that_was_found_is_updated_where_it_stands() -> None:
    rows = found(ONE)
    rows.change("c-1", 1, lane=6)
    ((statement, *columns),) = written(rows)
    assert statement == (
        "update task t set lane = now.lane, due_at = now.due_at, doc = now.doc"
        " from unnest($1::UUID[], $2::SMALLINT[], $3::SMALLINT[], $4::TIMESTAMP WITH TIME ZONE[], $5::JSONB[])"
        " now(case_id, no, lane, due_at, doc)"
        " where t.case_id = now.case_id and t.no = now.no and exists (select from moved)"
    )
    assert columns == [["c-1"], [1], [6], [None], ['{"路":1}']]


def test_a_row_that_is_put_as_it_was_found_is_not_written() -> None:
    rows = found(ONE)
    rows.change("c-1", 1, lane=6)
    rows.put({**ONE, "doc": {"路": 1}})
    assert written(rows) == []


def test_of_a_journal_nobody_knows_what_is_there_already() -> None:
    for table, action in ((mark, "nothing"), (task, "update set lane = excluded.lane, due_at = excluded.due_at")):
        journal = table.to_metadata(MetaData())
        journal.info["journal"] = True
        rows = Rows(journal)
        rows.put(ONE)
        ((statement, *_),) = written(rows)
        assert f"do {action}" in statement


def test_a_removed_row_is_deleted_by_its_whole_key() -> None:
    rows = Rows(task)
    rows.put(ONE)
    rows.remove("c-1", 1)
    ((statement, *columns),) = written(rows)
    assert statement == (
        "delete from task t using unnest($1::UUID[], $2::SMALLINT[]) gone(case_id, no)"
        " where t.case_id = gone.case_id and t.no = gone.no and exists (select from moved)"
    )
    assert columns == [["c-1"], [1]]


def test_a_row_put_again_after_its_removal_is_written_and_not_deleted() -> None:
    rows = Rows(task)
    rows.remove("c-1", 1)
    rows.put(ONE)
    (only,) = written(rows)
    assert only[0].startswith("insert")


def test_what_did_not_change_is_not_written() -> None:
    assert written(Rows(task)) == []


def test_rows_are_found_by_key_and_by_case() -> None:
    rows = Rows(task)
    rows.put(ONE)
    rows.put({**ONE, "no": 2})
    rows.put({**ONE, "case_id": "c-2"})
    rows.change("c-1", 2, lane=9)
    assert rows.get("c-1", 2) == {**ONE, "no": 2, "lane": 9}
    assert rows.get("c-1", 3) is None
    assert [row["no"] for row in rows.of_case("c-1")] == [1, 2]


class Asked:
    """Takes what would be asked of the database, and finds nothing."""

    def __init__(self) -> None:
        self.questions: list[tuple[Any, ...]] = []

    async def fetchrow(self, *question: Any) -> dict[str, Any]:
        self.questions.append(question)
        return {"directory": 7, "case_view": [], "kept": []}


async def test_all_tables_are_read_at_once_by_case_or_by_lane_and_of_a_journal_nothing() -> None:
    kept = Table("kept", MetaData(), Column("unit", SmallInteger, primary_key=True), Column("lane", SmallInteger))
    entry = Table("entry", MetaData(), Column("case_id", UUID(as_uuid=False), primary_key=True), info={"journal": True})
    conn = Asked()
    model = ReadModel((kept, entry))
    await model.load(conn, ["0191f2a0-0000-7000-8000-000000000001"])
    assert model.directory == 7
    assert conn.questions == [
        (
            "select (select max(version) from directory_fact) as directory,"
            " array(select t from case_view t where case_id = any($1::uuid[])) as case_view,"
            " array(select t from kept t where lane = any($2::smallint[])) as kept",
            ["0191f2a0-0000-7000-8000-000000000001"],
            [56],
        )
    ]
