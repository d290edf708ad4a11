"""Read-side tables that every service has; unqualified, so that a rebuild can fill another schema."""

from sqlalchemy import ARRAY, BigInteger, Column, DateTime, Integer, LargeBinary, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData()

case_view = Table(
    "case_view",
    metadata,
    Column("case_id", UUID(as_uuid=False), primary_key=True),
    Column("lane", SmallInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("unit", Text),
    Column("grid", Text),
    Column("doc", JSONB, nullable=False),
)

progress = Table(
    "progress",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", SmallInteger, primary_key=True),
    Column("next_offset", BigInteger, nullable=False),
    Column("rebuilt", Integer, nullable=False),
)

source_progress = Table(
    "source_progress",
    metadata,
    Column("lane", SmallInteger, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

source_mark = Table(
    "source_mark",
    metadata,
    Column("source", Text, primary_key=True),
    Column("at", ARRAY(DateTime(timezone=True)), nullable=False),
    Column("sent", ARRAY(DateTime(timezone=True)), nullable=False),
)
