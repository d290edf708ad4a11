"""Event table → Kafka on real servers: nothing skipped, nothing reordered, duplicates only identical."""

from __future__ import annotations

import asyncio

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.log.relay.relay import AFTER_POSITION, BATCH, BATCH_BYTES, CHAIN_BYTES
from operations.embedded.stack import Stack
from tests.integration.logs import (
    NOTED,
    SOURCE,
    Log,
    append,
    assert_published,
    case_in,
    eventually,
    read_lane,
    written_to,
)
from tests.integration.relays import caught_up, relaying


async def test_what_is_committed_is_published_byte_for_byte_in_order(relayed_log: Log) -> None:
    log, lanes = relayed_log, (1, 2, 3, 4)
    cases = [case_in(lane) for lane in lanes * 3]
    async with relaying(log, lanes) as relay:
        for case_id in cases:
            await log.append(case_id, NOTED, NOTED)
        await caught_up(log, relay, *lanes)
    for lane in lanes:
        await assert_published(log, lane)


async def test_the_key_of_a_record_is_its_case(relayed_log: Log) -> None:
    log, case_id = relayed_log, case_in(11)
    await log.append(case_id)
    async with relaying(log, [11]) as relay:
        await caught_up(log, relay, 11)
    tp = TopicPartition("case.events", 11)
    async with AIOKafkaConsumer(bootstrap_servers=log.bootstrap, enable_auto_commit=False) as consumer:
        consumer.assign([tp])
        consumer.seek(tp, log.starts[11])
        record = await consumer.getone(tp)
    assert record.key == case_id.encode()


async def test_a_relay_that_starts_again_sends_nothing_twice(relayed_log: Log) -> None:
    """The reader's progress did not move meanwhile, so the position is found in the log itself."""
    log = relayed_log
    case_id = case_in(12)
    for _ in range(3):
        await log.append(case_id, NOTED, NOTED)
        async with relaying(log, [12]) as relay:
            await caught_up(log, relay, 12)
    await assert_published(log, 12)


async def test_a_rolled_back_append_is_never_published(relayed_log: Log) -> None:
    log, case_id = relayed_log, case_in(13)
    async with relaying(log, [13]) as relay:
        async with log.pool.acquire() as conn:
            undone = conn.transaction()
            await undone.start()
            await append(conn, case_id)
            await undone.rollback()
        await log.append(case_id)
        await caught_up(log, relay, 13)
    await assert_published(log, 13)
    assert len(await read_lane(log, 13)) == 1


async def test_the_largest_body_passes_and_few_of_them_are_in_memory_at_once(relayed_log: Log) -> None:
    log, case_id = relayed_log, case_in(14)
    largest = NOTED.model_copy(update={"alternative": "x" * 262_000})
    await log.append(case_id, largest, largest, largest, largest, largest, largest)
    assert len(await log.pool.fetch(AFTER_POSITION, [14], [0], BATCH, BATCH_BYTES, CHAIN_BYTES)) == 1
    async with relaying(log, [14]) as relay:
        await caught_up(log, relay, 14)
    await assert_published(log, 14)


async def test_lanes_of_another_worker_are_left_alone(relayed_log: Log) -> None:
    log = relayed_log
    async with relaying(log, [15, 16]) as relay:
        await log.append(case_in(15))
        await caught_up(log, relay, 15, 16)
        relay.assign([16])
        await log.append(case_in(15))
        await log.append(case_in(16))
        await caught_up(log, relay, 16)
        assert 15 not in relay.positions
    assert (len(await read_lane(log, 15)), len(await read_lane(log, 16))) == (1, 1)


async def test_a_lane_that_is_taken_away_while_its_rows_are_read_is_not_sent(relayed_log: Log) -> None:
    """The reading waits for the table, so that the lane goes and comes back just then."""
    log = relayed_log
    owner = await asyncpg.connect(log.admin_url)
    async with relaying(log, [26]) as relay:
        await caught_up(log, relay, 26)
        async with owner.transaction():
            await owner.execute("lock table log.event")
            await append(owner, case_in(26))

            async def relay_waits() -> bool:
                waiting = "select true from pg_locks where not granted and relation = 'log.event'::regclass"
                return bool(await owner.fetchval(waiting))

            await eventually(relay_waits, "the relay reads")
            relay.assign([])
        await eventually(lambda: not relay.wake.is_set(), "the relay has looked again")
        assert await read_lane(log, 26) == []
        relay.assign([26])
        await caught_up(log, relay, 26)
    await owner.close()
    await assert_published(log, 26)


async def test_two_relays_at_once_only_repeat_each_other(relayed_log: Log) -> None:
    """A zombie that still sends while the new holder does: identical records twice, which every reader drops."""
    log, cases = relayed_log, [case_in(17) for _ in range(5)]
    async with relaying(log, [17]) as one, relaying(log, [17]) as other:
        for turn in range(40):
            await log.append(cases[turn % 5])
        await caught_up(log, one, 17)
        await caught_up(log, other, 17)
    await assert_published(log, 17, duplicates=40)


async def test_a_log_that_lost_its_tail_is_filled_again_in_order(relayed_log: Log) -> None:
    """The reader's progress lies beyond the end of the partition, so the broker lost what it had acknowledged."""
    log = relayed_log
    lane = log.new_lane
    await two_were_read_and_lost(log, lane, next_offset=50)
    await log.append(case_in(lane))
    async with relaying(log, [lane]) as relay:
        await caught_up(log, relay, lane)
    await assert_published(log, lane)


async def test_a_log_that_lost_its_tail_and_grew_again_beyond_the_progress_is_filled_again(relayed_log: Log) -> None:
    """Others were faster: where the reader's last record stood there is another one now."""
    log = relayed_log
    lane = log.new_lane
    await two_were_read_and_lost(log, lane, next_offset=2)
    async with AIOKafkaProducer(bootstrap_servers=log.bootstrap) as other:
        for _ in range(3):
            await other.send_and_wait("case.events", b"{}", partition=lane, headers=[("ce_source", b"/xunban/routing")])
    await log.append(case_in(lane))
    async with relaying(log, [lane]) as relay:
        await caught_up(log, relay, lane)
    assert [record.position.seq for record in await read_lane(log, lane, after=3)] == [1, 2, 3]


async def test_the_relay_outlives_its_databases_restart(relayed_log: Log) -> None:
    log = relayed_log
    async with relaying(log, [25]) as relay:
        await log.append(case_in(25))
        await caught_up(log, relay, 25)
        owner = await asyncpg.connect(log.admin_url)
        await owner.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
        )
        await append(owner, case_in(25))
        await owner.close()
        await caught_up(log, relay, 25)
    await assert_published(log, 25)


async def test_what_is_committed_while_the_broker_is_away_follows_when_it_is_back(
    servers: Stack, relayed_log: Log
) -> None:
    """Writers never stop; the broker goes in the middle of their events and comes back."""
    log, lanes = relayed_log, (30, 31, 32)
    async with relaying(log, lanes) as relay:
        async with written_to(log, lanes):
            await eventually(lambda: relay.sent > 50, "events flow")
            await asyncio.to_thread(servers.kill_broker)
            before = [await log.seq(lane) for lane in lanes]

            async def all_wrote_on() -> bool:
                return all([await log.seq(lane) > seq + 20 for lane, seq in zip(lanes, before, strict=True)])

            await eventually(all_wrote_on, "commands are accepted without a broker")
            await asyncio.to_thread(servers.start_broker)
        await caught_up(log, relay, *lanes)
        senders = [task for task in asyncio.all_tasks() if "_sender_routine" in repr(task.get_coro())]
        assert len(senders) == 1, "a producer of before the outage is still at work"
    for lane in lanes:
        await assert_published(log, lane, duplicates=500)


async def two_were_read_and_lost(log: Log, lane: int, next_offset: int) -> None:
    """The reader has two events of the lane and stands at this offset; the log never had them."""
    await log.append(case_in(lane), NOTED, NOTED)
    head = (await log.chain(lane))[-1]["hash"]
    await log.pool.execute("update read.progress set next_offset = $1 where partition = $2", next_offset, lane)
    moved = "update read.source_progress set seq = 2, hash = $1 where lane = $2 and source = $3"
    await log.pool.execute(moved, head, lane, SOURCE)
