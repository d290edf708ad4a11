"""What `handle` does for one case, for many new ones in one transaction: each comes in whole or not at all, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic

import orjson

from libs.events.decider import Command, Decider, State
from libs.events.envelope import Recorded, draft
from libs.events.errors import IdempotencyMismatch, Refused, Rejected, StreamConflict
from libs.events.event import Event
from libs.log.process import fault_points
from libs.log.store import event_store
from libs.log.store.event_store import Append, Connection
from libs.log.write.command import ATTEMPTS, Call, Desk, Known, provenance
from libs.log.write.idempotency import Once, Outcome

Result = Outcome | Rejected


@dataclass(frozen=True)
class Opening(Generic[Command]):
    """One new case: its id, the key that it comes in under, and its commands in order."""

    case_id: str
    once: Once
    commands: Callable[[datetime], Sequence[Command]]

    @property
    def stream(self) -> str:
        """`case-<id>`."""
        return f"case-{self.case_id}"


async def open_all(
    desk: Desk[State, Command], openings: Sequence[Opening[Command]], known: Known, call: Call
) -> dict[str, Result]:
    """What became of each case: its stored answer, or why the rules do not allow it. Case ids must differ.

    Raises `StreamConflict` where others open the same cases again and again.
    """
    async with desk.pool.acquire() as conn:
        for _ in range(ATTEMPTS):
            try:
                return await _attempt(desk, conn, openings, known, call)
            except StreamConflict:
                # Somebody opened one of them between our look and our writing: the next look finds it.
                continue
        raise StreamConflict()


async def _attempt(
    desk: Desk[State, Command], conn: Connection, openings: Sequence[Opening[Command]], known: Known, call: Call
) -> dict[str, Result]:
    # Streams before answers: who opens one of them in between has its answer found, and no rule against it.
    there = await _there(conn, openings)
    results = await _stored(conn, openings)
    left = [one for one in openings if one.case_id not in results]
    now = call.given or await event_store.business_now(conn)
    decided: dict[Opening[Command], Sequence[Event]] = {}
    for one in left:
        own = await event_store.load(conn, one.stream) if one.stream in there else []
        try:
            decided[one] = _decide(desk.decider, own, one.commands(now), known)
        except Refused:
            # Nobody has done anything yet that a rule could name; were it so, it would have to be recorded.
            raise
        except Rejected as why:
            results[one.case_id] = why
    if not decided:
        return results
    keys = await desk.vault.create_all([one.case_id for one in decided])
    by = provenance(call.actor, known, [], call.traceparent)

    def append_of(one: Opening[Command]) -> Append:
        drafts = [
            draft(
                event,
                keys[one.case_id].seal(event),
                source=desk.source,
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
        await _claim(conn, [one.once for one in decided])
        places = await event_store.append_all(conn, appends)
        outcomes = {one: desk.opened(one.case_id, places[one.stream]) for one in decided}
        await _answer(conn, outcomes)
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


async def _stored(conn: Connection, openings: Sequence[Opening[Any]]) -> dict[str, Result]:
    """The answers that were given before, by case id."""
    rows = await conn.fetch(
        "select idem_key, request_hash, status, response from log.command_log"
        " where (principal, idem_key) in (select * from unnest($1::text[], $2::text[]))",
        [one.once.principal for one in openings],
        [one.once.key for one in openings],
    )
    by_key = {row["idem_key"]: row for row in rows}
    found: dict[str, Result] = {}
    for one in openings:
        if row := by_key.get(one.once.key):
            same = row["request_hash"] == one.once.request_hash
            found[one.case_id] = (
                Outcome(row["status"], orjson.loads(row["response"])) if same else IdempotencyMismatch()
            )
    return found


async def _there(conn: Connection, openings: Sequence[Opening[Any]]) -> set[str]:
    """The streams that exist: somebody else opened the case, or it came in another way."""
    streams = [one.stream for one in openings]
    rows = await conn.fetch("select stream from log.stream_head where stream = any($1)", streams)
    return {row["stream"] for row in rows}


async def _claim(conn: Connection, keys: Sequence[Once]) -> None:
    # A second request with one of these keys waits here, before any lane, until the first one has committed.
    claimed = await conn.fetch(
        "insert into log.command_log (principal, idem_key, request_hash)"
        " select * from unnest($1::text[], $2::text[], $3::bytea[]) order by 1, 2 on conflict do nothing returning 1",
        [one.principal for one in keys],
        [one.key for one in keys],
        [one.request_hash for one in keys],
    )
    if len(claimed) < len(keys):
        raise StreamConflict()


async def _answer(conn: Connection, outcomes: Mapping[Opening[Any], Outcome]) -> None:
    await conn.execute(
        "update log.command_log c set status = a.status, response = a.response from"
        " unnest($1::text[], $2::text[], $3::smallint[], $4::json[]) a (principal, idem_key, status, response)"
        " where (c.principal, c.idem_key) = (a.principal, a.idem_key)",
        [one.once.principal for one in outcomes],
        [one.once.key for one in outcomes],
        [outcome.status for outcome in outcomes.values()],
        [orjson.dumps(outcome.document).decode() for outcome in outcomes.values()],
    )
