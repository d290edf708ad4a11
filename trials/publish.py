"""Publish the YAML of an example through routing's API. The rules of what may stand there are libs/directory's."""

from __future__ import annotations

from pathlib import Path

from libs.directory.publish.files import read_files
from trials.clock_driver import Timeline

PUBLISHER = "machine:publisher"


async def apply_directory(line: Timeline, folder: Path) -> None:
    """Apply every document of `folder`, and wait until each service knows it."""
    await line.post("routing", "/directory/documents", read_files(folder).raw, person=PUBLISHER)
    await line.settle()
