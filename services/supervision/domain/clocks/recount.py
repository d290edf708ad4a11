"""A calendar was published: which limits are counted anew, and what is said of them (CLK-15). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.case.facts import Facts
from libs.directory.rules.calendar import calendar_at, due
from libs.events.contracts.supervision import DeadlineRecomputed
from libs.events.ids import ClockId
from services.supervision.domain.clocks.case_clocks import Clocks, Track, known_clock, state_of
from services.supervision.domain.clocks.operations import NEWEST, Recounted


def recount(clocks: Clocks, at: datetime, facts: Facts) -> Sequence[DeadlineRecomputed]:
    """Every open provisional clock, once per published calendar; also one whose due instant stays where it is.

    The new count holds from `at` on, which is not before anything that the own stream holds: what was recorded stands.
    """
    published = facts.directory.newest_calendar
    if published is None:
        return []
    behind = [track for track in clocks.tracks.values() if track.calendars[-1] < published.version]
    return [
        _event_of(track, clocks, at, facts, because=published.event_id or "")
        for track in behind
        if (state := state_of(track, clocks, facts)) and state.provisional and state.stopped_at is None
    ]


def _event_of(track: Track, clocks: Clocks, at: datetime, facts: Facts, *, because: str) -> DeadlineRecomputed:
    counted_from, version = _counted_from(track, clocks, facts), facts.directory_version
    anew = Recounted(at=at, position=NEWEST, calendar_version=version, counted_from=counted_from)
    known = known_clock(track.after(anew), clocks, facts)
    return DeadlineRecomputed(**known.model_dump(), at=at, because=because, counted_from=counted_from)


def _counted_from(track: Track, clocks: Clocks, facts: Facts) -> datetime | None:
    """The overall clock counts on from the due instant of dispatch, which the same fact started (CLK-09)."""
    start = track.start
    if start.counted_from is None:
        return None
    dispatch = clocks.tracks.get(ClockId(f"{track.clock_id.rpartition('/')[0]}/dispatch"))
    limit = dispatch.start.limit if dispatch else None
    return due(start.at, limit, calendar_at(facts.directory)) if limit else start.counted_from
