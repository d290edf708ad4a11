"""What a client is told stays true although the process that told him, or was about to, is killed."""

import asyncio
from typing import Any

import asyncpg
import orjson

from trials.faults.clients import APPEAL
from trials.faults.site import Site


async def test_an_answer_that_was_lost_with_its_process_is_given_to_the_repeated_key(site: Site) -> None:
    """The API dies after its commit and before its answer: the repetition finds what was stored, and stores nothing."""
    armed = await site.arm("intake-api", "api.after_commit")
    committed = await committed_by(site, "lost-answer")
    assert committed is None
    asking = asyncio.create_task(site.clients.post("intake", "/appeals", APPEAL, "zhou-min", key="lost-answer"))
    await site.killed(armed, "the API dies after its commit")
    committed = await committed_by(site, "lost-answer")

    await site.restart("intake-api")

    assert committed is not None
    first = await asking
    again = await site.clients.post("intake", "/appeals", APPEAL, "zhou-min", key="lost-answer")
    assert first == again
    assert orjson.loads(committed).items() <= first.items()
    assert await events_of(site, first["case_id"]) == first["events"]
    assert (await site.judged()).acknowledged >= 2


async def committed_by(site: Site, key: str) -> str | None:
    """The answer that was committed with the command of this key."""
    answer: str | None = await asked(site, "select response from log.command_log where idem_key = $1", key)
    return answer


async def events_of(site: Site, case: str) -> list[str]:
    """Event ids of a case in intake, in order."""
    query = "select array_agg(event_id::text order by version) from log.event where stream = $1"
    return list(await asked(site, query, f"case-{case}"))


async def asked(site: Site, query: str, value: str) -> Any:
    conn = await asyncpg.connect(site.stack.admin_url("intake"))
    try:
        return await conn.fetchval(query, value)
    finally:
        await conn.close()
