"""What a caller may do next with a case: paths below it, and none that a rule forbids him. Pure; `decide` decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from libs.case.facts import Facts
from libs.case.state import Case
from libs.events.decider import Actor
from services.intake.domain.attachments import MOST_PER_SENDER, is_sender
from services.intake.domain.case_state import ALLOWED, State
from services.intake.domain.erasure import EVERYTHING
from services.intake.domain.identity import may_take_repeat_contact

ALWAYS = ("repeat-contacts", "attachments", "erase")
"""What does not wait for a state of intake's own."""


def allowed(state: State, by: Actor, facts: Facts, at: datetime) -> list[str]:
    """What the caller may do at this instant; each with some input or other."""
    if state.status == "NONE" or facts.case is None:
        return []
    asker = Asker(state, facts.case, by, at)
    back = ("restore",) if state.reporter_left else ()
    return [action for action in (*ALLOWED.get(state.status, ()), *back, *ALWAYS) if MAY[action](asker)]


@dataclass(frozen=True)
class Asker:
    """Who asks what he may do with a case, and when."""

    state: State
    case: Case
    by: Actor
    at: datetime

    @property
    def is_operator(self) -> bool:
        """Whether he sits at the desk."""
        return self.by.role == "OPERATOR"

    @property
    def is_owner(self) -> bool:
        """The citizen with his receipt, or the operator for one who calls; what was found on patrol is nobody's."""
        return self.by.role in ("OPERATOR", "CITIZEN") and self.case.found == "APPEAL"


def may_answer(asker: Asker) -> bool:
    """A question."""
    return asker.is_operator and asker.state.kind == "consult"


def may_void(asker: Asker) -> bool:
    """No unit has had it."""
    return asker.is_operator and not asker.case.units


def may_withdraw(asker: Asker) -> bool:
    """The appeal is open, and its reporter has not left it already."""
    return asker.is_owner and not asker.case.ended and not asker.state.reporter_left


def may_restore(asker: Asker) -> bool:
    """Within the window, where nothing else has ended the case meanwhile."""
    until, ended = asker.state.restorable_until, asker.case.ended and asker.case.state != "WITHDRAWN"
    return asker.is_owner and not ended and (until is None or asker.at <= until)


def may_take_again(asker: Asker) -> bool:
    """Whoever takes appeals, while the case is open."""
    return may_take_repeat_contact(asker.by) and not asker.case.ended


def may_attach(asker: Asker) -> bool:
    """Whoever has a part in it, and has not sent all that one person may."""
    sent = sum(one.by == asker.by.person for one in asker.case.attachments)
    return is_sender(asker.by, asker.case) and not asker.case.ended and sent < MOST_PER_SENDER


def may_erase(asker: Asker) -> bool:
    """A key of the case is left to destroy."""
    return asker.by.role == "ADMIN" and not asker.state.erased >= EVERYTHING


MAY: Mapping[str, Callable[[Asker], bool]] = {
    "register": lambda asker: asker.is_operator,
    "reject": lambda asker: asker.is_operator,
    "void": may_void,
    "answer": may_answer,
    "correct": lambda asker: asker.is_operator and not asker.case.ended,
    "withdraw": may_withdraw,
    "restore": may_restore,
    "repeat-contacts": may_take_again,
    "tell-apart": lambda asker: asker.is_operator and not asker.case.ended,
    "attachments": may_attach,
    "erase": may_erase,
}
"""Action → whether the caller may do it where it is open."""
