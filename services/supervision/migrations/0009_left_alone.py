"""What stands after its feedback without a clock is looked at; open cases are counted, in the past too."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

# What a case was before is known from now on only: as if its class and urgency had always been so.
FILL_CASES = """
update read.case_past p set class_code = v.doc ->> 'class_code', urgency = v.doc ->> 'urgency'
  from read.case_view v where v.case_id = p.case_id
"""
# Nothing had a clock there: each gets the one of its next step, and stands here until then.
FILL = """
insert into read.unattended
select case_id, lane, state, unit, grid, doc ->> 'class_code', doc ->> 'last_step',
       (doc ->> 'last_step_at')::timestamptz, (doc ->> 'received_at')::timestamptz, null,
       not clocks or overall, false
  from read.case_view v cross join lateral (
    select count(*) > 0 as clocks, coalesce(bool_or(c.clock = 'overall'), false) as overall
      from read.clock c where c.case_id = v.case_id
  ) k
 where state in ('FEEDBACK', 'VERIFYING', 'CALLBACK')
"""


def upgrade() -> None:
    for name in ("class_code", "urgency"):
        op.add_column("case_past", sa.Column(name, sa.Text), schema="read")
    op.execute(FILL_CASES)
    op.add_column(
        "unattended",
        sa.Column("told", sa.Boolean, comment="CaseLeftAlone is read of its last step", server_default="false"),
        schema="read",
    )
    op.alter_column("unattended", "told", nullable=False, server_default=None, schema="read")
    op.execute(FILL)
