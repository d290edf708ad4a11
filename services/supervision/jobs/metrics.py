"""What supervision measures: its timers, and how far ahead the calendar is known that they are counted by."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from prometheus_client import Gauge

from libs.events.contracts.directory import CalendarPublished
from libs.log.store.event_store import Connection
from services.supervision.jobs import timers

CALENDAR = Gauge(
    "xunban_calendar_until_timestamp_seconds",
    "The end of the last year whose calendar is published; limits that reach beyond it are provisional.",
)
YEARS = "select body from directory_fact where type = $1 order by version"


async def measure(conn: Connection, lanes: Sequence[int]) -> None:
    """What is due in these lanes, and until when the days off are known."""
    await timers.measure(conn, lanes)
    published = [orjson.loads(row["body"]) for row in await conn.fetch(YEARS, CalendarPublished.ce_type)]
    years = {one["year"]: one["provisional"] for one in published}
    last = max((year for year, provisional in years.items() if not provisional), default=None)
    CALENDAR.set(datetime(last + 1, 1, 1, tzinfo=UTC).timestamp() if last else 0)
