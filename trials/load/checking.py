"""Whether everything that was acknowledged stands in the log, once and in order; nothing of the services is asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from libs.audit.checks.chain import Checker
from libs.audit.reading import open_log
from libs.events.signature import PublicKeys


@dataclass(frozen=True)
class Kept:
    """What the log says of the acknowledged events."""

    acknowledged: int
    lost: int
    twice: int
    findings: int
    """Gaps, breaks and strangers, as `verify` would name them."""

    @property
    def sound(self) -> bool:
        """Nothing lost, nothing doubled, nothing out of order."""
        return not (self.lost or self.twice or self.findings)


async def compare(bootstrap: str, acknowledged: Mapping[str, str], keys: PublicKeys) -> Kept:
    """Read the whole log and look for each event id."""
    checker = Checker(proves=keys.proves)
    places: dict[str, set[tuple[int, bytes]]] = defaultdict(set)
    async with open_log(bootstrap) as log:
        partitions = await log.partitions(checker.topics.cases)
        extent = await log.extent([*partitions, *await log.partitions(checker.topics.directory)])
        async for records in log.read(extent.begin, extent.end):
            checker.check_all(records)
            for record in records:
                # A record that was sent twice stands for the same number: readers drop the second.
                said = dict(record.headers)
                if (event := said["ce_id"].decode()) in acknowledged:
                    places[event].add((record.partition, said["ce_laneseq"]))
    checker.end()
    lost = len(acknowledged.keys() - places.keys())
    twice = sum(len(found) > 1 for found in places.values())
    return Kept(len(acknowledged), lost, twice, len(checker.findings))
