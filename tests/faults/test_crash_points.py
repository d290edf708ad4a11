"""kill -9 at the worst places while people work: nothing lost, nothing reordered, duplicates only identical."""

import asyncio

import pytest

from deploy.faults.site import Site

ROUNDS = [
    {
        "intake-api": "api.after_commit",
        "intake-worker": "relay.after_send",
        "routing-worker": "reader.before_commit",
        "supervision-worker": "relay.after_ack",
        "notify-worker": "sender.after_channel",
    },
    {
        "routing-api": "api.after_commit",
        "supervision-api": "api.after_commit",
        "intake-worker": "reader.after_commit",
        "routing-worker": "relay.after_ack",
        "supervision-worker": "reader.before_commit",
        "notify-worker": "relay.after_send",
    },
]


@pytest.mark.parametrize("deaths", ROUNDS, ids=["one round", "another round"])
async def test_processes_killed_while_people_work_leave_one_whole_log(site: Site, deaths: dict[str, str]) -> None:
    """Every process dies at its third passing of the point, so that others are at work and much is under way."""
    before = len(site.clients.answers)
    async with site.clients.at_work():
        await asyncio.gather(*(site.dies_at(name, point, 3) for name, point in deaths.items()))

    report = await site.judged()

    assert report.acknowledged > before + 10
