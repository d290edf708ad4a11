"""Notify's read model: the ledger of messages, the due instants that they print, and sealed telephones."""

from __future__ import annotations

from typing import Any, Literal

from sqlalchemy import Boolean, Column, DateTime, Index, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.read.tables import metadata

COUNTED = "alike is not null and state <> 'DROPPED'"

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
    Column("send_at", DateTime(timezone=True), comment="held until then: quiet hours or a digest"),
    Column("digest", Boolean, nullable=False),
    Column("retry_at", DateTime(timezone=True), comment="real clock"),
    Column("late", Boolean, nullable=False),
    Column("mass", Boolean, nullable=False, comment="the one message of a mass incident"),
    Column("covered_by", Text, comment="the one message of a mass incident that says it"),
    Column("alike", Text, comment="what the messages of one mass incident share"),
    Index("message_open", "lane", "due_at", postgresql_where=text("state in ('DUE', 'FAILED')")),
    Index("message_by_case", "case_id", "due_at", "message_id"),
    Index("message_by_recipient", "recipient", "due_at", "message_id"),
    Index("message_dropped", "due_at", "message_id", postgresql_where=text("state = 'DROPPED'")),
    Index("message_alike", "recipient", "alike", "due_at", "message_id", postgresql_where=text(COUNTED)),
)

due = Table(
    "due",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clock", Text, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("due_at", DateTime(timezone=True), comment="null: the clock does not run"),
)

reporter = Table(
    "reporter",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("phone", JSONB, nullable=False, comment="sealed; opened by the sender when it sends only"),
)

wording = Table(
    "wording",
    metadata,
    Column("event_id", UUID(as_uuid=False), primary_key=True),
    Column("case_id", UUID(as_uuid=False), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("sealed", JSONB, nullable=False, comment="by field; opened by the sender when it sends only"),
    Index("wording_of_case", "case_id"),
)
"""What somebody wrote that a message prints. Gone when the case is erased."""
PRINTED = ("legal_basis", "alternative")


def tells_of(row: Any) -> Literal["case", "draft"]:
    """What a message is about: a case, or a draft of the directory, whose id then stands in place of the case's."""
    return "draft" if row["event_type"].startswith("directory.") else "case"


TABLES = (message, due, reporter, wording)
