"""The event store of notify, its ledger of messages and the due instants that they print."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.store.schema import create_event_store

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_event_store("notify")
    op.create_table(
        "message",
        sa.Column("message_id", sa.Text, primary_key=True),
        sa.Column("case_id", UUID(as_uuid=False), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("event_id", UUID(as_uuid=False), nullable=False, comment="of which somebody is told"),
        sa.Column("event_type", sa.Text, nullable=False),
        sa.Column("template", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False, comment="person:…, unit:…, role:… or reporter"),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("details", JSONB, nullable=False, comment="ids, codes and instants; nothing personal"),
        sa.Column("state", sa.Text, nullable=False, comment="DUE, FAILED, SENT or DROPPED"),
        sa.Column("reason", sa.Text, comment="of the last failure, or why it was dropped"),
        sa.Column("attempts", sa.SmallInteger, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT),
        sa.Column("receipt", sa.Text),
        schema="read",
    )
    open_ones = sa.text("state in ('DUE', 'FAILED')")
    op.create_index("message_open", "message", ["lane", "due_at"], schema="read", postgresql_where=open_ones)
    op.create_index("message_by_case", "message", ["case_id", "due_at", "message_id"], schema="read")
    op.create_index("message_by_recipient", "message", ["recipient", "due_at", "message_id"], schema="read")
    op.create_table(
        "due",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("clock", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("due_at", INSTANT, comment="null: the clock does not run"),
        schema="read",
    )
