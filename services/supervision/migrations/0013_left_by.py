"""Cases that a unit left by its end, nobody having taken over, are alarms until they are dispatched again."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column(
        "unattended", sa.Column("left_by", sa.Text, comment="the unit that ended while it had it"), schema="read"
    )
