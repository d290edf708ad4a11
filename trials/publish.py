"""Found a town with the YAML of an example, and change it later, through routing's API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from libs.directory.publish.drafts import InOffice
from libs.directory.publish.files import read_files
from trials.clock_driver import Timeline, Unexpected

DEPLOYER = "machine:deployer"
BASIS = "演练 / a trial"
DRAFTER, PUBLISHER = "he-jun", "qin-yue"
"""The demo town's two administrators."""


async def apply_directory(line: Timeline, folder: Path) -> None:
    """Make a town say what the documents of `folder` say, and wait until each service knows it.

    One that was founded before is changed by its administrators.
    """
    documents = read_files(folder).raw
    try:
        await found(line, documents)
    except Unexpected as why:
        if InOffice.code not in str(why):
            raise
        known = (await line.get("routing", "/directory/rulebook", person=DRAFTER))["rulebook"]["version"]
        rulebook = documents["rulebook"]
        # Versions rise: what was published meanwhile is followed, not gone back to.
        await publish(line, {**documents, "rulebook": {**rulebook, "version": max(known, rulebook["version"])}})
    await line.settle()


async def found(line: Timeline, documents: Mapping[str, Any]) -> dict[str, Any]:
    """Found a town as its deployer does; the answer."""
    return await line.post("routing", "/directory/bootstrap", stated(documents), person=DEPLOYER)


async def publish(line: Timeline, documents: Mapping[str, Any]) -> dict[str, Any]:
    """Change the directory of the demo town as its administrators do; the publication's answer, or the draft's."""
    drafted = await line.post("routing", "/directory/drafts", stated(documents), person=DRAFTER, expect=201)
    if drafted["draft"] is None:
        return drafted
    return await line.post("routing", f"/directory/drafts/{drafted['draft']}/publish", {}, person=PUBLISHER)


def stated(documents: Mapping[str, Any]) -> dict[str, Any]:
    """The body that states documents."""
    return {"basis": BASIS, "documents": dict(documents)}
