"""Routing's read model: the work order of each registered case, and what every unit holds of them, list and feed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, DateTime, Index, Integer, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.read.tables import metadata

WAITING = text("state = 'REGISTERED' or state = 'ARBITRATION' and unit is null")
"""For a dispatch, or – disputed before anybody has it – for a ruling."""
UNROUTED = text("state = 'REGISTERED' and proposed is null and dispatch is not null")
OPEN = text("open")
OPEN_LEAD = text("open and role = 'lead'")
OPEN_CO = text("open and role = 'co'")
LAMPS = ["role", "yellow_from", "long_red_from"]
"""So that a lamp is looked for in the index alone."""

work_order = Table(
    "work_order",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", Text, nullable=False, comment="of the case, rulebook.md c.1"),
    Column("kind", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("grid", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True), nullable=False),
    Column("proposed", Text),
    Column("dispatch", Text, comment="auto or confirm, as the class said at the proposal"),
    Column("chain", JSONB, nullable=False, comment="[{rule, zh, en}], the dispatched one once there is one"),
    Column("candidates", JSONB, nullable=False, comment="[unit] in the order in which the router tried them"),
    Column("rejected", JSONB, nullable=False, comment="[{unit, rule, zh, en}] of candidates skipped"),
    Column("unit", Text),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("signed_at", DateTime(timezone=True)),
    Column("deemed_signed", Boolean, nullable=False),
    Column("handler", Text),
    Column("endorsement", JSONB, comment="the draft that waits for the leader: as in its event, texts sealed"),
    Column("round", SmallInteger, nullable=False),
    Column("dual_hat", Boolean, nullable=False),
    Column("imported", Boolean, nullable=False, comment="it moved in from another system"),
    Column("dispatch_due_at", DateTime(timezone=True)),
    Column("dispatch_yellow_at", DateTime(timezone=True)),
    Column("dispatch_long_red_at", DateTime(timezone=True)),
    Column("dispatch_stopped_at", DateTime(timezone=True)),
    Column("sign_due_at", DateTime(timezone=True)),
    Column("sign_stopped_at", DateTime(timezone=True)),
    Column("overall_due_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), comment="handling clock of the first round, rework clock of later ones"),
    Column("yellow_at", DateTime(timezone=True)),
    Column("long_red_at", DateTime(timezone=True)),
    Column("stopped_at", DateTime(timezone=True)),
    Column("clock_round", SmallInteger, nullable=False, comment="round of the clock in due_at"),
    Column("provisional", Boolean, nullable=False),
    Index("work_order_waiting", "urgency", "registered_at", "case_id", postgresql_where=WAITING),
    Index("work_order_unrouted", "urgency", "registered_at", "case_id", postgresql_where=UNROUTED),
)

held_order = Table(
    "held_order",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("role", Text, nullable=False, comment="lead or co"),
    Column("state", Text, nullable=False),
    Column("open", Boolean, nullable=False, comment="the case has not ended"),
    Column("handler", Text, comment="of the lead unit"),
    Column("grid", Text, nullable=False),
    Column("yellow_from", DateTime(timezone=True), comment="null: no clock; year 9999: stopped before"),
    Column("red_from", DateTime(timezone=True), nullable=False, comment="what is still due, and when; else year 9999"),
    Column("long_red_from", DateTime(timezone=True), nullable=False),
    Index("held_open", "role", "red_from", "case_id", "unit", postgresql_include=LAMPS[1:], postgresql_where=OPEN),
    Index("held_open_by_unit", "unit", "red_from", "case_id", postgresql_include=LAMPS, postgresql_where=OPEN),
    Index("held_open_by_co_unit", "unit", "red_from", "case_id", postgresql_where=OPEN_CO),
    Index("held_open_by_grid", "grid", "red_from", "case_id", "unit", postgresql_where=OPEN_LEAD),
    Index("held_by_state", "role", "state", "red_from", "case_id", "unit"),
    Index("held_by_unit_and_state", "unit", "state", "red_from", "case_id"),
    Index("held_by_handler", "handler", "red_from", "case_id", "unit"),
)

unit_lane = Table(
    "unit_lane",
    metadata,
    Column("unit", Text, primary_key=True, comment="`*` for all units together"),
    Column("lane", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False, comment="of the newest feed entry of this unit in this lane"),
    Column(
        "counts",
        JSONB,
        nullable=False,
        comment="`<role> <state>` → orders held; `*` also `queue <routed|unrouted|disputed>`",
    ),
)

feed_entry = Table(
    "feed_entry",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("lane", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, comment="1, 2, 3 … per unit and lane"),
    Column("case_id", UUID(as_uuid=False), nullable=False),
    Column(
        "version", Integer, nullable=False, comment="how many events of the case stand in the log, this one included"
    ),
    Column("event_id", UUID(as_uuid=False), nullable=False),
    Column("type", Text, nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("role", Text, comment="lead or co; null: the unit has lost the order"),
    Column("state", Text, nullable=False),
    Column("lead_unit", Text),
    Column("handler", Text),
    Column("round", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("class_code", Text, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("grid", Text, nullable=False),
    Column("sign_due_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True)),
    Column("overall_due_at", DateTime(timezone=True)),
    Column("stopped_at", DateTime(timezone=True)),
    Index("feed_entry_by_time", "unit", "recorded_at"),
    info={"journal": True},
)

dispute = Table(
    "dispute",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("return_until", DateTime(timezone=True), comment="until when the unit that has the case may return it"),
    Column("no_return", Boolean, nullable=False),
    Column(
        "returns", JSONB, nullable=False, comment="[{unit, requested_at, basis, suggested_unit, decided, groundless}]"
    ),
    Column("parties", JSONB, nullable=False, comment="[unit] of the newest arbitration"),
    Column("because", Text, comment="of the newest arbitration: RET-3, DISPUTED or SILENCE"),
    Column("decision_due_at", DateTime(timezone=True), comment="of the return or the arbitration that waits"),
)

TABLES = (work_order, dispute, held_order, unit_lane, feed_entry)
