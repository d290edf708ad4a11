"""What this process has done to the log since it started: plain numbers for whoever measures. Knows no such library."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Counters:
    """Only ever counts up."""

    appended: int = 0
    """Events appended, also where the transaction failed afterwards."""
    conflicts: int = 0
    """Appends that found the stream moved on."""
    passed_over: Counter[str] = field(default_factory=Counter)
    """Records of topics that nobody applies, by reason."""


COUNTERS = Counters()
