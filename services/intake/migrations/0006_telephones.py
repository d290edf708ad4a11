"""A row per telephone of a reporter: several numbers of one field each find the case."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.drop_constraint("caller_pkey", "caller", schema="read")
    op.create_primary_key("caller_pkey", "caller", ["case_id", "telephone"], schema="read")
