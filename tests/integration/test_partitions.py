"""Kafka → read model on real servers: once, in order, halting exactly where something is wrong and nowhere else."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from libs.events.contracts import registry
from libs.log.read import partitions
from libs.log.read.progress import Cursor, check_batch, read_cursor
from libs.log.read.reader import Reader
from libs.log.store.event_store import Connection
from tests.integration.logs import MORNING, NOTED, SOURCE, Log, case_in, eventually, read_lane, written_to
from tests.integration.readers import POISON, Noting, has_seen, seen, working
from tests.integration.relays import caught_up, relaying
from tests.keys import KEYS


async def test_every_event_is_applied_once_and_in_order(noted_log: Log) -> None:
    async with working(noted_log, Noting()):
        for _ in range(5):
            await noted_log.append(case_in(43), NOTED, NOTED)
            await noted_log.append(case_in(44), NOTED)
        await has_seen(noted_log, 43, *range(1, 11))
        await has_seen(noted_log, 44, *range(1, 6))


async def test_a_poison_event_halts_its_partition_exactly_there_and_no_other(noted_log: Log) -> None:
    """All of lane 45 is in the topic before anybody reads, so that the poison stands inside a batch."""
    await noted_log.append(case_in(45), NOTED, NOTED, POISON, NOTED)
    async with working(noted_log, Noting()) as worker:
        await eventually(lambda: worker.halted, "the partition halts")
        await has_seen(noted_log, 45, 1, 2)
        await noted_log.append(case_in(45))
        await noted_log.append(case_in(46))
        await has_seen(noted_log, 46, 1)
        assert worker.halted == {TopicPartition("case.events", 45): "poison: CannotProject"}
        assert await seen(noted_log, 45) == [1, 2]
        # Relaying goes on: what stands in the topic is complete whatever a read model makes of it.
        await eventually(lambda: worker.relay.positions[45] == 5, "the lane is relayed to its end")


async def test_a_poison_event_among_lanes_that_were_fetched_together_halts_its_own(noted_log: Log) -> None:
    lanes = range(11, 20)
    for lane in lanes:
        await noted_log.append(case_in(lane), POISON if lane == 14 else NOTED)
    async with working(noted_log, Noting()) as worker:
        for lane in set(lanes) - {14}:
            await has_seen(noted_log, lane, 1)
        await eventually(lambda: worker.halted, "the partition halts")
        assert worker.halted == {TopicPartition("case.events", 14): "poison: CannotProject"}
        await noted_log.append(case_in(15), NOTED)
        await has_seen(noted_log, 15, 1, 2)
        assert await seen(noted_log, 14) == []


async def test_a_type_newer_than_the_code_halts_until_the_code_knows_it(
    noted_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await noted_log.append(case_in(47), NOTED)
    await noted_log.append(case_in(47), NOTED)
    known = registry.TYPES.pop(NOTED.ce_type)
    try:
        async with working(noted_log, Noting()) as worker:
            await eventually(lambda: worker.halted, "the partition halts")
            assert await seen(noted_log, 47) == []
            assert list(worker.halted.values()) == [f"UnknownEvent: {NOTED.ce_type}"]
    finally:
        registry.TYPES[NOTED.ce_type] = known
    async with working(noted_log, Noting()):
        await has_seen(noted_log, 47, 1, 2)


async def test_what_the_work_needs_may_be_away_for_a_while(noted_log: Log) -> None:
    work = Noting(away=True)
    async with working(noted_log, work) as worker:
        await noted_log.append(case_in(51))
        await eventually(lambda: worker.relay.positions.get(51) == 1, "the event is in the topic")
        assert await seen(noted_log, 51) == []
        work.away = False
        await has_seen(noted_log, 51, 1)
        assert worker.halted == {}


async def test_a_heartbeat_that_nobody_can_read_is_passed_over(noted_log: Log) -> None:
    async with working(noted_log, Noting()) as worker:
        async with AIOKafkaProducer(bootstrap_servers=noted_log.bootstrap) as intruder:
            for value in (b"", b"[]", b"{", b'{"source": "/xunban/intake"}', None):
                await intruder.send_and_wait("log.heartbeats", value, key=b"/xunban/nobody")
        at = await noted_log.append(case_in(52))
        await eventually(lambda: worker.watermarks.sent.get((SOURCE, 52)) is not None, "a true beat counts")
        await eventually(lambda: worker.watermarks.applied[SOURCE, 52] == at.seq, "the event is applied")


async def test_lanes_move_to_a_second_worker_and_back_and_nothing_is_lost_or_doubled(noted_log: Log) -> None:
    """Writers go on while a worker joins and while one of the two goes away without a word."""
    lanes, first, second = (53, 54, 55, 10), Noting(), Noting()
    async with working(noted_log, first) as one:
        async with written_to(noted_log, lanes):
            await eventually(lambda: len(first.applied) > 20, "the first worker applies")
            async with working(noted_log, second) as other:
                await eventually(lambda: len(one.lanes) == len(other.lanes) == 32, "the lanes are shared out")
                await eventually(lambda: len(second.applied) > 20, "the second worker applies")
                assert not set(one.lanes) & set(other.lanes)
                assert one.relay.owned == set(one.lanes)
            await eventually(lambda: len(one.lanes) == 64, "the lanes come back")
        for lane in lanes:
            await has_seen(noted_log, lane, *range(1, await noted_log.seq(lane) + 1))
        assert one.halted == {}
    # What a worker that went away had noted and not committed the other one notes again; the table has it once.
    assert sorted({*first.applied, *second.applied}) == [
        (lane, seq) for lane in sorted(lanes) for seq in range(1, await noted_log.seq(lane) + 1)
    ]


async def test_a_worker_goes_on_where_its_database_says_not_where_kafka_thinks(noted_log: Log) -> None:
    async with working(noted_log, Noting()):
        await noted_log.append(case_in(56), NOTED)
        await has_seen(noted_log, 56, 1)
    await noted_log.append(case_in(56), NOTED)
    async with working(noted_log, Noting()):
        await has_seen(noted_log, 56, 1, 2)


async def test_what_was_fetched_before_the_worker_knew_its_place_is_no_loss(
    noted_log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Meanwhile the client reads from the beginning of each partition, where the group has committed nothing."""
    lane = noted_log.new_lane
    async with working(noted_log, Noting()):
        for _ in range(3):
            await noted_log.append(case_in(lane), NOTED)
        await has_seen(noted_log, lane, 1, 2, 3)

    async def slowly(conn: Connection, partition: TopicPartition) -> Cursor:
        await asyncio.sleep(0.03)
        return await read_cursor(conn, partition)

    apply = partitions.Partitions.apply

    async def once_it_knows(self: partitions.Partitions, consumer: AIOKafkaConsumer, got: partitions.Share) -> None:
        await eventually(lambda: got.keys() <= self.cursors.keys(), "it knows its place")
        await apply(self, consumer, got)

    monkeypatch.setattr(partitions, "read_cursor", slowly)
    monkeypatch.setattr(partitions.Partitions, "apply", once_it_knows)
    async with working(noted_log, Noting()):
        await noted_log.append(case_in(lane), NOTED)
        await has_seen(noted_log, lane, 1, 2, 3, 4)
    assert await noted_log.pool.fetchval("select rebuilt from progress where partition = $1", lane) == 0


async def test_a_log_shorter_than_the_progress_is_read_again_and_what_is_known_is_dropped(noted_log: Log) -> None:
    """The broker lost acknowledged records; the relay fills them in again and the reader finds its place by number."""
    lane = noted_log.new_lane
    async with working(noted_log, Noting()):
        await noted_log.append(case_in(lane), NOTED, NOTED)
        await has_seen(noted_log, lane, 1, 2)
    await noted_log.pool.execute("update progress set next_offset = 900 where partition = $1", lane)
    async with working(noted_log, Noting()) as worker:
        await noted_log.append(case_in(lane), NOTED)
        await has_seen(noted_log, lane, 1, 2, 3)
        assert worker.halted == {}
    assert await noted_log.pool.fetchval("select next_offset from progress where partition = $1", lane) < 900


async def test_a_log_that_lost_records_and_grew_again_beyond_the_progress_is_read_again(noted_log: Log) -> None:
    """The record before the progress is another one than was read there."""
    lane = noted_log.new_lane
    async with working(noted_log, Noting()):
        await noted_log.append(case_in(lane))
        await has_seen(noted_log, lane, 1)
    async with relaying(noted_log, [lane]) as relay:
        await noted_log.append(case_in(lane))
        await caught_up(noted_log, relay, lane)
    await noted_log.pool.execute("update progress set next_offset = 2 where partition = $1", lane)
    async with working(noted_log, Noting()):
        await noted_log.append(case_in(lane))
        await has_seen(noted_log, lane, 1, 2, 3)


async def test_what_another_worker_applied_meanwhile_counts_for_the_watermark(noted_log: Log) -> None:
    """A batch under way while lanes change hands: the new holder finds it applied, and hears of no event any more."""
    work = Noting(away=True)
    async with working(noted_log, work) as worker:
        await noted_log.append(case_in(59))
        await eventually(lambda: worker.relay.positions.get(59) == 1, "the event is in the log")
        async with noted_log.pool.acquire() as conn:
            records = await read_lane(noted_log, 59)
            cursor = await read_cursor(conn, TopicPartition("case.events", 59))
            taken = check_batch(cursor, records, [one.offset for one in records], KEYS.proves)
            await Reader(Noting()).apply(conn, [taken])
        work.away = False
        await eventually(lambda: worker.watermarks.lane(59, [SOURCE]) == MORNING, "a beat counts")
