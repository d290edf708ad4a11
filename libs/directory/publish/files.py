"""Directory documents as YAML: reads a file or a folder with what it includes, and knows every line. No network."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from libs.directory.findings import DocumentsRefused, Finding, refused

Step = str | int


class Loader(yaml.SafeLoader):
    """Plain YAML but for two traps: a date stays text, as in JSON, and only `true` and `false` are truth values."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - the shape that PyYAML gives it
        first: [(tag, shape) for tag, shape in resolvers if not tag.endswith((":timestamp", ":bool"))]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(true|false)$"), ["t", "f"])


@dataclass
class Sources:
    """Documents merged from files: lists are joined, `years` united; `places` says where each path stands."""

    raw: dict[str, Any] = field(default_factory=dict)
    places: dict[tuple[Step, ...], str] = field(default_factory=dict)
    read: set[Path] = field(default_factory=set)

    def place(self, path: str) -> str:
        """`town/units.yaml:12`: where the deepest known part of `units.3.level` or `units.county-gas.level` stands.

        Empty where no part of it stands in a file.
        """
        steps: tuple[Step, ...] = tuple(int(part) if part.isdigit() else part for part in path.split("."))
        while steps and steps not in self.places:
            steps = steps[:-1]
        return self.places.get(steps, "")


def read_files(path: Path) -> Sources:
    """Every document of a file or of a folder's `*.yaml`; raises `DocumentsRefused` for text that is not YAML."""
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise DocumentsRefused((refused("E-INPUT", str(path), "没有 YAML 文件", "there is no YAML file"),))
    sources = Sources()
    for file in files:
        _read(file, sources)
    return sources


def _read(file: Path, sources: Sources) -> None:
    if file.resolve() in sources.read:
        return
    sources.read.add(file.resolve())
    try:
        loader = Loader(file.read_text(encoding="utf-8"))
        node = loader.get_single_node()
        document = loader.construct_document(node) if node else {}
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise DocumentsRefused((_unreadable(file, error),)) from error
    if not isinstance(document, dict) or not isinstance(node, yaml.MappingNode):
        raise DocumentsRefused((refused("E-INPUT", str(file), "须为键值结构", "the file must be a mapping"),))
    lines = dict(_lines((), node))
    if twice := [path for path, line in lines.items() if line < 0]:
        raise DocumentsRefused(tuple(_twice(file, path, -lines[path]) for path in twice))
    for included in document.pop("include", ()):
        _read(file.parent / included, sources)
    for section, value in document.items():
        _merge(sources, file, section, value, lines)


def _merge(sources: Sources, file: Path, section: str, value: Any, lines: Mapping[tuple[Step, ...], int]) -> None:
    known = sources.raw.get(section)
    offset = len(known) if isinstance(known, list) else 0
    match known, value:
        case None, _:
            sources.raw[section] = value
        case list(), list():
            sources.raw[section] = known + value
        case dict(), dict() if not set(known) & set(value):
            sources.raw[section] = known | value
        case _:
            raise DocumentsRefused((_twice(file, (section,), lines[(section,)]),))
    for path, line in lines.items():
        if path[:1] == (section,):
            sources.places.setdefault(_moved(path, offset), f"{file}:{line}")
            sources.places.setdefault((section, *_named(value, path[1:])), f"{file}:{line}")


def _named(value: Any, path: tuple[Step, ...]) -> Iterator[Step]:
    """The same path, with the id or code of an entry instead of its number."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):  # A key that is no text, or stands there twice.
            value = None
        name = (value.get("id") or value.get("code")) if isinstance(step, int) and isinstance(value, dict) else None
        yield str(name) if name else step


def _moved(path: tuple[Step, ...], offset: int) -> tuple[Step, ...]:
    if offset and len(path) > 1 and isinstance(path[1], int):
        return (path[0], path[1] + offset, *path[2:])
    return path


def _lines(path: tuple[Step, ...], node: yaml.Node) -> Iterator[tuple[tuple[Step, ...], int]]:
    """Path → line (from 1) of every value; a key that stands twice has its line negated."""
    yield path, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, part in enumerate(node.value):
            yield from _lines((*path, index), part)
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, part in node.value:
            name = str(key.value)
            step: Step = int(name) if name.isdigit() else name
            yield from _lines((*path, step), part)
            yield (*path, step), (key.start_mark.line + 1) * (-1 if step in seen else 1)
            seen.add(step)


def _unreadable(file: Path, error: Exception) -> Finding:
    mark = getattr(error, "problem_mark", None)
    where = f"{file}:{mark.line + 1}" if mark else str(file)
    return refused("E-INPUT", where, "文件无法读取", "the file cannot be read as YAML")


def _twice(file: Path, path: tuple[Step, ...], line: int) -> Finding:
    name = ".".join(str(step) for step in path)
    return refused("E-DUPLICATE", f"{file}:{line} {name}", "同一键出现两次", "the same key stands twice")
