"""Several changes of one batch as one statement, which does all of them or nothing. Knows no table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from libs.log.store.event_store import Connection

ALWAYS = "moved as (select)"


@dataclass(frozen=True)
class Write:
    """An insert, update or delete that does nothing unless the statement's part `moved` has a row."""

    sql: str
    """Its placeholders count from $1."""
    values: tuple[Any, ...]


async def write(conn: Connection, writes: Sequence[Write], condition: str = ALWAYS, *values: Any) -> bool:
    """Carry them all out in one round trip, if `condition` (the part `moved` and others, with its values) holds."""
    sql = whole(condition, len(values), tuple(one.sql for one in writes))
    return bool(await conn.fetchval(sql, *values, *(value for one in writes for value in one.values)))


@cache
def whole(condition: str, given: int, parts: tuple[str, ...]) -> str:
    """One statement; the placeholders of each part go on where those before it end."""
    texts = [condition]
    for number, part in enumerate(parts):
        texts.append(f"part_{number} as ({_shifted(part, given)})")
        given += len(set(re.findall(r"\$\d+", part)))
    return f"with {', '.join(texts)} select exists (select from moved)"  # noqa: S608 - our own parts


def _shifted(sql: str, by: int) -> str:
    return re.sub(r"\$(\d+)", lambda found: f"${int(found[1]) + by}", sql)
