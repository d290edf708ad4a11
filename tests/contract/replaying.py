"""A recorded log, and what today's code makes of it: case, clocks, verdicts and the steps of the ladder. No servers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from libs.case import lifecycle
from libs.case.facts import Facts
from libs.directory.facts.directory import Directory
from libs.events.envelope import Recorded, WireRecord, from_kafka, wire_instant
from libs.events.ids import EventId
from services.supervision.domain.clocks.case_clocks import states_of
from services.supervision.domain.clocks.fold import ClockState
from services.supervision.domain.clocks.ladder import Step, lamp_at
from services.supervision.domain.clocks.steps import all_steps
from services.supervision.domain.decider import DECIDER

HISTORIES = Path(__file__).with_name("histories")
DIRECTORY = "directory.jsonl"
"""Lane 64 of the same recording: the versions that the events pin."""


@dataclass(frozen=True)
class Scenario:
    """The records of its cases in log order, and what the code of the day of its recording made of each case."""

    records: tuple[WireRecord, ...]
    results: tuple[dict[str, Any], ...]

    @property
    def events(self) -> list[Recorded]:
        """As every reader of the log has them."""
        return [record.decode() for record in self.records]


def line_of(record: Any) -> dict[str, Any]:
    """A Kafka record as one line of a history: its headers in their order, its body as it stands there."""
    return {"headers": {name: value.decode() for name, value in record.headers}, "body": record.value.decode()}


def record_of(line: dict[str, Any]) -> WireRecord:
    """The record of a line, read as from Kafka."""
    headers = [(name, value.encode()) for name, value in line["headers"].items()]
    return from_kafka(SimpleNamespace(headers=headers, value=line["body"].encode(), topic="", partition=0, offset=0))


def load(path: Path) -> Scenario:
    """A history of tests/contract/histories."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    records = tuple(record_of(line) for line in lines if "body" in line)
    return Scenario(records, tuple(line for line in lines if "body" not in line))


def directory_of(facts: Iterable[Recorded]) -> Directory:
    """Every fact of lane 64."""
    return Directory().with_events((one.position.seq, one.data, EventId(one.id)) for one in facts)


def results(events: Iterable[Recorded], directory: Directory) -> list[dict[str, Any]]:
    """What today's code makes of each case, in the order in which they came."""
    logs: dict[str, list[Recorded]] = {}
    for event in events:
        logs.setdefault(event.subject, []).append(event)
    return [result(log, directory) for log in logs.values()]


def result(log: list[Recorded], directory: Directory) -> dict[str, Any]:
    """One case at the instant of its last event."""
    case, at = lifecycle.fold(log), log[-1].recorded_at
    own = (one.data for one in log if one.source == "/xunban/supervision" and one.stream.startswith("case-"))
    clocks = DECIDER.fold(own).clocks
    facts = Facts(case, directory.latest, directory)
    return {
        "case": case.model_dump(mode="json") if case else None,
        "clocks": {clock_id: _clock(state, at) for clock_id, state in states_of(clocks, facts).items()},
        "steps": [_step(step) for step in all_steps(clocks, facts)],
    }


def _clock(state: ClockState, at: datetime) -> dict[str, Any]:
    instants = ("started_at", "due_at", "yellow_at", "long_red_at", "stopped_at", "breach_at")
    return {
        "clock": state.clock,
        "round": state.round,
        "limit": str(state.limit) if state.limit else None,
        **{name: _instant(getattr(state, name)) for name in instants},
        "running": state.running,
        "exempt": state.exempt,
        "provisional": state.provisional,
        "on_time": state.on_time,
        "lamp": lamp_at(state, at),
    }


def _step(step: Step) -> dict[str, Any]:
    named = {"kind": step.kind, "clock": step.clock, "clock_id": step.clock_id, "round": step.round}
    return {**named, "level": step.level, "instant": _instant(step.instant), "due_at": _instant(step.due_at)}


def _instant(at: datetime | None) -> str | None:
    return wire_instant(at) if at else None
