"""Heartbeats on a real PostgreSQL: a lane's watermark is a promise that no stalled writer can break."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from libs.log.watermarks.watermark import Beat, Watermarks, touch_lanes
from tests.integration.logs import MORNING, SOURCE, Log, append, case_in

HOUR = timedelta(hours=1)
LANES = (1, 2, 3)


async def test_no_event_is_recorded_before_a_watermark_that_did_not_count_it(real_log: Log) -> None:
    """Sixteen writers stall before, within and after their append, some roll back; beats go on all the time."""
    log, beats, working = real_log, list[Beat](), True
    cases = {lane: [case_in(lane) for _ in range(3)] for lane in LANES}

    async def write(writer: int) -> None:
        for turn in range(15):
            lane, stall = LANES[(writer + turn) % 3], (writer * 7 + turn * 3) % 11 / 1000
            async with log.pool.acquire() as conn:
                transaction = conn.transaction()
                await transaction.start()
                await conn.fetchval("select pg_sleep($1)", stall)
                await append(conn, cases[lane][turn % 3])
                await conn.fetchval("select pg_sleep($1)", stall)
                await (transaction.rollback() if (writer + turn) % 5 == 0 else transaction.commit())

    async def beat() -> None:
        async with log.pool.acquire() as conn:
            while working:
                beats.append(await touch_lanes(conn, SOURCE))

    beating = [asyncio.create_task(beat()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(16)))
    working = False
    await asyncio.gather(*beating)
    events = {lane: [(row["seq"], row["recorded_at"]) for row in await log.chain(lane)] for lane in LANES}
    promises = [(lane, seq, at) for said in beats for lane, seq, at in said.lanes if lane in LANES]
    assert len(promises) > 30
    assert any(seq < len(events[lane]) for lane, seq, _ in promises)
    broken = [
        (lane, seq, at, later)
        for lane, seq, at in promises
        for number, later in events[lane][seq:]
        if number > seq and later < at
    ]
    assert broken == []


async def test_a_stalled_writer_holds_up_neither_the_beat_nor_any_other_lane(real_log: Log) -> None:
    async with real_log.pool.acquire() as stalled, stalled.transaction():
        await append(stalled, case_in(5))
        async with real_log.pool.acquire() as conn:
            beat = await asyncio.wait_for(touch_lanes(conn, SOURCE), 60)
        assert {lane for lane, _, _ in beat.lanes} == set(range(64)) - {5}


async def test_a_beat_says_what_is_committed_and_when_the_real_clock_read_it(real_log: Log) -> None:
    at = await real_log.append(case_in(6))
    async with real_log.pool.acquire() as conn:
        beat = await touch_lanes(conn, SOURCE)
    (said,) = [(seq, instant) for lane, seq, instant in beat.lanes if lane == 6]
    assert said[0] == at.seq
    assert at.recorded_at < said[1] <= beat.sent


async def test_who_waited_for_its_lane_while_a_beat_was_promised_records_after_the_promise(real_log: Log) -> None:
    async with real_log.pool.acquire() as conn, real_log.pool.acquire() as first, real_log.pool.acquire() as second:
        holding = first.transaction()
        await holding.start()
        await append(first, case_in(10))
        waiting = asyncio.create_task(append(second, case_in(10)))
        await _waits_for_a_lock(real_log)
        beat = await touch_lanes(conn, SOURCE)
        await holding.commit()
        late = await waiting
    assert late.recorded_at >= min(at for _, _, at in beat.lanes)


async def test_a_clock_that_was_set_back_takes_no_promise_back(real_log: Log) -> None:
    admin = await asyncpg.connect(real_log.admin_url)
    ahead = await admin.fetchval("update log.promise set at = clock_timestamp() + interval '1 hour' returning at")
    await admin.close()
    async with real_log.pool.acquire() as conn:
        assert {at for _, _, at in (await touch_lanes(conn, SOURCE)).lanes} == {ahead}
    assert (await real_log.append(case_in(11))).recorded_at == ahead


async def test_advancing_the_manual_clock_touches_every_lane_and_later_events_follow(log: Log) -> None:
    async with log.pool.acquire() as conn:
        beat = await touch_lanes(conn, SOURCE, MORNING + HOUR)
    assert {(lane, at) for lane, _, at in beat.lanes} == {(lane, MORNING + HOUR) for lane in range(64)}
    assert (await log.append(case_in(7))).recorded_at == MORNING + HOUR
    assert (await log.append(case_in(8), given=MORNING)).recorded_at == MORNING + HOUR


async def test_advancing_the_manual_clock_waits_for_a_writer_in_its_lane(log: Log) -> None:
    async with log.pool.acquire() as conn:
        async with log.pool.acquire() as writing, writing.transaction():
            await append(writing, case_in(9), given=MORNING)
            advancing = asyncio.create_task(touch_lanes(conn, SOURCE, MORNING + HOUR))
            done, _ = await asyncio.wait([advancing], timeout=0.2)
            assert not done
            await append(writing, case_in(9), given=MORNING)
        beat = await advancing
    assert (9, 2, MORNING + HOUR) in beat.lanes


async def test_the_manual_clock_never_goes_back(log: Log) -> None:
    async with log.pool.acquire() as conn:
        await touch_lanes(conn, SOURCE, MORNING + HOUR)
        await touch_lanes(conn, SOURCE, MORNING)
        assert await conn.fetchval("select log.business_now()") == MORNING + HOUR


async def test_a_clock_that_runs_by_itself_is_not_advanced(real_log: Log) -> None:
    with pytest.raises(asyncpg.PostgresError, match="only in manual mode"):
        async with real_log.pool.acquire() as conn:
            await touch_lanes(conn, SOURCE, MORNING)


async def test_what_a_reader_knows_is_written_down_and_never_taken_back(log: Log) -> None:
    async def store(hours: int) -> None:
        marks = Watermarks()
        async with log.pool.acquire() as conn:
            marks.at[SOURCE, 4] = marks.sent[SOURCE, 4] = MORNING + hours * HOUR
            marks.moved.add(SOURCE)
            await marks.store(conn)

    await store(2)
    await store(1)
    row = await log.pool.fetchrow("select at, sent from watermark where lane = 4 and source = $1", SOURCE)
    assert (row["at"], row["sent"]) == (MORNING + 2 * HOUR, MORNING + 2 * HOUR)


async def _waits_for_a_lock(log: Log) -> None:
    waiting = "select true from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while not await log.pool.fetchval(waiting):  # noqa: ASYNC110 - what is waited for happens in the server
        await asyncio.sleep(0.01)
