"""The event store of intake and its table of reports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.store.schema import create_event_store

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_event_store("intake")
    op.create_table(
        "report",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("external_id", sa.Text),
        sa.Column("sealed", JSONB, nullable=False, comment="content, address, location, reporter: cipher text only"),
        schema="read",
    )
    op.create_index("report_by_time", "report", ["received_at", "case_id"], schema="read")
