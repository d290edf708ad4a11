"""The read model of the directory that every service embeds: one table, every event of lane 64 as it came."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, Table, Text, Uuid


def directory_fact(metadata: MetaData) -> Table:
    """Declares `directory_fact` in a service's own metadata, so that its migrations own it."""
    return Table(
        "directory_fact",
        metadata,
        Column("version", BigInteger, primary_key=True, autoincrement=False, comment="laneseq in lane 64"),
        Column("event_id", Uuid, nullable=False, unique=True),
        Column("type", Text, nullable=False),
        Column("body", LargeBinary, nullable=False, comment="the exact bytes of the log"),
    )
