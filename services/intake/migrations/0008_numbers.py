"""Cases by the number that another system gave them; older ones may share one."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    numbered = sa.text("external_id is not null")
    op.create_index("report_by_number", "report", ["external_id"], schema="read", postgresql_where=numbered)
