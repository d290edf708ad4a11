"""上传附件: who has something to show of a case, for how long, and how much of it."""

import pytest

from libs.case.facts import Facts
from libs.case.refusals import NotInThisState
from libs.case.testing import given
from libs.events.contracts.intake import AttachmentAdded, CaseVoided
from libs.events.contracts.supervision import ReworkOrdered, VerificationAssigned
from libs.events.decider import Actor
from libs.events.errors import NotFound
from libs.events.event import Event
from libs.events.ids import PersonId
from services.intake.domain.attachments import MOST_PER_SENDER, AddAttachment, NotASender, TooManyAttachments
from services.intake.domain.decider import DECIDER
from tests.unit.case.offers import IMPORTER
from tests.unit.directory.town import VIEW
from tests.unit.routing.givens import (
    FANG_YUN,
    HOUSING,
    LITTER,
    NOON,
    ODOUR,
    TANG_JING,
    TEN,
    WANG_JIANGUO,
    ZHENG_KAI,
    ZHOU_MIN,
    acting,
    dispatched,
    facts,
)

PICTURE = "c" * 64
LI_FANG = acting("li-fang-grid")
ODOUR_SENT = (*ODOUR, (TEN, dispatched(HOUSING, "sewer-odour")))
ASKED = VerificationAssigned(verifier=PersonId("li-fang"), assigned_by=PersonId("wu-qian"), round=1, because="OWN_GRID")


def adding(by: Actor, sha256: str = PICTURE) -> AddAttachment:
    """A photo of ninety kilobytes."""
    return AddAttachment(NOON, by, sha256, "image/jpeg", 90_000)


def added(by: Actor, sha256: str = PICTURE, **fields: str) -> AttachmentAdded:
    return AttachmentAdded(sha256=sha256, media_type="image/jpeg", size=90_000, sent_by=by.person, **fields)


def own(log: tuple[tuple[object, Event], ...]) -> list[Event]:
    return [event for _, event in log if event.owner == "intake"]


def test_the_desk_and_who_found_it_add_what_they_have() -> None:
    for by, log in ((ZHOU_MIN, ODOUR), (acting("wang-jianguo-grid"), LITTER)):
        given(DECIDER, *own(log)).when(adding(by), facts(*log)).then(added(by))


def test_what_a_unit_sends_says_for_which_unit() -> None:
    given(DECIDER, *own(ODOUR)).when(adding(ZHENG_KAI), facts(*ODOUR_SENT)).then(added(ZHENG_KAI, unit=HOUSING))


def test_who_is_asked_to_verify_sends_what_he_sees_and_the_grid_worker_beside_him_nothing() -> None:
    known = facts(*ODOUR_SENT, (NOON, ASKED))
    given(DECIDER, *own(ODOUR)).when(adding(LI_FANG), known).then(added(LI_FANG))
    refusal = given(DECIDER, *own(ODOUR)).when(adding(acting("zhao-qiang-grid")), known)
    assert refusal.then_refused(NotASender, code="E-SENDER").allowed == ("OPERATOR", "li-fang", HOUSING)


@pytest.mark.parametrize(
    "by", [TANG_JING, acting("han-feng-supervisor"), acting("he-jun-admin"), acting("wu-qian-reviewer"), IMPORTER]
)
def test_who_has_no_part_in_the_case_adds_nothing_though_he_sees_it(by: Actor) -> None:
    given(DECIDER, *own(ODOUR)).when(adding(by), facts(*ODOUR_SENT)).then_refused(NotASender)


def test_before_the_unit_has_it_and_after_it_ended_the_unit_adds_nothing() -> None:
    given(DECIDER, *own(ODOUR)).when(adding(FANG_YUN), facts(*ODOUR)).then_refused(NotASender)
    voided = CaseVoided(voided_by=PersonId("zhou-min"), reason="误录")
    ended = facts(*ODOUR, (TEN, voided))
    given(DECIDER, *own(ODOUR), voided).when(adding(ZHOU_MIN), ended).then_refused(NotInThisState)


def test_the_same_photo_of_the_same_person_is_there_already_and_of_another_is_another() -> None:
    known = facts(*ODOUR_SENT, (TEN, added(ZHENG_KAI, unit=HOUSING)))
    past = given(DECIDER, *own(ODOUR), added(ZHENG_KAI, unit=HOUSING))
    past.when(adding(ZHENG_KAI), known).then()
    past.when(adding(ZHOU_MIN), known).then(added(ZHOU_MIN))


def test_in_another_round_the_same_paper_is_sent_for_that_round() -> None:
    first = added(ZHENG_KAI, unit=HOUSING)
    again = ReworkOrdered(round=2, ordered_by=PersonId("wu-qian"), because="REVIEWER")
    known = facts(*ODOUR_SENT, (TEN, first), (NOON, again))
    given(DECIDER, *own(ODOUR), first).when(adding(ZHENG_KAI), known).then(first)


def test_nobody_fills_a_case_for_the_others() -> None:
    sent = [added(ZHOU_MIN, f"{number:064x}") for number in range(MOST_PER_SENDER)]
    known = facts(*ODOUR_SENT, *((TEN, one) for one in sent))
    past = given(DECIDER, *own(ODOUR), *sent)
    past.when(adding(ZHOU_MIN), known).then_refused(TooManyAttachments, code="E-TOO-MANY")
    past.when(adding(ZHENG_KAI), known).then(added(ZHENG_KAI, unit=HOUSING))


def test_nothing_can_be_added_to_a_case_that_nobody_reported() -> None:
    given(DECIDER).when(adding(ZHOU_MIN), Facts(None, VIEW)).then_refused(NotFound)


def test_a_village_cadre_who_found_it_has_no_part_in_it_as_the_cadre() -> None:
    given(DECIDER, *own(LITTER)).when(adding(WANG_JIANGUO), facts(*LITTER)).then_refused(NotASender)
