"""By which version of the directory a clock counts: those behind a published calendar are counted anew (CLK-15)."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

FILL = """
update read.clock c set calendar_version = (convert_from(e.body, 'UTF8')::jsonb ->> 'directory_version')::bigint
  from log.event e
 where e.type = 'supervision.deadline-set.v1' and e.stream = 'case-' || c.case_id
   and convert_from(e.body, 'UTF8')::jsonb ->> 'clock_id' = c.clock_id
"""
FILL_PAST = """
update read.clock_past p set calendar_version = c.calendar_version
  from read.clock c where c.case_id = p.case_id and c.clock_id = p.clock_id
"""


def upgrade() -> None:
    for table in ("clock", "clock_past"):
        op.add_column(table, sa.Column("calendar_version", sa.BigInteger), schema="read")
    op.execute(FILL)
    op.execute(FILL_PAST)
    op.create_index(
        "clock_open_provisional",
        "clock",
        ["lane", "calendar_version", "case_id"],
        schema="read",
        postgresql_where=sa.text("provisional and stopped_at is null"),
    )
