"""The topics of the log: their names and shape. Pure; made and checked in libs/log/kafka."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from libs.events.lanes import CASE_LANES

# A reader unpacks nothing: what a stranger has compressed the broker has unpacked, and measured, before it took it.
UNPACKED = {"compression.type": "uncompressed"}
FOR_EVER = {
    **UNPACKED,
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "message.timestamp.type": "LogAppendTime",
}


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    configs: Mapping[str, str] = field(default_factory=lambda: FOR_EVER)


CASE_EVENTS = Topic("case.events", CASE_LANES)  # never changed on a living topic (architecture.md §2)
DIRECTORY_EVENTS = Topic("directory.events", 1)
CHECKPOINTS = Topic("audit.checkpoints", 1)
HEARTBEATS = Topic(
    "log.heartbeats", 1, {**UNPACKED, "cleanup.policy": "compact", "message.timestamp.type": "LogAppendTime"}
)
TOPICS = (CASE_EVENTS, DIRECTORY_EVENTS, CHECKPOINTS, HEARTBEATS)
