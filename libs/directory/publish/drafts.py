"""Drafts of the directory: made by one person, put in force by another (rulebook.md b.1, SEP-15). Pure: no I/O.

An empty town, or one that has lost its administrators, is helped by its deployer, on the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

import orjson

from libs.directory.facts.directory import key_of
from libs.directory.facts.view import Fact, View
from libs.directory.findings import DocumentsRefused, Finding, refused
from libs.directory.publish.apply import ApplyPlan, name_of, plan_for, view_after
from libs.directory.rules.contacts import shown
from libs.events.contracts.directory import (
    AppointmentPublished,
    ContactPoint,
    DraftMade,
    DraftPublished,
    DraftRefused,
    DraftWithdrawn,
    PersonPublished,
    RulebookPublished,
    StatedFact,
    TownBootstrapped,
)
from libs.events.contracts.registry import decode
from libs.events.decider import Actor
from libs.events.envelope import Recorded
from libs.events.errors import Forbidden, NotFound, Refused, Rejected
from libs.events.event import Event
from libs.events.ids import DraftId, PersonId

DraftState = Literal["OPEN", "PUBLISHED", "WITHDRAWN"]
PART_BYTES = 250_000
"""About as much of a draft as one event carries; Kafka takes a million bytes in a record."""
LARGEST_FACT = 200_000
LEAST_IN_OFFICE = 2
"""Natural persons who are administrators: one drafts, another publishes."""


class NeedsAnother(Refused):
    """The publisher made the draft himself, or it appoints him: it takes another natural person."""

    code = "E-FOUR-EYES"
    zh = "须由另一位管理员发布: 不得发布本人起草的草案, 也不得发布对本人的任用"
    en = "another administrator publishes this: nobody publishes his own draft, nor his own appointment"


class NoDraft(NotFound):
    """Nobody has made a draft of this id."""

    zh = "没有这份草案"
    en = "there is no such draft"


class DraftEnded(Rejected):
    """The draft is published or withdrawn already."""

    code = "E-DRAFT"
    zh = "草案已发布或已撤回"
    en = "the draft has been published or withdrawn"


class DraftOutdated(Rejected):
    """What the draft changes was changed by another publication since: draft it again."""

    code = "E-DRAFT-OUTDATED"
    zh = "草案所改内容此后已有变动, 请按现行目录重新起草"
    en = "what this draft changes has changed since; make it again from what is in force"


class InOffice(Rejected):
    """The town has administrators; what it wants changed, they draft and publish."""

    code = "E-BOOTSTRAP"
    zh = "已有两名以上管理员在任, 请由其起草并发布"
    en = "the town has its administrators: they draft and publish"


@dataclass(frozen=True)
class Drafted:
    """A draft as the log tells it."""

    id: DraftId
    drafted_by: PersonId
    basis: str
    made_at: datetime
    made_of: int
    """The lane-64 sequence number of its last part: it answers the directory before it."""
    events: tuple[str, ...]
    stated: tuple[StatedFact, ...]
    state: DraftState = "OPEN"
    ended_by: PersonId | None = None
    ended_at: datetime | None = None

    def facts(self, approved_by: PersonId) -> tuple[Event, ...]:
        """What it states, published by this person; raises `UnknownEvent` for a type that no code here knows."""
        return tuple(_fact(one, approved_by) for one in self.stated)


@dataclass(frozen=True)
class Act:
    """Who acts when, and the directory that he sees."""

    view: View
    by: Actor
    at: datetime

    @property
    def in_office(self) -> tuple[PersonId, ...]:
        """The natural persons who are administrators now."""
        return self.view.holders("ADMIN", None, self.at)


def drafts_of(events: Iterable[Recorded]) -> dict[DraftId, Drafted]:
    """The drafts that events of lane 64, in order, tell of; other events pass."""
    drafts: dict[DraftId, Drafted] = {}
    for event in events:
        match event.data:
            case DraftMade() as made:
                drafts[made.draft] = _made(drafts.get(made.draft), made, event)
            case DraftPublished(draft=draft, published_by=person):
                drafts[draft] = _ended(drafts[draft], "PUBLISHED", person, event)
            case DraftWithdrawn(draft=draft, withdrawn_by=person):
                drafts[draft] = _ended(drafts[draft], "WITHDRAWN", person, event)
            case _:
                pass
    return drafts


def decide_draft(
    act: Act, stated: Sequence[Event], draft: DraftId, basis: str
) -> tuple[ApplyPlan, tuple[DraftMade, ...]]:
    """What the draft would change, and its events; none where everything is so already.

    Raises `Forbidden`, and `DocumentsRefused` for what could not be published.
    """
    act.by.must_be("ADMIN")
    plan = _carried_out(act, stated)
    parts = list(_parts([_stated(event) for event in plan.events]))
    made = (
        DraftMade(draft=draft, drafted_by=act.by.person, basis=basis, part=number, parts=len(parts), facts=tuple(part))
        for number, part in enumerate(parts, start=1)
    )
    return plan, tuple(made)


def decide_publication(act: Act, draft: Drafted | None) -> tuple[ApplyPlan, DraftPublished]:
    """What the publication puts in force, and its own event.

    Raises `Forbidden`, `NotFound`, `DraftEnded`, `NeedsAnother`, `DraftOutdated`, and `DocumentsRefused` for what has
    become impossible since.
    """
    draft, person = _open(draft, act.by), act.by.person
    if not may_publish(act.view, draft, person):
        raise NeedsAnother(
            rule="SEP-15",
            evidence=draft.events,
            allowed=[one for one in act.in_office if may_publish(act.view, draft, one)],
            events=[DraftRefused(draft=draft.id, asked_by=person, rule="SEP-15")],
        )
    stated = draft.facts(approved_by=person)
    if outdated := sorted(_outdated(act.view, draft.made_of, stated)):
        raise DraftOutdated(evidence=draft.events, allowed=outdated)
    published = DraftPublished(draft=draft.id, drafted_by=draft.drafted_by, published_by=person)
    return _carried_out(act, stated), published


def decide_withdrawal(draft: Drafted | None, by: Actor) -> DraftWithdrawn:
    """The end of a draft; raises `Forbidden`, `NotFound` or `DraftEnded`."""
    return DraftWithdrawn(draft=_open(draft, by).id, withdrawn_by=by.person)


def decide_bootstrap(act: Act, stated: Sequence[Event], basis: str) -> tuple[ApplyPlan, TownBootstrapped]:
    """The deployer founds an empty town, or appoints administrators where fewer than two are in office.

    Raises `Forbidden`, `InOffice`, and `DocumentsRefused`.
    """
    if "directory" not in act.by.scopes:
        raise Forbidden(allowed=["scope directory"])
    if act.view.people or (RulebookPublished, "") in act.view.facts:
        if len(act.in_office) >= LEAST_IN_OFFICE:
            raise InOffice(allowed=act.in_office)
        if more := tuple(_more_than_administrators(stated)):
            raise DocumentsRefused(more)
    plan = _carried_out(act, stated)
    return plan, TownBootstrapped(bootstrapped_by=act.by.person, basis=basis, facts=len(plan.changes))


def may_publish(view: View, draft: Drafted, person: PersonId) -> bool:
    """Whether this natural person neither made the draft nor is appointed by it."""
    stated = draft.facts(approved_by=person)
    return person != view.natural(draft.drafted_by) and not any(_favours(view, event, person) for event in stated)


def differences(view: View, draft: Drafted) -> list[dict[str, Any]]:
    """Per fact its name, and per field that would differ what is in force (null: nothing) and what is drafted."""
    return [_difference(view, event) for event in draft.facts(approved_by=PersonId(""))]


def _difference(view: View, event: Event) -> dict[str, Any]:
    key = key_of(event)
    known = view.facts.get(key) if key else None
    before = known.event.model_dump(mode="json") if known else {}
    after = event.model_dump(mode="json")
    fields = [name for name in after if name != "approved_by" and before.get(name) != after[name]]
    changes = [
        {"field": name, "before": _shown(name, before.get(name)), "after": _shown(name, after[name])} for name in fields
    ]
    return {"fact": name_of(event), "new": known is None, "changes": changes}


def _shown(field: str, value: Any) -> Any:
    if field != "contacts" or not value:
        return value
    return [shown(ContactPoint.model_validate(point)).model_dump(mode="json") for point in value]


def _carried_out(act: Act, stated: Sequence[Event]) -> ApplyPlan:
    """The plan of what may be published: facts that a record can carry, and a town that can still change itself."""
    if large := [event for event in stated if len(event.model_dump_json()) > LARGEST_FACT]:
        too_large = "内容过大, 无法作为一条事实发布", "too large for one fact"
        raise DocumentsRefused(tuple(refused("E-TOO-LARGE", name_of(event), *too_large) for event in large))
    plan = plan_for(act.view, stated)
    if len(view_after(act.view, stated).holders("ADMIN", None, act.at)) < LEAST_IN_OFFICE:
        few = (
            "在任管理员须至少两人: 一人起草, 另一人发布",
            "two administrators in office are needed: one drafts, another publishes",
        )
        raise DocumentsRefused((refused("E-ADMINISTRATORS", "appointments", *few),))
    return plan


def _open(draft: Drafted | None, by: Actor) -> Drafted:
    by.must_be("ADMIN")
    if draft is None:
        raise NoDraft()
    if draft.state != "OPEN":
        raise DraftEnded(evidence=draft.events)
    return draft


def _favours(view: View, event: Event, person: PersonId) -> bool:
    """Whether a fact gives or takes posts of this person, or says which accounts are his."""
    match event:
        case AppointmentPublished():
            return view.natural(event.person) == person
        case PersonPublished():
            known = view.person(event.id)
            if (known.same_as if known else None) == event.same_as:
                return False
            return person in (view.natural(event.id), view.natural(event.same_as or event.id))
        case _:
            return False


def _outdated(view: View, made_of: int, stated: Sequence[Event]) -> Iterator[str]:
    """Names of what was published after the draft was made, though the draft changes it too."""
    for event in stated:
        key = key_of(event)
        known: Fact | None = view.facts.get(key) if key else None
        if known and known.version > made_of:
            yield name_of(event)


def _more_than_administrators(stated: Sequence[Event]) -> Iterator[Finding]:
    """The deployer helps a town to its administrators; everything else is theirs."""
    for event in stated:
        if isinstance(event, PersonPublished) or (isinstance(event, AppointmentPublished) and event.role == "ADMIN"):
            continue
        only = "此时只能任用管理员", "only administrators can be appointed so"
        yield refused("E-BOOTSTRAP", name_of(event), *only)


def _stated(event: Event) -> StatedFact:
    data = event.model_dump(mode="json")
    if isinstance(event, RulebookPublished):
        del data["approved_by"]
    return StatedFact(type=event.ce_type, data=data)


def _fact(stated: StatedFact, approved_by: PersonId) -> Event:
    body: Mapping[str, Any] = stated.data
    if stated.type == RulebookPublished.ce_type:
        body = {**body, "approved_by": approved_by}
    return decode(stated.type, orjson.dumps(body))


def _parts(facts: Sequence[StatedFact]) -> Iterator[list[StatedFact]]:
    part: list[StatedFact] = []
    size = 0
    for fact in facts:
        length = len(orjson.dumps(fact.data))
        if part and size + length > PART_BYTES:
            yield part
            part, size = [], 0
        part.append(fact)
        size += length
    if part:
        yield part


def _made(known: Drafted | None, made: DraftMade, event: Recorded) -> Drafted:
    at, seq = event.recorded_at, event.position.seq
    if known is None:
        return Drafted(made.draft, made.drafted_by, made.basis, at, seq, (event.id,), made.facts)
    return replace(known, made_of=seq, events=(*known.events, event.id), stated=known.stated + made.facts)


def _ended(draft: Drafted, state: DraftState, by: PersonId, event: Recorded) -> Drafted:
    return replace(draft, state=state, ended_by=by, ended_at=event.recorded_at)
