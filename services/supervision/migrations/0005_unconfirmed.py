"""What is not confirmed is looked for by class, grid and lamp in its index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.drop_index("clock_running_unconfirmed", "clock", schema="read")
    op.create_index(
        "clock_running_unconfirmed",
        "clock",
        ["clock", "due_at", "case_id", "clock_id"],
        schema="read",
        postgresql_include=["yellow_at", "long_red_at", "unit", "grid", "class_code"],
        postgresql_where=sa.text("stopped_at is null and not exempt and breach_recorded_at is null"),
    )
