"""Which orders moved in from another system: queue and work list mark them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "work_order", sa.Column("imported", sa.Boolean, nullable=False, server_default=sa.false()), schema="read"
    )
    op.alter_column("work_order", "imported", server_default=None, schema="read")
