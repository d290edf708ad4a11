"""Cases that no clock watches, apart from all others; lists by class, of what is not confirmed, and of co-units."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0004"
down_revision = "0003"

RUNNING = "stopped_at is null and not exempt"
CO_HANDLED = "co_units <> '[]'"
# What a case was before keeps no co-units: who co-handled then is known from now on only.
FILL_CO_UNITS = """
update read.case_past p set co_units = v.doc -> 'co_units'
  from read.case_view v
 where p.case_id = v.case_id
   and p.known_from = (select max(known_from) from read.case_past n where n.case_id = v.case_id)
"""
FILL = """
insert into read.unattended
select case_id, lane, state, unit, grid, doc ->> 'class_code', doc ->> 'last_step',
       (doc ->> 'last_step_at')::timestamptz, (doc ->> 'received_at')::timestamptz, decide_by,
       not watched and (overall or not clocks)
  from read.case_view v cross join lateral (
    select max(c.due_at) filter (where c.stopped_at is null and c.clock in ('dispatch', 'arbitration')) as decide_by,
           coalesce(bool_or(c.stopped_at is null and (
             v.state not in ('DISPATCHED', 'IN_PROGRESS') or c.clock in ('handling', 'rework'))), false) as watched,
           coalesce(bool_or(c.clock = 'overall'), false) as overall, count(*) > 0 as clocks
      from read.clock c where c.case_id = v.case_id
  ) k
 where state = 'RECEIVED'
    or (state in ('REGISTERED', 'DISPATCHED', 'IN_PROGRESS', 'RETURN_PENDING', 'ARBITRATION')
        and (unit is null or not watched))
"""


def upgrade() -> None:
    op.create_index(
        "clock_running_by_class",
        "clock",
        ["class_code", "clock", "due_at", "case_id"],
        schema="read",
        postgresql_where=sa.text(RUNNING),
    )
    op.create_index(
        "clock_running_unconfirmed",
        "clock",
        ["clock", "due_at", "case_id", "clock_id"],
        schema="read",
        postgresql_where=sa.text(f"{RUNNING} and breach_recorded_at is null"),
    )
    op.add_column(
        "case_past",
        sa.Column("co_units", JSONB, comment="[unit] that co-handle and have not reported yet", server_default="[]"),
        schema="read",
    )
    op.execute(FILL_CO_UNITS)
    op.alter_column("case_past", "co_units", nullable=False, server_default=None, schema="read")
    op.create_index(
        "case_past_by_co_unit",
        "case_past",
        ["co_units"],
        schema="read",
        postgresql_using="gin",
        postgresql_where=sa.text(CO_HANDLED),
    )
    op.create_table(
        "unattended",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("unit", sa.Text),
        sa.Column("grid", sa.Text),
        sa.Column("class_code", sa.Text),
        sa.Column("last_step", sa.Text, nullable=False),
        sa.Column("last_step_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.DateTime(timezone=True)),
        sa.Column("decide_by", sa.DateTime(timezone=True), comment="until when dispatch or arbitration is in time"),
        sa.Column("clockless", sa.Boolean, nullable=False, comment="the rulebook gives a limit, and none runs"),
        schema="read",
    )
    op.execute(FILL)
