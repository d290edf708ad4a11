"""Intake's read model on a real PostgreSQL: it depends on the events alone, not on how they were cut into batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from sqlalchemy.dialects.postgresql import dialect
from sqlalchemy.schema import CreateTable

from libs.events.contracts import intake
from libs.events.contracts.intake import SeparationViolationAttempted
from libs.events.envelope import Recorded, recorded
from libs.events.event import Event, Sealed
from libs.events.ids import ClassCode, GridCode, PersonId
from libs.events.lanes import decode_meta
from libs.log.read.statements import write
from libs.log.store import event_store
from libs.log.store.event_store import stored_position
from libs.service.worker.projecting import project
from services.intake.main import PARTS
from services.intake.readmodel.tables import TABLES
from tests.integration.logs import NOTED, Log, case_in, drafts_of

SEALED = Sealed(sealed="c/case", type="intake.appeal-received.v1", field="content", nonce="AAAA", data="AAAA")
APPEALED = intake.AppealReceived(
    channel="phone", kind="help", content=SEALED, grid=GridCode("G03"), reporter_kind="ANONYMOUS", external_id="12345-7"
)
REGISTERED = intake.CaseRegistered(
    registered_by=PersonId("zhou-min"),
    kind="help",
    class_code=ClassCode("road-damage"),
    urgency="U3",
    grid=GridCode("G03"),
)
FILLED = ("case_view", *(table.name for table in TABLES))
ATTEMPTED = SeparationViolationAttempted(person=PersonId("li-fang"), command="RegisterCase", rule="SEP-01")


@pytest.fixture
async def log(log: Log) -> Log:
    """A log with intake's own tables."""
    owner = await asyncpg.connect(log.admin_url)
    for table in TABLES:
        created = str(CreateTable(table).compile(dialect=dialect()))  # type: ignore[no-untyped-call]
        await owner.execute(created.replace(f"TABLE {table.name}", f"TABLE read.{table.name}"))
        await owner.execute(f"grant select, insert, update, delete on read.{table.name} to intake")
    await owner.close()
    return log


async def events_of(log: Log, lane: int) -> list[Recorded]:
    rows = await log.chain(lane)
    return [recorded(stored_position(row), decode_meta(row["meta"]), row["body"]) for row in rows]


async def filled(log: Log, batches: Sequence[Sequence[Recorded]]) -> dict[str, list[Any]]:
    """Every row of the read model after these batches, from nothing."""
    async with log.pool.acquire() as conn:
        for table in FILLED:
            await conn.execute(f"delete from {table}")  # noqa: S608
        for batch in batches:
            await write(conn, (await project(conn, PARTS, batch)).writes())
        return {
            table: [dict(row) for row in await conn.fetch(f"select * from {table} order by case_id")]  # noqa: S608
            for table in FILLED
        }


async def test_the_read_model_is_the_same_however_the_log_was_cut(log: Log) -> None:
    cases = [case_in(33) for _ in range(3)]
    story: list[Event] = [APPEALED, REGISTERED, NOTED]
    for event in story:
        for case_id in cases:
            await log.append(case_id, event)
    events = await events_of(log, 33)
    whole = await filled(log, [events])
    assert len(whole["case_view"]) == len(whole["report"]) == len(whole["receipt"]) == 3
    assert await filled(log, [[event] for event in events]) == whole
    assert await filled(log, [events[:4], events[4:5], events[5:]]) == whole


async def test_a_batch_applied_again_changes_nothing(log: Log) -> None:
    case_id = case_in(34)
    await log.append(case_id, APPEALED)
    await log.append(case_id, REGISTERED)
    events = await events_of(log, 34)
    once = await filled(log, [events])
    assert once["case_view"][0]["state"] == "REGISTERED"
    assert await filled(log, [events[:1], events[1:]]) == once


async def test_a_refused_attempt_on_a_case_that_never_was_makes_no_case(log: Log) -> None:
    case_id = case_in(35)
    (made,) = drafts_of(case_id, ATTEMPTED, stream=f"access-{case_id}")
    async with log.pool.acquire() as conn, conn.transaction():
        await event_store.append(conn, f"access-{case_id}", [made], expected=None)
    assert await filled(log, [await events_of(log, 35)]) == {table: [] for table in FILLED}


async def test_a_refused_attempt_leaves_the_case_as_it_was(log: Log) -> None:
    case_id = case_in(36)
    await log.append(case_id, APPEALED)
    before = await filled(log, [await events_of(log, 36)])
    (made,) = drafts_of(case_id, ATTEMPTED, stream=f"access-{case_id}")
    async with log.pool.acquire() as conn, conn.transaction():
        await event_store.append(conn, f"access-{case_id}", [made], expected=None)
    assert await filled(log, [await events_of(log, 36)]) == before
