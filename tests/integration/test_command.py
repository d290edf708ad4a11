"""The shell around a decider on a real PostgreSQL: once per key, decided anew on a conflict, refusals on record."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg
import pytest

from libs.case.state import Case
from libs.events.contracts.intake import CaseNotAcceptedV1, SeparationViolationAttempted
from libs.events.decider import SYSTEM, Decider
from libs.events.errors import Forbidden, IdempotencyMismatch, Refused, StreamConflict
from libs.events.event import Event
from libs.events.ids import PersonId, new_id
from libs.events.lanes import decode_meta, lane_of
from libs.log.store.event_store import Connection, Pool
from libs.log.write.command import CommandContext, CommandHandler
from libs.log.write.idempotency import IdempotencyKey, Outcome, forget_answers
from libs.log.write.prefetch import Prefetched
from libs.log.write.seal import Vault
from tests.integration.logs import NOTED, SOURCE, Log


@dataclass(frozen=True)
class Note:
    """Append one event, unless `limit` of them are there already."""

    at: datetime
    limit: int = 100
    forbidden: bool = False
    breach: bool = False


@dataclass(frozen=True)
class Nothing:
    """Facts of a service that knows nothing."""

    case: Case | None = None
    directory_version: int = 0


class TooMany(Refused):
    """Refused for the record."""

    code = "E-SEP-01"


def decide(count: int, command: Note, _: Nothing) -> Sequence[Event]:
    if command.forbidden:
        raise Forbidden()
    if command.breach:
        attempted = SeparationViolationAttempted(person=PersonId("li-fang"), command="Note", rule="SEP-01")
        raise TooMany(events=[attempted], rule="SEP-01", evidence=["e-1"])
    return [NOTED] if count < command.limit else []


NOTES: Decider[int, Note, Nothing] = Decider(0, lambda count, _: count + 1, decide)


def desk(pool: Pool) -> CommandHandler[int, Note]:
    return CommandHandler(SOURCE, NOTES, pool, Vault(pool, b"x" * 32))


async def nothing(_: Connection, __: Prefetched) -> Nothing:
    return Nothing()


def keyed(key: str, body: bytes = b"body", **details: str) -> CommandContext:
    """The call of one principal with this Idempotency-Key."""
    return CommandContext(SYSTEM, IdempotencyKey("importer", key, body), **details)  # type: ignore[arg-type]


async def note(log: Log, case_id: str, call: CommandContext, **command: object) -> Outcome:
    return await desk(log.pool).handle(case_id, lambda now: Note(now, **command), nothing, call)  # type: ignore[arg-type]


async def events_of(log: Log, stream: str) -> int:
    count: int = await log.pool.fetchval("select count(*) from log.event where stream = $1", stream)
    return count


async def test_a_repeated_key_gets_the_same_answer_and_appends_nothing(shared_log: Log) -> None:
    case_id = new_id()
    first = await note(shared_log, case_id, keyed("repeated"))
    again = await note(shared_log, case_id, keyed("repeated"))
    assert first == again
    assert first.document["version"] == 1
    assert await events_of(shared_log, f"case-{case_id}") == 1


async def test_a_key_belongs_to_its_principal(shared_log: Log) -> None:
    case_id = new_id()
    await note(shared_log, case_id, CommandContext(SYSTEM, IdempotencyKey("zhou-min", "shared", b"body")))
    await note(shared_log, case_id, CommandContext(SYSTEM, IdempotencyKey("li-fang", "shared", b"body")))
    assert await events_of(shared_log, f"case-{case_id}") == 2


async def test_a_key_used_for_another_request_is_refused(shared_log: Log) -> None:
    case_id = new_id()
    await note(shared_log, case_id, keyed("mixed up"))
    with pytest.raises(IdempotencyMismatch):
        await note(shared_log, case_id, keyed("mixed up", b"another body"))
    assert await events_of(shared_log, f"case-{case_id}") == 1


async def test_of_many_requests_at_once_with_one_key_one_appends_and_all_get_its_answer(shared_log: Log) -> None:
    case_id = new_id()
    answers = await asyncio.gather(*(note(shared_log, case_id, keyed("at once"), limit=1) for _ in range(12)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0].document["events"]) == 1
    assert await events_of(shared_log, f"case-{case_id}") == 1


async def test_a_repeated_request_whose_first_run_is_just_committing_is_answered_not_judged(shared_log: Log) -> None:
    """The first run commits between the second's look at the keys and its decision, which then would refuse."""
    case_id, call = new_id(), keyed("overtaken")
    first: list[Outcome] = []

    async def overtaken(_: Connection, __: Prefetched) -> Nothing:
        if not first:
            first.append(await note(shared_log, case_id, call))
        return Nothing()

    def build(now: datetime) -> Note:
        return Note(now, forbidden=True)

    assert await desk(shared_log.pool).handle(case_id, build, overtaken, call) == first[0]


async def test_a_command_that_changes_nothing_is_answered_without_an_event(shared_log: Log) -> None:
    case_id = new_id()
    await note(shared_log, case_id, keyed("once"))
    already = await note(shared_log, case_id, keyed("twice"), limit=1)
    assert (already.status, already.document["events"], already.document["version"]) == (200, [], 1)


async def test_a_conflict_is_decided_anew_on_what_is_true_now(shared_log: Log) -> None:
    case_id, calls = new_id(), 0

    async def another_is_faster(_: Connection, __: Prefetched) -> Nothing:
        nonlocal calls
        calls += 1
        if calls == 1:
            await shared_log.append(case_id)
        return Nothing()

    answer = await desk(shared_log.pool).handle(case_id, Note, another_is_faster, keyed("faster"))
    assert (answer.document["version"], calls) == (2, 2)


async def test_after_three_conflicts_the_caller_is_told(shared_log: Log) -> None:
    case_id = new_id()

    async def another_is_always_faster(_: Connection, __: Prefetched) -> Nothing:
        await shared_log.append(case_id)
        return Nothing()

    with pytest.raises(StreamConflict):
        await desk(shared_log.pool).handle(case_id, Note, another_is_always_faster, keyed("never"))
    assert await events_of(shared_log, f"case-{case_id}") == 3
    assert await shared_log.pool.fetchval("select count(*) from log.command_log where idem_key = 'never'") == 0


async def aged(log: Log, key: str, hours: float) -> None:
    """As if the request had come so long ago."""
    owner = await asyncpg.connect(log.admin_url)
    try:
        ago = timedelta(hours=hours)
        await owner.execute("update log.command_log set at = at - $1::interval where idem_key = $2", ago, key)
    finally:
        await owner.close()


async def kept(log: Log, prefix: str) -> list[str]:
    found = await log.pool.fetch("select idem_key from log.command_log where idem_key like $1 order by 1", f"{prefix}%")
    return [row["idem_key"] for row in found]


async def test_answers_are_dropped_when_they_are_old_and_repeated_until_then(log: Log) -> None:
    answers = {name: await note(log, new_id(), keyed(name)) for name in ("age-old", "age-older", "age-young")}
    await aged(log, "age-old", 25)
    await aged(log, "age-older", 400)
    await aged(log, "age-young", 23)
    day = timedelta(hours=24)
    async with log.pool.acquire() as conn:
        assert [await forget_answers(conn, day, 1) for _ in range(3)] == [1, 1, 0]
    assert await kept(log, "age-") == ["age-young"]
    assert await note(log, answers["age-young"].document["case_id"], keyed("age-young")) == answers["age-young"]


async def test_who_drops_answers_waits_for_nobody_and_keeps_nobody_waiting(log: Log) -> None:
    for name in ("held-1", "held-2"):
        await note(log, new_id(), keyed(name))
        await aged(log, name, 48)
    day = timedelta(hours=24)
    async with log.pool.acquire() as holder, log.pool.acquire() as conn:
        async with holder.transaction():
            await holder.execute("select from log.command_log where idem_key = 'held-1' for update")
            assert await forget_answers(conn, day, 10) == 1
            assert (await note(log, new_id(), keyed("held-3"))).status == 200
        assert await forget_answers(conn, day, 10) == 1
    assert await kept(log, "held-") == ["held-3"]


async def test_nobody_drops_a_young_answer(log: Log) -> None:
    async with log.pool.acquire() as conn:
        with pytest.raises(asyncpg.PostgresError, match="an hour at least"):
            await forget_answers(conn, timedelta(minutes=59), 10)


async def test_a_stale_etag_is_refused_at_once(shared_log: Log) -> None:
    case_id = new_id()
    await note(shared_log, case_id, keyed("seen"))
    with pytest.raises(StreamConflict):
        await note(shared_log, case_id, keyed("stale", if_match='"0."'))
    assert (await note(shared_log, case_id, keyed("fresh", if_match='"1."'))).document["version"] == 2


async def test_a_refusal_for_the_record_stands_in_the_access_stream_and_is_repeated(shared_log: Log) -> None:
    case_id = new_id()
    await note(shared_log, case_id, keyed("before"))
    refused = await note(shared_log, case_id, keyed("breach"), breach=True)
    again = await note(shared_log, case_id, keyed("breach"), breach=True)
    assert refused == again
    assert (refused.status, refused.document["rule_id"]) == (409, "SEP-01")
    assert len(refused.document["recorded_as"]) == 1
    assert (await events_of(shared_log, f"access-{case_id}"), await events_of(shared_log, f"case-{case_id}")) == (1, 1)


async def test_another_refusal_leaves_the_key_free(shared_log: Log) -> None:
    case_id = new_id()
    with pytest.raises(Forbidden):
        await note(shared_log, case_id, keyed("corrected"), forbidden=True)
    assert (await note(shared_log, case_id, keyed("corrected"))).document["version"] == 1


async def test_an_event_says_what_its_decision_had_seen(shared_log: Log) -> None:
    case_id = new_id()
    first = await note(shared_log, case_id, keyed("cause"))
    await note(shared_log, case_id, keyed("effect"))
    rows = await shared_log.chain(lane_of(case_id))
    assert dict(decode_meta(rows[-1]["meta"]))["ce_causationid"].decode() == first.document["events"][0]
    assert CaseNotAcceptedV1.model_validate_json(rows[-1]["body"]) == NOTED
