"""Lanes change hands: workers come and go, and one of them sleeps so long that the group takes it for dead."""

import asyncio
import secrets
import signal
from collections import Counter
from collections.abc import Sequence

import asyncpg
import orjson

from libs.events.lanes import lane_of
from operations.installation import SERVICES
from trials.faults.site import Site
from trials.faults.waiting import eventually

WAITING_FOR_THE_LANE = """
    select pid from pg_stat_activity
     where datname = 'supervision' and wait_event_type = 'Lock' and query like '%lock_lane%' and pid <> pg_backend_pid()
"""
OWN = "select body from log.event where stream = $1 and type = any($2)"
MOVES = ["supervision.deadline-set.v1", "supervision.stage-finished.v1"]


async def test_one_of_two_workers_of_each_service_is_killed_at_any_moment(site: Site) -> None:
    async with site.clients.at_work():
        for service in SERVICES:
            site.start_second(service)
        await asyncio.gather(*(shared(site, service) for service in SERVICES))
        await asyncio.gather(*(one_of_two_dies(site, service) for service in SERVICES))

    await site.judged()


async def shared(site: Site, service: str) -> None:
    """Both workers own half of the lanes."""
    await site.share_is(f"{service}-worker", 32)
    await site.share_is(f"{service}-worker-2", 32)


async def one_of_two_dies(site: Site, service: str) -> None:
    """After some more answers the one or the other is killed; the other takes over; one is left."""
    until = len(site.clients.answers) + secrets.randbelow(20)
    await eventually(lambda: len(site.clients.answers) >= until, "clients are answered")
    pair = (f"{service}-worker", f"{service}-worker-2")
    victim = secrets.choice(pair)
    (survivor,) = set(pair) - {victim}
    await site.kill(victim)
    await site.share_is(survivor, 64)
    if victim == pair[0]:
        await site.restart(victim)
        await site.kill(survivor, signal.SIGTERM)


async def test_a_worker_that_slept_beyond_its_session_wakes_up_and_doubles_nothing(site: Site) -> None:
    """Supervision sleeps inside the transaction that follows a signature; another worker does it meanwhile."""
    case = await site.clients.dispatched()
    await site.line.settle()
    conn = await asyncpg.connect(site.stack.admin_url("supervision"))
    holder = await asyncpg.connect(site.stack.admin_url("supervision"))
    async with holder.transaction():
        await holder.execute("select log.lock_lane($1)", lane_of(case))
        signed = await site.clients.post("routing", f"/cases/{case}/accept", {}, "fang-yun")
        await eventually(lambda: conn.fetchval(WAITING_FOR_THE_LANE), "its transaction waits for the lane")
        sleeper = await conn.fetchval(WAITING_FOR_THE_LANE)
        await site.kill("supervision-worker", signal.SIGSTOP)
    await holder.close()
    try:
        second = site.start_second("supervision")
        await site.share_is(second, 64)
        await site.clients.visible("supervision", signed["position"])
    finally:
        await site.kill("supervision-worker", signal.SIGCONT)

    await shared(site, "supervision")
    gone = "select not exists (select from pg_stat_activity where pid = $1)"
    assert await conn.fetchval(gone, sleeper), "its transaction was rolled back with its session"
    followed = [row["body"] for row in await conn.fetch(OWN, f"case-{case}", MOVES)]
    await conn.close()
    assert len(followed) > 2
    assert several(followed, "clock_id", "because") == []
    await site.judged()
    await site.kill(second, signal.SIGTERM)


def several(found: Sequence[bytes], *names: str) -> list[tuple[str, ...]]:
    """Which values of these body fields occur more than once."""
    count = Counter(tuple(str(orjson.loads(body).get(name)) for name in names) for body in found)
    return [values for values, times in count.items() if times > 1]
