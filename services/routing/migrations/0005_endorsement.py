"""What a unit has drafted and its leader has not endorsed yet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("work_order", sa.Column("endorsement", JSONB), schema="read")
