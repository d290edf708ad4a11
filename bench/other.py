"""The library that we are measured against, `eventsourcing`, used as its documentation says: application and runner."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg.sql import SQL, Identifier

NAME = "BenchCases"
CONTENT = "小区门口路灯不亮, 晚上行人看不清路, 请尽快派人修理; 已经向物业反映过一次"


class BenchCase(Aggregate):
    """The same two events as ours."""

    @event("Received")
    def __init__(self, channel: str, kind: str, content: str, grid: str, recorded_by: str) -> None:
        self.channel, self.kind, self.content = channel, kind, content
        self.grid, self.recorded_by = grid, recorded_by
        self.class_code = ""

    @event("Registered")
    def register(self, registered_by: str, class_code: str, urgency: str, grid: str) -> None:
        """立案."""
        self.class_code, self.urgency = class_code, urgency


class BenchCases(Application[UUID]):
    """Saves cases."""

    name = NAME


class View(PostgresTrackingRecorder):
    """A table with the state of each case, written together with the position, as the library does it."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.table = "bench_case_view"
        self.sql_create_statements.append(
            SQL("create table if not exists {0}.{1} (case_id text primary key, state text, class_code text)").format(
                Identifier(self.datastore.schema), Identifier(self.table)
            )
        )

    def put(self, case_id: str, state: str, class_code: str, tracking: Tracking) -> None:
        """One row and the position, in one transaction."""
        statement = SQL(
            "insert into {0}.{1} values (%s, %s, %s)"
            " on conflict (case_id) do update set state = excluded.state, class_code = excluded.class_code"
        ).format(Identifier(self.datastore.schema), Identifier(self.table))
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(statement, (case_id, state, class_code))


class Seen(Projection[View]):
    """Event → row."""

    name = "seen"
    topics = ()

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """One event."""
        kind = type(domain_event).__name__
        self.view.put(str(domain_event.originator_id), kind, getattr(domain_event, "class_code", ""), tracking)


def environment(url: str) -> dict[str, str]:
    """The library's settings for this database; everything else as it comes."""
    parts = urlsplit(url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": str(parts.hostname),
        "POSTGRES_PORT": str(parts.port),
        "POSTGRES_USER": str(parts.username),
        "POSTGRES_PASSWORD": str(parts.password),
        "POSTGRES_POOL_SIZE": "8",
    }


def opened(url: str) -> BenchCases:
    """The application over this database."""
    return BenchCases(env=environment(url))


def saves_per_second(app: BenchCases, cases: int, writers: int) -> float:
    """Two saves of one event for each case."""

    def work(_: int) -> None:
        for _ in range(cases // writers):
            case = BenchCase("phone", "complaint", CONTENT, "G03", "zhou-min")
            app.save(case)
            case.register("zhou-min", "street-light", "U3", "G03")
            app.save(case)

    with ThreadPoolExecutor(writers) as pool:
        begun = time.perf_counter()
        list(pool.map(work, range(writers)))
        return cases // writers * writers * 2 / (time.perf_counter() - begun)


def projected_per_second(url: str, events: int) -> float:
    """A projection made anew over the first so many events by the library's runner."""
    env = environment(url)
    with ProjectionRunner(application_class=BenchCases, projection_class=Seen, view_class=View, env=env) as runner:
        begun = time.perf_counter()
        runner.wait(events, timeout=120)
        return events / (time.perf_counter() - begun)


FORGET = "drop table if exists bench_case_view, seen_tracking"
"""Takes the projection back to its beginning."""
