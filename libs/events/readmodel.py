"""Read-model rows of one batch: loaded for its cases, folded in memory, written back with one upsert per table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect

from libs.events import lifecycle
from libs.events.envelope import Recorded
from libs.events.lanes import lane_of
from libs.events.lifecycle import Case
from libs.events.store import Connection
from libs.events.tables import case_view

Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass
class Rows:
    """Rows of one table, by primary key. Every row is owned by one lane: that of its case, or the one it names."""

    table: Table
    _rows: dict[Key, Row] = field(default_factory=dict)
    _of_case: dict[str, dict[Key, Row]] = field(default_factory=dict)
    """The same rows by case: a batch holds many cases, and each event asks for those of one."""
    _changed: set[Key] = field(default_factory=set)
    _gone: set[Key] = field(default_factory=set)

    def key(self, row: Mapping[str, Any]) -> Key:
        """The primary key of a row."""
        return tuple(row[column.name] for column in self.table.primary_key.columns)

    def get(self, *key: Any) -> Row | None:
        """The row with this key, as the batch knows it."""
        return self._rows.get(key)

    def of_case(self, case_id: str) -> list[Row]:
        """All rows of one case."""
        return list(self._of_case.get(case_id, {}).values())

    def put(self, row: Row) -> None:
        """Insert or replace a row."""
        key = self._keep(row)
        self._changed.add(key)
        self._gone.discard(key)

    def change(self, *key: Any, **values: Any) -> None:
        """Change a row that is there."""
        self.put({**self._rows[key], **values})

    def remove(self, *key: Any) -> None:
        """Delete a row, if there."""
        if row := self._rows.pop(key, None):
            self._of_case.get(row.get("case_id", ""), {}).pop(key, None)
        self._changed.discard(key)
        self._gone.add(key)

    async def load(self, conn: Connection, case_ids: Sequence[str]) -> None:
        """Read the rows of these cases; of a table kept per lane those of their lanes; of a journal none."""
        if self.table.info.get("journal"):
            return
        by_case = "case_id" in self.table.columns
        owner, owners = ("case_id", case_ids) if by_case else ("lane", sorted({lane_of(one) for one in case_ids}))
        columns = ", ".join(_read(column) for column in self.table.columns)
        statement = f"select {columns} from {self.table.name} where {owner} = any($1)"  # noqa: S608 - our own names
        found = await conn.fetch(statement, owners)
        for row in found:
            self._keep(_plain(self.table, row))

    def _keep(self, row: Row) -> Key:
        key = self.key(row)
        self._rows[key] = row
        if "case_id" in row:
            self._of_case.setdefault(row["case_id"], {})[key] = row
        return key

    async def write(self, conn: Connection) -> None:
        """One `unnest` upsert for what changed, one delete for what went."""
        if self._gone:
            names = [column.name for column in self.table.primary_key.columns]
            match = " and ".join(f"t.{name} = gone.{name}" for name in names)
            arrays = _arrays(self.table, names)
            gone = f"unnest({arrays}) gone({', '.join(names)})"
            await conn.execute(
                f"delete from {self.table.name} t using {gone} where {match}",  # noqa: S608 - our own names
                *[list(column) for column in zip(*self._gone, strict=True)],
            )
        if self._changed:
            await conn.execute(_upsert(self.table), *self._columns())

    def _columns(self) -> list[list[Any]]:
        rows = [self._rows[key] for key in self._changed]
        return [[_wire(column.type, row[column.name]) for row in rows] for column in self.table.columns]


def _read(column: Any) -> str:
    return f"{column.name}::text" if column.type.__class__.__name__ == "UUID" else str(column.name)


def _plain(table: Table, row: Any) -> Row:
    return {
        column.name: orjson.loads(row[column.name])
        if isinstance(column.type, JSONB) and row[column.name] is not None
        else row[column.name]
        for column in table.columns
    }


def _wire(kind: Any, value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(kind, JSONB) and value is not None else value


def _arrays(table: Table, names: Iterable[str]) -> str:
    types = [table.columns[name].type.compile(dialect=dialect()) for name in names]  # type: ignore[no-untyped-call]
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))


def _upsert(table: Table) -> str:
    names = [column.name for column in table.columns]
    keys = ", ".join(column.name for column in table.primary_key.columns)
    sets = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
    action = f"update set {sets}" if sets else "nothing"
    values = f"select * from unnest({_arrays(table, names)})"  # noqa: S608 - our own names
    return f"insert into {table.name} ({', '.join(names)}) {values} on conflict ({keys}) do {action}"


@dataclass
class ReadModel:
    """All tables of one service for the cases of one batch."""

    tables: Sequence[Table]
    copies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Event id → search copies of what is sealed in it, made where the vault opens it (architecture.md §8)."""
    rows: dict[str, Rows] = field(init=False)

    def __post_init__(self) -> None:
        self.rows = {table.name: Rows(table) for table in (case_view, *self.tables)}

    def __getitem__(self, table: Table) -> Rows:
        return self.rows[table.name]

    async def load(self, conn: Connection, case_ids: Sequence[str]) -> None:
        """Read everything the service holds about these cases."""
        for rows in self.rows.values():
            await rows.load(conn, case_ids)

    async def write(self, conn: Connection) -> None:
        """Write what the batch changed."""
        for rows in self.rows.values():
            await rows.write(conn)

    def case(self, case_id: str) -> Case | None:
        """The case as far as the batch has come."""
        row = self[case_view].get(case_id)
        return None if row is None else Case.model_validate(row["doc"])

    def evolve(self, event: Recorded) -> Case:
        """Fold one event into its case. Refusals and clusters make no case where there is none."""
        case = lifecycle.evolve(self.case(event.subject), event)
        if not event.stream.startswith("case-"):
            return case
        self[case_view].put(
            {
                "case_id": case.case_id,
                "lane": case.lane,
                "state": case.state,
                "unit": case.unit,
                "grid": case.grid,
                "doc": case.model_dump(mode="json"),
            }
        )
        return case
