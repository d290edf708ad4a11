"""Boston 311 rows as steps of a timeline: opened with the file's target, signed, reported and closed at its closing.

Reads the file as it is and judges it by its own flag; holds no row of it.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from deploy.timeline import Step, Timeline
from libs.events.ids import new_id

FILE = "boston_311_2011.csv.gz"
ZONE = ZoneInfo("America/New_York")
DEPARTMENTS = {
    "PWDx": "public-works",
    "ISD": "inspectional-services",
    "PARK": "parks",
    "BTDT": "transportation",
    "PROP": "property",
    "BWSC": "water-sewer",
    "DISB": "disabilities",
    "BPS_": "schools",
    "BHA_": "housing",
    "INFO": "information",
}
CHANNELS = {"Constituent Call": "phone", "Self Service": "web", "Citizens Connect App": "app"}
OPERATOR, REVIEWER, SUPERVISOR = "vera-gage", "xena-ives", "zoe-kent"


@dataclass(frozen=True)
class Record:
    """One row: its times as instants (None: the file has none), and its own verdict `ONTIME`, `OVERDUE` or ``."""

    case_id: str
    external_id: str
    opened: datetime
    target: datetime | None
    closed: datetime | None
    flag: str
    department: str
    channel: str
    content: str
    location: tuple[int, int] | None

    @property
    def class_code(self) -> str:
        """The class of the demo catalogue that the row's department stands for."""
        return DEPARTMENTS.get(self.department, "general")

    @property
    def unit(self) -> str:
        """The unit that leads the class."""
        return DEPARTMENTS.get(self.department, "information")


def read(folder: Path, count: int) -> list[Record]:
    """The first rows of the file, in its order, which is that of their opening."""
    with gzip.open(folder / FILE, "rt", encoding="utf-8", newline="") as lines:
        return [_record(row) for row in islice(csv.DictReader(lines), count)]


def _record(row: dict[str, str]) -> Record:
    return Record(
        case_id=new_id(),
        external_id=row["case_enquiry_id"],
        opened=_instant(row["open_dt"]) or _missing(row),
        target=_instant(row["target_dt"]),
        closed=_instant(row["closed_dt"]),
        flag=row["ontime"],
        department=row["department"],
        channel=CHANNELS.get(row["source"], "import"),
        content=f"{row['type']} · {row['case_title']}"[:4000],
        location=_location(row),
    )


def _missing(row: dict[str, str]) -> datetime:
    raise ValueError(f"row {row['case_enquiry_id']} has no opening time")


def _instant(text: str) -> datetime | None:
    """The file's naive local time; the hour that occurs twice on 2011-11-06 is taken as its first one."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE) if text else None


def _location(row: dict[str, str]) -> tuple[int, int] | None:
    if not row["longitude"] or not row["latitude"]:
        return None
    return round(float(row["longitude"]) * 1e7), round(float(row["latitude"]) * 1e7)


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


def _opening(record: Record) -> Any:
    async def act(line: Timeline) -> None:
        at = record.opened
        body = {
            "case_id": record.case_id,
            "channel": record.channel,
            "kind": "help",
            "content": record.content,
            "place": _place(record),
            "external_id": record.external_id,
            "upstream_due_at": record.target.isoformat() if record.target else None,
        }
        await line.post("intake", "/appeals", body, person=OPERATOR, at=at)
        registration = {"class_code": record.class_code, "urgency": "U3"}
        path = f"/cases/{record.case_id}/register"
        told = await line.post("intake", path, registration, person=OPERATOR, at=at)
        # Routing dispatches by itself in the transaction in which it hears of the registration.
        await line.visible("routing", told["position"], person=OPERATOR)

    return act


def _place(record: Record) -> dict[str, Any]:
    if record.location is None:
        return {"grid": "BOS"}
    longitude, latitude = record.location
    return {"longitude": longitude, "latitude": latitude}


def _closing(record: Record, staff: Staff) -> Any:
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
