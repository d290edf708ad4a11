"""What can happen to a clock: the operations that fold.py folds. No logic here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from libs.directory.rules.calendar import Limit
from libs.events.contracts.parts.clock import Clock

NEWEST = 1 << 62
"""Position of the operation that is being appended: behind all that the log holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something took effect at `at`; `position`, its place in the log, decides between equal instants."""

    at: datetime
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started(Occurrence):
    """The clock starts, unless its stage or its case is already over (CLK-14): then it never runs.

    `limit` counts from `at`, or on from the due instant `counted_from` (the overall clock, CLK-09). `upstream` is the
    sender's deadline: the earlier of both holds. `quiet_until`: when an order moved in; what came before is nobody's
    to be told any more. Raises ValueError when neither is given.
    """

    clock: Clock
    round: int = 1
    limit: Limit | None = None
    counted_from: datetime | None = None
    upstream: datetime | None = None
    quiet_until: datetime | None = None

    def __post_init__(self) -> None:
        if self.limit is None and self.upstream is None:
            raise ValueError("no limit and no upstream deadline: there is no such clock (CLK-09)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped(Occurrence):
    """The stage is finished; of several, the earliest counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Continued(Occurrence):
    """The finished stage goes on; the time between is not charged (CLK-13).

    `round` is the new round of an overall clock that runs on after a rework or a reopening; None keeps the round.
    """

    round: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(Occurrence):
    """挂账: the clock rests, and its due instant moves with the pause (CLK-10, CLK-11)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Occurrence):
    """The pause is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Occurrence):
    """并案: the clock rests, its due instant stays; one that passes meanwhile is exempt (CLK-18)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(Occurrence):
    """The merge was undone: the original due instant holds again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extended(Occurrence):
    """延期: the limit is added to the current due instant (CLK-12); the sender's deadline stays where it is."""

    limit: Limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Recounted(Occurrence):
    """A calendar was published: the limit is counted anew, and never ends earlier than it was said to (CLK-15).

    `counted_from`, where the limit counts on from a due instant, is that one, counted anew.
    """

    calendar_version: int
    counted_from: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Occurrence):
    """A terminal event of the case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopened(Occurrence):
    """The case lives again; a clock that nothing but its end had stopped goes on, the time between is not charged.

    It takes back the ends that the log holds before it: one read later stands, though its instant may be earlier.
    """


Counting = Started | Stopped | Continued | Paused | Resumed | Held | Released | Extended | Ended | Reopened
Operation = Counting | Recounted
