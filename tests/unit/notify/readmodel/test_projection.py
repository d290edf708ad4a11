"""The ledger as the log tells it: since when a message is due, its fate, and a telephone that stays sealed."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from libs.case.testing import log_of
from libs.events.contracts import intake
from libs.events.contracts.notify import MessageDropped, MessageDue, MessageFailed, MessageRequeued, MessageSent
from libs.events.envelope import Recorded, wire_instant
from libs.events.event import Event, Sealed
from libs.events.ids import GridCode, MessageId, PersonId
from libs.log.read.rows import ReadModel
from services.notify.readmodel.projection import project
from services.notify.readmodel.tables import TABLES, message, reporter, wording
from tests.unit.notify.cases import CASE, MONDAY, appeal

ID = MessageId("5f0c1c3e9b7a4d528e6f10a2b3c4d5e6")
DUE = MessageDue(
    message_id=ID,
    event_id="e-7",
    event_type="intake.case-registered.v1",
    template="registered",
    recipient="person:chen-li",
    channel="email",
    values={"class_code": "manhole", "grid": "G03", "urgency": "U3"},
)
PHONE = Sealed(sealed=f"{CASE}/reporter", type="intake.appeal-received.v1", field="reporter_phone", nonce="n", data="d")
RECEIVED = intake.AppealReceived(
    channel="phone",
    kind="complaint",
    content=PHONE,
    grid=GridCode("G03"),
    reporter_kind="NAMED",
    reporter_phone=PHONE,
)
SHEN_LAN = PersonId("shen-lan")
ERASED = intake.PersonalDataErased(erased_by=SHEN_LAN, kinds=("reporter",), ground="《个人信息保护法》")


def ledger(*events: Event | Recorded) -> ReadModel:
    """The read model after these events of one case."""
    rows = ReadModel(TABLES)
    for event in events:
        recorded = event if isinstance(event, Recorded) else log_of((MONDAY, event), case_id=CASE)[0]
        project(rows, recorded, appeal())
    return rows


def row(*events: Event | Recorded) -> dict[str, Any]:
    found = ledger(*events)[message].get(ID)
    assert found is not None
    return found


def recorded_later(event: Event, happened: datetime) -> Recorded:
    """Recorded on Monday, of something that happened before."""
    (recorded,) = log_of((MONDAY, event), case_id=CASE)
    return replace(recorded, attributes={**recorded.attributes, "ce_time": wire_instant(happened)})


def test_a_message_is_due_since_its_event_also_when_nobody_was_there_to_record_it() -> None:
    outage = MONDAY - timedelta(hours=2)

    assert row(recorded_later(DUE, outage))["due_at"] == outage


def test_a_message_that_is_sent_again_begins_anew() -> None:
    failed = MessageFailed(message_id=ID, attempt=1, reason="TIMEOUT", retry_at=MONDAY)
    dead = MessageDropped(message_id=ID, reason="UNDELIVERABLE")
    again = MessageRequeued(message_id=ID, requeued_by=PersonId("han-feng"))

    assert (row(DUE, failed)["state"], row(DUE, failed)["retry_at"]) == ("FAILED", MONDAY)
    assert (row(DUE, failed, dead)["state"], row(DUE, failed, dead)["retry_at"]) == ("DROPPED", None)
    assert (row(DUE, failed, dead, again)["state"], row(DUE, failed, dead, again)["attempts"]) == ("DUE", 0)


def test_the_one_message_of_a_mass_incident_is_found_again_by_what_it_shares() -> None:
    sent = MessageSent(message_id=ID, channel="email", receipt="<x>", mass=True)

    assert (row(DUE, sent)["mass"], row(DUE, sent)["alike"]) == (True, "email/registered/manhole/G03")


def test_a_telephone_is_kept_sealed_until_its_key_is_destroyed() -> None:
    known = ledger(RECEIVED)[reporter].get(CASE)

    assert known is not None
    assert known["phone"] == PHONE.model_dump()
    assert ledger(RECEIVED, ERASED)[reporter].get(CASE) is None


def test_what_the_operator_wrote_is_kept_sealed_until_the_case_is_erased() -> None:
    said = PHONE.model_copy(update={"field": "legal_basis"})
    (refused,) = log_of(
        (MONDAY, intake.CaseNotAccepted(refused_by=SHEN_LAN, reason_code="OTHER", legal_basis=said, alternative=said)),
        case_id=CASE,
    )
    (kept,) = ledger(refused)[wording].of_case(CASE)

    assert (kept["event_id"], set(kept["sealed"])) == (refused.id, {"legal_basis", "alternative"})
    assert kept["sealed"]["legal_basis"] == said.model_dump()
    everything = ERASED.model_copy(update={"kinds": ("reporter", "case")})
    assert ledger(refused, ERASED)[wording].of_case(CASE) == [kept]
    assert ledger(refused, everything)[wording].of_case(CASE) == []
