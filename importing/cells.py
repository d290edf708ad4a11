"""What the cells of one row say, field by field, or why they say nothing that can be sent. Knows no order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from importing.mapping import ALLOWED, Mapping, Source
from importing.rows import Row
from importing.sheets import TrueDate
from libs.directory.facts.places import e7
from libs.events import telephones
from libs.events.text import folded, trimmed

NOT_LEFT = re.compile(r"[-\u2013\u2014/\\.*]+|无|没有|不详|未知|未留|匿名|n/?a|null|none", re.IGNORECASE)
"""What is written where nobody left a telephone, or where there is nothing else to write."""
ROUNDED = re.compile(r"[+-]?\d(\.\d+)?[eE]\+?\d+|\d{15}0{3,}")
"""How a spreadsheet writes a number of which it keeps fifteen digits."""
TIME_OF_DAY = re.compile(r"%-?[HIkl]|%[cXT]")
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
NOTHING_THERE = "单元格是错误值, 或公式没有结果 / the cell is an error, or a formula without result"
WORDS = ("external_id", "appeal.content")
"""Fields in which 无 is a text like any other."""
YES = frozenset(("是", "有", "yes", "y", "true", "1", "保密", "涉密", "密", "秘密", "机密", "绝密"))
NO = frozenset(("", "否", "无", "不", "没有", "no", "n", "false", "0", "公开", "不保密", "非保密", "非密"))


class RowUnusable(Exception):
    """A row that cannot be sent; its text names the column, and no value but a code."""


@dataclass(frozen=True)
class Reader:
    """The cells of one row as the mapping reads them; every method raises `RowUnusable`."""

    row: Row
    mapping: Mapping

    def text(self, path: str, source: Source | None) -> str | None:
        """The value of a field; None where its cells are empty and nothing stands in for them."""
        if source is None:
            return None
        text, codes = self._raw(source), self.mapping.codes(source)
        if path not in WORDS and source.constant is None and text not in (codes or ()) and self.is_nothing(text):
            text = ""
        if text and codes is not None:
            if text not in codes and source.default is None:
                raise RowUnusable(
                    f"{names(source)}: 代码表中没有此代码“{text[:40]}” / the code '{text[:40]}' is not in the table"
                )
            text = codes.get(text, "")
        text = text or source.default or ""
        if text and path in ALLOWED and text not in ALLOWED[path]:
            raise RowUnusable(f"{names(source)}: “{text[:40]}”不在允许范围内 / not one of the allowed codes")
        return text[: source.cut] or None

    def _raw(self, source: Source) -> str:
        if source.constant is not None:
            return source.constant
        if damaged := [name for name in source.used if name in self.row.damaged]:
            raise RowUnusable(f"{', '.join(damaged)}: {NOTHING_THERE}")
        return source.join.join(part for name in source.used if (part := trimmed(self.row.values[name])))

    def is_nothing(self, text: str) -> bool:
        """Whether it is what people write where there is nothing."""
        own = self.mapping.empty
        return NOT_LEFT.fullmatch(folded(text)) is not None if own is None else text in own

    def needed(self, path: str, source: Source) -> str:
        """A value that must be there."""
        if text := self.text(path, source):
            return text
        raise RowUnusable(f"{names(source)}: 不能为空 / must not be empty")

    def number(self, path: str, source: Source | None) -> str | None:
        """A number that is a name; refused where a spreadsheet has replaced its digits."""
        text = self.text(path, source)
        if source and text and ROUNDED.fullmatch(text):
            raise RowUnusable(
                f"{names(source)}: 数字已被表格软件改写 / a spreadsheet has replaced digits of the number"
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
                raise RowUnusable(f"{names(source)}: {why.message_zh} / {why.message_en}") from why
        return text

    def instant(self, source: Source | None, *, until: bool = False) -> datetime | None:
        """In UTC. Local time is that of the mapping's zone; an hour that occurs twice is taken as its first one.

        A date without a time is the begin of that day, or its end (24:00) where it says `until` when (CLK-04).
        """
        text = self.text("", source)
        if source is None or text is None:
            return None
        try:
            at, dated = self._read(text, source)
            if dated and (source.date_only == "end" or (until and source.date_only is None)):
                at += timedelta(days=1)
            at = (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.mapping.zone))).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise RowUnusable(f"{names(source)}: 不是有效时间 / not an instant") from error
        if not FIRST <= at < LAST:
            raise RowUnusable(f"{names(source)}: 时间不可能 / an impossible instant")
        return at

    def _read(self, text: str, source: Source) -> tuple[datetime, bool]:
        """The instant, and whether no time of day is said; raises ValueError."""
        cells = [self.row.values[name] for name in source.used]
        if len(cells) == 1 and isinstance(cells[0], TrueDate):
            return datetime.fromisoformat(text), not cells[0].timed
        if source.format:
            try:
                return datetime.strptime(text, source.format), not TIME_OF_DAY.search(source.format)  # noqa: DTZ007
            except ValueError:
                if not re.match(r"\d{4}-\d\d-\d\d", text):
                    raise
        return datetime.fromisoformat(text), ":" not in text and "T" not in text

    def degrees(self, source: Source | None) -> int | None:
        """A coordinate in 1e-7 degrees."""
        text = self.text("", source)
        if source is None or text is None:
            return None
        try:
            return e7(Decimal(text))
        except (InvalidOperation, ValueError, OverflowError) as error:
            raise RowUnusable(f"{names(source)}: 不是有效经纬度 / not a number of degrees") from error

    def times(self, source: Source | None) -> int:
        """How often: a number, or yes and no."""
        text = (self.text("", source) or "").lower()
        if text.isdecimal() and len(text) <= 3:
            return int(text)
        if source and text not in YES and text not in NO:
            raise RowUnusable(f"{names(source)}: 不是次数 / not a number of times")
        return int(text in YES)

    def must_be_open_to_all(self) -> None:
        """What the source calls confidential is refused, and what nobody can tell too."""
        source = self.mapping.confidential
        said = folded(self.text("", source) or "").lower()
        if source is None or said in NO:
            return
        if said in YES:
            raise RowUnusable(
                f"{names(source)}: 来源标明保密; 系统尚不能按保密件保管, 未导入"
                " / the source calls it confidential, and nothing here keeps it so yet: not imported"
            )
        raise RowUnusable(
            f"{names(source)}: 无法判断“{said[:40]}”是否保密, 请用代码表对应为 是/否"
            f" / whether '{said[:40]}' means confidential cannot be told: a code table says yes or no"
        )


def names(source: Source) -> str:
    """The columns of a field, as a refusal names them."""
    return ", ".join(source.used) or "constant"
