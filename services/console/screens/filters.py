"""What each list can be narrowed to: filters as they are typed → the query of its API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.console.session.visitor import Visitor


@dataclass(frozen=True)
class Listed:
    """One list of one service; `filters` are its parameters, with what they are unless chosen otherwise."""

    service: str
    path: str
    filters: Mapping[str, str]
    paged: bool = True

    def typed(self, given: Mapping[str, str]) -> dict[str, str]:
        """Every filter as it stands in the form."""
        return {name: given.get(name, default).strip() for name, default in self.filters.items()}

    def query(self, visitor: Visitor, typed: Mapping[str, str]) -> dict[str, str]:
        """The same as the API takes it: days and minutes of the town's calendar as instants."""
        wanted = {name: text for name, text in typed.items() if text}
        if since := wanted.pop("since", ""):
            wanted["due_after"] = visitor.instant(since)
        if due := wanted.pop("due", ""):
            wanted["due_before"] = visitor.instant(due, days=1)
        if as_of := wanted.get("as_of"):
            wanted["as_of"] = visitor.instant(as_of)
        return wanted


def _names(*filters: str, **defaults: str) -> dict[str, str]:
    return {**defaults, **dict.fromkeys(filters, "")}


CLOCKED = ("unit", "role", "grid", "class_code", "as_of")
LISTS: Mapping[str, Listed] = {
    "queue": Listed("routing", "/queue", _names("unrouted", "state")),
    "work": Listed("routing", "/work", _names("unit", "role", "state", "lamp", "handler", "since", "due")),
    "cases": Listed("intake", "/cases", _names("receipt", state="RECEIVED")),
    "overdue": Listed("supervision", "/overdue", _names("lamp", "confirmed", *CLOCKED, clock="handling")),
    "due-soon": Listed("supervision", "/due-soon", _names("within", *CLOCKED, clock="handling")),
    "counts": Listed("supervision", "/counts", _names(*CLOCKED, by="unit", clock="handling"), paged=False),
    "alarms": Listed("supervision", "/alarms", _names("kind")),
    "messages": Listed("notify", "/messages", _names("case_id", "recipient", state="DROPPED", reason="UNDELIVERABLE")),
    "untold": Listed("notify", "/untold", {}),
}
"""Name → list; under this name it is also told as CSV."""
