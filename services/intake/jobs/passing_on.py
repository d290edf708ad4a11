"""Open cases of a class or a grid that has ended and was succeeded (SUC-2). I/O only; the decision is in the domain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from libs.directory.facts.view import has_ended
from libs.events.decider import SYSTEM
from libs.log.store.event_store import Connection
from libs.service.worker.passing_on import Asked, PassingOn
from services.intake.domain.succession import PassOn

FOUND = """
    select lane, case_id from filed
     where (class_code = any($1) or grid = any($2)) and ($3::smallint[] is null or lane = any($3)) limit $4
"""


async def find(conn: Connection, asked: Asked, most: int) -> Sequence[Any]:
    """Cases that are still filed under one."""
    view, at = asked.view, asked.at
    classes = [one.code for one in view.classes if has_ended(one, at) and view.living_class(one.code, at)]
    grids = [one.code for one in view.grids if has_ended(one, at) and view.living_grid(one.code, at)]
    return await conn.fetch(FOUND, classes, grids, asked.lanes, most) if classes or grids else []


PASSING_ON = PassingOn(find, lambda at: PassOn(at, SYSTEM))
