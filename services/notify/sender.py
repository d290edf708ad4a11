"""Sends what the ledger says is due, in the lanes that this worker owns; the outcome becomes an event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic
from typing import Any

import orjson
import structlog
from jinja2 import TemplateError

from libs.directory.facts import Facts
from libs.events import crash, store
from libs.events.decider import SYSTEM
from libs.events.errors import StreamConflict
from libs.events.handle import Call
from libs.events.ids import MessageId
from libs.events.store import Connection
from libs.events.worker import TRANSIENT, Worker
from libs.service.runtime import Runtime
from services.notify.channels import Channel, ChannelFailed, open_channels
from services.notify.domain import DECIDER, Command, Delivery, RecordDeliveries
from services.notify.recipients import unreachable
from services.notify.rendering import Letter, render

log = structlog.get_logger()

ROUND = 500
SIDE_BY_SIDE = 4
LOOK_EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0

OPEN = """
    select message_id, case_id::text as case_id, template, recipient, channel, details, attempts
      from message where lane = any($1) and state in ('DUE', 'FAILED') and message_id <> all($2)
     order by due_at, message_id limit $3
"""
DUES = "select clock, due_at from due where case_id = $1 and due_at is not null"
PENDING = "select count(*) from message where state = 'DUE'"


async def pending(conn: Connection) -> tuple[int, None]:
    """How many messages are due and not tried yet; notify has no due instants ahead."""
    return await conn.fetchval(PENDING), None


async def run(running: Runtime, worker: Worker) -> None:
    """Send whenever the read model has moved, and look at least each second; for ever."""
    sender = Sender(running, open_channels(running.settings))
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_SECONDS):
                await worker.moved.wait()
        worker.moved.clear()
        try:
            while await sender.send_open(worker.lanes):
                worker.relay.wake.set()
        except (StreamConflict, *TRANSIENT) as why:
            log.warning("sender_waits", reason=type(why).__name__)
            await asyncio.sleep(0.2)


@dataclass
class Sender:
    """Works off the ledger, oldest message first, case by case."""

    running: Runtime
    channels: Mapping[str, Channel]
    settled: set[str] = field(default_factory=set)
    """Recorded here, while the ledger does not show it yet: spares a look at the stream, decides nothing."""
    not_before: dict[str, float] = field(default_factory=dict)
    """Message id → when it is tried again, on the machine's own clock."""

    async def send_open(self, lanes: Sequence[int]) -> bool:
        """One look over the owned lanes; whether anything was sent or dropped."""
        now = monotonic()
        self.not_before = {one: at for one, at in self.not_before.items() if at > now}
        async with self.running.pool.acquire() as conn:
            rows = await conn.fetch(OPEN, list(lanes), [*self.settled, *self.not_before], ROUND)
            shown = await conn.fetch(
                "select message_id from message where message_id = any($1) and state in ('SENT', 'DROPPED')",
                list(self.settled),
            )
        self.settled -= {row["message_id"] for row in shown}
        cases: dict[str, list[Any]] = {}
        for row in rows:
            cases.setdefault(row["case_id"], []).append(row)
        slots = asyncio.Semaphore(SIDE_BY_SIDE)
        await asyncio.gather(*(self._send_case(slots, case_id, due) for case_id, due in cases.items()))
        return bool(rows)

    async def _send_case(self, slots: asyncio.Semaphore, case_id: str, rows: Sequence[Any]) -> None:
        async with slots:
            async with self.running.pool.acquire() as conn:
                facts, unsent = await self.running.facts(conn, case_id), await self._unsent(conn, case_id, rows)
                dues = {row["clock"]: row["due_at"] for row in await conn.fetch(DUES, case_id)}
            deliveries = [await self._try(row, facts, dues) for row in unsent]
            if deliveries:
                await self._record(case_id, tuple(deliveries))
            self._remember(rows, deliveries)

    async def _unsent(self, conn: Connection, case_id: str, rows: Sequence[Any]) -> list[Any]:
        """Those that this service's own stream does not call finished: the ledger may lag behind it."""
        own = await store.load(conn, f"case-{case_id}")
        fates = DECIDER.fold(event.data for event in own).fates
        return [row for row in rows if row["message_id"] in fates and fates[row["message_id"]].open]

    async def _try(self, row: Any, facts: Facts, dues: Mapping[str, datetime]) -> Delivery:
        message_id, channel = MessageId(row["message_id"]), row["channel"]
        if row["recipient"] == "reporter" and facts.case and (gone := unreachable(facts.case)):
            return Delivery(message_id, channel, dropped=gone)
        carrier = self.channels.get(channel)
        if carrier is None:
            return Delivery(message_id, channel, failure="NO_CHANNEL")
        letter = Letter(row["template"], row["case_id"], row["recipient"], orjson.loads(row["details"]), dues)
        try:
            text = render(letter, facts.directory)
            receipt = await asyncio.to_thread(carrier.deliver, message_id, row["recipient"], text)
            crash.here("sender.after_channel")
        except (ChannelFailed, TemplateError) as failed:
            reason = failed.code if isinstance(failed, ChannelFailed) else "TEMPLATE"
            log.warning("message_failed", message_id=message_id, reason=reason)
            return Delivery(message_id, channel, failure=reason)
        return Delivery(message_id, channel, receipt=receipt)

    async def _record(self, case_id: str, deliveries: tuple[Delivery, ...]) -> None:
        def build(now: datetime) -> Command:
            return RecordDeliveries(now, SYSTEM, deliveries)

        async def facts(conn: Connection) -> Facts:
            return await self.running.facts(conn, case_id)

        await self.running.desk.handle(case_id, build, facts, Call(SYSTEM))

    def _remember(self, rows: Sequence[Any], deliveries: Sequence[Delivery]) -> None:
        failed = {one.message_id for one in deliveries if one.failure}
        for row in rows:
            if row["message_id"] in failed:
                pause = min(2.0 ** row["attempts"], LONGEST_PAUSE_SECONDS)
                self.not_before[row["message_id"]] = monotonic() + pause
            else:
                self.settled.add(row["message_id"])
