"""Read-model rows of one batch: loaded for its cases, folded in memory, written back with one upsert per table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, dialect

from libs.case import lifecycle
from libs.case.state import Case
from libs.events.envelope import Recorded
from libs.events.lanes import lane_of
from libs.log.read.statements import Write
from libs.log.read.tables import case_view
from libs.log.read.waiting import OF_CASES
from libs.log.store.event_store import Connection

MOVED = "exists (select from moved)"
NEWEST_DIRECTORY = "(select max(version) from directory_fact) as directory"
Row = dict[str, Any]
Key = tuple[Any, ...]


@dataclass
class Rows:
    """Rows of one table, by primary key. Every row is owned by one lane: that of its case, or the one it names."""

    table: Table
    _rows: dict[Key, Row] = field(default_factory=dict)
    _found: dict[Key, Row] = field(default_factory=dict)
    """The rows as the database has them; of a journal, none."""
    _of_case: dict[str, dict[Key, Row]] = field(default_factory=dict)
    """The same rows by case: a batch holds many cases, and each event asks for those of one."""
    _changed: set[Key] = field(default_factory=set)
    _gone: set[Key] = field(default_factory=set)

    def key(self, row: Mapping[str, Any]) -> Key:
        """The primary key of a row."""
        return tuple([row[name] for name in _key_names(self.table)])

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

    def take(self, found: Iterable[Any]) -> None:
        """Rows as the database has them."""
        for row in found:
            plain = _plain(self.table, row)
            self._found[self._keep(plain)] = plain

    def _keep(self, row: Row) -> Key:
        key = self.key(row)
        self._rows[key] = row
        if "case_id" in row:
            self._of_case.setdefault(row["case_id"], {})[key] = row
        return key

    def writes(self) -> list[Write]:
        """One delete for what went, one statement for what came and one for what is otherwise than it was found.

        Nobody else writes these rows as long as the lane's progress stands where the batch began (`MOVED`), so nothing
        is in the way of an insert but what was not loaded: the rows of a journal.
        """
        came = _upsert if self.table.info.get("journal") else _insert
        new = [self._rows[key] for key in self._changed if key not in self._found]
        other = [row for key in self._changed if key in self._found and (row := self._rows[key]) != self._found[key]]
        gone = [dict(zip(_key_names(self.table), key, strict=True)) for key in self._gone]
        parts = ((_delete, gone, self.table.primary_key.columns), (came, new, self.table.columns))
        return [
            Write(sql(self.table), tuple([_wire(column.type, row[column.name]) for row in rows] for column in columns))
            for sql, rows, columns in (*parts, (_update, other, self.table.columns))
            if rows
        ]


@cache
def _key_names(table: Table) -> list[str]:
    return [column.name for column in table.primary_key.columns]


def _plain(table: Table, row: Any) -> Row:
    found = dict(row)
    for name, read in _readers(table):
        if found[name] is not None:
            found[name] = read(found[name])
    return found


@cache
def _readers(table: Table) -> list[tuple[str, Callable[[Any], Any]]]:
    """How columns of a row become what projections work with; the others stay as they are."""
    readers: dict[str, Callable[[Any], Any]] = {"JSONB": orjson.loads, "UUID": str}
    kinds = [(column.name, readers.get(column.type.__class__.__name__)) for column in table.columns]
    return [(name, read) for name, read in kinds if read]


@cache
def _select(table: Table, place: int) -> str:
    """The rows of some cases, or of their lanes where a table is kept per lane, as one array of rows."""
    owner = f"case_id = any(${place}::uuid[])" if "case_id" in table.columns else f"lane = any(${place}::smallint[])"
    return f"array(select t from {table.name} t where {owner}) as {table.name}"  # noqa: S608 - our own names


@cache
def _delete(table: Table) -> str:
    names = _key_names(table)
    match = " and ".join(f"t.{name} = gone.{name}" for name in names)
    gone = f"unnest({_arrays(table, names)}) gone({', '.join(names)})"
    return f"delete from {table.name} t using {gone} where {match} and {MOVED}"  # noqa: S608 - our own names


def _wire(kind: Any, value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(kind, JSONB) and value is not None else value


def _arrays(table: Table, names: Iterable[str]) -> str:
    types = [table.columns[name].type.compile(dialect=dialect()) for name in names]  # type: ignore[no-untyped-call]
    return ", ".join(f"${n}::{kind}[]" for n, kind in enumerate(types, 1))


@cache
def _insert(table: Table) -> str:
    names = [column.name for column in table.columns]
    values = f"select * from unnest({_arrays(table, names)}) where {MOVED}"  # noqa: S608 - our own names
    return f"insert into {table.name} ({', '.join(names)}) {values}"


@cache
def _update(table: Table) -> str:
    names = [column.name for column in table.columns]
    sets = ", ".join(f"{column.name} = now.{column.name}" for column in table.columns if not column.primary_key)
    match = " and ".join(f"t.{name} = now.{name}" for name in _key_names(table))
    now = f"unnest({_arrays(table, names)}) now({', '.join(names)})"
    return f"update {table.name} t set {sets} from {now} where {match} and {MOVED}"  # noqa: S608 - our own names


@cache
def _upsert(table: Table) -> str:
    keys = ", ".join(_key_names(table))
    sets = ", ".join(f"{column.name} = excluded.{column.name}" for column in table.columns if not column.primary_key)
    return f"{_insert(table)} on conflict ({keys}) do {f'update set {sets}' if sets else 'nothing'}"


@dataclass
class ReadModel:
    """All tables of one service for the cases of one batch."""

    tables: Sequence[Table]
    copies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Event id → search copies of what is sealed in it, made where the vault opens it (architecture.md §8)."""
    rows: dict[str, Rows] = field(init=False)
    directory: int = 0
    """The newest version of the directory that is here."""
    waiting: frozenset[str] = frozenset()
    """The cases of the batch that wait to be judged, and with them whatever comes of them."""
    _cases: dict[str, Case] = field(default_factory=dict)
    _evolved: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.rows = {table.name: Rows(table) for table in (case_view, *self.tables)}

    def __getitem__(self, table: Table) -> Rows:
        return self.rows[table.name]

    async def load(self, conn: Connection, case_ids: Sequence[str], *, reacts: bool = False) -> None:
        """Read everything that the service holds about these cases, of a journal nothing; in one round trip.

        Where it reacts to them, also which of them wait.
        """
        asked = [rows.table for rows in self.rows.values() if not rows.table.info.get("journal")]
        by_case = ["case_id" in table.columns for table in asked]
        given: list[Any] = [list(case_ids)]
        if not all(by_case):
            given.append(sorted({lane_of(one) for one in case_ids}))
        columns = [_select(table, 1 if of_case else 2) for table, of_case in zip(asked, by_case, strict=True)]
        columns += [OF_CASES] if reacts else []
        row = await conn.fetchrow(f"select {NEWEST_DIRECTORY}, {', '.join(columns)}", *given)
        self.directory = row["directory"] or 0
        self.waiting = frozenset(row["waiting"]) if reacts else self.waiting
        for table in asked:
            self.rows[table.name].take(row[table.name])

    def writes(self) -> list[Write]:
        """What the batch changed."""
        for case_id in self._evolved:
            self[case_view].put(_row_of(self._cases[case_id]))
        return [write for rows in self.rows.values() for write in rows.writes()]

    def case(self, case_id: str) -> Case | None:
        """The case as far as the batch has come."""
        if case_id not in self._cases and (row := self[case_view].get(case_id)):
            self._cases[case_id] = Case.model_validate(row["doc"])
        return self._cases.get(case_id)

    def evolve(self, event: Recorded) -> Case:
        """Fold one event into its case. Refusals and clusters make no case where there is none."""
        case = lifecycle.evolve(self.case(event.subject), event)
        if not event.stream.startswith("case-"):
            return case
        self._cases[case.case_id] = case
        self._evolved.add(case.case_id)
        return case


def _row_of(case: Case) -> Row:
    return {
        "case_id": case.case_id,
        "lane": case.lane,
        "state": case.state,
        "unit": case.unit,
        "grid": case.grid,
        "doc": case.model_dump(mode="json", exclude_defaults=True),
    }
