"""Sends what the ledger says is due in the lanes of this worker, each channel by itself; outcomes are events."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import Any

import structlog
from jinja2 import TemplateError

from libs.events.decider import SYSTEM
from libs.events.errors import StreamConflict, UnknownEvent
from libs.events.ids import MessageId
from libs.log.process import fault_points
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.transient import LOCKED, TRANSIENT
from libs.log.worker import Worker
from libs.log.write.command import CommandContext
from libs.log.write.prefetch import Prefetched
from libs.service.clock import real_now
from libs.service.runtime import Runtime
from services.notify import config
from services.notify.channels.channel import ChannelFailed, Parcel, carried
from services.notify.channels.configured import Line, lines_of, open_channels
from services.notify.domain.decider import DECIDER, Command
from services.notify.domain.delivery import Delivery, RecordDeliveries
from services.notify.jobs.digest import bundle, gathered
from services.notify.jobs.ledger import OPEN, stream_of
from services.notify.jobs.outcomes import Outcomes
from services.notify.jobs.prepare import (
    Known,
    Look,
    Masses,
    NotSent,
    address_of,
    dropped,
    letter_of,
    look_at,
    parcel_of,
    worded,
)
from services.notify.texts.rendering import Letter, Rendering

log = structlog.get_logger()

ROUND = 500
SIDE_BY_SIDE = 4
POLL_EVERY_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
UNTIL_THE_LEDGER_SHOWS_IT = {"sent": 30.0, "open": 1.0}


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
            if not rows:
                return False
            look = await look_at(self.running, conn, {stream_of(row) for row in rows})
        cases: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            if not row["digest"]:
                cases[stream_of(row)].append(row)
        outcomes, slots = Outcomes(), asyncio.Semaphore(SIDE_BY_SIDE)
        work = [self._send_case(look, stream, due, outcomes) for stream, due in cases.items()]
        work += [self._send_digest(look, together, outcomes) for together in gathered(rows)]
        sending = asyncio.gather(*(self._carried_out(slots, one) for one in work))
        recorded = True
        try:
            while not sending.done():
                await outcomes.soon(sending)
                recorded &= await self._recorded(look, outcomes.taken())
        finally:
            sending.cancel()
        return recorded and all(sending.result())

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

    async def _send_case(self, look: Look, stream: str, rows: Sequence[Any], outcomes: Outcomes) -> None:
        known = look.known(stream)
        for row in self._unsent(known, rows):
            if tried := await self._try(row, known):
                outcomes.add(stream, tried)

    async def _send_digest(self, look: Look, rows: Sequence[Any], outcomes: Outcomes) -> None:
        """One parcel for all of them.

        What became of it may be recorded in several appends: after a crash in between the rest goes out as a digest of
        its own.
        """
        entries: list[tuple[Any, Letter]] = []
        for row in rows:
            if made := self.made.get(row["message_id"]):
                outcomes.add(stream_of(row), made)
                continue
            known = look.known(stream_of(row))
            if self._unsent(known, [row]):
                try:
                    async with self.running.pool.acquire() as conn:
                        entries.append((row, await letter_of(conn, row, known, self.masses)))
                except NotSent as why:
                    outcomes.add(stream_of(row), dropped(row, why))
        if entries and (told := await self._deliver(*entries[0], known, entries)):
            for row, letter in entries:
                outcomes.add(stream_of(row), self._outcome(row, told, letter))

    def _unsent(self, known: Known, rows: Sequence[Any]) -> list[Any]:
        """Those that this service's own stream calls open and due: the ledger may lag behind it."""
        fates, now = DECIDER.fold(event.data for event in known.seen.own).fates, real_now()
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

    async def _recorded(self, look: Look, outcomes: Mapping[str, Sequence[Delivery]]) -> bool:
        """Whether it is on record what became of these messages: by one append for all, or of each case by itself.

        Where a case has moved on meanwhile, as when two channels tell of it at once, all are looked at once more. So
        neither that nor a lane that somebody else holds keeps the others from it.
        """
        if not outcomes:
            return True
        try:
            async with self.running.pool.acquire() as conn:
                try:
                    await self._record_all(conn, look, outcomes)
                except StreamConflict:
                    await self._record_all(conn, await look_at(self.running, conn, outcomes), outcomes)
        except Exception as why:
            if isinstance(why, TRANSIENT) and not isinstance(why, LOCKED):
                log.warning("sender_waits", channels=self.line.names, reason=type(why).__name__)
                return False
            alone = asyncio.Semaphore(1)
            each = [self._record(look.seen[stream], deliveries) for stream, deliveries in outcomes.items()]
            return all([await self._carried_out(alone, one) for one in each])
        for deliveries in outcomes.values():
            self._settle(deliveries)
        return True

    async def _record_all(self, conn: Connection, look: Look, outcomes: Mapping[str, Sequence[Delivery]]) -> None:
        now, commands = await event_store.business_now(conn), []
        for stream, deliveries in outcomes.items():
            known = look.known(stream)
            commands.append((replace(known.seen, now=now), self._command(deliveries, now), known.facts))
        await self.running.handler.handle_all(conn, commands)

    async def _record(self, seen: Prefetched, deliveries: Sequence[Delivery]) -> None:
        call, command = CommandContext(SYSTEM), partial(self._command, deliveries)
        await self.running.handler.handle(str(seen.case_id), command, self.running.facts_in, call, of=seen.of)
        self._settle(deliveries)

    def _command(self, deliveries: Sequence[Delivery], now: datetime) -> Command:
        pauses = tuple(timedelta(seconds=one) for one in config.of(self.running).message_retry_seconds)
        return RecordDeliveries(now, SYSTEM, tuple(deliveries), real_now(), pauses)

    def _settle(self, deliveries: Sequence[Delivery]) -> None:
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
