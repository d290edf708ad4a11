"""What the board showed before: versions of clocks and cases; the board counted and paged from its index alone."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "0003"
down_revision = "0001"

# Of clocks that are there already only what they are now is known, and as if it had always been so.
FILL = """
update read.clock c set known_from = c.started_at, supervision_level = (v.doc ->> 'supervision_level')::smallint
  from read.case_view v where v.case_id = c.case_id;
"""
FILL_CASES = """
insert into read.case_past
select case_id, (doc ->> 'last_recorded_at')::timestamptz, lane, state, unit, grid, doc ->> 'handler',
       (doc ->> 'supervision_level')::smallint, doc ->> 'last_step', (doc ->> 'last_step_at')::timestamptz
  from read.case_view
"""
RUNNING = "stopped_at is null and not exempt"
SHOWN = [
    *("yellow_at", "long_red_at", "breach_recorded_at", "known_from"),
    *("unit", "grid", "class_code", "urgency", "supervision_level"),
]


def upgrade() -> None:
    op.add_column("clock", sa.Column("supervision_level", sa.SmallInteger), schema="read")
    op.add_column("clock", sa.Column("known_from", sa.DateTime(timezone=True)), schema="read")
    op.execute(FILL)
    for column in ("supervision_level", "known_from"):
        op.alter_column("clock", column, nullable=False, schema="read")
    op.drop_index("clock_running", "clock", schema="read")
    op.create_index(
        "clock_running",
        "clock",
        ["clock", "due_at", "case_id", "clock_id"],
        schema="read",
        postgresql_include=SHOWN,
        postgresql_where=sa.text(RUNNING),
    )
    op.create_index(
        "clock_running_by_turn",
        "clock",
        ["clock", "yellow_at", "case_id", "clock_id"],
        schema="read",
        postgresql_where=sa.text(RUNNING),
    )
    # An index answers alone only for pages that a vacuum has seen since they changed.
    op.execute("alter table read.clock set (autovacuum_vacuum_scale_factor = 0.02)")
    op.create_table(
        "clock_past",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("clock_id", sa.Text, primary_key=True),
        sa.Column("known_from", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("known_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("unit", sa.Text, comment="of the clock, else the unit that holds the case"),
        sa.Column("grid", sa.Text),
        sa.Column("class_code", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("supervision_level", sa.SmallInteger, nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("yellow_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("long_red_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True)),
        sa.Column("breach_at", sa.DateTime(timezone=True), comment="by the fold; of a running clock it may lie ahead"),
        sa.Column("breach_recorded_at", sa.DateTime(timezone=True), comment="confirmed: DeadlineBreached is read"),
        sa.Column("exempt", sa.Boolean, nullable=False),
        sa.Column("provisional", sa.Boolean, nullable=False),
        schema="read",
    )
    op.create_index("clock_past_by_end", "clock_past", ["clock", "known_until"], schema="read")
    op.create_table(
        "case_past",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("known_from", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("unit", sa.Text),
        sa.Column("grid", sa.Text),
        sa.Column("handler", sa.Text),
        sa.Column("supervision_level", sa.SmallInteger, nullable=False),
        sa.Column("last_step", sa.Text, nullable=False),
        sa.Column("last_step_at", sa.DateTime(timezone=True)),
        schema="read",
    )
    op.execute(FILL_CASES)
