"""One round trip before a decision: the time, the answer given before, the case in log and read model."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from libs.case import lifecycle
from libs.case.state import Case
from libs.events.envelope import Recorded
from libs.log.store.event_store import Connection, stream_of
from libs.log.write import idempotency
from libs.log.write.idempotency import IdempotencyKey, Outcome

PREFETCH = f"""
    select log.business_now() as now, (select max(version) from read.directory_fact) as directory,
           {idempotency.ANSWER}, v.doc,
           array(select own from log.event own where own.stream = k.of || k.case_id order by own.version) as own
      from (select $1::uuid as case_id, $2::text as principal, $3::text as idem_key, $4::text as of) k
      left join log.command_log c using (principal, idem_key)
      {idempotency.LAST_EVENT}
      left join read.case_view v on v.case_id = k.case_id
"""  # noqa: S608 - our own parts
PREFETCH_ALL = """
    select k.stream, v.doc, log.business_now() as now, (select max(version) from read.directory_fact) as directory,
           array(select own from log.event own where own.stream = k.stream order by own.version) as own
      from unnest($1::text[]) k(stream)
      left join read.case_view v on v.case_id = case when k.stream like 'case-%' then substr(k.stream, 6)::uuid end
"""
Of = Literal["case", "notice"]
"""Which stream is decided on: a case's, or that of the notices given of a draft of the directory."""
TIME = "select log.business_now() as now, (select max(version) from read.directory_fact) as directory"


class NamedKey(NamedTuple):
    """An Idempotency-Key of one principal."""

    principal: str
    key: str


@dataclass(frozen=True)
class Prefetched:
    """What was seen for one case (None: for none) and one Idempotency-Key of one principal."""

    case_id: str | None
    key: NamedKey | None
    now: datetime
    directory: int
    """The newest version that this service has projected."""
    own: tuple[Recorded, ...] = ()
    """The case's own stream."""
    doc: str | None = None
    """The case as the read model has it."""
    row: Any = field(default=None, compare=False, repr=False)
    of: Of = "case"

    @property
    def stream(self) -> str:
        """Where the decision is recorded."""
        return f"{self.of}-{self.case_id}"

    def is_for(self, case_id: str, key: IdempotencyKey | None) -> bool:
        """Whether this is the look that a command on this case under this key needs."""
        return self.case_id == case_id and self.key == (key and (key.principal, key.key))

    def answer(self, key: IdempotencyKey | None, service: str) -> Outcome | None:
        """What was answered to this request before; raises `IdempotencyMismatch`."""
        return idempotency.answer_in(self.row, key, service)

    def case(self, source: str) -> Case | None:
        """The case as the read model has it and, on top, our own events that have not come back through the log yet.

        So who has just dispatched or signed is known with its evidence, also while Kafka is away.
        """
        if self.of != "case":
            return None
        case = None if self.doc is None else Case.model_validate_json(self.doc)
        applied = case.versions.get(source, 0) if case else 0
        for event in self.own[applied:]:
            case = lifecycle.evolve(case, event)
        return case


async def prefetch(
    conn: Connection, case_id: str | None, key: IdempotencyKey | NamedKey | None = None, of: Of = "case"
) -> Prefetched:
    """See what there is now; nothing is locked."""
    asked = NamedKey(key.principal, key.key) if key else None
    if case_id is None and asked is None:
        row = await conn.fetchrow(TIME)
        return Prefetched(None, None, row["now"], row["directory"] or 0)
    row = await conn.fetchrow(PREFETCH, case_id, asked and asked.principal, asked and asked.key, f"{of}-")
    own = tuple(stream_of(row["own"]))
    return Prefetched(case_id, asked, row["now"], row["directory"] or 0, own, row["doc"], row, of)


async def prefetch_all(conn: Connection, streams: Collection[str]) -> dict[str, Prefetched]:
    """See these streams, each of a case or a notice, in one look, for what the service does by itself."""
    seen = {}
    for row in await conn.fetch(PREFETCH_ALL, list(streams)):
        of, _, case_id = row["stream"].partition("-")
        own = tuple(stream_of(row["own"]))
        seen[row["stream"]] = Prefetched(case_id, None, row["now"], row["directory"] or 0, own, row["doc"], None, of)
    return seen
