"""kill -9 at the worst places while people work: nothing lost, nothing reordered, duplicates only identical."""

import asyncio

from trials.faults.site import Site

DEATHS = {
    "intake-api": ("api.after_commit",),
    "routing-api": ("api.after_commit",),
    "supervision-api": ("api.after_commit",),
    "intake-worker": ("relay.after_send", "reader.after_commit"),
    "routing-worker": ("reader.before_commit", "relay.after_ack"),
    "supervision-worker": ("relay.after_ack", "reader.before_commit"),
    "notify-worker": ("sender.after_channel", "relay.after_send"),
}


async def test_processes_killed_while_people_work_leave_one_whole_log(site: Site) -> None:
    """Every process dies at its third passing of the point, so that others are at work and much is under way."""
    before = len(site.clients.answers)
    async with site.clients.at_work():
        await asyncio.gather(*(site.dies_at(name, *points, passing=3) for name, points in DEATHS.items()))

    report = await site.judged()

    assert report.acknowledged > before + 10
