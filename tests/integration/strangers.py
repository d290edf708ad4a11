"""What somebody writes to the topics who may, and is no source of ours."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from libs.log.watermarks.watermark import Beat
from tests.integration.logs import SOURCE

SUM_AT = 17
"""Where a batch holds the check sum of everything behind it."""


async def write(
    bootstrap: str, topic: str, partition: int, records: Iterable[tuple[Any, bytes | None, bytes | None]]
) -> None:
    """(headers, body, key), one after another."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for headers, body, key in records:
            await producer.send_and_wait(topic, body, key=key, partition=partition, headers=headers)


async def write_unreadable_name(bootstrap: str, topic: str, partition: int) -> None:
    """A record whose header has a name that is no text; Kafka takes any bytes, its clients do not offer it."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        batch = producer.create_batch()
        batch.append(key=b"k", value=b"{}", timestamp=None, headers=[("zz", b"1")])
        batch.close()
        made = bytearray(batch._build()).replace(b"zz", b"\xff\xfe")
        struct.pack_into(">I", made, SUM_AT, calc_crc32c(bytes(made[SUM_AT + 4 :])))
        batch._buffer = made
        await (await producer.send_batch(batch, topic, partition=partition))


def beat_of(lanes: Iterable[int], at: datetime, sent: datetime) -> bytes:
    """A heartbeat as its source would write it."""
    return Beat(SOURCE, sent, tuple((lane, 0, at) for lane in lanes)).body()
