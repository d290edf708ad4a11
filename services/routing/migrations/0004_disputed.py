"""The queue holds also what is disputed before any unit has it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"

COUNT = """
update read.unit_lane u set counts = u.counts || jsonb_build_object('queue disputed', d.number)
  from (select lane, count(*) as number from read.work_order
         where state = 'ARBITRATION' and unit is null group by lane) d
 where u.unit = '*' and u.lane = d.lane
"""


def upgrade() -> None:
    op.drop_index("work_order_waiting", "work_order", schema="read")
    op.create_index(
        "work_order_waiting",
        "work_order",
        ["urgency", "registered_at", "case_id"],
        schema="read",
        postgresql_where=sa.text("state = 'REGISTERED' or state = 'ARBITRATION' and unit is null"),
    )
    op.execute(COUNT)
