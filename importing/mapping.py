"""The mapping of a file to the intake API: columns, constants and code tables per field. Reads no file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from libs.directory.rules.datum import Datum
from libs.events.contracts.intake import Kind, Urgency

Codes = dict[str, str]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise PydanticCustomError("zone", "unknown time zone") from error
    return name


def _tells_a_day(text: str) -> str:
    """A format that cannot be read by would refuse every row: it is refused once, before the first."""
    sample = datetime(2026, 11, 28, 13, 45, 59, tzinfo=UTC)
    try:
        read = datetime.strptime(sample.strftime(text), text)  # noqa: DTZ007
    except ValueError as error:
        raise PydanticCustomError("format", "not a strptime format, such as %Y-%m-%d %H:%M") from error
    if read.date() != sample.date():
        raise PydanticCustomError("format", "names no day: a strptime format, such as %Y-%m-%d %H:%M")
    return text


class Part(BaseModel):
    """Parts of a mapping refuse what they do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(Part):
    """Where a field comes from: one column, several joined, or a constant; then a code table, then a default."""

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = " "
    constant: str | None = None
    table: str | Codes | None = None
    """Codes of the file → ours, or the name of one of the mapping's `tables`."""
    default: str | None = None
    """For an empty cell, and for a code that the table does not have; without it such a row is an error."""
    format: Annotated[str, AfterValidator(_tells_a_day)] | None = None
    """`strptime` format of an instant; ISO 8601 without it. Cells that a sheet keeps as dates need none."""
    date_only: Literal["start", "end"] | None = None
    """What a date without a time means: the begin or the end (24:00) of that day; by default the end of what is done
    or due until then, the begin of anything else (CLK-04)."""
    cut: int | None = Field(default=None, ge=1)
    """Longest text that is taken over."""

    @model_validator(mode="after")
    def _one_origin(self) -> Source:
        if sum((self.column is not None, bool(self.columns), self.constant is not None)) != 1:
            raise PydanticCustomError("origin", "give exactly one of column, columns, constant")
        return self

    @property
    def used(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return self.columns or ((self.column,) if self.column is not None else ())


class PlaceFields(Part):
    """A grid, a point in degrees (which wins where both cells are filled), and the exact address."""

    grid: Source | None = None
    longitude: Source | None = None
    latitude: Source | None = None
    address: Source | None = None
    datum: Datum = "WGS84"
    """What the points of the file are measured in: GCJ02 where they come from a map on a telephone."""


class AppealFields(Part):
    """Fields of `POST /appeals`; `upstream_due_at` is an instant in the mapping's zone."""

    channel: Source
    kind: Source
    content: Source
    place: PlaceFields
    reporter_name: Source | None = None
    reporter_phone: Source | None = None
    found_by: Source | None = None
    upstream_due_at: Source | None = None


class RegistrationFields(Part):
    """Fields of `POST /cases/{id}/register`; left out, the operator registers."""

    class_code: Source
    urgency: Source
    kind: Source | None = None
    filing_condition: Source | None = None


class TurnFields(Part):
    """One department's turn with the order; a file may have a row for each."""

    unit: Source | None = None
    """Code of a unit of the directory."""
    unit_name: Source | None = None
    assigned_at: Source | None = None
    answered_at: Source | None = None
    reply: Source | None = None
    rework: Source | None = None


class LifeFields(Part):
    """What happened to the order where it comes from: it moves in as what it is, and nobody is told."""

    state: Source | None = None
    """`open` or `closed`; without it, what has an instant of closing is closed."""
    registered_at: Source | None = None
    closed_at: Source | None = None
    rework: Source | None = None
    satisfaction: Source | None = None
    turn: TurnFields = TurnFields()
    facts: dict[str, Source] = {}
    """Whatever else the source knows, by its own names."""
    several_rows: bool = False
    """Rows of one number are turns of one order, wherever in the file they stand."""


class Mapping(Part):
    """One kind of file. Its name and a row's external id are the identity of the case for ever."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    zone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"
    encoding: str = "utf-8-sig"
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    sheet: str | None = None
    """Name of the sheet of a workbook; default: the first."""
    header: int = Field(default=1, ge=1, le=100)
    """Line of the names of the columns; what stands above it is a title."""
    external_id: Source
    received_at: Source | None = None
    """When the matter came in; used where business time is set by hand."""
    tables: dict[str, Codes] = {}
    empty: tuple[str, ...] | None = None
    """What is written where there is nothing; None: 无, -, N/A and their like. A table that has such a code wins."""
    confidential: Source | None = None
    """What the source says of confidentiality: such an order is refused until it can be kept so."""
    ignored: tuple[str, ...] = ()
    """Columns that are left behind on purpose."""
    appeal: AppealFields
    registration: RegistrationFields | None = None
    life: LifeFields | None = None

    def sources(self) -> Iterator[tuple[str, Source]]:
        """Every field that is filled, with its path in the mapping: `appeal.place.grid`."""
        yield from _sources("", self)

    def codes(self, source: Source) -> Codes | None:
        """The code table of a source."""
        return self.tables.get(source.table) if isinstance(source.table, str) else source.table


def _sources(path: str, part: BaseModel) -> Iterator[tuple[str, Source]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, Source):
            yield path + name, value
        elif isinstance(value, BaseModel):
            yield from _sources(f"{path}{name}.", value)
        elif name == "facts":
            yield from ((f"{path}{name}.{fact}", source) for fact, source in value.items())


ALLOWED = {
    "appeal.kind": frozenset(get_args(Kind)),
    "registration.kind": frozenset(get_args(Kind)),
    "registration.urgency": frozenset(get_args(Urgency)),
    "life.state": frozenset(("open", "closed")),
}
"""Fields whose codes are fixed by the contract."""


def inconsistencies(mapping: Mapping) -> Iterator[tuple[str, str, str]]:
    """(path, Chinese, English) of what each field alone cannot know: tables that are missing, codes nobody knows."""
    for path, source in mapping.sources():
        if isinstance(source.table, str) and source.table not in mapping.tables:
            yield f"{path}.table", "没有这个代码表", "there is no such table"
            continue
        allowed = ALLOWED.get(path)
        for where, code in _stated(path, source, mapping.codes(source) or {}):
            if allowed and code not in allowed:
                yield where, f"取值须为 {'、'.join(sorted(allowed))}", f"one of {', '.join(sorted(allowed))}"


def _stated(path: str, source: Source, codes: Codes) -> Iterator[tuple[str, str]]:
    if source.constant is not None and not codes:
        yield f"{path}.constant", source.constant
    if source.default is not None:
        yield f"{path}.default", source.default
    table = f"tables.{source.table}" if isinstance(source.table, str) else f"{path}.table"
    for key, code in codes.items():
        yield f"{table}.{key}", code
