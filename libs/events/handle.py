"""The shell around a decider: load → fold → decide → seal → append, once per Idempotency-Key. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Generic, Protocol

import orjson

from libs.events import crash, store, tracing
from libs.events.decider import Actor, Command, Decider, State
from libs.events.envelope import Provenance, Recorded, draft
from libs.events.errors import IdempotencyMismatch, Refused, Rejected, StreamConflict
from libs.events.event import Event
from libs.events.lifecycle import Case
from libs.events.seal import CaseKeys, Vault, plain_body
from libs.events.store import Appended, Connection, Pool

ATTEMPTS = 3
LOOK = f"""
    select log.business_now() as now, c.request_hash, c.status, c.response, {store.WHOLE_STREAM} as own
      from (select $2::text as principal, $3::text as idem_key) k
      left join log.command_log c using (principal, idem_key)
"""  # noqa: S608 - our own names
"""One round trip: the business time, the stored answer to this key if there is one, the case's own stream."""


class Known(Protocol):
    """What a decision may look at besides its own stream: the case as the log shows it, and the directory."""

    @property
    def case(self) -> Case | None: ...

    @property
    def directory_version(self) -> int: ...


@dataclass(frozen=True)
class Once:
    """An Idempotency-Key of one principal, and a keyed hash of the request it came with."""

    principal: str
    key: str
    request_hash: bytes


@dataclass(frozen=True)
class Call:
    """What stands around a command: who calls, in which time, against which version."""

    actor: Actor
    once: Once | None = None
    given: datetime | None = None
    if_match: str | None = None
    traceparent: str | None = None


@dataclass(frozen=True)
class Outcome:
    """The stored answer: HTTP status and JSON document; ids and positions only, never personal data."""

    status: int
    document: dict[str, Any] = field(default_factory=dict)


class _Claimed(Exception):
    """Another request with the same key was faster."""


@dataclass(frozen=True)
class Desk(Generic[State, Command]):
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
        return f"{self.service}.{at.lane}.{at.seq}"

    async def handle(
        self,
        case_id: str,
        build: Callable[[datetime], Command],
        facts: Callable[[Connection], Awaitable[Known]],
        call: Call,
        *,
        opens: bool = False,
        note: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Carry out one command; raises `Rejected` where the rules do not allow it.

        `opens` says that this command is the first of its case, so its keys are made before anything is appended.
        `note` is answered and stored beside what happened: ids and codes, nothing personal.
        Decides anew on a conflict, three times at most (architecture.md §4).
        """
        async with self.pool.acquire() as conn:
            for attempt in range(ATTEMPTS):
                try:
                    with tracing.span("append", call.traceparent, about={"case_id": case_id}) as here:
                        here_called = replace(call, traceparent=here.traceparent)
                        return await self._attempt(
                            conn, case_id, build, facts, here_called, opens=opens, note=note or {}
                        )
                except (_Claimed, Rejected) as why:
                    # The first request with this key may have been carried out between our look at it and our reading.
                    if answered := await _answered(conn, call.once):
                        return answered
                    if not isinstance(why, StreamConflict) or call.if_match or attempt == ATTEMPTS - 1:
                        raise
            raise StreamConflict()

    async def _attempt(
        self,
        conn: Connection,
        case_id: str,
        build: Callable[[datetime], Command],
        facts: Callable[[Connection], Awaitable[Known]],
        call: Call,
        *,
        opens: bool,
        note: Mapping[str, Any],
    ) -> Outcome:
        stream = f"case-{case_id}"
        once = call.once
        row = await conn.fetchrow(LOOK, stream, once and once.principal, once and once.key)
        if answered := _stored(row, once):
            return answered
        own = store.stream_of(row["own"])
        known = await facts(conn)
        check_version(call.if_match, len(own), known.case)
        now = call.given or row["now"]
        refusal: Refused | None = None
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
        expected = None if refusal else len(own)
        async with conn.transaction():
            await _claim(conn, once)
            outcome = Outcome(200, {"case_id": case_id, "events": [], "position": None, "version": len(own)})
            if drafts:
                at = await store.append(
                    conn, stream, drafts, expected=expected, cause=by.cause_recorded_at, given=call.given
                )
                outcome = self.outcome(case_id, at, refusal)
            if not refusal:
                outcome = Outcome(outcome.status, {**outcome.document, **note})
            await _answer(conn, once, outcome)
        crash.here("api.after_commit")
        return outcome

    def outcome(self, case_id: str, at: Appended, refusal: Refused | None = None) -> Outcome:
        """What is answered of appended events."""
        if refusal:
            return Outcome(409, {**refusal.document(), "recorded_as": list(at.event_ids)})
        document = {"case_id": case_id, "events": list(at.event_ids), "position": self.position(at)}
        return Outcome(200, {**document, "version": at.version, "recorded_at": at.recorded_at.isoformat()})

    async def _keys(self, case_id: str, events: Sequence[Event], *, opens: bool) -> CaseKeys:
        if opens and events:
            return await self.vault.create(case_id)
        if any(event.personal_fields() for event in events):
            return await self.vault.keys_of(case_id)
        return CaseKeys(case_id, {})

    async def react(
        self,
        conn: Connection,
        command: Command,
        known: Known,
        *,
        cause: Recorded,
        actor: Actor,
        given: datetime | None,
        traceparent: str | None,
    ) -> Appended | None:
        """Decide and append inside the reader's transaction, whose lane is locked already.

        A refusal is an outcome, not a halt: its events, if any, are facts of the access stream.
        """
        case_id = cause.subject
        own = await store.load(conn, f"case-{case_id}")
        state = self.decider.fold(event.data for event in own)
        stream, expected = f"case-{case_id}", len(own)
        try:
            events = self.decider.decide(state, command, known)
        except Refused as refused:
            events, stream, expected = refused.events, f"access-{case_id}", None  # type: ignore[assignment]
        except Rejected:
            return None
        if not events:
            return None
        by = Provenance(actor, known.directory_version, cause.id, cause.recorded_at, traceparent)
        at = given or cause.recorded_at
        drafts = [
            draft(event, plain_body(event), source=self.source, subject=case_id, stream=stream, at=at, by=by)
            for event in events
        ]
        return await store.append(conn, stream, drafts, expected=expected, cause=cause.recorded_at, given=given)


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
    """Raises `StreamConflict` where the caller has seen another version than the one he would change."""
    if if_match and if_match not in ("*", etag(own_version, case)):
        raise StreamConflict()


async def once(conn: Connection, key: Once | None, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
    """Do something that is no command on a case at most once per key, in one transaction; else the stored answer."""
    while True:
        if answered := await _answered(conn, key):
            return answered
        try:
            async with conn.transaction():
                await _claim(conn, key)
                outcome = await work()
                await _answer(conn, key, outcome)
                return outcome
        except _Claimed:
            continue


async def _answered(conn: Connection, once: Once | None) -> Outcome | None:
    if once is None:
        return None
    row = await conn.fetchrow(
        "select request_hash, status, response from log.command_log where principal = $1 and idem_key = $2",
        once.principal,
        once.key,
    )
    return _stored(row, once)


def _stored(row: Any, once: Once | None) -> Outcome | None:
    if once is None or row is None or row["request_hash"] is None:
        return None
    if row["request_hash"] != once.request_hash:
        raise IdempotencyMismatch()
    return Outcome(row["status"], orjson.loads(row["response"]))


async def _claim(conn: Connection, once: Once | None) -> None:
    if once is None:
        return
    # A second request with this key waits here, before the lane, until the first one has committed.
    claimed = await conn.fetchval(
        "insert into log.command_log (principal, idem_key, request_hash) values ($1, $2, $3)"
        " on conflict do nothing returning true",
        once.principal,
        once.key,
        once.request_hash,
    )
    if not claimed:
        raise _Claimed


async def _answer(conn: Connection, once: Once | None, outcome: Outcome) -> None:
    if once is not None:
        await conn.execute(
            "update log.command_log set status = $3, response = $4 where principal = $1 and idem_key = $2",
            once.principal,
            once.key,
            outcome.status,
            orjson.dumps(outcome.document).decode(),
        )
