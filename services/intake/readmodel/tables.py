"""Intake's read model besides the case itself: what came in, sealed as in the log, and keyed search copies."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Index, LargeBinary, SmallInteger, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

from libs.log.read.tables import metadata

report = Table(
    "report",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("channel", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("external_id", Text),
    Column("sealed", JSONB, nullable=False, comment="content, address, location, reporter: cipher text only"),
    Index("report_by_time", "received_at", "case_id"),
    Index("report_by_number", "external_id", postgresql_where=text("external_id is not null")),
)

receipt = Table(
    "receipt",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("registered_at", DateTime(timezone=True)),
    Column("dispatched_at", DateTime(timezone=True)),
    Column("due_at", DateTime(timezone=True), comment="of the overall clock, which never resets"),
    Column("closed_at", DateTime(timezone=True)),
    Index("receipt_by_number", "number"),
)
"""What a receipt shows; several cases may have one number, their secrets tell them apart."""

caller = Table(
    "caller",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("telephone", LargeBinary, primary_key=True, comment="HMAC-SHA-256 of the number"),
    Index("caller_by_telephone", "telephone"),
    info={"search_copy": True},
)
"""Blind index: which cases one telephone reported, a row per number. Gone when the reporter is erased."""

likeness = Table(
    "likeness",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("grid", Text, nullable=False),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("open", Boolean, nullable=False),
    Column("words", LargeBinary, nullable=False, comment="keyed hashes of letter pairs"),
    Index("likeness_of_open_cases", "grid", "received_at", postgresql_where=text("open")),
    info={"search_copy": True},
)
"""What duplicate hints look through. Gone when the case is erased."""

filed = Table(
    "filed",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("class_code", Text),
    Column("grid", Text),
    Index("filed_by_class", "class_code", "case_id"),
    Index("filed_by_grid", "grid", "case_id"),
)
"""Open cases by class and grid: which ones are passed on when one of these ends."""

clue = Table(
    "clue",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("clue", LargeBinary, primary_key=True, comment="HMAC-SHA-256 of a number, an address, a square of the map"),
    Column("lane", SmallInteger, nullable=False),
    Column("about", Text, nullable=False, comment="caller, address or point"),
    Column("received_at", DateTime(timezone=True), nullable=False),
    Column("open", Boolean, nullable=False),
    Index("clue_of_open_cases", "clue", "case_id", postgresql_where=text("open")),
    info={"search_copy": True},
)
"""What two cases may have in common. Gone with the key of what it was made from."""

told_apart = Table(
    "told_apart",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("other", UUID(as_uuid=False), primary_key=True, comment="itself: every earlier one of the same number"),
    Column("lane", SmallInteger, nullable=False),
    Index("told_apart_by_other", "other"),
)
"""Which cases the operator said are not one matter."""

TABLES = (report, receipt, caller, likeness, filed, clue, told_apart)
