"""What `handle` does for one case, for many new ones in one transaction: each comes in whole or not at all, once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

from libs.events.decider import Command, Decider, State
from libs.events.envelope import Recorded, draft
from libs.events.errors import Refused, Rejected, StreamConflict
from libs.events.event import Event
from libs.log.process import fault_points
from libs.log.store import event_store
from libs.log.store.event_store import Append, Connection
from libs.log.write.command import ATTEMPTS, CommandContext, CommandHandler, Known, provenance
from libs.log.write.idempotency import IdempotencyKey, Outcome, claim_all, complete, find_answers

Result = Outcome | Rejected


@dataclass(frozen=True)
class NewCase(Generic[Command]):
    """One new case: its id, the key that it comes in under, and its commands in order."""

    case_id: str
    key: IdempotencyKey
    commands: Callable[[datetime], Sequence[Command]]

    @property
    def stream(self) -> str:
        """`case-<id>`."""
        return f"case-{self.case_id}"


async def bulk_create(
    handler: CommandHandler[State, Command], cases: Sequence[NewCase[Command]], known: Known, call: CommandContext
) -> dict[str, Result]:
    """What became of each case: its stored answer, or why the rules do not allow it. Case ids must differ.

    Raises `StreamConflict` where others open the same cases again and again.
    """
    async with handler.pool.acquire() as conn:
        for _ in range(ATTEMPTS):
            try:
                return await _attempt(handler, conn, cases, known, call)
            except StreamConflict:
                # Somebody opened one of them between our look and our writing: the next look finds it.
                continue
        raise StreamConflict()


async def _attempt(
    handler: CommandHandler[State, Command],
    conn: Connection,
    cases: Sequence[NewCase[Command]],
    known: Known,
    call: CommandContext,
) -> dict[str, Result]:
    # Streams before answers: who opens one of them in between has its answer found, and no rule against it.
    there = await _there(conn, cases)
    answers = await find_answers(conn, [one.key for one in cases])
    results: dict[str, Result] = {one.case_id: answers[one.key.key] for one in cases if one.key.key in answers}
    left = [one for one in cases if one.case_id not in results]
    now = call.given or await event_store.business_now(conn)
    decided: dict[NewCase[Command], Sequence[Event]] = {}
    for one in left:
        own = await event_store.load(conn, one.stream) if one.stream in there else []
        try:
            decided[one] = _decide(handler.decider, own, one.commands(now), known)
        except Refused:
            # Nobody has done anything yet that a rule could name; were it so, it would have to be recorded.
            raise
        except Rejected as why:
            results[one.case_id] = why
    if not decided:
        return results
    keys = await handler.vault.create_all([one.case_id for one in decided])
    by = provenance(call.actor, known, [], call.traceparent)

    def append_of(one: NewCase[Command]) -> Append:
        drafts = [
            draft(
                event,
                keys[one.case_id].seal(event),
                source=handler.source,
                subject=one.case_id,
                stream=one.stream,
                at=now,
                by=by,
            )
            for event in decided[one]
        ]
        return Append(one.stream, drafts, expected=0, cause=None, given=call.given)

    appends = [append_of(one) for one in decided]
    async with conn.transaction():
        # A second request with one of these keys waits here, before any lane, until the first one has committed.
        if not await claim_all(conn, [one.key for one in decided]):
            raise StreamConflict()
        places = await event_store.append_all(conn, appends)
        outcomes = {one: handler.opened(one.case_id, places[one.stream]) for one in decided}
        await complete(conn, {one.key: outcome for one, outcome in outcomes.items()})
    fault_points.here("api.after_commit")
    return results | {one.case_id: outcome for one, outcome in outcomes.items()}


def _decide(
    decider: Decider[State, Command, Any], own: Sequence[Recorded], commands: Sequence[Command], known: Known
) -> Sequence[Event]:
    state = decider.fold(event.data for event in own)
    events: list[Event] = []
    for command in commands:
        new = decider.decide(state, command, known)
        state = decider.fold(new, state)
        events += new
    return events


async def _there(conn: Connection, cases: Sequence[NewCase[Any]]) -> set[str]:
    """The streams that exist: somebody else opened the case, or it came in another way."""
    streams = [one.stream for one in cases]
    rows = await conn.fetch("select stream from log.stream_head where stream = any($1)", streams)
    return {row["stream"] for row in rows}
