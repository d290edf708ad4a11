"""What a backup says of itself: when, of what, and each file's checksum. Written last: without it there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from operations.backup.tables import Rows
from operations.embedded.instance import write_private
from operations.installation import CannotStart

NAME = "manifest.json"
FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """`databases`: name → what it held. `topics`: name → partition → records. `files`: path → SHA-256."""

    taken_at: str
    mode: str
    databases: Mapping[str, Rows]
    topics: Mapping[str, Mapping[int, int]]
    files: Mapping[str, str]
    format: int = FORMAT

    @property
    def events(self) -> int:
        """Events in the tables of all services."""
        return sum(rows.counts.get("log.event", 0) for rows in self.databases.values())

    @property
    def records(self) -> int:
        """Records of all topics."""
        return sum(sum(partitions.values()) for partitions in self.topics.values())


def write(folder: Path, manifest: Manifest) -> None:
    """Make the files in `folder` a backup."""
    write_private(folder / NAME, json.dumps(asdict(manifest), indent=2).encode())


def read(folder: Path) -> Manifest:
    """A backup whose every file is as it was written. Raises CannotStart naming the first that is not."""
    if not (folder / NAME).exists():
        raise CannotStart(f"这里没有完整的备份 / there is no complete backup here: {folder}")
    said: dict[str, Any] = json.loads((folder / NAME).read_text())
    if said["format"] != FORMAT:
        raise CannotStart(f"备份格式 {said['format']} 未知 / a backup of an unknown format: {said['format']}")
    databases = {
        name: Rows(one["revision"], {table: tuple(names) for table, names in one["columns"].items()}, one["counts"])
        for name, one in said["databases"].items()
    }
    topics = {name: {int(number): count for number, count in one.items()} for name, one in said["topics"].items()}
    found = Manifest(said["taken_at"], said["mode"], databases, topics, said["files"])
    for path, expected in found.files.items():
        if not (folder / path).exists() or digest(folder / path) != expected:
            raise CannotStart(f"备份文件缺失或被改动 / a file of the backup is missing or altered: {path}")
    return found


def digest(file: Path) -> str:
    """SHA-256, hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
