"""The freshness contract: every list says as of when it is complete; an old list is never served as a new one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic

from libs.events.errors import Malformed, Stale
from libs.log.store.event_store import Connection
from libs.service.clock import real_now

WAIT_SECONDS = 2.0


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
    """How complete the read model is over these sources; raises `Stale` above the configured lag."""
    rows = await conn.fetch(
        "select source, min(at) as at, min(sent) as sent from read.watermark"
        " where lane < 64 and source = any($1) and ($2::smallint is null or lane = $2) group by source",
        list(sources),
        lane,
    )
    now = real_now()
    lag = {row["source"].rpartition("/")[2]: (now - row["sent"]).total_seconds() for row in rows}
    if max(lag.values()) > limit_seconds:
        raise Stale()
    return AsOf(min(row["at"] for row in rows), lag)


async def wait_for_position(conn: Connection, position: str | None) -> None:
    """Read your own writes: wait a moment until the position is applied; raises `Stale` where it is not."""
    if position is None:
        return
    source, lane, seq = parse_position(position)
    until = monotonic() + WAIT_SECONDS
    while True:
        applied = await conn.fetchval(
            "select seq from read.source_progress where lane = $1 and source = $2", lane, source
        )
        if applied is None:
            raise PositionMalformed()
        if applied >= seq:
            return
        if monotonic() > until:
            raise Stale()
        await asyncio.sleep(0.01)


def parse_position(position: str) -> tuple[str, int, int]:
    """Source, lane and sequence number of `<service>.<lane>.<seq>`; raises `PositionMalformed`."""
    service, _, rest = position.partition(".")
    lane, _, seq = rest.partition(".")
    if not (rest.isascii() and lane.isdecimal() and seq.isdecimal() and len(seq) < 19 and len(lane) < 4):
        raise PositionMalformed()
    return f"/xunban/{service}", int(lane), int(seq)
