"""When a message may wait, when it is late, when it is overtaken, and which many alike become one. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from libs.case.state import WORKING, Case
from libs.directory.facts.view import View
from libs.events.contracts.directory import ContactPoint
from libs.events.contracts.parts.rulebook import Messages, QuietHours
from libs.events.envelope import wire_instant

URGENT = ("U1", "U2")
"""特急、紧急 break through quiet hours and digests."""
ALIKE = frozenset({"registered", "dispatched", "warned", "breached", "urged", "left_alone"})
"""Templates that a mass incident sends to the same person many times over; orders and findings are never among them."""
OF_THE_CLOCK = frozenset({"warned", "breached", "urged"})
WAITS_FOR: Mapping[str, frozenset[str]] = {
    "registered": frozenset({"REGISTERED"}),
    "dispatched": WORKING,
    "assigned": WORKING,
    "rejected": WORKING,
    "rework": WORKING,
    "pressed": WORKING,
    "co_unit": WORKING,
    "endorse": frozenset({"DISPATCHED", "IN_PROGRESS"}),
    "endorsement_refused": WORKING,
    "feedback": frozenset({"FEEDBACK"}),
    "verify": frozenset({"VERIFYING"}),
    "return_requested": frozenset({"RETURN_PENDING"}),
    "arbitration": frozenset({"ARBITRATION"}),
    "deciding_unit": frozenset({"ARBITRATION"}),
}
"""Template → the states in which it still asks for something that can be done."""


def held_until(
    at: datetime, point: ContactPoint, urgency: str | None, rules: Messages, zone: ZoneInfo
) -> datetime | None:
    """The instant until which a message of `at` waits: the next digest, or the end of the quiet hours."""
    if urgency in URGENT:
        return None
    if point.digest:
        return min(_next(at, hour, zone) for hour in rules.digest_at)
    quiet = rules.quiet
    if quiet and point.channel in quiet.channels and _is_quiet(at, quiet, zone):
        return _next(at, quiet.ends, zone)
    return None


def _is_quiet(at: datetime, quiet: QuietHours, zone: ZoneInfo) -> bool:
    local = f"{at.astimezone(zone):%H:%M}"
    if quiet.begins <= quiet.ends:
        return quiet.begins <= local < quiet.ends
    return local >= quiet.begins or local < quiet.ends


def _next(at: datetime, hour: str, zone: ZoneInfo) -> datetime:
    """The first instant after `at` at which it is this hour in the town."""
    local = at.astimezone(zone)
    found = datetime.combine(local.date(), time.fromisoformat(hour), zone)
    following = found if found > local else found + timedelta(days=1)
    return following.astimezone(at.tzinfo)


def day_of(at: datetime, zone: ZoneInfo) -> datetime:
    """Midnight that began the local day of an instant: many alike are counted within it."""
    return datetime.combine(at.astimezone(zone).date(), time.min, zone).astimezone(at.tzinfo)


def likeness(recipient: str, channel: str, template: str, values: Mapping[str, str]) -> str | None:
    """What messages of one mass incident share; None for one that is always told by itself."""
    # What was never registered has no class yet.
    known = values.get("class_code", "-" if template == "left_alone" else None), values.get("grid")
    if template not in ALIKE or recipient == "reporter" or values.get("urgency") == "U1" or None in known:
        return None
    return f"{channel}/{template}/{known[0]}/{known[1]}"


def mass_of(alike: int, view: View) -> int:
    """How many alike there are with this one, where it is the last told by itself (`cluster.cluster`); else 0."""
    most = view.rulebook.cluster.cluster
    return most if alike >= most - 1 else 0


def patience(rules: Messages) -> timedelta:
    """How much later than it is due a message may go without saying so."""
    return timedelta(minutes=rules.late_after_minutes)


@dataclass(frozen=True)
class Waited:
    """A message that is about to be sent, and how long it has waited."""

    template: str
    recipient: str
    values: Mapping[str, str]
    due_at: datetime
    send_at: datetime | None
    now: datetime
    patience: timedelta

    @property
    def late(self) -> bool:
        """Later than it should be: time in which it was held on purpose does not count."""
        return self.now > (self.send_at or self.due_at) + self.patience

    @property
    def judged_again(self) -> bool:
        """Whether so much time has passed, on purpose or not, that the matter may have moved on."""
        return self.now > self.due_at + self.patience

    def overtaken(self, case: Case, dues: Mapping[str, datetime]) -> bool:
        """Whether what it asks for cannot be done any more, or is asked of somebody else by now."""
        states = WAITS_FOR.get(self.template)
        if states is not None and case.state not in states:
            return True
        if self.template in OF_THE_CLOCK:
            running = dues.get(self.values.get("clock", ""))
            return running is None or wire_instant(running) != self.values.get("due_at", wire_instant(running))
        return self._for_another(case)

    def _for_another(self, case: Case) -> bool:
        match self.template:
            case "dispatched":
                return self.values.get("unit") not in (None, case.unit)
            case "assigned":
                return self.recipient != f"person:{case.handler}"
            case "relieved":
                return self.recipient in (f"person:{case.handler}", f"person:{case.verifier}")
            case "verify":
                return self.recipient != f"person:{case.verifier}"
            case "rework" | "rejected":
                return self.values.get("round") not in (None, str(case.round))
            case _:
                return False
