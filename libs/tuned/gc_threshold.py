"""How seldom a process looks for garbage in cycles. What is not in a cycle goes at once, as ever.

Why: Python looks each 700 objects and walks through all that a batch holds. It earns a third of a rebuild's time, and
most of the p99 of what becomes visible (`make bench`, rows `rebuild` and `visible`).
"""

from __future__ import annotations

import gc

KEPT_OBJECTS = 50_000
"""Made and still kept since Python last looked."""


def raise_gc_threshold() -> None:
    """For the life of the process: batches and requests keep thousands of objects for a moment and make no cycle."""
    gc.set_threshold(KEPT_OBJECTS)
