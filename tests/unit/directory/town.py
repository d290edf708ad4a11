"""The demo town as tests see it: its documents, its view, and what a changed document does to it."""

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from libs.directory.facts.directory import Directory, stream_of
from libs.directory.facts.view import View
from libs.directory.findings import DocumentsRefused, Finding
from libs.directory.publish.apply import decide_apply
from libs.directory.publish.documents import read_documents
from libs.directory.publish.files import read_files
from libs.events.event import Event
from libs.events.ids import EventId

EXAMPLES = Path(__file__).parents[3] / "examples"
RAW = read_files(EXAMPLES / "town").raw


def published(raw: dict[str, Any]) -> Directory:
    """A directory in which these documents are published, one event per version; event ids are `e-<version>`."""
    return appended(Directory(), decide_apply(Directory().latest, read_documents(raw)).changes)


def appended(directory: Directory, changes: tuple[tuple[str, Event], ...]) -> Directory:
    """The directory after routing appended these."""
    first = directory.version + 1
    return directory.with_events((v, event, EventId(f"e-{v}")) for v, (_, event) in enumerate(changes, first))


TOWN = published(RAW)
VIEW = TOWN.latest


def written(section: str, key: str, entry: str, **changes: Any) -> dict[str, Any]:
    """The town's documents with one entry of one section changed; an entry not there yet is added."""
    raw = deepcopy(RAW)
    found = [one for one in raw[section] if one[key] == entry]
    if not found:
        raw[section].append({key: entry, **changes})
    for one in found:
        one.update(changes)
    return raw


def ruled(**changes: Any) -> dict[str, Any]:
    """The town's documents with another rulebook."""
    raw = deepcopy(RAW)
    raw["rulebook"] |= changes
    return raw


def vacated(unit: str, until: str) -> View:
    """The town with every post of a unit ended at the end of a day."""
    raw = deepcopy(RAW)
    for one in raw["appointments"]:
        if one["unit"] == unit:
            one["until"] = until
    return published(raw).latest


def unasked(directory: Directory, **post: Any) -> Directory:
    """The directory with a post that its checks have not seen, as an older version may have published it."""
    documents = read_documents({"appointments": [post]}, directory.latest.rulebook.clock.tz)
    return appended(directory, tuple((stream_of(event), event) for event in documents.events()))


def stricter(strength: str) -> View:
    """The town under another strength of 巡办分离; the sections that a strength forbids are left as they are."""
    return published(ruled(separation={"strength": strength})).latest


def refusals(raw: dict[str, Any]) -> set[str]:
    """Codes and paths of what refuses the documents; empty where they would be published."""
    try:
        decide_apply(Directory().latest, read_documents(raw))
    except DocumentsRefused as refused:
        return {f"{one.code} {one.path}" for one in refused.findings}
    return set()


def notices(raw: dict[str, Any]) -> tuple[Finding, ...]:
    """What publication would remark."""
    return decide_apply(Directory().latest, read_documents(raw)).findings


def local(text: str) -> datetime:
    """`2026-11-04 09:00` in the town (UTC+8) as an instant."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)
