"""Intake's read model besides the case itself: what came in, personal fields as they stand in the log."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.events.tables import metadata

report = Table(
    "report",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text),
    Column("sealed", JSONB, nullable=False, comment="content, address, location, reporter: cipher text only"),
    Index("report_by_time", "received_at", "case_id"),
)

receipt = Table(
    "receipt",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), comment="of the overall clock, which never resets"),
    Column("closed_at", DateTime(timezone=True)),
    Index("receipt_by_number", "number"),
)
"""What a receipt shows; several cases may have one number, their secrets tell them apart."""

TABLES = (report, receipt)
