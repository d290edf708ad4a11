"""Supervision's read model: one row per clock. Timers are no read model: they follow from supervision's own streams."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import UUID

from libs.events.tables import metadata

RUNNING = text("stopped_at is null and not exempt")
JUDGED = ["long_red_at", "breach_recorded_at"]
"""So that counting the board by lamp and by confirmation reads the index alone."""

clock = Table(
    "clock",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clock_id", Text, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("clock", Text, nullable=False),
    Column("round", SmallInteger, nullable=False),
    Column("unit", Text, comment="of the clock, else the unit that holds the case"),
    Column("grid", Text),
    Column("class_code", Text),
    Column("urgency", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("yellow_at", DateTime(timezone=True), nullable=False),
    Column("long_red_at", DateTime(timezone=True), nullable=False),
    Column("stopped_at", DateTime(timezone=True)),
    Column("breach_at", DateTime(timezone=True), comment="by the fold; of a running clock it may lie ahead"),
    Column("breach_recorded_at", DateTime(timezone=True), comment="the breach is confirmed: DeadlineBreached is read"),
    Column("exempt", Boolean, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Index("clock_running", "clock", "due_at", "case_id", postgresql_include=JUDGED, postgresql_where=RUNNING),
    Index("clock_running_by_unit", "unit", "clock", "due_at", "case_id", postgresql_where=RUNNING),
    Index("clock_running_by_grid", "grid", "clock", "due_at", "case_id", postgresql_where=RUNNING),
)

TABLES = (clock,)
