"""Which clocks count by the calendar: those over whose days it has changed since are counted anew (CLK-15, CLK-16)."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

FILL = """
update read.clock c set by_calendar = true
  from log.event e cross join lateral (select convert_from(e.body, 'UTF8')::jsonb as said) b
 where e.type = 'supervision.deadline-set.v1' and e.stream = 'case-' || c.case_id
   and b.said ->> 'clock_id' = c.clock_id
   and (b.said ->> 'limit' ~ 'w[hd]$' or b.said ->> 'counted_from' is not null)
"""
FILL_PAST = """
update read.clock_past p set by_calendar = true
  from read.clock c where c.case_id = p.case_id and c.clock_id = p.clock_id and c.by_calendar
"""


def upgrade() -> None:
    for table in ("clock", "clock_past"):
        op.add_column(
            table, sa.Column("by_calendar", sa.Boolean, nullable=False, server_default=sa.false()), schema="read"
        )
    op.execute(FILL)
    op.execute(FILL_PAST)
    for table in ("clock", "clock_past"):
        op.alter_column(table, "by_calendar", server_default=None, schema="read")
    op.drop_index("clock_open_provisional", "clock", schema="read")
    op.create_index(
        "clock_open_by_calendar",
        "clock",
        ["calendar_version", "lane", "case_id"],
        schema="read",
        postgresql_where=sa.text("by_calendar and stopped_at is null"),
    )
