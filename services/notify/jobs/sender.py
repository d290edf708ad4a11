"""Sends what the ledger says is due in the lanes of this worker, each channel by itself; outcomes are events."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any

import structlog
from jinja2 import TemplateError

from libs.events.contracts.notify import MessageDropped
from libs.events.decider import SYSTEM
from libs.events.envelope import Recorded
from libs.events.errors import StreamConflict, UnknownEvent
from libs.events.ids import MessageId
from libs.log.process import fault_points
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.transient import TRANSIENT
from libs.log.worker import Worker
from libs.log.write.command import CommandContext
from libs.log.write.prefetch import Of
from libs.service.clock import real_now
from libs.service.runtime import Runtime
from services.notify import config
from services.notify.channels.channel import ChannelFailed, Parcel, carried
from services.notify.channels.configured import Line, lines_of, open_channels
from services.notify.domain.decider import DECIDER, Command
from services.notify.domain.delivery import Delivery, RecordDeliveries
from services.notify.domain.fates import UNTOLD
from services.notify.jobs import drafts
from services.notify.jobs.digest import bundle, gathered
from services.notify.jobs.drafts import facts_without_a_case
from services.notify.jobs.prepare import (
    Known,
    Masses,
    NotSent,
    address_of,
    dropped,
    known_of,
    letter_of,
    parcel_of,
    worded,
)
from services.notify.readmodel.tables import tells_of
from services.notify.texts.rendering import Letter, Rendering

log = structlog.get_logger()

ROUND = 500
SIDE_BY_SIDE = 4
POLL_EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
UNTIL_THE_LEDGER_SHOWS_IT = {"sent": 30.0, "open": 1.0}

OPEN = """
    select message_id, case_id::text as case_id, event_id::text as event_id, event_type, template, recipient, channel,
           details, attempts, due_at, send_at, digest, alike
      from message where lane = any($1) and state in ('DUE', 'FAILED') and channel = any($2)
       and message_id <> all($3) and recipient <> all($4)
       and (send_at is null or send_at <= log.business_now()) and (retry_at is null or retry_at <= $5)
       and lane not in (select h.lane from log.lane_head h where h.closed is not null)
     order by due_at, message_id limit $6
"""
PENDING = """
    select count(*) filter (where send_at is null or send_at <= $1) as due,
           min(send_at) filter (where send_at > $1) as next
      from message where state = 'DUE'
"""


async def pending(conn: Connection) -> tuple[int, datetime | None]:
    """How many messages are due and not tried yet, and until when the next one is held."""
    row = await conn.fetchrow(PENDING, await event_store.business_now(conn))
    untold = await drafts.pending(conn)
    return (row["due"] + untold, row["next"]) if row else (untold, None)


async def report_untold(_: Runtime, event: Recorded) -> None:
    """Somebody should have been told and was not: said in the log at once; `GET /untold` lists what nobody was told."""
    if isinstance(event.data, MessageDropped) and event.data.reason in UNTOLD:
        log.warning("message_untold", case_id=event.subject, message_id=event.data.message_id, why=event.data.reason)


async def run(running: Runtime, worker: Worker) -> None:
    """Every channel sends whenever the read model has moved, and looks at least each second; for ever."""
    senders = [Sender(running, line) for line in lines_of(open_channels(config.of(running)))]
    async with asyncio.TaskGroup() as group:
        for sender in senders:
            group.create_task(sender.work(worker))
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_EVERY_SECONDS):
                    await worker.moved.wait()
            worker.moved.clear()
            for sender in senders:
                sender.wake.set()


def stream_of(row: Any) -> Of:
    """Where it stands what became of a message."""
    return "case" if tells_of(row) == "case" else "notice"


@dataclass
class Sender:
    """Works off one channel's part of the ledger, oldest message first."""

    running: Runtime
    line: Line
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    held: dict[str, float] = field(default_factory=dict)
    """Message id → until when it is not looked at: spares a look at the stream, decides nothing."""
    away: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Who does not answer → how often in a row, and until when nothing is tried there."""
    made: dict[str, Delivery] = field(default_factory=dict)
    """Message id → what was sent and could not be recorded: only that is tried again while the store takes nothing."""
    masses: Masses = field(default_factory=Masses)

    async def work(self, worker: Worker) -> None:
        """For ever; a store that is away for a moment is waited for."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            try:
                while await self.send_open(worker.lanes):
                    worker.relay.wake.set()
            except TRANSIENT as why:
                log.warning("sender_waits", channels=self.line.names, reason=type(why).__name__)

    async def send_open(self, lanes: Sequence[int]) -> bool:
        """One poll of the owned lanes; whether another poll at once may find more."""
        now = monotonic()
        self.held = {one: at for one, at in self.held.items() if at > now}
        shut = [key for key, (_, until) in self.away.items() if until > now]
        if "" in shut:
            return False
        async with self.running.pool.acquire() as conn:
            names = list(self.line.names)
            rows = await conn.fetch(OPEN, list(lanes), names, [*self.held], shut, real_now(), ROUND)
            business = await event_store.business_now(conn) if rows else real_now()
        cases: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if not row["digest"]:
                cases[row["case_id"]].append(row)
        slots = asyncio.Semaphore(SIDE_BY_SIDE)
        work = [self._send_case(case_id, due, business) for case_id, due in cases.items()]
        work += [self._send_digest(together, business) for together in gathered(rows)]
        done = await asyncio.gather(*(self._carried_out(slots, one) for one in work))
        return bool(done) and all(done)

    async def _carried_out(self, slots: asyncio.Semaphore, work: Coroutine[Any, Any, None]) -> bool:
        """Whether it went through: trouble with one case must not end what is under way for another."""
        async with slots:
            try:
                await work
            except (StreamConflict, UnknownEvent, *TRANSIENT) as why:
                log.warning("sender_waits", channels=self.line.names, reason=type(why).__name__)
                return False
            except Exception as mistake:
                log.error("sender_halted", channels=self.line.names, exc_info=mistake)
                return False
        return True

    async def _send_case(self, case_id: str, rows: Sequence[Any], now: datetime) -> None:
        async with self.running.pool.acquire() as conn:
            unsent = await self._unsent(conn, case_id, rows)
            known = await known_of(self.running, conn, case_id, now) if unsent else None
        tried = [one for row in unsent if known and (one := await self._try(row, known))]
        await self._record(case_id, tried, stream_of(rows[0]))

    async def _send_digest(self, rows: Sequence[Any], now: datetime) -> None:
        """One parcel for all of them.

        What became of it is recorded case by case: after a crash in between the rest goes out as a digest of its own.
        """
        entries: list[tuple[Any, Letter]] = []
        outcomes: dict[tuple[str, Of], list[Delivery]] = defaultdict(list)
        for row in rows:
            if made := self.made.get(row["message_id"]):
                outcomes[row["case_id"], stream_of(row)].append(made)
                continue
            async with self.running.pool.acquire() as conn:
                if await self._unsent(conn, row["case_id"], [row]):
                    known = await known_of(self.running, conn, row["case_id"], now)
                    try:
                        entries.append((row, await letter_of(conn, row, known, self.masses)))
                    except NotSent as why:
                        outcomes[row["case_id"], stream_of(row)].append(dropped(row, why))
        if entries and (told := await self._deliver(*entries[0], known, entries)):
            for row, letter in entries:
                outcomes[row["case_id"], stream_of(row)].append(self._outcome(row, told, letter))
        for (case_id, of), deliveries in outcomes.items():
            await self._record(case_id, deliveries, of)

    async def _unsent(self, conn: Connection, case_id: str, rows: Sequence[Any]) -> list[Any]:
        """Those that this service's own stream calls open and due: the ledger may lag behind it."""
        own = await event_store.load(conn, f"{stream_of(rows[0])}-{case_id}")
        fates, now = DECIDER.fold(event.data for event in own).fates, real_now()
        unsent = []
        for row in rows:
            fate = fates.get(row["message_id"])
            if fate and fate.open and (fate.retry_at is None or fate.retry_at <= now):
                unsent.append(row)
            else:
                self.made.pop(row["message_id"], None)
                self._hold(row["message_id"], UNTIL_THE_LEDGER_SHOWS_IT["open"])
        return unsent

    async def _try(self, row: Any, known: Known) -> Delivery | None:
        """What became of one message; None where the other end is known to be away."""
        if made := self.made.get(row["message_id"]):
            return made
        try:
            async with self.running.pool.acquire() as conn:
                letter = await letter_of(conn, row, known, self.masses)
        except NotSent as why:
            return dropped(row, why)
        told = await self._deliver(row, letter, known)
        return self._outcome(row, told, letter) if told else None

    async def _deliver(
        self, row: Any, letter: Letter, known: Known, several: Sequence[tuple[Any, Letter]] = ()
    ) -> Delivery | None:
        message_id, carrier, key = MessageId(row["message_id"]), self.line.carrier, self.line.pauses(row["recipient"])
        if key in self.away and self.away[key][1] > monotonic():
            return None
        if carrier is None:
            return Delivery(message_id, row["channel"], failure="NO_CHANNEL")
        try:
            parcel = await self._parcel(row, letter, known, several)
            receipt = await carried(carrier, parcel)
        except NotSent as why:
            return dropped(row, why)
        except (ChannelFailed, TemplateError) as failed:
            reason = failed.code if isinstance(failed, ChannelFailed) else "TEMPLATE"
            log.warning("message_failed", message_id=message_id, channel=carrier.name, reason=reason)
            if isinstance(failed, ChannelFailed) and failed.away:
                self._leave_alone(key)
            return Delivery(message_id, row["channel"], failure=reason)
        fault_points.here("sender.after_channel")
        self.away.pop(key, None)
        return Delivery(message_id, carrier.name, receipt=receipt)

    async def _parcel(self, row: Any, letter: Letter, known: Known, several: Sequence[tuple[Any, Letter]]) -> Parcel:
        rendering = Rendering(known.view, config.of(self.running).templates_dir)
        async with self.running.pool.acquire() as conn:
            point = await address_of(self.running, conn, row, known, self.line.carrier)
            # A digest says of each the title and a sentence, nothing of what somebody wrote.
            letter = letter if several else await worded(self.running, conn, row, letter)
        return bundle(several, point, rendering) if several else parcel_of(row, letter, point, rendering)

    async def _record(self, case_id: str, deliveries: Sequence[Delivery], of: Of) -> None:
        tried_at = real_now()
        pauses = tuple(timedelta(seconds=one) for one in config.of(self.running).message_retry_seconds)

        def build(now: datetime) -> Command:
            return RecordDeliveries(now, SYSTEM, tuple(deliveries), tried_at, pauses)

        if deliveries:
            facts = self.running.facts_in if of == "case" else facts_without_a_case(self.running)
            await self.running.handler.handle(case_id, build, facts, CommandContext(SYSTEM), of=of)
        for one in deliveries:
            self.made.pop(one.message_id, None)
            self._hold(one.message_id, UNTIL_THE_LEDGER_SHOWS_IT["sent" if one.receipt else "open"])

    def _outcome(self, row: Any, told: Delivery, letter: Letter) -> Delivery:
        """What became of a parcel, said of one message in it; what was sent is remembered until it is recorded."""
        sent, message_id = told.receipt is not None, MessageId(row["message_id"])
        one = replace(told, message_id=message_id, late=sent and letter.late is not None, mass=sent and letter.mass > 0)
        if sent:
            self.made[message_id] = one
        return one

    def _hold(self, message_id: str, seconds: float) -> None:
        self.held[message_id] = monotonic() + seconds

    def _leave_alone(self, key: str) -> None:
        """Nothing is tried there for a second, then two, four … a minute."""
        (times, until), now = self.away.get(key, (0, 0.0)), monotonic()
        if until <= now:  # else several tries failed side by side: one failure, not many
            self.away[key] = (times + 1, now + min(2.0**times, LONGEST_PAUSE_SECONDS))
