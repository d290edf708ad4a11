"""One message per contact point of its reader, held where the rules leave people in peace. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.directory.facts.view import View
from libs.directory.rules.contacts import points_of, rules_of
from libs.directory.rules.naming import Naming
from libs.events.contracts.notify import DropReason
from services.notify.domain.lateness import held_until
from services.notify.domain.telling import Message


@dataclass(frozen=True)
class Telling:
    """Who is told what, whatever the channel."""

    recipient: str
    template: str
    values: Mapping[str, str]
    dropped: DropReason | None = None
    once: bool = False
    urgency: str | None = None


def by_channels(one: Telling, view: View, at: datetime) -> Iterator[Message]:
    """By the directory at the instant of the event."""
    rules, zone = rules_of(view), Naming(view).zone
    for point in points_of(one.recipient, view):
        send_at = None if one.dropped else held_until(at, point, one.urgency, rules, zone)
        digest = point.digest and send_at is not None
        yield Message(
            one.recipient, one.template, point.channel, one.values, one.dropped, one.once, send_at, digest
        )  # fmt: skip
