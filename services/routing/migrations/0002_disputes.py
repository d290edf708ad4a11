"""Whose an order is, where that was in question: returns and arbitration.

Filled from the log like every read model: a town that is older than this needs its read model built anew.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0002"
down_revision = "0003"

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "dispute",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("return_until", INSTANT),
        sa.Column("no_return", sa.Boolean, nullable=False),
        sa.Column("returns", JSONB, nullable=False),
        sa.Column("parties", JSONB, nullable=False),
        sa.Column("because", sa.Text),
        sa.Column("decision_due_at", INSTANT),
        schema="read",
    )
