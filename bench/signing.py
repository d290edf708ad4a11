"""What the signatures of the log cost: how many a case has, the time of making one and of four readers proving it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from aiokafka import TopicPartition

from bench.rows import Row, plain
from libs.audit.reading import open_log
from libs.events.signature import HEADER, of_head
from operations.embedded.stack import Stack
from operations.installation import SERVICES

TIMES = 2000
Ends = Mapping[TopicPartition, int]


async def ends_of_log(running: Stack) -> Ends:
    """Where the partitions of the cases end now."""
    async with open_log(running.bootstrap) as log:
        return (await log.extent(await log.partitions("case.events"))).end


async def signatures_since(running: Stack, before: Ends) -> int:
    """How many batches were signed since then."""
    async with open_log(running.bootstrap) as log:
        extent = await log.extent(list(before))
        records = [one async for batch in log.read(before, extent.end) for one in batch]
    return sum(any(name == HEADER for name, _ in one.headers) for one in records)


def signature_row(running: Stack, signatures: float, cpu_ms: float) -> Row:
    """Processor time of a case's signatures, beside all that a case takes in the same run."""
    keys, message = running.keys_of("intake"), of_head("/xunban/intake", 1, 1, bytes(32))
    made = keys.signing.sign(message)
    sign = _each(lambda: keys.signing.sign(message))
    prove = _each(lambda: keys.proves("/xunban/intake", message, made))
    return plain(
        group="case",
        zh="每件签名与验签",
        en="signatures of a case, made and proven",
        value=signatures * (sign + len(SERVICES) * prove),
        unit="ms",
        baseline=cpu_ms,
        baseline_name="CPU per case",
        note=f"{signatures:.1f} signatures; {sign * 1000:.0f} µs to make one, {prove * 1000:.0f} µs to prove it",
    )


def _each(act: Callable[[], object]) -> float:
    """Milliseconds of processor time of one."""
    begun = time.process_time()
    for _ in range(TIMES):
        act()
    return (time.process_time() - begun) / TIMES * 1000
