"""What a row said before: versions by the instant of the fact since which each holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from libs.log.read.rows import Row

SINCE = "known_from"


def amend(versions: Sequence[Row], at: datetime, changes: Row) -> list[Row]:
    """The versions, oldest first, once `changes` hold from `at` on.

    A fact that is read late takes its place: it changes the version of its instant and every later one, as the log,
    read in order, lets the later event win.
    """
    before = [version for version in versions if version[SINCE] < at]
    after = [version for version in versions if version[SINCE] >= at]
    if not after or after[0][SINCE] > at:
        begun = before[-1] if before else after[0] if after else {}
        after = [{**begun, SINCE: at}, *after]
    return _distinct([*before, *({**version, **changes} for version in after)])


def _distinct(versions: Sequence[Row]) -> list[Row]:
    """Without versions that say no more than the one before."""
    kept: list[Row] = []
    for version in versions:
        if not kept or {**version, SINCE: None} != {**kept[-1], SINCE: None}:
            kept.append(version)
    return kept
