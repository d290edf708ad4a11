"""Orders of a unit that has ended, as lead or co-unit, and proposals for it (SUC-2). I/O only; who has them then:
domain/succession.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libs.directory.facts.view import has_ended
from libs.events.decider import SYSTEM
from libs.log.store.event_store import Connection
from libs.service.worker.passing_on import Asked, PassingOn
from services.routing.domain.succession import HELD, PassOn

FOUND = """
    select lane, case_id from held_order
     where open and unit = any($1) and state = any($2) and ($3::smallint[] is null or lane = any($3))
    union
    select lane, case_id from work_order
     where state = 'REGISTERED' and proposed = any($1) and ($3::smallint[] is null or lane = any($3))
    limit $4
"""


async def find(conn: Connection, asked: Asked, most: int) -> Sequence[Any]:
    """Cases in which such a unit still has work, or is proposed."""
    ended = [unit.id for unit in asked.view.units if has_ended(unit, asked.at)]
    return await conn.fetch(FOUND, ended, HELD, asked.lanes, most) if ended else []


PASSING_ON = PassingOn(find, lambda at: PassOn(at, SYSTEM))
