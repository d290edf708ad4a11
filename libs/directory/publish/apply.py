"""What a publication changes: documents against the directory in force. Pure: no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from libs.directory.facts.directory import key_of, stream_of
from libs.directory.facts.view import Fact, Key, View
from libs.directory.findings import DocumentsRefused, Finding, refused
from libs.directory.publish.checks import findings_of
from libs.directory.publish.documents import Documents
from libs.directory.publish.succession import succession_findings
from libs.events.contracts.directory import AppointmentPublished, LogOpened, RulebookPublished
from libs.events.event import Event


@dataclass(frozen=True)
class ApplyPlan:
    """The events to append with their streams, in order, and what else the caller should know."""

    changes: tuple[tuple[str, Event], ...]
    created: tuple[str, ...]
    """Names (`AppointmentPublished li-fang-g03`) that were not known before."""
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    absent: tuple[str, ...]
    """Known, but not in the documents: they stay as they are."""
    findings: tuple[Finding, ...]
    """Notices; a refusal never gets this far."""

    @property
    def events(self) -> tuple[Event, ...]:
        """The events to append."""
        return tuple(event for _, event in self.changes)

    def document(self) -> dict[str, Any]:
        """What is answered of it."""
        said = asdict(replace(self, changes=()))
        del said["changes"]
        return said


def decide_apply(view: View, documents: Documents) -> ApplyPlan:
    """What to append so that the directory says what the documents say; nothing twice.

    Raises `DocumentsRefused` where the directory as it would be then breaks a rule.
    """
    return plan_for(view, documents.events())


def plan_for(view: View, stated: Sequence[Event]) -> ApplyPlan:
    """`decide_apply` of facts that are read already."""
    findings = (*_duplicates(stated), *_moved(view, stated))
    if not findings:
        findings = _findings_after(view, stated)
    if any(finding.severity == "refused" for finding in findings):
        raise DocumentsRefused(tuple(one for one in findings if one.severity == "refused"))
    changes = diff(view, stated)
    new = [event for event in changes if _key(event) not in view.facts]
    told = {_key(event) for event in stated}
    return ApplyPlan(
        changes=tuple((stream_of(event), event) for event in changes),
        created=tuple(_name(_key(event)) for event in new),
        changed=tuple(_name(_key(event)) for event in changes if event not in new),
        unchanged=tuple(_name(_key(event)) for event in stated if event not in changes),
        absent=tuple(sorted(_name(key) for key in view.facts if key not in told and key[0] is not LogOpened)),
        findings=findings,
    )


def diff(view: View, stated: Sequence[Event]) -> tuple[Event, ...]:
    """Those of the stated facts that are not yet true."""
    return tuple(event for event in stated if (fact := view.facts.get(_key(event))) is None or _says_more(event, fact))


def view_after(view: View, stated: Sequence[Event]) -> View:
    """The directory as it would be with these facts."""
    after = {_key(event): Fact(view.version + 1, event) for event in diff(view, stated)}
    return View(view.version + 1, {**view.facts, **after})


def _says_more(event: Event, known: Fact) -> bool:
    """Whether it differs from what is in force; who drafted and published a rulebook is no part of its content."""
    if isinstance(event, RulebookPublished) and isinstance(known.event, RulebookPublished):
        signed = {"drafted_by": known.event.drafted_by, "approved_by": known.event.approved_by}
        event = event.model_copy(update=signed)
    return event != known.event


def _findings_after(view: View, stated: Sequence[Event]) -> tuple[Finding, ...]:
    then = view_after(view, stated)
    if (RulebookPublished, "") not in then.facts:
        return (refused("E-RULEBOOK", "rulebook", "缺少规则库", "there is no rulebook"),)
    return (*findings_of(then), *succession_findings(view, then))


def _duplicates(stated: Sequence[Event]) -> tuple[Finding, ...]:
    twice = [key for key, times in Counter(_key(event) for event in stated).items() if times > 1]
    return tuple(refused("E-DUPLICATE", _name(key), "同一编号出现多次", "the same id appears twice") for key in twice)


def _moved(view: View, stated: Sequence[Event]) -> tuple[Finding, ...]:
    """An appointment never passes to another person: his acts under it would change hands."""
    moved = [
        event
        for event in stated
        if isinstance(event, AppointmentPublished)
        and (before := view.appointment(event.id))
        and before.person != event.person
    ]
    return tuple(
        refused("E-APPT-PERSON", f"appointments.{event.id}", "任职编号不得改派他人", "the appointment is another's")
        for event in moved
    )


def _key(event: Event) -> Key:
    if (key := key_of(event)) is None:
        raise ValueError(f"{event.ce_type} states no fact of the directory")
    return key


def name_of(event: Event) -> str:
    """`AppointmentPublished li-fang-g03`."""
    return _name(_key(event))


def _name(key: Key) -> str:
    kind, name = key
    return f"{kind.__name__} {name}".strip()
