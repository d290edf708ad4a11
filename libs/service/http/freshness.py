"""The freshness contract: every list says as of when it is complete; an old list is never served as a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from libs.events.errors import Malformed, Stale
from libs.events.lanes import source_of
from libs.log.store.event_store import Connection
from libs.service.clock import real_now
from libs.service.runtime import Runtime

WAIT_SECONDS = 2.0
SHORTEST_WAIT, LONGEST_WAIT = 0.01, 0.1
APPLIED = """
    select p.seq, (select h.seq from log.lane_head h where h.lane = p.lane) as head
      from read.source_progress p where p.lane = $1 and p.source = $2
"""


WATERMARKS = """
    select source, min(at) as at, min(sent) as sent from read.watermark
     where case lane when 64 then sent > 'epoch' else source = any($1) and ($2::smallint is null or lane = $2) end
     group by source
"""
"""The directory always: posts, rules and names of whatever is shown are its. Its host may be too old to beat for it."""


class PositionMalformed(Malformed):
    """A `min_position` that no command of ours has answered."""

    code = "E-POSITION"
    zh = "min_position 不是本系统返回的位置"
    en = "min_position is not a position that a command answered"


@dataclass(frozen=True)
class AsOf:
    """Complete for everything that the named sources recorded before `at`; lag in real seconds per source."""

    at: datetime
    lag: dict[str, float]

    def document(self) -> dict[str, object]:
        """The members that every list answer carries."""
        return {"as_of": self.at.isoformat(), "lag_seconds": {name: round(lag, 3) for name, lag in self.lag.items()}}


async def as_of(conn: Connection, sources: Sequence[str], limit_seconds: float, lane: int | None = None) -> AsOf:
    """How complete the read model is over these sources and the directory; raises `Stale` above the configured lag."""
    rows = await conn.fetch(WATERMARKS, list(sources), lane)
    now = real_now()
    lag = {row["source"].rpartition("/")[2]: (now - row["sent"]).total_seconds() for row in rows}
    if max(lag.values()) > limit_seconds:
        raise Stale()
    return AsOf(min(row["at"] for row in rows), lag)


async def wait_for_position(running: Runtime, position: str | None) -> None:
    """Read your own writes: wait a moment until the position is applied; raises `Stale` where it is not.

    Nobody holds a connection while he waits. Raises `PositionMalformed` for one that this service has not given yet.
    """
    if position is None:
        return
    source, lane, seq = parse_position(position)
    is_own = source == source_of(running.settings.source, lane)
    until, pause = monotonic() + WAIT_SECONDS, SHORTEST_WAIT
    while True:
        row = await running.pool.fetchrow(APPLIED, lane, source)
        if row is None or (is_own and row["head"] is not None and row["head"] < seq):
            raise PositionMalformed()
        if row["seq"] >= seq:
            return
        if monotonic() > until:
            raise Stale()
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_WAIT)


def parse_position(position: str) -> tuple[str, int, int]:
    """Source, lane and sequence number of `<service>.<lane>.<seq>`; raises `PositionMalformed`."""
    service, _, rest = position.partition(".")
    lane, _, seq = rest.partition(".")
    if not (rest.isascii() and lane.isdecimal() and seq.isdecimal() and len(seq) < 19 and len(lane) < 4):
        raise PositionMalformed()
    return f"/xunban/{service}", int(lane), int(seq)
