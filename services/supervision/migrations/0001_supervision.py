"""The event store of supervision, its table of clocks, and its timers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

from libs.log.store.schema import create_event_store, run_script

revision = "0001"
down_revision = None

TIMERS = """
create schema timers;
grant usage on schema timers to supervision;
create table timers.timer (
  case_id  uuid primary key,
  lane     smallint not null,
  due_at   timestamptz not null,
  clock_id text not null,
  kind     text not null check (kind in ('warn', 'breach', 'level')),
  level    smallint not null
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index timer_due on timers.timer (lane, due_at);
grant select, insert, update, delete on timers.timer to supervision;
"""


def upgrade() -> None:
    create_event_store("supervision")
    op.create_table(
        "clock",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("clock_id", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("clock", sa.Text, nullable=False),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("unit", sa.Text, comment="of the clock, else the unit that holds the case"),
        sa.Column("grid", sa.Text),
        sa.Column("class_code", sa.Text),
        sa.Column("urgency", sa.Text),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("yellow_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("long_red_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True)),
        sa.Column("breach_at", sa.DateTime(timezone=True), comment="by the fold; of a running clock it may lie ahead"),
        sa.Column(
            "breach_recorded_at",
            sa.DateTime(timezone=True),
            comment="the breach is confirmed: DeadlineBreached is read",
        ),
        sa.Column("exempt", sa.Boolean, nullable=False),
        sa.Column("provisional", sa.Boolean, nullable=False),
        schema="read",
    )
    running = sa.text("stopped_at is null and not exempt")
    op.create_index(
        "clock_running",
        "clock",
        ["clock", "due_at", "case_id"],
        schema="read",
        postgresql_include=["long_red_at", "breach_recorded_at"],
        postgresql_where=running,
    )
    for column in ("unit", "grid"):
        op.create_index(
            f"clock_running_by_{column}",
            "clock",
            [column, "clock", "due_at", "case_id"],
            schema="read",
            postgresql_where=running,
        )
    run_script(TIMERS)
