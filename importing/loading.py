"""A mapping from its YAML file; every error names file, line and column. Knows nothing of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from importing.mapping import Mapping, inconsistencies
from libs.directory.findings import CHINESE
from operations.installation import CannotStart

Steps = tuple[str, ...]
Places = dict[Steps, tuple[int, int]]
ZH = CHINESE | {
    "missing": "缺少必填字段",
    "format": "须为 strptime 格式并含年月日, 如 %Y-%m-%d %H:%M",
    "origin": "column、columns、constant 三者须且只能有一个",
    "zone": "时区未知",
    "string_type": "须为文本",
    "model_type": "须为键值结构",
    "dict_type": "须为键值结构",
}

CONFIDENTIAL = re.compile(r"保密|涉密|密级|confidential|secret|classified", re.IGNORECASE)
"""Names of columns in which a source tells what nobody may see; none is passed over in silence."""


class MappingRefused(CannotStart):
    """The mapping cannot be used; one line per reason, `FILE:LINE:COLUMN path: …`."""


def load(file: Path) -> tuple[Mapping, Places]:
    """The mapping and where each part of it stands; raises `MappingRefused`."""
    try:
        # Codes stay the text that the file has: `01` is no number, `no` no truth value.
        loader = yaml.BaseLoader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise MappingRefused(_unreadable(file, error)) from error
    if not isinstance(node, yaml.MappingNode):
        raise MappingRefused(f"{file}:1:1 须为键值结构 / the file must be a mapping")
    places: Places = {}
    if twice := [f"{file}:{where} 同一键出现两次 / the same key stands twice" for where in _walk(node, places)]:
        raise MappingRefused("\n".join(twice))
    try:
        mapping = Mapping.model_validate(loader.construct_document(node))
    except ValidationError as error:
        raise MappingRefused("\n".join(_refusals(file, places, error))) from error
    if wrong := list(inconsistencies(mapping)):
        raise MappingRefused("\n".join(_line(file, places, tuple(path.split(".")), zh, en) for path, zh, en in wrong))
    return mapping, places


def check_columns(file: Path, mapping: Mapping, places: Places, columns: Iterable[str]) -> None:
    """Raises `MappingRefused` for every column that the data file does not have."""
    there = set(columns)
    missing = [
        _line(file, places, tuple(path.split(".")), f"数据文件没有列“{column}”", f"the data have no column '{column}'")
        for path, source in mapping.sources()
        for column in source.used
        if column not in there
    ]
    used = {column for _, source in mapping.sources() for column in source.used}
    unsaid = [
        _line(
            file,
            places,
            ("confidential",),
            f"列“{column}”像是保密标识: 请写 confidential: {{column: {column}}}, 或列入 ignored",
            f"column '{column}' seems to tell what is confidential: map it as `confidential`, or name it in `ignored`",
        )
        for column in there - used - set(mapping.ignored)
        if CONFIDENTIAL.search(column)
    ]
    if missing or unsaid:
        raise MappingRefused("\n".join([*missing, *sorted(unsaid)]))


def left_behind(mapping: Mapping, columns: Iterable[str]) -> list[str]:
    """Columns of the file that nothing of the mapping reads, and that it does not name either."""
    used = {column for _, source in mapping.sources() for column in source.used}
    return [name for name in columns if name not in used and name not in mapping.ignored]


def _walk(node: yaml.Node, places: Places, path: Steps = ()) -> Iterator[str]:
    """Fills path → (line, column), both from 1; yields `LINE:COLUMN name:` of keys that stand twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, part in enumerate(node.value):
            yield from _walk(part, places, (*path, str(index)))
    elif isinstance(node, yaml.MappingNode):
        for key, part in node.value:
            here = (*path, str(key.value))
            line, column = key.start_mark.line + 1, key.start_mark.column + 1
            if here in places:
                yield f"{line}:{column} {'.'.join(here)}:"
            places[here] = (line, column)
            yield from _walk(part, places, here)
    else:
        # A value that is wrong is shown where it stands, not where its key stands.
        places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)


def _refusals(file: Path, places: Places, error: ValidationError) -> Iterator[str]:
    for one in error.errors():
        # pydantic names the branch of a union in the path; the file does not have it.
        steps = tuple(str(step) for step in one["loc"] if not str(step).startswith(("dict[", "str")))
        yield _line(file, places, steps, ZH.get(one["type"], "取值无效"), one["msg"])


def _line(file: Path, places: Places, path: Steps, zh: str, en: str) -> str:
    known = path
    while known and known not in places:
        known = known[:-1]
    line, column = places.get(known, (1, 1))
    return f"{file}:{line}:{column} {'.'.join(path)}: {zh} / {en}"


def _unreadable(file: Path, error: Any) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else str(file)
    return f"{where} 文件无法读取 / the file cannot be read as YAML"
