"""One row → what is sent to intake for it, or why it cannot be sent."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import NAMESPACE_URL, uuid5
from zoneinfo import ZoneInfo

from importing.mapping import (
    ALLOWED,
    Mapping,
    PlaceFields,
    Source,
)
from importing.rows import Row
from libs.directory.facts.places import e7
from libs.events import telephones
from libs.events.ids import EXTERNAL_ID
from libs.events.text import folded, trimmed

SPACE = uuid5(NAMESPACE_URL, "xunban:import")
NOT_LEFT = re.compile(r"[-\u2013\u2014/\\.*]+|无|没有|不详|未知|未留|匿名|n/?a|null|none", re.IGNORECASE)
"""What is written where nobody left a telephone."""
ROUNDED = re.compile(r"[+-]?\d(\.\d+)?[eE]\+?\d+|\d{15}0{3,}")
"""How a spreadsheet writes a number of which it keeps fifteen digits."""
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NOTHING_THERE = "单元格是错误值, 或公式没有结果 / the cell is an error, or a formula without result"


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

    @property
    def item(self) -> dict[str, Any]:
        """An item of `POST /import`."""
        return {"appeal": self.appeal, "registration": self.registration}


class RowUnusable(Exception):
    """A row that cannot be sent; its text names the column and repeats no value."""


def entry_of(row: Row, mapping: Mapping) -> Entry:
    """Raises `RowUnusable`."""
    if not row.whole:
        raise RowUnusable("列数与表头不符 / the number of cells differs from the header")
    reader = _Reader(row, mapping)
    external_id = reader.number("external_id", mapping.external_id) or reader.needed("external_id", mapping.external_id)
    if not re.fullmatch(EXTERNAL_ID, external_id):
        raise RowUnusable(
            f"{_names(mapping.external_id)}: 编号只能含字母、数字和 . _ : / # -, 至多 64 字"
            " / an id has letters, digits and . _ : / # -, 64 at most"
        )
    case_id = str(uuid5(SPACE, f"{mapping.name}/{external_id}"))
    return Entry(
        line=row.line,
        case_id=case_id,
        external_id=external_id,
        received_at=reader.instant(mapping.received_at),
        appeal={"case_id": case_id, "external_id": external_id, **reader.appeal()},
        registration=reader.registration(),
    )


@dataclass(frozen=True)
class _Reader:
    row: Row
    mapping: Mapping

    def text(self, path: str, source: Source | None) -> str | None:
        """The value of a field; None where its cells are empty and nothing stands in for them."""
        if source is None:
            return None
        text = self._raw(source)
        codes = self.mapping.codes(source)
        if text and codes is not None:
            if text not in codes and source.default is None:
                raise RowUnusable(f"{_names(source)}: 代码表中没有此代码 / the code is not in the table")
            text = codes.get(text, "")
        text = text or source.default or ""
        if text and path in ALLOWED and text not in ALLOWED[path]:
            raise RowUnusable(f"{_names(source)}: 取值不在允许范围内 / not one of the allowed codes")
        return text[: source.cut] or None

    def _raw(self, source: Source) -> str:
        if source.constant is not None:
            return source.constant
        if damaged := [name for name in source.used if name in self.row.damaged]:
            raise RowUnusable(f"{', '.join(damaged)}: {NOTHING_THERE}")
        return source.join.join(part for name in source.used if (part := trimmed(self.row.values[name])))

    def needed(self, path: str, source: Source) -> str:
        if text := self.text(path, source):
            return text
        raise RowUnusable(f"{_names(source)}: 不能为空 / must not be empty")

    def number(self, path: str, source: Source | None) -> str | None:
        """A number that is a name; refused where a spreadsheet has replaced its digits."""
        text = self.text(path, source)
        if source and text and ROUNDED.fullmatch(text):
            raise RowUnusable(
                f"{_names(source)}: 数字已被表格软件改写 / a spreadsheet has replaced digits of the number"
            )
        return text

    def telephone(self, source: Source | None) -> str | None:
        """As it is written, once every number in it can be read."""
        text = self.number("", source)
        if text and NOT_LEFT.fullmatch(folded(text)):
            return None
        if source and text:
            try:
                telephones.read(text)
            except telephones.NoTelephone as why:
                raise RowUnusable(f"{_names(source)}: {why.message_zh} / {why.message_en}") from why
        return text

    def instant(self, source: Source | None) -> datetime | None:
        """In UTC. Local time is that of the mapping's zone; an hour that occurs twice is taken as its first one."""
        text = self.text("", source)
        if source is None or text is None:
            return None
        try:
            at = datetime.strptime(text, source.format) if source.format else datetime.fromisoformat(text)  # noqa: DTZ007
            at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.mapping.zone))).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowUnusable(f"{_names(source)}: 不是有效时间 / not an instant") from error
        if not FIRST <= at < LAST:
            raise RowUnusable(f"{_names(source)}: 时间不可能 / an impossible instant")
        return at

    def degrees(self, source: Source | None) -> int | None:
        text = self.text("", source)
        if source is None or text is None:
            return None
        try:
            return e7(Decimal(text))
        except (InvalidOperation, ValueError, OverflowError) as error:
            raise RowUnusable(f"{_names(source)}: 不是有效经纬度 / not a number of degrees") from error

    def appeal(self) -> dict[str, Any]:
        fields = self.mapping.appeal
        due, received = self.instant(fields.upstream_due_at), self.instant(self.mapping.received_at)
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
            "upstream_due_at": due.isoformat() if due else None,
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

    def registration(self) -> dict[str, Any] | None:
        fields = self.mapping.registration
        if fields is None:
            return None
        return {
            "class_code": self.needed("registration.class_code", fields.class_code),
            "urgency": self.needed("registration.urgency", fields.urgency),
            "kind": self.text("registration.kind", fields.kind),
            "filing_condition": self.text("", fields.filing_condition),
        }


def _names(source: Source) -> str:
    return ", ".join(source.used) or "constant"
