"""How many cases are open, how many clocks run, are about to be overdue, are overdue – by group. Reading only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from libs.directory.rules.naming import Bilingual, Naming
from libs.service.http.answers import DocumentAnswer
from libs.service.http.csv_stream import AsCsv, Column, Wanted, csv_answer
from libs.service.http.dependencies import CallerDep, RuntimeDep
from libs.service.http.freshness import wait_for_position
from libs.service.http.shapes import listed
from services.supervision.api.answers import By, Counts
from services.supervision.api.clock_query import IN_LAMP, ClockFilter, Conditions, get_filter, moment

router = APIRouter(tags=["督办 supervision"])

LAMP = " ".join(["case", *(f"when {text} then '{lamp}'" for lamp, text in IN_LAMP.items()), "end"])
GROUP: Mapping[By, str] = {
    "unit": "c.unit",
    "grid": "c.grid",
    "class": "c.class_code",
    "urgency": "c.urgency",
    "level": "c.supervision_level",
    "lamp": LAMP,
}
COUNTED = f"""
select key, sum(open)::bigint as open, sum(running)::bigint as running, sum(yellow)::bigint as yellow,
       sum(overdue)::bigint as overdue, sum(confirmed)::bigint as confirmed, sum(imported)::bigint as imported
  from (
    select {{group}} as key, {{lit}} as open, count(*) as running,
           count(*) filter (where {IN_LAMP["YELLOW"]}) as yellow,
           count(*) filter (where c.due_at < {{at}}) as overdue,
           count(*) filter (where c.due_at < {{at}} and c.breach_recorded_at is not null) as confirmed,
           count(*) filter (where c.imported) as imported
      {{found}} group by 1
    union all
    select {{case_group}}, count(*), 0, 0, 0, 0, 0 {{open}} group by 1
  ) g group by key order by overdue desc, key
"""  # noqa: S608 - our own names
NUMBERS = ("open", "running", "yellow", "overdue", "confirmed", "unconfirmed", "suspended", "imported")
CSV_COLUMNS = (
    Column("key", "分组"),
    Column("name", "名称"),
    Column("open", "在办案件"),
    Column("running", "计时中"),
    Column("yellow", "即将超期"),
    Column("overdue", "已超期"),
    Column("confirmed", "超期已确认"),
    Column("unconfirmed", "超期未确认"),
    Column("suspended", "挂账"),
    Column("imported", "其中导入"),
)


@router.get("/counts", summary="分组计数 / counts by unit, grid, class, level or lamp", responses=listed(Counts))
async def count_clocks(
    running: RuntimeDep,
    person: CallerDep,
    asked: Annotated[ClockFilter, Depends(get_filter)],
    csv: AsCsv,
    *,
    by: Annotated[By, Query(description="level: 督办级别 / supervision level")] = "unit",
) -> Response:
    """By group, most overdue first, and their sum, exact: `open` cases in whatever state, and of the clock asked for
    those that are `running`, `yellow`, `overdue` = `confirmed` + `unconfirmed`; `imported`: of the running ones, how
    many belong to orders that moved in.
    """
    naming = Naming(person.directory)
    await wait_for_position(running, asked.min_position)
    async with running.pool.acquire() as conn:
        when = await moment(conn, running, person, asked)
        where = Conditions.of(asked, person, when)
        statement = counted(by, where, where.open_cases(asked, person))
        if csv:
            wanted = Wanted(statement, tuple(where.values), lambda row: group_item(row, by, naming))
            return csv_answer(running.pool, f"counts-by-{by}", CSV_COLUMNS, wanted, person=person, fresh=when.fresh)
        groups = [group_item(row, by, naming) for row in await conn.fetch(statement, *where.values)]
    total = {name: sum(one[name] for one in groups) for name in NUMBERS}
    document = {"by": by, "clock": asked.clock, "groups": groups, "total": total, **when.document()}
    return DocumentAnswer(document)


def counted(by: By, clocks: Conditions, cases: Conditions) -> str:
    """The groups of these clocks and of these open cases; by lamp, a case without such a clock has none."""
    group = GROUP[by].format(at=clocks.at)
    if by == "lamp":
        cases.texts.append(f"c.case_id not in (select c.case_id {clocks.found})")
        lit, case_group = "count(distinct c.case_id)", "null"
    else:
        lit, case_group = "0", group
    return COUNTED.format(
        group=group, lit=lit, at=clocks.at, found=clocks.found, case_group=case_group, open=cases.found
    )


def group_item(row: Mapping[str, Any], by: By, naming: Naming) -> dict[str, Any]:
    """One group; nothing can be suspended yet, so no running clock is."""
    key = row["key"]
    numbers = {name: row[name] for name in ("open", "running", "yellow", "overdue", "confirmed", "imported")}
    named = name_of(key, by, naming)
    return {
        "key": key,
        "name": named.zh if named else None,
        **numbers,
        "unconfirmed": row["overdue"] - row["confirmed"],
        "suspended": 0,
    }


def name_of(key: Any, by: By, naming: Naming) -> Bilingual | None:
    """What people call the group."""
    if key is None:
        return None
    match by:
        case "unit":
            return naming.unit(key)
        case "grid":
            return naming.grid(key)
        case "class":
            return naming.matter(key)
        case _:
            return None
