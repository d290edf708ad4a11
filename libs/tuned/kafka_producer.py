"""Letting go of an aiokafka producer whose broker is away.

Why: `stop()` waits for what was not delivered, and a sender that is left alone tries for ever and delivers late, after
another worker has the lane. It earns a relay that gives up its lanes within five seconds (`tests/faults`).
"""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

log = structlog.get_logger()


async def stop_producer(producer: AIOKafkaProducer) -> None:
    """Stop a producer within seconds, whether its broker is there or not."""
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except (KafkaError, TimeoutError, OSError) as error:
        log.warning("producer_abandoned", reason=type(error).__name__)
        # Left alone, its sender would try for ever and deliver late.
        await producer._sender.close()
        await producer.client.close()
