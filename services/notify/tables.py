"""Notify's read model: the ledger of messages, and the due instants that messages print."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.events.tables import metadata

message = Table(
    "message",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("case_id", UUID(as_uuid=False), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("event_id", UUID(as_uuid=False), nullable=False, comment="of which somebody is told"),
    Column("event_type", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("recipient", Text, nullable=False, comment="person:…, unit:…, role:… or reporter"),
    Column("channel", Text, nullable=False),
    Column("details", JSONB, nullable=False, comment="ids, codes and instants; nothing personal"),
    Column("state", Text, nullable=False, comment="DUE, FAILED, SENT or DROPPED"),
    Column("reason", Text, comment="of the last failure, or why it was dropped"),
    Column("attempts", SmallInteger, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("sent_at", DateTime(timezone=True)),
    Column("receipt", Text),
    Index("message_open", "lane", "due_at", postgresql_where=text("state in ('DUE', 'FAILED')")),
    Index("message_by_case", "case_id", "due_at", "message_id"),
    Index("message_by_recipient", "recipient", "due_at", "message_id"),
)

due = Table(
    "due",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clock", Text, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("due_at", DateTime(timezone=True), comment="null: the clock does not run"),
)

TABLES = (message, due)
