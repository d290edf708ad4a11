"""A lane that the relay must not go on with stops alone, and goes on once its reason is gone. On real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from libs.events.topics import FOR_EVER
from tests.integration.logs import NOTED, Log, assert_published, case_in, eventually, read_lane
from tests.integration.relays import as_superuser, caught_up, relaying


async def test_a_log_ahead_of_the_table_stops_that_lane_and_no_other(relayed_log: Log) -> None:
    """PostgreSQL came back from a backup: numbers that the log already has must not be given again."""
    log = relayed_log
    restored, healthy = case_in(18), case_in(19)
    await log.append(restored, NOTED, NOTED)
    async with relaying(log, [18]) as relay:
        await caught_up(log, relay, 18)
    await as_superuser(
        log,
        "create table lost as select * from log.event where lane = 18 and seq = 2",
        "delete from log.event where lane = 18 and seq = 2",
        "update log.stream_head set version = 1 where lane = 18",
        "update log.lane_head set seq = 1, hash = (select prev_hash from lost) where lane = 18",
    )
    async with relaying(log, [18, 19]) as relay:
        await log.append(healthy)
        await caught_up(log, relay, 19)
        assert relay.halted == {18: "log_ahead_of_table"}
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
            await log.append(restored)
        await log.append(healthy)
        await caught_up(log, relay, 19)
    await assert_published(log, 19)
    assert len(await read_lane(log, 18)) == 2

    # Reconciled: the lost tail is put back, and the lane goes on after it.
    await as_superuser(
        log,
        "insert into log.event select * from lost",
        "update log.stream_head set version = 2 where lane = 18",
        "update log.lane_head set seq = 2, hash = (select hash from lost), closed = null where lane = 18",
    )
    async with relaying(log, [18]) as relay:
        await caught_up(log, relay, 18)
        await log.append(restored)
        await caught_up(log, relay, 18)
    await assert_published(log, 18)


async def test_another_hash_than_the_logs_stops_that_lane_and_no_other(relayed_log: Log) -> None:
    log = relayed_log
    forked, healthy = case_in(20), case_in(21)
    await log.append(forked)
    async with relaying(log, [20]) as relay:
        await caught_up(log, relay, 20)
    await as_superuser(log, "update log.event set hash = sha256(hash) where lane = 20")
    await log.append(forked)
    async with relaying(log, [20, 21]) as relay:
        await log.append(healthy)
        await caught_up(log, relay, 21)
        assert relay.halted == {20: "log_differs_from_table"}
    assert len(await read_lane(log, 20)) == 1


async def test_a_hole_in_the_table_stops_that_lane_before_it(relayed_log: Log) -> None:
    log = relayed_log
    await log.append(case_in(22), NOTED, NOTED, NOTED)
    await as_superuser(log, "delete from log.event where lane = 22 and seq = 2")
    async with relaying(log, [22, 23]) as relay:
        await log.append(case_in(23))
        await caught_up(log, relay, 23)
        await eventually(lambda: 22 in relay.halted, "the lane with the hole halts")
        assert relay.halted == {22: "gap_in_table"}
    assert [record.position.seq for record in await read_lane(log, 22)] in ([], [1])


async def test_a_batch_that_the_broker_refuses_for_good_stops_its_lane_until_it_is_assigned_anew(
    relayed_log: Log,
) -> None:
    log, large = relayed_log, NOTED.model_copy(update={"alternative": "x" * 20_000})
    async with relaying(log, [33, 34]) as relay:
        await caught_up(log, relay, 33, 34)
        async with largest_batch(log, "10000"):
            await log.append(case_in(33), large)
            await eventually(lambda: relay.halted == {33: "refused: MessageSizeTooLargeError"}, "the lane halts")
            await log.append(case_in(34))
            await caught_up(log, relay, 34)
        relay.assign([34])
        relay.assign([33, 34])
        await caught_up(log, relay, 33)
    await assert_published(log, 33)
    await assert_published(log, 34)


@asynccontextmanager
async def largest_batch(log: Log, size: str) -> AsyncIterator[None]:
    """Meanwhile the broker takes no larger ones; as it was afterwards."""
    await configure(log, {**FOR_EVER, "max.message.bytes": size})
    try:
        yield
    finally:
        await configure(log, FOR_EVER)


async def configure(log: Log, configs: Mapping[str, str]) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=log.bootstrap)
    await client.start()
    await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, "case.events", configs)])
    await client.close()
