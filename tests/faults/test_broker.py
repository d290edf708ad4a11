"""The broker away, and the broker frozen with records in its sockets."""

import asyncio
import os
import signal
from pathlib import Path

from trials.faults.site import Site
from trials.faults.waiting import eventually

ESTABLISHED = "01"
LONG = "下水道异味" * 800


async def test_with_the_broker_killed_commands_are_accepted_and_reach_the_log_when_it_is_back(site: Site) -> None:
    before_unit = [await site.clients.dispatched(shown=True) for _ in range(3)]
    await asyncio.to_thread(site.stack.kill_broker)

    opened = [await site.clients.appealed() for _ in range(5)]
    reports = [await site.clients.handle(case, shown=True) for case in before_unit]

    assert site.stack.broker_pid() is None
    await asyncio.to_thread(site.stack.start_broker)
    for report in reports:
        await site.clients.visible("supervision", report["position"])
    for answer in opened:
        await site.clients.visible("intake", answer["position"])
        case = await site.clients.get("intake", f"/cases/{answer['case_id']}", "zhou-min")
        assert case["state"] == "RECEIVED"
    await site.judged()


async def test_a_relay_killed_with_records_sent_and_not_acknowledged_sends_nothing_twice_but_the_same(
    site: Site,
) -> None:
    """The broker is frozen, so the records lie in its sockets when their sender dies."""
    broker = site.stack.broker_pid()
    assert broker is not None
    # What others have seen shows that the relay is connected again; nor may it be looking for its place when all stops.
    await site.share_is("intake-worker", 64)
    await site.clients.registered()
    os.kill(broker, signal.SIGSTOP)
    try:
        for _ in range(4):
            await site.clients.appealed(content=LONG)
        await eventually(lambda: waiting_bytes(site.stack.ports.kafka) > len(LONG.encode()), "records lie in a socket")
        await site.kill("intake-worker")
    finally:
        os.kill(broker, signal.SIGCONT)

    await site.restart("intake-worker")
    await site.judged()


def waiting_bytes(port: int) -> int:
    """Bytes in the fullest receive queue of a local port that its owner has not read yet."""
    tables = [Path("/proc/net") / name for name in ("tcp", "tcp6")]
    rows = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    queues = [row[4] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED]
    return max((int(queue.partition(":")[2], 16) for queue in queues), default=0)
