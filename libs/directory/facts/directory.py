"""All facts of the directory by key, each with its version: what was true at any version. Pure: no I/O, no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeGuard, assert_never

from libs.directory.facts.view import Fact, Key, View
from libs.events.contracts.directory import (
    EVENTS,
    AppointmentPublished,
    CalendarPublished,
    CatalogueItemPublished,
    DirectoryEvent,
    DraftMade,
    DraftPublished,
    DraftRefused,
    DraftWithdrawn,
    GridPublished,
    LogOpened,
    PersonPublished,
    RulebookPublished,
    TownBootstrapped,
    UnitPublished,
)
from libs.events.event import Event
from libs.events.ids import EventId


class NotThereYet(Exception):
    """A version was asked for that has not been applied yet; the caller waits (architecture.md §4)."""

    def __init__(self, asked: int, applied: int) -> None:
        super().__init__(f"directory version {asked} asked for, {applied} applied")
        self.asked = asked
        self.applied = applied


@dataclass(frozen=True, eq=False)
class Directory:
    """Every fact ever published. `version` is the lane-64 `laneseq` of the last event applied."""

    version: int = 0
    history: Mapping[Key, tuple[Fact, ...]] = field(default_factory=dict)

    def with_event(self, version: int, event: Event, event_id: EventId | None = None) -> Directory:
        """This directory and one event more; an event already applied changes nothing."""
        return self.with_events([(version, event, event_id)])

    def with_events(self, events: Iterable[tuple[int, Event, EventId | None]]) -> Directory:
        """This directory and events in the order of their versions; those already applied change nothing."""
        history = dict(self.history)
        applied = self.version
        for version, event, event_id in events:
            if version <= applied:
                continue
            applied = version
            if key := key_of(event):
                history[key] = (*history.get(key, ()), Fact(version, event, event_id))
        return self if applied == self.version else Directory(applied, history)

    def at(self, version: int) -> View:
        """What was true when `version` had been applied; raises `NotThereYet` for a version of the future."""
        if version > self.version:
            raise NotThereYet(version, self.version)
        return _view_at(self, version)

    @property
    def latest(self) -> View:
        """What is true now."""
        return self.at(self.version)


@lru_cache(maxsize=64)
def _view_at(directory: Directory, version: int) -> View:
    facts = {}
    for key, history in directory.history.items():
        known = bisect_right(history, version, key=lambda fact: fact.version)
        if known:
            facts[key] = history[known - 1]
    return View(version, facts)


def _is_of_directory(event: Event) -> TypeGuard[DirectoryEvent]:
    return type(event) in EVENTS


def key_of(event: Event) -> Key | None:
    """What the event is the fact about; None for an event of the lane that states no fact of the directory."""
    if not _is_of_directory(event):
        return None
    match event:
        case UnitPublished() | PersonPublished() | AppointmentPublished():
            return type(event), event.id
        case GridPublished() | CatalogueItemPublished():
            return type(event), event.code
        case CalendarPublished():
            return type(event), str(event.year)
        case RulebookPublished() | LogOpened():
            return type(event), ""
        case DraftMade() | DraftPublished() | DraftWithdrawn() | DraftRefused() | TownBootstrapped():
            return None
        case _:
            assert_never(event)


def stream_of(event: Event) -> str:
    """The stream of lane 64 that the event belongs to; raises `ValueError` for an event of another owner."""
    if not _is_of_directory(event):
        raise ValueError(f"{event.ce_type} has no stream in the directory")
    match event:
        case UnitPublished():
            return f"unit-{event.id}"
        case PersonPublished():
            return f"person-{event.id}"
        case AppointmentPublished():
            return f"person-{event.person}"
        case GridPublished():
            return f"grid-{event.code}"
        case CatalogueItemPublished():
            return "catalogue"
        case RulebookPublished():
            return "rulebook"
        case CalendarPublished():
            return f"calendar-{event.year}"
        case LogOpened():
            return "log"
        case DraftMade() | DraftPublished() | DraftWithdrawn() | DraftRefused():
            return f"draft-{event.draft}"
        case TownBootstrapped():
            return "bootstrap"
        case _:
            assert_never(event)
