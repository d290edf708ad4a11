"""Routing's read model: one row per registered case – its proposal, its work order, and the clocks of both."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.events.tables import metadata

work_order = Table(
    "work_order",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", Text, nullable=False, comment="of the case, domain.md c.1"),
    Column("kind", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("grid", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("proposed", Text),
    Column("dispatch", Text, comment="auto or confirm, as the class said at the proposal"),
    Column("chain", JSONB, nullable=False, comment="[{rule, zh, en}], the dispatched one once there is one"),
    Column("rejected", JSONB, nullable=False, comment="[{unit, rule, zh, en}] of candidates skipped"),
    Column("unit", Text),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("signed_at", DateTime(timezone=True)),
    Column("deemed_signed", Boolean, nullable=False),
    Column("handler", Text),
    Column("round", SmallInteger, nullable=False),
    Column("dual_hat", Boolean, nullable=False),
    Column("dispatch_due_at", DateTime(timezone=True)),
    Column("sign_due_at", DateTime(timezone=True)),
    Column("sign_stopped_at", DateTime(timezone=True)),
    Column("overall_due_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), comment="handling clock of the first round, rework clock of later ones"),
    Column("yellow_at", DateTime(timezone=True)),
    Column("long_red_at", DateTime(timezone=True)),
    Column("stopped_at", DateTime(timezone=True)),
    Column("clock_round", SmallInteger, nullable=False, comment="round of the clock in due_at"),
    Column("provisional", Boolean, nullable=False),
    Index("work_order_by_unit", "unit", "state", "due_at", "case_id"),
    Index("work_order_by_state", "state", "urgency", "registered_at", "case_id"),
)

TABLES = (work_order,)
