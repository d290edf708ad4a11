"""Supervision's read model: one row per clock, and what it was before. Timers follow from supervision's own streams."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.read.tables import metadata

RUNNING = text("stopped_at is null and not exempt")
OPEN_BY_CALENDAR = text("by_calendar and stopped_at is null")
UNCONFIRMED = text("stopped_at is null and not exempt and breach_recorded_at is null")
CO_HANDLED = text("co_units <> '[]'")
SHOWN = [
    *("yellow_at", "long_red_at", "breach_recorded_at", "known_from"),
    *("unit", "grid", "class_code", "urgency", "supervision_level", "imported"),
]
"""So that the board is counted, grouped and paged from the index alone."""
SHOWN_UNCONFIRMED = ["yellow_at", "long_red_at", "unit", "grid", "class_code"]


def columns_of_a_clock() -> list[Column[Any]]:
    """What a version of a clock says; `known_from` is the instant of the fact since which it is so."""
    return [
        Column("lane", SmallInteger, nullable=False),
        Column("clock", Text, nullable=False),
        Column("round", SmallInteger, nullable=False),
        Column("unit", Text, comment="of the clock, else the unit that holds the case"),
        Column("grid", Text),
        Column("class_code", Text),
        Column("urgency", Text),
        Column("supervision_level", SmallInteger, nullable=False),
        Column("started_at", DateTime(timezone=True), nullable=False),
        Column("due_at", DateTime(timezone=True), nullable=False),
        Column("yellow_at", DateTime(timezone=True), nullable=False),
        Column("long_red_at", DateTime(timezone=True), nullable=False),
        Column("stopped_at", DateTime(timezone=True)),
        Column("breach_at", DateTime(timezone=True), comment="by the fold; of a running clock it may lie ahead"),
        Column("breach_recorded_at", DateTime(timezone=True), comment="confirmed: DeadlineBreached is read"),
        Column("exempt", Boolean, nullable=False),
        Column("provisional", Boolean, nullable=False),
        Column("calendar_version", BigInteger, comment="of the directory, by which it counts"),
        Column("imported", Boolean, nullable=False, comment="its order moved in from another system"),
        Column("by_calendar", Boolean, nullable=False, comment="its limit counts working time"),
    ]


clock = Table(
    "clock",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clock_id", Text, primary_key=True),
    *columns_of_a_clock(),
    Column("known_from", DateTime(timezone=True), nullable=False),
    Index(
        "clock_running",
        *("clock", "due_at", "case_id", "clock_id"),
        postgresql_include=SHOWN,
        postgresql_where=RUNNING,
    ),
    Index("clock_running_by_turn", "clock", "yellow_at", "case_id", "clock_id", postgresql_where=RUNNING),
    Index("clock_running_by_unit", "unit", "clock", "due_at", "case_id", postgresql_where=RUNNING),
    Index("clock_running_by_grid", "grid", "clock", "due_at", "case_id", postgresql_where=RUNNING),
    Index("clock_running_by_class", "class_code", "clock", "due_at", "case_id", postgresql_where=RUNNING),
    Index(
        "clock_running_unconfirmed",
        *("clock", "due_at", "case_id", "clock_id"),
        postgresql_include=SHOWN_UNCONFIRMED,
        postgresql_where=UNCONFIRMED,
    ),
    Index("clock_open_by_calendar", "calendar_version", "lane", "case_id", postgresql_where=OPEN_BY_CALENDAR),
)

clock_past = Table(
    "clock_past",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clock_id", Text, primary_key=True),
    Column("known_from", DateTime(timezone=True), primary_key=True),
    Column("known_until", DateTime(timezone=True), nullable=False),
    *columns_of_a_clock(),
    Index("clock_past_by_end", "clock", "known_until"),
)
"""What a clock was before: the version that held in [known_from, known_until)."""

case_past = Table(
    "case_past",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("known_from", DateTime(timezone=True), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("unit", Text),
    Column("grid", Text),
    Column("handler", Text),
    Column("supervision_level", SmallInteger, nullable=False),
    Column("last_step", Text, nullable=False),
    Column("last_step_at", DateTime(timezone=True)),
    Column("co_units", JSONB, nullable=False, comment="[unit] that co-handle and have not reported yet"),
    Column("class_code", Text),
    Column("urgency", Text),
    Index("case_past_by_co_unit", "co_units", postgresql_using="gin", postgresql_where=CO_HANDLED),
)
"""What a list shows of the case itself, from `known_from` to the next row of the case; the newest one included."""

unattended = Table(
    "unattended",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("unit", Text),
    Column("grid", Text),
    Column("class_code", Text),
    Column("last_step", Text, nullable=False),
    Column("last_step_at", DateTime(timezone=True)),
    Column("received_at", DateTime(timezone=True)),
    Column("decide_by", DateTime(timezone=True), comment="until when dispatch or arbitration is in time"),
    Column("clockless", Boolean, nullable=False, comment="where the rulebook gives a limit, none runs"),
    Column("told", Boolean, nullable=False, comment="CaseLeftAlone is read of its last step"),
    Column("left_by", Text, comment="the unit that ended while it had it"),
)
"""Open cases that need a look, for no clock of whoever must act watches them: whether one is an alarm, the instant
decides."""

TABLES = (clock, clock_past, case_past, unattended)
