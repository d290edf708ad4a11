"""Kafka → read model on real servers: once, in order, halting exactly where something is wrong and nowhere else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer, TopicPartition

from libs.events.consumer import Cursor, Done, ProgressMoved, Reader, Taken, read_cursor, take
from libs.events.contracts import registry
from libs.events.contracts.intake import CaseNotAccepted
from libs.events.envelope import Recorded, WireRecord
from libs.events.errors import Unavailable
from libs.events.lanes import decode_meta, encode_meta
from libs.events.store import Connection, stored_position
from libs.events.worker import Worker
from libs.events.writing import Write
from tests.integration.logs import MORNING, NOTED, SOURCE, Log, case_in, eventually, read_lane
from tests.integration.relays import caught_up, relaying

POISON = NOTED.model_copy(update={"alternative": "poison"})
SEEN = "insert into seen (lane, seq) values ($1, $2)"


class CannotProject(Exception):
    """A bug of a projection."""


@dataclass
class Noting:
    """Work that writes down each event; (lane, seq) is a key, so an event applied twice would be an error."""

    away: bool = False
    applied: list[tuple[int, int]] = field(default_factory=list)

    async def __call__(self, conn: Connection, lane: int, events: Sequence[Recorded]) -> Done:
        async def note(conn: Connection) -> None:
            for event in events:
                await conn.execute(SEEN, lane, event.position.seq)
                if isinstance(event.data, CaseNotAccepted) and event.data.alternative == "poison":
                    raise CannotProject
            if self.away:
                raise Unavailable
            self.applied += [(lane, event.position.seq) for event in events]

        return Done(within=note)


@pytest.fixture
async def log(relayed_log: Log) -> Log:
    """A log whose read model is the list of what was applied."""
    owner = await asyncpg.connect(relayed_log.admin_url)
    await owner.execute("create table read.seen (lane smallint, seq bigint, no bigserial, primary key (lane, seq))")
    await owner.execute("grant select, insert on read.seen to intake; grant usage on read.seen_no_seq to intake")
    await owner.close()
    return relayed_log


@asynccontextmanager
async def working(log: Log, work: Noting) -> AsyncIterator[Worker]:
    """A worker with all its loops, ended without a word."""
    worker = Worker(SOURCE, log.pool, log.bootstrap, work, idle_seconds=0.01)
    loops = [asyncio.create_task(loop, name=name) for name, loop in worker.loops().items()]
    try:
        await eventually(worker.joined.is_set, "the worker has joined its group")
        yield worker
    finally:
        died = [loop for loop in loops if loop.done()]
        for loop in loops:
            loop.cancel()
        await asyncio.wait(loops)
        for loop in died:
            loop.result()


async def seen(log: Log, lane: int) -> list[int]:
    """What the read model has of a lane, in the order in which it was written."""
    rows = await log.pool.fetch("select seq from seen where lane = $1 order by no", lane)
    return [row["seq"] for row in rows]


async def has_seen(log: Log, lane: int, *seqs: int) -> None:
    async def there() -> bool:
        return await seen(log, lane) == list(seqs)

    try:
        await eventually(there, f"lane {lane} is applied up to {seqs}")
    except AssertionError:
        assert await seen(log, lane) == list(seqs)


async def wire(log: Log, lane: int) -> list[WireRecord]:
    """The lane's rows as a partition of their own would hold them, from offset 0."""
    return [
        WireRecord(stored_position(row), SOURCE, decode_meta(row["meta"]), row["body"], row["seq"] - 1)
        for row in await log.chain(lane)
    ]


async def taken_from(conn: Connection, lane: int, records: Sequence[WireRecord]) -> tuple[Cursor, Taken]:
    cursor = await read_cursor(conn, TopicPartition("case.events", lane))
    return cursor, take(cursor, records, [cursor.next_offset + n for n in range(len(records))])


async def test_of_two_readers_of_one_partition_one_applies_and_the_other_rolls_back(log: Log) -> None:
    await log.append(case_in(40), NOTED, NOTED)
    records = await wire(log, 40)
    async with log.pool.acquire() as one, log.pool.acquire() as zombie:
        cursor, taken = await taken_from(one, 40, records)
        await Reader(Noting()).apply(one, cursor, taken)
        with pytest.raises(ProgressMoved):
            await Reader(Noting()).apply(zombie, cursor, taken)
        there = await read_cursor(one, cursor.partition)
    assert (there.next_offset, there.heads[SOURCE]) == (taken.next_offset, taken.heads[SOURCE])
    assert await seen(log, 40) == [1, 2]


async def test_two_readers_at_the_same_moment_apply_once(log: Log) -> None:
    await log.append(case_in(41), NOTED)
    records = await wire(log, 41)

    async def read() -> Cursor:
        async with log.pool.acquire() as conn:
            return await Reader(Noting()).apply(conn, cursor, taken)

    async with log.pool.acquire() as conn:
        cursor, taken = await taken_from(conn, 41, records)
    answers = await asyncio.gather(*(read() for _ in range(6)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["Cursor", *["ProgressMoved"] * 5]
    assert await seen(log, 41) == [1]


async def test_what_was_read_of_a_read_model_that_has_been_put_in_place_anew_is_not_written(log: Log) -> None:
    await log.append(case_in(39), NOTED)
    records = await wire(log, 39)

    async def written_alone(_: Connection, lane: int, events: Sequence[Recorded]) -> Done:
        return Done([Write("insert into seen (lane, seq) select $1, 1 where exists (select from moved)", (lane,))])

    async with log.pool.acquire() as conn:
        cursor, taken = await taken_from(conn, 39, records)
        await conn.execute("update progress set rebuilt = rebuilt + 1")
        with pytest.raises(ProgressMoved):
            await Reader(written_alone).apply(conn, cursor, taken)
        assert await seen(log, 39) == []
        cursor, taken = await taken_from(conn, 39, records)
        await Reader(written_alone).apply(conn, cursor, taken)
        assert await read_cursor(conn, cursor.partition) == Cursor(cursor.partition, 1, taken.heads, 1)
    assert await seen(log, 39) == [1]


async def test_a_reader_that_dies_in_its_transaction_leaves_nothing_behind(log: Log) -> None:
    await log.append(case_in(42), NOTED, POISON)
    records = await wire(log, 42)
    async with log.pool.acquire() as conn:
        cursor, taken = await taken_from(conn, 42, records)
        with pytest.raises(CannotProject):
            await Reader(Noting()).apply(conn, cursor, taken)
        assert await read_cursor(conn, cursor.partition) == cursor
    assert await seen(log, 42) == []


async def test_every_event_is_applied_once_and_in_order(log: Log) -> None:
    async with working(log, Noting()):
        for _ in range(5):
            await log.append(case_in(43), NOTED, NOTED)
            await log.append(case_in(44), NOTED)
        await has_seen(log, 43, *range(1, 11))
        await has_seen(log, 44, *range(1, 6))


async def test_a_poison_event_halts_its_partition_exactly_there_and_no_other(log: Log) -> None:
    """All of lane 45 is in the topic before anybody reads, so that the poison stands inside a batch."""
    await log.append(case_in(45), NOTED, NOTED, POISON, NOTED)
    async with working(log, Noting()) as worker:
        await eventually(lambda: worker.reader.halted, "the partition halts")
        await has_seen(log, 45, 1, 2)
        await log.append(case_in(45))
        await log.append(case_in(46))
        await has_seen(log, 46, 1)
        assert worker.reader.halted == {TopicPartition("case.events", 45): "poison: CannotProject"}
        assert await seen(log, 45) == [1, 2]
        # Relaying goes on: what stands in the topic is complete whatever a read model makes of it.
        await eventually(lambda: worker.relay.positions[45] == 5, "the lane is relayed to its end")


async def test_a_type_newer_than_the_code_halts_until_the_code_knows_it(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.append(case_in(47), NOTED)
    await log.append(case_in(47), NOTED)
    known = registry.TYPES.pop(NOTED.ce_type)
    try:
        async with working(log, Noting()) as worker:
            await eventually(lambda: worker.reader.halted, "the partition halts")
            assert await seen(log, 47) == []
            assert list(worker.reader.halted.values()) == [f"UnknownEvent: {NOTED.ce_type}"]
    finally:
        registry.TYPES[NOTED.ce_type] = known
    async with working(log, Noting()):
        await has_seen(log, 47, 1, 2)


async def test_a_foreign_record_halts_its_partition_and_no_other(log: Log) -> None:
    async with working(log, Noting()) as worker:
        await log.append(case_in(48))
        await has_seen(log, 48, 1)
        async with AIOKafkaProducer(bootstrap_servers=log.bootstrap) as intruder:
            await intruder.send_and_wait("case.events", b"{}", partition=48, headers=[("ce_lane", b"-1")])
        await eventually(lambda: worker.reader.halted, "the partition halts")
        await log.append(case_in(49))
        await has_seen(log, 49, 1)


async def test_a_changed_copy_of_an_event_halts_its_partition(log: Log) -> None:
    async with working(log, Noting()) as worker:
        await log.append(case_in(50), NOTED)
        await has_seen(log, 50, 1)
        (record,) = await wire(log, 50)
        forged = [*record.headers, *record.position.headers()]
        async with AIOKafkaProducer(bootstrap_servers=log.bootstrap) as intruder:
            await intruder.send_and_wait("case.events", b'{"refused_by": "x"}', partition=50, headers=forged)
        await eventually(lambda: worker.reader.halted, "the partition halts")
    assert encode_meta(record.headers) == (await log.chain(50))[0]["meta"]
    assert await seen(log, 50) == [1]


async def test_what_the_work_needs_may_be_away_for_a_while(log: Log) -> None:
    work = Noting(away=True)
    async with working(log, work) as worker:
        await log.append(case_in(51))
        await eventually(lambda: worker.relay.positions.get(51) == 1, "the event is in the topic")
        assert await seen(log, 51) == []
        work.away = False
        await has_seen(log, 51, 1)
        assert worker.reader.halted == {}


async def test_a_heartbeat_that_nobody_can_read_is_passed_over(log: Log) -> None:
    async with working(log, Noting()) as worker:
        async with AIOKafkaProducer(bootstrap_servers=log.bootstrap) as intruder:
            for value in (b"", b"[]", b"{", b'{"source": "/xunban/intake"}', None):
                await intruder.send_and_wait("log.heartbeats", value, key=b"/xunban/nobody")
        at = await log.append(case_in(52))
        await eventually(lambda: worker.watermarks.sent.get((SOURCE, 52)) is not None, "a true beat counts")
        await eventually(lambda: worker.watermarks.applied[SOURCE, 52] == at.seq, "the event is applied")


async def test_lanes_move_to_a_second_worker_and_back_and_nothing_is_lost_or_doubled(log: Log) -> None:
    """Writers go on while a worker joins and while one of the two goes away without a word."""
    lanes, first, second = (53, 54, 55, 10), Noting(), Noting()
    cases = {lane: case_in(lane) for lane in lanes}
    writing = True

    async def write(lane: int) -> None:
        while writing:
            await log.append(cases[lane], NOTED)

    async with working(log, first) as one:
        writers = [asyncio.create_task(write(lane)) for lane in lanes]
        await eventually(lambda: len(first.applied) > 20, "the first worker applies")
        async with working(log, second) as other:
            await eventually(lambda: len(one.lanes) == len(other.lanes) == 32, "the lanes are shared out")
            await eventually(lambda: len(second.applied) > 20, "the second worker applies")
            assert not set(one.lanes) & set(other.lanes)
            assert one.relay.owned == set(one.lanes)
        await eventually(lambda: len(one.lanes) == 64, "the lanes come back", 40)
        writing = False
        await asyncio.gather(*writers)
        for lane in lanes:
            await has_seen(log, lane, *range(1, await log.seq(lane) + 1))
        assert one.reader.halted == {}
    assert sorted(first.applied + second.applied) == [
        (lane, seq) for lane in sorted(lanes) for seq in range(1, await log.seq(lane) + 1)
    ]


async def test_a_worker_goes_on_where_its_database_says_not_where_kafka_thinks(log: Log) -> None:
    async with working(log, Noting()):
        await log.append(case_in(56), NOTED)
        await has_seen(log, 56, 1)
    await log.append(case_in(56), NOTED)
    async with working(log, Noting()):
        await has_seen(log, 56, 1, 2)


async def test_a_log_shorter_than_the_progress_is_read_again_and_what_is_known_is_dropped(log: Log) -> None:
    """The broker lost acknowledged records; the relay fills them in again and the reader finds its place by number."""
    assert log.starts[57] == 0, "the partition is this test's own"
    async with working(log, Noting()):
        await log.append(case_in(57), NOTED, NOTED)
        await has_seen(log, 57, 1, 2)
    await log.pool.execute("update progress set next_offset = 900 where partition = 57")
    async with working(log, Noting()) as worker:
        await log.append(case_in(57), NOTED)
        await has_seen(log, 57, 1, 2, 3)
        assert worker.reader.halted == {}
    assert await log.pool.fetchval("select next_offset from progress where partition = 57") < 900


async def test_a_log_that_lost_records_and_grew_again_beyond_the_progress_is_read_again(log: Log) -> None:
    """The record before the progress is another one than was read there."""
    assert log.starts[58] == 0, "the partition is this test's own"
    async with working(log, Noting()):
        await log.append(case_in(58))
        await has_seen(log, 58, 1)
    async with relaying(log, [58]) as relay:
        await log.append(case_in(58))
        await caught_up(log, relay, 58)
    await log.pool.execute("update progress set next_offset = 2 where partition = 58")
    async with working(log, Noting()):
        await log.append(case_in(58))
        await has_seen(log, 58, 1, 2, 3)


async def test_what_another_worker_applied_meanwhile_counts_for_the_watermark(log: Log) -> None:
    """A batch under way while lanes change hands: the new holder finds it applied, and hears of no event any more."""
    work = Noting(away=True)
    async with working(log, work) as worker:
        await log.append(case_in(59))
        await eventually(lambda: worker.relay.positions.get(59) == 1, "the event is in the log")
        async with log.pool.acquire() as conn:
            records = await read_lane(log, 59)
            cursor = await read_cursor(conn, TopicPartition("case.events", 59))
            await Reader(Noting()).apply(conn, cursor, take(cursor, records, [one.offset for one in records]))
        work.away = False
        await eventually(lambda: worker.watermarks.lane(59, [SOURCE]) == MORNING, "a beat counts")
