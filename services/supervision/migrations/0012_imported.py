"""Which clocks belong to orders that moved in from another system: lists and counts mark them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

SHOWN = [
    *("yellow_at", "long_red_at", "breach_recorded_at", "known_from"),
    *("unit", "grid", "class_code", "urgency", "supervision_level", "imported"),
]


def upgrade() -> None:
    for table in ("clock", "clock_past"):
        op.add_column(
            table, sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()), schema="read"
        )
        op.alter_column(table, "imported", server_default=None, schema="read")
    op.drop_index("clock_running", "clock", schema="read")
    op.create_index(
        "clock_running",
        "clock",
        ["clock", "due_at", "case_id", "clock_id"],
        schema="read",
        postgresql_include=SHOWN,
        postgresql_where=sa.text("stopped_at is null and not exempt"),
    )
