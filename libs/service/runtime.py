"""What one process of a service holds while it runs: pools, vault, directory, the service's own parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi import APIRouter
from sqlalchemy import Table

from libs.case.facts import Facts
from libs.case.state import Case
from libs.directory.facts.view import View
from libs.directory.readmodel.store import DirectoryCache
from libs.events.decider import Decider
from libs.events.envelope import Recorded
from libs.events.ids import PersonId
from libs.log.read.rows import ReadModel
from libs.log.relay.wakeup import Wakeup
from libs.log.store.event_store import Connection, Pool, lock_lanes
from libs.log.unjudged import judging
from libs.log.write.command import CommandHandler, Reaction
from libs.log.write.prefetch import NamedKey, Prefetched, prefetch, prefetch_all
from libs.log.write.seal import Opener, Vault
from libs.service.callers import Tokens
from libs.service.pool import open_pool
from libs.service.settings import Settings

log = structlog.get_logger()


class WrongService(RuntimeError):
    """The process was told that it is another service; it would append in that one's name."""


class WrongMode(RuntimeError):
    """The log was opened in the other mode; this process refuses to start (architecture.md §5)."""


Project = Callable[[ReadModel, Recorded, Case], None]
"""(rows, event, case after the event): fill the service's own tables."""
React = Callable[[Recorded, Case, Any], Sequence[Any]]
"""(event, case after the event, directory view) → the service's own commands. Pure."""
Job = Callable[["Runtime", Any], Awaitable[None]]
"""A loop of the worker process besides the common ones: (runtime, worker)."""
Effect = Callable[["Runtime", Recorded], Awaitable[None]]
"""What a live reader must do outside its own tables on an event; repeated after a crash, never in a rebuild."""

Copy = Callable[[Opener, Sequence[Recorded]], Awaitable[Mapping[str, Mapping[str, Any]]]]
"""Event id → search copies for the projection, live and in a rebuild; nothing of what can no longer be opened.
Tables that hold them are marked `info={"search_copy": True}`."""
Count = Callable[[ReadModel, Recorded], None]
"""What the service counts of an event that its live reader has applied."""
Measure = Callable[[Connection, Sequence[int]], Awaitable[None]]
"""What the service itself measures of these lanes, when its worker is asked for metrics."""
Open = Callable[["Runtime"], Opener]
"""With what the live reader's search copies are made; a rebuild brings its own."""
After = Callable[["Runtime", Connection, Mapping[str, Any]], Awaitable[None]]
"""After the reactions of a batch, in its transaction: (runtime, connection, case id → the own state of it)."""

LookAgain = Callable[["Runtime", Connection, str], Awaitable[None]]
"""Whether a case that waits for a look can be judged now: (runtime, connection, case id); raises `NotJudged`."""


@dataclass(frozen=True)
class Parts:
    """What makes a service this service; the same names in each `main.py`."""

    service: str
    title_zh: str
    decider: Decider[Any, Any, Facts]
    settings: type[Settings] = Settings
    """What its processes read from their environment."""
    routers: Sequence[APIRouter] = ()
    tables: Sequence[Table] = ()
    project: Project | None = None
    react: React | None = None
    effect: Effect | None = None
    after: After | None = None
    looks: Mapping[str, LookAgain] = field(default_factory=dict)
    """Looks that its loops take of themselves at a case, by the names under which a case waits for them."""
    copy: Copy | None = None
    opener: Open | None = None
    body_limits: Mapping[str, int] = field(default_factory=dict)
    """End of a path → bytes that a request there may have, where files are sent."""
    jobs: dict[str, Job] = field(default_factory=dict)
    count: Count | None = None
    measure: Measure | None = None
    hosts_directory: bool = False
    """Whether the directory's lane is appended and relayed here."""
    pending: Callable[[Runtime, Connection], Awaitable[tuple[int, Any]]] | None = None
    """Manual mode: how many own steps are due and not recorded, and the next due instant after them."""


@dataclass
class Runtime:
    """Open connections and read-only copies of one process."""

    settings: Settings
    parts: Parts
    pool: Pool
    vault: Vault
    tokens: Tokens
    idempotency_key: bytes
    directory: DirectoryCache = field(default_factory=DirectoryCache)
    wakeup: Wakeup = field(init=False)

    def __post_init__(self) -> None:
        self.wakeup = Wakeup(self.pool)

    @property
    def handler(self) -> CommandHandler[Any, Any]:
        """The write side."""
        return CommandHandler(self.settings.source, self.parts.decider, self.pool, self.vault)

    @property
    def opener(self) -> Opener | None:
        """Where this service makes search copies."""
        return self.parts.opener(self) if self.parts.opener else None

    @property
    def manual(self) -> bool:
        """Whether business time is set by hand."""
        return self.settings.mode == "manual"

    async def prefetch(
        self, conn: Connection, subject: PersonId, case_id: str | None = None, key: str | None = None
    ) -> tuple[View, Prefetched]:
        """The newest directory, and what a command of this subject needs to know, mostly in one round trip."""
        known = self.directory.directory
        seen = await prefetch(conn, case_id, NamedKey(known.latest.natural(subject), key) if key else None)
        if seen.directory <= known.version:
            return known.latest, seen
        await self.directory.refresh(conn)
        return await self.prefetch(conn, subject, case_id, key)

    async def case(self, conn: Connection, case_id: str) -> Case | None:
        """The case as this service's read model has it."""
        doc = await conn.fetchval("select doc from case_view where case_id = $1", case_id)
        return None if doc is None else Case.model_validate_json(doc)

    async def facts(self, conn: Connection, case_id: str) -> Facts:
        """What a decision on this case may look at: the case with our own latest events, and the directory."""
        return await self.facts_in(conn, await prefetch(conn, case_id))

    async def state_and_facts(self, conn: Connection, case_id: str) -> tuple[Any, Facts]:
        """The service's own state of a case, and its facts: what is offered is judged by what a decision would see."""
        seen = await prefetch(conn, case_id)
        return self.parts.decider.fold(event.data for event in seen.own), await self.facts_in(conn, seen)

    async def facts_in(self, conn: Connection, seen: Prefetched) -> Facts:
        """What a decision may look at of what was seen, and the directory at that version or later."""
        if seen.directory > self.directory.directory.version:
            await self.directory.refresh(conn)
        return self.facts_of(seen)

    async def look(self, conn: Connection, streams: Collection[str]) -> dict[str, Prefetched]:
        """What these streams are about in one reading, and the directory at that version or later."""
        seen = await prefetch_all(conn, streams)
        if any(one.directory > self.directory.directory.version for one in seen.values()):
            await self.directory.refresh(conn)
        return seen

    def facts_of(self, seen: Prefetched) -> Facts:
        """What a decision may look at of what was seen, by the directory that is here. Raises `UnknownEvent`."""
        directory = self.directory.directory
        return Facts(seen.case(self.settings.source), directory.latest, directory)

    def reactions_to(self, event: Recorded, case: Case, view: View, traceparent: str | None) -> list[Reaction]:
        """The service's own commands that follow from an event; `case` is the case right after it.

        Raises `NotJudged`.
        """
        if self.parts.react is None:
            return []
        facts = Facts(case, view, self.directory.directory)
        given = event.recorded_at if self.manual else None
        with judging(event.subject):
            commands = list(self.parts.react(event, case, view))
        return [Reaction(one, facts, event, traceparent, given) for one in commands]

    async def react(self, conn: Connection, reactions: Sequence[Reaction]) -> None:
        """Decide and append them, and what the service does after, in the transaction of whoever asks.

        Raises `NotJudged`.
        """
        if not reactions:
            return
        await lock_lanes(conn, {one.cause.position.lane for one in reactions})
        states = await self.handler.react(conn, reactions)
        if self.parts.after:
            await self.parts.after(self, conn, states)


@asynccontextmanager
async def runtime(
    settings: Settings,
    parts: Parts,
    *,
    lock_ms: int,
    statement_ms: int,
    wait_seconds: float | None = None,
    plans: str = "auto",
) -> AsyncIterator[Runtime]:
    """Connect, check the mode of the log, and close again at the end; raises `WrongService` or `WrongMode`.

    `wait_seconds`: how long a request may wait for a connection; a worker's loops wait as long as it takes.
    `plans`: a worker's statements are few and find rows by key: one plan for all values, made once.
    """
    if settings.service != parts.service:
        raise WrongService(f"this is {parts.service}, and SERVICE says {settings.service}")
    limits = {
        "search_path": "read",
        "lock_timeout": str(lock_ms),
        "statement_timeout": str(statement_ms),
        "idle_in_transaction_session_timeout": "5000",
        "plan_cache_mode": plans,
        "application_name": f"xunban-{settings.service}",
        "timezone": "UTC",
    }
    async with (
        open_pool(settings.database_url, (1, settings.pool_size), wait_seconds, server_settings=limits) as pool,
        open_pool(settings.keys_database_url, (0, 2), wait_seconds) as keys,
    ):
        kind = await pool.fetchval("select kind from log.mode")
        if kind != settings.mode:
            raise WrongMode(f"the log is {kind}, this process was started {settings.mode}")
        vault = Vault(keys, Vault.master_key(settings.master_key_file))
        tokens = Tokens.from_file(settings.jwks_file, settings.token_audience, settings.token_most_hours)
        idempotency_key = settings.idempotency_key_file.read_bytes()
        yield Runtime(settings, parts, pool, vault, tokens, idempotency_key)
