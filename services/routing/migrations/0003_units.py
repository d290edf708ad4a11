"""What each unit holds: its orders, how many, and its feed; the candidates and the clock of the dispatcher's queue.

Filled from the log like every read model: a town that is older than this needs its read model built anew.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "0003"
down_revision = "0001"

INSTANT = sa.DateTime(timezone=True)
LAMPS = ["role", "yellow_from", "long_red_from"]


def upgrade() -> None:
    queue()
    held_order()
    unit_lane()
    feed_entry()


def queue() -> None:
    candidates = sa.Column("candidates", JSONB, nullable=False, server_default="[]")
    op.add_column("work_order", candidates, schema="read")
    op.alter_column("work_order", "candidates", server_default=None, schema="read")
    for name in ("dispatch_yellow_at", "dispatch_long_red_at", "dispatch_stopped_at"):
        op.add_column("work_order", sa.Column(name, INSTANT), schema="read")
    # The work list reads what units hold; what is left here is the queue.
    op.drop_index("work_order_by_unit", "work_order", schema="read")
    op.drop_index("work_order_by_state", "work_order", schema="read")
    waiting = "state = 'REGISTERED'"
    unrouted = f"{waiting} and proposed is null and dispatch is not null"
    for name, where in (("work_order_waiting", waiting), ("work_order_unrouted", unrouted)):
        columns = ["urgency", "registered_at", "case_id"]
        op.create_index(name, "work_order", columns, schema="read", postgresql_where=sa.text(where))


def held_order() -> None:
    op.create_table(
        "held_order",
        sa.Column("case_id", UUID(as_uuid=False), primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("handler", sa.Text),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("yellow_from", INSTANT),
        sa.Column("red_from", INSTANT, nullable=False),
        sa.Column("long_red_from", INSTANT, nullable=False),
        schema="read",
    )
    for name, columns, where, include in (
        ("held_open", ["role"], "open", LAMPS[1:]),
        ("held_open_by_unit", ["unit"], "open", LAMPS),
        ("held_open_by_co_unit", ["unit"], "open and role = 'co'", []),
        ("held_open_by_grid", ["grid"], "open and role = 'lead'", []),
        ("held_by_state", ["role", "state"], None, []),
        ("held_by_unit_and_state", ["unit", "state"], None, []),
        ("held_by_handler", ["handler"], None, []),
    ):
        op.create_index(
            name,
            "held_order",
            [*columns, "red_from", "case_id", *([] if "unit" in columns else ["unit"])],
            schema="read",
            postgresql_where=sa.text(where) if where else None,
            postgresql_include=include,
        )


def unit_lane() -> None:
    op.create_table(
        "unit_lane",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("counts", JSONB, nullable=False),
        schema="read",
    )


def feed_entry() -> None:
    op.create_table(
        "feed_entry",
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("lane", sa.SmallInteger, primary_key=True),
        sa.Column("sequence", sa.BigInteger, primary_key=True),
        sa.Column("case_id", UUID(as_uuid=False), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("event_id", UUID(as_uuid=False), nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("lead_unit", sa.Text),
        sa.Column("handler", sa.Text),
        sa.Column("round", sa.SmallInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("class_code", sa.Text, nullable=False),
        sa.Column("urgency", sa.Text, nullable=False),
        sa.Column("grid", sa.Text, nullable=False),
        sa.Column("sign_due_at", INSTANT),
        sa.Column("due_at", INSTANT),
        sa.Column("overall_due_at", INSTANT),
        sa.Column("stopped_at", INSTANT),
        schema="read",
    )
    op.create_index("feed_entry_by_time", "feed_entry", ["unit", "recorded_at"], schema="read")
