"""One transaction per step of a reader: progress, read model and reactions of its lanes, or nothing of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from libs.events.envelope import Recorded
from libs.log.read.progress import CheckedBatch, Cursor, ProgressMoved, read_cursor
from libs.log.read.reader import BatchPlan, Reader
from libs.log.read.statements import Write
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from tests.integration.logs import NOTED, SOURCE, Log, case_in
from tests.integration.readers import POISON, CannotProject, Noting, seen, taken_from, wire


async def test_of_two_readers_of_one_partition_one_applies_and_the_other_rolls_back(noted_log: Log) -> None:
    await noted_log.append(case_in(40), NOTED, NOTED)
    records = await wire(noted_log, 40)
    async with noted_log.pool.acquire() as one, noted_log.pool.acquire() as zombie:
        taken = await taken_from(one, 40, records)
        await Reader(Noting()).apply(one, [taken])
        with pytest.raises(ProgressMoved):
            await Reader(Noting()).apply(zombie, [taken])
        there = await read_cursor(one, taken.start.partition)
    assert (there.next_offset, there.heads[SOURCE]) == (taken.next_offset, taken.heads[SOURCE])
    assert await seen(noted_log, 40) == [1, 2]


async def test_two_readers_at_the_same_moment_apply_once(noted_log: Log) -> None:
    await noted_log.append(case_in(41), NOTED)
    records = await wire(noted_log, 41)

    async def read() -> None:
        async with noted_log.pool.acquire() as conn:
            await Reader(Noting()).apply(conn, [taken])

    async with noted_log.pool.acquire() as conn:
        taken = await taken_from(conn, 41, records)
    answers = await asyncio.gather(*(read() for _ in range(6)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType", *["ProgressMoved"] * 5]
    assert await seen(noted_log, 41) == [1]


async def test_what_was_read_of_a_read_model_that_has_been_put_in_place_anew_is_not_written(noted_log: Log) -> None:
    await noted_log.append(case_in(39), NOTED)
    records = await wire(noted_log, 39)

    async def written_alone(_: Connection, events: Sequence[Recorded]) -> BatchPlan:
        lane = events[0].position.lane
        return BatchPlan([Write("insert into seen (lane, seq) select $1, 1 where exists (select from moved)", (lane,))])

    async with noted_log.pool.acquire() as conn:
        taken = await taken_from(conn, 39, records)
        await conn.execute("update progress set rebuilt = rebuilt + 1")
        with pytest.raises(ProgressMoved):
            await Reader(written_alone).apply(conn, [taken])
        assert await seen(noted_log, 39) == []
        taken = await taken_from(conn, 39, records)
        await Reader(written_alone).apply(conn, [taken])
        assert await read_cursor(conn, taken.start.partition) == Cursor(taken.start.partition, 1, taken.heads, 1)
    assert await seen(noted_log, 39) == [1]


async def test_a_reader_that_dies_in_its_transaction_leaves_nothing_behind(noted_log: Log) -> None:
    await noted_log.append(case_in(42), NOTED, POISON)
    records = await wire(noted_log, 42)
    async with noted_log.pool.acquire() as conn:
        taken = await taken_from(conn, 42, records)
        with pytest.raises(CannotProject):
            await Reader(Noting()).apply(conn, [taken])
        assert await read_cursor(conn, taken.start.partition) == taken.start
    assert await seen(noted_log, 42) == []


async def test_lanes_taken_together_go_on_together(noted_log: Log) -> None:
    steps = await taken_of(noted_log, 33, 34)
    async with noted_log.pool.acquire() as conn:
        await Reader(Noting()).apply(conn, steps)
        assert [await read_cursor(conn, step.start.partition) for step in steps] == [step.end for step in steps]
    assert (await seen(noted_log, 33), await seen(noted_log, 34)) == ([1, 2], [1, 2])


async def test_where_one_lane_of_several_has_moved_none_of_them_is_written(noted_log: Log) -> None:
    steps = await taken_of(noted_log, 35, 36)
    async with noted_log.pool.acquire() as conn:
        await Reader(Noting()).apply(conn, [steps[0]])
        with pytest.raises(ProgressMoved):
            await Reader(Noting()).apply(conn, steps)
        assert await read_cursor(conn, steps[1].start.partition) == steps[1].start
    assert (await seen(noted_log, 35), await seen(noted_log, 36)) == ([1, 2], [])


async def test_who_takes_several_lanes_gives_up_soon_where_one_of_them_is_held(noted_log: Log) -> None:
    """Or those who write to the others would wait with it."""
    async with noted_log.pool.acquire() as holder, noted_log.pool.acquire() as reader:
        async with holder.transaction():
            await event_store.lock_lane(holder, 8)
            with pytest.raises(asyncpg.LockNotAvailableError):
                await event_store.lock_lanes(reader, {9, 7, 8})
        await event_store.lock_lanes(reader, {9, 7, 8})


async def taken_of(log: Log, *lanes: int) -> list[CheckedBatch]:
    """Two events in each of these lanes, read and not applied yet."""
    for lane in lanes:
        await log.append(case_in(lane), NOTED, NOTED)
    async with log.pool.acquire() as conn:
        return [await taken_from(conn, lane, await wire(log, lane)) for lane in lanes]
