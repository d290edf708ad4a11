"""What channels, digests, retries and mass incidents add to the ledger; the sealed telephones of reporters."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0002"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)
COUNTED = "alike is not null and state <> 'DROPPED'"
MASS = "the one message of a mass incident"

# What became due before counts among the many alike of its day too.
FILL = """
update read.message set alike = concat_ws('/', channel, template, details ->> 'class_code', details ->> 'grid')
 where template in ('registered', 'dispatched', 'warned', 'breached', 'urged') and recipient <> 'reporter'
   and details ->> 'urgency' is distinct from 'U1' and details ->> 'class_code' is not null
   and details ->> 'grid' is not null
"""

# Due since its event, also where this service was away when that was recorded.
SINCE = """
update read.message m set due_at = e.occurred_at from log.event e
 where e.stream = 'case-' || m.case_id and e.type = 'notify.message-due.v1'
   and convert_from(e.body, 'UTF8')::jsonb ->> 'message_id' = m.message_id
"""


def upgrade() -> None:
    new = (
        sa.Column("send_at", INSTANT, comment="held until then: quiet hours or a digest"),
        sa.Column("digest", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("retry_at", INSTANT, comment="real clock"),
        sa.Column("late", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("mass", sa.Boolean, nullable=False, server_default=sa.false(), comment=MASS),
        sa.Column("covered_by", sa.Text, comment="the one message of a mass incident that says it"),
        sa.Column("alike", sa.Text, comment="what the messages of one mass incident share"),
    )
    for column in new:
        op.add_column("message", column, schema="read")
    op.execute(FILL)
    op.execute(SINCE)
    for name in ("digest", "late", "mass"):
        op.alter_column("message", name, server_default=None, schema="read")
    columns = ["recipient", "alike", "due_at", "message_id"]
    op.create_index("message_alike", "message", columns, schema="read", postgresql_where=sa.text(COUNTED))
    dropped = sa.text("state = 'DROPPED'")
    op.create_index("message_dropped", "message", ["due_at", "message_id"], schema="read", postgresql_where=dropped)
    op.create_table(
        "reporter",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("phone", JSONB, nullable=False, comment="sealed; opened by the sender when it sends only"),
        schema="read",
    )
