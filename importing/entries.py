"""One row → what is sent to intake for it, or why it cannot be sent."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from importing.cells import Reader, RowUnusable, names
from importing.mapping import Mapping, PlaceFields
from importing.rows import Row
from libs.events.ids import EXTERNAL_ID

SPACE = uuid5(NAMESPACE_URL, "xunban:import")


@dataclass(frozen=True)
class Entry:
    """One case: its identity follows from mapping name and external id alone, so it can never come in twice."""

    line: int
    case_id: str
    external_id: str
    received_at: datetime | None
    appeal: dict[str, Any]
    """Body of `POST /appeals`."""
    registration: dict[str, Any] | None
    """Body of `POST /cases/{id}/register`; None leaves it to the operator."""
    source: str = "import"
    life: dict[str, Any] | None = None
    """What happened to it where it comes from; None: it begins here."""

    @property
    def item(self) -> dict[str, Any]:
        """An item of `POST /import`."""
        of_source = {"source": self.source, "received_at": _text(self.received_at), "life": self.life}
        return {"appeal": self.appeal, "registration": self.registration, **of_source}

    @property
    def kept(self) -> Counter[str]:
        """Facts that no command here carries yet, and that stay in the event: name → how many."""
        life = self.life or {}
        found = Counter({f"facts.{name}": 1 for name in life.get("facts", ())})
        found["satisfaction"] += life.get("satisfaction") is not None
        found["rework"] += life.get("rework", 0)
        for turn in life.get("turns", ()):
            found["turn"] += 1
            found["reply"] += turn["reply"] is not None
            found["rework"] += turn["rework"]
        return +found


def entry_of(row: Row, mapping: Mapping) -> Entry:
    """Raises `RowUnusable`."""
    if not row.whole:
        raise RowUnusable("列数与表头不符 / the number of cells differs from the header")
    reader = _Fields(row, mapping)
    reader.must_be_open_to_all()
    external_id = external_id_of(row, mapping)
    case_id = str(uuid5(SPACE, f"{mapping.name}/{external_id}"))
    life = reader.life()
    return Entry(
        line=row.line,
        case_id=case_id,
        external_id=external_id,
        received_at=reader.instant(mapping.received_at),
        appeal={"case_id": case_id, "external_id": external_id, **reader.appeal()},
        registration=reader.registration(closed=bool(life and life["closed"])),
        source=mapping.name,
        life=life,
    )


def external_id_of(row: Row, mapping: Mapping) -> str:
    """The number of the order in its source; raises `RowUnusable`."""
    reader = Reader(row, mapping)
    external_id = reader.number("external_id", mapping.external_id) or reader.needed("external_id", mapping.external_id)
    if not re.fullmatch(EXTERNAL_ID, external_id):
        raise RowUnusable(
            f"{names(mapping.external_id)}: 编号只能含字母、数字和 . _ : / # -, 至多 64 字"
            " / an id has letters, digits and . _ : / # -, 64 at most"
        )
    return external_id


def turn_of(row: Row, mapping: Mapping) -> dict[str, Any] | None:
    """The department's turn in this row, as intake takes it; None where the row has none. Raises `RowUnusable`."""
    if mapping.life is None:
        return None
    fields, reader = mapping.life.turn, Reader(row, mapping)
    turn = {
        "unit": reader.text("", fields.unit),
        "unit_name": reader.text("", fields.unit_name),
        "assigned_at": _text(reader.instant(fields.assigned_at)),
        "answered_at": _text(reader.instant(fields.answered_at, until=True)),
        "reply": reader.text("", fields.reply),
        "rework": reader.times(fields.rework),
    }
    return turn if any(turn.values()) else None


def with_turns(entry: Entry, turns: list[dict[str, Any]]) -> Entry:
    """The order with the turns of all its rows."""
    return replace(entry, life={**(entry.life or {}), "turns": turns})


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


class _Fields(Reader):
    """The parts of an item, each from its fields of the mapping."""

    def appeal(self) -> dict[str, Any]:
        fields = self.mapping.appeal
        due, received = self.instant(fields.upstream_due_at, until=True), self.instant(self.mapping.received_at)
        if due and received and due <= received:
            raise RowUnusable("期限不晚于受理时间 / due no later than it was received")
        return {
            "channel": self.needed("appeal.channel", fields.channel),
            "kind": self.needed("appeal.kind", fields.kind),
            "content": self.needed("appeal.content", fields.content),
            "place": self.place(fields.place),
            "reporter_name": self.text("", fields.reporter_name),
            "reporter_phone": self.telephone(fields.reporter_phone),
            "found_by": self.text("", fields.found_by),
            "upstream_due_at": _text(due),
        }

    def place(self, fields: PlaceFields) -> dict[str, Any]:
        longitude, latitude = self.degrees(fields.longitude), self.degrees(fields.latitude)
        point = None not in (longitude, latitude)
        place = {
            "grid": None if point else self.text("", fields.grid),
            "longitude": longitude if point else None,
            "latitude": latitude if point else None,
            "address": self.text("", fields.address),
        }
        if point and fields.datum != "WGS84":
            place["datum"] = fields.datum
        if not point and place["grid"] is None:
            raise RowUnusable("没有网格也没有坐标 / neither a grid nor a point")
        return place

    def registration(self, *, closed: bool) -> dict[str, Any] | None:
        fields = self.mapping.registration
        if fields is None or (closed and self.text("", fields.class_code) is None):
            return None
        return {
            "class_code": self.needed("registration.class_code", fields.class_code),
            "urgency": self.needed("registration.urgency", fields.urgency),
            "kind": self.text("registration.kind", fields.kind),
            "filing_condition": self.text("", fields.filing_condition),
        }

    def life(self) -> dict[str, Any] | None:
        fields = self.mapping.life
        if fields is None:
            return None
        closed_at, state = self.instant(fields.closed_at, until=True), self.text("life.state", fields.state)
        if state == "open" and closed_at:
            raise RowUnusable("状态为未办结, 却有办结时间 / it is open, and has an instant of closing")
        turn = turn_of(self.row, self.mapping)
        told = {name: self.text("", source) for name, source in fields.facts.items()}
        return {
            "registered_at": _text(self.instant(fields.registered_at)),
            "closed": state == "closed" or closed_at is not None,
            "closed_at": _text(closed_at),
            "turns": [turn] if turn else [],
            "rework": self.times(fields.rework),
            "satisfaction": self.text("", fields.satisfaction),
            "facts": {name: text for name, text in told.items() if text},
        }
