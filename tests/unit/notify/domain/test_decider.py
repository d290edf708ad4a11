"""A message is due once, its fate is recorded once, and nobody but the system tells."""

from datetime import UTC, datetime, timedelta

from libs.case.facts import Facts
from libs.case.testing import given
from libs.events.contracts.notify import MessageDropped, MessageDue, MessageFailed, MessageRequeued, MessageSent
from libs.events.decider import SYSTEM, Actor
from libs.events.errors import Forbidden
from libs.events.ids import MessageId, PersonId
from services.notify.domain.decider import DECIDER
from services.notify.domain.delivery import PAUSES, Delivery, RecordDeliveries
from services.notify.domain.fates import OnlyTheSystemTells
from services.notify.domain.resending import MessageNotUndelivered, RequeueMessage, UnknownMessage
from services.notify.domain.telling import Message, TellOf, message_id
from tests.unit.directory.town import VIEW
from tests.unit.notify.cases import MONDAY

ATTEMPTS = len(PAUSES) + 1
REAL = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
FACTS = Facts(None, VIEW)
CLERK = Message("person:fang-yun", "dispatched", "file", {"urgency": "U3"})
ANONYMOUS = Message("reporter", "closed", "file", {}, "ANONYMOUS")
ID = message_id("e-7", "person:fang-yun", "file")
DUE = MessageDue(
    message_id=ID,
    event_id="e-7",
    event_type="routing.case-dispatched.v1",
    template="dispatched",
    recipient="person:fang-yun",
    channel="file",
    values={"urgency": "U3"},
)
SENT = MessageSent(message_id=ID, channel="file", receipt="person-fang-yun/1.txt")


def tell(*messages: Message) -> TellOf:
    return TellOf(MONDAY, SYSTEM, "e-7", "routing.case-dispatched.v1", messages)


def record(**outcome: str) -> RecordDeliveries:
    return RecordDeliveries(MONDAY, SYSTEM, (Delivery(ID, "file", **outcome),), REAL)  # type: ignore[arg-type]


def failed(attempt: int) -> MessageFailed:
    """A try that failed; the next one is reckoned from the real clock, not from the business time."""
    retry_at = REAL + PAUSES[attempt - 1] if attempt < ATTEMPTS else None
    return MessageFailed(message_id=ID, attempt=attempt, reason="OSError", retry_at=retry_at)


def test_an_event_is_told_once_per_recipient_and_channel() -> None:
    given(DECIDER).when(tell(CLERK, CLERK), FACTS).then(DUE)
    given(DECIDER, DUE).when(tell(CLERK), FACTS).then()


def test_another_recipient_of_the_same_event_is_another_message() -> None:
    assert message_id("e-7", "person:ma-jun", "file") != ID
    assert message_id("e-8", "person:fang-yun", "file") != ID
    assert message_id("e-7", "person:fang-yun", "sms") != ID
    assert len(ID) == 32


def test_whoever_cannot_be_told_is_in_the_ledger_with_the_reason() -> None:
    due, dropped = DECIDER.decide(DECIDER.initial, tell(ANONYMOUS), FACTS)

    assert isinstance(due, MessageDue)
    assert dropped == MessageDropped(message_id=due.message_id, reason="ANONYMOUS")


def test_a_receipt_is_recorded_once() -> None:
    given(DECIDER, DUE).when(record(receipt="person-fang-yun/1.txt"), FACTS).then(SENT)
    given(DECIDER, DUE, SENT).when(record(receipt="person-fang-yun/1.txt"), FACTS).then()


def test_a_failure_is_counted_and_the_message_stays_open() -> None:
    given(DECIDER, DUE).when(record(failure="OSError"), FACTS).then(failed(1))
    given(DECIDER, DUE, failed(1)).when(record(failure="OSError"), FACTS).then(failed(2))
    given(DECIDER, DUE, failed(1)).when(record(receipt="person-fang-yun/1.txt"), FACTS).then(SENT)


def test_after_the_last_try_the_message_is_dropped() -> None:
    given(DECIDER, DUE, failed(ATTEMPTS - 1)).when(record(failure="OSError"), FACTS).then(
        failed(ATTEMPTS), MessageDropped(message_id=ID, reason="UNDELIVERABLE")
    )


def test_a_message_whose_recipient_is_gone_is_dropped() -> None:
    dropped = MessageDropped(message_id=ID, reason="ERASED")

    given(DECIDER, DUE).when(record(dropped="ERASED"), FACTS).then(dropped)
    given(DECIDER, DUE, dropped).when(record(receipt="late"), FACTS).then()


def test_an_outcome_of_an_unknown_message_changes_nothing() -> None:
    given(DECIDER).when(record(receipt="person-fang-yun/1.txt"), FACTS).then()


def test_nobody_sends_a_message_by_hand() -> None:
    by = Actor(PersonId("zhou-min"), "OPERATOR")
    given(DECIDER).when(TellOf(MONDAY, by, "e-7", "x", (CLERK,)), FACTS).then_refused(OnlyTheSystemTells, code="E-ROLE")


def test_a_message_is_tried_for_seven_hours_before_it_is_given_up() -> None:
    assert timedelta(hours=7) < sum(PAUSES, timedelta()) < timedelta(hours=8)


GIVEN_UP = MessageDropped(message_id=ID, reason="UNDELIVERABLE")
REQUEUED = MessageRequeued(message_id=ID, requeued_by=PersonId("han-feng"))
SUPERVISOR = Actor(PersonId("han-feng"), "SUPERVISOR")


def again(by: Actor = SUPERVISOR, message: MessageId = ID) -> RequeueMessage:
    return RequeueMessage(MONDAY, by, message)


def test_a_supervisor_has_an_undelivered_message_sent_again_with_all_its_tries() -> None:
    given(DECIDER, DUE, failed(ATTEMPTS), GIVEN_UP).when(again(), FACTS).then(REQUEUED)
    given(DECIDER, DUE, failed(ATTEMPTS), GIVEN_UP, REQUEUED).when(again(), FACTS).then()
    given(DECIDER, DUE, failed(ATTEMPTS), GIVEN_UP, REQUEUED).when(record(failure="OSError"), FACTS).then(failed(1))


def test_only_what_was_given_up_is_sent_again() -> None:
    overtaken = MessageDropped(message_id=ID, reason="OBSOLETE")

    given(DECIDER, DUE, SENT).when(again(), FACTS).then_refused(MessageNotUndelivered, code="E-MSG-STATE")
    given(DECIDER, DUE, overtaken).when(again(), FACTS).then_refused(MessageNotUndelivered)
    given(DECIDER, DUE).when(again(message=MessageId("x")), FACTS).then_refused(UnknownMessage)


def test_a_clerk_sends_nothing_again() -> None:
    clerk = Actor(PersonId("fang-yun"), "DEPT_CLERK")

    given(DECIDER, DUE, failed(ATTEMPTS), GIVEN_UP).when(again(clerk), FACTS).then_refused(Forbidden)


def test_what_is_covered_by_the_message_of_a_mass_incident_names_it() -> None:
    covered = Delivery(ID, "file", dropped="COVERED", covered_by=MessageId("m-10"))

    given(DECIDER, DUE).when(RecordDeliveries(MONDAY, SYSTEM, (covered,), REAL), FACTS).then(
        MessageDropped(message_id=ID, reason="COVERED", covered_by=MessageId("m-10"))
    )
