"""Sealed texts that messages print: the legal basis of a refusal and where to go instead."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "wording",
        sa.Column("event_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("case_id", UUID(as_uuid=False), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("sealed", JSONB, nullable=False, comment="by field; opened by the sender when it sends only"),
        schema="read",
    )
    op.create_index("wording_of_case", "wording", ["case_id"], schema="read")
