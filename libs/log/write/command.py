"""The shell around a decider: load → fold → decide → seal → append, once per Idempotency-Key. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol

from libs.case.state import Case
from libs.events.decider import SYSTEM, Actor, Command, Decider, State
from libs.events.envelope import Draft, Provenance, Recorded, draft
from libs.events.errors import Refused, Rejected, StreamConflict
from libs.events.event import Event
from libs.log.process import fault_points, tracing
from libs.log.store import event_store
from libs.log.store.event_store import Append, Appended, Connection, Pool, lock_lanes
from libs.log.unjudged import judging
from libs.log.write.idempotency import IdempotencyKey, KeyTaken, Outcome, append_once, claim, find_answer, position
from libs.log.write.prefetch import Of, Prefetched, prefetch
from libs.log.write.seal import CaseKeys, Vault, plain_body

ATTEMPTS = 3


class Known(Protocol):
    """What a decision may look at besides its own stream: the case as the log shows it, and the directory."""

    @property
    def case(self) -> Case | None: ...

    @property
    def directory_version(self) -> int: ...


@dataclass(frozen=True)
class CommandContext:
    """What stands around a command: who calls, in which time, against which version."""

    actor: Actor
    key: IdempotencyKey | None = None
    given: datetime | None = None
    if_match: str | None = None
    traceparent: str | None = None
    prefetched: Prefetched | None = field(default=None, compare=False)
    """What was seen when the caller was looked up; serves the first attempt where it is of this case and key."""

    def on_new(self, case_id: str) -> CommandContext:
        """This call on a case whose id has just been made: nothing can be known of it."""
        return replace(self, prefetched=self.prefetched and replace(self.prefetched, case_id=case_id))


@dataclass(frozen=True)
class Reaction:
    """A command of the service's own that follows from an event, with what could be known then."""

    command: Any
    known: Known
    cause: Recorded
    traceparent: str | None
    given: datetime | None
    """The business time in manual mode: its cause's."""


@dataclass(frozen=True)
class CommandHandler(Generic[State, Command]):
    """The write side of one service."""

    source: str
    decider: Decider[State, Command, Any]
    pool: Pool
    vault: Vault

    @property
    def service(self) -> str:
        """`intake`, `routing`, …"""
        return self.source.rpartition("/")[2]

    def position(self, at: Appended) -> str:
        """The opaque token with which a caller reads his own writes."""
        return position(self.service, at.lane, at.seq)

    async def handle(
        self,
        case_id: str,
        build: Callable[[datetime], Command],
        facts: Callable[[Connection, Prefetched], Awaitable[Known]],
        call: CommandContext,
        *,
        opens: bool = False,
        whole: bool = False,
        note: Mapping[str, Any] | None = None,
        of: Of = "case",
    ) -> Outcome:
        """Carry out one command; raises `Rejected` where the rules do not allow it.

        `opens` says that this command is the first of its case, so its keys are made before anything is appended.
        `whole`: what `facts` writes stands only together with what was decided.
        `note` is answered and stored beside what happened: ids and codes, nothing personal.
        Decides anew on a conflict, three times at most (architecture.md §4).
        """
        seen = call.prefetched if call.prefetched and call.prefetched.is_for(case_id, call.key) else None
        async with self.pool.acquire() as conn:
            for attempt in range(ATTEMPTS):
                try:
                    with tracing.span("append", call.traceparent, about={"case_id": case_id}) as here:
                        here_called = replace(call, traceparent=here.traceparent)
                        seen = seen or await prefetch(conn, case_id, call.key, of)
                        async with conn.transaction() if whole else nullcontext():
                            outcome = await self._attempt(
                                conn, seen, build, facts, here_called, opens=opens, note=note or {}
                            )
                        fault_points.here("api.after_commit")
                        return outcome
                except (KeyTaken, Rejected) as why:
                    # The first request with this key may have been carried out between our look at it and our reading.
                    if before := await find_answer(conn, call.key, self.service):
                        return before
                    if not isinstance(why, StreamConflict) or call.if_match or attempt == ATTEMPTS - 1:
                        raise
                seen = None
            raise StreamConflict()

    async def _attempt(
        self,
        conn: Connection,
        seen: Prefetched,
        build: Callable[[datetime], Command],
        facts: Callable[[Connection, Prefetched], Awaitable[Known]],
        call: CommandContext,
        *,
        opens: bool,
        note: Mapping[str, Any],
    ) -> Outcome:
        if before := seen.answer(call.key, self.service):
            return before
        case_id, own = str(seen.case_id), seen.own
        known = await facts(conn, seen)
        check_version(call.if_match, len(own), known.case)
        now = call.given or seen.now
        stream, refusal = seen.stream, None
        events: Sequence[Event]
        try:
            events = self.decider.decide(self.decider.fold(event.data for event in own), build(now), known)
        except Refused as refused:
            refusal, events, stream = refused, refused.events, f"access-{case_id}"
        by = provenance(call.actor, known, own, call.traceparent)
        keys = await self._keys(case_id, events, opens=opens)
        if known.case:
            keys = keys.without(known.case.erased)
        drafts = [
            draft(event, keys.seal(event), source=self.source, subject=case_id, stream=stream, at=now, by=by)
            for event in events
        ]
        wanted = Append(stream, drafts, None if refusal else len(own), by.cause_recorded_at, call.given)
        ids = [one.id for one in drafts]
        if refusal:
            outcome, last = Outcome(409, {**refusal.document(), "recorded_as": ids}), None
        else:
            unmoved = {} if ids else {"position": None, "version": len(own)}
            outcome = Outcome(200, {"case_id": case_id, "events": ids, **unmoved, **note})
            last = ids[-1] if ids else None
        return await self._write(conn, wanted, call.key, outcome, last)

    async def _write(
        self, conn: Connection, wanted: Append, key: IdempotencyKey | None, outcome: Outcome, last: str | None
    ) -> Outcome:
        """Events and answer in one statement, which is its own transaction; raises `KeyTaken`.

        The answer is completed by the place of the event `last`, now and whenever the request is repeated.
        """
        if not wanted.drafts:
            if key and not await claim(conn, key, outcome):
                raise KeyTaken
            return outcome
        place = await append_once(conn, wanted, key, outcome, last)
        if place is None:
            raise KeyTaken
        return outcome.at(self.service, place) if last else outcome

    def opened(self, case_id: str, at: Appended) -> Outcome:
        """What is answered of events that opened a case."""
        return Outcome(200, {"case_id": case_id, "events": list(at.event_ids)}).at(self.service, at)

    async def _keys(self, case_id: str, events: Sequence[Event], *, opens: bool) -> CaseKeys:
        if opens and events:
            return await self.vault.create(case_id)
        if any(event.personal_fields() for event in events):
            return await self.vault.keys_of(case_id)
        return CaseKeys(case_id, {})

    async def handle_all(self, conn: Connection, commands: Sequence[tuple[Prefetched, Command, Known]]) -> None:
        """Commands of the service's own, each on what was seen of its case; one call per lane appends all that follows.

        Raises `StreamConflict` where a case has moved on since, `LockNotAvailableError` where a lane is held for long:
        then nothing is appended, and each may be asked for by itself (`handle`).
        """
        appends = []
        with tracing.span("append", None) as here:
            for seen, command, known in commands:
                events = self.decider.decide(self.decider.fold(event.data for event in seen.own), command, known)
                if events:
                    by = provenance(SYSTEM, known, seen.own, here.traceparent)
                    drafts = self._drafts(seen.stream, events, seen.now, by)
                    appends.append(Append(seen.stream, drafts, len(seen.own), by.cause_recorded_at))
            if not appends:
                return
            async with conn.transaction():
                # A lane that somebody holds for long keeps nobody waiting for the others (ADR 0009).
                await lock_lanes(conn, {one.lane for one in appends})
                await event_store.append_all(conn, appends)

    async def react(self, conn: Connection, reactions: Sequence[Reaction]) -> dict[str, State]:
        """Decide one after another, then append in one call per lane; in the reader's transaction, which holds them.

        A refusal is an outcome, not a halt: its events, if any, are facts of the access stream. Answers the state of
        each case after it. Raises `NotJudged`.
        """
        own = await event_store.load_all(conn, {f"case-{one.cause.subject}" for one in reactions})
        folded = {stream: self.decider.fold(event.data for event in events) for stream, events in own.items()}
        versions = {stream: len(events) for stream, events in own.items()}
        appends = []
        for one in reactions:
            stream, expected = f"case-{one.cause.subject}", None
            try:
                with judging(one.cause.subject):
                    events = self.decider.decide(folded[stream], one.command, one.known)
                folded[stream], expected = self.decider.fold(events, folded[stream]), versions[stream]
                versions[stream] += len(events)
            except Refused as refused:
                stream, events = f"access-{one.cause.subject}", refused.events
            except Rejected:
                continue
            if events:
                appends.append(self._reacted(stream, events, expected, one))
        await event_store.append_all(conn, appends)
        return {stream.removeprefix("case-"): state for stream, state in folded.items()}

    def _reacted(self, stream: str, events: Sequence[Event], expected: int | None, one: Reaction) -> Append:
        cause = one.cause
        by = Provenance(SYSTEM, one.known.directory_version, cause.id, cause.recorded_at, one.traceparent)
        drafts = self._drafts(stream, events, one.given or cause.recorded_at, by)
        return Append(stream, drafts, expected, cause.recorded_at, one.given)

    def _drafts(self, stream: str, events: Sequence[Event], at: datetime, by: Provenance) -> list[Draft]:
        """Of events in which nothing is sealed."""
        subject = stream.partition("-")[2]
        return [
            draft(event, plain_body(event), source=self.source, subject=subject, stream=stream, at=at, by=by)
            for event in events
        ]


def provenance(actor: Actor, known: Known, own: Sequence[Recorded], traceparent: str | None) -> Provenance:
    """The cause of a command is the newest event of the case that its decision had applied (architecture.md §3)."""
    newest = [(event.recorded_at, event.id) for event in own[-1:]]
    if known.case and known.case.last_recorded_at:
        newest.append((known.case.last_recorded_at, known.case.last_event_id))
    at, event_id = max(newest, default=(None, None))
    return Provenance(actor, known.directory_version, event_id, at, traceparent)


def etag(own_version: int, case: Case | None) -> str:
    """Own version and the last event of the case that the read model has applied."""
    return f'"{own_version}.{case.last_event_id if case else ""}"'


def check_version(if_match: str | None, own_version: int, case: Case | None) -> None:
    """Raises `StreamConflict` where the caller has seen another version than the one he would change.

    Whoever names the service's own version alone asks whether somebody acted here, whatever else became of the case.
    """
    if if_match and if_match not in ("*", f'"{own_version}"', etag(own_version, case)):
        raise StreamConflict()
