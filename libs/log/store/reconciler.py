"""Whether a service's own event table still is what was appended and what stands in the log. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import structlog

from libs.events.envelope import wire_instant
from libs.events.lanes import decode_meta, genesis, source_of
from libs.log.store.event_store import Connection, stored_position

log = structlog.get_logger()

ROWS = 500
"""Looked at in one step."""
PART = """
    select lane, seq, stream, version, case_id::text as case_id, event_id::text as event_id, type, occurred_at,
           recorded_at, prev_hash, hash, meta, body
      from log.event where lane = $1 and seq > $2 order by seq limit $3
"""
HEADS = """
    select h.seq, h.hash, (select e.hash from log.event e where e.lane = h.lane and e.seq = h.seq) as last,
           p.seq as read, p.hash as in_log,
           (select e.hash from log.event e where e.lane = h.lane and e.seq = p.seq) as own
      from log.lane_head h join read.source_progress p on p.lane = h.lane and p.source = $2
     where h.lane = $1
"""


@dataclass(frozen=True)
class Difference:
    """The first place of a lane at which the table is not what it was."""

    lane: int
    seq: int
    what: str
    """CONTENT: not the bytes that were appended; GAP: a row is missing; COLUMN: a column says something else than the
    event; HEAD: the lane's end is another; LOG: the log has another event there."""


def fault(row: Any, seq: int, head: bytes) -> str | None:
    """What is wrong with a row of the event table that should follow the event `seq` with the hash `head`. Pure."""
    place = stored_position(row)
    if place.seq != seq + 1:
        return "GAP"
    if place.prev_hash != head or place.expected_hash(row["meta"], row["body"]) != place.hash:
        return "CONTENT"
    said = dict(decode_meta(row["meta"]))
    kind, _, case_id = row["stream"].partition("-")
    columns = {
        "ce_id": row["event_id"],
        "ce_type": row["type"],
        "ce_stream": row["stream"],
        "ce_time": wire_instant(row["occurred_at"]),
    }
    of_case = case_id if kind in ("case", "access", "cluster") else None
    if row["case_id"] != of_case or any(said.get(name) != text.encode() for name, text in columns.items()):
        return "COLUMN"
    return None


@dataclass
class Reconciler:
    """Goes through the rows of a source's lanes, over and over, a few at a time."""

    source: str
    found: dict[int, Difference] = field(default_factory=dict)
    """By lane; what is mended is gone after the next round."""
    _at: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    _turn: int = 0

    async def step(self, conn: Connection, lanes: Collection[int]) -> None:
        """Look at the next rows of these lanes, taken one after another."""
        if lanes:
            lane = min((one for one in lanes if one >= self._turn), default=min(lanes))
            self._turn = lane + await self._look(conn, lane)

    async def whole(self, conn: Connection, lanes: Collection[int]) -> list[Difference]:
        """Every row of these lanes once; what was found."""
        for lane in lanes:
            while not await self._look(conn, lane):
                pass
        return [self.found[lane] for lane in sorted(self.found)]

    async def _look(self, conn: Connection, lane: int) -> bool:
        """Some rows of a lane; whether it is through."""
        seq, head = self._at.pop(lane, (0, genesis(source_of(self.source, lane), lane)))
        rows = await conn.fetch(PART, lane, seq, ROWS)
        for row in rows:
            if what := fault(row, seq, head):
                self._tell(Difference(lane, seq + 1, what))
                return True
            seq, head = row["seq"], row["hash"]
        if len(rows) == ROWS:
            self._at[lane] = (seq, head)
            return False
        if different := await self._ends(conn, lane):
            self._tell(different)
        else:
            self.found.pop(lane, None)
        return True

    async def _ends(self, conn: Connection, lane: int) -> Difference | None:
        row = await conn.fetchrow(HEADS, lane, source_of(self.source, lane))
        if row["seq"] > 0 and row["last"] != row["hash"]:
            return Difference(lane, row["seq"], "HEAD")
        if row["read"] > 0 and row["own"] != row["in_log"]:
            return Difference(lane, row["read"], "LOG")
        return None

    def _tell(self, different: Difference) -> None:
        if self.found.get(different.lane) != different:
            log.error("event_table_differs", source=self.source, **vars(different))
        self.found[different.lane] = different
