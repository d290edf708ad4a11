"""Event table → Kafka, in lane order: nothing skipped, duplicates only identical (architecture.md §4)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import BrokerResponseError, KafkaError

from libs.events.envelope import well_formed
from libs.events.lanes import decode_meta, source_of
from libs.events.proof import LONGEST_RUN
from libs.events.signature import HEADER as SIGNATURE
from libs.events.signature import of_head
from libs.log.kafka.broker import Address, reach
from libs.log.kafka.topics import topic_of
from libs.log.keys import Keys
from libs.log.process import fault_points, tracing
from libs.log.relay.log_heads import heads_in_log
from libs.log.relay.wakeup import CHANNEL
from libs.log.store.event_store import Connection, Pool, stored_position
from libs.log.transient import AWAY
from libs.tuned.kafka_producer import stop_producer

log = structlog.get_logger()

BATCH = LONGEST_RUN
BATCH_BYTES = 1 << 19
"""Per lane: what one batch of the producer holds, and so all that a poll has in memory at most."""
CHAIN_BYTES = 600
"""Of the headers that are added to an event, and what Kafka adds."""
SEND_SECONDS = 30.0
UNKNOWN_SECONDS = 5.0
SHORTEST = 0.005
"""Seconds between two polls while events come."""
AFTER_POSITION = """
    select e.lane, e.seq, e.version, e.recorded_at, e.prev_hash, e.hash, e.meta, e.body
      from unnest($1::smallint[], $2::bigint[]) l(lane, position)
      join log.lane_head h on h.lane = l.lane and h.seq > l.position
     cross join lateral (select n.*, sum(n.size) over (order by n.seq rows unbounded preceding) as bytes
                           from (select *, octet_length(body) + octet_length(meta) + $5 as size
                                   from log.event e where e.lane = l.lane and e.seq > l.position
                                  order by e.seq limit $3) n) e
     where e.bytes = e.size or e.bytes < $4
     order by e.lane, e.seq
"""
STORED = """
    select (select e.hash from log.event e where e.lane = h.lane and e.seq = $2), h.closed
      from log.lane_head h where h.lane = $1
"""
CLOSE = "select log.close_lane($1, $2)"


@dataclass
class Relay:
    """Publishes the lanes that this worker owns, each batch signed. A lane whose log is ahead of the table, or forks
    from it, stops; so does one whose next batch the broker refuses for good. It is tried again when assigned anew."""

    source: str
    pool: Pool
    bootstrap: Address
    keys: Keys
    idle_seconds: float = 0.2
    rest_seconds: float = 0.0
    """Where nothing comes the pause grows on, slowly, up to this; a wake-up ends it."""
    owned: set[int] = field(default_factory=set)
    positions: dict[int, int] = field(default_factory=dict)
    halted: dict[int, str] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    """Lane → the sequence after which the broker refused a batch; refused by a new producer too, the lane halts."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    speechless: bool = False
    """No public key belongs to the one it would sign with: nobody would take what it sends, so it sends nothing."""
    rung: bool = False
    """An API has told that something was recorded: more may follow, which it does not tell."""
    sent: int = 0

    def assign(self, lanes: Iterable[int]) -> None:
        """The lanes owned from now on; new ones are reconciled before anything is sent."""
        self.owned = set(lanes)
        self.positions = {lane: seq for lane, seq in self.positions.items() if lane in self.owned}
        self.halted = {lane: why for lane, why in self.halted.items() if lane in self.owned}
        self.wake.set()

    async def run(self) -> None:
        """Relay for ever; any produce error ends in a new producer and a new look at the log's tail."""
        while True:
            await self._can_sign()
            producer = AIOKafkaProducer(
                **reach(self.bootstrap),
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=BATCH_BYTES + CHAIN_BYTES,
                request_timeout_ms=10_000,
            )
            try:
                await producer.start()
                await self._publish(producer)
            except (KafkaError, *AWAY) as error:
                log.warning("relay_interrupted", source=self.source, reason=type(error).__name__)
            finally:
                self.positions.clear()
                await stop_producer(producer)
            await asyncio.sleep(0.5)

    async def _can_sign(self) -> None:
        """Wait until the public keys have the one that belongs to what this source signs with."""
        probe = of_head(self.source, 0, 0, b"")
        while not self.keys.proves(self.source, probe, self.keys.signing.sign(probe)):
            self.speechless = True
            log.error("signing_key_unknown", source=self.source)
            await asyncio.sleep(UNKNOWN_SECONDS)
        self.speechless = False

    async def _publish(self, producer: AIOKafkaProducer) -> None:
        """On a connection of its own, which hears wake-ups; a relay that has become deaf notices at once."""
        async with self.pool.acquire() as conn:
            try:
                await conn.add_listener(CHANNEL, self._ring)
                conn.add_termination_listener(self._ring)
                await self._look(conn, producer)
            finally:
                conn.terminate()  # It still listens, so it is of no use to anybody else.

    def _ring(self, *_: object) -> None:
        self.rung = True
        self.wake.set()

    async def _look(self, conn: Connection, producer: AIOKafkaProducer) -> None:
        pause = SHORTEST
        while True:
            self.wake.clear()
            if fresh := self.owned - self.positions.keys() - self.halted.keys():
                await self._reconcile(sorted(fresh))
            busy = await self._send_next(conn, producer)
            pause = SHORTEST if busy or self.rung else self._longer(pause)
            self.rung = False
            if not busy:
                await _wait(self.wake, pause)

    def _longer(self, pause: float) -> float:
        if pause < self.idle_seconds:
            return min(pause * 2, self.idle_seconds)
        return max(self.idle_seconds, min(pause * 1.1, self.rest_seconds))

    async def _send_next(self, conn: Connection, producer: AIOKafkaProducer) -> bool:
        open_lanes = {lane: seq for lane, seq in self.positions.items() if lane in self.owned}
        if not open_lanes:
            return False
        after = list(open_lanes), list(open_lanes.values())
        rows = await conn.fetch(AFTER_POSITION, *after, BATCH, BATCH_BYTES, CHAIN_BYTES)
        if not rows:
            return False
        by_lane: dict[int, list[Any]] = {}
        for row in rows:
            by_lane.setdefault(row["lane"], []).append(row)
        sends = {asyncio.create_task(self._send_lane(producer, lane, events)) for lane, events in by_lane.items()}
        try:
            done, late = await asyncio.wait(sends, timeout=SEND_SECONDS, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            # Where one lane failed, no other may report an ack after the positions were found anew.
            for send in sends:
                send.cancel()
        for send in done:
            send.result()
        if late:
            raise TimeoutError
        return True

    async def _send_lane(self, producer: AIOKafkaProducer, lane: int, rows: list[Any]) -> None:
        partition = topic_of(lane)
        batch = producer.create_batch()
        last = self.positions.get(lane)
        if last is None:
            return  # Revoked while the rows were read.
        traces: list[str | None] = []
        for row in rows:
            if row["seq"] != last + 1:
                self._halt(lane, last, "gap_in_table")
                return
            headers = decode_meta(row["meta"])
            named = dict(headers)
            wire = [*headers, *stored_position(row).headers()]
            if row is rows[-1]:
                wire.append((SIGNATURE, self._signature(row)))
            if batch.append(key=named["ce_subject"], value=row["body"], timestamp=None, headers=wire) is None:
                self._halt(lane, last, "too_large")
                return
            last = row["seq"]
            traces.append(well_formed(named.get("ce_traceparent", b"").decode()))
        batch.close()
        with tracing.spans("relay", traces, "producer", {"lane": lane}):
            try:
                acknowledged = await producer.send_batch(batch, partition.topic, partition=partition.partition)
                fault_points.here("relay.after_send")
                await acknowledged
            except BrokerResponseError as error:
                if not error.retriable:
                    self._was_refused(lane, rows[0]["seq"] - 1, error)
                raise
        fault_points.here("relay.after_ack")
        # Moves only after the ack, and only where nobody reset it meanwhile.
        if lane in self.positions:
            self.sent += last - self.positions[lane]
            self.positions[lane] = last

    def _signature(self, row: Any) -> bytes:
        message = of_head(source_of(self.source, row["lane"]), row["lane"], row["seq"], row["hash"])
        return self.keys.signing.sign(message).hex().encode()

    async def _reconcile(self, lanes: list[int]) -> None:
        """Go on after what the log itself has of these lanes."""
        heads = await heads_in_log(self.pool, self.bootstrap, self.source, lanes, self.keys.proves)
        async with self.pool.acquire() as conn:
            for lane, (seq, head) in heads.items():
                await self._take_up(conn, lane, seq, head)

    async def _take_up(self, conn: Connection, lane: int, seq: int, head: bytes) -> None:
        if lane not in self.owned:
            return  # Revoked meanwhile: a position kept from now would be old when the lane comes back.
        stored, closed = await conn.fetchrow(STORED, lane, seq)
        if seq > 0 and stored != head:
            why = "log_ahead_of_table" if stored is None else "log_differs_from_table"
            await conn.execute(CLOSE, lane, why)
            self._halt(lane, seq, why)
            return
        if closed:
            await conn.execute(CLOSE, lane, None)
        self.positions[lane] = seq

    def _was_refused(self, lane: int, seq: int, error: BrokerResponseError) -> None:
        if self.refused.pop(lane, None) == seq:
            self._halt(lane, seq, f"refused: {type(error).__name__}")
        else:
            self.refused[lane] = seq

    def _halt(self, lane: int, seq: int, reason: str) -> None:
        self.positions.pop(lane, None)
        self.halted[lane] = reason
        log.error("relay_halted", source=self.source, lane=lane, seq=seq, reason=reason)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    # Not wait_for: in Python 3.11 it swallows a cancellation that meets the event, and the loop would never end.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
