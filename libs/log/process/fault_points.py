"""Named places at which a process can be made to die, so that tests see what it leaves behind. Nothing else."""

from __future__ import annotations

import os
import signal
from itertools import count

_POINT, _, _TIMES = os.environ.get("EVENTS_CRASH_AT", "").partition(":")
_passed = count(1)


def here(point: str) -> None:
    """Die by SIGKILL when `EVENTS_CRASH_AT=<point>[:<n>]` names this place, at the n-th passing (default: the first).

    Points: `api.after_commit`, `relay.after_send`, `relay.after_ack`, `reader.before_commit`, `reader.after_commit`,
    `timer.before_commit`, `passing_on.before_commit`, `sender.after_channel`.
    """
    if point == _POINT and next(_passed) == int(_TIMES or 1):
        os.kill(os.getpid(), signal.SIGKILL)
