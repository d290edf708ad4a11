"""Rows of one number → one order, where a source writes a row per department. Reads no file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from importing.cells import RowUnusable
from importing.entries import Entry, entry_of, external_id_of, turn_of, with_turns
from importing.mapping import Mapping
from importing.rows import Row
from libs.events.text import trimmed

Rows = Sequence[Row]


def gathered(rows: Iterable[Row], mapping: Mapping) -> Iterator[Rows]:
    """The rows of each order, in the order of their first ones; each by itself where a row is an order."""
    if mapping.life is None or not mapping.life.several_rows:
        yield from ([row] for row in rows)
        return
    orders: dict[str, list[Row]] = {}
    for row in rows:
        orders.setdefault(_number_of(row, mapping), []).append(row)
    yield from orders.values()


def _number_of(row: Row, mapping: Mapping) -> str:
    """What has no number is an order of its own, which is refused for that."""
    try:
        return external_id_of(row, mapping)
    except RowUnusable:
        return f"line {row.line}"


def order_of(rows: Rows, mapping: Mapping) -> Entry:
    """The order that these rows tell of; raises `RowUnusable` for all of them, where they contradict one another."""
    if len(rows) == 1:
        return entry_of(rows[0], mapping)
    whole = _agreed(rows, mapping)
    turns = [turn for row in rows if (turn := turn_of(row, mapping))]
    return with_turns(entry_of(whole, mapping), turns)


def _agreed(rows: Rows, mapping: Mapping) -> Row:
    """One row with what all of them say of the order itself; an empty cell says nothing."""
    if not all(row.whole for row in rows):
        raise RowUnusable("列数与表头不符 / the number of cells differs from the header")
    sources = [source for path, source in mapping.sources() if not path.startswith("life.turn.")]
    columns = sorted({name for source in sources for name in source.used})
    said = {name: {text for row in rows if (text := trimmed(row.values[name]))} for name in columns}
    if differing := [name for name, texts in said.items() if len(texts) > 1]:
        lines = ", ".join(str(row.line) for row in rows)
        raise RowUnusable(
            f"{', '.join(differing)}: 同一工单各行 ({lines}) 不一致 / lines {lines} of one order contradict one another"
        )
    first = rows[0]
    filled = {name: next((row.values[name] for row in rows if trimmed(row.values[name])), "") for name in columns}
    damaged = frozenset(name for row in rows for name in row.damaged)
    return replace(first, values={**first.values, **filled}, damaged=damaged)
