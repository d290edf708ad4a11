"""How complete the log is: heartbeats of the sources, and the watermark of a lane (architecture.md §5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from libs.events.envelope import EPOCH, wire_instant
from libs.events.lanes import CASE_LANES, DIRECTORY_LANE, DIRECTORY_SOURCE
from libs.log.store.event_store import Connection

DECIDING_SOURCES = ("/xunban/intake", "/xunban/routing", "/xunban/supervision")
"""Who decides on a case: what a list of cases shows, and what licenses the steps of clocks, is complete by these."""
SOURCES = (*DECIDING_SOURCES, "/xunban/notify")


DIRECTORY_HOST = "/xunban/routing"
"""Who writes the directory's lane, and beats for it."""


def sources_of(lane: int) -> tuple[str, ...]:
    """Who writes to a lane."""
    return (DIRECTORY_SOURCE,) if lane == DIRECTORY_LANE else SOURCES


WAITING_AT_MOST = 1000
"""Beats per (source, lane) kept while its reader stands still."""


class NoBeat(Exception):
    """A record among the heartbeats that is none of its source, or none that can be true; in one word why."""


@dataclass(frozen=True)
class Beat:
    """One heartbeat of a source: everything it records in `lane` after `seq` will have `recordedat >= at`."""

    source: str
    sent: datetime
    lanes: tuple[tuple[int, int, datetime], ...]
    directory: tuple[int, datetime] | None = None
    """`seq` and `at` of the directory's lane, by its host; apart, because older readers know case lanes only."""

    @property
    def marks(self) -> Iterator[tuple[str, int, int, datetime]]:
        """(source, lane, `seq`, `at`) of all that it says, the directory's lane under the directory's own name."""
        yield from ((self.source, *mark) for mark in self.lanes)
        if self.directory:
            yield (DIRECTORY_SOURCE, DIRECTORY_LANE, *self.directory)

    def body(self) -> bytes:
        """The record's value in `log.heartbeats`."""
        lanes = [[lane, seq, wire_instant(at)] for lane, seq, at in self.lanes]
        said: dict[str, object] = {"source": self.source, "sent": wire_instant(self.sent), "lanes": lanes}
        if self.directory:
            seq, at = self.directory
            said["directory"] = [seq, wire_instant(at)]
        return orjson.dumps(said)

    @staticmethod
    def parse(body: bytes) -> Beat:
        """A heartbeat as read from the topic; raises NoBeat for anything else."""
        try:
            return _beat(orjson.loads(body))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise NoBeat("unreadable") from None


def _beat(said: Any) -> Beat:
    source, sent, lanes = said["source"], _instant(said["sent"]), said["lanes"]
    if not isinstance(source, str) or not all(
        _is_count(lane, CASE_LANES) and _is_count(seq, 2**63) for lane, seq, _ in lanes
    ):
        raise ValueError
    return Beat(source, sent, tuple((lane, seq, _instant(at)) for lane, seq, at in lanes), _directory(said))


def _directory(said: Any) -> tuple[int, datetime] | None:
    if (mark := said.get("directory")) is None:
        return None
    seq, at = mark
    if not _is_count(seq, 2**63) or said["source"] != DIRECTORY_HOST:
        raise ValueError
    return seq, _instant(at)


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError
    return at


def _is_count(value: object, end: int) -> bool:
    return type(value) is int and 0 <= value < end


AHEAD = timedelta(seconds=10)
"""How far the clocks of two machines may be apart."""


def credible(beat: Beat, now: datetime, *, manual: bool) -> bool:
    """Whether a beat speaks of what can have been: sent by `now`, and in real mode of no instant after that."""
    if beat.sent > now + AHEAD:
        return False
    return manual or all(at <= beat.sent + AHEAD for *_, at in beat.marks)


STORE = """
    update source_mark m
       set at = later(m.at, ($2::timestamptz[])[65 * s.place - 64 : 65 * s.place]),
           sent = later(m.sent, ($3::timestamptz[])[65 * s.place - 64 : 65 * s.place])
      from unnest($1::text[]) with ordinality s(source, place)
     where m.source = s.source
"""
PROMISE = "select log.promise_now()"
BEAT = "select lane, seq, at, sent from log.beat($1) order by lane"
ADVANCE = "select lane, seq, at, sent from log.advance($1) order by lane"


async def touch_lanes(conn: Connection, source: str, to: datetime | None = None) -> Beat:
    """Promise how far no lane goes back any more and say where they stand; with `to` the manual clock goes on first.

    Outside any transaction: the promise must have committed before anybody looks which lanes it holds for.
    """
    rows = await conn.fetch(BEAT, await conn.fetchval(PROMISE)) if to is None else await conn.fetch(ADVANCE, to)
    sent = max((row["sent"] for row in rows), default=EPOCH)
    lanes = [(row["lane"], row["seq"], row["at"]) for row in rows]
    own = source == DIRECTORY_HOST
    directory = next(((seq, at) for lane, seq, at in lanes if own and lane == DIRECTORY_LANE), None)
    return Beat(source, sent, tuple(mark for mark in lanes if mark[0] < CASE_LANES), directory)


@dataclass
class Watermarks:
    """What one reader knows of its lanes: `at` per (source, lane) is complete knowledge before that instant.

    A beat counts once its `seq` has been applied; until then it waits. An applied event is itself a watermark.
    """

    applied: dict[tuple[str, int], int] = field(default_factory=dict)
    at: dict[tuple[str, int], datetime] = field(default_factory=dict)
    sent: dict[tuple[str, int], datetime] = field(default_factory=dict)
    waiting: dict[tuple[str, int], dict[int, tuple[datetime, datetime]]] = field(default_factory=dict)
    """Beats not yet covered, by the `seq` they wait for; of each the newest is enough, and of many not all are."""
    moved: set[str] = field(default_factory=set)
    """Sources of which a beat has told, or come to count, since what is known was last written down."""
    recorded: dict[str, int] = field(default_factory=dict)
    """Source → how many events its last beat told of."""

    def restore(self, rows: Iterable[Any]) -> None:
        """Take up what the database says of newly assigned lanes (rows of `watermark`)."""
        for row in rows:
            key = (row["source"], row["lane"])
            self.applied[key] = row["seq"]
            self.at[key] = row["at"]
            self.sent[key] = row["sent"]

    def forget(self, lanes: Iterable[int]) -> None:
        """Lanes that another worker holds now."""
        gone = set(lanes)
        for known in (self.applied, self.at, self.sent, self.waiting):
            for key in [key for key in known if key[1] in gone]:
                del known[key]

    def beat(self, beat: Beat) -> bool:
        """A heartbeat was read; whether its source has recorded anything since its last one."""
        for source, lane, seq, at in beat.marks:
            key = (source, lane)
            if key not in self.applied:
                continue
            if seq <= self.applied[key]:
                self._move(key, at, beat.sent)
            else:
                self._hold(key, seq, at, beat.sent)
        recorded = sum(seq for _, seq, _ in beat.lanes)
        before_that, self.recorded[beat.source] = self.recorded.get(beat.source), recorded
        return before_that != recorded

    def _hold(self, key: tuple[str, int], seq: int, at: datetime, sent: datetime) -> None:
        held = self.waiting.setdefault(key, {})
        before = held.get(seq, (at, sent))
        held[seq] = (max(at, before[0]), max(sent, before[1]))
        if len(held) > WAITING_AT_MOST:
            # As if these had never been heard: the watermark will move in a larger step.
            for old in sorted(held)[: WAITING_AT_MOST // 2]:
                del held[old]

    def apply(self, source: str, lane: int, seq: int, recorded_at: datetime) -> None:
        """Everything up to this event has been applied and committed."""
        key = (source, lane)
        self.applied[key] = seq
        self._move(key, recorded_at, None)
        waiting = self.waiting.get(key, {})
        for covered in [beat_seq for beat_seq in waiting if beat_seq <= seq]:
            self._move(key, *waiting.pop(covered))

    def catch_up(self, lane: int, heads: Mapping[str, tuple[int, bytes]]) -> None:
        """Another worker applied this much: beats wait for it, and an event that would tell so may never come."""
        for source, (seq, _) in heads.items():
            self.apply(source, lane, seq, EPOCH)

    def _move(self, key: tuple[str, int], at: datetime, sent: datetime | None) -> None:
        self.at[key] = max(at, self.at.get(key, EPOCH))
        if sent:
            self.sent[key] = max(sent, self.sent.get(key, EPOCH))
            self.moved.add(key[0])

    def lane(self, lane: int, sources: Iterable[str]) -> datetime:
        """The least of the sources': every fact of theirs before this instant is known."""
        return min(self.at.get((source, lane), EPOCH) for source in sources)

    async def store(self, conn: Connection) -> None:
        """Write down what beats have told, for the lists' `as_of` and for the next holder of a lane; never backwards.

        What events have told stands with the progress that they made. Two workers write of their own lanes each.
        """
        moved, self.moved = sorted(self.moved), set()
        if moved:
            keys = [(source, lane) for source in moved for lane in range(CASE_LANES + 1)]
            known = [[self.at.get(key, EPOCH) for key in keys], [self.sent.get(key, EPOCH) for key in keys]]
            await conn.execute(STORE, moved, *known)
