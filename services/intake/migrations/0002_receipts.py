"""The receipts of citizens: number → case, and the instants that they show."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "receipt",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("number", sa.Text, nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True)),
        sa.Column("dispatched_at", sa.DateTime(timezone=True)),
        sa.Column("due_at", sa.DateTime(timezone=True), comment="of the overall clock, which never resets"),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        schema="read",
    )
    op.create_index("receipt_by_number", "receipt", ["number"], schema="read")
