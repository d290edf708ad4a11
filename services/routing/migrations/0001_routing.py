"""The event store of routing, which hosts the directory's lane, and its table of work orders."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.store.schema import create_event_store

revision = "0001"
down_revision = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    create_event_store("routing", last_lane=64)
    op.create_table(
        "work_order",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False, comment="of the case, rulebook.md c.1"),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("class_code", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("registered_at", INSTANT, nullable=False),
        sa.Column("proposed", sa.Text),
        sa.Column("dispatch", sa.Text, comment="auto or confirm, as the class said at the proposal"),
        sa.Column("chain", JSONB, nullable=False, comment="[{rule, zh, en}], the dispatched one once there is one"),
        sa.Column("rejected", JSONB, nullable=False, comment="[{unit, rule, zh, en}] of candidates skipped"),
        sa.Column("unit", sa.Text),
        sa.Column("dispatched_at", INSTANT),
        sa.Column("signed_at", INSTANT),
        sa.Column("deemed_signed", sa.Boolean, nullable=False),
        sa.Column("handler", sa.Text),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("dual_hat", sa.Boolean, nullable=False),
        sa.Column("dispatch_due_at", INSTANT),
        sa.Column("sign_due_at", INSTANT),
        sa.Column("sign_stopped_at", INSTANT),
        sa.Column("overall_due_at", INSTANT),
        sa.Column("due_at", INSTANT, comment="handling clock of the first round, rework clock of later ones"),
        sa.Column("yellow_at", INSTANT),
        sa.Column("long_red_at", INSTANT),
        sa.Column("stopped_at", INSTANT),
        sa.Column("clock_round", sa.SmallInteger, nullable=False, comment="round of the clock in due_at"),
        sa.Column("provisional", sa.Boolean, nullable=False),
        schema="read",
    )
    op.create_index("work_order_by_unit", "work_order", ["unit", "state", "due_at", "case_id"], schema="read")
    op.create_index(
        "work_order_by_state", "work_order", ["state", "urgency", "registered_at", "case_id"], schema="read"
    )
