"""How seldom a process looks for garbage in cycles. What is not in a cycle goes at once, as ever."""

from __future__ import annotations

import gc

KEPT_OBJECTS = 50_000
"""Made and still kept since Python last looked. By itself it looks each 700 and walks through all that a batch holds;
seen in the p99 of what becomes visible, and in a third of a rebuild's time."""


def tidy_seldom() -> None:
    """For the life of the process: batches and requests keep thousands of objects for a moment and make no cycle."""
    gc.set_threshold(KEPT_OBJECTS)
