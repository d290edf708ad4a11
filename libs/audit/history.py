"""Everything that happened to one case, read from its one partition in log order. The words are in words.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from libs.audit.checks.chain import Topics
from libs.audit.reading import Log, open_log
from libs.case import lifecycle
from libs.case.state import Case
from libs.directory.facts.directory import Directory
from libs.events.envelope import Recorded, from_kafka
from libs.events.errors import ChainBroken, UnknownEvent
from libs.events.ids import EventId
from libs.events.lanes import lane_of
from libs.log.kafka.broker import Address


@dataclass(frozen=True)
class History:
    """The events of a case, the case that they add up to, and the directory for names."""

    events: tuple[Recorded, ...]
    case: Case | None
    directory: Directory
    unreadable: int
    """Records under the case's key that are not ours or newer than this code; `verify` names them."""


async def history(bootstrap: Address, case_id: str, topics: Topics | None = None) -> History:
    """Read one case; raises `NoLog`. A case that nobody knows has no events."""
    topics = topics or Topics()
    case_id = case_id.lower()
    async with open_log(bootstrap) as log:
        facts, _ = await _events(log, await log.partitions(topics.directory), None)
        events, unreadable = await _events(log, [TopicPartition(topics.cases, lane_of(case_id))], case_id)
    directory = Directory().with_events((one.position.seq, one.data, EventId(one.id)) for one in facts)
    return History(tuple(events), lifecycle.fold(events), directory, unreadable)


async def _events(log: Log, partitions: list[TopicPartition], subject: str | None) -> tuple[list[Recorded], int]:
    extent = await log.extent(partitions)
    found: dict[str, Recorded] = {}
    unreadable = 0
    async for records in log.read(extent.begin, extent.end):
        for record in _about(records, subject):
            try:
                event = from_kafka(record).decode()
                found.setdefault(event.id, event)
            except (ChainBroken, UnknownEvent):
                unreadable += 1
    return list(found.values()), unreadable


def _about(records: Iterable[Any], subject: str | None) -> Iterable[Any]:
    if subject is None:
        return records
    return [record for record in records if record.key == subject.encode()]
