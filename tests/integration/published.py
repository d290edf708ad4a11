"""Events of one event store as they came out of the relay, for tests of what stands on the wire."""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from libs.audit.reading import open_log
from libs.events.lanes import CASE_LANES
from libs.events.topics import FOR_EVER
from libs.log.kafka.topics import topic_of
from libs.log.relay.relay import Relay
from libs.service.worker.process import wind_up
from tests.integration.logs import SOURCE, Log, eventually
from tests.keys import KEYS


async def publish(log: Log, lanes: set[int], events: int) -> list[Any]:
    """Relay these lanes until so many events are acknowledged; the records as they stand in the log."""
    rows = await log.pool.fetch("select topic, partition, next_offset from read.progress")
    starts = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    relay = Relay(SOURCE, log.pool, log.bootstrap, KEYS)
    relay.assign(lanes)
    running = asyncio.create_task(relay.run())
    await eventually(lambda: relay.sent == events, "the relay published everything")
    await wind_up([running])
    partitions = [topic_of(lane) for lane in lanes]
    async with open_log(log.bootstrap) as reader:
        extent = await reader.extent(partitions)
        begin = {tp: starts[tp.topic, tp.partition] for tp in partitions}
        return [record async for batch in reader.read(begin, extent.end) for record in batch]


async def copy(bootstrap: str, records: list[Any], name: str) -> None:
    """Write records as they are to topics of other names, made like those of the log: `<name>` and `<name>.facts`."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    topics = {name: CASE_LANES, f"{name}.facts": 1}
    await admin.create_topics([NewTopic(one, count, 1, topic_configs=FOR_EVER) for one, count in topics.items()])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for record in records:
            headers = list(record.headers)
            await producer.send_and_wait(
                name, record.value, key=record.key, partition=record.partition, headers=headers
            )
