"""Event stores of their own for tests: one database per log, so that a test may fill, stall or break it as it likes.

Their records share the topics of the `servers` instance; each log starts reading at their end when it is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition

from libs.events.contracts.intake import CaseNotAcceptedV1
from libs.events.decider import SYSTEM
from libs.events.envelope import Draft, Provenance, WireRecord, draft, from_kafka, microseconds
from libs.events.event import Event
from libs.events.ids import PersonId, new_id
from libs.events.lanes import CASE_LANES, genesis, lane_of, leaf_hash, link_hash
from libs.log.kafka.topics import topic_of
from libs.log.read.progress import Cursor, check_batch
from libs.log.store import event_store
from libs.log.store.event_store import Appended, Connection, Pool
from libs.log.store.schema import FOLDER
from operations.embedded.postgres import with_database
from operations.embedded.stack import Stack
from tests.keys import KEYS
from trials.faults import waiting

SOURCE = "/xunban/intake"
PATIENT = {"idle_in_transaction_session_timeout": "0"}
"""For who holds something in an open transaction while others act: the server would end him after five seconds."""
MORNING = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
NOTED = CaseNotAcceptedV1(
    refused_by=PersonId("zhou-min"), reason_code="OTHER", legal_basis="《信访工作条例》", alternative="示例窗口"
)
"""An event without personal fields, so that the store is tested without a vault."""


@dataclass(frozen=True)
class Log:
    """One event store as its application role sees it; `admin_url` is the same database as the superuser."""

    pool: Pool
    url: str
    admin_url: str
    bootstrap: str
    starts: Mapping[int, int]
    """Lane → offset at which its partition ended when this log was made."""

    @property
    def new_lane(self) -> int:
        """A lane whose partition holds no other log's records: for a test that reads it from its beginning."""
        return max(lane for lane, start in self.starts.items() if start == 0)

    async def append(
        self,
        case_id: str,
        *events: Event,
        expected: int | None = None,
        given: datetime | None = None,
        cause: datetime | None = None,
    ) -> Appended:
        """Append in a transaction of its own; without events one `NOTED`."""
        async with self.pool.acquire() as conn, conn.transaction():
            return await append(conn, case_id, *events, expected=expected, given=given, cause=cause)

    async def chain(self, lane: int) -> list[asyncpg.Record]:
        """The event rows of a lane in order."""
        rows: list[asyncpg.Record] = await self.pool.fetch("select * from log.event where lane = $1 order by seq", lane)
        return rows

    async def seq(self, lane: int) -> int:
        """Where the lane stands."""
        seq: int = await self.pool.fetchval("select seq from log.lane_head where lane = $1", lane)
        return seq


async def append(
    conn: Connection,
    case_id: str,
    *events: Event,
    expected: int | None = None,
    given: datetime | None = None,
    cause: datetime | None = None,
) -> Appended:
    """Append inside the caller's transaction."""
    drafts = drafts_of(case_id, *(events or (NOTED,)))
    return await event_store.append(conn, f"case-{case_id}", drafts, expected=expected, cause=cause, given=given)


def drafts_of(case_id: str, *events: Event, stream: str | None = None) -> list[Draft]:
    """The bytes of these events of a case, their personal fields, if any, sealed already."""
    return [
        draft(
            event,
            event.model_dump_json().encode(),
            source=SOURCE,
            subject=case_id,
            stream=stream or f"case-{case_id}",
            at=MORNING,
            by=Provenance(SYSTEM, 0),
        )
        for event in events
    ]


def case_in(lane: int) -> str:
    """A new case id that belongs to this lane."""
    return next(case_id for case_id in iter(new_id, "") if lane_of(case_id) == lane)


@asynccontextmanager
async def new_log(servers: Stack, mode: str = "manual", *, relayed: bool = False) -> AsyncIterator[Log]:
    """A database with an empty event store of intake, dropped afterwards.

    With `relayed` it takes part in the topics, and its progress starts at their end.
    """
    name = f"log_{token_hex(6)}"
    admin_url = with_database(servers.admin_url(), name)
    admin = await asyncpg.connect(servers.admin_url())
    await admin.execute(f"create database {name} template {await _template(servers)}")
    inside = await asyncpg.connect(admin_url)
    now = MORNING if mode == "manual" else None
    await inside.execute("insert into log.mode (kind, now) values ($1, $2)", mode, now)
    ends = await ends_of(servers.bootstrap) if relayed else []
    if relayed:
        await inside.executemany("update read.progress set next_offset = $3 where topic = $1 and partition = $2", ends)
    await inside.close()
    url = with_database(servers.database_url("intake"), name)
    pool = await asyncpg.create_pool(url, min_size=1, max_size=20, server_settings={"search_path": "read", **PATIENT})
    try:
        starts = {lane: end for topic, lane, end in ends if topic == "case.events"}
        yield Log(pool, url, admin_url, servers.bootstrap, starts)
    finally:
        pool.terminate()
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


async def _template(servers: Stack) -> str:
    """The database that new logs are copied from; made at first use."""
    name = "log_template"
    admin = await asyncpg.connect(servers.admin_url())
    try:
        if await admin.fetchval("select true from pg_database where datname = $1", name):
            return name
        await admin.execute(f"create database {name}")
    finally:
        await admin.close()
    inside = await asyncpg.connect(with_database(servers.admin_url(), name))
    script = (FOLDER / "event_store.sql").read_text().replace(":service", "intake").replace(":last_lane", "63")
    later = [(FOLDER / name).read_text().replace(":service", "intake") for name in ("signing.sql", "answers.sql")]
    await inside.execute("".join([script, *later]))
    await inside.close()
    return name


@asynccontextmanager
async def written_to(log: Log, lanes: Iterable[int]) -> AsyncIterator[None]:
    """Meanwhile each of these lanes is written to without a pause."""
    over = False

    async def write(case_id: str) -> None:
        while not over:
            await log.append(case_id, NOTED, NOTED)

    writers = [asyncio.create_task(write(case_in(lane))) for lane in lanes]
    try:
        yield
    finally:
        over = True
        await asyncio.gather(*writers)


async def assert_chain_holds(log: Log) -> None:
    """Every lane is gapless from 1, its hashes are those computed here, and its head is its last event."""
    for head in await log.pool.fetch("select lane, seq, hash from log.lane_head"):
        prev, seq, at = genesis(SOURCE, head["lane"]), 0, datetime.min.replace(tzinfo=MORNING.tzinfo)
        for row in await log.chain(head["lane"]):
            assert (row["seq"], row["prev_hash"]) == (seq + 1, prev)
            assert row["recorded_at"] >= at
            us = microseconds(row["recorded_at"])
            leaf = leaf_hash(row["lane"], row["seq"], row["version"], us, bytes(row["meta"]), bytes(row["body"]))
            prev, seq, at = link_hash(prev, leaf), row["seq"], row["recorded_at"]
            assert row["hash"] == prev
        assert (head["seq"], head["hash"]) == (seq, prev)


async def ends_of(bootstrap: str) -> list[tuple[str, int, int]]:
    """Topic, partition and end of every partition that events go to."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        ends = await consumer.end_offsets([topic_of(lane) for lane in range(CASE_LANES + 1)])
    finally:
        await consumer.stop()
    return [(tp.topic, tp.partition, end) for tp, end in ends.items()]


async def eventually(done: Callable[[], object], what: str, seconds: float = 60) -> None:
    """As `waiting.eventually`, with the patience of a test in which nothing is killed."""
    await waiting.eventually(done, what, seconds)


async def read_lane(log: Log, lane: int, after: int | None = None) -> list[WireRecord]:
    """Every record of the lane's partition from this offset (None: where the log's progress was when it was made)."""
    tp = TopicPartition("case.events", lane)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=log.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=20
    )
    await consumer.start()
    try:
        consumer.assign([tp])
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.seek(tp, log.starts[lane] if after is None else after)
        records: list[WireRecord] = []
        while await consumer.position(tp) < end:
            got = await consumer.getmany(timeout_ms=500)
            records += [from_kafka(record) for record in got.get(tp, [])]
        return records
    finally:
        await consumer.stop()


async def assert_published(log: Log, lane: int, duplicates: int = 0) -> None:
    """The lane's partition holds the event table's rows, byte for byte and in order; duplicates only identical."""
    sent = await read_lane(log, lane)
    cursor = Cursor(TopicPartition("case.events", lane), 0, {SOURCE: (0, genesis(SOURCE, lane))})
    taken = check_batch(cursor, sent, range(len(sent)), KEYS.proves)
    assert taken.broken is None
    rows = await log.chain(lane)
    assert [(event.position.seq, event.body) for event in taken.events] == [(row["seq"], row["body"]) for row in rows]
    assert [event.position.hash for event in taken.events] == [row["hash"] for row in rows]
    assert taken.duplicates <= duplicates
