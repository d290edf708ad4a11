"""What a caller is offered: whatever is offered can be done, and whatever can be done is offered."""

from collections.abc import Iterator
from datetime import timedelta

from hypothesis import given

from libs.case.facts import Facts
from libs.case.testing import case_of
from libs.directory.facts.view import View
from libs.events.contracts.intake import (
    AppealReceived,
    AppealRestored,
    AppealWithdrawn,
    AttachmentAdded,
    CaseCorrected,
    CaseNotAccepted,
    CaseRegistered,
    CasesToldApart,
    CaseVoided,
    GridEventReported,
    PersonalDataErased,
    RepeatContactReceived,
)
from libs.events.contracts.routing import AssignmentAccepted
from libs.events.contracts.supervision import CaseClosed
from libs.events.decider import Actor
from libs.events.event import Event
from libs.events.ids import CaseId, ClassCode, GridCode, PersonId
from services.intake.domain.allowed_actions import MAY, allowed
from services.intake.domain.attachments import AddAttachment
from services.intake.domain.case_state import State
from services.intake.domain.correction import AnswerDirectly, CorrectCase
from services.intake.domain.decider import DECIDER
from services.intake.domain.erasure import EraseCaseKeys
from services.intake.domain.identity import ReceiveRepeatContact
from services.intake.domain.reception import Place
from services.intake.domain.registration import RegisterCase, RejectCase, VoidCase
from services.intake.domain.suspected import TellCasesApart
from services.intake.domain.withdrawal import RestoreAppeal, WithdrawAppeal
from tests.unit.case.offers import CITIZEN, IMPORTER, Log, Question, Service, questions
from tests.unit.directory.town import VIEW, local
from tests.unit.examples import examples
from tests.unit.routing.givens import FANG_YUN, HOUSING, ZHOU_MIN, acting, dispatched

NINE = local("2026-11-03 09:00")
ELEVEN = NINE + timedelta(hours=2)
ZHOU = PersonId("zhou-min")
LI_FANG = acting("li-fang-grid")
HE_JUN = acting("he-jun-admin")
APPEAL = AppealReceived(
    channel="phone",
    kind="help",
    content="家中停水",
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_phone="13800000000",
)
REPORT = APPEAL.model_copy(update={"kind": "report", "content": "消防通道被堵"})
QUESTION = APPEAL.model_copy(update={"kind": "consult", "content": "医保何时参保"})
FOUND = GridEventReported(
    discoverer=PersonId("li-fang"),
    kind="city_management",
    class_code=ClassCode("manhole"),
    grid=GridCode("G03"),
    content="井盖破损",
    location="1193050000,321050000",
)
REGISTERED = CaseRegistered(
    registered_by=ZHOU, kind="help", class_code=ClassCode("water-outage"), urgency="U2", grid=GridCode("G03")
)
CORRECTED = CaseCorrected(corrected_by=ZHOU, reason="误选", kind="consult")
GONE = AppealWithdrawn(recorded_by=ZHOU, proof="PHONE", continues=False, restorable_until=ELEVEN)
LEFT = AppealWithdrawn(proof="SECRET", continues=True, restorable_until=ELEVEN)
FOR_GOOD = LEFT.model_copy(update={"restorable_until": None})
RESTORED = AppealRestored(proof="SECRET")
AGAIN = RepeatContactReceived(channel="phone")
OTHER, THIRD = CaseId("0191f2a0-0000-7000-8000-00000000000e"), CaseId("0191f2a0-0000-7000-8000-00000000000f")
APART = CasesToldApart(told_by=ZHOU, others=(OTHER,), reason="OTHER_OBJECT")
SENT = dispatched(HOUSING, "water-outage")
SIGNED = AssignmentAccepted(unit=HOUSING, accepted_by=PersonId("fang-yun"))
SHOWN = AttachmentAdded(
    sha256="c" * 64, media_type="image/jpeg", size=90_000, sent_by=PersonId("fang-yun"), unit=HOUSING
)
CLOSED = CaseClosed(closed_by=PersonId("wu-qian"), close_kind="HANDLED", round=1)
VOIDED = CaseVoided(voided_by=ZHOU, reason="误录")
REFUSED = CaseNotAccepted(refused_by=ZHOU, reason_code="OTHER", legal_basis="条例第5条", alternative="信访")
ERASED = PersonalDataErased(erased_by=PersonId("he-jun"), kinds=("reporter",), ground="CONSENT_WITHDRAWN")
ALL_ERASED = ERASED.model_copy(update={"kinds": ("reporter", "case")})


def log(*events: Event) -> Log:
    """One after the other, a minute apart."""
    return [(NINE + timedelta(minutes=number), event) for number, event in enumerate(events)]


HISTORIES: list[tuple[Log, View]] = [
    (log(APPEAL, REGISTERED, CORRECTED, AGAIN, APART, SENT, SIGNED, CLOSED, ERASED), VIEW),
    (log(APPEAL, GONE, RESTORED, REGISTERED, GONE, ALL_ERASED), VIEW),
    (log(REPORT, LEFT, RESTORED, LEFT, REGISTERED, SENT, CLOSED), VIEW),
    (log(REPORT, REGISTERED, FOR_GOOD, VOIDED), VIEW),
    (log(FOUND, REGISTERED, SENT, SHOWN), VIEW),
    (log(QUESTION, REFUSED), VIEW),
]
CONCERNED = [ZHOU_MIN, LI_FANG, HE_JUN, FANG_YUN, CITIZEN, IMPORTER]


def registrations(asked: Question) -> Iterator[RegisterCase]:
    for item in asked.facts.directory.classes:
        yield RegisterCase(asked.at, asked.by, item.code, "U3", "help")


def corrections(asked: Question) -> Iterator[CorrectCase]:
    yield CorrectCase(asked.at, asked.by, "误选")
    yield CorrectCase(asked.at, asked.by, "误选", kind="complaint")
    yield CorrectCase(asked.at, asked.by, "误选", class_code=ClassCode("street-light"))
    yield CorrectCase(asked.at, asked.by, "误选", content="三单元停水", place=Place(grid=GridCode("G04")))


def owners(asked: Question) -> tuple[bool, ...]:
    """Secrets and telephones are compared outside: what was found on patrol belongs to nobody."""
    return (True, False) if asked.facts.known_case().found == "APPEAL" else (False,)


def withdrawals(asked: Question) -> Iterator[WithdrawAppeal]:
    for owner in owners(asked):
        yield WithdrawAppeal(asked.at, asked.by, "PHONE", owner)
        yield WithdrawAppeal(asked.at, asked.by, "SECRET", owner, "已恢复")


def restorations(asked: Question) -> Iterator[RestoreAppeal]:
    for owner in owners(asked):
        yield RestoreAppeal(asked.at, asked.by, "PHONE", owner)
        yield RestoreAppeal(asked.at, asked.by, "SECRET", owner)


def erasures(asked: Question) -> Iterator[EraseCaseKeys]:
    for kinds in (("reporter",), ("case",), ("reporter", "case")):
        yield EraseCaseKeys(asked.at, asked.by, kinds, "CONSENT_WITHDRAWN")


def told(log: Log, view: View) -> tuple[State, Facts]:
    own: list[Event] = [event for _, event in log if event.owner == "intake"]
    return DECIDER.fold(own), Facts(case_of(*log), view)


INTAKE = Service(
    DECIDER,
    allowed,
    {
        "register": registrations,
        "reject": lambda asked: [RejectCase(asked.at, asked.by, "OTHER", "条例第5条", "信访")],
        "void": lambda asked: [VoidCase(asked.at, asked.by, "误录")],
        "answer": lambda asked: [AnswerDirectly(asked.at, asked.by, "social-insurance-0012", "每年9月至12月")],
        "correct": corrections,
        "withdraw": withdrawals,
        "restore": restorations,
        "repeat-contacts": lambda asked: [ReceiveRepeatContact(asked.at, asked.by, "phone")],
        "tell-apart": lambda asked: [
            TellCasesApart(asked.at, asked.by, (one,), "OTHER_MATTER") for one in (OTHER, THIRD)
        ],
        "attachments": lambda asked: [
            AddAttachment(asked.at, asked.by, one * 64, "image/jpeg", 90_000) for one in "cdef"
        ],
        "erase": erasures,
    },
    told,
    HISTORIES,
    CONCERNED,
)


@examples(300)
@given(questions(INTAKE))
def test_what_is_offered_can_be_done_and_what_can_be_done_is_offered(asked: Question) -> None:
    """A command that finds it already so counts as neither offered nor refused."""
    assert INTAKE.disagreements(asked) == []


def test_so_it_is_at_every_stage_for_everybody_concerned_and_every_action_is_somebodys() -> None:
    """What is offered to nobody would agree with anything."""
    stages = [*INTAKE.stages()]
    assert [(asked.by, wrong) for asked in stages for wrong in INTAKE.disagreements(asked)] == []
    offered = {action for asked in stages for action in INTAKE.offered(asked)}
    assert offered == INTAKE.inputs.keys() == MAY.keys()


def offered(*events: Event, by: Actor = ZHOU_MIN, after: timedelta = timedelta()) -> list[str]:
    """What somebody may do after these events."""
    state, facts = told(log(*events), VIEW)
    return allowed(state, by, facts, log(*events)[-1][0] + after)


def test_the_case_says_what_can_be_done_with_it() -> None:
    assert offered(APPEAL, GONE) == ["restore"]
    desk = ["void", "correct", "withdraw", "tell-apart", "repeat-contacts", "attachments"]
    assert offered(APPEAL, REGISTERED) == desk
    left = offered(REPORT, REGISTERED, LEFT)
    assert ("restore" in left, "withdraw" in left) == (True, False)
    assert offered(APPEAL, GONE, after=timedelta(hours=2)) == []


def test_only_a_question_can_be_answered_on_the_spot() -> None:
    assert "answer" in offered(QUESTION)
    assert "answer" not in offered(APPEAL)


def test_what_was_found_on_patrol_has_no_reporter_who_could_withdraw_it() -> None:
    found = ["register", "reject", "void", "correct", "tell-apart", "repeat-contacts", "attachments"]
    assert offered(FOUND) == found
    assert offered(APPEAL, by=CITIZEN) == ["withdraw"]
