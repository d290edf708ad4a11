"""Which clocks a case has, and from what they start (rulebook.md e.2, CLK-09). Pure; the table is the rulebook's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from libs.directory.rules.calendar import Limit, due
from libs.directory.rules.work_calendar import WorkCalendar
from libs.events.contracts.parts.clock import Clock
from services.supervision.domain.clocks.operations import Started


@dataclass(frozen=True, slots=True)
class CaseLimits:
    """The limits that hold for one case, looked up for its class, kind and urgency; None = no clock."""

    dispatch: Limit | None = None
    sign: Limit | None = None
    first_contact: Limit | None = None
    handling: Limit | None = None
    rework: Limit | None = None
    return_decision: Limit | None = None
    arbitration: Limit | None = None
    review: Limit | None = None
    verification: Limit | None = None
    callback: Limit | None = None
    tries: Limit | None = None
    """How long a reporter who was not reached at once is tried again (`callback.within`)."""
    close: Limit | None = None
    response: Limit | None = None
    upstream: datetime | None = None
    """The deadline that the sender gave."""

    @staticmethod
    def of(upstream: datetime | None = None, **limits: str) -> CaseLimits:
        """From the rulebook's texts. `refused` makes no clock: intake let no such case in (E-CLASS)."""
        known = {stage: Limit.parse(text) for stage, text in limits.items() if text != "refused"}
        return CaseLimits(upstream=upstream, **known)


def start_of(
    clock: Clock,
    limits: CaseLimits,
    calendar: WorkCalendar,
    *,
    at: datetime,
    position: int,
    round: int = 1,  # noqa: A002
    again: bool = False,
) -> Started | None:
    """The start of a clock by a fact at `at`; None where the rulebook and the sender set no limit (CLK-09).

    The overall clock starts at registration: its limit counts on from the due instant of dispatch. An upstream
    deadline replaces it, and bounds the handling clock. `again`: the reporter is tried once more.
    """
    limit, counted_from, upstream = limits.handling, None, limits.upstream
    match clock:
        case "overall":
            limit = None if upstream else limit
            counted_from = due(at, limits.dispatch, calendar) if limit and limits.dispatch else None
        case "handling":
            pass
        case "callback":
            limit, upstream = limits.tries if again else limits.callback, None
        case "dispatch" | "sign" | "first_contact" | "rework" | "return_decision" | "arbitration" | "response":
            limit, upstream = getattr(limits, clock), None
        case "review" | "verification" | "close":
            limit, upstream = getattr(limits, clock), None
        case _:
            assert_never(clock)
    if limit is None and upstream is None:
        return None
    return Started(
        at=at,
        position=position,
        clock=clock,
        round=round,
        limit=limit,
        counted_from=counted_from,
        upstream=upstream,
    )
