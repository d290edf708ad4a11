"""The pinned pair of client and broker keeps the promises the log is built on (docs/adr/0001). No code of the log."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from time import monotonic

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from libs.events.lanes import CASE_LANES
from libs.events.topics import FOR_EVER
from libs.tuned.kafka_fetches import gather_fetches
from operations.embedded.stack import Stack

LOG_APPEND_TIME = 1
PATIENCE = 60


@pytest.fixture
async def topic(servers: Stack) -> str:
    """A new topic with the settings of `case.events`."""
    name = f"probe.{secrets.token_hex(4)}"
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.bootstrap)
    await admin.start()
    answer = await admin.create_topics([NewTopic(name, CASE_LANES, 1, topic_configs=FOR_EVER)])
    await admin.close()
    assert [(error[0], error[1]) for error in answer.topic_errors] == [(name, 0)]
    return name


@asynccontextmanager
async def producing(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all") as producer:
        yield producer


@asynccontextmanager
async def reading(bootstrap: str, topic: str, partition: int) -> AsyncIterator[AIOKafkaConsumer]:
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, partition)])
        yield consumer


async def send(producer: AIOKafkaProducer, topic: str, partition: int, numbers: range) -> None:
    """One batch, built by hand, to a named partition, with headers: what the relay does."""
    batch = producer.create_batch()
    for number in numbers:
        placed = batch.append(
            key=b"case", value=b"%d" % number, timestamp=None, headers=[("ce_id", b"%d" % number), ("lane", b"7")]
        )
        assert placed is not None
    batch.close()
    acknowledged = await producer.send_batch(batch, topic, partition=partition)
    await asyncio.wait_for(acknowledged, PATIENCE)


async def take(consumer: AIOKafkaConsumer, count: int) -> list[ConsumerRecord[bytes, bytes]]:
    async with asyncio.timeout(PATIENCE):
        return [await consumer.getone() for _ in range(count)]


async def test_a_batch_arrives_in_order_in_its_partition_with_headers_and_the_broker_s_time(
    servers: Stack, topic: str
) -> None:
    async with producing(servers.bootstrap) as producer, reading(servers.bootstrap, topic, 7) as consumer:
        await send(producer, topic, 7, range(500))
        records = await take(consumer, 500)
    assert [record.value for record in records] == [b"%d" % number for number in range(500)]
    assert [record.offset for record in records] == list(range(500))
    assert records[3].headers == (("ce_id", b"3"), ("lane", b"7"))
    assert {record.timestamp_type for record in records} == {LOG_APPEND_TIME}


async def test_what_comes_in_a_burst_is_fetched_together_and_what_comes_after_a_pause_waits_for_nothing(
    servers: Stack, topic: str
) -> None:
    apart = 2.0

    async def fetched(consumer: AIOKafkaConsumer) -> list[bytes]:
        async with asyncio.timeout(PATIENCE):
            (records,) = (await consumer.getmany(timeout_ms=PATIENCE * 1000)).values()
        return [record.value for record in records]

    async with producing(servers.bootstrap) as producer, reading(servers.bootstrap, topic, 7) as consumer:
        gather_fetches(consumer, apart)
        for burst in (range(3), range(3, 6)):
            sent = monotonic()
            await send(producer, topic, 7, burst[:1])
            assert await fetched(consumer) == [b"%d" % burst[0]]
            assert monotonic() - sent < apart
            for number in burst[1:]:
                await send(producer, topic, 7, range(number, number + 1))
            assert await fetched(consumer) == [b"%d" % number for number in burst[1:]]
            await asyncio.sleep(apart)


class Shares:
    """Remembers how many partitions each consumer holds and wakes whoever waits for a division."""

    def __init__(self) -> None:
        self.held: dict[str, int] = {}
        self.changed = asyncio.Condition()

    def of(self, name: str) -> "Share":
        return Share(self, name)

    async def until(self, wanted: Callable[[dict[str, int]], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self.changed:
            await self.changed.wait_for(lambda: wanted(self.held))


class Share(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, shares: Shares, name: str) -> None:
        self.shares, self.name = shares, name

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._holds(0)

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        await self._holds(len(assigned))

    async def _holds(self, count: int) -> None:
        async with self.shares.changed:
            self.shares.held[self.name] = count
            self.shares.changed.notify_all()


async def test_two_consumers_share_all_lanes_and_the_one_left_gets_them_all(servers: Stack, topic: str) -> None:
    shares = Shares()
    group = f"xunban.{topic}"
    first = AIOKafkaConsumer(bootstrap_servers=servers.bootstrap, group_id=group, enable_auto_commit=False)
    second = AIOKafkaConsumer(bootstrap_servers=servers.bootstrap, group_id=group, enable_auto_commit=False)
    first.subscribe([topic], listener=shares.of("first"))
    second.subscribe([topic], listener=shares.of("second"))
    async with first:
        await shares.until(lambda held: held == {"first": 64})
        async with second:
            await shares.until(lambda held: held == {"first": 32, "second": 32})
            assert not first.assignment() & second.assignment()
        await shares.until(lambda held: held["first"] == 64)


@pytest.mark.parametrize("way", ["stop_broker", "kill_broker"])
async def test_producer_and_consumer_go_on_when_the_broker_comes_back(servers: Stack, topic: str, way: str) -> None:
    async with producing(servers.bootstrap) as producer, reading(servers.bootstrap, topic, 0) as consumer:
        await send(producer, topic, 0, range(100))
        before = await take(consumer, 100)
        await asyncio.to_thread(getattr(servers, way))
        sent_while_away = asyncio.create_task(send(producer, topic, 0, range(100, 200)))
        await asyncio.to_thread(servers.start_broker)
        await sent_while_away
        await send(producer, topic, 0, range(200, 300))
        after = await take(consumer, 200)
    assert [int(record.value or b"") for record in before + after] == list(range(300))
    assert all(one.timestamp <= other.timestamp for one, other in pairwise(before + after))
