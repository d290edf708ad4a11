"""The YAML documents of a directory as data: how they are written, and the events that they say. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.directory.facts.places import e7
from libs.directory.findings import DocumentsRefused, of_validation, refused
from libs.directory.rules.limits import URGENCIES
from libs.events.contracts.directory import (
    AppointmentPublished,
    CalendarPublished,
    CatalogueItemPublished,
    GridPublished,
    PersonPublished,
    RulebookPublished,
    UnitPublished,
)
from libs.events.contracts.parts.rulebook import Window
from libs.events.event import Event
from libs.events.ids import PersonId

SIGNED = ("drafted_by", "approved_by")
"""Of a rulebook; whose acts they were."""
NOBODY = PersonId("")
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$")]


class YearHours(BaseModel):
    """Working windows of a season (`MM-DD`, both days included) or of the year; of a unit or of all."""

    model_config = ConfigDict(extra="forbid")

    windows: tuple[Window, ...]
    unit: str | None = None
    first_day: MonthDay | None = None
    last_day: MonthDay | None = None


class CalendarYear(BaseModel):
    """One year: days off and make-up working days, each `MM-DD`; windows other than the rulebook's."""

    off: tuple[MonthDay, ...] = ()
    work: tuple[MonthDay, ...] = ()
    provisional: bool = False
    source: str = ""
    hours: tuple[YearHours, ...] = ()


class Documents(BaseModel):
    """Everything that one publication says. What is not mentioned stays as it is."""

    model_config = ConfigDict(frozen=True)

    rulebook: RulebookPublished | None = None
    years: dict[int, CalendarYear] = {}
    units: tuple[UnitPublished, ...] = ()
    people: tuple[PersonPublished, ...] = ()
    grids: tuple[GridPublished, ...] = ()
    appointments: tuple[AppointmentPublished, ...] = ()
    catalogue: tuple[CatalogueItemPublished, ...] = ()

    def events(self) -> tuple[Event, ...]:
        """The facts stated, each before those that refer to it."""
        rulebook = (self.rulebook,) if self.rulebook else ()
        calendars = tuple(_calendar(year, days) for year, days in sorted(self.years.items()))
        return (*rulebook, *calendars, *self.units, *self.people, *self.grids, *self.appointments, *self.catalogue)


def read_documents(raw: Mapping[str, Any], tz: str | None = None, by: PersonId = NOBODY) -> Documents:
    """The documents as typed facts; raises `DocumentsRefused` naming every bad field, and knows no field by guess.

    `tz` is the zone of the rulebook in force, for dates without a time; a rulebook in the documents overrides it.
    `by` states them: who drafted and approved a rulebook is said by their acts, not by the document.
    """
    zone = _zone(raw, tz)
    try:
        documents = Documents.model_validate(_normal(_signed(raw, by), zone), extra="forbid")
        documents.events()
    except ValidationError as error:
        raise DocumentsRefused(of_validation(error)) from error
    if documents.rulebook and documents.rulebook.returns.window:
        # One rule stands in one place; older rulebooks in the log had it twice.
        twice = "退单时限写在 limits.return_request", "limits.return_request says until when a case is returned"
        raise DocumentsRefused((refused("E-INPUT", "rulebook.returns.window", *twice),))
    return documents


def _signed(raw: Mapping[str, Any], by: PersonId) -> Mapping[str, Any]:
    book = raw.get("rulebook")
    if not isinstance(book, Mapping):
        return raw
    if said := [name for name in SIGNED if name in book]:
        acts = "由起草与发布的操作写入, 请从文件中删去", "written by the acts of drafting and publishing; take it out"
        raise DocumentsRefused(tuple(refused("E-INPUT", f"rulebook.{name}", *acts) for name in said))
    return {**raw, "rulebook": {**book, **dict.fromkeys(SIGNED, by)}}


def _zone(raw: Mapping[str, Any], tz: str | None) -> ZoneInfo:
    rulebook = raw.get("rulebook")
    clock = rulebook.get("clock") if isinstance(rulebook, Mapping) else None
    name = clock.get("tz") if isinstance(clock, Mapping) else tz
    try:
        return ZoneInfo(str(name or "UTC"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        unknown = refused("E-INPUT", "rulebook.clock.tz", "时区未知", "unknown time zone")
        raise DocumentsRefused((unknown,)) from error


def _normal(raw: Any, zone: ZoneInfo) -> Any:
    """The short ways of writing, written out: dates of terms, one limit for all urgencies, degrees, one name."""
    match raw:
        case Mapping():
            return dict(_normal_fields(raw, zone))
        case list() | tuple():
            return [_normal(part, zone) for part in raw]
        case _:
            return raw


def _normal_fields(raw: Mapping[str, Any], zone: ZoneInfo) -> Iterator[tuple[str, Any]]:
    if "name_zh" in raw and not raw.get("name_en"):
        # Many towns have no English name of anybody: what has none is called by its own in both languages.
        raw = {**raw, "name_en": raw["name_zh"]}
    for key, value in raw.items():
        match key:
            case "since":
                yield key, _instant(value, zone, days=0)
            case "until":
                yield key, _instant(value, zone, days=1)
            case "polygon":
                yield key, _corners(value)
            case "limits" | "handling" if isinstance(value, Mapping):
                yield key, {name: _row(row) for name, row in value.items()}
            case _:
                yield key, _normal(value, zone)


def _instant(value: Any, zone: ZoneInfo, days: int) -> Any:
    """A term given as a date begins with its first day and ends at the end of its last day, local time."""
    if isinstance(value, str) and len(value) == 10:
        try:
            value = date.fromisoformat(value)
        except ValueError:
            return value
    if isinstance(value, date) and not isinstance(value, datetime):
        try:
            return datetime.combine(value + timedelta(days=days), time.min, zone).astimezone(ZoneInfo("UTC"))
        except OverflowError:  # The civil calendar ends there; what is left is no instant, and refused as that.
            return value.isoformat()
    return value


def _row(value: Any) -> Any:
    return dict.fromkeys(URGENCIES, value) if isinstance(value, str) else value


def _corners(value: Any) -> Any:
    """Corners in degrees → 1e-7 degrees; a closing corner that repeats the first is dropped."""
    try:
        corners = [[e7(longitude), e7(latitude)] for longitude, latitude in value]
    except (TypeError, ValueError, ArithmeticError):
        return value
    return corners[:-1] if len(corners) > 1 and corners[0] == corners[-1] else corners


def _calendar(year: int, days: CalendarYear) -> CalendarPublished:
    return CalendarPublished.model_validate(
        {
            "year": year,
            "off_days": [f"{year:04}-{day}" for day in days.off],
            "work_days": [f"{year:04}-{day}" for day in days.work],
            "provisional": days.provisional,
            "source": days.source,
            "hours": [
                {
                    **one.model_dump(),
                    "first_day": one.first_day and f"{year:04}-{one.first_day}",
                    "last_day": one.last_day and f"{year:04}-{one.last_day}",
                }
                for one in days.hours
            ],
        }
    )
