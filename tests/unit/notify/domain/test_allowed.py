"""What a caller is offered: whatever is offered can be done, and whatever can be done is offered."""

from datetime import timedelta

from hypothesis import given

from libs.case.facts import Facts
from libs.directory.facts.view import View
from libs.events.contracts.notify import MessageDropped, MessageDue, MessageFailed, MessageRequeued, MessageSent
from libs.events.event import Event
from libs.events.ids import MessageId, PersonId
from services.notify.domain.allowed_actions import allowed
from services.notify.domain.decider import DECIDER
from services.notify.domain.fates import State
from services.notify.domain.resending import RequeueMessage
from tests.unit.case.offers import Log, Question, Service, questions
from tests.unit.directory.town import VIEW
from tests.unit.examples import examples
from tests.unit.notify.cases import MONDAY
from tests.unit.routing.givens import FANG_YUN, acting

FIRST, SECOND = MessageId("a" * 32), MessageId("b" * 32)
HAN_FENG = acting("han-feng-supervisor")
HE_JUN = acting("he-jun-admin")


def due(message: MessageId) -> MessageDue:
    return MessageDue(
        message_id=message,
        event_id="e-7",
        event_type="routing.case-dispatched.v1",
        template="dispatched",
        recipient="person:fang-yun",
        channel="file",
        values={},
    )


def log(*events: Event) -> Log:
    return [(MONDAY + timedelta(minutes=number), event) for number, event in enumerate(events)]


def given_up(message: MessageId) -> MessageDropped:
    return MessageDropped(message_id=message, reason="UNDELIVERABLE")


HISTORIES: list[tuple[Log, View]] = [
    (
        log(
            due(FIRST),
            MessageFailed(message_id=FIRST, attempt=1, reason="OSError", retry_at=None),
            given_up(FIRST),
            due(SECOND),
            MessageSent(message_id=SECOND, channel="file", receipt="person-fang-yun/1.txt"),
            MessageRequeued(message_id=FIRST, requeued_by=PersonId("han-feng")),
            MessageSent(message_id=FIRST, channel="file", receipt="person-fang-yun/2.txt"),
        ),
        VIEW,
    ),
    (log(due(FIRST), MessageDropped(message_id=FIRST, reason="ANONYMOUS"), due(SECOND), given_up(SECOND)), VIEW),
]
CONCERNED = [HAN_FENG, HE_JUN, FANG_YUN]


def told(log: Log, view: View) -> tuple[State, Facts]:
    return DECIDER.fold([event for _, event in log]), Facts(None, view)


def resendings(asked: Question) -> list[RequeueMessage]:
    return [RequeueMessage(asked.at, asked.by, one) for one in (FIRST, SECOND, MessageId("c" * 32))]


NOTIFY = Service(DECIDER, allowed, {"resend_message": resendings}, told, HISTORIES, CONCERNED)


@examples(200)
@given(questions(NOTIFY))
def test_what_is_offered_can_be_done_and_what_can_be_done_is_offered(asked: Question) -> None:
    """A command that finds it already so counts as neither offered nor refused."""
    assert NOTIFY.disagreements(asked) == []


def test_so_it_is_at_every_stage_for_everybody_concerned_and_every_action_is_somebodys() -> None:
    """What is offered to nobody would agree with anything."""
    stages = [*NOTIFY.stages()]
    assert [(asked.by, wrong) for asked in stages for wrong in NOTIFY.disagreements(asked)] == []
    offered = {action for asked in stages for action in NOTIFY.offered(asked)}
    assert offered == NOTIFY.inputs.keys()
