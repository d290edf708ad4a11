"""The event table on a real PostgreSQL: order, chain, time, and what the application role may not do."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from libs.events.errors import StreamConflict
from libs.events.ids import new_id
from libs.events.lanes import lane_of
from libs.log.store import event_store
from tests.integration.logs import MORNING, NOTED, Log, append, assert_chain_holds, case_in, drafts_of

SECOND = timedelta(seconds=1)


async def test_the_database_and_the_code_give_a_case_the_same_lane(shared_log: Log) -> None:
    ids = [new_id() for _ in range(2000)]
    found = await shared_log.pool.fetch("select c::text as id, log.lane_of(c) as lane from unnest($1::uuid[]) c", ids)
    assert {row["id"]: row["lane"] for row in found} == {case_id: lane_of(case_id) for case_id in ids}


async def test_an_event_is_loaded_as_it_was_appended(log: Log) -> None:
    case_id = new_id()
    (made,) = drafts_of(case_id, NOTED)
    async with log.pool.acquire() as conn, conn.transaction():
        at = await event_store.append(conn, f"case-{case_id}", [made], expected=0, given=MORNING)
    async with log.pool.acquire() as conn:
        (event,) = await event_store.load(conn, f"case-{case_id}")
        stored = await conn.fetchrow("select meta, body from log.event where event_id = $1", made.id)
    assert (event.data, event.body, event.id) == (NOTED.upcast(), made.body, made.id)
    assert (stored["meta"], stored["body"]) == (made.meta, made.body)
    assert (at.lane, at.seq, at.version, at.recorded_at) == (lane_of(case_id), 1, 1, MORNING)


async def test_several_events_of_one_append_follow_one_another(log: Log) -> None:
    case_id = new_id()
    at = await log.append(case_id, NOTED, NOTED, NOTED, expected=0)
    assert (at.seq, at.version) == (3, 3)
    assert [row["version"] for row in await log.chain(lane_of(case_id))] == [1, 2, 3]
    await assert_chain_holds(log)


@pytest.mark.parametrize("expected", [0, 2, 7])
async def test_a_stale_write_is_refused_and_burns_no_number(log: Log, expected: int) -> None:
    case_id = new_id()
    await log.append(case_id, expected=0)
    with pytest.raises(StreamConflict):
        await log.append(case_id, expected=expected)
    assert (await log.append(case_id, expected=1)).seq == 2
    await assert_chain_holds(log)


async def test_a_stream_that_does_not_exist_has_no_version_but_zero(shared_log: Log) -> None:
    with pytest.raises(StreamConflict):
        await shared_log.append(new_id(), expected=1)


async def test_of_two_writers_with_the_same_version_one_is_refused(log: Log) -> None:
    case_id = new_id()
    await log.append(case_id, expected=0)
    answers = await asyncio.gather(*(log.append(case_id, expected=1) for _ in range(8)), return_exceptions=True)
    assert [type(answer) for answer in answers].count(StreamConflict) == 7
    assert await log.seq(lane_of(case_id)) == 2


async def test_a_refused_attempt_moves_no_version_of_the_case(shared_log: Log) -> None:
    case_id = new_id()
    await shared_log.append(case_id, expected=0)
    async with shared_log.pool.acquire() as conn, conn.transaction():
        await event_store.append(conn, f"access-{case_id}", drafts_of(case_id, NOTED), expected=None)
    assert (await shared_log.append(case_id, expected=1)).version == 2


class Taken(Exception):
    """Why a writer of the test below gives up."""


async def test_sixteen_writers_leave_no_gap_and_readers_see_only_prefixes(real_log: Log) -> None:
    """Sequence order is commit order: whoever looks at any moment sees 1..n of a lane, never a hole."""
    log, lanes = real_log, (3, 9, 40)
    cases = {lane: [case_in(lane) for _ in range(4)] for lane in lanes}
    working = True

    async def write(writer: int) -> None:
        for turn in range(12):
            lane = lanes[(writer + turn) % len(lanes)]
            case_id = cases[lane][turn % 4]
            try:
                async with log.pool.acquire() as conn, conn.transaction():
                    await append(conn, case_id, *[NOTED] * (1 + turn % 3))
                    if (writer + turn) % 4 == 0:
                        await conn.fetchval("select pg_sleep(0.005)")
                        raise Taken
            except Taken:
                continue

    async def watch() -> int:
        looks = 0
        while working:
            seen = await log.pool.fetch("select lane, count(*), max(seq) from log.event group by lane")
            assert all(row["count"] == row["max"] for row in seen)
            looks += 1
        return looks

    watching = asyncio.create_task(watch())
    await asyncio.gather(*(write(writer) for writer in range(16)))
    working = False
    assert await watching > 5
    assert sum([await log.seq(lane) for lane in lanes]) == 16 * 12 * 2 * 3 // 4
    await assert_chain_holds(log)
    versions = await log.pool.fetch("select stream, array_agg(version order by lane, seq) v from log.event group by 1")
    assert all(row["v"] == list(range(1, len(row["v"]) + 1)) for row in versions)


async def test_writers_of_two_lanes_do_not_wait_for_one_another(shared_log: Log) -> None:
    async with shared_log.pool.acquire() as held, held.transaction():
        await append(held, case_in(1))
        await asyncio.wait_for(shared_log.append(case_in(2)), 60)


async def test_a_transaction_of_two_cases_is_all_or_nothing(log: Log) -> None:
    one, other = case_in(1), case_in(2)
    await log.append(other, expected=0)

    async def both() -> None:
        async with log.pool.acquire() as conn, conn.transaction():
            await append(conn, one, expected=0)
            await append(conn, other, expected=0)

    with pytest.raises(StreamConflict):
        await both()
    assert (await log.seq(1), await log.seq(2)) == (0, 1)
    await assert_chain_holds(log)


async def test_many_streams_of_one_append_are_placed_and_chained_as_if_one_after_another(log: Log) -> None:
    """Opened, gone on with, and written to whatever its version is; each with its own cause and time; in two lanes."""
    new, known, any_version, elsewhere = case_in(5), case_in(5), case_in(5), case_in(6)
    await log.append(known, expected=0, given=MORNING)
    appends = [
        event_store.Append(f"case-{elsewhere}", drafts_of(elsewhere, NOTED), 0, given=MORNING),
        event_store.Append(f"case-{new}", drafts_of(new, NOTED, NOTED), 0, given=MORNING + 3 * SECOND),
        event_store.Append(f"case-{known}", drafts_of(known, NOTED), 1, MORNING + 9 * SECOND, MORNING + SECOND),
        event_store.Append(f"access-{any_version}", drafts_of(any_version, NOTED), None, given=MORNING + SECOND),
    ]
    async with log.pool.acquire() as conn:
        alone = conn.transaction()
        await alone.start()
        placed = {one.stream: (await event_store.append_all(conn, [one]))[one.stream] for one in appends}
        chained = await conn.fetch("select * from log.event order by lane, seq")
        await alone.rollback()
        assert await event_store.append_all(conn, appends) == placed

    assert await log.pool.fetch("select * from log.event order by lane, seq") == chained
    assert [row["seq"] for row in chained] == [1, 2, 3, 4, 5, 1]
    await assert_chain_holds(log)


async def test_one_stale_stream_among_many_refuses_them_all_and_is_named(log: Log) -> None:
    fresh, stale, later = (case_in(5) for _ in range(3))
    await log.append(stale, expected=0)
    appends = [event_store.Append(f"case-{case_id}", drafts_of(case_id, NOTED), 0) for case_id in (fresh, stale, later)]

    with pytest.raises(StreamConflict) as refused:
        async with log.pool.acquire() as conn:
            await event_store.append_all(conn, appends)

    assert f"case-{stale}" in str(refused.value.__cause__)
    assert await log.seq(5) == 1
    assert await log.pool.fetchval("select count(*) from log.stream_head") == 1
    await assert_chain_holds(log)


async def test_recorded_time_never_runs_backwards_in_a_lane(log: Log) -> None:
    one, other = case_in(5), case_in(5)
    await log.append(one, given=MORNING + 10 * SECOND)
    late = await log.append(other, given=MORNING + SECOND)
    assert late.recorded_at == MORNING + 10 * SECOND
    elsewhere = await log.append(case_in(6), given=MORNING + SECOND)
    assert elsewhere.recorded_at == MORNING + SECOND


async def test_recorded_time_is_not_before_its_cause(log: Log) -> None:
    caused = await log.append(new_id(), given=MORNING, cause=MORNING + 3 * SECOND)
    assert caused.recorded_at == MORNING + 3 * SECOND


async def test_without_a_given_time_a_manual_log_uses_its_own_instant(log: Log) -> None:
    assert (await log.append(new_id())).recorded_at == MORNING


async def test_a_log_in_real_time_takes_no_time_from_a_caller(real_log: Log) -> None:
    with pytest.raises(asyncpg.PostgresError, match="only in manual mode"):
        await real_log.append(new_id(), given=MORNING)


async def test_recorded_time_is_read_under_the_lanes_lock(real_log: Log) -> None:
    """A writer that waited for its lane is recorded when it got it, not when it came."""
    case_id = case_in(7)
    async with real_log.pool.acquire() as held, held.transaction():
        first = await append(held, case_id)
        waiting = asyncio.create_task(real_log.append(case_in(7)))
        await held.fetchval("select pg_sleep(0.2)")
        assert not waiting.done()
    assert (await waiting).recorded_at - first.recorded_at >= timedelta(seconds=0.2)


@pytest.mark.parametrize(("size", "fits"), [(262_144, True), (262_145, False)])
async def test_a_body_has_at_most_256_kib(log: Log, size: int, fits: bool) -> None:
    case_id = new_id()
    bare = len(NOTED.model_copy(update={"alternative": ""}).model_dump_json().encode())
    filled = NOTED.model_copy(update={"alternative": "x" * (size - bare)})
    if fits:
        await log.append(case_id, filled)
        return
    with pytest.raises(asyncpg.CheckViolationError):
        await log.append(case_id, filled)
    assert await log.seq(lane_of(case_id)) == 0


async def test_a_case_is_appended_to_its_own_lane_only(shared_log: Log) -> None:
    case_id = case_in(5)
    with pytest.raises(asyncpg.PostgresError, match="lane 6 is not the lane of"):
        await call_append(shared_log, 6, case_id)
    with pytest.raises(asyncpg.PostgresError, match="lane 5 is not the lane of"):
        await call_append(shared_log, 5, None)


async def test_the_directorys_lane_exists_only_where_it_is_hosted(shared_log: Log) -> None:
    with pytest.raises(asyncpg.PostgresError, match="lane 64 does not exist here"):
        await call_append(shared_log, 64, None)


async def test_the_streams_of_an_append_account_for_all_its_events(shared_log: Log) -> None:
    """Else a number of the lane would stay empty."""
    with pytest.raises(asyncpg.PostgresError, match="1 events were given, 0 counted"):
        await call_append(shared_log, 5, case_in(5), counted=0)


async def call_append(log: Log, lane: int, case_id: str | None, counted: int = 1) -> None:
    """The function as somebody could call it who does not go through the code."""
    (made,) = drafts_of(case_id or "units", NOTED)
    where = [["units"], [0], [case_id], [None], [None], [counted]]
    values = [[made.id], [made.type], [made.occurred_at], [made.meta], [made.body]]
    await log.pool.fetchrow(event_store.APPEND, lane, *where, *values)


@pytest.mark.parametrize(
    "statement",
    [
        "insert into log.event select * from log.event",
        "update log.event set body = ''",
        "delete from log.event",
        "truncate log.event",
        "update log.lane_head set seq = 0",
        "update log.stream_head set version = 0",
        "insert into log.stream_head values ('case-x', 1, 1)",
        "update log.mode set kind = 'manual', now = now()",
        "delete from log.command_log",
        "update log.command_log set principal = 'x'",
        "create table log.mine (x int)",
        "create or replace function log.business_now() returns timestamptz language sql as 'select now()'",
        "alter table log.event disable trigger all",
    ],
)
async def test_the_application_role_may_only_read_and_append(shared_log: Log, statement: str) -> None:
    await shared_log.append(new_id())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await shared_log.pool.execute(statement)


@pytest.mark.parametrize("statement", ["update log.event set body = ''", "delete from log.event", "truncate log.event"])
async def test_not_even_the_owner_changes_an_event_by_mistake(shared_log: Log, statement: str) -> None:
    await shared_log.append(new_id())
    owner = await asyncpg.connect(shared_log.admin_url)
    try:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await owner.execute(statement)
    finally:
        await owner.close()
    await assert_chain_holds(shared_log)


async def test_the_application_role_cannot_shadow_what_the_functions_use(log: Log) -> None:
    """The functions run with their owner's rights, so a caller's own tables must not stand in their way."""
    async with log.pool.acquire() as conn:
        await conn.execute("create temp table lane_head (lane smallint, seq bigint, hash bytea, at timestamptz)")
        await conn.execute("insert into lane_head select k, 1000, '', 'epoch' from generate_series(0, 63) k")
        await conn.execute("set search_path = pg_temp, log")
        async with conn.transaction():
            at = await append(conn, new_id())
        await conn.execute("drop table lane_head; reset search_path")
    assert at.seq == 1
