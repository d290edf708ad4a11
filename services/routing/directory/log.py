"""Lane 64: what the directory says is appended here, once, from its own strong state. Knows no HTTP and no YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from libs.directory.facts.directory import Directory, stream_of
from libs.directory.publish.apply import ApplyPlan
from libs.directory.publish.documents import read_documents
from libs.directory.publish.drafts import (
    Act,
    Drafted,
    decide_bootstrap,
    decide_draft,
    decide_publication,
    decide_withdrawal,
    drafts_of,
)
from libs.events.contracts.directory import DraftMade, DraftPublished, DraftWithdrawn, LogOpened, RulebookPublished
from libs.events.decider import SYSTEM, Actor
from libs.events.envelope import Provenance, draft
from libs.events.event import Event
from libs.events.ids import DraftId, EventId, new_id
from libs.events.lanes import DIRECTORY_LANE
from libs.log.store import event_store
from libs.log.store.event_store import Connection
from libs.log.write.seal import plain_body

SOURCE = "/xunban/directory"
DRAFTING = tuple(one.ce_type for one in (DraftMade, DraftPublished, DraftWithdrawn))
"""Types of the events that drafts are made of."""


@dataclass(frozen=True)
class Desk:
    """Who acts on the directory as the event table has it, and its drafts; lane 64 is locked for him."""

    conn: Connection
    act: Act
    drafts: Mapping[DraftId, Drafted]
    given: datetime | None

    async def append(self, events: Sequence[Event], because: Sequence[str] = ()) -> int:
        """Append to their streams; the directory's version then. Each quotes the version that the act saw."""
        act = self.act
        stands_on = Provenance(act.by, act.view.version, because[-1] if because else None)
        last = act.view.version
        for stream, group in groupby(events, key=stream_of):
            drafts = [
                draft(event, plain_body(event), source=SOURCE, subject=stream, stream=stream, at=act.at, by=stands_on)
                for event in group
            ]
            last = (await event_store.append(self.conn, stream, drafts, expected=None, given=self.given)).seq
        return last

    def read(self, raw: Mapping[str, Any]) -> tuple[Event, ...]:
        """The facts that documents state; raises `DocumentsRefused`."""
        view = self.act.view
        known = (RulebookPublished, "") in view.facts
        return read_documents(raw, view.rulebook.clock.tz if known else None, self.act.by.person).events()


async def open_desk(conn: Connection, by: Actor, given: datetime | None) -> Desk:
    """In the caller's transaction: nothing comes between what is seen here and what is appended."""
    await event_store.lock_lane(conn, DIRECTORY_LANE)
    events = await event_store.load_lane(conn, DIRECTORY_LANE)
    facts = ((one.position.seq, one.data, EventId(one.id)) for one in events)
    at = given or await event_store.business_now(conn)
    return Desk(conn, Act(Directory().with_events(facts).latest, by, at), drafts_of(events), given)


async def drafts(conn: Connection) -> Mapping[DraftId, Drafted]:
    """Every draft that was ever made, oldest first."""
    return drafts_of(await event_store.load_lane(conn, DIRECTORY_LANE, DRAFTING))


async def open_log(conn: Connection, mode: str) -> bool:
    """Append the log's first fact, its mode, where lane 64 is empty; True if this call did. For the admin step."""
    async with conn.transaction():
        desk = await open_desk(conn, SYSTEM, None)
        if desk.act.view.version:
            return False
        await desk.append([LogOpened.model_validate({"mode": mode})])
    return True


async def make_draft(desk: Desk, raw: Mapping[str, Any], basis: str) -> tuple[ApplyPlan, DraftId | None, int]:
    """The plan, the draft (None where everything is so already), and the directory's version after it."""
    new = DraftId(new_id())
    plan, made = decide_draft(desk.act, desk.read(raw), new, basis)
    return plan, new if made else None, await desk.append(made)


async def publish_draft(desk: Desk, draft_id: DraftId) -> tuple[ApplyPlan, int]:
    """Put a draft in force; its plan, and the directory's version after it."""
    known = desk.drafts.get(draft_id)
    plan, published = decide_publication(desk.act, known)
    return plan, await desk.append([*plan.events, published], known.events if known else ())


async def withdraw_draft(desk: Desk, draft_id: DraftId) -> int:
    """Take a draft back; the directory's version then."""
    return await desk.append([decide_withdrawal(desk.drafts.get(draft_id), desk.act.by)])


async def bootstrap(desk: Desk, raw: Mapping[str, Any], basis: str) -> tuple[ApplyPlan, int]:
    """The deployer's act; its plan, and the directory's version after it."""
    plan, bootstrapped = decide_bootstrap(desk.act, desk.read(raw), basis)
    return plan, await desk.append([bootstrapped, *plan.events])
