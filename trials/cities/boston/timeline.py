"""Boston 311 rows as steps of a timeline: imported with the file's target, signed, reported and closed at its closing.

Reads the file through its import mapping and judges it by its own flag; holds no row of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from importing.delivery import Answer, deliver
from importing.entries import Entry, entry_of
from importing.loading import load
from importing.mapping import Mapping
from importing.rows import Row
from importing.rows import read as read_rows
from operations.installation import ROOT
from trials.clock_driver import Step, Timeline, Unexpected

FILE = "boston_311_2011.csv.gz"
MAPPING = ROOT / "examples" / "mappings" / "boston.yaml"
OPERATOR, REVIEWER, SUPERVISOR = "vera-gage", "xena-ives", "zoe-kent"
UNITS = {"general": "information"}
"""Class → unit that leads it, where it is not the unit's own name (examples/boston/catalogue.yaml)."""
Act = Callable[[Timeline], Awaitable[tuple[str, str] | None]]


@dataclass(frozen=True)
class Record:
    """One row as it is imported; when the file closes it (None: never), and its verdict `ONTIME`, `OVERDUE` or ``."""

    entry: Entry
    opened: datetime
    target: datetime | None
    closed: datetime | None
    flag: str

    @property
    def case_id(self) -> str:
        """The case that the row becomes."""
        return self.entry.case_id

    @property
    def external_id(self) -> str:
        """Its number in the file."""
        return self.entry.external_id

    @property
    def unit(self) -> str:
        """The unit that leads its class."""
        code = str((self.entry.registration or {})["class_code"])
        return UNITS.get(code, code)


def read(folder: Path, count: int) -> list[Record]:
    """The first rows of the file, in its order, which is that of their opening."""
    mapping, _ = load(MAPPING)
    return [_record(row, mapping) for row in islice(read_rows(folder / FILE, mapping), count)]


def _record(row: Row, mapping: Mapping) -> Record:
    entry = entry_of(row, mapping)
    if entry.received_at is None:
        raise ValueError(f"row {entry.external_id} has no opening time")
    due = entry.appeal["upstream_due_at"]
    return Record(
        entry=entry,
        opened=entry.received_at,
        target=datetime.fromisoformat(due) if due else None,
        closed=_instant(row.values["closed_dt"], ZoneInfo(mapping.zone)),
        flag=row.values["ontime"],
    )


def _instant(text: str, zone: ZoneInfo) -> datetime | None:
    """The file's naive local time; the hour that occurs twice on 2011-11-06 is taken as its first one."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC) if text else None


@dataclass(frozen=True)
class Staff:
    """Clerk and handler of each unit, from the directory files."""

    clerks: dict[str, str]
    handlers: dict[str, str]

    @staticmethod
    def of(folder: Path) -> Staff:
        """Read `directory.yaml` of the example."""
        appointments = yaml.safe_load((folder / "directory.yaml").read_text())["appointments"]
        held = {role: {one["unit"]: one["person"] for one in appointments if one["role"] == role} for role in ROLES}
        return Staff(held["DEPT_CLERK"], held["DEPT_HANDLER"])


ROLES = ("DEPT_CLERK", "DEPT_HANDLER")


def steps(records: Sequence[Record], staff: Staff, until: datetime) -> Iterator[Step]:
    """Opening and, where the file closes the case before `until`, closing."""
    for record in records:
        yield Step(record.opened, record.case_id, _opening(record))
        if record.closed and record.closed < until:
            yield Step(max(record.closed, record.opened), record.case_id, _closing(record, staff))


def _opening(record: Record) -> Act:
    async def act(line: Timeline) -> tuple[str, str]:
        async def post(path: str, body: dict[str, Any]) -> Answer:
            return Answer(200, await line.post("intake", path, body, person=OPERATOR, at=record.opened))

        (told,) = await deliver([record.entry], post)
        if told.status >= 400:
            raise Unexpected(f"{record.external_id}: {told.document}")
        # Routing dispatches by itself in the transaction in which it hears of the registration.
        return "routing", told.document["position"]

    return act


def _closing(record: Record, staff: Staff) -> Act:
    async def act(line: Timeline) -> None:
        at, case = record.closed, f"/cases/{record.case_id}"
        clerk, handler = staff.clerks[record.unit], staff.handlers[record.unit]
        await line.post("routing", f"{case}/accept", {}, person=clerk, at=at)
        feedback = {"result": "SOLVED", "reply": "closed by the department", "photos": []}
        told = await line.post("routing", f"{case}/feedback", feedback, person=handler, at=at)
        await line.visible("supervision", told["position"], person=REVIEWER)
        await line.post("supervision", f"{case}/review", {"accepted": True}, person=REVIEWER, at=at)
        await line.post("supervision", f"{case}/close", {}, person=REVIEWER, at=at)

    return act


def stated_instant(records: Sequence[Record]) -> datetime:
    """When the run is judged: an hour after the last closing, and the last missed target, among these rows."""
    closings = [record.closed for record in records if record.closed]
    missed = [record.target for record in records if record.flag == "OVERDUE" and record.target]
    return max([*closings, *missed, *(record.opened for record in records)]) + timedelta(hours=1)


@dataclass(frozen=True)
class Comparison:
    """Our breaches of the overall clock beside the file's flag."""

    agree_overdue: tuple[str, ...]
    agree_ontime: tuple[str, ...]
    only_ours: tuple[str, ...]
    only_file: tuple[str, ...]
    without_flag: tuple[tuple[str, bool], ...]
    still_open: tuple[tuple[str, bool], ...]


def compare(records: Sequence[Record], breached: frozenset[str]) -> Comparison:
    """Row by row; rows without a flag are judged by us alone and listed, as are those still open."""
    flagged = [record for record in records if record.flag]
    return Comparison(
        agree_overdue=_ids(r for r in flagged if r.flag == "OVERDUE" and r.case_id in breached),
        agree_ontime=_ids(r for r in flagged if r.flag == "ONTIME" and r.case_id not in breached),
        only_ours=_ids(r for r in flagged if r.flag == "ONTIME" and r.case_id in breached),
        only_file=_ids(r for r in flagged if r.flag == "OVERDUE" and r.case_id not in breached),
        without_flag=tuple((r.external_id, r.case_id in breached) for r in records if not r.flag),
        still_open=tuple((r.external_id, r.case_id in breached) for r in records if not r.closed),
    )


def _ids(records: Iterator[Record]) -> tuple[str, ...]:
    return tuple(record.external_id for record in records)
