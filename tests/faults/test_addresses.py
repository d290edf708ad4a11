"""Two APIs of each service at two addresses, one killed under load: nobody hears two things, nothing is lost."""

import asyncio
import secrets

import httpx
import pytest

from libs.events.ids import new_id
from operations.installation import SERVICES
from trials.faults.clients import APPEAL
from trials.faults.site import Site
from trials.faults.waiting import eventually

pytestmark = pytest.mark.long

NO_ANSWER = {"cut", "unavailable", "stale", "overloaded"}
"""What a caller may see of a process that dies: his connection cut, or 503 with one of these codes."""


async def test_one_of_two_addresses_of_each_api_is_killed_under_load(site: Site) -> None:
    before = site.clients.refused.copy()
    async with site.clients.at_work(4):
        await asyncio.gather(*(site.start_second_api(service) for service in SERVICES))
        await asyncio.gather(*(one_address_dies(site, service) for service in SERVICES))

    seen = site.clients.refused - before
    assert seen["cut"] > 0
    assert set(seen) <= NO_ANSWER
    await site.judged()


async def one_address_dies(site: Site, service: str) -> None:
    """After some more answers the one or the other is killed; the callers go on with the one that is left."""
    until = len(site.clients.answers) + secrets.randbelow(20)
    await eventually(lambda: len(site.clients.answers) >= until, "clients are answered")
    victim = secrets.choice((f"{service}-api", f"{service}-api-2"))
    await site.kill(victim)
    further = len(site.clients.answers) + 8
    await eventually(lambda: len(site.clients.answers) >= further, "clients are answered at the other address")
    if victim == f"{service}-api":
        await site.restart(victim)


async def test_the_same_key_has_one_answer_at_both_addresses(site: Site) -> None:
    """The first dies after its commit; the second gives the stored answer, and so does the first once it is back."""
    await site.start_second_api("intake")
    second, key = site.clients.elsewhere.pop("intake"), new_id()
    armed = await site.arm("intake-api", "api.after_commit")
    await asyncio.to_thread(site.stack.wait_ready, "intake-api")
    with pytest.raises(httpx.TransportError):
        await site.clients.once("intake", "/appeals", APPEAL, "zhou-min", key)
    await site.killed(armed, "the first address dies after its commit")

    headers = site.clients.headers("zhou-min") | {"Idempotency-Key": key}
    there = await site.line.client.post(f"{second}/appeals", headers=headers, json=APPEAL)
    await site.restart("intake-api")
    here = await site.clients.once("intake", "/appeals", APPEAL, "zhou-min", key)

    assert (there.status_code, here.status_code) == (201, 201)
    assert there.json() == here.json()
    await site.judged()


async def test_one_key_at_both_addresses_at_one_instant_opens_one_case(site: Site) -> None:
    await site.start_second_api("intake")
    addresses = (site.line.apis["intake"], site.clients.elsewhere["intake"])
    for _ in range(10):
        headers = site.clients.headers("zhou-min") | {"Idempotency-Key": new_id()}
        sent = [site.line.client.post(f"{one}/appeals", headers=headers, json=APPEAL) for one in addresses * 3]
        answers = await asyncio.gather(*sent)
        assert {one.status_code for one in answers} == {201}
        documents = [one.json() for one in answers]
        assert all(one == documents[0] for one in documents)
        site.clients.promised(documents[0])
    await site.judged()
